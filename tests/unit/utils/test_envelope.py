"""The signed envelope: whole and ours, or refused."""

from __future__ import annotations

import hashlib
import hmac
import struct

import pytest

from utils.envelope import CLOCK_GUARD_SECONDS, Entry, seal, unseal
from utils.errors import CorruptEntry

KEY, SECRET = "ab" * 32, b"s" * 32
ENTRY = Entry(b"payload" * 10, 1000.0, 2000.0, 0.125)


def sealed() -> bytes:
    return seal(ENTRY, key=KEY, secret=SECRET)


def test_an_entry_comes_back_whole() -> None:
    back = unseal(sealed(), key=KEY, secret=SECRET)
    assert bytes(back.payload) == ENTRY.payload
    assert (back.created_at, back.expires_at, back.cost_seconds) == (1000.0, 2000.0, 0.125)


def test_the_layout_is_what_the_documentation_says() -> None:
    """Built by hand from the layout: another implementation would write these bytes."""
    head = struct.pack("<4sHHdddQ", b"CSE1", 1, 64, 1000.0, 2000.0, 125.0, 70)
    body = head + KEY.encode() + ENTRY.payload
    assert sealed() == body + hmac.new(SECRET, body, hashlib.sha256).digest()


def test_every_flipped_bit_is_refused() -> None:
    data = sealed()
    for position in range(len(data)):
        for bit in range(8):
            damaged = bytearray(data)
            damaged[position] ^= 1 << bit
            with pytest.raises(CorruptEntry):
                unseal(bytes(damaged), key=KEY, secret=SECRET)


def test_every_cut_and_every_addition_is_refused() -> None:
    data = sealed()
    for length in range(len(data)):
        with pytest.raises(CorruptEntry):
            unseal(data[:length], key=KEY, secret=SECRET)
    for more in (b"\0", b"x" * 100, data):
        with pytest.raises(CorruptEntry):
            unseal(data + more, key=KEY, secret=SECRET)
        with pytest.raises(CorruptEntry):
            unseal(more + data, key=KEY, secret=SECRET)


@pytest.mark.parametrize("key", ["cd" * 32, "ab" * 31, "ab" * 33, ""])
def test_another_keys_entry_is_refused(key: str) -> None:
    with pytest.raises(CorruptEntry):
        unseal(sealed(), key=key, secret=SECRET)


def test_another_secret_is_refused() -> None:
    with pytest.raises(CorruptEntry):
        unseal(sealed(), key=KEY, secret=b"t" * 32)


@pytest.mark.parametrize(
    ("magic", "version", "length", "created"),
    [
        (b"CSE2", 1, 70, 1000.0), (b"CSE1", 0, 70, 1000.0), (b"CSE1", 2, 70, 1000.0),
        (b"CSE1", 1, 69, 1000.0), (b"CSE1", 1, 70, float("nan")), (b"CSE1", 1, 70, float("inf")),
    ],
)  # fmt: skip
def test_other_formats_are_refused_even_when_signed(
    magic: bytes, version: int, length: int, created: float
) -> None:
    head = struct.pack("<4sHHdddQ", magic, version, 64, created, 2000.0, 125.0, length)
    body = head + KEY.encode() + ENTRY.payload
    with pytest.raises(CorruptEntry):
        unseal(body + hmac.digest(SECRET, body, "sha256"), key=KEY, secret=SECRET)


def test_an_entry_lives_from_its_making_to_its_expiry() -> None:
    assert ENTRY.alive(1000.0)
    assert ENTRY.alive(1999.9)
    assert not ENTRY.alive(2000.0)
    assert ENTRY.alive(1000.0 - CLOCK_GUARD_SECONDS)
    assert not ENTRY.alive(1000.0 - CLOCK_GUARD_SECONDS - 1)

"""The signed envelope around every entry that leaves the process.

    magic 4 | version 2 | key length 2 | created 8 | expires 8 | cost 8 | payload length 8
    | key | payload | HMAC-SHA256 of everything before, 32

Times are seconds since 1970, the cost is in milliseconds. The algorithm is fixed here, never
read from the bytes, and the comparison takes constant time. The key is signed too, so a valid
entry cannot be served under another key.
"""

from __future__ import annotations

import hmac
import math
import struct
from dataclasses import dataclass
from typing import Final

from utils.errors import CorruptEntry

_MAGIC: Final = b"CSE1"
_VERSION: Final = 1
_HEAD = struct.Struct("<4sHHdddQ")
_MAC_BYTES: Final = 32
HEAD_BYTES: Final = _HEAD.size

#: How far clocks of one deployment may disagree before an entry counts as from the future.
CLOCK_GUARD_SECONDS: Final = 300.0


@dataclass(frozen=True, slots=True)
class Entry:
    """One stored value: its codec bytes, when it was made and dies, what it cost to compute."""

    payload: bytes | memoryview
    created_at: float
    expires_at: float
    cost_seconds: float

    def alive(self, now: float) -> bool:
        """True while the entry may be served. Expiry is absolute: reading never extends it."""
        return self.created_at - CLOCK_GUARD_SECONDS <= now < self.expires_at


@dataclass(frozen=True, slots=True)
class Head:
    """What an envelope says of itself, not verified: for lists, never for serving."""

    created_at: float
    cost_seconds: float


def head_of(data: bytes) -> Head | None:
    """The head of a sealed entry, of which at least `HEAD_BYTES` are needed; None without one."""
    if len(data) < HEAD_BYTES or not data.startswith(_MAGIC):
        return None
    _, _, _, created_at, _, cost, _ = _HEAD.unpack_from(data)
    known = math.isfinite(created_at) and math.isfinite(cost)
    return Head(created_at, cost / 1e3) if known else None


def seal(entry: Entry, *, key: str, secret: bytes) -> bytes:
    """The signed bytes of `entry` under `key`."""
    name = key.encode()
    head = _HEAD.pack(
        _MAGIC, _VERSION, len(name), entry.created_at, entry.expires_at,
        entry.cost_seconds * 1e3, len(entry.payload),
    )  # fmt: skip
    body = b"".join((head, name, entry.payload))
    return body + hmac.digest(secret, body, "sha256")


def unseal(data: bytes, *, key: str, secret: bytes) -> Entry:
    """The entry in `data`; CorruptEntry unless every byte is what `seal` wrote for `key`.

    An expired entry is returned: whoever asked decides by `Entry.alive`.
    """
    name = key.encode()
    start = _HEAD.size + len(name)
    if len(data) < start + _MAC_BYTES:
        raise CorruptEntry("A stored result is cut short.")
    view = memoryview(data)
    signed, mac = view[:-_MAC_BYTES], view[-_MAC_BYTES:]
    if not hmac.compare_digest(hmac.digest(secret, signed, "sha256"), mac):
        raise CorruptEntry("A stored result does not carry our signature.")
    magic, version, named, created, expires, cost_ms, length = _HEAD.unpack_from(data)
    if magic != _MAGIC or version != _VERSION:
        raise CorruptEntry("A stored result has another format.")
    if named != len(name) or view[_HEAD.size : start] != name:
        raise CorruptEntry("A stored result belongs to another key.")
    if length != len(signed) - start or not all(map(math.isfinite, (created, expires, cost_ms))):
        raise CorruptEntry("A stored result has impossible times or lengths.")
    return Entry(signed[start:], created, expires, cost_ms / 1e3)

"""Saved sessions: what goes in comes out, and nothing else gets in."""

from __future__ import annotations

import hashlib
import json
import random
import re
import struct
import time
import tracemalloc
from collections import Counter
from dataclasses import replace
from typing import Any

import blake3
import pytest
from hypothesis import given
from hypothesis import strategies as st

from utils.bounded_json import JsonLimits, NotPlain, TooLarge, read_json, write_json
from utils.errors import BadSessionFile
from utils.saved_session import SavedSession, SessionLimits, read_session, write_session

DATA = b"id,age\n1,60\n2,71\n"
SESSION = SavedSession(
    made_with="Clinstat 0.1.0",
    saved_at="2026-11-20T19:00:00+00:00",
    file_name="trial 7.csv",
    fingerprint=blake3.blake3(DATA).hexdigest(),
    read_choices={"separator": ",", "text_columns": ["id"]},
    variables=(
        {"name": "id", "kind": "identifier"},
        {"name": "sex", "kind": "binary", "levels": ["0", "1"], "level_labels": ["f", "m"],
         "reference": "0", "missing_codes": [], "unit": "", "label": "Sex"},
    ),
    inputs={"outcome": {"event": "yes", "predictors": ["age", "sex"], "level": 0.95, "robust": None}},
    data=DATA,
)  # fmt: skip


def sealed(plain: Any, data: bytes = b"", *, version: int = 1, text: bytes | None = None) -> bytes:
    """A file by the published layout, written without the code under test."""
    body = json.dumps(plain).encode() if text is None else text
    whole = b"CLINSTAT SESSION\n" + struct.pack(">HIQ", version, len(body), len(data)) + body + data
    return whole + hashlib.sha256(whole).digest()


def plain_session(**changed: Any) -> dict[str, Any]:
    return {
        "made_with": "x", "saved_at": "y", "file_name": "z", "fingerprint": "a" * 64,
        "read_choices": {}, "variables": [], "inputs": {}, "has_data": False, **changed,
    }  # fmt: skip


def refused(data: bytes, words: str | None = None, **limits: int) -> None:
    with pytest.raises(BadSessionFile, match=words) as caught:
        read_session(data, SessionLimits(**limits))
    told = str(caught.value)
    assert re.fullmatch(r"[A-Z][^\n]+\. [A-Z][^\n]+\.", told)
    assert not re.search(r"nan|inf\b|Traceback|Error|json|utf|[\\/]", told)


@pytest.mark.parametrize("data", [DATA, None, b""])
def test_a_session_comes_back_as_it_was(data: bytes | None) -> None:
    print_ = blake3.blake3(DATA if data is None else data).hexdigest()
    session = replace(SESSION, data=data, fingerprint=print_)
    back = read_session(write_session(session))
    assert back.notes == ()
    assert back.session.data == data
    assert back.session.inputs["outcome"]["predictors"] == ("age", "sex")
    assert back.session.variables[1]["levels"] == ("0", "1")
    again = read_session(write_session(back.session))
    assert again.session == back.session


def test_a_file_by_the_published_layout_opens() -> None:
    found = read_session(sealed(plain_session(inputs={"t": {"x": 1}}))).session
    assert found.inputs == {"t": {"x": 1}}
    assert found.data is None


def test_the_same_session_gives_the_same_bytes() -> None:
    assert write_session(SESSION) == write_session(replace(SESSION))


def test_a_file_name_that_would_not_open_again_is_mended() -> None:
    odd = replace(SESSION, file_name="a\nb\0" + "c" * 400)
    assert read_session(write_session(odd)).session.file_name == ("a b " + "c" * 400)[:255]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"PK\x03\x04" + bytes(100),
        b"id,age\n1,2\n",
        b"CLINSTAT",
        b"\x80\x04\x95",
        b"\0" * 5_000,
    ],
)
def test_another_kind_of_file_is_said_to_be_one(data: bytes) -> None:
    refused(data, "not a saved session of Clinstat")


def test_a_newer_version_is_said_to_be_one() -> None:
    refused(sealed(plain_session(), version=2), "newer Clinstat")
    refused(sealed(plain_session(), version=0), "damaged")


def test_every_cut_and_every_flipped_byte_is_refused() -> None:
    whole = write_session(SESSION)
    counts: Counter[str] = Counter()
    for end in range(len(whole)):
        refused(whole[:end])
        counts["cut"] += 1
    for at in range(len(whole)):
        for bit in (1, 128):
            refused(whole[:at] + bytes([whole[at] ^ bit]) + whole[at + 1 :])
            counts["flipped"] += 1
    refused(whole + b"\0", "damaged")
    assert counts["cut"] == len(whole)


def test_data_of_another_session_are_refused() -> None:
    refused(sealed(plain_session(has_data=True), b"other"), "not those that it was saved with")
    refused(sealed(plain_session(), b"hidden"), "damaged")


WRONG: list[dict[str, Any]] = [
    {"made_with": None}, {"saved_at": 5}, {"file_name": ["a"]}, {"file_name": "x" * 256},
    {"file_name": "a\nb"}, {"fingerprint": "A" * 64}, {"fingerprint": "../../etc/passwd"},
    {"fingerprint": ""}, {"read_choices": []}, {"variables": {}}, {"variables": ["age"]},
    {"variables": [{}]}, {"variables": [{"name": ""}]}, {"variables": [{"name": 1}]},
    {"variables": [{"name": "a", "levels": "abc"}]}, {"variables": [{"name": "a", "levels": [1]}]},
    {"variables": [{"name": "a", "reference": 1}]}, {"variables": [{"name": "a", "kind": None}]},
    {"inputs": []}, {"inputs": {"t": 1}}, {"inputs": {"t": []}}, {"has_data": 1}, {"has_data": None},
]  # fmt: skip


@pytest.mark.parametrize("changed", WRONG, ids=str)
def test_a_field_of_another_type_is_refused(changed: dict[str, Any]) -> None:
    refused(sealed(plain_session(**changed)), "damaged")


@pytest.mark.parametrize("name", list(plain_session()))
def test_a_missing_field_is_refused(name: str) -> None:
    plain = plain_session()
    del plain[name]
    refused(sealed(plain), "damaged")


@pytest.mark.parametrize(
    "text",
    [b"", b"[]", b"null", b"7", b'"x"', b"{", b'{"a":1,"a":2}', b'{"a":NaN}', b'{"a":-Infinity}',
     b'{"a":1e999}', b'{"a":"\\ud800"}', b"\xff\xfe", b"\xef\xbb\xbf{}", b"[" * 100_000,
     b'{"a":' * 5_000 + b"1" + b"}" * 5_000, b'{"a":' + b"9" * 100_000 + b"}",
     b'{"a":[' + b"0," * 300_000 + b"0]}", b'{"a":"' + b"x" * 100],
    ids=lambda t: repr(t[:20]),
)  # fmt: skip
def test_hostile_text_is_refused_at_once(text: bytes) -> None:
    began = time.process_time()
    refused(sealed(None, text=text), "damaged")
    assert time.process_time() - began < 2.0


def test_lengths_that_lie_are_refused_without_taking_memory() -> None:
    head = b"CLINSTAT SESSION\n" + struct.pack(">HIQ", 1, 0xFFFFFFFF, 0xFFFFFFFFFFFFFFFF)
    lie = head + hashlib.sha256(head).digest()
    tracemalloc.start()
    refused(lie, "damaged")
    assert tracemalloc.get_traced_memory()[1] < 1_000_000
    tracemalloc.stop()


def test_sizes_are_limited_and_the_limit_is_named() -> None:
    refused(bytes(3 << 20), "limit of 2 MB", file_bytes=2 << 20)
    many = [{"name": f"v{n}"} for n in range(2_001)]
    refused(sealed(plain_session(variables=many)), "more than 2,000 variables")
    refused(sealed(plain_session(inputs={"t": {"x": "y" * 5_000}})), "damaged", json_bytes=4_000)
    with pytest.raises(BadSessionFile, match="limit of 1 MB"):
        write_session(replace(SESSION, data=bytes(2 << 20)), SessionLimits(file_bytes=1 << 20))
    with pytest.raises(BadSessionFile, match="limit of 1 MB"):
        write_session(
            replace(SESSION, inputs={"t": {"x": "y" * (2 << 20)}}),
            SessionLimits(json_bytes=1 << 20),
        )


def test_unknown_settings_are_left_out_and_said() -> None:
    one = read_session(sealed(plain_session(results=[{"p": 0.01}])))
    assert one.notes == (
        "One setting of this file is not known to this Clinstat and had to be left out.",
    )
    assert not hasattr(one.session, "results")
    two = read_session(
        sealed(plain_session(theme="<script>", variables=[{"name": "a", "colour": "red"}]))
    )
    assert two.notes[0].startswith("2 settings of this file are not known")
    assert two.session.variables == ({"name": "a"},)
    assert "script" not in str(two.notes)


def test_what_was_read_cannot_change() -> None:
    session = read_session(write_session(SESSION)).session
    with pytest.raises(TypeError):
        session.inputs["outcome"]["event"] = "no"  # type: ignore[index]
    with pytest.raises(TypeError):
        session.variables[0]["name"] = "x"  # type: ignore[index]


def test_random_bytes_under_a_right_digest_never_raise_anything_else() -> None:
    """Mutations that mend the digest, so that they reach the checks behind it."""
    rng = random.Random(5)
    good = json.dumps(plain_session(
        inputs={"t": {"x": [1, 2.5, None, "a"]}}, variables=[{"name": "a", "levels": ["x"]}]
    )).encode()  # fmt: skip
    outcomes: Counter[str] = Counter()
    for _ in range(3_000):
        text = bytearray(good)
        for _ in range(rng.randint(1, 6)):
            at = rng.randrange(len(text))
            what = rng.randrange(3)
            if what == 0:
                text[at] = rng.randrange(256)
            elif what == 1:
                del text[at : at + rng.randint(1, 9)]
            else:
                text[at:at] = rng.choice(
                    [b'"', b"{", b"[", b",", b"\\u0000", b"1e9", b"null", b"}"]
                )
        try:
            read_session(sealed(None, text=bytes(text)))
            outcomes["read"] += 1
        except BadSessionFile:
            outcomes["refused"] += 1
    assert outcomes["refused"] > 1_000
    assert outcomes["read"] > 10


# The JSON itself.

LIMITS = JsonLimits(size_bytes=100_000, depth=6, items=1_000)
texts = st.text(st.characters(exclude_categories=["Cs"]))
leaves = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**63), 2**63 - 1), texts,
    st.floats(allow_nan=False, allow_infinity=False),
)  # fmt: skip
trees = st.recursive(
    leaves, lambda t: st.one_of(st.lists(t, max_size=4), st.dictionaries(texts, t, max_size=4)),
    max_leaves=20,
)  # fmt: skip


def depth(value: Any) -> int:
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return (isinstance(value, (dict, list))) + max(map(depth, inside), default=0)


def with_types(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: with_types(v) for k, v in value.items()}
    return [with_types(v) for v in value] if isinstance(value, list) else (type(value), value)


@given(trees)
def test_plain_data_come_back_with_their_types(value: Any) -> None:
    if depth(value) > LIMITS.depth:
        with pytest.raises(TooLarge):
            write_json(value, LIMITS)
        return
    data = write_json(value, LIMITS)
    assert with_types(read_json(data, LIMITS)) == with_types(value)
    assert json.loads(data) == value
    assert write_json(read_json(data, LIMITS), LIMITS) == data


@given(st.one_of(st.binary(max_size=60), st.text('[]{}",:\\u0123ntf.e-', max_size=60)))
def test_any_text_is_read_as_json_reads_it_or_refused(text: bytes | str) -> None:
    data = text if isinstance(text, bytes) else text.encode()
    try:
        found = read_json(data, LIMITS)
    except NotPlain:
        return
    assert found == json.loads(data)


def test_brackets_inside_texts_do_not_count() -> None:
    text = '"' * 3 + "[{" * 5_000 + "\\" * 7 + ",,,,"
    assert read_json(write_json([text, {text: text}], LIMITS), LIMITS) == [text, {text: text}]


@pytest.mark.parametrize(
    "text",
    [b'{"a":1,"a":1}', b'[{"b":{"a":1,"a":2}}]', b"NaN", b"[-Infinity]", b'{"a":Infinity}', b"1e999",
     b"-1e999", b'"\\ud800"', b'{"\\udfff":1}', b"9223372036854775808", b"[[[[[[[1]]]]]]]", b"[1,]",
     b"\xff", b"", b" ", b"{'a':1}", b"1 2", b"\xef\xbb\xbf1", b"1" * 5_000],
    ids=lambda t: repr(t[:20]),
)  # fmt: skip
def test_what_json_parsers_disagree_about_is_refused(text: bytes) -> None:
    with pytest.raises(NotPlain):
        read_json(text, LIMITS)


def test_lengths_that_do_not_fill_the_file_are_refused() -> None:
    """Under a right sum: more data behind than the head says, or less."""
    body = json.dumps(plain_session()).encode()
    for told, extra in ((0, b"x"), (1, b"xy"), (2, b"x"), (5, b"")):
        whole = b"CLINSTAT SESSION\n" + struct.pack(">HIQ", 1, len(body), told) + body + extra
        refused(whole + hashlib.sha256(whole).digest(), "damaged")
    data = b"hidden" + DATA
    fitting = json.dumps(plain_session(has_data=True, fingerprint=blake3.blake3(data).hexdigest()))
    head = struct.pack(">HIQ", 1, len(fitting), len(DATA))
    whole = b"CLINSTAT SESSION\n" + head + fitting.encode() + data
    refused(whole + hashlib.sha256(whole).digest(), "damaged")


@pytest.mark.parametrize(
    "text", [b"[" + b"0," * 1_500 + b"0]", b"[" + b"{}," * 600 + b"{}]", b"[" * 7 + b"]" * 7]
)
def test_more_than_the_limits_is_refused_before_anything_is_built(text: bytes) -> None:
    with pytest.raises(TooLarge):
        read_json(text, LIMITS)
    with pytest.raises(TooLarge):
        write_json(json.loads(text), LIMITS)

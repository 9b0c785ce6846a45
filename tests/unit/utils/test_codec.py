"""Values come back as they were; bytes that make no sense are refused and run nothing."""

from __future__ import annotations

import gc
import json
import pickle
import random
import struct
import tracemalloc
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
import pytest

from stats.result import Column, FrozenTable, Note
from utils.codec import Codec
from utils.errors import CodecError
from utils.keys import canonical


@dataclass(frozen=True)
class Sample:
    name: str
    values: tuple[float, ...] = ()
    more: Any = None
    derived: int = field(init=False, default=7)


@dataclass
class Loose:
    items: list[int]


CODEC = Codec(
    {
        "Sample": Sample, "Loose": Loose, "Note": Note, "Column": Column,
        "FrozenTable": FrozenTable, "Fraction": "fractions:Fraction",
        "Variable": "stats.variables:Variable",
    }
)  # fmt: skip


def round_trip(value: Any) -> Any:
    return CODEC.decode(CODEC.encode(value))


PLAIN = [
    None, True, False, 0, -1, 2**53, 2**63, -(2**64), 10**18, 10**5000, 1.5, -0.0, 1e308, 5e-324,
    0.1, float("nan"), float("inf"), float("-inf"), "", "é", "\ud800", "\ud83d\ude00", "a\0b",
    '["c", 0]', b"", b"\0\xff" * 100, (), (1, "a", None), (1, (2.0, (b"x",))), [], [1, [2]],
    ["l", [1]], {}, {"a": 1, "b": {"c": (1.0, float("nan"))}}, {"": None}, ("c", 0, []),
    MappingProxyType({"x": 1}), (10**30, 1), [10**30], [True, 1, 1.0, "1", None],
]  # fmt: skip


@pytest.mark.parametrize("value", PLAIN, ids=range(len(PLAIN)))
def test_plain_values(value: Any) -> None:
    back = round_trip(value)
    assert type(back) is type(value)
    assert canonical(back, exact_sequences=True) == canonical(value, exact_sequences=True)


def test_negative_zero_key_order_and_types_survive() -> None:
    assert str(round_trip(-0.0)) == "-0.0"
    assert list(round_trip({"b": 1, "a": 2})) == ["b", "a"]
    assert [type(v) for v in round_trip((True, 1, 1.0))] == [bool, int, float]


@pytest.mark.parametrize(
    "array",
    [
        np.arange(6).reshape(2, 3), np.asfortranarray(np.arange(6.0).reshape(2, 3)), np.array(3.5),
        np.zeros((0, 4)), np.array([True, False]), np.array([1, -1], dtype="i1"),
        np.array([1.5], dtype="f2"), np.array([1 + 2j]), np.array(["2020", "NaT"], dtype="M8[D]"),
        np.array([1, 2], dtype="m8[25us]"), np.array(["ab", "c"]), np.array([b"ab", b"c"]),
        np.arange(10)[::2], np.array([-0.0, np.nan, np.inf]),
        np.array(["a", None, 1, 2.5, (1, 2)], dtype=object),
    ],
    ids=lambda a: f"{a.dtype}{a.shape}",
)  # fmt: skip
def test_arrays(array: np.ndarray[Any, Any]) -> None:
    back = round_trip(array)
    assert back.dtype == array.dtype
    assert back.shape == array.shape
    assert back.tolist() == array.tolist() or np.array_equal(back, array, equal_nan=True)
    assert back.flags.writeable


def test_big_endian_arrays_come_back_little_endian() -> None:
    back = round_trip(np.array([1, 2], dtype=">i4"))
    assert back.dtype == np.dtype("<i4")
    assert back.tolist() == [1, 2]


def test_views_of_the_bytes_on_request() -> None:
    back = CODEC.decode(CODEC.encode(np.arange(4)), copy=False)
    assert back.tolist() == [0, 1, 2, 3]
    with pytest.raises(ValueError, match="read-only"):
        back[0] = 1


@pytest.mark.parametrize("scalar", [np.float64(1.5), np.int8(-3), np.True_, np.datetime64("2020")])
def test_numpy_scalars(scalar: Any) -> None:
    back = round_trip((scalar,))[0]
    assert type(back) is type(scalar)
    assert back == scalar


def frame() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "real": [1.5, np.nan, -0.0], "whole": [1, 2, 3], "flag": [True, False, True],
            "text": ["x", None, ""], "nullable": pd.array([1, None, 3], dtype="Int8"),
            "maybe": pd.array([True, None, False]), "real2": pd.array([1.5, None, 2], dtype="Float32"),
            "string": pd.array(["a", None, "b"], dtype="string"),
            "level": pd.Categorical(["u", None, "v"], categories=["v", "u", "w"], ordered=True),
            "dose": pd.Categorical([1, 2, None], categories=[2, 1]),
            "when": pd.to_datetime(["2020-01-01", None, "2021-01-01"]),
            "zoned": pd.to_datetime(["2020-06-01", None, "2021-01-01"]).tz_localize("Europe/Paris"),
            "took": pd.to_timedelta([1, None, 2], unit="D"),
            "mixed": pd.Series([1, "a", None], dtype=object), "band": pd.cut([1, 2, 3], 2),
        }
    )  # fmt: skip


def test_frames() -> None:
    pd.testing.assert_frame_equal(round_trip(frame()), frame(), check_index_type=True)


@pytest.mark.parametrize(
    "built",
    [
        frame().set_index("text"), frame().set_index(["level", "whole"]), frame().iloc[::-1],
        frame().iloc[:0], pd.DataFrame(index=range(3)), pd.DataFrame(), frame().set_axis([9, 8, 7]),
        pd.DataFrame([[1, 2]], columns=["a", "a"]), pd.DataFrame([[1, 2]], columns=[("a", 1), 2]),
        pd.DataFrame([[1, 2]], columns=pd.MultiIndex.from_tuples([("a", 1), ("b", 2)])),
        frame().rename_axis("id").rename_axis("names", axis=1),
        frame().set_index(pd.date_range("2020", periods=3, name="d")),
    ],
    ids=range(12),
)  # fmt: skip
def test_frames_with_all_kinds_of_labels(built: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(round_trip(built), built, check_freq=False)


@pytest.mark.parametrize("name", list(frame()))
def test_series_and_arrays(name: str) -> None:
    series = frame()[name]
    pd.testing.assert_series_equal(round_trip(series), series)
    pd.testing.assert_series_equal(round_trip(series.rename(None)), series.rename(None))
    pd.testing.assert_extension_array_equal(round_trip(series.array), series.array)


def test_a_frame_that_came_back_can_be_changed() -> None:
    back = round_trip(pd.DataFrame({"a": [1.0, 2.0]}))
    back.iloc[0, 0] = 5.0
    assert back["a"].tolist() == [5.0, 2.0]


def test_objects_of_allowed_classes() -> None:
    sample = Sample("a", (1.0, 2.0), {"k": Note("c", "info", "t")})
    assert round_trip(sample) == sample
    assert round_trip([Loose([1])]) == [Loose([1])]
    table = FrozenTable((Column("x", "float", np.arange(3.0).tobytes()),), 3)
    assert round_trip(table).frame()["x"].tolist() == [0.0, 1.0, 2.0]


def test_a_class_given_as_a_path_is_imported_when_needed() -> None:
    from stats.variables import Variable

    lazily = Codec({"Variable": "stats.variables:Variable"})
    variable = Variable(name="age", unit="years")
    assert lazily.decode(lazily.encode(variable)) == variable
    assert Codec({"Variable": Variable}).decode(lazily.encode(variable)) == variable


def test_objects_of_other_classes_are_refused_both_ways() -> None:
    data = CODEC.encode(Sample("a"))
    with pytest.raises(CodecError):
        Codec({}).encode(Sample("a"))
    with pytest.raises(CodecError):
        Codec({}).decode(data)


@pytest.mark.parametrize(
    "value",
    [
        {1, 2}, object(), len, {1: "a"}, Exception("x"), 1j, range(3), bytearray(b"x"),
        np.array([{1}], dtype=object), pd.array([1j]), pd.Series([{1}]),
        pd.Series(pd.arrays.SparseArray([0, 1])), np.zeros(1, dtype=[("a", "i4")]),
    ],
    ids=lambda v: type(v).__name__,
)  # fmt: skip
def test_unknown_values_are_refused(value: object) -> None:
    if isinstance(value, pd.api.extensions.ExtensionArray):
        value = pd.Series(value).rename({0: object()})
    with pytest.raises(CodecError):
        CODEC.encode(value)


def test_a_value_that_holds_itself_is_refused() -> None:
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises(CodecError):
        CODEC.encode(endless)


@pytest.mark.parametrize(
    ("value", "immutable"),
    [
        (1, True), ("a", True), ((1, b"x"), True), (MappingProxyType({"a": (1,)}), True),
        (Sample("a", (1.0,)), True), (np.float64(1), True), ([1], False), ({"a": 1}, False),
        (np.zeros(1), False), ((1, [2]), False), (Sample("a", more=[1]), False),
        (Loose([1]), False), (pd.DataFrame(), False), (MappingProxyType({"a": [1]}), False),
    ],
    ids=range(14),
)  # fmt: skip
def test_the_codec_knows_what_cannot_change(value: object, immutable: bool) -> None:
    packed = CODEC.pack(value)
    assert packed.immutable is immutable
    assert CODEC.unpack(packed.payload).immutable is immutable


@pytest.mark.parametrize("rows", [1, 30, 300])
def test_the_codec_knows_how_much_memory_a_result_takes(rows: int) -> None:
    """Against what Python's own allocator counts for rebuilt tables."""
    tables = tuple(
        FrozenTable(
            (
                Column("term", "text", tuple(f"term {i % 7} of {n}" for i in range(rows))),
                Column("level", "text", (None,) * rows),
                Column("value", "float", np.arange(float(rows)).tobytes()),
            ),
            rows,
        )
        for n in range(6)
    )
    packed = CODEC.pack(
        Sample("result", (1.5,) * 9, MappingProxyType({"a": tables, "b": (1, "x")}))
    )
    CODEC.decode(packed.payload)
    gc.collect()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    held = [CODEC.decode(packed.payload) for _ in range(50)]
    gc.collect()
    taken = (tracemalloc.get_traced_memory()[0] - before) / len(held)
    tracemalloc.stop()
    assert 0.75 <= packed.live_bytes / taken <= 1.5
    assert CODEC.unpack(packed.payload).live_bytes == packed.live_bytes


# Hostile bytes.


def with_header(root: Any, blocks: bytes = b"", **more: Any) -> bytes:
    described = {"immutable": True, "live_bytes": 0, "classes": [], "root": root, **more}
    header = json.dumps(described).encode()
    body = header + bytes(-(24 + len(header)) % 64)
    return (
        struct.pack("<8sQQ", b"CLINCOD1", len(header), 24 + len(body) + len(blocks)) + body + blocks
    )


@pytest.mark.parametrize(
    "root",
    [
        {}, {"a": 1}, [], [1], ["?"], ["l"], ["l", 5], ["l", [{}]], ["L", [[1]]], ["L", "ab"],
        ["T", {"a": 1}], ["T", [["b", 1, 1]]], ["d", ["a"], []], ["d", ["a", "a"], [1, 2]],
        ["d", [1], [1]], ["d", "ab", [1, 2]], ["i", "zz"], ["i", 5], ["b", 1, 10], ["b", 1, -1], ["b", 1, "1"], ["b", 2, 0],
        ["b", 1, 1.0], ["b", 1, True], ["a", 1, "<f8", [10]], ["a", 1, "<f8", [-1]], ["a", 1, "<f8", [2**70]],
        ["a", 1, "<f8", ["1"]], ["a", 1, "<f8", 3], ["a", 1, "O", [1]], ["a", 1, "|O", [1]], ["a", 1, "<V8", [0]],
        ["a", 1, "f8,f8", [0]], ["a", 1, "<S0", [10**15]], ["a", 1, "|S9999999", [10**15]], ["a", 1, 8, []], ["a", 2, "<f8", [0]], ["a", "1", "<f8", [0]],
        ["a", 1, "<M8[xx]", [0]], ["a", 1, ">f8", [0]], ["s", "<f8", "00"], ["s", "<f8", "zz"], ["s", "<f8", 1],
        ["c", 0, []], ["c", -1, []], ["c", "x", []], ["o", 5], ["o", [{}]], ["pd"], ["pd", "?"],
        ["pd", "frame", 1, 2, 3], ["pd", "frame", ["pd", "range", 0, 2, 1, None],
         ["pd", "range", 0, 1, 1, None], [["a", 1, "<f8", [0]]]], ["pd", "range", 0, 1, 0, None],
        ["pd", "category", False, ["pd", "range", 0, 1, 1, None], 5],
        ["pd", "category", False, ["pd", "index", None, ["o", ["a"]]], ["o", [3]]],
        ["pd", "text", False, ["L", [1, 2]]], ["pd", "text", False, 7],
        ["pd", "zoned", "../../etc/passwd", ["a", 1, "<M8[ns]", [0]]],
        ["pd", "zoned", "dateutil//etc/passwd", ["a", 1, "<M8[ns]", [0]]],
        ["pd", "zoned", "No/Where", ["a", 1, "<M8[ns]", [0]]],
        ["pd", "nullable", "object", ["L", []], ["L", []]], ["pd", "nullable", "Int8", 1, 2],
        ["pd", "nullable", "Int8", ["a", 1, "<f8", [0]], ["a", 1, "|b1", [0]]],
        ["pd", "levels", [], [], None], ["pd", "interval", "x", 1, 2], ["pd", "index", None, 3],
        ["pd", "time", ["o", ["x"]]], ["pd", "series", None, 1, 2], None,
    ],
    ids=lambda r: json.dumps(r)[:60],
)  # fmt: skip
def test_a_header_that_makes_no_sense_is_refused(root: Any) -> None:
    data = with_header(0, blocks=bytes(64)) if root is None else with_header(root)
    with pytest.raises(CodecError):
        CODEC.decode(data)


@pytest.mark.parametrize(
    "classes",
    [
        [["os:system", "command"]], [["subprocess:Popen", "args"]], [["builtins:eval"]], [["Sample"]],
        [["Sample", "nothing"]], [[]], [5], ["Sample"], "Sample", [["Sample", "name", "name"]],
        [["Fraction", "numerator"]], [[["Sample"], "name"]],
    ],
    ids=json.dumps,
)  # fmt: skip
def test_only_allowed_classes_are_called_and_only_as_they_allow(classes: Any) -> None:
    data = with_header(["c", 0, [["L", []]]], classes=classes)
    with pytest.raises(CodecError):
        CODEC.decode(data)


def test_nesting_and_garbage_are_refused() -> None:
    deep = "[" * 200_000
    header = f'{{"immutable": true, "live_bytes": 0, "classes": [], "root": {deep}'.encode()
    bomb = struct.pack("<8sQQ", b"CLINCOD1", len(header), 24 + len(header)) + header
    nested: Any = 1
    for _ in range(300):
        nested = ["l", [nested]]
    hostile = [
        b"", b"\0" * 10, b"\0" * 100, bomb, with_header(nested)[:-5], pickle.dumps(Sample("a")),
        with_header(0) + b"\0", struct.pack("<8sQQ", b"CLINCOD1", 2**63, 24), b"CLINCOD1" * 10,
        struct.pack("<8sQQ", b"CLINCOD1", 2, 26) + b"[]",
        struct.pack("<8sQQ", b"CLINCOD1", 4, 28) + b"\xff\xfe\xfd\xfc",
    ]  # fmt: skip
    for data in hostile:
        with pytest.raises(CodecError):
            CODEC.decode(data)


def test_damaged_bytes_decode_or_raise_codec_error_only() -> None:
    rng = random.Random(20)
    data = CODEC.encode({"frame": frame(), "s": Sample("a", (1.0,)), "n": [10**30, b"xy", None]})
    refused = 0
    for _ in range(3000):
        damaged = bytearray(data)
        for _ in range(rng.choice((1, 1, 2, 8))):
            damaged[rng.randrange(len(damaged))] = rng.randrange(256)
        if rng.random() < 0.2:
            del damaged[rng.randrange(len(damaged)) :]
        try:
            CODEC.decode(bytes(damaged))
        except CodecError:
            refused += 1
    assert refused > 500

"""Laws of keys and codec for any frame: what is equal agrees, what differs does not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from hypothesis import assume, given
from hypothesis import strategies as st

from utils.codec import Codec
from utils.keys import canonical, fingerprint_column, fingerprint_frame

CODEC = Codec({})
texts = st.text(max_size=6)
cells: dict[str, st.SearchStrategy[Any]] = {
    "real": st.floats(width=64),
    "whole": st.integers(-(2**63), 2**63 - 1),
    "flag": st.booleans(),
    "text": st.one_of(st.none(), texts),
    "level": st.one_of(st.none(), st.sampled_from("abc")),
    "when": st.datetimes(),
}


def series(kind: str, values: list[Any]) -> pd.Series:
    if kind == "text":
        return pd.Series(pd.array(values, dtype="str"))
    if kind == "level":
        return pd.Series(pd.Categorical(values, categories=list("abc")))
    dtypes = {"real": "f8", "whole": "i8", "flag": "?", "when": "M8[us]"}
    return pd.Series(np.array(values, dtype=dtypes[kind]))


@st.composite
def columns(draw: st.DrawFn) -> tuple[str, list[Any]]:
    kind = draw(st.sampled_from(sorted(cells)))
    return kind, draw(st.lists(cells[kind], min_size=1, max_size=12))


@given(columns(), st.data())
def test_changing_one_cell_changes_the_fingerprint(
    column: tuple[str, list[Any]], data: st.DataObject
) -> None:
    kind, values = column
    row = data.draw(st.integers(0, len(values) - 1))
    value = data.draw(cells[kind])
    assume(canonical(value) != canonical(values[row]))
    other = [*values[:row], value, *values[row + 1 :]]
    assert fingerprint_column(series(kind, values)) != fingerprint_column(series(kind, other))


@given(columns())
def test_a_rebuilt_column_agrees(column: tuple[str, list[Any]]) -> None:
    kind, values = column
    one = series(kind, values)
    twice = pd.concat([one, one]).iloc[: len(values)]
    backwards = one.iloc[::-1].iloc[::-1]
    stored = CODEC.decode(CODEC.encode(one))
    marks = {fingerprint_column(s) for s in (one, twice, backwards, stored, one.copy())}
    assert len(marks) == 1


@given(st.lists(columns(), min_size=1, max_size=4), st.data())
def test_moving_anything_in_a_frame_is_seen(
    built: list[tuple[str, list[Any]]], data: st.DataObject
) -> None:
    rows = min(len(values) for _, values in built)
    frame = pd.DataFrame({f"c{i}": series(k, v[:rows]) for i, (k, v) in enumerate(built)})
    order = data.draw(st.permutations(range(rows)))
    moved = frame.iloc[list(order)].reset_index(drop=True)
    same = all(
        [canonical(x) for x in frame[c].astype(object)]
        == [canonical(x) for x in moved[c].astype(object)]
        for c in frame
    )
    assert (fingerprint_frame(frame) == fingerprint_frame(moved)) is same


values = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(), st.floats(), texts, st.binary(max_size=6)
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.lists(inner, max_size=4).map(tuple),
        st.dictionaries(texts, inner, max_size=4),
    ),
    max_leaves=12,
)  # fmt: skip


@given(values)
def test_any_plain_value_survives_the_codec(value: Any) -> None:
    back = CODEC.decode(CODEC.encode(value))
    assert type(back) is type(value)
    assert repr(back) == repr(value)
    assert canonical(back, exact_sequences=True) == canonical(value, exact_sequences=True)


def shape(value: Any) -> Any:
    """An independent statement of when two plain values are the same choice."""
    if isinstance(value, (list, tuple)):
        return ("many", tuple(shape(v) for v in value))
    if isinstance(value, dict):
        return ("map", frozenset((k, shape(v)) for k, v in value.items()))
    if isinstance(value, float):
        return ("real", "nan" if value != value else (value + 0.0).hex())
    return (type(value).__name__, value)


@given(values, values)
def test_values_agree_exactly_when_they_are_the_same_choice(one: Any, other: Any) -> None:
    assert (canonical(one) == canonical(other)) is (shape(one) == shape(other))

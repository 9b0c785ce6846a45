"""Laws of the import: the same table in any dialect, encoding or format is the same frame."""

from __future__ import annotations

import csv
import io
import math
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
import xlsxwriter
from hypothesis import example, given
from hypothesis import strategies as st

from ingest import read_table
from ingest.plain import parse_plain
from ingest.records import split_cells
from ingest.values import is_number, natural_key, number_of
from stats.errors import BadInput
from tests.corpus.build import CASES

# corpus files whose making takes long
LARGE = {
    "c22",
    "c23",
    "g13",
    "g15",
    "g49",
    *(f"g{n}" for n in range(32, 43)),
    *(f"g{n}" for n in range(51, 57)),
}

# Words that are neither numbers, dates nor words for missing, with everything that a dialect
# could trip over inside them.
WORDS = st.text(alphabet="abzåé;,|\t\"' \n.<>=-5", max_size=6).map(
    lambda inner: f"w{' '.join(inner.split(' '))}z"
)
THAI = st.sampled_from(["ชาย", "หญิง", "อายุรกรรม", "ศัลยกรรม", "น้ำหนัก", "โรงพยาบาล"])
WEST = st.sampled_from(["Größe", "Prénom", "façade", "naïve", "Zoë", "señor", "5 µg Dosis"])
DAYS = st.integers(0, 40_000).map(lambda n: date(1930, 1, 1) + timedelta(days=n))
MISSING = st.none()


@st.composite
def tables(draw, words=WORDS):
    """Column name -> values (int, two-decimal float, word, date or None)."""
    n = draw(st.integers(3, 12))
    kinds = draw(
        st.lists(st.sampled_from(["int", "float", "word", "date"]), min_size=2, max_size=5)
    )
    table: dict[str, list] = {"key": list(range(1, n + 1))}
    for i, kind in enumerate([*kinds, "word"]):
        cell = {
            "int": st.integers(-99_000, 99_000),
            "float": st.integers(-9_999_999, 9_999_999).map(lambda v: v / 100),
            "word": words,
            "date": DAYS,
        }[kind]
        values = draw(st.lists(st.one_of(cell, cell, cell, MISSING), min_size=n, max_size=n))
        if all(value is None for value in values):
            values[0] = draw(cell)
        table[f"{kind} {i}"] = values
    return table


def text_of(value, mark: str) -> str:
    if value is None:
        return ""
    return f"{value:.2f}".replace(".", mark) if isinstance(value, float) else str(value)


def as_text(table, *, separator=",", mark=".", end="\n", quote_all=False) -> str:
    out = io.StringIO()
    quoting = csv.QUOTE_ALL if quote_all else csv.QUOTE_MINIMAL
    writer = csv.writer(out, delimiter=separator, lineterminator="\n", quoting=quoting)
    writer.writerow(table)
    for row in zip(*table.values(), strict=True):
        writer.writerow([text_of(value, mark) for value in row])
    return out.getvalue().replace("\n", end)


def read(content: bytes, **choices) -> pd.DataFrame:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "upload"
        path.write_bytes(content)
        return read_table(path, name="upload.csv", **choices).frame


def outcome(content: bytes) -> pd.DataFrame | None:
    """The frame, or None after a refusal that names its remedy; anything else fails the test."""
    try:
        return read(content)
    except BadInput as refusal:
        if not refusal.hint:
            raise AssertionError("a refusal without a remedy") from refusal
        return None


def workbook(table) -> bytes:
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True}) as book:
        sheet = book.add_worksheet("Data")
        dates = book.add_format({"num_format": "yyyy-mm-dd"})
        for c, (name, values) in enumerate(table.items()):
            sheet.write_string(0, c, name)
            for r, value in enumerate(values, start=1):
                if isinstance(value, date):
                    sheet.write_datetime(r, c, value, dates)
                elif isinstance(value, str):
                    sheet.write_string(r, c, value)
                elif value is not None:
                    sheet.write_number(r, c, value)
    return out.getvalue()


def check(frame: pd.DataFrame, table) -> None:
    assert list(frame.columns) == list(table)
    for name, values in table.items():
        column = frame[name]
        kind = name.split()[0]
        if kind == "word":
            expected = [None if v is None else v.strip() for v in values]
            assert [None if pd.isna(v) else v for v in column] == expected
        elif kind == "date":
            expected = [pd.NaT if v is None else pd.Timestamp(v) for v in values]
            assert column.dtype.kind == "M"
            assert list(column.isna()) == [v is None for v in values]
            assert [v for v in column if not pd.isna(v)] == [v for v in expected if not pd.isna(v)]
        else:
            assert column.dtype.kind in "if"
            expected = np.array([math.nan if v is None else v for v in values], dtype=float)
            assert np.array_equal(column.to_numpy(dtype=float), expected, equal_nan=True)


@given(
    tables(),
    st.sampled_from([(",", "."), (";", "."), (";", ","), ("\t", "."), ("\t", ","), ("|", ",")]),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.booleans(),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
)
def test_any_dialect_reads_back_equal(table, dialect, end, quote_all, encoding):
    separator, mark = dialect
    text = as_text(table, separator=separator, mark=mark, end=end, quote_all=quote_all)
    check(read(text.encode(encoding)), table)


@given(tables(THAI), st.sampled_from(["utf-8", "cp874", "tis-620", "utf-16-le", "utf-16-be"]))
def test_thai_reads_back_equal_in_every_encoding(table, encoding):
    check(read(as_text(table).encode(encoding)), table)


@given(tables(WEST), st.sampled_from(["utf-8", "cp1252", "utf-16-le"]), st.sampled_from([",", ";"]))
def test_western_text_reads_back_equal_in_every_encoding(table, encoding, separator):
    check(read(as_text(table, separator=separator).encode(encoding)), table)


@given(tables())
def test_a_workbook_is_the_same_frame_as_its_csv(table):
    from_book = read(workbook(table))
    check(from_book, table)
    pd.testing.assert_frame_equal(from_book, read(as_text(table).encode()))


@given(tables(), st.randoms(use_true_random=False))
def test_order_of_rows_changes_only_the_order_of_rows(table, random):
    order = list(range(len(table["key"])))
    random.shuffle(order)
    moved = {name: [values[i] for i in order] for name, values in table.items()}
    one, other = read(as_text(table).encode()), read(as_text(moved).encode())
    pd.testing.assert_frame_equal(one.iloc[order].reset_index(drop=True), other)


@given(st.lists(
    st.one_of(
        st.decimals(allow_nan=False, allow_infinity=False, places=4).map(str),
        st.floats(allow_nan=False, allow_infinity=False).map(repr),
        st.integers().map(str),
        st.text(alphabet="-+.0123456789eEx", max_size=8),
    ), min_size=1, max_size=30,
))  # fmt: skip
@example(["0.30000000000000004", "-0", "00.5", "5.", ".5", "-", "1.2.3", "123456789012345"])
def test_vectorised_numbers_equal_python_floats(texts):
    texts = [text for text in texts if text]
    if not texts:
        return
    raw = "\n".join(texts).encode() + b"\n"
    chunk = split_cells(raw, ",", 1)
    values, plain = parse_plain(chunk, chunk.starts, chunk.ends, ".")
    for text, value, ok in zip(texts, values.tolist(), plain.tolist(), strict=True):
        if ok:
            assert is_number(text)
            assert value == float(text)
            assert text.strip() == text
            assert math.copysign(1, value) > 0 or value != 0


@given(st.binary(max_size=400))
def test_any_bytes_give_a_table_or_a_sentence(content):
    outcome(content)


@given(st.text(alphabet='ab,;\t"\n\r \x00\ufeff1.5', max_size=80))
def test_any_text_gives_a_table_or_a_sentence(content):
    frame = outcome(content.encode())
    assert frame is None or frame.columns.is_unique


@given(st.text(max_size=30))
def test_number_rules_agree_with_python(text):
    if is_number(text) and text.isascii():
        assert number_of(text) == float(text)
    natural_key(text)


SEEDS = [
    case.content()
    for case in CASES
    if case.name[0] in "abcdgh" and case.name[:3] not in LARGE and case.name[:3] != "h07"
]


@given(
    st.sampled_from(SEEDS),
    st.lists(
        st.tuples(
            st.sampled_from(["flip", "cut", "insert", "drop"]),
            st.floats(0, 1),
            st.sampled_from(
                [b'"', b",", b"\n", b"\r", b"\x00", b"\xff", b"1e999", b"</row>", b"NA"]
            ),
        ),
        min_size=1,
        max_size=4,
    ),
)
def test_damaged_files_give_a_table_or_a_sentence(content, damages):
    for kind, where, piece in damages:
        at = int(where * len(content))
        if kind == "flip" and at < len(content):
            content = content[:at] + bytes([content[at] ^ 16]) + content[at + 1 :]
        elif kind == "cut":
            content = content[:at]
        elif kind == "insert":
            content = content[:at] + piece + content[at:]
        else:
            content = content[:at] + content[at + 7 :]
    outcome(content)

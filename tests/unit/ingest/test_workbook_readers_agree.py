"""Workbooks of two other writers, read as two independent readers read them.

calamine (Rust) and openpyxl are the oracles; xlsxwriter and openpyxl write the files.
"""

from __future__ import annotations

import datetime
import io
import random

import openpyxl
import pytest
import xlsxwriter
from python_calamine import CalamineWorkbook

from ingest import read_table
from ingest.serials import format_kind, serial_text

FORMATS = [
    "yyyy-mm-dd",
    "dd/mm/yyyy hh:mm",
    "d mmm yy",
    "[$-41E]d mmmm yyyy",
    "0.00",
    "General",
    '0 "days"',
]


def cells(seed: int, rows: int = 60) -> list[list]:
    """A header and rows of numbers, texts, dates, truth values and gaps."""
    rng = random.Random(seed)
    body = []
    for i in range(1, rows + 1):
        day = datetime.datetime(1950, 1, 1) + datetime.timedelta(  # noqa: DTZ001
            days=rng.randrange(30_000), seconds=rng.randrange(86_400)
        )
        body.append([
            i, rng.uniform(-1e6, 1e6), rng.randrange(10**12) / 10 ** rng.randrange(8), day.replace(microsecond=0),
            rng.choice(["a b", "ü\nö", '"q", x', "<&>", "ไทย", " lead"]), rng.random() < 0.5,
            rng.choice([None, 1.5, rng.gauss(0, 1e-7)]), rng.choice([None, "w"]),
        ])  # fmt: skip
    return [["key", "wide", "decimals", "seen", "words", "flag", "gaps", "sparse"], *body]


def by_xlsxwriter(rows: list[list], *, date_1904: bool) -> bytes:
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True, "date_1904": date_1904}) as book:
        sheet = book.add_worksheet()
        dates = book.add_format({"num_format": "dd/mm/yyyy hh:mm:ss"})
        for r, row in enumerate(rows):
            for c, value in enumerate(row):
                if isinstance(value, datetime.datetime):
                    sheet.write_datetime(r, c, value, dates)
                elif value is not None:
                    sheet.write(r, c, value)
    return out.getvalue()


def by_openpyxl(rows: list[list], *, date_1904: bool) -> bytes:
    book = openpyxl.Workbook()
    if date_1904:
        book.epoch = openpyxl.utils.datetime.CALENDAR_MAC_1904
    for row in rows:
        book.active.append(row)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def as_seen(value) -> object:
    """A value of another reader in the words of a frame."""
    if value in ("", None):
        return None
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    return value.strip() if isinstance(value, str) else value


@pytest.mark.parametrize("writer", [by_xlsxwriter, by_openpyxl])
@pytest.mark.parametrize("date_1904", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_three_readers_agree(writer, date_1904, seed, tmp_path):
    path = tmp_path / "book.xlsx"
    path.write_bytes(writer(cells(seed), date_1904=date_1904))
    frame = read_table(path, name="book.xlsx").frame
    ours = [
        [None if value != value else value for value in row]
        for row in frame.astype(object).itertuples(index=False)
    ]
    rust = CalamineWorkbook.from_path(str(path)).get_sheet_by_index(0).to_python()
    pure = list(openpyxl.load_workbook(path).active.iter_rows(values_only=True))
    assert list(frame.columns) == rust[0] == list(pure[0])
    for mine, one, two in zip(ours, rust[1:], pure[1:], strict=True):
        for value, a, b in zip(mine, map(as_seen, one), map(as_seen, two), strict=True):
            if isinstance(a, datetime.datetime):
                # calamine cuts fractions of a second, openpyxl rounds to a microsecond
                assert abs(value.to_pydatetime() - b) < datetime.timedelta(milliseconds=1)
                assert abs(value.to_pydatetime() - a) < datetime.timedelta(seconds=1)
            else:
                assert value == a == b


@pytest.mark.parametrize("code", FORMATS)
def test_formats_are_dates_where_openpyxl_says_so(code):
    assert (format_kind(164, code) == "date") == openpyxl.styles.numbers.is_date_format(code)


@pytest.mark.parametrize("number", range(60))
def test_built_in_formats(number):
    theirs = openpyxl.styles.numbers.BUILTIN_FORMATS.get(number)
    if theirs is not None:
        assert bool(format_kind(number, None)) == openpyxl.styles.numbers.is_date_format(theirs)


def test_serials_of_the_standard():
    """ECMA-376 part 1, 18.17.4.1 and the leap year that 1900 was not."""
    assert serial_text(1, "date", epoch_1904=False) == "1900-01-01"
    assert serial_text(59, "date", epoch_1904=False) == "1900-02-28"
    assert serial_text(60, "date", epoch_1904=False) is None
    assert serial_text(61, "date", epoch_1904=False) == "1900-03-01"
    assert serial_text(38_749, "date", epoch_1904=False) == "2006-02-01"
    assert serial_text(37_287, "date", epoch_1904=True) == "2006-02-01"
    assert serial_text(2_958_465, "date", epoch_1904=False) == "9999-12-31"
    assert serial_text(0.5, "time", epoch_1904=False) == "12:00:00"
    assert serial_text(-1, "date", epoch_1904=False) is None

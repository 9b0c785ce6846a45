"""Whatever stands in names and levels, every export opens, holds the table and runs nothing."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from html.parser import HTMLParser

import openpyxl
import pytest
from docx import Document
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from presentation.exports import MEDIA_TYPES, render
from presentation.forest import forest_of
from presentation.journal import table_of
from presentation.table import Cell, Column, Footnote, Row, Spanner, Table
from presentation.text import visible
from presentation.to_csv import defused
from presentation.to_excel import sheet_name
from stats.errors import BadInput
from tests.unit.presentation.build import effect, effects_result, fit_row, outcome_result

NASTY = [
    "=1+1", "+1", "-1+cmd|' /C calc'!A0", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1＋1", "＋1", "－1", "＠x",
    " =1", "\u200b=1", "\ufeff=1", "x;=1+1", 'x";=1+1', "<script>alert(1)</script>", "</td></tr></table>",
    '"onmouseover="alert(1)', "'", "&amp;", "&#0;", "]]>", "<!--", "a\x00b", "\x07", "\x1b[31m", "\x85",
    "\ud800", "\ufffe", "\uffff", "\u202egnp.exe", "الجنس عند الولادة", "מין", "เพศ", "x" * 300, "$\\frac{a}{b}$",
    "{{7*7}}", "%s%n", "http://evil.example/", "mailto:a@b", "internal:Sheet1!A1", "_x0041_", "a_x000D_b",
    "12", "-3.5", "1e5", "TRUE", "2024-01-02", "", " ", "  two  spaces  ", "𐀀" * 31, "e\u0301", "👩‍⚕️",
]  # fmt: skip
names = st.one_of(
    st.sampled_from(NASTY),
    st.text(max_size=40),
    st.text(st.characters(max_codepoint=0x9F), max_size=12),
    st.builds("".join, st.lists(st.sampled_from(NASTY), max_size=3)),
)
FORMULA_START = re.compile(r"^[\s\u200b-\u200f\u2060\ufeff\u00ad]*[=+\-@＝＋－＠]")
PLAIN_NUMBER = re.compile(r"^[+-]?\d+([.,]\d+)?([eE][+-]?\d+)?%?$")
relaxed = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)


@st.composite
def tables(draw):
    """A small table whose every text may be hostile."""
    columns = (
        Column(draw(names)),
        Column(draw(names), "number", ("n",), ("0",)),
        Column(draw(names), "number", (draw(names), draw(names)), ("0.00", "0.00"), draw(names)),
    )
    rows = []
    for kind in draw(
        st.lists(st.sampled_from(["single", "heading", "level", "line"]), min_size=1, max_size=4)
    ):
        value = draw(st.floats(-1e6, 1e6) | st.none())
        rows.append(
            Row(kind, (
                Cell(draw(names), mark=draw(st.sampled_from(["", "a"]))),
                Cell(draw(names), (value,)),
                Cell(draw(names), (value, None)),
            ))
        )  # fmt: skip
    return Table(
        name=draw(names), title=draw(names), subtitle=draw(names), columns=columns, rows=tuple(rows),
        spanners=(Spanner(draw(names), 1, 2),), footnotes=(Footnote("a", draw(names)),),
        notes=(draw(names),),
    )  # fmt: skip


def squeezed(text):
    """Text without the white space that formats may drop or add at its ends."""
    return " ".join(text.replace("\u2007", " ").replace("\u00a0", " ").split())


@relaxed
@given(tables(), names, names)
def test_word_opens_and_holds_every_cell(table, methods, title):
    data = render("docx", (table,), (), methods, title)
    document = Document(io.BytesIO(data))
    grid = document.tables[0]
    for row, line in zip(table.rows, list(grid.rows)[2:], strict=True):
        for cell, place in zip(row.cells, line.cells, strict=True):
            assert place.text.lstrip("\u2007") == cell.text.lstrip("\u2007") + cell.mark
    heads = [cell.text for cell in grid.rows[1].cells]
    assert heads == [column.title + column.mark for column in table.columns]
    paragraphs = [p.text for p in document.paragraphs]
    assert any(p.startswith(table.title) for p in paragraphs)
    assert f"a {table.footnotes[0].text}" in paragraphs
    assert table.notes[0] in paragraphs
    properties = document.core_properties
    assert (properties.author, properties.last_modified_by, properties.comments) == ("", "", "")


@relaxed
@given(tables())
def test_word_has_repeated_heads_and_horizontal_rules_only(table):
    grid = Document(io.BytesIO(render("docx", (table,), (), "", ""))).tables[0]
    xml = grid._tbl.xml
    assert xml.count("<w:tblHeader/>") == 2
    assert "<w:left " not in xml.split("<w:tblGrid>")[1]
    assert "w:fldSimple" not in xml
    assert "w:instrText" not in xml
    assert "w:hyperlink" not in xml


@relaxed
@given(tables(), names, names)
def test_excel_opens_with_text_as_text_and_numbers_as_numbers(table, methods, title):
    data = render("xlsx", (table, table), (), methods, title)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for item in archive.namelist():
            if item.endswith((".xml", ".rels")):
                etree.fromstring(archive.read(item))
            if item.startswith("xl/worksheets/sheet"):
                sheet = archive.read(item)
                assert b"<f>" not in sheet
                assert b"<f " not in sheet
                assert b"hyperlink" not in sheet
        assert not [n for n in archive.namelist() if "externalLink" in n or "vba" in n]
    book = openpyxl.load_workbook(io.BytesIO(data))
    assert len(book.sheetnames) == len({n.lower() for n in book.sheetnames})
    assert all(0 < len(n.encode("utf-16-le")) <= 62 for n in book.sheetnames)
    sheet = book.worksheets[0]
    # A number whose text says more than the number has the text in a column of its own.
    beside = any(" " in row.cells[1].text for row in table.rows)
    for r, row in enumerate(table.rows, start=5):
        first, second, third = row.cells
        shown = first.text + (f" [{first.mark}]" if first.mark else "")
        assert text_of(sheet.cell(r, 1)) == shown
        if second.numbers[0] is not None:
            assert sheet.cell(r, 2 + beside).value == pytest.approx(second.numbers[0])
            assert sheet.cell(r, 2 + beside).data_type == "n"
        if beside:
            assert text_of(sheet.cell(r, 2)) == second.text
        assert text_of(sheet.cell(r, 3 + beside)) == third.text
    for line in sheet.iter_rows():
        assert all(cell.data_type in {"s", "n", "inlineStr"} for cell in line)


def text_of(cell):
    """A cell's text; Excel's own escape of `_x0041_` is undone by the reader."""
    return "" if cell.value is None else str(cell.value)


@relaxed
@given(tables())
def test_csv_holds_every_cell_and_no_formula(table):
    data = render("csv", (table,), (), "", "")
    assert data.startswith(b"\xef\xbb\xbf")
    lines = list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")))
    for row, line in zip(table.rows, lines[2:], strict=False):
        for cell, field in zip(row.cells, line, strict=True):
            wanted = cell.text + (f" [{cell.mark}]" if cell.mark else "")
            assert field.replace("'", "").strip("\u00a0 ") == wanted.replace("'", "").strip(
                "\u00a0 "
            )
    for line in lines:
        for field in line:
            assert PLAIN_NUMBER.match(field) or not FORMULA_START.match(field)


@given(names)
def test_a_field_split_at_semicolons_holds_no_formula_either(name):
    for part in defused(visible(name)).split(";"):
        stripped = part.strip("\"' ")
        assert (
            PLAIN_NUMBER.match(stripped)
            or part == ""
            or not re.match(r"^\s*[\"]*\s*[=@＝＠]", part)
        )


class Reader(HTMLParser):
    """Collects the texts of cells and every tag and attribute."""

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.tags, self.attributes, self.cells, self.depth = set(), [], [], 0

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes += attrs
        if tag in {"td", "th"}:
            self.cells.append("")
            self.depth += 1

    def handle_endtag(self, tag):
        self.depth -= tag in {"td", "th"}

    def handle_data(self, data):
        if self.depth:
            self.cells[-1] += data


OUR_TAGS = {
    "html", "head", "meta", "title", "style", "body", "main", "h1", "h2", "section", "table",
    "caption", "span", "thead", "tbody", "tfoot", "tr", "td", "th", "sup", "bdi", "p", "figure", "img",
}  # fmt: skip


@relaxed
@given(tables(), names, names)
def test_html_holds_every_cell_and_nothing_live(table, methods, title):
    reader = Reader()
    reader.feed(render("html", (table,), (), methods, title).decode("utf-8"))
    assert reader.tags <= OUR_TAGS
    assert not [name for name, _ in reader.attributes if name.startswith("on") or name == "href"]
    found = {squeezed(cell) for cell in reader.cells}
    for row in table.rows:
        for cell in row.cells:
            assert squeezed(cell.text + cell.mark) in found
    scopes = [value for name, value in reader.attributes if name == "scope"]
    assert scopes.count("row") == len(table.rows)


@settings(relaxed, max_examples=5)
@given(names, names)
def test_a_result_with_any_names_goes_through_every_kind(name, level):
    rows = [
        effect(name, "ref", "ref", 9, 4, 0, 1.0, float("nan"), float("nan"), float("nan"), 0.2),
        effect(name, level + "!", "ref", 9, 4, 0, 2.0, 0.5, 8.0, 0.1, 0.2),
    ]
    effects = effects_result(rows, [fit_row(name)])
    result = outcome_result(crude=effects, adjusted=effects, outcome=name, event=level, choices={})
    plot, table = forest_of(result), table_of(result, labels={name: level})
    for kind in MEDIA_TYPES:
        assert render(kind, (table,), (plot,), name, level)


@given(st.lists(names, max_size=6))
def test_sheet_names_are_legal_and_distinct(wanted):
    taken: set[str] = set()
    made = [sheet_name(name, taken) for name in wanted]
    assert len({m.lower() for m in made}) == len(made)
    for name in made:
        assert 0 < len(name.encode("utf-16-le")) <= 62
        assert not set(name) & set("[]:*?/\\")
        assert name.lower() != "history"
        assert name[0] != "'"
        assert name[-1] != "'"


@given(st.text())
def test_visible_text_is_legal_xml_and_utf8(text):
    clean = visible(text)
    assert len(clean) == len(text)
    assert visible(clean) == clean
    node = etree.Element("x")
    node.text = clean
    assert etree.fromstring(etree.tostring(node)).text == (clean or None)


def test_a_figure_file_needs_a_figure_and_a_kind_must_be_known():
    with pytest.raises(BadInput, match="no figure"):
        render("png", (), (), "", "")
    with pytest.raises(BadInput, match="cannot be saved"):
        render("exe", (), (), "", "")

"""Tables, figures and methods as a Word document: real tables that a co-author can edit.

python-docx is imported inside the functions: this runs in the heavy lane only. The same content
gives the same bytes. Nothing in the file tells who made it or when.
"""

from __future__ import annotations

import datetime as dt
import io
import zipfile
from typing import Any

from presentation import palette
from presentation.table import INDENTED, Cell, Row, Table, decimal_padding
from presentation.text import visible

_CAPTION = "Caption"
_TABLE_TEXT = "Table Text"
_TABLE_TEXT_ID = "TableText"
_TABLE_NOTE = "Table Note"
_TEXT_POINTS = 9.0
_NOTE_POINTS = 8.0
_LETTER_CM = 0.17  # mean width of a letter of the table's text, bold heads included
_CELL_PAD_CM = 0.5  # both sides of a cell
_PORTRAIT_CM = 16.0
_LANDSCAPE_CM = 24.7
_FIRST_COLUMN_LETTERS = 46
_EPOCH = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)
_ZIP_DATE = (1980, 1, 1, 0, 0, 0)


def word_bytes(
    tables: tuple[Table, ...],
    figures: tuple[tuple[bytes, str], ...],
    methods: str,
    title: str,
) -> bytes:
    """A .docx file: title, tables with their notes, figures, methods.

    `figures` are PNG files, each with its words for those who cannot see it.

    A4, landscape when a table is too wide for portrait. Header rows repeat on each page; rows do
    not break across pages.
    """
    from docx import Document

    document = Document()
    _neutral(document, title)
    _dress(document)
    landscape = any(_needed_cm(table) > _PORTRAIT_CM for table in tables)
    width_cm = _set_page(document, landscape=landscape)
    if title.strip():
        document.add_heading(visible(title), level=1)
    for table in tables:
        _add_table(document, table, width_cm)
    for number, (png, words) in enumerate(figures, start=1):
        _add_figure(document, png, words, width_cm, number)
    if methods.strip():
        document.add_heading("Methods", level=2)
        for line in methods.splitlines():
            if line.strip():
                document.add_paragraph(visible(line))
    out = io.BytesIO()
    document.save(out)
    return _same_bytes(out.getvalue())


def _neutral(document: Any, title: str) -> None:
    """Core properties that name the content and nothing else."""
    properties = document.core_properties
    properties.title = visible(title)[:255]
    for name in ("author", "comments", "keywords", "subject", "category", "last_modified_by"):
        setattr(properties, name, "")
    properties.created = properties.modified = _EPOCH.replace(tzinfo=None)
    properties.revision = 1


def _dress(document: Any) -> None:
    """Styles: one font for all scripts, black headings, own styles for tables and their notes.

    A co-author changes the look of every table by changing "Table Text" and "Table Note".
    """
    from docx.enum.style import WD_STYLE_TYPE
    from docx.shared import Pt

    for name in (_TABLE_TEXT, _TABLE_NOTE):
        document.styles.add_style(name, WD_STYLE_TYPE.PARAGRAPH)
    document.styles[_TABLE_TEXT].element.styleId = _TABLE_TEXT_ID
    for name, size, bold, before, after in (
        ("Normal", 10.5, False, 0.0, 6.0), ("Heading 1", 14.0, True, 12.0, 6.0),
        ("Heading 2", 12.0, True, 12.0, 6.0), (_CAPTION, 10.0, False, 6.0, 3.0),
        (_TABLE_TEXT, _TEXT_POINTS, False, 1.0, 1.0), (_TABLE_NOTE, _NOTE_POINTS, False, 0.0, 0.0),
    ):  # fmt: skip
        style = document.styles[name]
        _dress_text(style, size, bold=bold)
        style.paragraph_format.line_spacing = 1.0
        style.paragraph_format.space_before = Pt(before)
        style.paragraph_format.space_after = Pt(after)


def _dress_text(style: Any, size: float, *, bold: bool) -> None:
    """Font, size and colour, also for scripts such as Thai and Arabic, which Word keeps apart."""
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn
    from docx.shared import Pt, RGBColor

    style.font.name, style.font.size, style.font.bold = palette.DOCUMENT_FONT, Pt(size), bold
    style.font.color.rgb = RGBColor.from_string(palette.BLACK[1:])
    properties = style.element.get_or_add_rPr()
    fonts = properties.get_or_add_rFonts()
    for key in list(fonts.attrib):
        if key.endswith("Theme"):
            del fonts.attrib[key]
    for script in ("w:ascii", "w:hAnsi", "w:cs", "w:eastAsia"):
        fonts.set(qn(script), palette.DOCUMENT_FONT)
    complex_size = properties.find(qn("w:szCs"))
    if complex_size is None:
        complex_size = OxmlElement("w:szCs")
        properties.find(qn("w:sz")).addnext(complex_size)
    complex_size.set(qn("w:val"), str(round(2 * size)))


def _set_page(document: Any, *, landscape: bool) -> float:
    """A4 with 2.5 cm margins; the width of the text in cm."""
    from docx.enum.section import WD_ORIENT
    from docx.shared import Cm

    section = document.sections[0]
    width, height = (29.7, 21.0) if landscape else (21.0, 29.7)
    section.orientation = WD_ORIENT.LANDSCAPE if landscape else WD_ORIENT.PORTRAIT
    section.page_width, section.page_height = Cm(width), Cm(height)
    for side in ("left_margin", "right_margin", "top_margin", "bottom_margin"):
        setattr(section, side, Cm(2.5))
    return _LANDSCAPE_CM if landscape else _PORTRAIT_CM


def _column_letters(table: Table) -> list[int]:
    """Letters that each column asks for on one line; the first column may wrap."""
    found = []
    for i, column in enumerate(table.columns):
        texts = [len(row.cells[i].text) + len(row.cells[i].mark) for row in table.rows]
        wanted = max([len(column.title) + len(column.mark), *texts, 3])
        found.append(min(wanted, _FIRST_COLUMN_LETTERS))
    return found


def _needed_cm(table: Table) -> float:
    return sum(_LETTER_CM * letters + _CELL_PAD_CM for letters in _column_letters(table))


def _add_table(document: Any, table: Table, width_cm: float) -> None:
    from docx.shared import Cm

    caption = document.add_paragraph(style=_CAPTION)
    caption.paragraph_format.keep_with_next = True
    caption.add_run(table.title).bold = True
    if table.subtitle:
        caption.add_run(f" {table.subtitle}")
    head_rows = 2 if table.spanners else 1
    grid = document.add_table(rows=head_rows + len(table.rows), cols=len(table.columns))
    grid.autofit = False
    letters = _column_letters(table)
    needed = _needed_cm(table)
    scale = min(1.0, width_cm / needed)
    cells = _cells(grid)
    for i, count in enumerate(letters):
        # Before cells are merged, so that a merged cell is as wide as its columns.
        for place in (grid.columns[i], *(line[i] for line in cells)):
            place.width = Cm((_LETTER_CM * count + _CELL_PAD_CM) * scale)
    _fill_head(table, cells, head_rows)
    pads = [
        decimal_padding(table.column_texts(i)) if c.align == "number" else None
        for i, c in enumerate(table.columns)
    ]
    for r, row in enumerate(table.rows):
        _fill_row(row, cells[head_rows + r], [p[r] if p else "" for p in pads])
    _rule_rows(grid, cells, head_rows)
    _add_notes(document, table)


def _cells(grid: Any) -> list[list[Any]]:
    """All cells by row and column, fetched once (python-docx rebuilds them at each access)."""
    columns = len(grid.columns)
    flat = grid._cells  # noqa: SLF001 - the public accessors are quadratic in the number of cells
    return [flat[i : i + columns] for i in range(0, len(flat), columns)]


def _fill_head(table: Table, cells: list[list[Any]], head_rows: int) -> None:
    for i, column in enumerate(table.columns):
        _write(cells[head_rows - 1][i], Cell(column.title, mark=column.mark), bold=True)
    for cell in cells[0] if table.spanners else []:
        _write(cell, Cell())
    for spanner in table.spanners:
        merged = cells[0][spanner.first].merge(cells[0][spanner.last])
        _write(merged, Cell(spanner.title), bold=True)
        _border(merged, bottom=palette.LIGHT_RULE_POINTS)


def _fill_row(row: Row, line: list[Any], pads: list[str]) -> None:
    from docx.shared import Cm

    for i, (cell, place) in enumerate(zip(row.cells, line, strict=True)):
        paragraph = _write(place, cell, pad=pads[i])
        if i == 0 and row.kind in INDENTED:
            paragraph.paragraph_format.left_indent = Cm(0.4)
        paragraph.paragraph_format.keep_with_next = row.kind == "heading"


def _write(place: Any, cell: Cell, *, bold: bool = False, pad: str = "") -> Any:
    """Text and mark into the first paragraph of a table cell."""
    paragraph = place.paragraphs[0]
    # by its id: python-docx reads all styles to find a name, for every cell again
    paragraph._p.style = _TABLE_TEXT_ID  # noqa: SLF001
    if cell.text:
        paragraph.add_run(pad + cell.text).bold = bold or None
    if cell.mark:
        paragraph.add_run(cell.mark).font.superscript = True
    return paragraph


def _rule_rows(grid: Any, cells: list[list[Any]], head_rows: int) -> None:
    """Horizontal rules only: above and below the head, and at the end."""
    from docx.oxml import OxmlElement

    for i, row in enumerate(grid.rows):
        properties = row._tr.get_or_add_trPr()  # noqa: SLF001 - no public way to these two flags
        properties.append(OxmlElement("w:cantSplit"))
        if i < head_rows:
            properties.append(OxmlElement("w:tblHeader"))
    for cell in cells[0]:
        _border(cell, top=palette.HEAVY_RULE_POINTS)
    for cell in cells[head_rows - 1]:
        _border(cell, bottom=palette.LIGHT_RULE_POINTS)
    for cell in cells[-1]:
        _border(cell, bottom=palette.HEAVY_RULE_POINTS)


def _border(cell: Any, **points: float) -> None:
    """Rules on sides of a cell; Word counts eighths of a point."""
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn

    properties = cell._tc.get_or_add_tcPr()  # noqa: SLF001 - python-docx has no borders
    borders = properties.find(qn("w:tcBorders"))
    if borders is None:
        borders = OxmlElement("w:tcBorders")
        properties.append(borders)
    for side in ("top", "bottom"):  # the order that the schema wants
        if side not in points or borders.find(qn(f"w:{side}")) is not None:
            continue
        rule = OxmlElement(f"w:{side}")
        for key, value in (
            ("w:val", "single"), ("w:sz", str(round(8 * points[side]))), ("w:space", "0"),
            ("w:color", "auto"),
        ):  # fmt: skip
            rule.set(qn(key), value)
        if side == "top":
            borders.insert(0, rule)
        else:
            borders.append(rule)


def _add_notes(document: Any, table: Table) -> None:
    for mark, text in (
        *((note.mark, note.text) for note in table.footnotes),
        *(("", note) for note in table.notes),
    ):
        paragraph = document.add_paragraph(style=_TABLE_NOTE)
        if mark:
            paragraph.add_run(mark).font.superscript = True
        paragraph.add_run((" " if mark else "") + text)
    document.add_paragraph()


def _add_figure(document: Any, png: bytes, text: str, width_cm: float, number: int) -> None:
    from docx.shared import Cm

    picture = document.add_picture(io.BytesIO(png))
    if picture.width > Cm(width_cm):
        picture.height = round(picture.height * Cm(width_cm) / picture.width)
        picture.width = Cm(width_cm)
    tallest = Cm(14.0 if width_cm > _PORTRAIT_CM else 22.0)
    if picture.height > tallest:
        picture.width = round(picture.width * tallest / picture.height)
        picture.height = tallest
    described = picture._inline.docPr  # noqa: SLF001 - alternative text has no public setter
    described.set("descr", visible(text))
    described.set("name", f"Figure {number}")


def _same_bytes(data: bytes) -> bytes:
    """The same archive with fixed dates, so that equal content gives equal bytes."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w") as new:
        for item in old.infolist():
            fixed = zipfile.ZipInfo(item.filename, _ZIP_DATE)
            fixed.compress_type = zipfile.ZIP_DEFLATED
            new.writestr(fixed, old.read(item))
    return out.getvalue()

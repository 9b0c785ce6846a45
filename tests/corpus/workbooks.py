"""g: workbooks, honest ones and bombs, written part by part."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib

from ingest import ReadLimits
from tests.corpus.case import Corpus, day, refused, table

corpus = Corpus()
NS = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
REL = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
TYPES = b'<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>'


def letters(column: int) -> str:
    return chr(65 + column) if column < 26 else chr(64 + column // 26) + chr(65 + column % 26)


def cell(reference: str, value: object, style: int = 0) -> str:
    """One cell: numbers plain, text inline, ready-made XML (bytes) as it is."""
    s = f' s="{style}"' if style else ""
    if isinstance(value, bytes):
        return value.decode().replace("@", reference)
    if isinstance(value, bool):
        return f'<c r="{reference}" t="b"><v>{int(value)}</v></c>'
    if isinstance(value, (int, float)):
        return f'<c r="{reference}"{s}><v>{value!r}</v></c>'
    text = str(value).replace("&", "&amp;").replace("<", "&lt;")
    return f'<c r="{reference}" t="inlineStr"><is><t xml:space="preserve">{text}</t></is></c>'


def sheet(rows: list[list], *, styles: dict[int, int] | None = None, after: str = "", before: str = "",
          hidden_rows: tuple[int, ...] = ()) -> str:  # fmt: skip
    lines = []
    for r, row in enumerate(rows, start=1):
        cells = "".join(
            cell(f"{letters(c)}{r}", value, (styles or {}).get(c, 0) if r > 1 else 0)
            for c, value in enumerate(row) if value is not None
        )  # fmt: skip
        hidden = ' hidden="1"' if r in hidden_rows else ""
        lines.append(f'<row r="{r}"{hidden}>{cells}</row>')
    return f"<worksheet {NS}>{before}<sheetData>{''.join(lines)}</sheetData>{after}</worksheet>"


def workbook(*sheets: str, names: tuple[str, ...] = (), states: tuple[str, ...] = (), shared: str = "",
             styles: str = "", properties: str = "", parts: dict[str, bytes] | None = None) -> bytes:  # fmt: skip
    listed = relations = ""
    members: dict[str, bytes] = {"[Content_Types].xml": TYPES}
    for i, xml in enumerate(sheets, start=1):
        name = names[i - 1] if names else f"Sheet{i}"
        state = f' state="{states[i - 1]}"' if states else ""
        listed += f'<sheet name="{name}" sheetId="{i}"{state} r:id="rId{i}"/>'
        relations += (
            f'<Relationship Id="rId{i}" Type="{REL}/worksheet" Target="worksheets/sheet{i}.xml"/>'
        )
        members[f"xl/worksheets/sheet{i}.xml"] = xml.encode()
    if shared:
        relations += (
            f'<Relationship Id="rs" Type="{REL}/sharedStrings" Target="sharedStrings.xml"/>'
        )
        members["xl/sharedStrings.xml"] = shared.encode()
    if styles:
        relations += f'<Relationship Id="rt" Type="{REL}/styles" Target="styles.xml"/>'
        members["xl/styles.xml"] = styles.encode()
    members["xl/workbook.xml"] = (
        f'<workbook {NS} xmlns:r="{REL}">{properties}<sheets>{listed}</sheets></workbook>'.encode()
    )
    members["xl/_rels/workbook.xml.rels"] = (
        '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
        f"{relations}</Relationships>".encode()
    )
    members.update(parts or {})
    return pack(members)


def pack(members: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in members.items():
            file.writestr(name, content)
    return out.getvalue()


DATES = (
    f'<styleSheet {NS}><numFmts count="2"><numFmt numFmtId="164" formatCode="dd/mm/yyyy"/>'
    '<numFmt numFmtId="165" formatCode="&quot;day&quot; 0.00"/></numFmts>'
    '<cellXfs count="5"><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="164"/><xf numFmtId="165"/>'
    '<xf numFmtId="21"/></cellXfs></styleSheet>'
)
BASIC = [["id", "age", "sex"], [1, 54, "M"], [2, 61.5, "F"], [3, None, "F"]]
BASIC_TRUTH = {"id": [1, 2, 3], "age": [54, 61.5, None], "sex": ["M", "F", "F"]}


def g(name: str, content, truth, **choices) -> None:
    corpus.add(name, content, truth, file_name="book.xlsx", **choices)


g("g01_basic", workbook(sheet(BASIC)), table(BASIC_TRUTH))
g("g02_shared_texts", workbook(
    f'<worksheet {NS}><sheetData><row r="1"><c r="A1" t="s"><v>0</v></c><c r="B1" t="s"><v>1</v></c></row>'
    '<row r="2"><c r="A2" t="s"><v>2</v></c><c r="B2"><v>1</v></c></row>'
    '<row r="3"><c r="A3" t="s"><v>3</v></c><c r="B3"><v>2</v></c></row></sheetData></worksheet>',
    shared=f'<sst {NS} count="4" uniqueCount="4"><si><t>name</t></si><si><t>n</t></si>'
    "<si><r><t>rich </t></r><r><t>text</t></r></si><si><t>x_x000D_\ny</t><rPh><t>no</t></rPh></si></sst>",
), table({"name": ["rich text", "x\ny"], "n": [1, 2]}))  # fmt: skip
g("g03_false_unique_count", workbook(
    f'<worksheet {NS}><sheetData><row r="1"><c r="A1" t="s"><v>0</v></c></row><row r="2"><c r="A2"><v>5</v></c></row>'
    '<row r="3"><c r="A3"><v>6</v></c></row></sheetData></worksheet>',
    shared=f'<sst {NS} count="4000000000" uniqueCount="4000000000"><si><t>name</t></si></sst>',
), table({"name": [5, 6]}))  # fmt: skip
g("g04_dates", workbook(sheet([["seen", "born", "dose", "clock"], [45322, 45322.5, 2.5, 0.5], [45351, 1, 3.5, 0.25]],
                              styles={0: 1, 1: 2, 2: 3, 3: 4}), styles=DATES),
  table({"seen": [day("2024-01-31"), day("2024-02-29")], "born": [day("2024-01-31 12:00"), day("1900-01-01")],
         "dose": [2.5, 3.5], "clock": ["12:00:00", "06:00:00"]}))  # fmt: skip
g("g05_dates_1904", workbook(sheet([["seen", "n"], [43860, 1], [43889, 2]], styles={0: 1}), styles=DATES,
                             properties='<workbookPr date1904="1"/>'),
  table({"seen": [day("2024-01-31"), day("2024-02-29")], "n": [1, 2]}, "epoch_1904"))  # fmt: skip
g(
    "g06_booleans",
    workbook(sheet([["a", "b"], [1, True], [2, False]])),
    table({"a": [1, 2], "b": ["TRUE", "FALSE"]}),
)
g("g07_errors", workbook(sheet([["a", "b"], [1, b'<c r="@" t="e"><v>#N/A</v></c>'],
                                [2, b'<c r="@" t="e"><v>#DIV/0!</v></c>'], [3, 1.5], [4, 2.5]])),
  table({"a": [1, 2, 3, 4], "b": [None, None, 1.5, 2.5]}, "error_cells"))  # fmt: skip
g("g08_formulas", workbook(sheet([["a", "b"], [1, b'<c r="@"><f>A2*2</f><v>2</v></c>'],
                                  [2, b'<c r="@" t="str"><f>TEXT()</f><v>4</v></c>']])),
  table({"a": [1, 2], "b": [2, 4]}, "numbers_as_text"))  # fmt: skip
g("g09_formula_without_value", workbook(sheet([["a", "b"], [1, b'<c r="@"><f>A2*2</f></c>'], [2, 7]])),
  table({"a": [1, 2], "b": [None, 7]}, "formulas_without_value"))  # fmt: skip
g("g10_numbers_as_text", workbook(sheet([["a", "b"], [1, "12"], [2, "15"]])),
  table({"a": [1, 2], "b": [12, 15]}, "numbers_as_text"))  # fmt: skip
g("g11_far_cell", workbook(sheet([["a"], [1]]).replace(
    "</sheetData>", '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData>')),
  refused("row 1,048,576"))  # fmt: skip
g("g12_far_column", workbook(sheet([["a"], [1]]).replace(
    "</sheetData>", '<row r="3"><c r="XFD3"><v>1</v></c></row></sheetData>')), refused("XFD3", "16,384"))  # fmt: skip
g("g13_far_row_inside", workbook(sheet([["a", "b"], [1, 2], [3, 4]]).replace(
    "</sheetData>", '<row r="900000"><c r="A900000"><v>5</v></c><c r="B900000"><v>6</v></c></row></sheetData>')),
  table({"a": [1, 3, 5], "b": [2, 4, 6]}, "blank_lines"))  # fmt: skip
g(
    "g14_false_dimension",
    workbook(sheet(BASIC, before='<dimension ref="A1:XFD1048576"/>')),
    table(BASIC_TRUTH),
)
g("g15_ghost_rows", workbook(sheet(BASIC).replace(
    "</sheetData>", "".join(f'<row r="{r}"><c r="A{r}" s="1"/></row>' for r in range(10, 60_000)) + "</sheetData>")),
  table(BASIC_TRUTH))  # fmt: skip
g("g16_hidden_rows", workbook(sheet(BASIC, hidden_rows=(3,))), table(BASIC_TRUTH, "hidden_rows"))
g("g17_hidden_columns", workbook(sheet(BASIC, before='<cols><col min="2" max="2" hidden="1"/></cols>')),
  table(BASIC_TRUTH, "hidden_columns"))  # fmt: skip
g("g18_merged", workbook(sheet([["a", "b"], ["x", 1], [None, 2]], after='<mergeCells><mergeCell ref="A2:A3"/></mergeCells>')),
  table({"a": ["x", None], "b": [1, 2]}, "merged_cells", also=("constant_column",)))  # fmt: skip
g("g19_two_sheets", workbook(sheet(BASIC), sheet([["z"], [1], [2]]), names=("Data", "Other")),
  table(BASIC_TRUTH, "other_sheets"))  # fmt: skip
g("g20_sheet_chosen", workbook(sheet(BASIC), sheet([["z"], [1], [2]]), names=("Data", "Other")),
  table({"z": [1, 2]}, "other_sheets"), sheet="Other")  # fmt: skip
g(
    "g21_sheet_unknown",
    workbook(sheet(BASIC), names=("Data",)),
    refused("no sheet", "Nowhere"),
    sheet="Nowhere",
)
g("g22_first_hidden", workbook(sheet([["z"], [1], [2]]), sheet(BASIC), names=("Codes", "Data"), states=("hidden", "visible")),
  table(BASIC_TRUTH, "other_sheets"))  # fmt: skip
g(
    "g23_first_empty",
    workbook(sheet([]), sheet(BASIC), names=("Cover", "Data")),
    table(BASIC_TRUTH, "other_sheets"),
)
g("g24_all_empty", workbook(sheet([])), refused("no sheet with data"))
g("g25_preamble", workbook(sheet([["Ward report"], [], *BASIC])), table(BASIC_TRUTH, "preamble"))
g(
    "g26_empty_first_columns",
    workbook(sheet([[None, None, *row] for row in BASIC])),
    table(BASIC_TRUTH, "empty_columns", also=("empty_names",)),
)
g("g27_prefixed_names", workbook(
    sheet(BASIC).replace(f"worksheet {NS}", "x:worksheet " + NS.replace("xmlns=", "xmlns:x="))
    .replace("</worksheet", "</x:worksheet").replace("<sheetData", "<x:sheetData").replace("</sheetData", "</x:sheetData")
    .replace("<row", "<x:row").replace("</row", "</x:row").replace("<c ", "<x:c ").replace("</c>", "</x:c>")
    .replace("<v>", "<x:v>").replace("</v>", "</x:v>").replace("<is>", "<x:is>").replace("</is>", "</x:is>")
    .replace("<t ", "<x:t ").replace("</t>", "</x:t>"),
), table(BASIC_TRUTH))  # fmt: skip
g("g28_without_references", workbook(
    f"<worksheet {NS}><sheetData><row><c t='inlineStr'><is><t>a</t></is></c><c t='inlineStr'><is><t>b</t></is></c></row>"
    "<row><c><v>1</v></c><c><v>2</v></c></row><row><c><v>3</v></c><c><v>4</v></c></row></sheetData></worksheet>",
), table({"a": [1, 3], "b": [2, 4]}))  # fmt: skip
g("g29_seventeen_digits", workbook(sheet([["a", "b"], [b'<c r="@"><v>3.1400000000000001</v></c>', 1],
                                          [b'<c r="@"><v>1E-3</v></c>', 2]])),
  table({"a": [3.14, 0.001], "b": [1, 2]}))  # fmt: skip
g("g30_large_id", workbook(sheet([["hn", "b"], [b'<c r="@"><v>9007199254740993</v></c>', 1], [b'<c r="@"><v>5</v></c>', 2]])),
  table({"hn": ["9007199254740992", "5"], "b": [1, 2]}, "codes_kept"))  # fmt: skip
g("g31_leading_zero_text", workbook(sheet([["hn", "b"], ["00123", 1], ["00456", 2]])),
  table({"hn": ["00123", "00456"], "b": [1, 2]}, "codes_kept", also=("numbers_as_text",)))  # fmt: skip
g("g32_row_bomb", lambda: workbook(
    f"<worksheet {NS}><sheetData>" + '<row r="1"/>' * 3_000_000 + "</sheetData></worksheet>"),
  refused("workbook"))  # fmt: skip
g(
    "g33_inflates_beyond",
    lambda: workbook(sheet(BASIC), parts={"xl/media/x": bytes(250_000_000)}),
    refused("200 MB"),
)
g("g34_one_endless_text", lambda: workbook(sheet(BASIC), shared=f"<sst {NS}><si><t>" + "x" * 60_000_000 + "</t></si></sst>"),
  refused("longer than 32,767"))  # fmt: skip
g("g35_billion_laughs", workbook(
    '<!DOCTYPE lolz [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;">]>' + sheet(BASIC)), refused("document type"))  # fmt: skip
g("g36_external_entity", workbook(
    '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>' + sheet(BASIC).replace("M", "&e;")), refused("document type"))  # fmt: skip
g(
    "g37_many_members",
    lambda: workbook(sheet(BASIC), parts={f"xl/x{i}": b"" for i in range(3000)}),
    refused("1,000 parts"),
)
g("g38_cut_in_half", workbook(sheet(BASIC))[:600], refused("damaged"))
g("g39_broken_xml", workbook(sheet(BASIC).replace("</sheetData>", "")), refused("well-formed"))
g("g40_deep_nesting", lambda: workbook(f"<worksheet {NS}>" + "<a>" * 200_000), refused("nested"))
g("g41_too_many_cells", lambda: workbook(sheet([["a", "b"], *([[1, 2]] * 2000)])), refused("cells"),
  limits=ReadLimits(workbook_cells=1000))  # fmt: skip
g("g42_workbook_too_large", lambda: workbook(sheet(BASIC), parts={"xl/x": bytes(range(256)) * 400}), refused("mb"),
  limits=ReadLimits(workbook_bytes=1000))  # fmt: skip
g("g43_missing_text", workbook(f'<worksheet {NS}><sheetData><row r="1"><c r="A1" t="s"><v>7</v></c></row></sheetData></worksheet>'),
  refused("damaged", "not there"))  # fmt: skip
g("g44_nasty_sheet_name", workbook(sheet(BASIC), names=("&lt;script&gt;",)), table(BASIC_TRUTH))
g(
    "g45_rows_out_of_order",
    workbook(sheet([["a"], [1], [2]]).replace('r="3"', 'r="1"')),
    refused("order"),
)
g(
    "g46_footer",
    workbook(sheet([*BASIC, [], ["Source: ward register"]])),
    table(BASIC_TRUTH, "footer"),
)
g("g47_blank_row_inside", workbook(sheet([*BASIC, [], [4, 33, "M"]])),
  table({"id": [1, 2, 3, 4], "age": [54, 61.5, None, 33], "sex": ["M", "F", "F", "M"]}, "blank_lines"))  # fmt: skip
g(
    "g48_no_sheet",
    pack({"[Content_Types].xml": TYPES, "xl/workbook.xml": f"<workbook {NS}/>".encode()}),
    refused("no sheet"),
)


g(
    "g51_endless_comment",
    lambda: workbook(sheet(BASIC, before="<!--" + "x>" * 10_000_000 + "-->")),
    refused("longer than"),
)
g(
    "g52_endless_attribute",
    lambda: workbook(sheet(BASIC, before='<cols x="' + "x>" * 10_000_000 + '"/>')),
    refused("longer than"),
)
g("g53_merge_bomb", lambda: workbook(sheet(BASIC, after="<mergeCells>" + '<mergeCell ref="A1:B2"/>' * 2_000_000 + "</mergeCells>")),
  table(BASIC_TRUTH, "merged_cells"))  # fmt: skip
g("g54_tag_bomb", lambda: workbook(sheet(BASIC, after="<a/>" * 7_000_000)), refused("cells"))
g(
    "g55_short_comment",
    workbook(sheet(BASIC, before="<!-- written by hand -->")),
    table(BASIC_TRUTH),
)
g(
    "g56_text_bomb",
    lambda: workbook(sheet([["a", "b"], ["x" * 20_000_000, 1], ["y", 2]])),
    refused("longer than 32,767"),
)
g("g57_utf16_parts", workbook("placeholder", parts={"xl/worksheets/sheet1.xml": ('<?xml version="1.0" encoding="UTF-16"?>' + sheet(BASIC)).encode("utf-16")}),
  table(BASIC_TRUTH))  # fmt: skip


def lying_sizes() -> bytes:
    """A part that states 10 bytes and inflates to 300 MB."""
    honest = workbook(sheet(BASIC))
    name = b"xl/worksheets/sheet1.xml"
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    body = b"".join(packer.compress(b"<a/>" * 250_000) for _ in range(75)) + packer.flush()
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(honest)) as old, zipfile.ZipFile(out, "w") as new:
        for info in old.infolist():
            if info.filename.encode() != name:
                new.writestr(info.filename, old.read(info.filename))
        new.writestr(name.decode(), body)
    raw = bytearray(out.getvalue())
    at = raw.find(b"PK\x03\x04")
    while raw[at + 30 : at + 30 + len(name)] != name:
        at = raw.find(b"PK\x03\x04", at + 4)
    struct.pack_into("<H", raw, at + 8, 8)
    struct.pack_into("<L", raw, at + 22, 10)
    central = raw.find(b"PK\x01\x02")
    while raw[central + 46 : central + 46 + len(name)] != name:
        central = raw.find(b"PK\x01\x02", central + 4)
    struct.pack_into("<H", raw, central + 10, 8)
    struct.pack_into("<L", raw, central + 24, 10)
    return bytes(raw)


g("g49_lying_sizes", lying_sizes, refused("damaged"))
g("g50_phonetic_and_rich_inline", workbook(sheet([["a", "b"], [
    b'<c r="@" t="inlineStr"><is><r><t>low</t></r><r><t>er</t></r><rPh sb="0" eb="1"><t>x</t></rPh></is></c>', 1], ["upper", 2]])),
  table({"a": ["lower", "upper"], "b": [1, 2]}))  # fmt: skip

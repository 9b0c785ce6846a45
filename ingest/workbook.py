"""An Excel workbook (.xlsx): its sheets, its formats, and one of its sheets as a table."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass, field
from pathlib import Path

from ingest.archive import Package, damaged
from ingest.columns import Rules
from ingest.filekind import refuse_kind
from ingest.notes import cells, listed, quoted, were
from ingest.report import ImportNote, ImportReport, ReadChoices, ReadLimits
from ingest.serials import format_kind
from ingest.sheet import SharedTexts, SheetReader, SheetText, column_letters, read_shared_texts
from ingest.source import Source
from ingest.table import Table, read_source
from stats.errors import BadInput

_MAIN_PARTS = ("xl/workbook.xml",)


@dataclass(slots=True)
class Sheet:
    """A sheet as the workbook lists it."""

    name: str
    part: str
    visible: bool


@dataclass(slots=True)
class Workbook:
    """What the workbook says about itself. `formats` is the kind ("date", "time", "") of each
    cell style."""

    sheets: list[Sheet] = field(default_factory=list)
    epoch_1904: bool = False
    shared: str | None = None
    formats: list[str] = field(default_factory=list)


def read_workbook(
    path: Path, name: str, limits: ReadLimits, choices: ReadChoices, rules: Rules
) -> tuple[Table, ImportReport]:
    """One sheet of a workbook: the chosen one, else the first visible one that has cells."""
    size = path.stat().st_size
    if size > limits.workbook_bytes:
        raise BadInput(
            f"The workbook has {size / 1024**2:.1f} MB; up to "
            f"{limits.workbook_bytes / 1024**2:g} MB are read.",
            rule="workbook size", found=f"{size} bytes",
            hint="Save the sheet as CSV UTF-8 and upload that file; larger ones are read.",
        )  # fmt: skip
    with Package(path, limits) as package:
        book = _describe(package)
        shared = read_shared_texts(package, book.shared)
        sheet, text = _find_table(package, book, shared, choices.sheet)
    source = Source(text.stream, ",", limits, place="row", n_columns=text.n_columns)
    table = read_source(source, rules, header_row=choices.header_row)
    notes = _sheet_notes(book, sheet) + _cell_notes(text)
    report = ImportReport(
        file_name=name, file_kind="workbook", size_bytes=size, n_rows=0, n_columns=0,
        sheet=sheet.name, sheets=tuple(s.name for s in book.sheets), notes=tuple(notes),
    )  # fmt: skip
    return table, report


def _describe(package: Package) -> Workbook:
    main = next((part for part in _MAIN_PARTS if part in package.names), None)
    if main is None:
        main = _main_part(package)
    book = Workbook()
    targets = _relations(package, main)
    listed_sheets: list[tuple[str, str, str]] = []

    def start(name: str, attributes: dict[str, str]) -> None:
        if name == "sheet":
            relation = next((v for k, v in attributes.items() if k.endswith(":id")), "")
            listed_sheets.append(
                (attributes.get("name", ""), relation, attributes.get("state", "visible"))
            )
        elif name == "workbookPr":
            book.epoch_1904 = attributes.get("date1904") in ("1", "true")

    package.feed(main, start)
    for name, relation, state in listed_sheets:
        kind, part = targets.get(relation, ("", ""))
        if kind == "worksheet" and part in package.names:
            book.sheets.append(Sheet(name, part, state == "visible"))
    if not book.sheets:
        raise damaged("it has no sheet")
    parts = dict(targets.values())
    book.shared = parts.get("sharedStrings")
    if parts.get("styles") in package.names:
        book.formats = _formats(package, parts["styles"])
    return book


def _main_part(package: Package) -> str:
    """The workbook part where it is not at its usual place."""
    for kind, part in _relations(package, "").values():
        if kind == "officeDocument" and part in package.names and part.endswith(".xml"):
            return part
    raise refuse_kind("a zip archive that holds no workbook")


def _relations(package: Package, part: str) -> dict[str, tuple[str, str]]:
    """Relation id -> (kind, part) of a part's relations."""
    folder, base = posixpath.split(part)
    file = posixpath.join(folder, "_rels", f"{base}.rels")
    found: dict[str, tuple[str, str]] = {}
    if file not in package.names:
        return found

    def start(name: str, attributes: dict[str, str]) -> None:
        if name == "Relationship" and attributes.get("TargetMode") != "External":
            target = attributes.get("Target", "")
            path = target.lstrip("/") if target.startswith("/") else posixpath.join(folder, target)
            kind = attributes.get("Type", "").rpartition("/")[2]
            found[attributes.get("Id", "")] = (kind, posixpath.normpath(path))

    package.feed(file, start)
    return found


def _formats(package: Package, part: str) -> list[str]:
    """The kind of each cell style, in the order of `cellXfs`."""
    codes: dict[int, str] = {}
    kinds: list[str] = []
    inside = {"cellXfs": False}

    def start(name: str, attributes: dict[str, str]) -> None:
        if name == "numFmt":
            number = attributes.get("numFmtId", "")
            if number.isdigit():
                codes[int(number)] = attributes.get("formatCode", "")[:255]
        elif name == "cellXfs":
            inside["cellXfs"] = True
        elif name == "xf" and inside["cellXfs"]:
            number = attributes.get("numFmtId", "0")
            n = int(number) if number.isdigit() else 0
            kinds.append(format_kind(n, codes.get(n)))

    def end(name: str) -> None:
        if name == "cellXfs":
            inside["cellXfs"] = False

    package.feed(part, start, end)
    return kinds


def _find_table(
    package: Package, book: Workbook, shared: SharedTexts, chosen: str | None
) -> tuple[Sheet, SheetText]:
    candidates = [sheet for sheet in book.sheets if sheet.visible] or book.sheets
    if chosen is not None:
        candidates = [sheet for sheet in book.sheets if sheet.name == chosen]
        if not candidates:
            raise BadInput(
                f'The workbook has no sheet called "{chosen[:60]}".',
                rule="sheet", found=chosen[:60],
                hint=f"Its sheets are {quoted((s.name for s in book.sheets), 8)}.",
            )  # fmt: skip
    for sheet in candidates:
        reader = SheetReader(package, shared, book.formats, epoch_1904=book.epoch_1904)
        package.feed(sheet.part, reader.start, reader.end, reader.text)
        text = reader.finish()
        if text.n_cells:
            return sheet, text
    raise BadInput(
        "The workbook has no sheet with data." if chosen is None
        else f'The sheet "{chosen[:60]}" is empty.',
        rule="rows", found="0",
        hint="Check that the right file and sheet were chosen.",
    )  # fmt: skip


def _sheet_notes(book: Workbook, sheet: Sheet) -> list[ImportNote]:
    notes: list[ImportNote] = []
    others = [s for s in book.sheets if s is not sheet]
    hidden = [s.name for s in others if not s.visible]
    if others:
        names = quoted((s.name for s in others), 6)
        text = f'The sheet "{sheet.name}" was read; the workbook also has {names}'
        text += f" ({len(hidden)} of them hidden)." if hidden else "."
        notes.append(ImportNote(
            "other_sheets", "info", text, "Choose another sheet in the import options."
        ))  # fmt: skip
    if not sheet.visible:
        notes.append(ImportNote(
            "hidden_sheet", "caution", f'The sheet "{sheet.name}" is hidden in the workbook.',
            "Check that it is the one you mean.",
        ))  # fmt: skip
    if book.epoch_1904:
        notes.append(ImportNote(
            "epoch_1904", "info",
            "The workbook counts its days from 1904; its dates were read accordingly.",
            "Nothing needs to be done.",
        ))  # fmt: skip
    return notes


def _cell_notes(text: SheetText) -> list[ImportNote]:
    notes: list[ImportNote] = []

    def say(code: str, sentence: str, remedy: str, *, caution: bool = True) -> None:
        notes.append(ImportNote(code, "caution" if caution else "info", sentence, remedy))

    if text.hidden_rows:
        say("hidden_rows", f"{text.hidden_rows:,} hidden row{'s' * (text.hidden_rows != 1)} "
            f"{'were' if text.hidden_rows != 1 else 'was'} read like the others.",
            "Delete them in the workbook if they do not belong to the data.")  # fmt: skip
    if text.hidden_columns:
        say("hidden_columns", "Hidden columns were read like the others.",
            "Delete them in the workbook if they do not belong to the data.")  # fmt: skip
    if text.merged:
        more = text.n_merged - len(text.merged)
        shown = ", ".join(text.merged) + (f" and {more:,} more" if more else "")
        say("merged_cells", f"Merged cells ({shown}) hold their value in the first cell only; "
            "the others were read as empty.",
            "Unmerge them in the workbook and fill each cell.")  # fmt: skip
    if count := text.formulas_without_value:
        say("formulas_without_value", f"{cells(count)} with a formula whose result is not stored "
            f"in the workbook {were(count)} read as empty.",
            "Open and save the workbook in a spreadsheet program; upload it again.")  # fmt: skip
    if count := text.odd_dates:
        say("odd_dates", f"{cells(count)} formatted as dates with a number that is no date "
            f"{were(count)} read as a number.", "Correct them in the workbook.")  # fmt: skip
    if text.text_numbers:
        columns = sorted(text.text_numbers)
        say("numbers_as_text", f"{cells(sum(text.text_numbers.values()))} in column"
            f"{'s' * (len(columns) != 1)} {listed([column_letters(c) for c in columns], 6)} with "
            f"a number stored as text {were(sum(text.text_numbers.values()))} read like a number.",
            "To keep a column as written, mark it as text in the import options.",
            caution=False)  # fmt: skip
    return notes

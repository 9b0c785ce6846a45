"""What was decided while reading a file, in words."""

from __future__ import annotations

from shiny import ui
from shiny.ui import Tag, TagList

from ingest.report import ImportNote, ImportReport
from tabs.parts import note_line
from tabs.words import counted, memory_words

_HEADINGS = (
    ("warning", "Please check"),
    ("caution", "Worth a look"),
    ("info", "What was decided"),
)
_MOST = 40
_MARKS = {
    ",": "comma",
    ";": "semicolon",
    "\t": "tab",
    "|": "vertical bar",
    " ": "space",
    ".": "point",
}


def report_of(report: ImportReport) -> TagList:
    """Facts of the file, then the notes: what needs a look first."""
    groups = [
        _group(title, [n for n in report.notes if n.severity == level])
        for level, title in _HEADINGS
    ]
    clean = None
    if not any(note.severity != "info" for note in report.notes):
        clean = ui.p("Nothing in this file looked odd.", class_="cs-quiet")
    return TagList(ui.p(_facts(report)), clean, *groups)


def _facts(report: ImportReport) -> str:
    size = memory_words(report.size_bytes)
    shape = f"{counted(report.n_rows, 'row')} and {counted(report.n_columns, 'column')}"
    if report.file_kind == "workbook":
        where = f'from sheet "{report.sheet}"' if report.sheet else "from a workbook"
        return f"{shape} read {where} ({size})."
    parts = [f"{size} of text"]
    if report.encoding:
        parts.append(f"encoding {report.encoding}")
    if report.separator:
        parts.append(f"separated by {mark_word(report.separator)}")
    if report.decimal_mark:
        parts.append(f"decimal {mark_word(report.decimal_mark)}")
    return f"{shape} read ({', '.join(parts)})."


def mark_word(mark: str) -> str:
    """`comma` for ","; any other sign in quotes."""
    return _MARKS.get(mark, f'"{mark}"')


def _group(title: str, notes: list[ImportNote]) -> TagList | None:
    if not notes:
        return None
    shown = [note_line(note.severity, note.text, note.remedy) for note in notes[:_MOST]]
    more = len(notes) - _MOST
    rest = ui.p(f"And {counted(more, 'more note')}.", class_="cs-quiet") if more > 0 else None
    return TagList(ui.h3(title), ui.tags.ul(*shown, class_="cs-notes-list"), rest)


def summary(report: ImportReport) -> Tag | None:
    """How many notes need a look; None when there are none."""
    odd = sum(note.severity != "info" for note in report.notes)
    return ui.span(counted(odd, "note") + " to check") if odd else None

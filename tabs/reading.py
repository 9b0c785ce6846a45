"""How the file was read, and how to read it otherwise."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from shiny import Inputs, Outputs, Session, module, reactive, render, ui
from shiny.ui import Tag

from ingest.report import ImportReport, ReadChoices
from tabs.clicks import fresh
from tabs.distinct import distinct
from tabs.loaded import Loaded, generation_of

_ENCODINGS = {
    "": "Found in the file", "utf-8": "UTF-8", "utf-16": "UTF-16",
    "windows-1252": "Western (Windows)", "iso-8859-1": "Western (ISO 8859-1)",
    "windows-1250": "Central European", "windows-1251": "Cyrillic",
    "windows-874": "Thai (Windows)", "tis-620": "Thai (TIS-620)", "shift_jis": "Japanese",
    "gb18030": "Chinese (simplified)", "big5": "Chinese (traditional)", "euc-kr": "Korean",
}  # fmt: skip
_SEPARATORS = {
    "": "Found in the file", ",": "Comma", ";": "Semicolon", "tab": "Tab", "|": "Vertical bar",
    "space": "Space",
}  # fmt: skip
_SEPARATOR_SIGNS = {"tab": "\t", "space": " "}
_DECIMALS = {"": "Found in the file", ".": "Point (1.5)", ",": "Comma (1,5)"}
_DATES = {
    "": "Found in the file",
    "day first": "Day first (31/12/2025)",
    "month first": "Month first (12/31/2025)",
}


@module.ui
def reading_ui() -> Tag:
    """A folded form; it stands empty until a file was read."""
    return ui.tags.details(
        ui.tags.summary("Import options"), ui.output_ui("form"), class_="cs-fold"
    )


@module.server
def reading_server(
    inputs: Inputs, _outputs: Outputs, _session: Session,
    loaded: reactive.Value[Loaded | None], read: Callable[[Loaded, ReadChoices], None],
) -> None:  # fmt: skip
    """Calls `read` with the file in hand and the choices made."""
    generation = distinct(lambda: generation_of(loaded()), 0)

    @render.ui
    def form() -> Tag | None:
        if not generation():
            return None
        with reactive.isolate():
            now = loaded()
        return None if now is None else _form(now.report, now.choices, now.dataset.names)

    @reactive.effect
    @reactive.event(fresh(inputs.again))
    def _() -> None:
        now = loaded()
        if now is not None:
            read(now, _chosen(inputs, now.report))


def _form(report: ImportReport, choices: ReadChoices, names: Sequence[str]) -> Tag:
    header = choices.header_row
    fields: list[Any] = []
    if report.file_kind == "workbook":
        sheets = {name: name for name in report.sheets}
        fields.append(ui.input_select("sheet", "Sheet", sheets, selected=report.sheet))
    else:
        sign = next((k for k, v in _SEPARATOR_SIGNS.items() if v == choices.separator), None)
        fields += [
            ui.input_select("encoding", "Encoding", _ENCODINGS, selected=choices.encoding or ""),
            ui.input_select(
                "separator", "Separator", _SEPARATORS, selected=sign or choices.separator or ""
            ),
            ui.input_select(
                "decimal", "Decimal mark", _DECIMALS, selected=choices.decimal_mark or ""
            ),
        ]
    missing = "" if choices.missing_words is None else ", ".join(choices.missing_words)
    fields += [
        ui.input_text("header", "Row with the column names", "" if header is None else str(header),
                      placeholder="Found in the file; 0 = none"),
        ui.input_select("dates", "Order of dates", _DATES, selected=choices.date_order or ""),
        ui.input_text("missing", "Words that mean missing", missing, placeholder="NA, null, …"),
        ui.input_checkbox(
            "only_empty", "Only empty cells are missing", choices.missing_words == ()
        ),
        ui.input_select(
            "as_text", "Columns to keep as text", {name: name for name in names},
            selected=list(choices.text_columns), multiple=True, size="6",
        ),
        ui.p("Reading again proposes the variable table anew.", class_="cs-hint"),
        ui.input_action_button("again", "Read again", class_="btn-outline"),
    ]  # fmt: skip
    return ui.div(*fields)


def _chosen(inputs: Inputs, report: ImportReport) -> ReadChoices:
    header = str(inputs.header()).strip()
    words = str(inputs.missing()).strip()
    common: dict[str, Any] = {
        "header_row": int(header) if header.isdecimal() else None,
        "date_order": inputs.dates() or None,
        "missing_words": ()
        if inputs.only_empty()
        else (tuple(w for part in words.split(",") if (w := part.strip())) or None),
        "text_columns": tuple(inputs.as_text() or ()),
    }
    if report.file_kind == "workbook":
        return ReadChoices(sheet=inputs.sheet() or None, **common)
    separator = inputs.separator()
    return ReadChoices(
        encoding=inputs.encoding() or None,
        separator=_SEPARATOR_SIGNS.get(separator, separator) or None,
        decimal_mark=inputs.decimal() or None,
        **common,
    )

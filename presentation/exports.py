"""The one entry of the heavy lane: tables, figure and methods in, the bytes of a file out."""

from __future__ import annotations

from presentation.forest import ForestPlot
from presentation.table import Table
from stats.errors import BadInput

#: File kinds with the type that a browser is told.
MEDIA_TYPES: dict[str, str] = {
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "html": "text/html; charset=utf-8",
    "csv": "text/csv; charset=utf-8",
    "svg": "image/svg+xml",
    "png": "image/png",
    "pdf": "application/pdf",
}


def render(
    kind: str, tables: tuple[Table, ...], forest: ForestPlot | None, methods: str, title: str
) -> bytes:
    """The file of that kind.

    `svg`, `png` and `pdf` hold the figure alone, `csv` the tables alone, `xlsx` tables and
    methods, `docx` and `html` everything. BadInput for an unknown kind and for a figure file
    without a figure.
    """
    if kind not in MEDIA_TYPES:
        raise BadInput(
            f'A result cannot be saved as "{kind}".',
            rule="file kind", found=kind, hint=f"Choose one of: {', '.join(MEDIA_TYPES)}.",
        )  # fmt: skip
    if kind == "csv":
        from presentation.to_csv import csv_bytes

        return csv_bytes(tables)
    if kind == "xlsx":
        from presentation.to_excel import excel_bytes

        return excel_bytes(tables, methods, title)
    if kind in {"svg", "png", "pdf"}:
        return _figure(kind, forest)
    figure = None if forest is None else _figure("png" if kind == "docx" else "svg", forest)
    words = "" if forest is None else forest.alt
    if kind == "docx":
        from presentation.to_word import word_bytes

        return word_bytes(tables, figure, words, methods, title)
    from presentation.to_html import html_page

    return html_page(tables, figure, words, methods, title).encode("utf-8")


def _figure(kind: str, forest: ForestPlot | None) -> bytes:
    from presentation.to_image import forest_image

    if forest is None:
        raise BadInput(
            "There is no figure to save for this result.",
            rule="figure", hint="Save the table instead.",
        )  # fmt: skip
    if kind == "svg":
        return forest_image(forest, "svg")
    return forest_image(forest, "png" if kind == "png" else "pdf")

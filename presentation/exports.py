"""The one entry of the heavy lane: tables, figures and methods in, the bytes of a file out."""

from __future__ import annotations

from presentation.drawing import ImageKind
from presentation.figures import Figure
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


_IMAGES: dict[str, ImageKind] = {"svg": "svg", "png": "png", "pdf": "pdf"}


def render(
    kind: str, tables: tuple[Table, ...], figures: tuple[Figure, ...], methods: str, title: str,
    *, chosen: int = 0,
) -> bytes:  # fmt: skip
    """The file of that kind.

    `svg`, `png` and `pdf` hold the `chosen` figure alone, `csv` the tables alone, `xlsx` tables and
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
    if kind in _IMAGES:
        return _image(figures, chosen, _IMAGES[kind])
    if kind == "docx":
        from presentation.to_word import word_bytes

        return word_bytes(tables, _drawn(figures, "png"), methods, title)
    from presentation.to_html import html_page

    return html_page(tables, _drawn(figures, "svg"), methods, title).encode("utf-8")


def _drawn(figures: tuple[Figure, ...], kind: ImageKind) -> tuple[tuple[bytes, str], ...]:
    """Each figure as a file, with its words."""
    if not figures:
        return ()
    from presentation.to_image import figure_image

    return tuple((figure_image(figure, kind), figure.alt) for figure in figures)


def _image(figures: tuple[Figure, ...], chosen: int, kind: ImageKind) -> bytes:
    from presentation.to_image import figure_image

    if not figures:
        raise BadInput(
            "There is no figure to save for this result.",
            rule="figure", hint="Save the table instead.",
        )  # fmt: skip
    return figure_image(figures[min(max(chosen, 0), len(figures) - 1)], kind)

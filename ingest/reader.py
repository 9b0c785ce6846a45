"""The door of the import: one file in, one typed table with its report out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from ingest.columns import Rules
from ingest.dialect import decide_dialect, sample_of
from ingest.encoding import decide_encoding, pieces
from ingest.filekind import kind_of_content, refuse_kind
from ingest.identifiers import identifier_notes
from ingest.propose import propose_variables
from ingest.report import Imported, ImportNote, ImportReport, ReadChoices, ReadLimits
from ingest.source import Source, tabbed_pieces
from ingest.table import Table, read_source
from ingest.values import MISSING_WORDS
from stats.errors import BadInput

_HEAD_BYTES = 64 * 1024


def read_table(
    path: str | Path,
    *,
    name: str,
    limits: ReadLimits | None = None,
    choices: ReadChoices | None = None,
) -> Imported:
    """Read an uploaded table.

    `path` is the uploaded file, `name` what the user called it (shown only: the content decides
    how the file is read). `limits` bound what is read; `choices` are the user's corrections of
    earlier decisions. The work is plain and synchronous and is meant for a process with limits
    of memory and time.

    BadInput, in a sentence of cause and one of remedy, for every file that is not read.
    """
    path = Path(path)
    limits = limits or ReadLimits()
    choices = choices or ReadChoices()
    size = path.stat().st_size
    _check_size(size, limits.file_bytes)
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    if kind_of_content(head) == "package":
        from ingest.workbook import read_workbook

        table, report = read_workbook(path, name, limits, choices, rules_of(choices))
    else:
        table, report = _read_text(path, name, limits, choices)
    notes: list[ImportNote] = list(report.notes) + table.notes
    variables = propose_variables(table.frame, notes=notes)
    notes += identifier_notes(table.frame)
    report = replace(
        report, size_bytes=size, n_rows=len(table.frame), n_columns=table.frame.shape[1],
        decimal_mark=table.decimal_mark, header_row=table.header_row, notes=tuple(notes),
    )  # fmt: skip
    return Imported(frame=table.frame, variables=variables, report=report, choices=choices)


def _check_size(size: int, limit: int) -> None:
    if size > limit:
        raise BadInput(
            f"The file has {size / 1024**2:.1f} MB; up to {limit / 1024**2:.0f} MB are read.",
            rule="file size", found=f"{size} bytes",
            hint="Keep the rows and columns that you need and upload the file again.",
        )  # fmt: skip


def rules_of(choices: ReadChoices) -> Rules:
    """The rules for cells that follow from the user's choices alone."""
    words = MISSING_WORDS if choices.missing_words is None else choices.missing_words
    return Rules(
        missing=frozenset(words),
        decimal_mark=choices.decimal_mark or ".",
        mark_is_proved=choices.decimal_mark is not None,
        mark_is_chosen=choices.decimal_mark is not None,
        date_order=choices.date_order,
        text_columns=frozenset(choices.text_columns),
        chosen_missing=choices.missing_words is not None,
    )


def _refuse_binary(sample: str) -> None:
    """BadInput for a file of control characters: bytes of a program, not of a table."""
    odd = sum(ch < " " and ch not in "\t\n\f" for ch in sample[:65536])
    if odd * 100 > len(sample[:65536]):
        raise refuse_kind("not a text file")


def _without_first_line(stream: Iterator[bytes]) -> Iterator[bytes]:
    held = b""
    for piece in stream:
        held += piece
        if b"\n" in held:
            yield held[held.index(b"\n") + 1 :]
            break
    yield from stream


def _read_text(
    path: Path, name: str, limits: ReadLimits, choices: ReadChoices
) -> tuple[Table, ImportReport]:
    encoding = decide_encoding(path, choices.encoding)
    sample = sample_of(pieces(path, encoding))
    _refuse_binary(sample)
    dialect = decide_dialect(sample, choices.separator, choices.decimal_mark)

    def text() -> Iterator[bytes]:
        stream = pieces(path, encoding)
        if dialect.declared:
            stream = _without_first_line(stream)
        return tabbed_pieces(stream) if dialect.separator == " " else stream

    source = Source(
        text, "\t" if dialect.separator == " " else dialect.separator, limits,
        first_line=2 if dialect.declared else 1,
    )  # fmt: skip
    rules = replace(
        rules_of(choices), decimal_mark=dialect.decimal_mark, mark_is_proved=dialect.mark_is_proved
    )
    table = read_source(source, rules, header_row=choices.header_row)
    report = ImportReport(
        file_name=name, file_kind="delimited text", size_bytes=0, n_rows=0, n_columns=0,
        encoding=encoding.title, separator=dialect.separator,
        notes=encoding.notes + dialect.notes,
    )  # fmt: skip
    return table, report

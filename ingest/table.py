"""From a source of text to typed columns: survey, layout, gathering, typing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from ingest.columns import Rules, TypedColumn, type_column
from ingest.gather import Gatherer, NotNumbers, NumberColumn, TextColumn, many_texts
from ingest.header import column_names
from ingest.layout import Layout, decide_layout
from ingest.notes import quoted
from ingest.records import Chunk, Positions, chunks_of, survey
from ingest.report import ImportNote
from ingest.source import Source, StrayQuotes, careful_pieces
from stats.errors import BadInput

_SAMPLE_RECORDS = 400
_BYTES_PER_COLUMN = 16 * 1024
_MOST_CHUNK_BYTES = 4 * 1024 * 1024


@dataclass(slots=True, eq=False)
class Table:
    """A typed table; `header_row` is the line number of the header (None: there is none)."""

    frame: pd.DataFrame
    header_row: int | None
    decimal_mark: str
    notes: list[ImportNote]


def read_source(source: Source, rules: Rules, *, header_row: int | None) -> Table:
    """Read a table of text. BadInput when it cannot be read safely."""
    try:
        shape = survey(source)
    except StrayQuotes:
        given = source
        source = replace(source, pieces=lambda: careful_pieces(given))
        shape = survey(source)
    records = _first_records(source)
    if source.n_columns:
        shape.width = np.full_like(shape.width, source.n_columns)
        records = [
            record and record + [""] * (source.n_columns - len(record)) for record in records
        ]
    layout = decide_layout(records, shape, header_row=header_row, place=source.place)
    names, name_notes = column_names(layout.names, layout.n_columns)
    as_text = {j for j, name in enumerate(names) if name in rules.text_columns}
    columns = _gather(source, layout, rules, as_text)
    notes = layout.notes + name_notes
    typed: dict[str, TypedColumn] = {}
    for j, name in enumerate(names):
        column = columns.pop(j)
        unnamed = layout.header >= 0 and not (j < len(layout.names) and layout.names[j])
        if unnamed and isinstance(column, TextColumn) and not any(column.texts):
            continue
        typed[name] = type_column(name, column, rules)
    notes += _empty_columns(names, typed) + _empty_cells(typed)
    for column in typed.values():
        notes += column.notes
    comma = any(column.decimal_mark == "," for column in typed.values())
    frame = pd.DataFrame({name: column.values for name, column in typed.items()}, copy=False)
    header = int(shape.line[layout.header]) if layout.header >= 0 else None
    return Table(frame, header, "," if comma else ".", notes)


def _first_records(source: Source) -> list[list[str]]:
    """The first records as texts, up to some hundred that are not blank."""
    records: list[list[str]] = []
    blank: list[str] = []  # one object for all blank records: there may be a million of them
    taken = 0
    for chunk in chunks_of(source):
        filled = chunk.filled()
        for r in range(chunk.n_records):
            records.append(chunk.record(r) if filled[r] else blank)
            taken += bool(filled[r])
            if taken == _SAMPLE_RECORDS:
                return records
    return records


def _gather(
    source: Source, layout: Layout, rules: Rules, as_text: set[int]
) -> dict[int, TextColumn | NumberColumn]:
    """All columns; those that turn out not to be numbers are read a second time as text."""
    wanted = range(layout.n_columns)
    done: dict[int, TextColumn | NumberColumn] = {}
    again: list[int] = []
    many = many_texts(layout.n_columns)
    gatherers = {
        j: Gatherer(rules.missing, rules.decimal_mark, only_text=j in as_text, many=many)
        for j in wanted
    }
    for only_text in (False, True):
        for chunk, starts, ends, trimmed in _cells(source, layout):
            for j in list(gatherers):
                gatherers[j].trimmed += int(trimmed[j])
                try:
                    gatherers[j].add(chunk, starts[j], ends[j])
                except NotNumbers:
                    again.append(j)
                    del gatherers[j]
            _limit_texts(gatherers.values(), source.limits.distinct_texts)
        for j in list(gatherers):
            done[j] = gatherers.pop(j).finish()
        if only_text or not again:
            break
        gatherers = {j: Gatherer(rules.missing, rules.decimal_mark, only_text=True) for j in again}
    return done


def _limit_texts(gatherers: Iterable[Gatherer], limit: int) -> None:
    if sum(len(gatherer.index) for gatherer in gatherers) > limit:
        raise BadInput(
            f"The columns of the file hold more than {limit:,} different texts, "
            "the most that are read.",
            rule="distinct texts", found="more",
            hint="Leave out columns of free text or identifiers and upload the file again.",
        )  # fmt: skip


def _cells(
    source: Source, layout: Layout
) -> Iterator[tuple[Chunk, Positions, Positions, Positions]]:
    """Chunk by chunk: starts and ends of the cells that are rows, columns x rows, and the
    number of trimmed cells per column."""
    width = layout.n_columns
    done = 0
    # Wide tables need longer chunks: each column costs some work per chunk.
    for chunk in chunks_of(source, min(width * _BYTES_PER_COLUMN, _MOST_CHUNK_BYTES)):
        rows = np.flatnonzero(layout.keep[done : done + chunk.n_records])
        done += chunk.n_records
        if not len(rows):
            continue
        first, have = chunk.first[rows], chunk.width[rows]
        index = first[None, :] + np.arange(width)[:, None]
        lacking = np.arange(width)[:, None] >= have[None, :]
        if lacking.any():
            index[lacking] = 0
            starts, ends = chunk.starts[index], chunk.ends[index]
            ends[lacking] = starts[lacking]
            trimmed = chunk.trimmed[index] & ~lacking
        else:
            starts, ends = chunk.starts[index], chunk.ends[index]
            trimmed = chunk.trimmed[index]
        yield chunk, starts, ends, (trimmed & (ends > starts)).sum(axis=1)


def _empty_columns(names: list[str], typed: dict[str, TypedColumn]) -> list[ImportNote]:
    dropped = [j + 1 for j, name in enumerate(names) if name not in typed]
    if not dropped:
        return []
    return [ImportNote(
        "empty_columns", "info",
        f"{len(dropped)} column{'s' * (len(dropped) != 1)} without name and values "
        f"{'were' if len(dropped) != 1 else 'was'} left out.",
        "Nothing needs to be done.",
    )]  # fmt: skip


def _empty_cells(typed: dict[str, TypedColumn]) -> list[ImportNote]:
    counts = [(name, c.n_empty) for name, c in typed.items() if c.n_empty]
    if not counts:
        return []
    counts.sort(key=lambda item: -item[1])
    shown = ", ".join(f"{quoted([name])} {count:,}" for name, count in counts[:5])
    more = f" and {len(counts) - 5} more columns" if len(counts) > 5 else ""
    return [ImportNote(
        "empty_cells", "info", f"Empty cells were read as missing: {shown}{more}.",
        "Fill them in the file if the values are known.",
    )]  # fmt: skip

"""Which record holds the column names, and what the names become."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter

import numpy as np

from ingest.notes import cut, groups, lines, quoted
from ingest.records import Survey
from ingest.report import ImportNote
from ingest.values import MISSING_WORDS, is_number
from stats.errors import BadInput

_MISSING = frozenset(MISSING_WORDS)
_LONGEST_NAME = 300


def find_header(
    records: list[list[str]], shape: Survey, *, header_row: int | None, place: str
) -> int:
    """Index of the record with the column names; -1 when the table has none.

    `records` are the first records as texts. `header_row` is the user's choice: a line number,
    0 for none, None to decide. BadInput when the chosen line is blank, and when the header
    names fewer columns than the rows have.
    """
    if header_row == 0:
        return -1
    if header_row is not None:
        at = np.flatnonzero(shape.line == header_row)
        if not len(at) or not shape.extent[at[0]] or at[0] >= len(records):
            raise BadInput(
                f"There is no header in {place} {header_row}.",
                rule="header", found=str(header_row),
                hint=f"Choose the {place} that holds the column names, or 0 for none.",
            )  # fmt: skip
        return int(at[0])
    sample = [(i, record) for i, record in enumerate(records) if any(record)]
    width = common_width(shape)
    for position, (i, record) in enumerate(sample):
        later = [other for _, other in sample[position + 1 : position + 8]]
        if len(record) < width or _is_title(record, later):
            continue
        if position and _names_too_few(sample[position - 1][1], record, width):
            raise _too_few(sample[position - 1][1], int(shape.line[sample[position - 1][0]]),
                           width, place)  # fmt: skip
        return -1 if _is_data(record, later) else i
    return sample[0][0]


def _is_title(record: list[str], later: list[list[str]]) -> bool:
    """True when the record has far fewer filled cells than the records below it."""
    filled = sum(map(bool, record))
    below = sorted(sum(map(bool, other)) for other in later)
    return bool(below) and filled * 2 < below[len(below) // 2]


def common_width(shape: Survey) -> int:
    """The commonest number of cells of the records that are not blank (the larger of two);
    cells at the end that no such record fills are not counted."""
    counts = np.bincount(shape.width[shape.extent > 0])
    width = int(len(counts) - 1 - counts[::-1].argmax())
    return int(shape.extent[shape.width == width].max())


def _names_too_few(before: list[str], record: list[str], width: int) -> bool:
    """True when `before` names one or two columns fewer than the rows have."""
    words = all(cell and not is_number(cell) for cell in before)
    near = 2 <= len(before) < width <= len(before) + 2
    return words and near and any(is_number(cell) for cell in record)


def _too_few(names: list[str], line: int, width: int, place: str) -> BadInput:
    return BadInput(
        f"The header in {place} {line} names {len(names)} columns, but the rows below it have "
        f"{width} cells.",
        rule="header width", found=f"{len(names)}",
        hint="Give each column a name; nothing is shifted to make the rows fit.",
    )  # fmt: skip


def _is_data(record: list[str], later: list[list[str]]) -> bool:
    """True when the first record can only be a row: each cell is a number above numbers, or a
    text that comes again below; and not all of them are whole numbers (years may be names)."""
    if len(later) < 2:
        return False
    numbers = odd = 0
    for j, cell in enumerate(record):
        below = [other[j] for other in later if j < len(other)]
        if is_number(cell):
            if not all(is_number(o) or o in _MISSING or not o for o in below):
                return False
            numbers += 1
            odd += not cell.isdigit()
        elif cell and cell not in below:
            return False
    repeated = len(set(record)) < len(record)
    return numbers > 0 and (odd > 0 or repeated or numbers < len(record))


def header_notes(
    records: list[list[str]], shape: Survey, header: int, place: str
) -> list[ImportNote]:
    """What is said about the header: none found, lines above it, numbers as names, units below."""
    if header < 0:
        return [ImportNote(
            "no_header", "caution",
            "The first line holds values, not names; the columns are named column_1, column_2, ...",
            "If it is the header, choose its line number in the import options.",
        )]  # fmt: skip
    notes: list[ImportNote] = []
    above = [i for i in range(header) if any(records[i])]
    if above:
        numbers = [int(shape.line[i]) for i in above]
        words = cut(" ".join(cell for cell in records[above[0]] if cell), 80)
        was = "was" if len(above) == 1 else "were"
        notes.append(ImportNote(
            "preamble", "info",
            f"The header was found in {place} {int(shape.line[header])}; "
            f'{lines(place, numbers)} above it ("{words}") {was} not read.',
            "If the names stand elsewhere, choose the header line in the import options.",
            rows=tuple(numbers),
        ))  # fmt: skip
    names = records[header]
    numeric = [name for name in names if is_number(name)]
    if len(numeric) * 2 > len(names):
        notes.append(ImportNote(
            "numeric_header", "caution",
            f"The column names in {place} {int(shape.line[header])} are numbers "
            f"({quoted(numeric)}).",
            "If that line is data, say in the import options that the file has no header.",
        ))  # fmt: skip
    notes += _second_header(records, shape, header, place)
    return notes


def _second_header(
    records: list[list[str]], shape: Survey, header: int, place: str
) -> list[ImportNote]:
    """A row of words above columns of numbers: units, or a second line of names."""
    body = [record for record in records[header + 1 :] if any(record)][:20]
    if len(body) < 4:
        return []
    first, rest = body[0], body[1:]
    words = numeric = 0
    for j, cell in enumerate(first):
        below = [r[j] for r in rest if j < len(r) and r[j] and r[j] not in _MISSING]
        if len(below) >= 3 and all(is_number(value) for value in below):
            numeric += 1
            words += bool(cell) and cell not in _MISSING and not is_number(cell)
    if not words or words * 2 < numeric or any(is_number(cell) for cell in first):
        return []
    line = int(shape.line[records.index(first, header + 1)])
    return [ImportNote(
        "second_header", "warning",
        f"{place.capitalize()} {line} looks like a second header or a line of units "
        f"({quoted(cell for cell in first if cell)}); it was read as a row, so its "
        "columns are text.",
        "Delete that line and upload the file again.", rows=(line,),
    )]  # fmt: skip


_INVISIBLE = re.compile("[\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff\u00ad]")
_BLANK = re.compile(r"\s+")


def column_names(written: list[str], n_columns: int) -> tuple[list[str], list[ImportNote]]:
    """Unique names, not empty, without control or invisible characters; each change is said."""
    clean = [_clean(name) for name in written[:n_columns]]
    clean += [""] * (n_columns - len(clean))
    used, seen = set(clean), set()
    names: list[str] = []
    for j, name in enumerate(clean):
        if not name:
            final = _free(f"column_{j + 1}", used, seen)
        else:
            final = _numbered(name, used, seen) if name in seen else name
        seen.add(final)
        names.append(final)
    notes = _name_notes(written, clean, names) if written else []
    return names, notes + _look_alikes(names)


def _name_notes(written: list[str], clean: list[str], names: list[str]) -> list[ImportNote]:
    notes: list[ImportNote] = []
    altered = [w for w, c in zip(written, clean, strict=False) if c and w != c]
    if altered:
        notes.append(ImportNote(
            "cleaned_names", "info",
            f"Line breaks, repeated blanks or invisible characters were taken out of the column "
            f"names {quoted(altered)}, or names were shortened.",
            "Rename the columns in the file if that is not what you want.",
        ))  # fmt: skip
    empty = [name for name, c in zip(names, clean, strict=True) if not c]
    if empty:
        notes.append(ImportNote(
            "empty_names", "caution",
            f"{len(empty)} column{'s' * (len(empty) != 1)} without a name "
            f"{'were' if len(empty) != 1 else 'was'} called {quoted(empty)}.",
            "Name the columns in the header of the file.",
        ))  # fmt: skip
    renamed = [name for name, c in zip(names, clean, strict=True) if c and name != c]
    if renamed:
        twice = [name for name, count in Counter(clean).items() if name and count > 1]
        notes.append(ImportNote(
            "duplicate_names", "warning",
            f"The column name {quoted(twice)} stands more than once; the later ones are called "
            f"{quoted(renamed)}.",
            "Give each column its own name in the file.",
        ))  # fmt: skip
    return notes


def _clean(name: str) -> str:
    name = _BLANK.sub(" ", _INVISIBLE.sub("", name)).strip()
    name = "".join(ch for ch in name if unicodedata.category(ch) != "Cc")
    return name if len(name) <= _LONGEST_NAME else name[: _LONGEST_NAME - 1] + "\u2026"


def _numbered(name: str, used: set[str], seen: set[str]) -> str:
    number = 2
    while f"{name} ({number})" in used or f"{name} ({number})" in seen:
        number += 1
    return f"{name} ({number})"


def _free(name: str, used: set[str], seen: set[str]) -> str:
    return _numbered(name, used, seen) if name in used or name in seen else name


def _look_alikes(names: list[str]) -> list[ImportNote]:
    """Names that a reader could take for one another: same but for case, blanks, or letters
    of another script that look the same."""
    spelled: dict[str, list[str]] = {}
    for name in names:
        folded = unicodedata.normalize("NFKC", name).casefold().translate(_CONFUSABLE)
        spelled.setdefault(re.sub(r"[\s_.\-]+", "", folded), []).append(name)
    alike = [group for group in spelled.values() if len(group) > 1]
    if not alike:
        return []
    return [ImportNote(
        "look_alike_names", "caution",
        f"Some column names look alike: {groups(alike)}.",
        "Check that the right one is chosen, or rename them in the file.",
    )]  # fmt: skip


# Cyrillic and Greek letters with the shape of a Latin one.
_CONFUSABLE = str.maketrans("аеорсухіјѕԁոαοινρυ", "aeopcyxijsdnaoivpu")

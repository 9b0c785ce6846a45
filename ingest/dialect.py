"""How the cells of a text file are set apart: separator and decimal mark, from its first lines."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from ingest.report import ImportNote
from ingest.values import decimal_evidence
from stats.errors import BadInput

SEPARATOR_NAMES = {",": "comma", ";": "semicolon", "\t": "tab", "|": "vertical bar", " ": "blanks"}
_CANDIDATES = ("\t", ";", "|", ",")
_SAMPLE_LINES = 400
_SAMPLE_BYTES = 256 * 1024
_CHANGE = "If the columns look wrong, choose another separator in the import options."


@dataclass(frozen=True, slots=True)
class Dialect:
    """`separator` is one character (blanks: " "); `declared` when the file's first line is
    `sep=`; `decimal_mark` is the one that most cells of the sample prove; "." when none does."""

    separator: str
    decimal_mark: str
    mark_is_proved: bool = False
    declared: bool = False
    notes: tuple[ImportNote, ...] = ()


def sample_of(pieces: Iterable[bytes]) -> str:
    """The first whole lines of a text."""
    taken = b""
    for piece in pieces:
        taken += piece
        if len(taken) >= _SAMPLE_BYTES:
            cut = taken.rfind(b"\n", 0, _SAMPLE_BYTES) + 1
            return taken[: cut or _SAMPLE_BYTES].decode("utf-8", "ignore")
    return taken.decode("utf-8", "ignore")


def decide_dialect(sample: str, separator: str | None, decimal_mark: str | None) -> Dialect:
    """Separator and decimal mark of a sample; a choice of the user is taken at its word."""
    first, _, rest = sample.partition("\n")
    match = re.fullmatch(r"\"?sep=(.)\"?\s*", first, re.IGNORECASE)
    declared = match is not None and match[1] in SEPARATOR_NAMES
    if declared:
        sample = rest
    notes: list[ImportNote] = []
    if separator is not None:
        chosen = _known_separator(separator)
    elif declared and match is not None:
        chosen = match[1]
    else:
        chosen, rival = _likeliest(sample)
        if rival:
            text = (
                f"The columns were set apart by {_article(chosen)}; "
                f"{_article(rival)} would also fit."
            )
            notes.append(ImportNote("separator", "caution", text, _CHANGE))
        elif chosen != ",":
            text = f"The columns are set apart by {_article(chosen)}."
            notes.append(ImportNote("separator", "info", text, _CHANGE))
    if decimal_mark not in (None, ".", ","):
        raise BadInput(
            f'"{decimal_mark}" is not a decimal mark.', rule="decimal mark",
            found=str(decimal_mark), hint="Choose the point or the comma.",
        )  # fmt: skip
    proved = decimal_mark or _decimal_mark(sample, chosen)
    if proved == "," and decimal_mark is None:
        notes.append(ImportNote(
            "decimal_mark", "info", "Numbers are written with a decimal comma.",
            "If that is wrong, choose the decimal mark in the import options.",
        ))  # fmt: skip
    return Dialect(chosen, proved or ".", bool(proved), declared, tuple(notes))


def _article(separator: str) -> str:
    return "blanks" if separator == " " else f"a {SEPARATOR_NAMES[separator]}"


def _known_separator(separator: str) -> str:
    known = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";", "space": " "}
    chosen = known.get(separator.lower(), separator)
    if chosen not in SEPARATOR_NAMES:
        raise BadInput(
            f'"{separator[:20]}" is not a separator that is known here.', rule="separator",
            found=separator[:20],
            hint="Choose comma, semicolon, tab, vertical bar or blanks.",
        )  # fmt: skip
    return chosen


def records_of(sample: str, separator: str) -> list[list[str]]:
    """The records of a sample, leniently; blank lines are empty lists."""
    lines = sample.split("\n")
    if lines and not lines[-1]:
        lines.pop()
    if separator == " ":
        return [_blank_split(line) for line in lines[:_SAMPLE_LINES]]
    csv.field_size_limit(max(csv.field_size_limit(), len(sample) + 1))
    reader = csv.reader((line + "\n" for line in lines), delimiter=separator)
    records = []
    for record in reader:
        records.append([cell.strip() for cell in record])
        if len(records) == _SAMPLE_LINES:
            break
    return records


def _blank_split(line: str) -> list[str]:
    cells = re.findall(r'"[^"]*"|[^\s"]+', line)
    return [cell.strip('"') for cell in cells]


def _likeliest(sample: str) -> tuple[str, str]:
    """The separator that cuts the sample into the most regular columns, and a rival or ""."""
    scores = {sep: _regularity(records_of(sample, sep)) for sep in _CANDIDATES}
    best = max(_CANDIDATES, key=lambda sep: scores[sep])
    if scores[best] == (0.0, 0):
        aligned = _regularity(records_of(sample, " "))
        if aligned[0] >= 0.95 and len(sample.split("\n")) > 3:
            return " ", ""
        return ",", ""
    rivals = [s for s in _CANDIDATES if s != best and scores[s][0] >= max(0.9, scores[best][0])]
    return best, rivals[0] if rivals else ""


def _regularity(records: list[list[str]]) -> tuple[float, int]:
    """Share of records with the commonest number of columns, and that number; (0, 0) when
    most records have one column."""
    widths = [len(record) for record in records if any(record)]
    counts = Counter(width for width in widths if width > 1)
    if not counts:
        return 0.0, 0
    width, count = max(counts.items(), key=lambda item: (item[1], item[0]))
    share = count / len(widths)
    if share < 0.5:
        return 0.0, 0
    head = next((len(record) for record in records if len(record) > 1), 0)
    # Decimal commas cut the data as regularly as a separator would, but not the header.
    return (share if head >= width else share / 2, width)


def _decimal_mark(sample: str, separator: str) -> str:
    found = Counter(
        decimal_evidence(cell)
        for record in records_of(sample, separator)
        for cell in record[:200]
        if cell[:1] in "+-0123456789,." and cell[-1:].isdigit()
    )
    if not found[","] and not found["."]:
        return ""
    return "," if found[","] > found["."] else "."

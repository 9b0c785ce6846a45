"""From the texts of a column to its values: number, date or text, and what is said about it.

A column becomes numbers or dates only when every cell that is not missing is one and nothing
of its spelling would be lost; otherwise it stays text.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ingest.dates import Dates, read_dates
from ingest.gather import NumberColumn, TextColumn
from ingest.notes import cells, cut, quoted
from ingest.oddities import number_oddities, text_oddities
from ingest.report import ImportNote
from ingest.values import (
    ERROR_WORDS,
    EXACT_INTEGER,
    decimal_evidence,
    is_grouped,
    is_number,
    keeps_its_digits,
    natural_key,
    number_of,
)

_MANY_LEVELS = 20_000  # beyond, the natural order of levels is not worth its time
_KEEP_WORDS = "To keep it as a value, change the words for missing in the import options."
_AS_TEXT = "To keep the column as written, mark it as text in the import options."


@dataclass(frozen=True, slots=True)
class Rules:
    """What holds for the whole file: words for missing, the decimal mark, whether the file
    proves it or the user chose it, the order of day and month when the user chose one, columns
    to keep as text.
    """

    missing: frozenset[str]
    decimal_mark: str = "."
    mark_is_proved: bool = False
    mark_is_chosen: bool = False
    date_order: str | None = None
    text_columns: frozenset[str] = frozenset()
    chosen_missing: bool = False


@dataclass(slots=True, eq=False)
class TypedColumn:
    """A column of the frame with its notes; `decimal_mark` when a decimal comma was read;
    `n_empty` counts cells without any text."""

    values: pd.Series
    notes: list[ImportNote]
    n_empty: int
    decimal_mark: str = "."


def type_column(name: str, column: TextColumn | NumberColumn, rules: Rules) -> TypedColumn:
    """The values of one column and the notes about it."""
    if isinstance(column, NumberColumn):
        notes = _missing_notes(name, column.words) + number_oddities(name, column.values)
        typed = TypedColumn(
            _number_series(name, column.values), notes, column.words.get("", 0), column.mark
        )
    else:
        typed = _Typing(name, column, rules).run()
    if column.trimmed:
        typed.notes.append(ImportNote(
            "trimmed_blanks", "info",
            f'In "{name}", blanks before or after the value were left out of '
            f"{cells(column.trimmed)}.",
            "Nothing needs to be done unless the blanks had a meaning.", column=name,
        ))  # fmt: skip
    return typed


def _number_series(name: str, values: NDArray[np.float64]) -> pd.Series:
    """int64 where every cell is a whole number, float64 otherwise."""
    whole = len(values) > 0 and np.isfinite(values).all() and (values == np.floor(values)).all()
    if whole and np.abs(values).max() < EXACT_INTEGER:
        values = values.astype(np.int64)  # type: ignore[assignment]
    return pd.Series(values, name=name, copy=False)


def _missing_notes(name: str, words: dict[str, int]) -> list[ImportNote]:
    notes = []
    for code, severity, is_error in (
        ("missing_words", "info", False), ("error_cells", "warning", True),
    ):  # fmt: skip
        found = {w: c for w, c in words.items() if w and (w in ERROR_WORDS) == is_error and c}
        if not found:
            continue
        count = sum(found.values())
        what = "an error of the spreadsheet" if is_error else "a word for missing"
        remedy = "Correct the formulas in the workbook." if is_error else _KEEP_WORDS
        notes.append(ImportNote(
            code, severity,  # type: ignore[arg-type]
            f'In "{name}", {cells(count)} hold{"s" * (count == 1)} {what} ({quoted(found)}) and '
            f"{'was' if count == 1 else 'were'} read as missing.",
            remedy, column=name,
        ))  # fmt: skip
    return notes


class _Typing:
    """The decisions on one column of texts."""

    def __init__(self, name: str, column: TextColumn, rules: Rules) -> None:
        self.name = name
        self.rules = rules
        self.column = column
        self.counts = np.bincount(column.codes, minlength=len(column.texts))
        self.notes: list[ImportNote] = []
        missing = self._missing_words()
        self.known = [
            i for i, text in enumerate(column.texts)
            if text and text not in missing and self.counts[i]
        ]  # fmt: skip
        self.texts = [column.texts[i] for i in self.known]
        self.notes += _missing_notes(
            name, {t: int(c) for t, c in zip(column.texts, self.counts, strict=True)
                   if t in missing},
        )  # fmt: skip

    def run(self) -> TypedColumn:
        index = self.column.texts.index("") if "" in self.column.texts else None
        n_empty = int(self.counts[index]) if index is not None else 0
        mark = "."
        series = None
        if not self.texts:
            series = self._empty()
        elif self.name not in self.rules.text_columns:
            numbers = self._numbers()
            if numbers is not None:
                series, mark = numbers
            else:
                series = self._dates()
        if series is None:
            series = self._text()
        return TypedColumn(series, self.notes, n_empty, mark)

    def _say(self, code: str, severity: str, text: str, remedy: str) -> None:
        self.notes.append(
            ImportNote(code, severity, text, remedy, column=self.name)  # type: ignore[arg-type]
        )

    def _missing_words(self) -> frozenset[str]:
        """The words for missing of this column: "NA" among two-letter codes is Namibia."""
        missing = self.rules.missing
        if "NA" not in missing or "NA" not in self.column.texts or self.rules.chosen_missing:
            return missing
        others = [t for t in self.column.texts if t and t not in missing]
        if len(others) < 2 or not all(
            len(t) == 2 and t.isascii() and t.isalpha() and t.isupper() for t in others
        ):
            return missing
        count = int(self.counts[self.column.texts.index("NA")])
        self._say(
            "na_is_value", "caution",
            f'In "{self.name}", "NA" ({cells(count)}) stands among two-letter codes such as '
            f"{quoted(others, 2)} and was read as a value.",
            "If it means missing, list NA as a missing code in the variable table.",
        )  # fmt: skip
        return missing - {"NA"}

    def _spread(self, values: NDArray[np.generic], blank: object) -> NDArray[np.generic]:
        """One value per row from one value per known text; `blank` where missing."""
        table = np.full(len(self.column.texts), blank, dtype=values.dtype)
        table[self.known] = values
        return table[self.column.codes]

    def _empty(self) -> pd.Series:
        self._say(
            "empty_column", "caution", f'"{self.name}" holds no value at all.',
            "Leave it out of the analyses, or correct the file.",
        )  # fmt: skip
        return pd.Series(np.full(len(self.column.codes), np.nan), name=self.name)

    def _numbers(self) -> tuple[pd.Series, str] | None:
        spelling = self._spelling()
        if spelling is None:
            return None
        mark, group = spelling
        values = np.array([number_of(text, mark, group) for text in self.texts])
        lost = [
            text for text, value in zip(self.texts, values.tolist(), strict=True)
            if not keeps_its_digits(text, value)
        ]  # fmt: skip
        if lost:
            self._say(
                "codes_kept", "caution",
                f'"{self.name}" holds {quoted(lost)}, which would lose digits as a number '
                "(leading zeros, or too many digits), so it was read as text.",
                "If it is a quantity, correct these cells and upload the file again.",
            )  # fmt: skip
            return None
        self._say_spelling(mark, group)
        rows = self._spread(values, np.nan)
        self.notes += number_oddities(self.name, rows)  # type: ignore[arg-type]
        return _number_series(self.name, rows), mark  # type: ignore[arg-type]

    def _spelling(self) -> tuple[str, str] | None:
        """Decimal mark and thousands mark under which every text is a number; None if none."""
        ours = self.rules.decimal_mark
        other = "," if ours == "." else "."
        if self.rules.mark_is_chosen and self._contradicts(other):
            return None
        for mark in (ours, other):
            if all(is_number(text, mark) for text in self.texts):
                if mark == ours or not self.rules.mark_is_proved or self._proves(mark):
                    return self._check_mark(mark)
                break  # the file's mark is known: this one sets thousands apart
        for group, mark in ((",", "."), (".", ","), (" ", ours), (" ", other), ("'", ".")):
            grouped = [text for text in self.texts if is_grouped(text, group, mark)]
            if grouped and all(is_number(t, mark) or is_grouped(t, group, mark)
                               for t in self.texts):  # fmt: skip
                return self._check_group(group, mark, grouped)
        return None

    def _contradicts(self, other: str) -> bool:
        """True, with a note, when the texts are numbers under the mark that was not chosen."""
        if not self._proves(other) or not all(is_number(text, other) for text in self.texts):
            return False
        odd = [text for text in self.texts if decimal_evidence(text) == other]
        self._say(
            "other_decimal_mark", "caution",
            f'"{self.name}" holds {quoted(odd)}, which are not numbers under the decimal mark that '
            "was chosen, so it was read as text.",
            "Choose the other decimal mark in the import options if they are numbers.",
        )  # fmt: skip
        return True

    def _proves(self, mark: str) -> bool:
        """True when some text can only be read with this decimal mark."""
        return any(decimal_evidence(text) == mark for text in self.texts)

    def _check_mark(self, mark: str) -> tuple[str, str] | None:
        """Refuse a mark that could as well set thousands apart."""
        marked = [text for text in self.texts if mark in text]
        if not marked or self._proves(mark):
            return mark, ""
        expected = self.rules.decimal_mark == mark
        if expected and (mark == "." or self.rules.mark_is_proved):
            return mark, ""
        self._say_ambiguous(marked)
        return None

    def _check_group(self, group: str, mark: str, grouped: list[str]) -> tuple[str, str] | None:
        certain = group in " '" or any(decimal_evidence(text) == mark for text in grouped)
        if certain or (self.rules.mark_is_proved and self.rules.decimal_mark == mark):
            return mark, group
        self._say_ambiguous(grouped)
        return None

    def _say_ambiguous(self, texts: list[str]) -> None:
        self._say(
            "ambiguous_numbers", "warning",
            f'"{self.name}" holds {quoted(texts)}, where the mark may stand before decimals or '
            "between thousands, so it was read as text.",
            "Choose the decimal mark in the import options.",
        )  # fmt: skip

    def _say_spelling(self, mark: str, group: str) -> None:
        if group:
            example = next(t for t in self.texts if not is_number(t, mark))
            self._say(
                "thousands_marks", "caution",
                f'In "{self.name}", numbers such as "{example}" were read as '
                f"{number_of(example, mark, group):,}: the mark sets thousands apart.",
                _AS_TEXT,
            )  # fmt: skip
        plus = [text for text in self.texts if text[0] == "+"]
        if plus:
            self._say(
                "plus_signs", "info",
                f'In "{self.name}", {quoted(plus)} {"was" if len(plus) == 1 else "were"} read as '
                f"number{'s' * (len(plus) != 1)}.", _AS_TEXT,
            )  # fmt: skip

    def _dates(self) -> pd.Series | None:
        dates = read_dates(self.texts, self.rules.date_order)
        if dates is None:
            return None
        if dates.values is None:
            self._say_unread(dates)
            return None
        if dates.order != "year first":
            self._say(
                "date_order", "caution",
                f'"{self.name}" was read as dates with the {dates.order} '
                f'("{dates.example}").',
                "If that is wrong, choose the order of day and month in the import options.",
            )  # fmt: skip
        return pd.Series(self._spread(dates.values, np.datetime64("NaT")), name=self.name)

    def _say_unread(self, dates: Dates) -> None:
        cause = {
            "ambiguous": "where day and month cannot be told apart",
            "mixed": "written in more than one way",
            "buddhist": "which seem to be of the Buddhist era",
            "two-digit years": "whose century is not written",
            "impossible": "which is not a day of the calendar",
        }[dates.why]
        code = "buddhist_years" if dates.why == "buddhist" else "dates_not_read"
        self._say(
            code, "warning",
            f'"{self.name}" holds dates such as "{cut(dates.example)}", {cause}, '
            "so it was read as text.",
            "Write them as 2024-01-31 in the file"
            + (", or choose the order of day and month in the import options."
               if dates.why == "ambiguous" else "."),
        )  # fmt: skip

    def _text(self) -> pd.Series:
        counts = [int(self.counts[i]) for i in self.known]
        self.notes += text_oddities(self.name, self.texts, counts)
        if len(self.texts) > _MANY_LEVELS:
            order = sorted(range(len(self.texts)), key=self.texts.__getitem__)
        else:
            order = sorted(range(len(self.texts)), key=lambda i: (natural_key(self.texts[i]), i))
        table = np.full(len(self.column.texts), -1, dtype=np.int32)
        for position, i in enumerate(order):
            table[self.known[i]] = position
        levels = pd.Index([self.texts[i] for i in order], dtype="str")
        values = pd.Categorical.from_codes(table[self.column.codes], categories=levels)
        return pd.Series(values, name=self.name)

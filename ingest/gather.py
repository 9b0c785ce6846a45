"""The columns of a table, collected chunk by chunk.

A column starts as codes into its distinct texts, which is exact and small for most clinical
columns. When the distinct texts become many and all are plain numbers, it goes on as numbers
(16 bytes less per value, and much faster). If a later chunk brings something else, the column
is read again as text, so that no spelling is lost.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ingest.plain import parse_plain
from ingest.records import Chunk, Positions
from ingest.values import is_number, keeps_its_digits, number_of

_MANY_TEXTS = 1_000
_MANY_TEXTS_OF_ALL = 400_000
_LONG_TEXT = 64


def many_texts(n_columns: int) -> int:
    """How many distinct texts make a column of numbers go on as numbers: fewer in wide tables,
    where all columns together would hold too many."""
    return max(50, min(_MANY_TEXTS, _MANY_TEXTS_OF_ALL // max(n_columns, 1)))


class NotNumbers(Exception):
    """A column that was taken for numbers holds something else."""


@dataclass(slots=True, eq=False)
class TextColumn:
    """Distinct texts in order of first appearance and one code per row ("" is a text too).

    `trimmed` counts cells that had blanks around them.
    """

    texts: list[str]
    codes: NDArray[np.signedinteger]
    trimmed: int = 0


@dataclass(slots=True, eq=False)
class NumberColumn:
    """Plain numbers; NaN where the cell held one of `words` (text -> number of cells)."""

    values: NDArray[np.float64]
    words: dict[str, int]
    mark: str
    trimmed: int = 0


@dataclass(slots=True, eq=False)
class Gatherer:
    """Collects one column. `missing` are the words that may stand among numbers."""

    missing: frozenset[str]
    mark: str = "."
    only_text: bool = False
    many: int = _MANY_TEXTS
    trimmed: int = 0
    index: dict[str, int] = field(default_factory=dict)
    codes: list[NDArray[np.signedinteger]] = field(default_factory=list)
    numbers: list[NDArray[np.float64]] | None = None
    words: dict[str, int] = field(default_factory=dict)

    def add(self, chunk: Chunk, starts: Positions, ends: Positions) -> None:
        """Take the cells of one chunk; NotNumbers when the column has to be read again."""
        if self.numbers is not None:
            self.numbers.append(self._as_numbers(chunk, starts, ends))
            return
        codes, firsts = distinct_cells(chunk.text, starts, ends)
        if len(firsts) + len(self.index) > self.many and not self.only_text:
            # Numbers that hardly repeat: their texts need not be made at all.
            if self._switch_to_numbers(chunk, starts, ends):
                return
            self.only_text = True
        texts = _decoded(chunk, starts[firsts], ends[firsts])
        bare = [text.strip() for text in texts]
        if bare != texts:  # blanks beyond ASCII, such as a no-break space
            odd = np.array([a != b for a, b in zip(bare, texts, strict=True)])
            self.trimmed += int(odd[codes].sum())
            texts = bare
        lookup = np.fromiter(
            (self.index.setdefault(text, len(self.index)) for text in texts), np.int32, len(texts)
        )
        small = len(self.index) < 2**15
        self.codes.append(lookup.astype(np.int16)[codes] if small else lookup[codes])

    def _switch_to_numbers(self, chunk: Chunk, starts: Positions, ends: Positions) -> bool:
        """Go on as numbers from this chunk; False when this chunk or an earlier one forbids it."""
        texts = list(self.index)
        words = [text for text in texts if not text or text in self.missing]
        rest = [text for text in texts if text and text not in self.missing]
        if not all(map(_plain_under(self.mark), rest)):
            return False
        counts = np.zeros(len(texts), dtype=np.intp)
        for block in self.codes:
            counts += np.bincount(block, minlength=len(texts))
        self.words = {text: int(counts[self.index[text]]) for text in words}
        values = np.array(
            [np.nan if not t or t in self.missing else number_of(t, self.mark) for t in texts]
        )
        try:
            block = self._as_numbers(chunk, starts, ends)
        except NotNumbers:
            self.words = {}
            return False
        self.numbers = [*(values[codes] for codes in self.codes), block]
        self.codes, self.index = [], {}
        return True

    def _as_numbers(self, chunk: Chunk, starts: Positions, ends: Positions) -> NDArray[np.float64]:
        values, plain = parse_plain(chunk, starts, ends, self.mark)
        other = np.flatnonzero(~plain)
        texts = _decoded(chunk, starts[other], ends[other])
        is_plain = _plain_under(self.mark)
        for i, text in zip(other.tolist(), texts, strict=True):
            if not text or text in self.missing:
                self.words[text] = self.words.get(text, 0) + 1
                values[i] = np.nan
            elif is_plain(text):
                values[i] = number_of(text, self.mark)
            else:
                raise NotNumbers
        return values

    def finish(self) -> TextColumn | NumberColumn:
        """The whole column; the gatherer is empty afterwards."""
        if self.numbers is not None:
            blocks, self.numbers = self.numbers, []
            return NumberColumn(np.concatenate(blocks), self.words, self.mark, self.trimmed)
        codes, self.codes = self.codes, []
        return TextColumn(list(self.index), np.concatenate(codes), self.trimmed)


def _plain_under(mark: str) -> Callable[[str], bool]:
    """The test for a plain number whose digits a float64 keeps; "+5" may be a grade."""

    def plain(text: str) -> bool:
        if text[0] == "+" or not is_number(text, mark):
            return False
        return keeps_its_digits(text, number_of(text, mark))

    return plain


def _decoded(chunk: Chunk, starts: Positions, ends: Positions) -> list[str]:
    raw = chunk.raw
    pairs = zip(starts.tolist(), ends.tolist(), strict=True)
    if chunk.quoted:
        return [raw[a:b].decode().replace('""', '"') for a, b in pairs]
    return [raw[a:b].decode() for a, b in pairs]


def distinct_cells(
    text: NDArray[np.uint8], starts: Positions, ends: Positions
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """A code per cell and, per code, the position of its first cell; exact, without hashing
    of whole texts: eight bytes at a time are made into codes, and codes of pairs after that."""
    size = ends - starts
    longest = int(size.max(initial=0))
    if longest > _LONG_TEXT:
        raw = text.data
        cells = [bytes(raw[a:b]) for a, b in zip(starts.tolist(), ends.tolist(), strict=True)]
        codes = pd.factorize(np.array(cells, dtype=object))[0]
    else:
        words = np.ndarray((len(text) - 7,), dtype="<u8", buffer=text, strides=(1,))
        codes = pd.factorize(words[starts] & _MASKS[np.minimum(size, 8)])[0]
        for k in range(8, longest, 8):
            part = words[starts + np.minimum(k, size)] & _MASKS[np.clip(size - k, 0, 8)]
            more, found = pd.factorize(part)
            codes = pd.factorize(codes * len(found) + more)[0]
    firsts = np.empty(int(codes.max(initial=-1)) + 1, dtype=np.intp)
    firsts[codes[::-1]] = np.arange(len(codes) - 1, -1, -1)
    return codes, firsts


_MASKS = np.array([(1 << (8 * k)) - 1 for k in range(8)] + [2**64 - 1], dtype=np.uint64)

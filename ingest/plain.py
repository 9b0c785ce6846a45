"""Plain decimal numbers parsed for a whole column at once, exactly.

A number of at most 15 digits is an integer below 2**53 over a power of ten below 10**22; both
are exact in float64, so that their quotient is the correctly rounded value, the same as
Python's `float(text)` gives (Clinger, How to read floating point numbers accurately, 1990).
Longer decimals are given to `float` one by one; everything else to the careful parser.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ingest.records import Chunk, Positions

_MOST_BYTES = 22
_POWERS = 10.0 ** np.arange(23)


def parse_plain(
    chunk: Chunk, starts: Positions, ends: Positions, mark: str
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Values of cells, and True where the cell is a plain number of at most 22 characters.

    Plain: an optional minus, digits without a superfluous leading zero, at most one decimal
    mark that is followed by a digit; more than 15 digits only with a decimal mark. Values of
    other cells are meaningless.
    """
    text = chunk.text
    size = ends - starts
    n = len(size)
    mantissa = np.zeros(n, dtype=np.uint64)  # wraps for long numbers, which do not use it
    scale = np.zeros(n, dtype=np.intp)
    digits = np.zeros(n, dtype=np.intp)
    after = np.zeros(n, dtype=bool)
    marks = np.zeros(n, dtype=np.intp)
    mark_byte = ord(mark)
    for k in range(int(min(size.max(initial=0), _MOST_BYTES))):
        byte = text[starts + k]
        inside = size > k
        digit = byte - np.uint8(48)
        is_digit = digit < 10
        is_digit &= inside
        np.multiply(mantissa, 10, out=mantissa, where=is_digit)
        np.add(mantissa, digit, out=mantissa, where=is_digit)
        digits += is_digit
        is_mark = byte == mark_byte
        is_mark &= inside
        if is_mark.any():
            marks += is_mark
            after |= is_mark
        is_digit &= after
        scale += is_digit
    minus = text[starts] == 45
    minus &= size > 0
    ok = digits + marks + minus == size
    ok &= (digits > 0) & (marks <= 1) & ((digits <= 15) | (marks == 1))
    ok &= (text[ends - 1] - np.uint8(48)) < 10
    lead = starts + minus
    ok &= ~((text[lead] == 48) & ((text[lead + 1] - np.uint8(48)) < 10) & (digits - scale > 1))
    long = digits > 15
    scale[~ok | long] = 0
    values = mantissa / _POWERS[scale]
    np.negative(values, out=values, where=minus)
    one_by_one = np.flatnonzero(long & ok)
    values[one_by_one] = _read_long(chunk, starts[one_by_one], ends[one_by_one])
    values += 0.0
    return values, ok


def _read_long(chunk: Chunk, starts: Positions, ends: Positions) -> list[float]:
    raw = chunk.raw
    pairs = zip(starts.tolist(), ends.tolist(), strict=True)
    return [float(raw[a:b].replace(b",", b".")) for a, b in pairs]

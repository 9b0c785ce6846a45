"""Excel's day numbers as dates, and the number formats that say that a number is a date."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

# Built-in formats of ECMA-376 part 1, 18.8.30: dates (14-17, 22 and the East Asian ones) and times.
_DATE_FORMATS = frozenset([14, 15, 16, 17, 22, *range(27, 37), *range(50, 59)])
_TIME_FORMATS = frozenset([18, 19, 20, 21, 32, 33, 45, 46, 47, 55, 56])
_LITERAL = re.compile(r'"[^"]*"|\\.|_.|\*.|\[(?!h+\]|m+\]|s+\])[^\]]*\]', re.IGNORECASE)
_START = datetime(1899, 12, 31)  # noqa: DTZ001 - a day of the calendar has no time zone
_START_1904 = datetime(1904, 1, 1)  # noqa: DTZ001
_LAST_SERIAL = 2_958_466  # 9999-12-31 in the 1900 system


def format_kind(number: int, code: str | None) -> str:
    """Kind of a number format, from its id and its code when it is custom: date, time or ""."""
    if code is None:
        if number in _TIME_FORMATS:
            return "time"
        return "date" if number in _DATE_FORMATS else ""
    bare = _LITERAL.sub("", code.split(";")[0]).lower()
    if bare.strip() in ("general", "@", "standard"):
        return ""
    if "y" in bare or "d" in bare or "e" in bare.replace("e+", "").replace("e-", ""):
        return "date"
    if "h" in bare or "s" in bare:
        return "time"
    return "date" if "m" in bare else ""


def serial_text(serial: float, kind: str, *, epoch_1904: bool) -> str | None:
    """A day number as ISO text: date, date with time, or time; None when it is out of range.

    The 1900 system counts a 29 February 1900 that never was (serial 60): days before it are one
    later than the plain sum, as every spreadsheet program reads them.
    """
    if not 0 <= serial < _LAST_SERIAL:
        return None
    milliseconds = round(serial * 86_400_000)
    if kind == "time":
        return _clock(milliseconds)
    start = _START_1904 if epoch_1904 else _START if serial < 60 else _START - timedelta(days=1)
    if not epoch_1904 and 60 <= serial < 61:
        return None
    days, rest = divmod(milliseconds, 86_400_000)
    day = (start + timedelta(days=days)).strftime("%Y-%m-%d")
    if day.find("-") < 4:
        day = day.rjust(10, "0")
    return day if rest == 0 else f"{day} {_clock(rest)}"


def _clock(milliseconds: int) -> str:
    seconds, rest = divmod(milliseconds, 1000)
    text = f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
    return f"{text}.{rest:03d}" if rest else text

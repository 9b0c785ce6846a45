"""What one cell text may stand for: a number under a decimal mark, a missing value.

No regular expression here has nested quantifiers: time is linear in the length of the text.
"""

from __future__ import annotations

import math
import re
from typing import Final

EXACT_INTEGER: Final = 2**53  # beyond this, neighbouring integers share one float64

# Words read as missing. "None" and "-" are values: "none" is a level of many clinical scales.
MISSING_WORDS: Final = (
    "NA", "N/A", "n/a", "#N/A", "<NA>", "NaN", "nan", "null", "NULL", "Null", ".", "#NULL!",
    "#DIV/0!", "#VALUE!", "#REF!", "#NAME?", "#NUM!", "#SPILL!", "#CALC!", "#GETTING_DATA",
)  # fmt: skip
ERROR_WORDS: Final = frozenset(word for word in MISSING_WORDS if word.startswith("#"))
# Texts that often mean "no value" but may be a level; kept and said.
MISSING_LIKE: Final = frozenset(
    ["-", "--", "?", "*", "unknown", "missing", "not done", "nd", "n.d.", "not available",
     "not applicable", "unk", "ไม่ทราบ", "ไม่มีข้อมูล"]
)  # fmt: skip

_NUMBER: Final = {
    ".": re.compile(r"[+-]?(?:[0-9]+|[0-9]*\.[0-9]+)(?:[eE][+-]?[0-9]{1,4})?\Z"),
    ",": re.compile(r"[+-]?(?:[0-9]+|[0-9]*,[0-9]+)(?:[eE][+-]?[0-9]{1,4})?\Z"),
}
_GROUPED: Final = {
    (",", "."): re.compile(r"[+-]?[1-9][0-9]{0,2}(?:,[0-9]{3})+(?:\.[0-9]+)?\Z"),
    (".", ","): re.compile(r"[+-]?[1-9][0-9]{0,2}(?:\.[0-9]{3})+(?:,[0-9]+)?\Z"),
    (" ", "."): re.compile(r"[+-]?[1-9][0-9]{0,2}(?:[ \u00a0\u202f][0-9]{3})+(?:\.[0-9]+)?\Z"),
    (" ", ","): re.compile(r"[+-]?[1-9][0-9]{0,2}(?:[ \u00a0\u202f][0-9]{3})+(?:,[0-9]+)?\Z"),
    ("'", "."): re.compile(r"[+-]?[1-9][0-9]{0,2}(?:['\u2019][0-9]{3})+(?:\.[0-9]+)?\Z"),
}


def _plain_minus(text: str) -> str:
    """The typographic minus as the one of the keyboard."""
    return text if text.isascii() else text.replace("\u2212", "-")


def is_number(text: str, mark: str = ".") -> bool:
    """True for a plain number: sign, digits, one decimal mark, exponent; nothing else."""
    return _NUMBER[mark].match(_plain_minus(text)) is not None


def is_grouped(text: str, group: str, mark: str) -> bool:
    """True for a number with thousands groups, such as 1,234,567.8."""
    pattern = _GROUPED.get((group, mark))
    return pattern is not None and pattern.match(_plain_minus(text)) is not None


def number_of(text: str, mark: str = ".", group: str = "") -> float:
    """The float64 nearest to the number that `text` writes. Adding 0.0 turns -0 into 0."""
    text = _plain_minus(text)
    if group:
        text = "".join(ch for ch in text if ch in "+-0123456789eE" or ch == mark)
    return float(text.replace(",", ".")) + 0.0


def keeps_its_digits(text: str, value: float) -> bool:
    """False for codes rather than quantities: a leading zero, an integer beyond 2**53, or a
    number beyond the range of float64; reading them as numbers would lose digits."""
    digits = text.lstrip("+-\u2212")
    if len(digits) > 1 and digits[0] == "0" and digits[1].isdigit():
        return False
    if not math.isfinite(value):
        return False
    return not (abs(value) >= EXACT_INTEGER and digits.isdigit())


def decimal_evidence(text: str) -> str:
    """Which decimal mark this text proves: ".", "," or "" (it fits both or neither).

    "1,234" may be one thousand or a decimal; "1,5", "0,123" and "12345,678" cannot be thousands.
    """
    for mark, other in ((",", "."), (".", ",")):
        if text.count(mark) != 1 or not is_number(text, mark):
            if is_grouped(text, other, mark) and (mark in text or text.count(other) > 1):
                return mark
            continue
        whole, _, fraction = text.lstrip("+-\u2212").partition(mark)
        if len(fraction) != 3 or len(whole) > 3 or whole in ("", "0") or whole[0] == "0":
            return mark
    return ""


def natural_key(text: str) -> tuple[tuple[int, float, str], ...]:
    """Sort key that puts 2 before 10 inside text: "week 2" < "week 10"."""
    parts = re.split(r"([0-9]+)", text.casefold())
    return tuple(
        (0, float(part[:300]), "") if part.isdigit() and part.isascii() else (1, 0.0, part)
        for part in parts
        if part
    )

"""National identity numbers, recognised by their check digits or their strict form.

    which_number(texts) -> str | None       what most of the texts are, in words

Every rule is public: Thailand (13 digits, modulus 11), United Kingdom (NHS number, modulus 11),
United States (SSN by form and forbidden areas), Brazil (CPF), China (GB 11643), Spain (DNI and
NIE), Italy (codice fiscale), France (NIR, modulus 97), Finland (modulus 31), Sweden (Luhn and
date), Norway (two moduli 11), Poland (PESEL), Belgium (modulus 97), the Netherlands (BSN),
Singapore (NRIC), India (Aadhaar, Verhoeff), South Korea and Malaysia (by form and date).
A random number passes one check in ten at most, so a column counts when four of five of its
values pass, and five different values at least were seen (two where letters are part of it).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

_SHARE: Final = 0.8
_SEPARATORS = re.compile(r"[ .\-/]")
_ITALIAN_ODD: Final = (1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10,
                       22, 25, 24, 23)  # fmt: skip
_TURN: Final = (1, 5, 7, 6, 2, 8, 3, 0, 9, 4)


def _digits(text: str) -> list[int]:
    return [int(sign) for sign in text]


def _weighted(digits: Sequence[int], weights: Sequence[int]) -> int:
    return sum(d * w for d, w in zip(digits, weights, strict=False))


def _is_day(month: int, day: int) -> bool:
    return 1 <= month <= 12 and 1 <= day <= 31


def _thai(text: str) -> bool:
    d = _digits(text)
    return (11 - _weighted(d[:12], range(13, 1, -1)) % 11) % 10 == d[12]


def _nhs(text: str) -> bool:
    d = _digits(text)
    return len(set(d)) > 1 and (11 - _weighted(d[:9], range(10, 1, -1)) % 11) % 11 == d[9]


def _cpf(text: str) -> bool:
    d = _digits(text)
    first = _weighted(d[:9], range(10, 1, -1)) * 10 % 11 % 10
    second = _weighted(d[:10], range(11, 1, -1)) * 10 % 11 % 10
    return len(set(d)) > 1 and d[9:] == [first, second]


def _chinese(text: str) -> bool:
    weights = [2**i % 11 for i in range(17, 0, -1)]
    last = "10X98765432"[_weighted(_digits(text[:17]), weights) % 11]
    return _is_day(int(text[10:12]), int(text[12:14])) and text[17] == last


def _spanish(text: str) -> bool:
    number = int(text[:8].translate(str.maketrans("XYZ", "012")))
    return "TRWAGMYFPDXBNJZSQVHLCKE"[number % 23] == text[8]


def _italian(text: str) -> bool:
    def place(sign: str) -> int:
        return int(sign) if sign.isdigit() else ord(sign) - ord("A")

    total = sum(
        place(sign) if i % 2 else _ITALIAN_ODD[place(sign)] for i, sign in enumerate(text[:15])
    )
    return chr(ord("A") + total % 26) == text[15]


def _french(text: str) -> bool:
    number = text[:13].replace("2A", "19").replace("2B", "18")
    return number.isdigit() and 97 - int(number) % 97 == int(text[13:])


def _finnish(text: str) -> bool:
    number = int(text[:6] + text[7:10])
    return _is_day(int(text[2:4]), int(text[:2])) and (
        "0123456789ABCDEFHJKLMNPRSTUVWXY"[number % 31] == text[10]
    )


def _swedish(text: str) -> bool:
    d = _digits(text[-10:])
    doubled = [x * 2 if i % 2 == 0 else x for i, x in enumerate(d)]
    return _is_day(d[2] * 10 + d[3], d[4] * 10 + d[5]) and (
        sum(x - 9 if x > 9 else x for x in doubled) % 10 == 0
    )


def _norwegian(text: str) -> bool:
    d = _digits(text)
    first = -_weighted(d, (3, 7, 6, 1, 8, 9, 4, 5, 2)) % 11
    second = -_weighted(d, (5, 4, 3, 2, 7, 6, 5, 4, 3, 2)) % 11
    return _is_day(d[2] * 10 + d[3], d[0] * 10 + d[1]) and d[9:] == [first, second]


def _polish(text: str) -> bool:
    d = _digits(text)
    month = (d[2] * 10 + d[3]) % 20
    last = -_weighted(d, (1, 3, 7, 9, 1, 3, 7, 9, 1, 3)) % 10
    return _is_day(month, d[4] * 10 + d[5]) and d[10] == last


def _belgian(text: str) -> bool:
    last = int(text[9:])
    in_2000 = 97 - int("2" + text[:9]) % 97
    return _is_day(int(text[2:4]), int(text[4:6])) and last in (97 - int(text[:9]) % 97, in_2000)


def _dutch(text: str) -> bool:
    d = _digits(text)
    return any(d) and (_weighted(d, range(9, 1, -1)) - d[8]) % 11 == 0


def _singaporean(text: str) -> bool:
    total = _weighted(_digits(text[1:8]), (2, 7, 6, 5, 4, 3, 2))
    total += {"T": 4, "G": 4, "M": 3}.get(text[0], 0)
    letters = {"S": "JZIHGFEDCBA", "T": "JZIHGFEDCBA", "M": "KLJNPQRTUWX"}
    found = letters.get(text[0], "XWUTRQPNMLK")
    return text[8] == (found[10 - total % 11] if text[0] == "M" else found[total % 11])


def _indian(text: str) -> bool:
    """Verhoeff's check over the dihedral group of the pentagon."""
    check = 0
    for i, digit in enumerate(reversed(_digits(text))):
        turned = digit
        for _ in range(i % 8):
            turned = _TURN[turned]
        check = _times(check, turned)
    return check == 0


def _times(a: int, b: int) -> int:
    """The product of two elements of the dihedral group of order ten."""
    if a < 5:
        return (a + b) % 5 if b < 5 else (a + b - 5) % 5 + 5
    return (a - 5 - b) % 5 + 5 if b < 5 else (a - b) % 5


def _by_form(_text: str) -> bool:
    return True


def _date_first(text: str) -> bool:
    return _is_day(int(text[2:4]), int(text[4:6]))


@dataclass(frozen=True, slots=True)
class _Rule:
    """A kind of number: its form (`written`: as it stands, else without separators), its check."""

    words: str
    form: re.Pattern[str]
    check: Callable[[str], bool]
    written: bool = False
    least: int = 5


_RULES: Final = (
    _Rule("Thai national numbers", re.compile(r"[0-8]\d{12}"), _thai),
    _Rule("NHS numbers", re.compile(r"\d{10}"), _nhs),
    _Rule("US social security numbers", re.compile(r"(?!000|666|9)\d{3}-(?!00)\d\d-(?!0000)\d{4}"),
          _by_form, written=True, least=3),
    _Rule("Brazilian CPF numbers", re.compile(r"\d{11}"), _cpf),
    _Rule("Chinese national numbers", re.compile(r"\d{17}[\dX]"), _chinese, least=3),
    _Rule("Spanish national numbers", re.compile(r"[\dXYZ]\d{7}[A-Z]"), _spanish, least=3),
    _Rule("Italian tax codes", re.compile(r"[A-Z]{6}\d\d[A-EHLMPRST]\d\d[A-Z]\d{3}[A-Z]"), _italian,
          least=2),
    _Rule("French insurance numbers", re.compile(r"[12]\d{4}(?:\d\d|2[AB])\d{8}"), _french),
    _Rule("Finnish personal codes", re.compile(r"\d{6}[-+ABCDEFYXWVU]\d{3}[0-9A-Y]"), _finnish,
          written=True, least=2),
    _Rule("Swedish personal numbers", re.compile(r"(?:19|20)?\d{10}"), _swedish),
    _Rule("Norwegian national numbers", re.compile(r"\d{11}"), _norwegian),
    _Rule("Polish PESEL numbers", re.compile(r"\d{11}"), _polish),
    _Rule("Belgian national numbers", re.compile(r"\d{11}"), _belgian),
    _Rule("Dutch BSN numbers", re.compile(r"\d{9}"), _dutch),
    _Rule("Singaporean NRIC numbers", re.compile(r"[STFGM]\d{7}[A-Z]"), _singaporean, least=3),
    _Rule("Aadhaar numbers", re.compile(r"[2-9]\d{11}"), _indian),
    _Rule("Korean resident numbers", re.compile(r"\d{6}-[0-8]\d{6}"), _date_first, written=True),
    _Rule("Malaysian NRIC numbers", re.compile(r"\d{6}-\d\d-\d{4}"), _date_first, written=True),
)  # fmt: skip


def which_number(texts: Sequence[str]) -> str | None:
    """What kind of national number the `texts` (distinct values of a column) are.

    None when fewer than four in five pass the check of one kind, or too few were seen.
    """
    written = [text.strip().upper() for text in texts]
    plain = [_SEPARATORS.sub("", text) for text in written]
    for rule in _RULES:
        values = written if rule.written else plain
        passed = sum(rule.form.fullmatch(v) is not None and rule.check(v) for v in values)
        if passed >= max(rule.least, _SHARE * len(values)):
            return rule.words
    return None

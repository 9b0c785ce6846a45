"""Columns that may say who the patients are, found by their names and by their values.

    identifier_notes(frame) -> list[ImportNote]      one warning per kind of identifier

A warning is a question to the reader: nothing is altered, and nothing is proved by its absence.
Kinds follow the identifiers that de-identification rules name (HIPAA safe harbor, 45 CFR
164.514(b)(2)), as far as columns of a table can show them. A name alone decides only where the
values do not speak against it ("phone" that holds yes and no is no phone number), and values
alone only where their form is unlikely by chance. Looked at are at most 200 values of a column,
and 20 where there are very many columns.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ingest.national_numbers import which_number
from ingest.notes import quoted
from ingest.report import ImportNote

_LOOKED_AT: Final = 200
_LEAST_LOOKED_AT: Final = 20
_LOOKED_AT_IN_ALL: Final = 40_000
_CHARACTERS: Final = 120
_EXACT: Final = 2**53
_SHOWN: Final = 6
_REMEDY: Final = (
    'Unless you may keep them here, choose "Forget my data", remove them from the file and send '
    "it again. No analysis needs them; nothing was altered."
)

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_TOKEN = re.compile(r"[a-z]+|[\u0e00-\u0e7f]+|[^\W\d_a-z]+")
#: Whose it is, in front of what it is.
_OWNERS: Final = frozenset(
    ("patient", "patients", "pt", "pts", "subject", "participant", "person", "client", "case",
     "mother", "mothers", "father", "fathers", "next", "of", "kin", "relative", "guardian",
     "emergency", "home", "work", "current", "permanent", "residential", "mailing",
     "postal", "primary", "full", "the", "s", "infant", "baby", "child", "donor", "doctor",
     "physician", "surgeon", "legal")
)  # fmt: skip
_NUMBER_WORDS: Final = frozenset(("no", "nr", "num", "number", "numbers", "code", "id"))


def _phrases(text: str) -> frozenset[str]:
    return frozenset(part.strip() for part in text.split(","))


_PERSON = _phrases(
    "first name, firstname, last name, lastname, surname, family name, given name, forename, "
    "middle name, maiden name, fullname, name surname, name and surname, first and last name, "
    "last name first name, patientname, ptname, pname, fname, lname, nickname, prenom, nachname, "
    "vorname, apellido, apellidos, nombre"
)
_BARE_NAME = _phrases("name, names, initials")
_RECORD = _phrases(
    "hn, mrn, hospital, medical record, record, chart, med rec, medrec, hospitalnumber, "
    "medicalrecordnumber, medical record file, health record, admission, registration, "
    "national health, insurance, health insurance, policy, account, medicare, medicaid"
)
_NATIONAL = _phrases(
    "ssn, social security, nhs, national, national identity, national identification, citizen, "
    "citizenship, nid, idcard, identity card, id card, identity, passport, nric, aadhaar, aadhar, "
    "cpf, pesel, bsn, nif, dni, personnummer, fodselsnummer, cccd, nik, driver license, "
    "drivers license, driving licence, driver licence, license plate, vehicle"
)
_BIRTH = _phrases(
    "dob, birth date, birthdate, date of birth, date birth, birthday, birth day, day of birth, "
    "d o b, geburtsdatum, fecha de nacimiento, date de naissance, bdate"
)
_ADDRESS = _phrases(
    "address, addr, street, street address, street name, house, house address, postcode, post, "
    "zip, zipcode, postalcode, subdistrict, sub district, tambon, village name, gps, latitude, "
    "longitude, adresse, direccion, homeaddress"
)
_PHONE = _phrases(
    "phone, telephone, tel, mobile, mobile phone, cellphone, cell phone, fax, phonenumber, "
    "telephone contact, mobil, telefon, handphone, whatsapp, contact"
)
_EMAIL = _phrases("email, e mail, mail, email address, e mail address, emailaddress")

_THAI: Final[Mapping[str, re.Pattern[str]]] = {
    "person": re.compile(
        r"\A(?:ชื่อ(?:จริง|เล่น|ผู้ป่วย|คนไข้|ตัว)?(?:[ \-–/]*(?:และ)?(?:นาม)?สกุล)?|(?:นาม)?สกุล)"
        r"(?:ผู้ป่วย|คนไข้)?\Z"
    ),
    "record": re.compile(r"เลข(?:ที่)?(?:ประจำตัว)?(?:ผู้ป่วย|คนไข้|เวชระเบียน|โรงพยาบาล)|เวชระเบียน"),
    "national": re.compile(r"บัตรประชาชน|ประจำตัวประชาชน|บัตรประจำตัว|หนังสือเดินทาง"),
    "birth": re.compile(r"วัน(?:ที่)?(?:เดือนปี)?(?:/เดือน/ปี)?เกิด(?!เหตุ|โรค|อาการ|ภาวะ|แผล|ขึ้น|อุบัติ|การ)"),
    "address": re.compile(r"ที่อยู่|บ้านเลขที่|รหัสไปรษณีย์|หมู่ที่|ตำบล"),
    "phone": re.compile(r"เบอร์(?:โทร|มือถือ|ติดต่อ)|โทรศัพท์|มือถือ"),
    "email": re.compile(r"อีเมล"),
}

_MAIL_VALUE = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})*\.[A-Za-z]{2,24}")
_PHONE_VALUE = re.compile(
    r"\+\d{1,3}[ .\-]?\(?\d{1,4}\)?(?:[ .\-]?\d{2,4}){2,4}"
    r"|0[689]\d{8}|0\d{1,2}[ \-]\d{3,4}[ \-]\d{3,4}|\(\d{3}\) ?\d{3}-\d{4}|\d{3}-\d{3}-\d{4}"
)
_TITLED = re.compile(
    r"(?:นาย|นางสาว|นาง|น\.ส\.|ด\.ช\.|ด\.ญ\.|เด็กชาย|เด็กหญิง)\s*[\u0e00-\u0e7f]{2,}"
    r"|(?:Mr|Mrs|Ms|Miss|Mx)\.? [A-Z][\w'\-]+.*"
)
_TWO_NAMES = re.compile(r"[A-Z][a-z'\-]+,? (?:[A-Z]\. )?[A-Z][a-z'\-]+")
_ADDRESS_VALUE = re.compile(
    r"\d+[A-Za-z]?,? (?:[\w.'\-]+ ){1,4}(?:street|st|road|rd|avenue|ave|lane|drive|boulevard|blvd|"
    r"court|close|terrace)\b.*"
    r"|\d+(?:/\d+)?\s.*(?:หมู่|ซอย|ถนน|ตำบล|อำเภอ|แขวง|เขต|จังหวัด|ม\.|ต\.|อ\.|จ\.).*",
    re.IGNORECASE,
)
_DATE_VALUE = re.compile(r"\d{1,4}[ ./\-](?:\d{1,2}|[A-Za-z\u0e00-\u0e7f.]{3,10})[ ./\-]\d{1,4}\b")


@dataclass(frozen=True, slots=True)
class _Column:
    """What is looked at of one column.

    `texts` are a sample of its distinct values, `distinct` of `known` values differ, and whole
    numbers are `running` when they lie so close together that they only count the rows.
    """

    name: str
    texts: tuple[str, ...] = ()
    distinct: int = 0
    known: int = 0
    is_date: bool = False
    is_text: bool = False
    running: bool = False

    @property
    def varies(self) -> bool:
        """Half of the known values at least are different ones."""
        return self.distinct >= 3 and self.distinct * 2 >= self.known

    def share(self, fits: Callable[[str], object]) -> float:
        """The share of the values for which `fits` is true."""
        return sum(bool(fits(t)) for t in self.texts) / len(self.texts) if self.texts else 0.0


def identifier_notes(frame: pd.DataFrame) -> list[ImportNote]:
    """One warning per kind of identifier that the columns of an imported frame may hold.

    `frame` has int64, float64, datetime64 and category columns (texts of the file).
    """
    found: dict[str, list[str]] = {}
    share = _LOOKED_AT_IN_ALL // max(1, frame.shape[1])
    most = min(_LOOKED_AT, max(_LEAST_LOOKED_AT, share))
    for name, values in frame.items():
        column = _column(str(name), values, most)
        kind = None if column is None else _kind(column)
        if kind is not None:
            found.setdefault(kind, []).append(str(name))
    return [_note(kind, columns) for kind, columns in found.items()]


def _note(kind: str, columns: Sequence[str]) -> ImportNote:
    many = len(columns) > 1
    return ImportNote(
        code="may_identify", severity="warning",
        text=f"The column{'s' * many} {quoted(columns, _SHOWN)} may hold {kind}, which "
        "tell who the patients are.",
        remedy=_REMEDY, column=None if many else columns[0],
    )  # fmt: skip


def _column(name: str, values: pd.Series, most: int) -> _Column | None:
    """None for a column without any value."""
    if isinstance(values.dtype, pd.CategoricalDtype):
        categorical = cast("pd.Categorical", values.array)
        known = int((categorical.codes >= 0).sum())
        levels = categorical.categories.to_numpy()
        texts = tuple(str(v)[:_CHARACTERS].strip() for v in _spread(levels, most))
        return _Column(name, texts, len(levels), known, is_text=True) if known else None
    if pd.api.types.is_datetime64_any_dtype(values.dtype):
        return _Column(name, is_date=True)
    numbers = values.dropna().to_numpy()
    return _of_numbers(name, numbers, most) if len(numbers) else None


def _of_numbers(name: str, numbers: NDArray[Any], most: int) -> _Column:
    looked = _spread(numbers, most)
    seen = np.unique(looked)
    if (seen != np.floor(seen)).any() or np.abs(seen).max() >= _EXACT:
        return _Column(name, known=len(looked))
    return _Column(
        name, tuple(str(int(v)) for v in seen), len(seen), len(looked),
        running=int(seen[-1]) - int(seen[0]) < 4 * len(numbers),
    )  # fmt: skip


def _spread(values: NDArray[Any], most: int) -> NDArray[Any]:
    """At most that many of the values, from all parts of the column."""
    if len(values) <= most:
        return values
    return values[np.linspace(0, len(values) - 1, most).astype(np.intp)]


def _kind(column: _Column) -> str | None:
    return _by_name(column) or _by_value(column)


def _by_name(column: _Column) -> str | None:
    words = _words(column.name)
    for key, kind, phrases, fits in _NAMED:
        if words in phrases or _THAI[key].search(column.name.strip()):
            return kind if fits(column) else None
    bare = words in _BARE_NAME and column.is_text and column.varies
    return "names of people" if bare else None


def _words(name: str) -> str:
    """`first name` for "Patient_FirstName1", `hospital` for "hospital no."; "" for "patient"."""
    tokens = [t for t in _TOKEN.findall(_CAMEL.sub(" ", name).casefold()) if t]
    owned = bool(tokens) and tokens[0] in _OWNERS
    while len(tokens) > 1 and tokens[0] in _OWNERS:
        tokens = tokens[1:]
    numbered = len(tokens) > 1 and tokens[-1] in _NUMBER_WORDS
    tokens = tokens[:-1] if numbered else tokens
    joined = " ".join(tokens)
    if joined in ("name", "names") and owned:
        return "fullname"
    # "hospital" and "national" are places and shares; with "number" after them they are numbers
    return "" if joined in _ONLY_NUMBERED and not numbered else joined


_ONLY_NUMBERED: Final = _phrases(
    "hospital, record, chart, admission, registration, insurance, health insurance, policy, "
    "account, national, national health, citizen, citizenship, identity, medical record, house, "
    "post, contact, vehicle, national identity, nhs, health record, medicare, medicaid"
)


def _is_like_text(column: _Column) -> bool:
    return column.is_text and column.distinct >= 3


def _is_like_number(column: _Column) -> bool:
    """Many different values with digits of their own; neither a code of few levels nor 1, 2, 3."""
    if column.running or column.distinct < 3 or column.distinct * 5 < column.known:
        return False
    return column.share(lambda t: sum(map(str.isdigit, t)) >= 3) >= 0.5


def _is_like_date(column: _Column) -> bool:
    return column.is_date or (column.is_text and column.share(_DATE_VALUE.match) >= 0.5)


def _is_like_phone(column: _Column) -> bool:
    return column.share(lambda t: 7 <= sum(map(str.isdigit, t)) <= 15 and len(t) <= 24) >= 0.5


def _is_like_mail(column: _Column) -> bool:
    return column.share(_MAIL_VALUE.search) >= 0.1


def _is_like_place(column: _Column) -> bool:
    """Texts, codes, or the decimals of a position."""
    return column.distinct >= 3 or (column.known > 0 and not column.texts)


_NAMED: Final = (
    ("national", "national identity numbers", _NATIONAL, _is_like_number),
    ("birth", "dates of birth", _BIRTH, _is_like_date),
    ("address", "addresses", _ADDRESS, _is_like_place),
    ("phone", "phone numbers", _PHONE, _is_like_phone),
    ("email", "e-mail addresses", _EMAIL, _is_like_mail),
    ("record", "record or hospital numbers", _RECORD, _is_like_number),
    ("person", "names of people", _PERSON, _is_like_text),
)


def _by_value(column: _Column) -> str | None:
    """Forms that do not come about by chance."""
    if len(column.texts) < 2:
        return None
    digits = any(sum(map(str.isdigit, text)) >= 7 for text in column.texts)
    number = which_number(column.texts) if digits else None
    if number is not None:
        return f"national identity numbers ({number})"
    if not column.is_text:
        return None
    return next((kind for kind, fits in _WRITTEN if fits(column)), None)


def _holds_mail(column: _Column) -> bool:
    joined = "\n".join(column.texts)
    return "@" in joined and _MAIL_VALUE.search(joined) is not None


def _holds_names(column: _Column) -> bool:
    if column.share(_TITLED.match) >= 0.3:
        return True
    many = column.distinct >= 20 and column.distinct * 10 >= column.known * 9
    return many and column.share(_TWO_NAMES.fullmatch) >= 0.9


_WRITTEN: Final[tuple[tuple[str, Callable[[_Column], bool]], ...]] = (
    ("phone numbers", lambda column: column.share(_PHONE_VALUE.fullmatch) >= 0.5),
    ("e-mail addresses", _holds_mail),
    ("addresses", lambda column: column.share(_ADDRESS_VALUE.match) >= 0.3),
    ("names of people", _holds_names),
)  # fmt: skip

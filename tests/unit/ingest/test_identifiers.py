"""The warning about identifiers: found by name and by value, quiet about clinical columns.

Valid example numbers are those that the issuing offices or textbooks print; none belongs to a
person: Thailand 1-2345-67890-12-1, NHS 943 476 5919, CPF 111.444.777-35, GB 11643
11010519491231002X, DNI 12345678Z, codice fiscale RSSMRA80A01H501U, NIR 2 55 08 14 168 025 38,
HETU 131052-308T, personnummer 811228-9874, PESEL 44051401359, Belgium 85.07.30-033 28,
BSN 111222333, NRIC S1234567D, Aadhaar (test) 2341 2341 2346.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ingest import national_numbers, read_table
from ingest.identifiers import identifier_notes

RNG = np.random.default_rng(7)
ROWS = 120
GIVEN = ["John", "Mary", "Anna", "Peter", "Laura", "Simon", "Nina", "Oscar", "Paula", "Victor"]
FAMILY = ["Smith", "Jones", "Brown", "Miller", "Wilson", "Moore", "Clark", "Hall", "Young", "King",
          "Wright", "Hill", "Green"]  # fmt: skip
THAI_GIVEN = ["สมชาย", "สมหญิง", "วิชัย", "มาลี", "ประเสริฐ", "กานดา"]
THAI_FAMILY = ["ใจดี", "รักไทย", "ศรีสุข", "ทองดี", "วงศ์สวัสดิ์"]


def thai_number(i: int) -> str:
    """A valid number, made by the rule that the Department of Provincial Administration prints."""
    twelve = f"{1 + i % 8}{(i * 7919 + 10_000_000_000) % 10**11:011d}"
    total = sum(int(d) * w for d, w in zip(twelve, range(13, 1, -1), strict=True))
    return twelve + str((11 - total % 11) % 10)


def told(name: str, values: object) -> str | None:
    column = pd.Series(values)
    if column.dtype == object or pd.api.types.is_string_dtype(column.dtype):
        column = column.astype("category")
    notes = identifier_notes(pd.DataFrame({name: column}))
    assert len(notes) <= 1
    assert all(n.code == "may_identify" and n.severity == "warning" and n.column == name
               for n in notes)  # fmt: skip
    return notes[0].text.split(" may hold ")[1].split(", which")[0] if notes else None


def many(make: Callable[[int], object], n: int = ROWS) -> list[object]:
    return [make(i) for i in range(n)]


FULL = many(lambda i: f"{GIVEN[i % 10]} {FAMILY[i % 13]}")
FIRST = many(lambda i: GIVEN[i % 10])
HN = many(lambda i: f"{(i * 7919 + 12345) % 10**6:06d}/{50 + i % 14}")
WHOLE_HN = many(lambda i: 1_000_000 + (i * 48_271) % 900_000)
PHONE = many(lambda i: f"08{i % 10}-{100 + i}-{4000 + 7 * i}")
WHOLE_PHONE = many(lambda i: 812_345_000 + 37 * i)
BIRTH = pd.to_datetime(pd.Series(many(lambda i: f"19{40 + i % 50}-0{1 + i % 9}-1{i % 10}")))
STREET = many(lambda i: f"{i + 1} Long Acre Road, Flat {i % 9}")
MAIL = many(lambda i: f"reader{i}@example.org")
YES = many(lambda i: ("no", "yes")[i % 2])
BIT = many(lambda i: i % 2)


@pytest.mark.parametrize(
    ("name", "values", "kind"),
    [
        ("name", FULL, "names of people"),
        ("Patient Name", FULL, "names of people"),
        ("patient_name", FIRST, "names of people"),
        ("FirstName", FIRST, "names of people"),
        ("SURNAME", FIRST, "names of people"),
        ("mother's name", FULL, "names of people"),
        ("ชื่อ", many(lambda i: THAI_GIVEN[i % 6]), "names of people"),
        ("ชื่อ-นามสกุล", many(lambda i: f"{THAI_GIVEN[i % 6]} {THAI_FAMILY[i % 5]}"),
         "names of people"),
        ("ชื่อผู้ป่วย", many(lambda i: THAI_GIVEN[i % 6]), "names of people"),
        ("HN", HN, "record or hospital numbers"),
        ("hn", WHOLE_HN, "record or hospital numbers"),
        ("MRN", WHOLE_HN, "record or hospital numbers"),
        ("hospital number", WHOLE_HN, "record or hospital numbers"),
        ("medical_record_no", HN, "record or hospital numbers"),
        ("เลขที่เวชระเบียน", HN, "record or hospital numbers"),
        ("ssn", many(lambda i: f"{123 + i}-45-{6789 - i}"), "national identity numbers"),
        ("citizen_id", many(thai_number), "national identity numbers"),
        ("เลขบัตรประชาชน", many(thai_number), "national identity numbers"),
        ("passport no", many(lambda i: f"AA{1000000 + 3 * i}"), "national identity numbers"),
        ("dob", BIRTH, "dates of birth"),
        ("Date of Birth", many(lambda i: f"1{i % 10}/0{1 + i % 9}/19{40 + i % 50}"),
         "dates of birth"),
        ("birth_date", BIRTH, "dates of birth"),
        ("วันเดือนปีเกิด", many(lambda i: f"1{i % 10} ม.ค. 25{i % 60:02d}"), "dates of birth"),
        ("address", STREET, "addresses"),
        ("zip", many(lambda i: 10_100 + 10 * i), "addresses"),
        ("ที่อยู่", many(lambda i: f"{i}/7 หมู่ 3"), "addresses"),
        ("latitude", RNG.normal(13.7, 0.1, ROWS), "addresses"),
        ("phone", PHONE, "phone numbers"),
        ("Mobile number", WHOLE_PHONE, "phone numbers"),
        ("contact number", PHONE, "phone numbers"),
        ("เบอร์โทรศัพท์", PHONE, "phone numbers"),
        ("E-Mail", MAIL, "e-mail addresses"),
        ("อีเมล", MAIL, "e-mail addresses"),
    ],
)  # fmt: skip
def test_a_name_with_fitting_values_is_told(name: str, values: object, kind: str) -> None:
    assert (told(name, values) or "").startswith(kind)


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (many(thai_number), "national identity numbers (Thai national numbers)"),
        (many(lambda i: int(thai_number(i))), "national identity numbers (Thai national numbers)"),
        (many(lambda i: (n := thai_number(i))[0] + "-" + n[1:5] + "-" + n[5:10] + "-" + n[10:12]
              + "-" + n[12]), "national identity numbers (Thai national numbers)"),
        (many(lambda i: f"{200 + i}-45-{6000 + i}"),
         "national identity numbers (US social security numbers)"),
        (PHONE, "phone numbers"),
        (many(lambda i: f"+66 8{i % 10} {100 + i} {4000 + i}"), "phone numbers"),
        (["none", "see reader@example.org", "x"], "e-mail addresses"),
        (STREET, "addresses"),
        (many(lambda i: f"นาย{THAI_GIVEN[i % 6]} {THAI_FAMILY[i % 5]}"), "names of people"),
        (many(lambda i: f"Mrs. {FAMILY[i % 13]}"), "names of people"),
        (FULL, "names of people"),
    ],
)  # fmt: skip
def test_values_are_told_under_any_name(values: list[object], kind: str) -> None:
    assert told("x17", values) == kind


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("name of drug", many(lambda i: ("aspirin", "statin", "none")[i % 3])),
        ("drug_name", many(lambda i: f"drug {i}")),
        ("name", many(lambda i: ("Chang Mai", "Khon Kaen", "Phuket")[i % 3])),
        ("ชื่อยา", many(lambda i: f"ยา {i}")),
        ("ชื่อโรงพยาบาล", many(lambda i: ("รามา", "ศิริราช", "จุฬา")[i % 3])),
        ("โรคประจำตัว", many(lambda i: ("ไม่มี", "เบาหวาน", "ความดัน")[i % 3])),
        ("วันเกิดเหตุ", BIRTH),
        ("age", many(lambda i: 20 + i % 60)),
        ("ph", RNG.normal(7.4, 0.05, ROWS)),
        ("sex", YES),
        ("stage", many(lambda i: ("I", "II", "III")[i % 3])),
        ("phone_followup_done", YES),
        ("phone", YES),
        ("mobile", BIT),
        ("email_reminder", BIT),
        ("email", YES),
        ("address_known", YES),
        ("birth_weight", RNG.normal(3100, 400, ROWS)),
        ("birth_order", many(lambda i: 1 + i % 4)),
        ("year_of_birth", many(lambda i: 1930 + i % 60)),
        ("place of birth", many(lambda i: ("home", "hospital", "other")[i % 3])),
        ("id", many(lambda i: i + 1)),
        ("patient_id", many(lambda i: i + 1)),
        ("record_id", many(lambda i: i + 1, 900)),
        ("study_id", many(lambda i: f"S{i:04d}")),
        ("hn", BIT),  # head and neck
        ("hospital", many(lambda i: f"Hospital {i % 9}")),
        ("hospital_code", many(lambda i: 10_660 + i % 5)),
        ("hospital days", many(lambda i: i % 30)),
        ("national", BIT),
        ("nationality", many(lambda i: ("Thai", "Lao", "Other")[i % 3])),
        ("insurance", many(lambda i: ("UC", "SSS", "CSMBS")[i % 3])),
        ("cell", many(lambda i: ("small", "large")[i % 2])),
        ("cell_count", many(lambda i: 4000 + 31 * i)),
        ("platelets", many(lambda i: 150_000 + 1000 * i)),
        ("contact", YES),
        ("line", many(lambda i: ("first", "second")[i % 2])),
        ("admission_date", BIRTH),
        ("date of death", BIRTH),
        ("time", many(lambda i: 10 + 3 * i)),
        ("street drug use", YES),
        ("house_dust_mite", RNG.normal(size=ROWS)),
        ("state", many(lambda i: ("stable", "unstable")[i % 2])),
        ("icd10", many(lambda i: f"C{i % 90:02d}.{i % 10}")),
        ("diagnosis", many(lambda i: ("Hodgkin Lymphoma", "Breast Cancer", "Lung Cancer")[i % 3])),
        ("note", many(lambda i: f"dose {i} mg twice daily")),
        ("timestamp", many(lambda i: 1_700_000_000 + 86_400 * i)),
        ("barcode", many(lambda i: f"{8850000000000 + 7919 * i}")),
        ("visit", BIRTH),
        ("empty", [np.nan] * ROWS),
        ("mail", [np.nan] * ROWS),
        ("big", many(lambda i: 1e300 + i)),
        ("low", [-(2**63)] * 3),
    ],
)
def test_clinical_columns_are_left_in_peace(name: str, values: object) -> None:
    assert told(name, values) is None


@pytest.mark.parametrize(
    ("check", "example"),
    [
        ("_thai", "1234567890121"), ("_nhs", "9434765919"), ("_cpf", "11144477735"),
        ("_chinese", "11010519491231002X"), ("_spanish", "12345678Z"),
        ("_italian", "RSSMRA80A01H501U"), ("_french", "255081416802538"),
        ("_finnish", "131052-308T"), ("_swedish", "8112289874"), ("_norwegian", "13097248022"),
        ("_polish", "44051401359"), ("_belgian", "85073003328"), ("_dutch", "111222333"),
        ("_singaporean", "S1234567D"), ("_indian", "234123412346"),
    ],
)  # fmt: skip
def test_published_examples_pass_and_their_misprints_do_not(check: str, example: str) -> None:
    passes = getattr(national_numbers, check)
    assert passes(example)
    places = [i for i, sign in enumerate(example) if sign.isdigit()]
    misprints = [example[:i] + str((int(example[i]) + 1) % 10) + example[i + 1 :] for i in places]
    # Most rules find every single wrong digit; Thailand's maps eleven remainders to ten digits.
    assert sum(map(passes, misprints)) <= len(misprints) / 4


def test_random_numbers_are_no_national_numbers() -> None:
    """2,000 columns of random digits in each length: none passes."""
    rng = np.random.default_rng(11)
    for length in (9, 10, 11, 12, 13, 15):
        for _ in range(2_000):
            texts = ["".join(map(str, d)) for d in rng.integers(0, 10, size=(6, length))]
            assert national_numbers.which_number(texts) is None


def test_columns_of_one_kind_share_a_note() -> None:
    frame = pd.DataFrame({"first name": FIRST, "surname": FIRST, "age": range(ROWS)})
    frame[["first name", "surname"]] = frame[["first name", "surname"]].astype("category")
    (note,) = identifier_notes(frame)
    assert note.text == (
        'The columns "first name" and "surname" may hold names of people, which tell who the '
        "patients are."
    )
    assert "Forget my data" in note.remedy
    assert note.column is None


def test_the_import_tells_and_alters_nothing(tmp_path: Path) -> None:
    rows = [f"{HN[i]},{FULL[i]},{30 + i}" for i in range(ROWS)]
    path = tmp_path / "cohort.csv"
    path.write_text("hn,name,age\n" + "\n".join(rows) + "\n")
    found = read_table(path, name="cohort.csv")
    assert [n.column for n in found.report.notes if n.code == "may_identify"] == ["hn", "name"]
    assert list(found.frame["name"].astype(str)) == FULL


def test_a_wide_hostile_table_takes_little_time() -> None:
    """2,000 columns of long texts full of half matches."""
    texts = pd.Categorical(["1" * 60 + " a b c d e " + "@." * 2_000 + str(i) for i in range(400)])
    frame = pd.DataFrame({f"column {i}": texts for i in range(2_000)}, copy=False)
    began = time.process_time()
    identifier_notes(frame)
    assert time.process_time() - began < 10

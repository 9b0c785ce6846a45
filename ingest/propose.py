"""The variable table that an import proposes; the user has the last word on every row.

What is certain is proposed; what is not stays as read, with a note. Whole numbers with few
values become categories only under a name that speaks of a code (stage, site, group): a code
taken for a quantity gives a wrong model, a quantity taken for categories only a wider one.
"""

from __future__ import annotations

import re
from typing import Final

import numpy as np
import pandas as pd

from ingest.notes import quoted
from ingest.report import ImportNote
from ingest.values import natural_key
from stats.variables import Variable, label_of

_FEW_LEVELS: Final = 10
_IDENTIFIER_ROWS: Final = 20
_CHANGE: Final = "Change the kind in the variable table if that is wrong."

_IDENTIFIER_NAME = re.compile(
    r"(?:(?:patient|pt|subject|study|hospital|record|case|sample|person|participant|national|row)"
    r"[ _.\-]?)?(?:id|hn|mrn|pid|uid|uuid|ssn|cid|nhs|vn)(?:[ _.\-]?(?:no|nr|number|code))?\Z"
    r"|(?:patient|subject|study|hospital|record|case|sample|participant)[ _.\-]?"
    r"(?:no|nr|number|code|name)\Z|.{1,60}[ _.\-]id\Z|(?:เลข|รหัส).{0,60}\Z",
    re.IGNORECASE,
)
_PERSON_NAME = re.compile(
    r"(?:patient|subject|case|sample|record|participant|no|nr|#|index|row|ลำดับ|column_1)[.]?\Z",
    re.IGNORECASE,
)
_CODE_NAME = re.compile(
    r"(?:^|[ _.\-])(?:stage|grade|group|grp|arm|site|cent(?:er|re)|hospital|ward|class|type|"
    r"category|cat|status|sex|gender|race|ethnic(?:ity)?|region|province|treatment|treat|trt|"
    r"asa|nyha|ecog|cluster|code|poison)(?:$|[ _.\-0-9])",
    re.IGNORECASE,
)
_COUNT_NAME = re.compile(
    r"(?:^|[ _.\-])(?:n|no|num|number|count|visits?|age|year|yrs?|days?|weeks?|months?|hours?|"
    r"parity|gravida|score|scale|episodes?|(?:re)?admissions?|children|infections?|events?|total|sum|points?)"
    r"(?:$|[ _.\-])",
    re.IGNORECASE,
)
_KNOWN_UNITS = frozenset((
    "years", "year", "yr", "yrs", "y", "months", "month", "weeks", "week", "days", "day", "d",
    "hours", "hour", "h", "hr", "min", "minutes", "s", "sec", "seconds", "ms", "kg", "g", "mg",
    "ug", "µg", "μg", "ng", "pg", "lb", "cm", "mm", "m", "km", "in", "ft", "l", "dl", "ml",
    "ul", "µl", "mmhg", "cmh2o", "kpa", "hz", "bpm", "iu", "u", "mol", "mmol", "umol", "µmol",
    "μmol", "nmol", "pmol", "meq", "ma", "mv", "kcal", "kj", "gy", "ปี", "เดือน", "วัน", "กก",
    "ซม",
))  # fmt: skip
_UNIT = re.compile(r".{0,300}[\[(]([^\[\]()=]{1,20})[\])]\s*\Z")
_NOT_UNITS: Final = frozenset(["yes/no", "y/n", "m/f", "f/m", "no/yes", "0/1", "1/0", "1/2"])

# Clinical scales from low to high.
_ORDERS: Final = (
    ("none", "minimal", "slight", "mild", "moderate", "marked", "severe", "very severe",
     "extreme"),
    ("no pain", "mild", "moderate", "severe", "worst"),
    ("absent", "mild", "moderate", "severe"),
    ("normal", "mild", "moderate", "severe"),
    ("very low", "low", "medium", "high", "very high"),
    ("low", "mid", "high"),
    ("low", "moderate", "high"),
    ("low", "intermediate", "high"),
    ("low", "normal", "high"),
    ("underweight", "normal", "overweight", "obese"),
    ("small", "medium", "large"),
    ("i", "ii", "iii", "iv", "v"),
    ("0", "i", "ii", "iii", "iv"),
    ("stage 0", "stage i", "stage ii", "stage iii", "stage iv"),
    ("grade i", "grade ii", "grade iii", "grade iv"),
    ("ia", "ib", "ic", "iia", "iib", "iic", "iiia", "iiib", "iiic", "iva", "ivb", "ivc"),
    ("t0", "t1", "t2", "t3", "t4"),
    ("n0", "n1", "n2", "n3"),
    ("never", "rarely", "sometimes", "often", "always"),
    ("never", "former", "current"),
    ("poor", "fair", "good", "very good", "excellent"),
    ("strongly disagree", "disagree", "neutral", "agree", "strongly agree"),
    ("primary", "secondary", "tertiary"),
    ("ไม่มี", "น้อย", "ปานกลาง", "มาก", "มากที่สุด"),
    ("ต่ำ", "ปานกลาง", "สูง"),
    ("เล็กน้อย", "ปานกลาง", "รุนแรง"),
    ("ไม่มี", "เล็กน้อย", "ปานกลาง", "รุนแรง"),
)  # fmt: skip
# Two-valued scales with the usual reference first.
_PAIRS: Final = (
    ("no", "yes"), ("n", "y"), ("false", "true"), ("negative", "positive"), ("neg", "pos"),
    ("absent", "present"), ("unexposed", "exposed"), ("alive", "dead"),
    ("normal", "abnormal"), ("ไม่", "ใช่"), ("ไม่ใช่", "ใช่"),
    ("ไม่มี", "มี"), ("ไม่เสียชีวิต", "เสียชีวิต"), ("รอด", "เสียชีวิต"),
)  # fmt: skip
_CONTROL: Final = frozenset(
    ["control", "controls", "placebo", "standard", "standard care", "usual care", "untreated"]
)


def propose_variables(
    frame: pd.DataFrame, *, notes: list[ImportNote] | None = None
) -> tuple[Variable, ...]:
    """One variable per column of an imported frame, in the same order.

    `frame` has int64, float64, datetime64 and category columns. Sentences about decisions that
    a user may want to change are appended to `notes`.
    """
    said: list[ImportNote] = [] if notes is None else notes
    return tuple(_propose(str(name), column, said) for name, column in frame.items())


def _propose(name: str, column: pd.Series, notes: list[ImportNote]) -> Variable:
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        return Variable(name=name, label=name, kind="date")
    if isinstance(column.dtype, pd.CategoricalDtype):
        return _propose_text(name, column, notes)
    return _propose_number(name, column, notes)


def _say(
    notes: list[ImportNote], code: str, name: str, text: str, remedy: str = _CHANGE,
    *, caution: bool = False,
) -> None:  # fmt: skip
    notes.append(ImportNote(code, "caution" if caution else "info", text, remedy, column=name))


def _identifier(name: str, n_known: int, n_distinct: int, notes: list[ImportNote]) -> Variable:
    if n_distinct < n_known:
        _say(
            notes, "repeated_identifier", name,
            f'"{name}" names {n_distinct:,} subjects in {n_known:,} rows; the analyses take each '
            "row for another subject.",
            "Keep one row per patient, or use an analysis for repeated measurements.", caution=True,
        )  # fmt: skip
    return Variable(name=name, label=name, kind="identifier")


def _names_identifier(name: str, n_known: int, n_distinct: int) -> bool:
    if _IDENTIFIER_NAME.match(name):
        return n_distinct > 2
    if _PERSON_NAME.match(name):
        return n_distinct == n_known > 2 or n_distinct > _FEW_LEVELS
    return False


def _propose_number(name: str, column: pd.Series, notes: list[ImportNote]) -> Variable:
    values = column.to_numpy()
    known = values[~np.isnan(values)] if values.dtype.kind == "f" else values
    distinct = np.unique(known)
    whole = bool((distinct == np.floor(distinct)).all())
    if whole and _names_identifier(name, len(known), len(distinct)):
        return _identifier(name, len(known), len(distinct), notes)
    if len(known) and len(distinct) == 1:
        _say(
            notes, "constant_column", name,
            f'"{name}" has the same value ({label_of(distinct[0])}) in every row.',
            "Leave it out of the analyses.",
        )  # fmt: skip
    levels = tuple(label_of(value) for value in distinct[:_FEW_LEVELS])
    if whole and len(distinct) == 2:
        return Variable(name=name, label=name, kind="binary", levels=levels, reference=levels[0])
    if whole and 2 < len(distinct) <= _FEW_LEVELS and len(known) > len(distinct):
        if _CODE_NAME.search(name):
            _say(
                notes, "codes_as_categories", name,
                f'"{name}" holds the whole numbers {", ".join(levels)}; it was taken for codes of '
                "categories.",
            )  # fmt: skip
            return Variable(
                name=name, label=name, kind="categorical", levels=levels, reference=levels[0]
            )
        if not _COUNT_NAME.search(name):
            _say(
                notes, "few_whole_numbers", name,
                f'"{name}" holds only the whole numbers {", ".join(levels)}; it was taken for a '
                "quantity.",
                "If they are codes, make it categorical in the variable table.",
            )  # fmt: skip
    unit = unit_of(name)
    return Variable(name=name, label=_label_of(name, unit), kind="continuous", unit=unit)


def _label_of(name: str, unit: str) -> str:
    """The name without its unit, so that the unit is said once; only units that are well known
    are taken off, since "score (old)" is a name."""
    known = unit.casefold() in _KNOWN_UNITS or any(sign in unit for sign in "/%°^")
    label = name[: name.rindex(unit)].rstrip("([ \t") if known else ""
    return label or name


def unit_of(name: str) -> str:
    """The unit in a name such as "age (years)" or "crp [mg/L]"; "" when there is none."""
    match = _UNIT.match(name)
    if match is None:
        return ""
    unit = match[1].strip()
    is_unit = any(ch.isalpha() or ch in "%°" for ch in unit) and unit.casefold() not in _NOT_UNITS
    return unit if is_unit and "," not in unit else ""


def _propose_text(name: str, column: pd.Series, notes: list[ImportNote]) -> Variable:
    levels = tuple(str(level) for level in column.cat.categories)
    n_known = int((column.cat.codes >= 0).sum())
    if _names_identifier(name, n_known, len(levels)):
        return _identifier(name, n_known, len(levels), notes)
    if n_known > _IDENTIFIER_ROWS and len(levels) * 2 > n_known:
        _say(
            notes, "proposed_identifier", name,
            f'"{name}" has {len(levels):,} different texts in {n_known:,} rows; it was taken for '
            "an identifier or free text.",
        )  # fmt: skip
        return Variable(name=name, label=name, kind="identifier")
    order = known_order(levels)
    if len(levels) == 2:
        levels = order or tuple(sorted(levels, key=lambda level: not _is_control(level)))
        return Variable(name=name, label=name, kind="binary", levels=levels, reference=levels[0])
    if len(levels) == 1:
        _say(
            notes, "constant_column", name,
            f'"{name}" has the same value ({quoted(levels)}) in every row.',
            "Leave it out of the analyses.",
        )  # fmt: skip
    if order and len(levels) > 2:
        _say(
            notes, "ordered_levels", name,
            f'"{name}" was taken for an ordered scale: {" < ".join(order)}.',
            "Change the kind or the order of its levels in the variable table if that is wrong.",
        )  # fmt: skip
        return Variable(name=name, label=name, kind="ordered", levels=order, reference=order[0])
    levels = tuple(sorted(levels, key=natural_key))
    return Variable(
        name=name, label=name, kind="categorical", levels=levels,
        reference=levels[0] if levels else None,
    )  # fmt: skip


def _is_control(level: str) -> bool:
    """True for the level that studies compare with: control, placebo, "not given"."""
    word = level.casefold()
    return word in _CONTROL or word.startswith(("not ", "no ", "non-", "without "))


def known_order(levels: tuple[str, ...]) -> tuple[str, ...]:
    """The levels in the order of a known clinical scale; empty when there is none."""
    folded = {level.casefold(): level for level in levels}
    if len(folded) != len(levels) or len(levels) < 2:
        return ()
    for scale in _PAIRS if len(levels) == 2 else _ORDERS:
        if all(word in scale for word in folded):
            return tuple(folded[word] for word in scale if word in folded)
    return ()

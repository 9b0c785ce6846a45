"""What a form asks: one small description per field.

`name` is the argument of the analysis and the input of the page. A field whose `when` does not
hold is neither shown nor sent: the analysis then uses its own default.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

#: Which columns a field offers: numbers; numbers and ordered levels; levels; exactly two values;
#: whatever can stand in a model; everything.
ColumnKind = Literal["numeric", "ranked", "factor", "two levels", "predictor", "any"]


@dataclass(frozen=True, slots=True)
class Field:
    """A name, a label, a hint under it, and the field and value on which it depends."""

    name: str
    label: str
    hint: str = field(default="", kw_only=True)
    when: tuple[str, str] | None = field(default=None, kw_only=True)


@dataclass(frozen=True, slots=True)
class OneColumn(Field):
    """A menu of columns. `none` is what stands for no column: a field without it must be filled.

    `among` names a list of columns to choose from.
    """

    of_kind: ColumnKind = field(default="any", kw_only=True)
    none: str = field(default="", kw_only=True)
    among: str = field(default="", kw_only=True)


@dataclass(frozen=True, slots=True)
class ManyColumns(Field):
    """A list of columns to tick, with a search box; at least `least` of them.

    `without` names fields whose columns are not offered, `among` a list to choose from. A list
    of at most `ticked_up_to` columns starts with everything ticked, visibly.
    """

    of_kind: ColumnKind = field(default="predictor", kw_only=True)
    without: tuple[str, ...] = field(default=(), kw_only=True)
    among: str = field(default="", kw_only=True)
    least: int = field(default=1, kw_only=True)
    ticked_up_to: int = field(default=15, kw_only=True)


@dataclass(frozen=True, slots=True)
class OneLevel(Field):
    """A level of the column chosen in field `of`. Only 0/1, no/yes and FALSE/TRUE choose for
    the reader, and say so, where `understood` allows it. `none` as in `OneColumn`."""

    of: str = field(kw_only=True)
    none: str = field(default="", kw_only=True)
    understood: bool = field(default=True, kw_only=True)


@dataclass(frozen=True, slots=True)
class ManyLevels(Field):
    """Levels to tick of the column chosen in field `of`."""

    of: str = field(kw_only=True)
    least: int = field(default=1, kw_only=True)


@dataclass(frozen=True, slots=True)
class References(Field):
    """The reference level of every factor among the columns of the fields `of`."""

    of: tuple[str, ...] = field(kw_only=True)


@dataclass(frozen=True, slots=True)
class Units(Field):
    """Per how many units the effect of each continuous column of field `of` is told."""

    of: str = field(kw_only=True)


@dataclass(frozen=True, slots=True)
class OneOf(Field):
    """A menu of fixed choices (value -> words); the first is the default, "" stands for none."""

    options: Mapping[str, str] = field(default_factory=dict)
    as_buttons: bool = field(default=False, kw_only=True)
    #: What a value means to the analysis; a value that is not listed means itself.
    meaning: Mapping[str, Any] = field(default_factory=dict, kw_only=True)


@dataclass(frozen=True, slots=True)
class Switch(Field):
    """Yes or no."""

    default: bool = field(default=False, kw_only=True)


@dataclass(frozen=True, slots=True)
class Words(Field):
    """Typed text. `read(text)` gives its meaning or raises BadInput."""

    read: Callable[[str], Any] = field(kw_only=True)
    default: str = field(default="", kw_only=True)
    placeholder: str = field(default="", kw_only=True)


@dataclass(frozen=True, slots=True)
class Fold:
    """Fields behind a heading that opens."""

    title: str
    fields: tuple[Field, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """The form of one analysis.

    `fixed` choices are always sent. `finish` may rearrange the complete choices (names of
    columns and levels are in them) or raise BadInput for a combination that makes no sense.
    `empty_title` and `empty_hint` stand on the card before the first run.
    """

    analysis: str
    title: str
    empty_title: str
    empty_hint: str
    fields: tuple[Field | Fold, ...]
    fixed: Mapping[str, Any] = field(default_factory=dict)
    finish: Callable[[dict[str, Any]], dict[str, Any]] = dict

    def every(self) -> Iterator[Field]:
        """All fields, those of folds included."""
        for item in self.fields:
            if isinstance(item, Fold):
                yield from item.fields
            else:
                yield item

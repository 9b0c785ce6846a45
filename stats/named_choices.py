"""Choices that many analyses share: one of several words, a level, a share."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Real

from stats.errors import BadInput
from stats.variables import quote_list


def one_of(rule: str, value: object, allowed: Sequence[str]) -> str:
    """`value` if it is allowed, else BadInput that lists what is."""
    if value not in allowed:
        raise BadInput(
            f'The {rule} "{value}" is not known.', rule=rule, found=str(value),
            hint=f"Choose {quote_list(allowed)}.",
        )  # fmt: skip
    return str(value)


def confidence_level(value: object) -> float:
    """A confidence level from 0.5 up to, not including, 1."""
    if isinstance(value, bool) or not isinstance(value, Real) or not 0.5 <= float(value) < 1.0:
        raise BadInput(
            f"The confidence level must lie between 0.5 and 1, not {value}.", rule="ci_level",
            found=str(value), hint="The usual level is 0.95.",
        )  # fmt: skip
    return float(value)


def share_between(rule: str, value: object, what: str) -> float:
    """A number above 0 and below 1."""
    if isinstance(value, bool) or not isinstance(value, Real) or not 0.0 < float(value) < 1.0:
        raise BadInput(
            f"{what} must lie between 0 and 1, not {value}.", rule=rule, found=str(value),
            hint="Write 10 % as 0.1.",
        )  # fmt: skip
    return float(value)


def shares_up_to_one(rule: str, value: object, what: str) -> tuple[float, ...]:
    """One number or several above 0 and up to 1; None gives none."""
    if value is None:
        return ()
    several = value if isinstance(value, Sequence) and not isinstance(value, str) else (value,)
    found = (1.0 if _is_one(v) else share_between(rule, v, what) for v in several)
    return tuple(dict.fromkeys(found))


def _is_one(value: object) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool) and float(value) == 1.0

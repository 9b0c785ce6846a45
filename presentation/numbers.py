"""Numbers as journals print them. The styles are rows of data; the functions know no journal.

Rules common to all styles: a value that is not estimable prints an en dash, an unbounded limit
prints an infinity sign, p is never "0.000", and a limit that differs from the null value never
prints as the null value. Sources: AMA Manual of Style (p, leading zero); NEJM statistical
reporting guidelines (two or three decimals of p); Lancet formatting guide (raised decimal point,
two significant figures of p); BMJ house style; SAMPL (precision of estimates).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

PRule = Literal["three decimals", "two or three decimals", "two significant"]

NOT_ESTIMABLE = "–"
INFINITE = "∞"
MINUS = "\u2212"
_MOST_DECIMALS = 6
_ROUNDING = 1e-9  # below this a measure of a fit is zero but for rounding


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberStyle:
    """How one journal prints numbers.

    `between` stands between the limits of an interval, `between_quartiles` between quartiles;
    both give way to " to " and ", " when a limit is negative, where a dash would read as a minus.
    """

    key: str
    title: str
    decimal: str = "."
    between: str = " to "
    between_quartiles: str = ", "
    quartile_brackets: str = "[]"
    p_symbol: str = "p"
    p_rule: PRule = "three decimals"
    p_floor: float = 0.001
    leading_zero_of_p: bool = True
    percent_sign: bool = True


PLAIN = NumberStyle(key="plain", title="Plain")
NEJM = NumberStyle(
    key="nejm", title="N Engl J Med", p_symbol="P", p_rule="two or three decimals",
    between_quartiles="–", quartile_brackets="()",
)  # fmt: skip
JAMA = NumberStyle(
    key="jama", title="JAMA", p_symbol="P", p_rule="two or three decimals",
    leading_zero_of_p=False, between_quartiles="–", quartile_brackets="()", percent_sign=False,
)  # fmt: skip
LANCET = NumberStyle(
    key="lancet", title="Lancet", decimal="·", between="–", p_rule="two significant",
    p_floor=0.0001, between_quartiles="–", quartile_brackets="()",
)  # fmt: skip
BMJ = NumberStyle(
    key="bmj", title="BMJ", p_symbol="P", p_rule="two or three decimals",
    between_quartiles="–", quartile_brackets="()", percent_sign=False,
)  # fmt: skip

#: Every style by its key, in the order of the menu.
STYLES: dict[str, NumberStyle] = {s.key: s for s in (PLAIN, NEJM, JAMA, LANCET, BMJ)}


def known(value: float | None) -> bool:
    """True for a finite number."""
    return value is not None and math.isfinite(value)


def number(value: float | None, decimals: int, style: NumberStyle = PLAIN) -> str:
    """`value` with a fixed number of decimals, in the style's signs.

    Very large and very small numbers are written as powers of ten.
    """
    if value is None or math.isnan(value):
        return NOT_ESTIMABLE
    if math.isinf(value):
        return INFINITE if value > 0 else MINUS + INFINITE
    if abs(value) >= 1e6:
        return _power_of_ten(value, style)
    text = f"{value:.{decimals}f}"
    if float(text) == 0.0:
        text = text.lstrip("-")
    return text.replace("-", MINUS).replace(".", style.decimal)


def fixed(value: float | None, decimals: int, style: NumberStyle = PLAIN) -> str:
    """`value` with fixed decimals, except that a small number is not printed as zero: `<0.001`.

    Zero itself, and what is zero but for rounding in the last bits, is `0`.
    """
    if value is None or not known(value):
        return number(value, decimals, style)
    if abs(value) < _ROUNDING:
        return "0"
    step = 10.0**-decimals
    if abs(value) >= step / 2:
        return number(value, decimals, style)
    return f"{'<' if value > 0 else '>'}{number(math.copysign(step, value), decimals, style)}"


def _power_of_ten(value: float, style: NumberStyle) -> str:
    mantissa, exponent = f"{value:.1e}".split("e")
    raised = str(int(exponent)).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
    return f"{mantissa.replace('-', MINUS).replace('.', style.decimal)}×10{raised}"


def decimals_by_size(value: float) -> int:
    """Decimals that show two or three significant digits: 0.071, 1.02, 12.3, 123."""
    size = abs(value)
    if not math.isfinite(size) or size >= 99.95:
        return 0
    if size >= 9.995:
        return 1
    if size >= 0.0995 or size == 0.0:
        return 2
    return min(_MOST_DECIMALS, 1 - math.floor(math.log10(size)))


def estimate(value: float | None, style: NumberStyle = PLAIN) -> str:
    """One estimate with the decimals that its size asks for."""
    if value is None or not known(value):
        return number(value, 0, style)
    if value != 0.0 and abs(value) < 10.0 ** (1 - _MOST_DECIMALS):
        return _power_of_ten(value, style)
    return number(value, decimals_by_size(value), style)


def _limit(value: float, base: int, null: float | None, style: NumberStyle) -> str:
    """A limit of an interval whose estimate has `base` decimals."""
    if not math.isfinite(value):
        return number(value, 0, style)
    if value == 0.0:
        return "0"
    size = abs(value)
    if size < 10.0 ** (-_MOST_DECIMALS):
        return _power_of_ten(value, style)
    decimals = min(base, decimals_by_size(value)) if size >= 9.995 else base
    # At least one significant digit, two from 1 on.
    decimals = max(decimals, 1 if 1 <= size < 9.95 else -math.floor(math.log10(size)))
    if null is not None and value != null:
        while float(f"{value:.{decimals}f}") == null and decimals < _MOST_DECIMALS:
            decimals += 1
    return number(value, decimals, style)


def _shared_decimals(value: float | None, low: float | None, high: float | None) -> int:
    """Decimals of an estimate and its limits: by its size, more for a narrow interval."""
    if value is None or not math.isfinite(value):
        finite = [x for x in (high, low) if x is not None and math.isfinite(x)]
        return decimals_by_size(finite[0]) if finite else 2
    decimals = decimals_by_size(value)
    if low is None or high is None or not (math.isfinite(low) and math.isfinite(high)):
        return decimals
    width = high - low
    while width > 0 and width < 1.5 * 10.0**-decimals and decimals < _MOST_DECIMALS:
        decimals += 1
    return decimals


def between(low: str, high: str, style: NumberStyle = PLAIN) -> str:
    """Two printed limits joined in the style's way."""
    signed = MINUS in low or MINUS in high
    return f"{low}{' to ' if signed else style.between}{high}"


def estimate_with_interval(
    value: float | None,
    low: float | None,
    high: float | None,
    style: NumberStyle = PLAIN,
    *,
    null: float | None = 1.0,
) -> str:
    """`1.52 (1.10 to 2.08)`; an en dash where neither the value nor a limit is known.

    `null` is the value of no association (1 for ratios, 0 for differences): a limit that is not
    equal to it gets as many decimals as it needs to look different.
    """
    nothing = all(x is None or math.isnan(x) for x in (low, high))
    if not known(value) and not known(low) and not known(high):
        return NOT_ESTIMABLE if value is None or math.isnan(value) else number(value, 0, style)
    base = _shared_decimals(value, low, high)
    if value is not None and known(value) and 0 < abs(value) < 10.0 ** (1 - _MOST_DECIMALS):
        shown = _power_of_ten(value, style)
    else:
        shown = number(value, base, style)
    if nothing:
        return shown
    printed = [
        NOT_ESTIMABLE if x is None or math.isnan(x) else _limit(x, base, null, style)
        for x in (low, high)
    ]
    return f"{shown} ({between(printed[0], printed[1], style)})"


def p_value(p: float | None, style: NumberStyle = PLAIN) -> str:
    """A p-value for a table cell: `0.012`, `<0.001`, `>0.99`; an en dash when there is none."""
    if p is None or math.isnan(p):
        return NOT_ESTIMABLE
    if p < style.p_floor:
        return _signed_p("<", f"{style.p_floor:.4f}".rstrip("0"), style)
    if style.p_rule == "three decimals":
        return _signed_p(">", "0.999", style) if p > 0.9995 else _signed_p("", f"{p:.3f}", style)
    if p > 0.99:
        return _signed_p(">", "0.99", style)
    if style.p_rule == "two significant":
        return _signed_p("", _two_significant(p), style)
    # Rounding must not move p across, or onto, the customary 0.05.
    decimals = 3 if p < 0.01 or f"{p:.2f}" == "0.05" else 2
    return _signed_p("", f"{p:.{decimals}f}", style)


def _two_significant(p: float) -> str:
    return f"{p:.{1 - math.floor(math.log10(p))}f}"


def _signed_p(sign: str, text: str, style: NumberStyle) -> str:
    if not style.leading_zero_of_p:
        text = text.removeprefix("0")
    return sign + text.replace(".", style.decimal)


def p_phrase(p: float | None, style: NumberStyle = PLAIN) -> str:
    """A p-value for running text: `p = 0.012`, `p < 0.001`."""
    text = p_value(p, style)
    if text == NOT_ESTIMABLE:
        return f"{style.p_symbol} not estimable"
    if text[0] in "<>":
        return f"{style.p_symbol} {text[0]} {text[1:]}"
    return f"{style.p_symbol} = {text}"


def percent(value: float | None, style: NumberStyle = PLAIN) -> str:
    """A percentage with one decimal; the sign where the style prints it."""
    if value is None or not known(value):
        return NOT_ESTIMABLE
    return number(value, 1, style) + ("%" if style.percent_sign else "")


def count(value: float | None) -> str:
    """A whole number; an en dash when it is not known."""
    return NOT_ESTIMABLE if value is None or not known(value) else str(round(value))


def events_of(events: float | None, n: float | None, style: NumberStyle = PLAIN) -> str:
    """`34/120 (28.3%)`."""
    if events is None or n is None or not (known(events) and known(n)):
        return count(n)
    if n == 0:
        return "0/0"
    return f"{count(events)}/{count(n)} ({percent(100.0 * events / n, style)})"


def count_with_percent(n: float | None, share: float | None, style: NumberStyle = PLAIN) -> str:
    """`34 (28.3%)`."""
    if n is None or not known(n):
        return NOT_ESTIMABLE
    return (
        count(n) if share is None or not known(share) else f"{count(n)} ({percent(share, style)})"
    )


def spread_decimals(spread: float | None) -> int:
    """Decimals of a mean or median: what its SD, to two or three digits, can support."""
    if spread is None or not known(spread) or spread <= 0.0:
        return 1
    if spread >= 100.0:
        return 0
    if spread >= 2.0:
        return 1
    if spread >= 1.0:
        return 2
    return min(_MOST_DECIMALS, 1 - math.floor(math.log10(spread)))


def mean_with_sd(
    mean: float | None, sd: float | None, decimals: int, style: NumberStyle = PLAIN
) -> str:
    """`63.2 (11.4)`."""
    if not known(mean):
        return NOT_ESTIMABLE
    return f"{number(mean, decimals, style)} ({number(sd, decimals, style)})"


def median_with_quartiles(
    median: float | None,
    q1: float | None,
    q3: float | None,
    decimals: int,
    style: NumberStyle = PLAIN,
) -> str:
    """`63.0 [55.0, 71.0]`."""
    if not known(median):
        return NOT_ESTIMABLE
    low, high = number(q1, decimals, style), number(q3, decimals, style)
    joint = ", " if MINUS in low or MINUS in high else style.between_quartiles
    left, right = style.quartile_brackets
    return f"{number(median, decimals, style)} {left}{low}{joint}{high}{right}"

"""Words, cells and citations that tables of tests, 2 x 2 tables, ROC curves, strata share."""

from __future__ import annotations

import math
from collections.abc import Sequence

from presentation import numbers
from presentation.citations import Citations
from presentation.follow_up import with_interval
from presentation.numbers import NumberStyle
from presentation.table import Cell, Column
from presentation.wording import ci_percent
from stats.result import Result

ADJUSTMENT_WORDS = {
    "holm": "Holm's method", "bonferroni": "Bonferroni's method",
    "bh": "Benjamini and Hochberg's method (false discovery rate)",
}  # fmt: skip
_LIST_LIMIT = 12


def estimate_column(title: str, result: Result, form: str = "0.00####", mark: str = "") -> Column:
    """A column of estimates with limits: `Odds ratio (95% CI)`."""
    ci = ci_percent(result.method, result.choices)
    parts = (title, f"{ci}% CI low", f"{ci}% CI high")
    return Column(f"{title} ({ci}% CI)", "number", parts, (form,) * 3, mark=mark)


def ratio_cell(value: float, low: float, high: float, style: NumberStyle, mark: str = "") -> Cell:
    """`1.52 (1.10 to 2.08)`."""
    text = numbers.estimate_with_interval(value, low, high, style, null=1.0)
    shown = tuple(v if math.isfinite(v) else None for v in (value, low, high))
    return Cell(text, shown, mark)


def percent_cell(value: float, low: float, high: float, style: NumberStyle) -> Cell:
    """`58.8 (42.2 to 73.6)`, in percent."""
    return with_interval(value, low, high, 1, style, scale=100.0)


def fixed_cell(value: float, low: float, high: float, decimals: int, style: NumberStyle) -> Cell:
    """An estimate on a known scale (area, correlation), with limits."""
    return with_interval(value, low, high, decimals, style)


def share_cell(x: float, n: float, style: NumberStyle) -> Cell:
    """`34/120 (28.3%)`."""
    share = 100.0 * x / n if n else None
    return Cell(numbers.events_of(x, n, style), (x, n, share))


def level_words(name: str, level: str) -> str:
    """`Ulcer = 1`."""
    return f"{name} = {level}"


def cited(cite: Citations, result: Result, *starts: str) -> str:
    """` [1,2]` for those references of the result that begin with these words ("Wilson EB")."""
    found: list[int] = []
    for start in starts:
        for reference in result.references:
            if reference.startswith(start):
                cite.add((reference,))
                listed = cite.listed()
                found += [i + 1 for i, text in enumerate(listed) if text.endswith(reference)]
    return f" [{','.join(map(str, sorted(set(found))))}]" if found else ""


def some_of(items: Sequence[str]) -> str:
    """Items joined by semicolons, cut where there are very many (for texts that stand for a
    figure)."""
    rest = len(items) - _LIST_LIMIT
    more = f"; and {rest} more" if rest > 0 else ""
    return "; ".join(items[:_LIST_LIMIT]) + more

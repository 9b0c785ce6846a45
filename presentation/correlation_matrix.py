"""The correlation matrix as a figure: coloured squares below the diagonal."""

from __future__ import annotations

import math

from presentation import numbers
from presentation.association import some_of
from presentation.effects import rows_of
from presentation.figures import Figure
from presentation.layers import Cells
from presentation.names import Names
from presentation.numbers import NumberStyle
from presentation.plot import Panel, Plot, category_axis
from presentation.text import shortened
from presentation.wording import ci_percent
from stats.result import CorrelationResult

_LETTERS = 24


def correlation_matrix(
    result: CorrelationResult, names: Names, style: NumberStyle, words: str
) -> tuple[Figure, ...]:
    """The lower triangle; a pair without a coefficient is left white. None without any."""
    place = {name: i for i, name in enumerate(result.variables)}
    pairs = [r for r in rows_of(result.table("pairs")) if math.isfinite(r["coefficient"])]
    if not pairs:
        return ()
    ci = ci_percent(result.method, result.choices)
    shown = [numbers.number(row["coefficient"], 2, style) for row in pairs]
    said = [
        f"{names.of(row['variable_a'])} and {names.of(row['variable_b'])} {text}"
        for row, text in zip(pairs, shown, strict=True)
    ]
    hover = tuple(
        f"{what} ({ci}% CI {_between(row['ci_low'], row['ci_high'], style)}), n = {row['n']}"
        for what, row in zip(said, pairs, strict=True)
    )
    titles = [shortened(names.of(name), _LETTERS) for name in result.variables]
    cells = Cells(
        x=tuple(float(place[row["variable_a"]]) for row in pairs),
        y=tuple(float(place[row["variable_b"]] - 1) for row in pairs),
        value=tuple(row["coefficient"] for row in pairs), texts=tuple(shown), hover=hover,
    )  # fmt: skip
    panel = Panel(
        x=category_axis("", titles[:-1]), y=category_axis("", titles[1:], down=True),
        layers=(cells,), shape="square",
    )  # fmt: skip
    plot = Plot(
        name="correlations", title=words, panels=(panel,),
        alt=f"Matrix of correlations. {words}. {some_of(said)}.",
    )  # fmt: skip
    return (plot,)


def _between(low: float, high: float, style: NumberStyle) -> str:
    return numbers.between(numbers.number(low, 2, style), numbers.number(high, 2, style), style)

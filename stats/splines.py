"""Restricted cubic splines of continuous predictors: knots, basis, test of the shape, curve.

With knots t_1 < ... < t_k the bends of x are, for j = 1 ... k - 2 and u+ = max(u, 0),

    [ (x - t_j)+^3 - (x - t_(k-1))+^3 (t_k - t_j) / (t_k - t_(k-1))
      + (x - t_k)+^3 (t_(k-1) - t_j) / (t_k - t_(k-1)) ] / (t_k - t_1)^2

which with x itself span the cubic splines that are straight lines beyond the outer knots. Knots
stand at Harrell's quantiles of the rows of the model (type 7); below 100 rows the outer ones are
the fifth smallest and fifth largest value, as in rms. Durrleman & Simon 1989,
doi:10.1002/sim.4780080504; Harrell 2015, Regression Modeling Strategies, 2nd ed., table 2.3.

Checked against natural cubic splines of scipy.interpolate in statsmodels' GLM, which span the same
space: likelihoods, tests, curve and band.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from scipy.special import chdtrc, ndtri

from stats.adjusted import AdjustedModel, ModelNumbers
from stats.cluster_robust import ROBUST, wald_statistic
from stats.design import Bools, Design, Floats, Ints, Term, complete_rows
from stats.errors import BadInput
from stats.logistic import fit_logistic
from stats.model_notes import without_information
from stats.result import Note
from stats.terms import BinaryOutcome, column_names
from stats.variables import Dataset

#: Harrell's quantiles by number of knots.
KNOT_SHARES: Mapping[int, tuple[float, ...]] = {
    3: (0.10, 0.50, 0.90),
    4: (0.05, 0.35, 0.65, 0.95),
    5: (0.05, 0.275, 0.50, 0.725, 0.95),
}
DEFAULT_KNOTS = 4
_FEW_ROWS = 100
_FIFTH = 4  # from 0
_APART = 1e-6  # knots closer than this share of their range are the same
_GRID = 101
_SHOWN = (0.01, 0.99)  # quantiles between which the curve is drawn


def spline_choice(
    dataset: Dataset, wanted: object, predictors: Sequence[str], adjust: str | Sequence[str]
) -> dict[str, int]:
    """Predictor -> number of knots, in the order of the predictors.

    `wanted`: None, names (4 knots each) or a mapping name -> 3, 4 or 5. BadInput for what is not a
    continuous predictor of the adjusted model.
    """
    if isinstance(wanted, Mapping):
        asked: dict[str, object] = {str(name): knots for name, knots in wanted.items()}
    else:
        asked = dict.fromkeys(column_names(wanted or (), "splines"), DEFAULT_KNOTS)
    for name, knots in asked.items():
        if name not in predictors or dataset.variable(name).kind != "continuous":
            raise BadInput(
                f'A spline was chosen for "{name}", which is not a continuous predictor.',
                column=name, rule="splines", hint="Choose among the continuous predictors.",
            )  # fmt: skip
        if not isinstance(adjust, str) and name not in adjust:
            raise BadInput(
                f'A spline was chosen for "{name}", which is not in the adjusted model.',
                column=name, rule="splines", hint="Add it to the adjustment set.",
            )  # fmt: skip
        if isinstance(knots, bool) or knots not in KNOT_SHARES:
            raise BadInput(
                f'A spline of "{name}" can have 3, 4 or 5 knots, not {knots}.',
                column=name, rule="knots", found=str(knots), hint="4 are usual.",
            )  # fmt: skip
    return {name: int(str(asked[name])) for name in predictors if name in asked}


def knots_at(values: Floats, n_knots: int) -> Floats:
    """Knots of a spline of these values (none missing)."""
    knots = np.quantile(values, KNOT_SHARES[n_knots])
    if _FIFTH < len(values) < _FEW_ROWS:
        ordered = np.sort(values)
        knots[0], knots[-1] = ordered[_FIFTH], ordered[-1 - _FIFTH]
    return knots


def basis(values: Floats, knots: Floats) -> tuple[Floats, ...]:
    """The bends of these values, one array per inner knot and the first: k - 2 arrays."""
    last, before = knots[-1], knots[-2]
    width = last - knots[0]

    def cubed(knot: float) -> Floats:  # over the squared width, without leaving its size
        return width * (np.maximum(values - knot, 0.0) / width) ** 3

    return tuple(
        cubed(knot)
        - cubed(before) * ((last - knot) / (last - before))
        + cubed(last) * ((before - knot) / (last - before))
        for knot in knots[:-2]
    )


def bend(
    terms: Sequence[Term], outcome: BinaryOutcome, splines: Mapping[str, int]
) -> tuple[list[Term], list[Note]]:
    """The terms of the adjusted model, those of `splines` with bends, and what is to be said.

    Where values do not keep the knots apart fewer are used; with less than three the term
    stays a straight line.
    """
    left_out, _ = without_information(terms, outcome.known)
    usable = [t for i, t in enumerate(terms) if i not in left_out]
    rows = complete_rows(usable, outcome.known) if usable else np.empty(0, dtype=np.intp)
    bent: list[Term] = []
    notes: list[Note] = []
    for term in terms:
        wanted = splines.get(term.name, 0)
        if not wanted or term not in usable:
            bent.append(term)
            continue
        knots = _knots_apart(np.asarray(term.values, dtype=np.float64)[rows], wanted)
        notes.append(_note(term.name, wanted, 0 if knots is None else len(knots)))
        values = np.asarray(term.values, dtype=np.float64)
        bent.append(term if knots is None else replace(term, bends=basis(values, knots)))
    return bent, notes


def _knots_apart(values: Floats, wanted: int) -> Floats | None:
    if not len(values):
        return None
    for n_knots in range(wanted, 2, -1):
        knots = knots_at(values, n_knots)
        if np.diff(knots).min() > _APART * (values.max() - values.min()):
            return knots
    return None


def _note(name: str, wanted: int, used: int) -> Note:
    if not used:
        text = (
            f'The values of "{name}" are too few or too alike for a spline, so it enters the '
            "adjusted model as a straight line. Leave its spline out, or make it categorical."
        )
        return Note("spline_not_possible", "caution", text, name)
    fewer = f" ({wanted} could not be kept apart)" if used < wanted else ""
    text = (
        f'"{name}" enters the adjusted model as a restricted cubic spline with {used} '
        f"knots{fewer}: it has no single odds ratio, and its p-value belongs to the whole curve. "
        "See its curve."
    )
    return Note("spline", "info", text, name)


Columns = dict[str, list[Any]]


def shapes_of(model: AdjustedModel, y: Bools, ci_level: float) -> tuple[Columns, Columns]:
    """The columns of `OutcomeExtras.nonlinearity` and `.curves` for the spline terms of a model.

    `y` has one entry per row of the file. Odds ratios are against the median of the model's rows,
    with pointwise Wald bands of the model's covariance.
    """
    shapes: list[dict[str, Any]] = []
    curves: list[dict[str, Any]] = []
    design, numbers = model.design, model.numbers
    if design is not None and numbers is not None:
        event = y[design.rows].astype(np.float64)
        for t, columns in design.term_columns.items():
            if design.terms[t].bends:
                spline = _Spline.of(design, numbers, t, columns, ci_level)
                shapes.append({**spline.row(), **_tests(design, numbers, event, t, columns)})
                curves += spline.curve()
    return _turned(shapes, _SHAPE_COLUMNS), _turned(curves, _CURVE_COLUMNS)


_SHAPE_COLUMNS = (
    "term", "knots", "test", "statistic", "df", "p_value", "statistic_term", "df_term", "p_term",
    "reference", "q1", "q3", "estimate", "ci_low", "ci_high",
)  # fmt: skip
_CURVE_COLUMNS = ("term", "x", "estimate", "ci_low", "ci_high")


def _turned(rows: Sequence[Mapping[str, Any]], names: Sequence[str]) -> Columns:
    return {name: [row[name] for row in rows] for name in names}


def _tests(
    design: Design, numbers: ModelNumbers, y: Floats, term: int, columns: Sequence[int]
) -> dict[str, Any]:
    """The test of the bends beside the straight line, and that of the whole term."""
    bends = [j for j in columns if design.columns[j].level < -1]
    likelihood = numbers.estimator == "maximum likelihood" and not numbers.runaway
    name = "likelihood ratio"
    if likelihood and numbers.interval != ROBUST:
        kept = [j for j in range(len(design.columns)) if j not in bends]
        straight = fit_logistic(design.take(kept), y)
        statistic = max(2.0 * (numbers.loglik - straight.loglik), 0.0)
    else:
        name = "robust Wald" if numbers.interval == ROBUST else "Wald"
        statistic = wald_statistic(numbers.beta[1:], numbers.covariance[1:, 1:], bends)
    whole = numbers.lr_term.get(term, float("nan"))
    return {
        "test": name,
        "statistic": statistic, "df": len(bends), "p_value": float(chdtrc(len(bends), statistic)),
        "statistic_term": whole, "df_term": len(columns),
        "p_term": float(chdtrc(len(columns), whole)),
    }  # fmt: skip


class _Spline:
    """One spline term of a fitted model, evaluated at any value."""

    def __init__(
        self, term: Term, rows: Ints, knots: Floats, beta: Floats, covariance: Floats, reach: float
    ) -> None:
        values = np.asarray(term.values, dtype=np.float64)[rows]
        self.name = term.name
        self.knots = knots
        self.beta, self.covariance, self.reach = beta, covariance, reach
        self.q1, self.median, self.q3 = np.quantile(values, [0.25, 0.5, 0.75]).tolist()
        self.low, self.high = np.quantile(values, _SHOWN).tolist()

    @classmethod
    def of(
        cls, design: Design, numbers: ModelNumbers, t: int, columns: Sequence[int], ci_level: float
    ) -> _Spline:
        """The term `t` of the design; coefficients brought to the scale of its values."""
        term, chosen = design.terms[t], list(columns)
        values = np.asarray(term.values, dtype=np.float64)[design.rows]
        knots = knots_at(values, len(term.bends) + 2)
        full = np.zeros(len(term.bends) + 1)
        spread = np.zeros((len(full), len(full)))
        place = [-1 - design.columns[j].level for j in chosen]
        scale = 1.0 / design.spread[chosen]
        inner = numbers.covariance[1:, 1:][np.ix_(chosen, chosen)]
        full[place] = numbers.beta[1:][chosen] * scale
        spread[np.ix_(place, place)] = inner * np.outer(scale, scale)
        return cls(term, design.rows, knots, full, spread, float(ndtri(0.5 + ci_level / 2.0)))

    def ratios(self, at: Floats, against: float) -> Floats:
        """Odds ratio, low and high (3, n) of `at` against one value."""
        both = np.append(at, against)
        columns = np.column_stack([both, *basis(both, self.knots)])
        moved = columns[:-1] - columns[-1]
        log_ratio = moved @ self.beta
        error = np.sqrt(np.maximum(np.einsum("ij,jk,ik->i", moved, self.covariance, moved), 0.0))
        limits = [log_ratio, log_ratio - self.reach * error, log_ratio + self.reach * error]
        return np.exp(np.minimum(limits, 700.0))

    def row(self) -> dict[str, Any]:
        """What is told of the term beside its tests."""
        estimate, low, high = self.ratios(np.array([self.q3]), self.q1)[:, 0].tolist()
        return {
            "term": self.name, "knots": ", ".join(f"{k:.10g}" for k in self.knots),
            "reference": self.median, "q1": self.q1, "q3": self.q3,
            "estimate": estimate, "ci_low": low, "ci_high": high,
        }  # fmt: skip

    def curve(self) -> list[dict[str, Any]]:
        """Points along the term between its 1st and 99th percentile, the median among them."""
        x = np.union1d(np.linspace(self.low, self.high, _GRID), [self.median])
        found = self.ratios(x, self.median)
        return [
            {"term": self.name, "x": v, "estimate": e, "ci_low": low, "ci_high": high}
            for v, e, low, high in zip(x.tolist(), *found.tolist(), strict=True)
        ]

"""A data-driven selection of predictors, repeated in every resample.

Which predictors the data choose is part of the procedure that is validated: what looks good by
chance on one sample is not chosen in the next. `Screening` takes the crude likelihood-ratio p of
each predictor in all resamples of a batch at once; what has no finite maximum there (and anything
under Firth's penalty) goes through the crude model itself, on copied rows. `Backward` runs
`eliminate_backward` in each resample, with counts as weights; a resample that lacks a level, or in
which the predictors are collinear, goes through the selection of the outcome model on copied rows.

Checked against plain loops over statsmodels' Logit on copied rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtrc, xlogy

from stats.design import Bools, Design, Floats, Ints, Term
from stats.elimination import eliminate_backward
from stats.errors import NotEstimable
from stats.recalibration import fit_many
from stats.refit import LIKELIHOOD, Refitter
from stats.resampling import Counts
from stats.selection import SCREEN, eliminate
from stats.stopping import check_stopped
from stats.terms import BinaryOutcome
from stats.univariable import fit_crude

_TILE_ELEMENTS: Final = 1 << 15
_MAX_PREDICTOR: Final = 500.0
_LEVEL: Final = 0.95  # of intervals that nobody looks at


class Reselection(Protocol):
    """The selection in a batch of resamples."""

    def held(self, counts: Counts) -> tuple[Bools, Bools]:
        """Which terms each resample (a row of `counts`) selects, and in which resamples the
        procedure has no answer."""
        ...


def reselection(
    adjust: str, method: str, design: Design, y: Floats, independent: Refitter
) -> Reselection:
    """The selection that `adjust` asks for. Terms are those of `design`, in its order;
    `independent` refits the model of its linearly independent columns."""
    kind, _, detail = adjust.partition(":")
    if kind == SCREEN:
        return Screening(design, y, float(detail), method)
    return Backward(independent)


class Screening:
    """Predictors whose crude likelihood-ratio p is below a limit."""

    def __init__(self, design: Design, y: Floats, limit: float, method: str) -> None:
        self._terms = design.terms
        self._rows = design.rows
        self._y = y
        self._limit = limit
        self._method = method
        self._start: dict[int, Floats] = {}

    def held(self, counts: Counts) -> tuple[Bools, Bools]:
        """Whose p is below the limit; a term without a p does not enter."""
        p_values = self.p_values(counts)
        with np.errstate(invalid="ignore"):
            return p_values < self._limit, np.zeros(len(counts), dtype=np.bool_)

    def p_values(self, counts: Counts) -> Floats:
        """The crude p of each term in each resample, k x terms; NaN where there is none."""
        found = np.full((len(counts), len(self._terms)), np.nan)
        for t, term in enumerate(self._terms):
            alone = np.ones(len(counts), dtype=np.bool_)
            if self._method != "firth":
                gained, df = self._gain(t, term, counts)
                alone = np.isnan(gained)
                known = np.flatnonzero(~alone)
                found[known, t] = chdtrc(df[known], 2.0 * np.maximum(gained[known], 0.0))
            for i in np.flatnonzero(alone):
                found[i, t] = self._alone(term, counts[i])
        return found

    def _gain(self, t: int, term: Term, counts: Counts) -> tuple[Floats, Floats]:
        """What a term adds to the log-likelihood of no predictors, and its parameters; NaN where
        it has no finite maximum."""
        events = (counts @ self._y.astype(np.float32)).astype(np.float64)
        n = float(len(self._y))
        null = xlogy(events, events / n) + xlogy(n - events, 1.0 - events / n)
        values = term.values[self._rows]
        if term.kind == "factor":
            loglik, df = _by_levels(values, len(term.levels), self._y, counts)
        else:
            loglik = self._slopes(t, np.asarray(values, dtype=np.float64), counts)
            df = np.ones(len(counts))
        return loglik - null, df

    def _slopes(self, t: int, values: Floats, counts: Counts) -> Floats:
        """The log-likelihood of one slope in each resample."""
        spread = float(values.std())
        found = np.full(len(counts), np.nan)
        if not spread > 0.0:
            return found
        columns = np.stack((np.ones_like(values), (values - values.mean()) / spread))
        if t not in self._start:  # the slope on all rows
            share = float(self._y.mean())
            at = np.array([[np.log(share / (1.0 - share)), 0.0]])
            self._start[t] = np.nan_to_num(fit_many(columns[None], self._y, start=at), nan=0.0)
        step = max(1, _TILE_ELEMENTS // len(values))
        for first in range(0, len(counts), step):
            check_stopped()
            weights = counts[first : first + step].astype(np.float64)
            basis = np.broadcast_to(columns, (len(weights), *columns.shape))
            start = np.repeat(self._start[t], len(weights), axis=0)
            coef = fit_many(basis, self._y, weights=weights, start=start)
            predictor = coef @ columns
            odds = np.exp(np.minimum(predictor, _MAX_PREDICTOR))
            loss = np.log(odds + 1.0) - self._y * predictor
            found[first : first + step] = -np.einsum("kn,kn->k", weights, loss)
        return found

    def _alone(self, term: Term, counts: NDArray[np.uint8]) -> float:
        drawn = np.repeat(self._rows, counts)
        y = np.repeat(self._y > 0.0, counts)
        copied = replace(term, values=term.values[drawn])
        fit = fit_crude(
            [copied], y, np.ones_like(y), method=self._method,  # type: ignore[arg-type]
            interval="wald", ci_level=_LEVEL, limits=False,
        )[0]  # fmt: skip
        return fit.lr_p if fit.p_term is None else fit.p_term


def _by_levels(
    codes: NDArray[Any], n_levels: int, y: Floats, counts: Counts
) -> tuple[Floats, Floats]:
    """The log-likelihood of a risk per level, and levels less one; NaN where a level that was drawn
    has one outcome only."""
    is_level = (codes[:, None] == np.arange(n_levels)).astype(np.float32)
    drawn = counts.astype(np.float32)
    n = (drawn @ is_level).astype(np.float64)
    events = (drawn @ (is_level * y[:, None].astype(np.float32))).astype(np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.where(n > 0.0, events / n, 0.0)
    loglik = (xlogy(events, share) + xlogy(n - events, 1.0 - share)).sum(axis=1)
    present = n > 0.0
    one_sided = (present & ((events == 0.0) | (events == n))).any(axis=1)
    df = present.sum(axis=1) - 1.0
    return np.where(one_sided | (df < 1.0), np.nan, loglik), df


class Backward:
    """What is left by backward elimination on AIC."""

    def __init__(self, refitter: Refitter) -> None:
        self._design = refitter.design
        self._y = refitter.y
        self._refitter = refitter

    def held(self, counts: Counts) -> tuple[Bools, Bools]:
        """A resample whose full model has no finite estimates has no answer."""
        full = self._refitter.refit(counts)
        held = np.zeros((len(counts), len(self._design.terms)), dtype=np.bool_)
        lost = full.how != LIKELIHOOD
        for i in np.flatnonzero(~lost):
            try:
                chosen = self._copied(counts[i]) if full.reduced[i] else self._weighted(
                    counts[i], full.beta[i]
                )  # fmt: skip
            except NotEstimable:
                lost[i] = True
                continue
            held[i, chosen] = True
        return held, lost

    def _weighted(self, counts: NDArray[np.uint8], start: Floats) -> Sequence[int]:
        whole = self._design
        rows = np.flatnonzero(counts)
        drawn = Design(whole.terms, whole.rows[rows], whole.columns, whole.centre, whole.spread)
        return eliminate_backward(drawn, self._y[rows], start, weights=counts[rows]).held

    def _copied(self, counts: NDArray[np.uint8]) -> Sequence[int]:
        drawn = np.repeat(self._design.rows, counts)
        y = np.repeat(self._y > 0.0, counts)
        terms = [replace(t, values=t.values[drawn]) for t in self._design.terms]
        names = eliminate(terms, BinaryOutcome("", "", "", y, np.ones_like(y), False), None).names
        place = {t.name: i for i, t in enumerate(terms)}
        return [place[name] for name in names]


def columns_of(design: Design, held: Bools) -> Bools:
    """Terms held (k x terms) -> columns held (k x columns without the intercept)."""
    owner: Ints = np.array([c.term for c in design.columns], dtype=np.intp)
    return held[:, owner]


def selection_table(
    names: Sequence[str], chosen: Sequence[str], times: Ints, usable: int
) -> Mapping[str, Any]:
    """How often each predictor was selected (`ValidationResult.selection`)."""
    return {
        "term": list(names),
        "in_model": np.array([name in chosen for name in names], dtype=np.bool_),
        "resamples": times,
        "share": times / usable if usable else np.full(len(names), np.nan),
    }

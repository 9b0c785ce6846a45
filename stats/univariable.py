"""Crude logistic models: one per predictor, each on its own rows.

Factors come in closed form from their tables (`stats.two_by_k`), continuous predictors from
batched fits of one slope (`stats.slope_fit`, `stats.slope_search`), concordance from the ranks
(`stats.ranks`). Whether the maximum exists is exact: for a factor, no cell of its table is
zero; for a continuous predictor, the ranges of the two outcome groups overlap by more than
one value (Albert & Anderson 1984, doi:10.1093/biomet/71.1.1, in one dimension).

Checked against R's glm, exact profile roots, logistf and pROC (`logistic` and `firth`
reference files) and against statsmodels' Newton fits to 1e-8.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtrc, ndtri

from stats import crude_notes
from stats.crude_slopes import SlopeChoices, SlopeFit, fit_slopes
from stats.design import Bools, Floats, Term
from stats.ranks import Concordance, OutcomeRanks, rank_terms
from stats.result import Note
from stats.two_by_k import FactorFits, LevelTables, fit_factors, tabulate

Method = Literal["auto", "likelihood", "firth"]
Interval = Literal["profile", "wald"]

_NAN: Final = math.nan
_NO_SLOPE: Final = 1e-9  # standard errors
_MEASURES: Final = (
    "loglik", "loglik_null", "lr_statistic", "lr_df", "lr_p", "aic", "bic",
    "mcfadden_r2", "nagelkerke_r2",
)  # fmt: skip


class CrudeFit(NamedTuple):
    """The model of one predictor, on the coefficient (log odds) scale.

    Arrays have one entry per row of the effects table: all levels in order for a factor (the
    reference has coefficient 0 and nothing else), one for a continuous predictor, per
    `Term.scale` units. `level_n` and `level_events` are the rows of the model at that level
    (of the model, for a continuous predictor). Not estimable is NaN with a note; a limit that
    does not exist is -inf or inf.

    `missing` counts rows with known outcome that lack the predictor. `loglik` is the
    unpenalised log-likelihood at the estimate, on which `aic`, `bic` and the R2 rest;
    `penalised_loglik` belongs to Firth fits. `lr_statistic`, `lr_df`, `lr_p` test the whole
    predictor (penalised for Firth). `df` is 1 where `statistic` is a likelihood ratio and NaN
    where it is Wald's z. The C-statistic is that of the fitted risks, with DeLong's limits.
    """

    term: str
    level_n: NDArray[np.int64]
    level_events: NDArray[np.int64]
    coef: Floats
    std_error: Floats
    ci_low: Floats
    ci_high: Floats
    statistic: Floats
    df: Floats
    p_value: Floats
    n: int
    events: int
    missing: int
    parameters: int
    loglik: float
    loglik_null: float
    penalised_loglik: float
    lr_statistic: float
    lr_df: float
    lr_p: float
    aic: float
    bic: float
    mcfadden_r2: float
    nagelkerke_r2: float
    brier: float
    c_statistic: float
    c_low: float
    c_high: float
    intercept: float
    intercept_std_error: float
    method: Literal["maximum likelihood", "Firth"]
    interval: Interval | Literal["robust"]
    separated: bool
    notes: tuple[Note, ...]
    p_term: float | None = None  # of the whole predictor where it is not `lr_p`


def fit_crude(
    terms: Sequence[Term],
    y: Bools,
    known: Bools,
    *,
    method: Method,
    interval: Interval,
    ci_level: float,
    ranked: Sequence[OutcomeRanks | None] | None = None,
    tables: LevelTables | None = None,
    limits: bool = True,
) -> list[CrudeFit]:
    """Fit one logistic model per term, each on the rows where outcome and term are known.

    Parameters
    ----------
    y, known
        Event and "outcome is known", one entry per row of the file. Rows that are to be left
        out (common sample) are marked as not known.
    method
        auto: maximum likelihood, Firth's penalty for the terms that are separated;
        likelihood; firth.
    interval
        profile (exact roots, likelihood-ratio test, df 1) or wald. Where separation makes the
        maximum not exist, limits and tests are (penalised) profile whatever is asked for.
    ranked
        `rank_terms` of the same terms, outcome and rows, when it is at hand.
    tables
        `tabulate` of the factors with levels among the terms, when it is at hand.
    limits
        False where only estimates and tests are wanted: profile limits of slopes, which take
        most of the time where outcomes are separated, are then NaN.

    Returns one `CrudeFit` per term, in order. Raises BadInput for infinite numbers.
    """
    quantile = float(ndtri(0.5 + ci_level / 2))
    ranks = rank_terms(terms, y, known) if ranked is None else ranked
    fits: dict[int, CrudeFit] = {}
    factors = [i for i, term in enumerate(terms) if term.kind == "factor"]
    stacked = [i for i in factors if terms[i].levels]
    tables = tabulate([terms[i] for i in stacked], y, known) if tables is None else tables
    closed = fit_factors(tables, method=method, interval=interval, quantile=quantile)
    n_known = int(np.count_nonzero(known))
    for t, i in enumerate(stacked):
        fits[i] = _factor_fit(terms[i], tables, closed, t, quantile)
    choices = SlopeChoices(method, profile=interval == "profile", quantile=quantile, limits=limits)
    for i in set(factors) - set(stacked):
        fits[i] = _nothing(terms[i], None, n_known, choices)
    numbers = [(i, r) for i, r in enumerate(ranks) if r is not None]
    slopes = fit_slopes(
        [terms[i] for i, _ in numbers], [r for _, r in numbers], y, known, choices
    )  # fmt: skip
    for (i, r), slope in zip(numbers, slopes, strict=True):
        fits[i] = _slope_fit(terms[i], r, slope, n_known, choices)
    return [fits[i] for i in range(len(terms))]


def _measures(n: int, events: int, parameters: int, gain: float, ratio: float) -> dict[str, Any]:
    """What follows from rows, events, parameters, `gain` = loglik - loglik_null, and the LR.

    McFadden's R2 is 1 - l / l0, Nagelkerke's (1 - exp(2 (l0 - l) / n)) / (1 - exp(2 l0 / n)).
    NaN where only one outcome occurs.
    """
    if not 0 < events < n:
        return dict.fromkeys(_MEASURES, _NAN)
    null = events * math.log(events / n) + (n - events) * math.log1p(-events / n)
    df = parameters - 1
    deviance = -2 * (null + gain)
    return {
        "loglik": null + gain,
        "loglik_null": null,
        "lr_statistic": ratio,
        "lr_df": float(df),
        "lr_p": float(chdtrc(df, ratio)) if df > 0 else _NAN,
        "aic": deviance + 2 * parameters,
        "bic": deviance + math.log(n) * parameters,
        "mcfadden_r2": -gain / null,
        "nagelkerke_r2": math.expm1(-2 * gain / n) / math.expm1(2 * null / n),
    }


def _concordance(area: Concordance, quantile: float) -> dict[str, Any]:
    low, high = area.limits(quantile)
    return {"c_statistic": area.area, "c_low": low, "c_high": high}


def _factor_fit(
    term: Term, tables: LevelTables, fit: FactorFits, t: int, quantile: float
) -> CrudeFit:
    own = slice(tables.starts[t], tables.starts[t + 1])
    events, others = tables.events[own], tables.others[own]
    rows = events + others
    n, n_events, parameters = int(fit.n[t]), int(fit.events[t]), int(fit.parameters[t])
    firth = bool(fit.firth[t])
    notes: list[Note] = []
    if n == 0:
        notes.append(crude_notes.no_values(term.name))
    elif not fit.estimable[t]:
        notes.append(crude_notes.one_outcome(term.name, n, n_events))
    elif parameters == 1:
        level = term.levels[int(np.argmax(rows))]
        notes.append(crude_notes.constant(term.name, f'"{level}"', n))
    else:
        notes += crude_notes.factor_notes(term, events, others, fit.separated[own], firth=firth)
    return CrudeFit(
        term=term.name,
        level_n=rows.astype(np.int64), level_events=events.astype(np.int64),
        coef=fit.coef[own], std_error=fit.std_error[own],
        ci_low=fit.ci_low[own], ci_high=fit.ci_high[own],
        statistic=fit.statistic[own], df=fit.df[own], p_value=fit.p_value[own],
        n=n, events=n_events, missing=int(tables.missing[t]), parameters=parameters,
        penalised_loglik=float(fit.penalised_loglik[t]), brier=float(fit.brier[t]),
        **_measures(n, n_events, parameters, float(fit.gain[t]), float(fit.lr_statistic[t])),
        **_concordance(fit.concordance[t], quantile),
        intercept=float(fit.intercept[t]),
        intercept_std_error=float(fit.intercept_std_error[t]),
        method="Firth" if firth else "maximum likelihood",
        interval="profile" if fit.profile[t] else "wald",
        separated=bool(fit.separated[own].any()), notes=tuple(notes),
    )  # fmt: skip


def _slope_fit(
    term: Term, ranks: OutcomeRanks, fit: SlopeFit | None, n_known: int, choices: SlopeChoices
) -> CrudeFit:
    n, events = ranks.overall.n, ranks.event.n
    if fit is None:
        return _nothing(term, ranks, n_known, choices)
    coef, error, low, high, statistic, p_value = np.array(
        [fit.coef, fit.std_error, fit.ci_low, fit.ci_high, fit.statistic, fit.p_value]
    )[:, None]
    sign = fit.coef if not math.isnan(fit.coef) else ranks.event.mean - ranks.other.mean
    if abs(fit.coef) <= _NO_SLOPE * fit.std_error:
        sign = 0.0  # all fitted risks are the same but for rounding
    return CrudeFit(
        term=term.name, level_n=np.array([n]), level_events=np.array([events]),
        coef=coef, std_error=error, ci_low=low, ci_high=high, statistic=statistic, p_value=p_value,
        df=np.array([1.0 if fit.profile else _NAN]),
        n=n, events=events, missing=n_known - n, parameters=2,
        penalised_loglik=fit.penalised_loglik, brier=fit.brier,
        **_measures(n, events, 2, fit.gain, fit.lr_statistic),
        **_concordance(ranks.concordance.oriented(sign), choices.quantile),
        intercept=fit.intercept, intercept_std_error=fit.intercept_std_error,
        method="Firth" if fit.firth else "maximum likelihood",
        interval="profile" if fit.profile else "wald",
        separated=fit.separated, notes=_slope_notes(term.name, ranks, fit),
    )  # fmt: skip


def _slope_notes(name: str, ranks: OutcomeRanks, fit: SlopeFit) -> tuple[Note, ...]:
    notes: list[Note] = []
    if fit.separated:
        notes.append(crude_notes.separated_slope(name, ranks, firth=fit.firth))
    if not fit.settled:
        notes.append(crude_notes.no_convergence(name))
    return tuple(notes)


def _nothing(
    term: Term, ranks: OutcomeRanks | None, n_known: int, choices: SlopeChoices
) -> CrudeFit:
    """The fit of a predictor about which the data say nothing."""
    n, events = (ranks.overall.n, ranks.event.n) if ranks is not None else (0, 0)
    if ranks is None or n == 0:
        note = crude_notes.no_values(term.name)
    elif not 0 < events < n:
        note = crude_notes.one_outcome(term.name, n, events)
    else:
        note = crude_notes.constant(term.name, f"{ranks.overall.low:.6g}", n)
    size = 0 if ranks is None else 1
    empty = np.full(size, _NAN)
    constant = ranks is not None and ranks.constant and 0 < events < n
    return CrudeFit(
        term=term.name,
        level_n=np.full(size, n), level_events=np.full(size, events),
        coef=empty, std_error=empty, ci_low=empty, ci_high=empty,
        statistic=empty, df=empty, p_value=empty,
        n=n, events=events, missing=n_known - n, parameters=1 if n else 0,
        penalised_loglik=_NAN, brier=_NAN, **_measures(n, events, 1, 0.0, 0.0),
        c_statistic=0.5 if constant else _NAN, c_low=_NAN, c_high=_NAN,
        intercept=_NAN, intercept_std_error=_NAN, method="maximum likelihood",
        interval="profile" if choices.profile else "wald", separated=False, notes=(note,),
    )  # fmt: skip

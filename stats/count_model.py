"""One Poisson or negative binomial model of one design: rate ratios and measures of fit."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import chdtrc, chdtri, stdtr, stdtrit, xlogy

from stats.collinearity import column_title
from stats.count_likelihood import (
    NegativeBinomialLikelihood,
    PoissonLikelihood,
    expected_information,
    sandwich,
)
from stats.design import Bools, Design, Floats, Ints, make_design
from stats.effect_rows import NAN
from stats.errors import NotEstimable
from stats.least_squares import joint_test
from stats.likelihood import Likelihood, Maximum, is_proven, maximise, reach_of
from stats.likelihood_profile import ProfileLimits, limit_along_path, profile
from stats.logistic import invert
from stats.model_numbers import (
    Numbers,
    Tests,
    fitted_model,
    ratio_numbers,
    ratio_terms,
    tested_together,
    wald_numbers,
    wald_terms,
    with_runaway,
)
from stats.negative_binomial import fit_negative_binomial, is_overdispersed
from stats.result import Note
from stats.term_models import FittedModel

LIKELIHOOD = "maximum likelihood"
POISSON, NEGATIVE_BINOMIAL = "poisson", "negative_binomial"
ROBUST = ("HC0", "HC1", "quasi")
FACTS = (
    "loglik", "loglik_null", "lr_statistic", "lr_df", "lr_p", "aic", "bic", "deviance",
    "null_deviance", "df_residual", "pearson", "dispersion", "theta", "theta_std_error",
    "alpha", "log_alpha_std_error", "lr_alpha", "lr_alpha_p", "intercept", "intercept_std_error",
)  # fmt: skip
_CLIMB_STEPS = 22
_RUNS = 1e-3
_NO_ERROR = 1e-20  # share of the model-based variance that rounding leaves
_SAME = 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class CountFit:
    """What was fitted, for the checks of the adjusted model. `alpha` is 0 for Poisson."""

    design: Design
    y: Floats
    mu: Floats
    covariance: Floats
    alpha: float


@dataclass(frozen=True, slots=True, eq=False)
class _Fit:
    """A maximum with what its numbers need; `covariance` of the coefficients, intercept first."""

    model: Likelihood
    found: Maximum
    loglik_null: float
    covariance: Floats
    mu: Floats
    alpha: float
    theta_error: float = NAN
    log_alpha_error: float = NAN
    lr_alpha: float = NAN

    @property
    def beta(self) -> Floats:
        """Coefficients, intercept first."""
        return self.found.point.beta[: len(self.covariance)]

    def residual(self, y: Floats) -> Floats:
        """The derivative of each row's log-likelihood by its linear predictor."""
        return (y - self.mu) / (1.0 + self.alpha * self.mu)


@dataclass(eq=False)
class CountFamily:
    """Count models of one outcome (`stats.term_models.Family`); `y` and `offset` (log of the time
    at risk) have one entry per row of the file."""

    outcome: str
    y: Floats
    offset: Floats
    known: Bools
    kind: str
    robust: str | None
    cluster: Ints | None
    information: str
    interval_choice: str
    ci_level: float
    effect: str = "rate ratio"
    method: str = LIKELIHOOD
    fact_names: Sequence[str] = FACTS
    intercept: bool = True

    @property
    def events(self) -> Floats:
        """The counts."""
        return self.y

    @property
    def interval(self) -> str:
        """How intervals are made."""
        if self.robust == "quasi":
            return "t, quasi-likelihood"
        if self.robust is not None or self.cluster is not None:
            return "robust Wald"
        return "profile likelihood" if self.interval_choice == "profile" else "Wald"

    def arrange(self, rows: Ints) -> Ints:
        """The order of the file."""
        return rows

    def refusal(self, rows: Ints) -> str | None:
        """Without any event no rate can be compared."""
        if self.y[rows].any():
            return None
        return (
            f'"{self.outcome}" is 0 in all {len(rows):,} rows. Choose another outcome, or check '
            "its missing codes."
        )

    def fit(self, design: Design, *, crude: bool) -> FittedModel:
        """Fit by maximum likelihood. NotEstimable with a sentence where it has no maximum."""
        y, offset = self.y[design.rows], self.offset[design.rows]
        poisson = PoissonLikelihood(design, y, offset)
        start = np.zeros(design.n_parameters)
        start[0] = math.log(float(y.sum()) / float(np.exp(offset).sum()))
        found = maximise(poisson, start)
        covariance = found.covariance
        if covariance is None or not is_proven(
            found, reach_of(design, covariance, intercept=True), design.n_rows
        ):
            return self._without_maximum(poisson, start, design, crude=crude)
        mu = poisson.means(found.point.beta)
        fit = _Fit(poisson, found, found.first.loglik, covariance, mu, 0.0)
        if self.kind == POISSON:
            return self._finish(design, y, fit, [], crude=crude)
        notes: list[Note] = []
        if is_overdispersed(y, mu):
            fit = self._negative_binomial(design, y, offset, fit)
        else:
            notes.append(_no_overdispersion(design, crude=crude))
            fit = replace(fit, lr_alpha=0.0)
        return self._finish(design, y, fit, notes, crude=crude)

    def _negative_binomial(self, design: Design, y: Floats, offset: Floats, fit: _Fit) -> _Fit:
        model = NegativeBinomialLikelihood(design, y, offset)
        found = fit_negative_binomial(model, fit.found.point.beta, fit.mu)
        joint = None if found is None else found.covariance
        if found is None or joint is None:
            raise NotEstimable(
                "the dispersion and the coefficients could not be found together.",
                hint="Choose Poisson regression with robust standard errors.",
            )
        alpha = math.exp(float(found.point.beta[-1]))
        mu = model.means(found.point.beta[:-1])
        error = math.sqrt(float(joint[-1, -1]))
        covariance, theta_error = joint[:-1, :-1], error / alpha
        if self.information == "expected":
            own = invert(expected_information(design, mu, alpha))
            covariance = covariance if own is None else own
            # the curvature in theta alone, coefficients held fixed
            theta_error = 1.0 / (alpha * math.sqrt(float(found.point.information[-1, -1])))
        null = _null_model(design, y, offset)
        ratio = 2.0 * (found.point.loglik - fit.found.point.loglik)
        return _Fit(model, found, null, covariance, mu, alpha, theta_error, error, max(ratio, 0.0))

    def _finish(
        self, design: Design, y: Floats, fit: _Fit, notes: list[Note], *, crude: bool
    ) -> FittedModel:
        numbers, covariance = self._numbers(design, y, fit)
        facts = _facts(design, y, self.offset[design.rows], fit, covariance)
        kept = None if crude else CountFit(design, y, fit.mu, fit.covariance, fit.alpha)
        return fitted_model(
            design, fit.beta[1:], numbers, method=LIKELIHOOD, facts=facts, notes=notes, kept=kept
        )

    def _numbers(self, design: Design, y: Floats, fit: _Fit) -> tuple[Numbers, Floats]:
        covariance, slopes = fit.covariance, fit.beta[1:]
        if self.robust == "quasi":
            return self._quasi(design, y, fit)
        if self.robust is not None or self.cluster is not None:
            bread = covariance
            if fit.alpha:
                own = invert(expected_information(design, fit.mu, fit.alpha))
                bread = covariance if own is None else own
            cluster = None if self.cluster is None else self.cluster[design.rows]
            robust = sandwich(design, fit.residual(y), bread, cluster)
            if self.robust == "HC1" and cluster is None:
                robust *= design.n_rows / (design.n_rows - design.n_parameters)
            own = robust[1:, 1:]
            if np.any(np.diag(robust) <= _NO_ERROR * np.diag(covariance)):
                raise NotEstimable(
                    "the counts agree so well with the model that robust standard errors are zero.",
                    hint="Choose model-based standard errors.",
                )
            terms = wald_terms(design, slopes, own)
            return wald_numbers(slopes, own, self.ci_level, self.interval, terms), robust
        limits, tests = self._profile(design, fit.model, fit.found, fit.loglik_null, batched=True)
        own = covariance[1:, 1:]
        if limits is not None:
            return ratio_numbers(own, limits, tests, "profile likelihood"), covariance
        terms = ratio_terms(tests)
        return wald_numbers(slopes, own, self.ci_level, "Wald", terms), covariance

    def _profile(
        self, design: Design, model: Likelihood, found: Maximum, null: float, *,
        batched: bool, without: Sequence[int] = (),
    ) -> tuple[ProfileLimits | None, Tests]:  # fmt: skip
        every = tuple(range(len(design.columns)))
        columns = list(every) if self.interval_choice == "profile" or not batched else []
        asked = tested_together(design, columns)
        sought = [j for j in columns if j not in set(without)]
        limits = profile(
            model, found, quantile=float(chdtri(1, 1 - self.ci_level)),
            columns=[j + 1 for j in sought], groups=[[j + 1 for j in g] for g in asked],
            batched=batched,
        )  # fmt: skip
        tests = dict(zip(asked, limits.lr.tolist(), strict=True))
        tests[every] = max(2.0 * (found.point.loglik - null), 0.0)
        return (limits.spread_over(sought, len(columns)) if columns else None), tests

    def _without_maximum(
        self, model: PoissonLikelihood, start: Floats, design: Design, *, crude: bool
    ) -> FittedModel:
        """Levels (or directions) without a single event: rate ratios of 0."""
        climbed = maximise(model, start, max_steps=_CLIMB_STEPS)
        running = _running_away(model, climbed)
        if running is None or climbed.covariance is None:
            raise NotEstimable(
                "the maximum of the likelihood was not reached.",
                hint="Look for extreme values among the predictors, or leave some out.",
            )
        columns, signs, cause = running
        robust = self.robust is not None or self.cluster is not None
        if self.kind != POISSON or robust or len(columns) == len(design.columns) > 1:
            raise NotEstimable(
                f"{cause}, so its rate ratio is zero.",
                hint="Merge levels, leave the predictor out, or choose plain Poisson regression.",
            )
        limits, tests = self._profile(
            design, model, climbed, climbed.first.loglik, batched=False, without=columns
        )
        if limits is None:
            raise NotEstimable("no profile limits were found.")
        own = climbed.covariance[1:, 1:]
        numbers = ratio_numbers(own, limits, tests, "profile likelihood")
        target = climbed.point.loglik - float(chdtri(1, 1 - self.ci_level)) / 2.0
        finite = [
            limit_along_path(model, climbed.point.beta, j + 1, -sign, target, 1.0)
            for j, sign in zip(columns, signs, strict=True)
        ]
        numbers = with_runaway(numbers, columns, signs, finite, tests)
        beta = climbed.point.beta
        fit = _Fit(model, climbed, climbed.first.loglik, climbed.covariance, model.means(beta), 0.0)
        facts = _facts(design, model.y, model.offset, fit, climbed.covariance)
        note = _runaway_note(design, columns, cause, crude=crude)
        return fitted_model(
            design, beta[1:], numbers, method=LIKELIHOOD, facts=facts, notes=[note], reason=cause
        )

    def _quasi(self, design: Design, y: Floats, fit: _Fit) -> tuple[Numbers, Floats]:
        df = float(design.n_rows - design.n_parameters)
        pearson = float((np.square(y - fit.mu) / fit.mu).sum())
        covariance = fit.covariance * (pearson / df)
        slopes, own = fit.beta[1:], covariance[1:, 1:]
        terms = {tuple(c): joint_test(slopes, own, c, df)[1] for c in design.term_columns.values()}
        numbers = wald_numbers(slopes, own, self.ci_level, self.interval, terms)
        error = np.sqrt(np.diag(own))
        reach = float(stdtrit(df, 0.5 + self.ci_level / 2.0)) * error
        t = slopes / error
        return replace(
            numbers, low=slopes - reach, high=slopes + reach, df=np.full(len(slopes), df),
            p_value=2.0 * stdtr(df, -np.abs(t)),
        ), covariance  # fmt: skip


def _running_away(
    model: PoissonLikelihood, climbed: Maximum
) -> tuple[list[int], list[int], str] | None:
    """Columns that run to infinity, their signs, and why; None unless the likelihood provably
    rises for ever: along the last step no row with events moves, and no other row moves up."""
    if climbed.covariance is None:
        return None
    step = climbed.covariance @ climbed.point.score
    largest = float(np.abs(step).max(initial=0.0))
    if not largest > 0.0:
        return None
    direction = np.where(np.abs(step) < _RUNS * largest, 0.0, step / largest)
    moved = np.empty(len(model.y))
    for part, x in model.design.blocks():
        moved[part] = x @ direction
    if np.any(moved > _SAME) or np.any(np.abs(moved[model.y > 0]) > _SAME):
        return None
    columns = [int(j) for j in np.flatnonzero(direction[1:])]
    if not columns:
        return None
    return columns, [int(np.sign(direction[j + 1])) for j in columns], _cause(model, columns)


def _cause(model: PoissonLikelihood, columns: Sequence[int]) -> str:
    design = model.design
    for j in columns:
        at = design.columns[j]
        term = design.terms[at.term]
        if at.level < 0:
            continue
        own = term.values[design.rows] == at.level
        if not model.y[own].any():
            level, n = term.levels[at.level], int(own.sum())
            return f'none of the {n:,} rows with "{term.name}" = "{level}" has an event'
    titles = [column_title(design, j) for j in columns[:4]]
    return f"rows without an event are told apart exactly by {' and '.join(titles)}"


def _runaway_note(design: Design, columns: Sequence[int], cause: str, *, crude: bool) -> Note:
    where = "" if crude else "In the adjusted model "
    text = (
        f"{where}{cause}, so the rate ratio has no finite estimate; its limits and test are kept."
    )
    name = design.terms[design.columns[columns[0]].term].name
    text = f"{text[:1].upper()}{text[1:]} Merge levels to get an estimate."
    return Note("zero_rate", "warning", text, name)


def _no_overdispersion(design: Design, *, crude: bool) -> Note:
    which = f'of "{design.terms[0].name}" ' if crude and len(design.terms) == 1 else ""
    text = (
        f"The counts of the {'crude' if crude else 'adjusted'} model {which}do not vary more than "
        "Poisson's, so the negative binomial model is the Poisson model (alpha 0). Choose Poisson "
        "regression."
    )
    name = design.terms[0].name if crude and len(design.terms) == 1 else None
    return Note("no_overdispersion", "info", text, name)


def _null_model(design: Design, y: Floats, offset: Floats) -> float:
    """The log-likelihood of the negative binomial model without predictors."""
    empty = make_design([], design.rows)
    mean = math.log(float(y.sum()) / float(np.exp(offset).sum()))
    start, mu = np.array([mean]), np.exp(mean + offset)
    if is_overdispersed(y, mu):
        model = NegativeBinomialLikelihood(empty, y, offset)
        found = fit_negative_binomial(model, start, mu)
        if found is not None:
            return found.point.loglik
    return PoissonLikelihood(empty, y, offset).at(start).loglik


def _facts(
    design: Design, y: Floats, offset: Floats, fit: _Fit, covariance: Floats
) -> dict[str, float]:
    n, p = design.n_rows, design.n_parameters
    value, ratio = fit.found.point.loglik, 2.0 * (fit.found.point.loglik - fit.loglik_null)
    count = p + (1 if fit.alpha else 0)
    mean = float(y.sum()) / float(np.exp(offset).sum()) * np.exp(offset)
    df = n - p
    pearson = float((np.square(y - fit.mu) / (fit.mu * (1.0 + fit.alpha * fit.mu))).sum())
    back = design.reported_covariance(covariance)
    intercept, _ = design.reported(fit.beta)
    return {
        "loglik": value, "loglik_null": fit.loglik_null, "lr_statistic": max(ratio, 0.0),
        "lr_df": float(p - 1), "lr_p": float(chdtrc(p - 1, max(ratio, 0.0))),
        "aic": -2.0 * value + 2.0 * count, "bic": -2.0 * value + math.log(n) * count,
        "deviance": _deviance(y, fit.mu, fit.alpha),
        "null_deviance": _deviance(y, mean, 0.0) if not fit.alpha else NAN,
        "df_residual": float(df), "pearson": pearson, "dispersion": pearson / df,
        "theta": 1.0 / fit.alpha if fit.alpha else NAN, "theta_std_error": fit.theta_error,
        "alpha": fit.alpha, "log_alpha_std_error": fit.log_alpha_error,
        "lr_alpha": fit.lr_alpha,
        # a lies on the boundary under the null: half of chi-square with 1 df
        "lr_alpha_p": 0.5 * float(chdtrc(1, fit.lr_alpha)) if fit.lr_alpha else fit.lr_alpha,
        "intercept": intercept, "intercept_std_error": math.sqrt(back[0, 0]),
    }  # fmt: skip


def _deviance(y: Floats, mu: Floats, alpha: float) -> float:
    if not alpha:
        return 2.0 * float((xlogy(y, y / mu) - (y - mu)).sum())
    theta = 1.0 / alpha
    spread = (y + theta) * np.log((y + theta) / (mu + theta))
    return 2.0 * float((xlogy(y, y / mu) - spread).sum())

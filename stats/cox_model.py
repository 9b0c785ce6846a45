"""One Cox model of one design: estimator, intervals, tests and measures of fit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy.special import chdtrc, chdtri, ndtri

from stats.collinearity import column_title
from stats.concordance import survival_concordance
from stats.cox_firth import PenalisedPartialLikelihood
from stats.design import Bools, Design, Floats, Ints
from stats.effect_rows import NAN
from stats.errors import NotEstimable
from stats.likelihood import Likelihood, Maximum, Point, is_proven, maximise, reach_of
from stats.likelihood_profile import ProfileLimits, limit_along_path, profile
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
from stats.monotone import Monotone, find_monotone
from stats.partial_likelihood import PartialLikelihood
from stats.result import Note
from stats.risk_sets import RiskOrder, RiskSets, risk_order
from stats.score_residuals import robust_covariance
from stats.term_models import FittedModel
from stats.time_to_event import TimeToEvent

LIKELIHOOD = "maximum likelihood"
FIRTH = "Firth's penalised likelihood"
_FIRTH_STEPS = 300
_CLIMB_STEPS = 22  # each adds about 1 to a runaway coefficient: the rest is below 1e-9
_MOST_WALKS = 10  # runaway columns beyond which their finite limits are not searched for
_FLAT = 1e-10  # information of a column, relative to its spread, that rounding can make

FACTS = (
    "loglik", "loglik_null", "penalised_loglik", "lr_statistic", "lr_df", "lr_p",
    "wald_statistic", "wald_p", "score_statistic", "score_p", "aic", "bic",
    "concordance", "concordance_se", "concordance_low", "concordance_high",
)  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class CoxFit:
    """What was fitted, for the checks of the adjusted model."""

    model: PartialLikelihood
    found: Maximum
    covariance: Floats
    penalised: bool


@dataclass(eq=False)
class CoxFamily:
    """Cox models on one follow-up (`stats.term_models.Family`)."""

    follow_up: TimeToEvent
    choice: str
    interval_choice: str
    ci_level: float
    ties: str
    effect: str = "hazard ratio"
    method: str = LIKELIHOOD
    fact_names: Sequence[str] = FACTS
    intercept: bool = False
    _last: RiskSets | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        f = self.follow_up
        self.known: Bools = f.known
        self.events: Floats = (f.event & f.known).astype(np.float64)
        self.outcome: str = f.columns.event
        self.order: RiskOrder = risk_order(
            np.flatnonzero(f.known), f.time, f.event, entry=f.entry, stratum=f.stratum,
            ties=self.ties,
        )  # fmt: skip

    @property
    def interval(self) -> str:
        """How intervals are made by maximum likelihood."""
        if self.follow_up.cluster is not None:
            return "robust Wald"
        return "profile likelihood" if self.interval_choice == "profile" else "Wald"

    def arrange(self, rows: Ints) -> Ints:
        """Rows by stratum, latest first."""
        self._last = self.order.among(rows)
        return self._last.rows

    def refusal(self, rows: Ints) -> str | None:
        """Without events there is nothing to compare."""
        if not self.events[rows].any():
            return (
                f'none of the {len(rows):,} rows has the event "{self.outcome}" = '
                f'"{", ".join(self.follow_up.event_levels)}". Check the event that was chosen.'
            )
        return None

    def fit(self, design: Design, *, crude: bool) -> FittedModel:
        """Fit by maximum likelihood where it provably has a finite maximum, else as chosen."""
        risk = self._last
        if risk is None or risk.rows is not design.rows:
            risk = self.order.among(design.rows)
        model, first, notes = _informative(design, risk)
        design = model.design
        if self.choice == "firth":
            return self._firth(model, notes, None)
        start = np.zeros(model.n_parameters)
        found = maximise(model, start, first=first)
        if found.covariance is not None:
            reach = 2.0 * reach_of(design, found.covariance, intercept=False)
            if is_proven(found, reach, design.n_rows):
                return self._likelihood(model, found, notes)
        climbed = maximise(model, start, max_steps=_CLIMB_STEPS)
        rising = find_monotone(design, risk, climbed)
        if self.choice == "likelihood":
            if rising is None:
                raise NotEstimable(
                    "the maximum of the likelihood was not reached.",
                    hint="Look for extreme values among the predictors, or leave some out.",
                )
            note = _monotone_note(rising, design, "likelihood", crude=crude)
            return self._runaway(model, climbed, rising, [*notes, note])
        cause = None if rising is None else rising.cause
        return self._firth(
            model, [*notes, _monotone_note(rising, design, "firth", crude=crude)], cause
        )

    def _likelihood(
        self, model: PartialLikelihood, found: Maximum, notes: list[Note]
    ) -> FittedModel:
        cluster = self.follow_up.cluster
        covariance = found.covariance
        if covariance is None:
            raise NotEstimable("the information is singular.")
        if cluster is not None:
            robust = robust_covariance(
                model, found.point.beta, covariance, cluster[model.design.rows]
            )
            terms = wald_terms(model.design, found.point.beta, robust)
            numbers = wald_numbers(found.point.beta, robust, self.ci_level, "robust Wald", terms)
        else:
            limits, tests = self._profile(model, model.design, found, batched=True)
            numbers = self._numbers(found, covariance, limits, tests, "profile likelihood")
        return self._fitted(model, found, numbers, LIKELIHOOD, notes)

    def _profile(
        self, model: Likelihood, design: Design, found: Maximum, *,
        batched: bool, forced: bool = False, without: Sequence[int] = (),
    ) -> tuple[ProfileLimits, Tests]:  # fmt: skip
        """Limits (where they are profile limits, or `forced`; none for the columns `without`), and
        likelihood-ratio statistics of columns and of the columns of terms."""
        every = tuple(range(model.n_parameters))
        columns = list(every) if self.interval_choice == "profile" or forced else []
        asked = tested_together(design, columns)
        sought = [j for j in columns if j not in set(without)]
        limits = profile(
            model, found, quantile=float(chdtri(1, 1 - self.ci_level)), columns=sought,
            groups=asked, batched=batched,
        )  # fmt: skip
        tests = dict(zip(asked, limits.lr.tolist(), strict=True))
        tests[every] = max(2.0 * (found.point.loglik - found.first.loglik), 0.0)
        return limits.spread_over(sought, len(columns)), tests

    def _numbers(
        self, found: Maximum, covariance: Floats, limits: ProfileLimits, tests: Tests, name: str
    ) -> Numbers:
        if len(limits.low):
            return ratio_numbers(covariance, limits, tests, name)
        terms = ratio_terms(tests)
        return wald_numbers(found.point.beta, covariance, self.ci_level, "Wald", terms)

    def _firth(
        self, model: PartialLikelihood, notes: list[Note], reason: str | None
    ) -> FittedModel:
        penalised = PenalisedPartialLikelihood(model)
        found = maximise(penalised, np.zeros(model.n_parameters), max_steps=_FIRTH_STEPS)
        if found.covariance is None or not found.settled:
            raise NotEstimable(
                "the penalised likelihood has no maximum that could be found.",
                hint="Use fewer predictors, or join levels that hold few rows.",
            )
        if self.follow_up.cluster is not None:
            notes = [*notes, _not_robust(model.design)]
        limits, tests = self._profile(
            penalised, model.design, found, batched=False, forced=self.choice != "firth"
        )
        numbers = self._numbers(
            found, found.covariance, limits, tests, "penalised profile likelihood"
        )
        return self._fitted(model, found, numbers, FIRTH, notes, reason=reason)

    def _runaway(
        self, model: PartialLikelihood, climbed: Maximum, rising: Monotone, notes: list[Note]
    ) -> FittedModel:
        """What stays well defined: the limit of the likelihood, its tests and finite limits."""
        covariance = climbed.covariance
        if covariance is None:
            raise NotEstimable("the information is singular.")
        limits, tests = self._profile(
            model, model.design, climbed, batched=False, forced=True, without=rising.columns
        )
        if self.interval_choice == "profile":
            numbers = ratio_numbers(covariance, limits, tests, "profile likelihood")
        else:
            beta, terms = climbed.point.beta, ratio_terms(tests)
            numbers = wald_numbers(beta, covariance, self.ci_level, "Wald", terms)
        target = climbed.point.loglik - float(chdtri(1, 1 - self.ci_level)) / 2.0
        few = len(rising.columns) <= _MOST_WALKS
        finite = [
            limit_along_path(model, climbed.point.beta, j, -sign, target, 1.0) if few else NAN
            for j, sign in zip(rising.columns, rising.signs, strict=True)
        ]
        numbers = with_runaway(numbers, rising.columns, rising.signs, finite, tests)
        return self._fitted(model, climbed, numbers, LIKELIHOOD, notes, reason=rising.cause)

    def _fitted(
        self, model: PartialLikelihood, found: Maximum, numbers: Numbers, method: str,
        notes: Sequence[Note], *, reason: str | None = None,
    ) -> FittedModel:  # fmt: skip
        penalised = method == FIRTH
        kept = CoxFit(model, found, numbers.covariance, penalised or bool(numbers.runaway))
        return fitted_model(
            model.design, found.point.beta, numbers, method=method,
            facts=self._facts(model, found, numbers, penalised=penalised), notes=notes,
            reason=reason, kept=kept,
        )  # fmt: skip

    def _facts(
        self, model: PartialLikelihood, found: Maximum, numbers: Numbers, *, penalised: bool
    ) -> dict[str, float]:
        beta, p, events = found.point.beta, len(found.point.beta), model.risk.n_events
        value, null, own = found.point.loglik, found.first.loglik, NAN
        ratio = max(2.0 * (value - null), 0.0)
        score = wald = NAN
        if penalised:
            own = value + float(np.log(model.design.spread).sum())
            value, null = (float(model.points(b[:, None])[0][0]) for b in (beta, np.zeros(p)))
        else:
            inner = np.linalg.inv(found.first.information)
            score = float(found.first.score @ inner @ found.first.score)
        if not numbers.runaway:
            wald = float(beta @ np.linalg.solve(numbers.covariance, beta))
        c = survival_concordance(model.predictor(beta[:, None])[0], model.risk)
        reach = float(ndtri(0.5 + self.ci_level / 2.0)) * c.std_error
        return {
            "loglik": value, "loglik_null": null, "penalised_loglik": own,
            "lr_statistic": ratio, "lr_df": float(p), "lr_p": float(chdtrc(p, ratio)),
            "wald_statistic": wald, "wald_p": float(chdtrc(p, wald)),
            "score_statistic": score, "score_p": float(chdtrc(p, score)),
            "aic": -2.0 * value + 2.0 * p, "bic": -2.0 * value + p * float(np.log(events)),
            "concordance": c.value, "concordance_se": c.std_error,
            "concordance_low": max(c.value - reach, 0.0),
            "concordance_high": min(c.value + reach, 1.0),
        }  # fmt: skip


def _informative(
    design: Design, risk: RiskSets
) -> tuple[PartialLikelihood, Point | None, list[Note]]:
    """The likelihood without the columns that do not vary, or only together with earlier ones, in
    any risk set (it knows nothing of them), and its point at 0 where that was computed."""
    p = len(design.columns)
    model = PartialLikelihood(design, risk)
    first = model.at(np.zeros(p))
    rest = first.information
    own = np.diag(rest).copy()
    scale = np.maximum(own, _FLAT * risk.n_events)
    keep: list[int] = []
    notes: list[Note] = []
    for j in range(p):
        if rest[j, j] > _FLAT * scale[j] and own[j] > _FLAT * risk.n_events:
            keep.append(j)
            rest = rest - np.outer(rest[:, j], rest[j] / rest[j, j])
            continue
        text = (
            f"{column_title(design, j)} does not differ between the rows at risk at any event "
            "(other than by what the model already holds), so it has no estimate. "
            "Take it out, or choose other strata."
        )
        name = design.terms[design.columns[j].term].name
        notes.append(Note("no_information", "warning", text, name))
    if not keep:
        raise NotEstimable(
            "at no event do the rows at risk differ in a predictor.",
            hint="Choose other predictors or strata.",
        )
    if len(keep) == p:
        return model, first, notes
    return PartialLikelihood(design.take(keep), risk), None, notes


def _monotone_note(rising: Monotone | None, design: Design, method: str, *, crude: bool) -> Note:
    """What makes the likelihood rise for ever, and what is done about it."""
    where = "" if crude else "In the adjusted model "
    if rising is None:
        text = (
            f"{where}the maximum of the likelihood was not reached, so Firth's penalised "
            "likelihood is used. Look for extreme values among the predictors."
        )
        return Note("no_convergence", "warning", text[:1].upper() + text[1:])
    remedy = (
        "so its hazard ratio would be zero or infinite; choose Firth's method, or merge levels."
        if method == "likelihood"
        else "so the hazard ratio would be zero or infinite and Firth's penalised likelihood is "
        "used."
    )
    text = f"{where}{rising.cause}, {remedy}"
    term = design.terms[design.columns[rising.columns[0]].term].name
    return Note("monotone_likelihood", "warning", text[:1].upper() + text[1:], term)


def _not_robust(design: Design) -> Note:
    term = design.terms[0].name if len(design.terms) == 1 else None
    text = (
        "The penalised model takes no account of the clusters, because robust standard errors "
        "belong to maximum likelihood. Merge levels without events to keep the clusters."
    )
    return Note("cluster_not_used", "caution", text, term)

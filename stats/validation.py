"""`validate_outcome_model`: how well an outcome model would do on new patients like these."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import pandas as pd
from scipy.special import expit

from stats import outcome as outcome_model
from stats import validation_notes
from stats.design import Bools, Design, Floats, Ints
from stats.diagnostics import risk_groups
from stats.errors import BadInput, NotEstimable
from stats.optimism import (
    CI_LEVEL,
    HARRELL_DOI,
    TIERS,
    Collected,
    calibration_table,
    decision_table,
    measures_table,
)
from stats.outcome_notes import notes_on_data
from stats.performance import Assessor, Performance
from stats.refit import FIRTH, LIKELIHOOD, NO_MODEL, SEPARATED, Refits
from stats.resampling import (
    BATCH,
    Counts,
    Tier,
    draw_counts,
    expected_resamples,
    share_of_target,
)
from stats.reselection import selection_table
from stats.result import ValidationResult
from stats.terms import BinaryOutcome, binary_outcome
from stats.validated_model import ValidatedModel, validated_model
from stats.variables import Dataset, as_dataset, quote_list

Progress = Callable[[float, ValidationResult], object]

_CITATIONS: Final = (
    "Harrell, Lee & Mark 1996, doi:" + HARRELL_DOI,
    "Van Calster et al. 2016, doi:10.1016/j.jclinepi.2015.12.005",
    "Vickers & Elkin 2006, doi:10.1177/0272989X06295361",
    "Noma et al. 2021, doi:10.1002/sim.9148",
)
#: Knots of the calibration curve, by the number of rows with the rarer outcome.
_KNOTS: Final = ((50, 4), (20, 3))
_PREDICTOR_ELEMENTS: Final = 1 << 22  # linear predictors held at once (32 MB)
#: Constant in every resample under maximum likelihood, so that percentiles say nothing.
_WITHOUT_INTERVAL: Final = (
    "calibration_slope", "calibration_intercept", "recalibration_intercept",
)  # fmt: skip
_LARGEST_SEED: Final = 2**63 - 1
_OF_THE_MODEL: Final = (
    "outcome", "predictors", "event", "references", "adjust", "method", "scale",
)  # fmt: skip
_ON_DATA: Final = frozenset({"event_assumed", "outcome_missing"})


def validate_outcome_model(
    data: Dataset | pd.DataFrame,
    *,
    outcome: str,
    predictors: Sequence[str],
    event: object = None,
    references: Mapping[str, object] | None = None,
    adjust: str | Sequence[str] = "all",
    method: str = "auto",
    scale: Mapping[str, object] | None = None,
    quality: str = "standard",
    seed: int = 1,
    progress: Progress | None = None,
) -> ValidationResult:
    """Internal validation of the adjusted model of `analyze_outcome` by the bootstrap.

    Parameters
    ----------
    data, outcome, predictors, event, references, adjust, method, scale : as in
        `analyze_outcome`; they name the same model on the same rows. A selection ("screen:0.2",
        "backward:aic") is made on the rows complete in all predictors and repeated in every
        resample.
    quality : "preview" (50 to 100 resamples), "standard" (200 to 500) or "publication" (500 to
        2,000). Resamples run in batches of 50 until every Monte Carlo standard error is below
        the target of the quality (`stats.optimism.TIERS`), or its largest number is reached.
    seed : of the resamples; the same seed gives the same bytes.
    progress : called after each batch with the fraction done and a result of the resamples so
        far; what it raises ends the analysis.

    Returns
    -------
    ValidationResult. `measures`: C-statistic, calibration slope and intercept, Brier score, each
    apparent, its optimism, corrected, with Monte Carlo error; `calibration`: observed against
    predicted risk; `decision`: net benefit over threshold risks 0.01 to 0.99; `selection`: how
    often each predictor was selected.

    Raises
    ------
    BadInput : as `analyze_outcome`; unknown quality; a seed that is not a whole number.
    NotEstimable : the model itself, or none of its refits, can be estimated.

    Notes
    -----
    Harrell's optimism correction: complete cases are resampled, and the whole procedure (the
    selection of predictors, the fit, Firth's penalty where a resample is separated, columns without
    information left out) runs in each; one that selects nothing predicts the same risk for all.
    Calibration slope and `recalibration_intercept` are those of rms::validate; the
    `calibration_intercept` holds the slope at 1. The calibration curve is a logistic regression
    on a restricted cubic spline of the linear predictor, knots fixed at quantiles of the
    model's own; its apparent band is a Wald band on the logit scale. Intervals of corrected
    values: 95 % percentiles over the resamples, moved to the corrected value. Net benefit counts a
    risk equal to the threshold as treated. Rows are resampled in an order made from the data,
    so that the order of the file has no say.

    References
    ----------
    Harrell, Lee & Mark 1996 (bootstrap), Van Calster et al. 2016 (calibration curves), Vickers
    & Elkin 2006 (decision curves), Noma et al. 2021 (intervals).

    Checked against
    ---------------
    The same algorithm in plain code: statsmodels fits on copied rows of the same resamples.
    """
    dataset = as_dataset(data)
    asked = {
        "outcome": outcome, "predictors": predictors, "event": event, "references": references,
        "adjust": adjust, "method": method, "scale": scale, "quality": quality, "seed": seed,
    }  # fmt: skip
    run = _Validation.of(dataset, prepare(dataset, asked)[1])
    return run.validate(progress)


def prepare(dataset: Dataset, choices: Mapping[str, Any]) -> tuple[tuple[str, ...], dict[str, Any]]:
    """Check every choice before any work; the columns named and the choices in full.

    The choices of the model are those of `analyze_outcome`, checked there.
    """
    asked = inspect.signature(outcome_model.analyze_outcome).parameters
    defaults = {n: p.default for n, p in asked.items() if p.default is not p.empty}
    model = defaults | {name: choices[name] for name in _OF_THE_MODEL}
    columns, complete = outcome_model.prepare(dataset, model)
    kept = {name: complete[name] for name in _OF_THE_MODEL}
    return columns, {
        **kept, "quality": _quality(choices["quality"]), "seed": _seed(choices["seed"]),
    }  # fmt: skip


def _quality(value: object) -> str:
    if value not in TIERS:
        raise BadInput(
            f'The quality "{value}" is not known.', rule="quality", found=str(value),
            hint=f"Choose {quote_list(TIERS)}.",
        )  # fmt: skip
    return str(value)


def _seed(value: object) -> int:
    whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
    if not whole or not 0 <= value <= _LARGEST_SEED:  # type: ignore[operator]
        raise BadInput(
            f"The seed must be a whole number from 0, not {value}.", rule="seed",
            found=str(value), hint="For example 1.",
        )  # fmt: skip
    return int(value)  # type: ignore[call-overload]


@dataclass(slots=True, eq=False)
class _Validation:
    """One validation under way."""

    dataset: Dataset
    choices: Mapping[str, Any]
    outcome: BinaryOutcome
    made: ValidatedModel
    predictor: Floats
    assessor: Assessor
    collected: Collected
    how: list[int] = field(default_factory=lambda: [0, 0, 0, 0])
    reduced: int = 0
    selected: Ints = field(default_factory=lambda: np.zeros(0, dtype=np.intp))
    same: int = 0
    empty: int = 0

    @classmethod
    def of(cls, dataset: Dataset, choices: Mapping[str, Any]) -> _Validation:
        """Fit the model and measure it on its own data."""
        found = binary_outcome(dataset, choices["outcome"], choices["event"])
        made = validated_model(dataset, found, choices)
        predictor = _predictors(made.design, made.beta[None])
        assessor = Assessor(predictor[0], made.y, _n_knots(made.y))
        likelihood = np.array([made.numbers.estimator == "maximum likelihood"])
        apparent = assessor.assess(predictor, None, likelihood)[1]
        none = np.zeros(len(made.candidates), dtype=np.intp)
        return cls(
            dataset, choices, found, made, predictor[0], assessor, Collected(apparent),
            selected=none,
        )  # fmt: skip

    @property
    def tier(self) -> Tier:
        """The quality asked for."""
        return TIERS[self.choices["quality"]]

    def validate(self, progress: Progress | None) -> ValidationResult:
        """Batches of resamples until the errors are small enough, or there are no more."""
        tier, fraction, reached, done = self.tier, 0.0, False, 0
        while not reached and done < tier.most:
            self._run_batch(done // BATCH)
            done += BATCH
            share = share_of_target(self.collected.errors(), tier)
            reached = share <= 1.0 and done >= tier.least
            finished = reached or done >= tier.most
            if progress is not None and not finished:
                fraction = max(fraction, done / expected_resamples(done, share, tier))
                progress(min(fraction, 0.99), self._result(share, final=False))
        if not sum(self.how[:SEPARATED]):
            raise NotEstimable(
                f"The model could not be fitted in any of {done:,} resamples.",
                rule="resamples", hint="Use fewer predictors, or join rare levels.",
            )  # fmt: skip
        result = self._result(share_of_target(self.collected.errors(), tier), final=True)
        if progress is not None:
            progress(1.0, result)
        return result

    def _run_batch(self, batch: int) -> None:
        counts = draw_counts(len(self.made.y), batch, self.choices["seed"])
        refits, held = self.made.remake(counts)
        for kind in (LIKELIHOOD, FIRTH, SEPARATED, NO_MODEL):
            self.how[kind] += int(np.count_nonzero(refits.how == kind))
        self.reduced += int(np.count_nonzero(refits.reduced))
        usable = np.flatnonzero(refits.how < SEPARATED)
        if held is not None:
            self._count(held[usable])
        step = max(1, _PREDICTOR_ELEMENTS // len(self.made.y))
        for first in range(0, len(usable), step):
            self.collected.add(*self._measure(counts, refits, usable[first : first + step]))
        if not len(usable):
            empty = Performance.empty(0, len(self.assessor.grid))
            self.collected.add(empty, empty)

    def _count(self, held: Bools) -> None:
        """What the resamples with a model selected."""
        chosen = [name in self.made.chosen for name in self.made.candidates]
        self.selected += held.sum(axis=0)
        self.same += int((held == chosen).all(axis=1).sum())
        self.empty += int((~held.any(axis=1)).sum())

    def _measure(
        self, counts: Counts, refits: Refits, chosen: Any
    ) -> tuple[Performance, Performance]:
        whole = len(chosen) == len(counts)
        predictor = _predictors(self.made.design, refits.beta[chosen])
        likelihood: Bools = refits.how[chosen] == LIKELIHOOD
        return self.assessor.assess(predictor, counts if whole else counts[chosen], likelihood)

    def _result(self, share: float, *, final: bool) -> ValidationResult:
        facts = self._facts(share, final=final)
        measures = measures_table(self.collected, self.tier, without_interval=_WITHOUT_INTERVAL)
        curve = self.assessor.apparent_curve(self.predictor, CI_LEVEL)
        made, usable = self.made, facts["usable_resamples"]
        groups = risk_groups(made.y, expit(self.predictor))
        notes = [n for n in notes_on_data(self.dataset, self.outcome, []) if n.code in _ON_DATA]
        notes += [*made.left_out, *made.model.notes]
        notes += validation_notes.notes_on_sample(len(made.y), self.outcome, facts)
        notes += validation_notes.notes_on_selection(self.choices["adjust"], facts)
        if made.numbers.estimator != "maximum likelihood":
            notes.append(validation_notes.note_on_penalty())
        notes += validation_notes.notes_on_resamples(facts)
        notes += validation_notes.notes_on_error(facts, measures, final=final)
        return ValidationResult(
            analysis="validate_outcome_model", choices=self.choices,
            n_rows=self.dataset.n_rows, n_used=len(made.y), exclusions=self._exclusions(),
            notes=tuple(notes), references=_CITATIONS, method=self._method(facts),
            outcome=self.outcome.name, event=self.outcome.event, other=self.outcome.other,
            measures=measures,
            calibration=calibration_table(self.collected, self.assessor.grid, curve),
            decision=decision_table(self.collected, facts["prevalence"]),
            groups={
                "group": np.arange(1, len(groups.n) + 1), "n": groups.n.astype(np.int64),
                "predicted": groups.expected / groups.n, "observed": groups.events / groups.n,
            },
            selection=selection_table(made.candidates, made.chosen, self.selected, usable),
            facts=facts,
        )  # fmt: skip

    def _facts(self, share: float, *, final: bool) -> dict[str, Any]:
        y, made = self.made.y, self.made
        events = int(y.sum())
        columns = made.model.design.columns if made.model.design is not None else ()
        return {
            "events": events,
            "prevalence": events / len(y),
            "rarer_outcome": min(events, len(y) - events),
            "parameters": len(columns),
            "candidate_parameters": len(made.design.columns),
            "candidates": made.candidates,
            "selected": made.chosen,
            "same_selection_resamples": self.same,
            "empty_resamples": self.empty,
            "estimator": made.numbers.estimator,
            "method": self.choices["method"],
            "quality": self.choices["quality"],
            "seed": self.choices["seed"],
            "resamples": sum(self.how),
            "usable_resamples": self.how[LIKELIHOOD] + self.how[FIRTH],
            "least_resamples": self.tier.least,
            "most_resamples": self.tier.most,
            "targets": dict(self.tier.targets),
            "share_of_target": share,
            "target_reached": bool(share <= 1.0 and sum(self.how) >= self.tier.least),
            "finished": final,
            "firth_resamples": self.how[FIRTH],
            "separated_resamples": self.how[SEPARATED],
            "no_model_resamples": self.how[NO_MODEL],
            "reduced_resamples": self.reduced,
            "knots": self.assessor.smoother.knots,
            "ci_level": CI_LEVEL,
        }

    def _exclusions(self) -> dict[str, int]:
        no_outcome = int(np.count_nonzero(~self.outcome.known))
        lost = {
            "outcome missing": no_outcome,
            "predictor missing": self.dataset.n_rows - no_outcome - len(self.made.y),
        }
        return {reason: rows for reason, rows in lost.items() if rows}

    def _method(self, facts: Mapping[str, Any]) -> dict[str, Any]:
        kept = (
            "estimator", "resamples", "target_reached", "quality", "seed", "knots", "ci_level",
            "firth_resamples", "separated_resamples", "no_model_resamples",
            "selected", "same_selection_resamples", "empty_resamples",
        )  # fmt: skip
        return {
            "model": "logistic regression",
            "validation": "bootstrap optimism correction",
            "smoother": "restricted cubic spline" if facts["knots"] else "straight line",
            "interval": "location-shifted bootstrap percentiles",
            "adjust": self.choices["adjust"],
            **{name: facts[name] for name in kept},
        }


def _n_knots(y: Floats) -> int:
    rarer = min(float(y.sum()), len(y) - float(y.sum()))
    return next((knots for rows, knots in _KNOTS if rarer >= rows), 0)


def _predictors(design: Design, beta: Floats) -> Floats:
    """Linear predictors of every row, one line per line of `beta` (internal scale)."""
    found = np.empty((len(beta), design.n_rows))
    for part, block in design.blocks():
        np.matmul(beta, block.T, out=found[:, part])
    return found

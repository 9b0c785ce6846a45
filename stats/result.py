"""What every analysis returns: one frozen object made of numbers and facts.

A result holds no text for people except its notes, nothing rounded, no HTML and no fitted
model. Its tables are `FrameField`s (`stats.frozen`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

from stats.frozen import Column, ColumnKind, Fact, FrameField, Frozen, FrozenTable

__all__ = [  # noqa: RUF022 - what tables are made of, then results from general to particular
    "Column", "ColumnKind", "FrameField", "Frozen", "FrozenTable", "Note", "Severity",
    "Result", "EffectsResult", "OutcomeDiagnostics", "OutcomeExtras", "OutcomeResult",
    "CollinearityResult",
    "ValidationResult", "SummaryResult", "ComparisonResult", "CorrelationResult", "ModelResult",
    "CurveResult", "AccuracyResult", "EFFECT_COLUMNS", "FIT_COLUMNS", "SUMMARY_COLUMNS",
    "TEST_COLUMNS", "RESULT_CLASSES",
]  # fmt: skip

Severity = Literal["info", "caution", "warning"]


@dataclass(frozen=True, slots=True)
class Note(Fact):
    """One sentence to the reader of a result, with the term that it speaks of."""

    code: str
    severity: Severity
    text: str
    term: str | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class Result(Frozen):
    """What every answer says about itself.

    `exclusions` (reason -> rows) and `n_used` add up to `n_rows`. `method` holds the facts
    from which the methods paragraph is written.
    """

    analysis: str
    choices: Mapping[str, Any]
    n_rows: int
    n_used: int
    exclusions: Mapping[str, int] = field(default_factory=dict)
    notes: tuple[Note, ...] = ()
    references: tuple[str, ...] = ()
    method: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__post_init__()
        lost = sum(self.exclusions.values())
        if self.n_used + lost != self.n_rows:
            raise ValueError(
                f"{self.analysis}: {self.n_used} used + {lost} excluded is not {self.n_rows} rows"
            )


EFFECT_COLUMNS: Mapping[str, ColumnKind] = MappingProxyType(
    {
        "term": "text", "level": "text", "reference": "text",
        "n": "count", "events": "count", "missing": "count",
        "coef": "float", "std_error": "float",
        "estimate": "float", "ci_low": "float", "ci_high": "float",
        "statistic": "float", "df": "float", "p_value": "float",
        "p_term": "float",
    }
)  # fmt: skip

FIT_COLUMNS: Mapping[str, ColumnKind] = MappingProxyType(
    {"term": "text", "method": "text", "interval": "text", "n": "count"}
)


@dataclass(frozen=True, kw_only=True, eq=False)
class EffectsResult(Result):
    """Effects of terms: one row per term and level, and one row per model in `fit`.

    `coef` and `std_error` are on the model scale; `estimate`, `ci_low`, `ci_high` on the
    reporting scale that `effect` names.
    """

    effect: str
    effects: FrameField = FrameField(EFFECT_COLUMNS, more=True)
    fit: FrameField = FrameField(FIT_COLUMNS, more=True)


@dataclass(frozen=True, kw_only=True, eq=False)
class OutcomeDiagnostics(Frozen):
    """What a reviewer asks of the adjusted model. All values are apparent (same data).

    `collinearity` has one row per design column; `influence` the rows of the file (numbered
    from 1, header not counted) that move the model most; `facts` the scalar measures.
    """

    collinearity: FrameField = FrameField(
        {
            "term": "text", "level": "text", "vif": "float",
            "gvif": "float", "df": "count", "gvif_scaled": "float",
        }
    )  # fmt: skip
    influence: FrameField = FrameField(
        {
            "row": "count", "cooks_distance": "float", "leverage": "float",
            "term": "text", "level": "text", "dfbeta": "float",
        }
    )  # fmt: skip
    calibration: FrameField = FrameField(
        {"group": "count", "n": "count", "predicted": "float", "observed": "float"}
    )
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, eq=False)
class OutcomeExtras(Frozen):
    """What stands beside the odds ratios of an outcome model when it is asked for.

    `selection`: the steps of a data-driven selection. `nonlinearity`: per spline term its knots,
    the tests of its shape and of the whole term, and the odds ratio of the third against the first
    quartile. `curves`: odds ratio along a spline term against `reference`. `risks`: risk ratios and
    standardised risk differences. `subgroups`: the exposure's effect within each level, with
    the interaction test repeated on the rows of its column.
    """

    selection: FrameField = FrameField(
        {"step": "count", "term": "text", "action": "text", "p_value": "float", "aic": "float"}
    )
    nonlinearity: FrameField = FrameField(
        {
            "term": "text", "knots": "text", "test": "text", "statistic": "float", "df": "count",
            "p_value": "float", "statistic_term": "float", "df_term": "count", "p_term": "float",
            "reference": "float", "q1": "float", "q3": "float", "estimate": "float",
            "ci_low": "float", "ci_high": "float",
        }
    )  # fmt: skip
    curves: FrameField = FrameField(
        {
            "term": "text", "x": "float", "estimate": "float", "ci_low": "float",
            "ci_high": "float",
        }
    )  # fmt: skip
    risks: FrameField = FrameField(
        {
            "measure": "text", "term": "text", "level": "text", "reference": "text",
            "risk": "float", "risk_reference": "float", "estimate": "float", "std_error": "float",
            "ci_low": "float", "ci_high": "float", "statistic": "float", "p_value": "float",
        }
    )  # fmt: skip
    subgroups: FrameField = FrameField(
        {
            "subgroup": "text", "group": "text", "term": "text", "level": "text",
            "reference": "text", "n": "count", "events": "count", "estimate": "float",
            "ci_low": "float", "ci_high": "float", "p_value": "float", "method": "text",
            "statistic": "float", "df": "count", "p_interaction": "float",
        }
    )  # fmt: skip


@dataclass(frozen=True, kw_only=True, eq=False)
class OutcomeResult(Result):
    """What `analyze_outcome` returns: descriptives, crude and adjusted effects, diagnostics.

    `descriptives` is long: variable, level (missing for continuous variables), group (a level
    of the outcome, or missing = overall), stat (n, percent, mean, sd, median, q1, q3, min,
    max, missing), value. `tests` has one row per test: two for a continuous variable, one for a
    factor.
    """

    outcome: str
    event: str
    other: str
    descriptives: FrameField = FrameField(
        {"variable": "text", "level": "text", "group": "text", "stat": "text", "value": "float"}
    )
    tests: FrameField = FrameField(
        {
            "variable": "text", "test": "text", "statistic": "float", "df": "float",
            "p_value": "float", "mc_error": "float",
        }
    )  # fmt: skip
    crude: EffectsResult
    adjusted: EffectsResult
    diagnostics: OutcomeDiagnostics
    extras: OutcomeExtras | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class CollinearityResult(Result):
    """Variance inflation of each variable on the others (`check_collinearity`)."""

    collinearity: FrameField = FrameField(
        {
            "term": "text", "level": "text", "vif": "float",
            "gvif": "float", "df": "count", "gvif_scaled": "float",
        }
    )  # fmt: skip
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, eq=False)
class ValidationResult(Result):
    """Internal validation of an outcome model (`validate_outcome_model`).

    `measures`: one row per measure; `optimism` is the mean over the resamples, `corrected` =
    `apparent` - `optimism`, `mc_error` its Monte Carlo standard error and `target` what the
    quality asks of it; `low`, `high` the interval of the corrected value. `calibration`: at each
    predicted risk the observed one, with its band, and the same corrected. `decision`: net
    benefit at each threshold risk. `groups`: ten groups of rising predicted risk. `selection`: how
    often each candidate was selected; no rows where the data had no choice.
    """

    outcome: str
    event: str
    other: str
    measures: FrameField = FrameField(
        {
            "measure": "text", "apparent": "float", "optimism": "float", "corrected": "float",
            "mc_error": "float", "target": "float", "low": "float", "high": "float",
            "resamples": "count",
        }
    )  # fmt: skip
    calibration: FrameField = FrameField(
        {
            "predicted": "float", "observed": "float", "low": "float", "high": "float",
            "optimism": "float", "corrected": "float", "corrected_low": "float",
            "corrected_high": "float", "mc_error": "float",
        }
    )  # fmt: skip
    decision: FrameField = FrameField(
        {
            "threshold": "float", "treat_all": "float", "treat_none": "float",
            "apparent": "float", "optimism": "float", "corrected": "float", "low": "float",
            "high": "float", "mc_error": "float",
        }
    )  # fmt: skip
    groups: FrameField = FrameField(
        {"group": "count", "n": "count", "predicted": "float", "observed": "float"}
    )
    selection: FrameField = FrameField(
        {"term": "text", "in_model": "flag", "resamples": "count", "share": "float"}
    )
    facts: Mapping[str, Any] = field(default_factory=dict)


#: One number of a descriptive table. `level` is missing for continuous variables, `group` for
#: all rows together; `stat` is n, percent, mean, sd, median, q1, q3, min, max or missing.
SUMMARY_COLUMNS: Mapping[str, ColumnKind] = MappingProxyType(
    {"variable": "text", "level": "text", "group": "text", "stat": "text", "value": "float"}
)

#: One test. `mc_error` is the Monte Carlo standard error of a simulated p-value.
TEST_COLUMNS: Mapping[str, ColumnKind] = MappingProxyType(
    {"test": "text", "statistic": "float", "df": "float", "p_value": "float"}
)


@dataclass(frozen=True, kw_only=True, eq=False)
class SummaryResult(Result):
    """A cohort described, overall and by group (`describe_cohort`).

    `balance`: standardised mean difference of each variable between two groups, first minus
    second. `tests` has one row per test, named; it is empty unless tests were asked for.
    """

    group: str | None
    groups: tuple[str, ...]
    summary: FrameField = FrameField(SUMMARY_COLUMNS)
    tests: FrameField = FrameField({"variable": "text", **TEST_COLUMNS}, more=True)
    balance: FrameField = FrameField(
        {"variable": "text", "group_a": "text", "group_b": "text", "smd": "float"}, more=True
    )
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, eq=False)
class ComparisonResult(Result):
    """Groups compared on one variable (`compare_groups`).

    `tests`: the chosen test first, then those that stand beside it. `effects`: effect sizes with
    intervals. `pairwise`: post hoc comparisons, `p_adjusted` as `method` says. `checks`: the
    assumptions looked at. `points`: what the distribution figure is drawn from.
    """

    value: str
    group: str
    groups: tuple[str, ...]
    summary: FrameField = FrameField(SUMMARY_COLUMNS)
    tests: FrameField = FrameField(TEST_COLUMNS, more=True)
    effects: FrameField = FrameField(
        {
            "measure": "text", "group_a": "text", "group_b": "text",
            "estimate": "float", "ci_low": "float", "ci_high": "float",
        },
        more=True,
    )  # fmt: skip
    pairwise: FrameField = FrameField(
        {
            "method": "text", "group_a": "text", "group_b": "text", "estimate": "float",
            "ci_low": "float", "ci_high": "float", "statistic": "float", "df": "float",
            "p_value": "float", "p_adjusted": "float",
        },
        more=True,
    )  # fmt: skip
    checks: FrameField = FrameField({"check": "text", "group": "text", **TEST_COLUMNS}, more=True)
    points: FrameField = FrameField({"group": "text"}, more=True)
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, eq=False)
class CorrelationResult(Result):
    """Correlations of all pairs (`correlate`); `given` names what was held constant."""

    variables: tuple[str, ...]
    given: tuple[str, ...] = ()
    pairs: FrameField = FrameField(
        {
            "variable_a": "text", "variable_b": "text", "n": "count", "coefficient": "float",
            "ci_low": "float", "ci_high": "float", "statistic": "float", "df": "float",
            "p_value": "float", "p_adjusted": "float",
        },
        more=True,
    )  # fmt: skip
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, eq=False)
class ModelResult(Result):
    """A linear, count or Cox model: crude and adjusted (`fit_linear`, `fit_counts`, `fit_cox`).

    `tests`: checks of the adjusted model (proportional hazards, dispersion, residuals), `term`
    missing for global ones. `curves`: effect along each predictor that enters as a spline.
    """

    outcome: str
    crude: EffectsResult
    adjusted: EffectsResult
    tests: FrameField = FrameField({"term": "text", **TEST_COLUMNS}, more=True)
    curves: FrameField = FrameField(
        {
            "term": "text", "x": "float", "estimate": "float", "ci_low": "float",
            "ci_high": "float",
        }
    )  # fmt: skip
    diagnostics: OutcomeDiagnostics


@dataclass(frozen=True, kw_only=True, eq=False)
class CurveResult(Result):
    """Curves by group: survival, cumulative incidence, ROC.

    (`estimate_survival`, `estimate_incidence`, `evaluate_roc`.) `curve` says which. `points` are
    the steps of each curve, `summary` has one row per group, `chosen` the values at chosen times
    or thresholds, `pairwise` the comparisons of two groups.
    """

    curve: str
    groups: tuple[str, ...]
    points: FrameField = FrameField({"group": "text"}, more=True)
    summary: FrameField = FrameField({"group": "text", "n": "count", "events": "count"}, more=True)
    chosen: FrameField = FrameField({"group": "text"}, more=True)
    tests: FrameField = FrameField(TEST_COLUMNS, more=True)
    pairwise: FrameField = FrameField({"group_a": "text", "group_b": "text"}, more=True)
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, eq=False)
class AccuracyResult(Result):
    """Measures of a two-by-two table (`evaluate_test`, `two_by_two`, and pooled in `stratify`).

    `counts` is the table, one row per cell (and stratum); `measures` one row per measure and
    interval method.
    """

    counts: FrameField = FrameField({"row": "text", "column": "text", "n": "count"}, more=True)
    measures: FrameField = FrameField(
        {
            "measure": "text", "method": "text", "estimate": "float", "ci_low": "float",
            "ci_high": "float",
        },
        more=True,
    )  # fmt: skip
    tests: FrameField = FrameField(TEST_COLUMNS, more=True)
    facts: Mapping[str, Any] = field(default_factory=dict)


#: Every class that a cached result may be made of; the codec builds no other.
RESULT_CLASSES: Sequence[type] = (
    Note, Column, FrozenTable, EffectsResult, OutcomeDiagnostics, OutcomeExtras,
    OutcomeResult, CollinearityResult, ValidationResult, SummaryResult, ComparisonResult,
    CorrelationResult, ModelResult, CurveResult, AccuracyResult,
)  # fmt: skip

"""How a column of estimates was made, in the sentences of its footnotes."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from presentation.effects import (
    EffectRow,
    effect_rows,
    fitted_terms,
    rows_of,
    term_df,
)
from presentation.names import Names
from presentation.text import joined
from presentation.wording import ci_percent, estimator_words, interval_words, is_firth, p_words
from stats.result import EffectsResult


@dataclass(frozen=True, eq=False)
class Series:
    """One pair of columns (estimate, p): the crude models, the adjusted one, or the only one.

    `title` is "Crude", "Adjusted" or empty; `method` and `interval` are those of its models, the
    unpenalised ones where they differ; `ci` is the level of the intervals in percent.
    """

    title: str
    result: EffectsResult
    rows: tuple[EffectRow, ...]
    method: str
    interval: str
    ci: str

    @cached_property
    def by_key(self) -> Mapping[tuple[str, str | None], EffectRow]:
        """Rows by term and level."""
        return {row.key: row for row in self.rows}

    @cached_property
    def by_term(self) -> Mapping[str, tuple[EffectRow, ...]]:
        """The rows of each term, terms and rows in order."""
        found: dict[str, list[EffectRow]] = {}
        for row in self.rows:
            found.setdefault(row.term, []).append(row)
        return {term: tuple(rows) for term, rows in found.items()}

    @cached_property
    def fits(self) -> Mapping[str, Mapping[str, Any]]:
        """The facts of the model behind each term."""
        return {row["term"]: row for row in reversed(rows_of(self.result.table("fit")))}

    def model_sentence(self, names: Names, shown: AbstractSet[str]) -> str:
        """The model, its estimator and its intervals; `shown` are the terms of the table."""
        model = str(self.result.method.get("model") or "logistic regression")
        how = (
            f"fitted by {estimator_words(self.method)}; {self.ci}% confidence intervals: "
            f"{interval_words(self.interval, firth=is_firth(self.method))}."
        )
        if self.title == "Crude":
            return f"One {model} per predictor, {how}"
        terms = fitted_terms(self.rows)
        if not terms:
            return f"No {model} could be estimated."
        if self.title and set(terms) != set(shown):
            return f"One {model} with {joined([names.of(t) for t in terms])}, {how}"
        return f"One {model} with all predictors of the table, {how}"

    def p_sentence(self) -> str:
        """The test behind the p-values."""
        if not fitted_terms(self.rows):
            return ""
        words = p_words(self.interval, firth=is_firth(self.method))
        text = f"{words[:1].upper()}{words[1:]}"
        if all(term_df(rows, term) < 2 for term, rows in self.by_term.items()):
            return f"{text}."
        return (
            f"{text}; on the row of a factor for all its levels together, degrees of freedom in "
            "brackets."
        )

    def exception_sentence(self, term: str, p_symbol: str) -> str:
        """How the model of `term` was fitted where that differs from its neighbours, else ""."""
        fit = self.fits.get(term, {})
        method = str(fit.get("method", self.method))
        if method == self.method:
            return ""
        interval, firth = fit.get("interval", ""), is_firth(method)
        return (
            f"Fitted by {estimator_words(method)}; confidence interval: "
            f"{interval_words(interval, firth=firth)}; "
            f"{p_symbol}: {p_words(interval, firth=firth)}."
        )


def series_of(title: str, result: EffectsResult) -> Series:
    """The series of one effects result."""
    fits = rows_of(result.table("fit"))
    methods = [str(fit["method"]) for fit in fits] or [str(result.method.get("estimator", ""))]
    # The penalty is the exception to be marked, however many models needed it.
    common = min(methods, key=is_firth)
    intervals = [str(f["interval"]) for f in fits if str(f["method"]) == common]
    interval = intervals[0] if intervals else str(result.method.get("interval", "profile"))
    ci = ci_percent(result.method, result.choices)
    return Series(title, result, effect_rows(result), common, interval, ci)

"""The methods paragraph, written from the facts of a result and from nothing else.

It speaks of associations only, names the event, references, estimator, interval and test, counts
the rows used and left out, and gives exact versions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import singledispatch
from typing import Any

from presentation import numbers
from presentation.citations import Citations
from presentation.effects import (
    EffectRow,
    effect_rows,
    fitted_terms,
    model_facts,
    rows_of,
    term_df,
    terms_of,
)
from presentation.extra_methods import beside_sentences, selection_words, spline_sentences
from presentation.names import Names, names_of
from presentation.paragraphs import assembled, software_sentence
from presentation.text import joined
from presentation.wording import ci_percent, interval_words, is_firth, test_words
from stats.result import CollinearityResult, OutcomeResult, Result

_ROBUST = interval_words("robust Wald")


@singledispatch
def methods_text(
    result: Result,
    *,
    versions: Mapping[str, str],
    labels: Mapping[str, str] | None = None,
    units: Mapping[str, str] | None = None,
) -> str:
    """Paragraphs separated by empty lines, the references last.

    `versions` is name -> version, our own first. TypeError for a result without methods text.
    """
    known = f"{len(versions)} versions, {len(labels or {})} labels, {len(units or {})} units"
    raise TypeError(f"no methods text is known for {type(result).__name__} ({known})")


@methods_text.register
def _(
    result: OutcomeResult,
    *,
    versions: Mapping[str, str],
    labels: Mapping[str, str] | None = None,
    units: Mapping[str, str] | None = None,
) -> str:
    page = _Page(result, names_of(result.choices, labels, units), Citations())
    paragraphs = [
        " ".join(_outcome_sentences(page) + _descriptive_sentences(page)),
        " ".join(_model_sentences(page) + _fitting_sentences(page) + _interval_sentences(page)),
        " ".join(beside_sentences(page.result, page.names, page.cite)),
        " ".join(_missing_sentences(page)),
        " ".join(_diagnostic_sentences(page)),
        software_sentence(versions, page.cite),
    ]
    page.cite.add(result.references)
    return assembled(paragraphs, page.cite)


@methods_text.register
def _(
    result: CollinearityResult,
    *,
    versions: Mapping[str, str],
    labels: Mapping[str, str] | None = None,
    units: Mapping[str, str] | None = None,
) -> str:
    names = names_of(result.choices, labels, units)
    cite = Citations()
    terms = tuple(dict.fromkeys(row["term"] for row in rows_of(result.table("collinearity"))))
    text = (
        f"Collinearity of {_listed(names, terms)} was assessed with variance inflation factors, "
        f"generalised to factors{cite('gvif')}, in the {result.n_used} of {result.n_rows} rows "
        "without a missing value in these variables."
    )
    return assembled([text, software_sentence(versions, cite)], cite)


@dataclass
class _Page:
    result: OutcomeResult
    names: Names
    cite: Citations

    @property
    def choices(self) -> Mapping[str, Any]:
        """All choices, defaults filled in."""
        return self.result.choices

    @property
    def outcome(self) -> str:
        """The outcome as it is called in print."""
        return self.names.of(self.result.outcome)

    @property
    def exposure(self) -> str | None:
        """The predictor declared as exposure."""
        exposure = self.choices.get("exposure")
        return exposure if isinstance(exposure, str) and exposure else None

    @property
    def crude_rows(self) -> tuple[EffectRow, ...]:
        """Rows of the crude effects."""
        return effect_rows(self.result.crude)

    @property
    def adjusted_terms(self) -> tuple[str, ...]:
        """The terms that the adjusted model holds; none when there is no such model."""
        return fitted_terms(effect_rows(self.result.adjusted))

    @property
    def left_out_terms(self) -> tuple[str, ...]:
        """Terms asked for that the adjusted model could not hold."""
        asked = terms_of(effect_rows(self.result.adjusted))
        return tuple(t for t in asked if t not in self.adjusted_terms)


def _listed(names: Names, terms: tuple[str, ...]) -> str:
    return joined([names.of(term) for term in terms])


def _outcome_sentences(page: _Page) -> list[str]:
    result = page.result
    event = f"{page.outcome} = {result.event} (against {result.other})"
    return [f"The outcome was {page.outcome}; the event modelled was {event}."]


def _descriptive_sentences(page: _Page) -> list[str]:
    table = page.result.table("descriptives")
    levels = table.column("level").tolist()
    stats = table.column("stat").tolist()
    said = []
    if any(stat == "mean" for stat in stats):
        said.append(
            "continuous variables as mean with standard deviation and as median with first and "
            "third quartile"
        )
    if any(level is not None for level in levels):
        said.append("categorical variables as number and percentage of the known values")
    if not said:
        return []
    sentences = [f"Characteristics are described by outcome: {joined(said)}."]
    tests = page.result.method.get("tests") or tuple(
        t for t in page.result.table("tests").column("test").tolist() if t
    )
    codes = [str(test) for test in dict.fromkeys(tests)]
    words = [test_words(code) + page.cite(*_test_citations(code)) for code in codes]
    if words:
        sentences.append(
            f"Groups were compared with {joined(list(dict.fromkeys(words)))}, as named with each "
            "p-value."
        )
    return sentences


def _test_citations(code: str) -> tuple[str, ...]:
    key = code.lower().replace("-", " ").replace("–", " ").replace("_", " ")
    return tuple(name for name in ("welch", "mann whitney") if name in key)


def _model_sentences(page: _Page) -> list[str]:
    names, terms = page.names, terms_of(page.crude_rows)
    model = str(page.result.method.get("model") or "logistic regression")
    if page.exposure:
        subject = f"The association of {names.of(page.exposure)}"
        others = tuple(t for t in page.adjusted_terms if t != page.exposure)
        how = f"crude and adjusted for {_listed(names, others)}" if others else "without covariates"
        sentences = [f"{subject} with the outcome was estimated by {model}, {how}."]
    else:
        subject = f"The association{'s' if len(terms) > 1 else ''} of {_listed(names, terms)}"
        verb = "were" if len(terms) > 1 else "was"
        whole = set(terms) == set(page.adjusted_terms)
        held = "all of them" if whole else _listed(names, page.adjusted_terms)
        how = "one crude model per predictor"
        if page.adjusted_terms:
            how += f" and one adjusted model with {held}"
        sentences = [f"{subject} with the outcome {verb} estimated by {model}: {how}."]
    if not page.adjusted_terms:
        sentences.append("No adjusted model could be estimated from these data.")
    elif page.left_out_terms:
        sentences.append(
            f"The adjusted model could not hold {_listed(names, page.left_out_terms)}."
        )
    sentences += _selection_sentences(page) + _reference_sentences(page)
    return sentences + spline_sentences(page.result, page.names, page.cite)


def _selection_sentences(page: _Page) -> list[str]:
    """The adjustment set: prespecified, or chosen by the data and then said with its price."""
    adjust = page.choices.get("adjust", "all")
    if isinstance(adjust, str) and adjust != "all":
        how = selection_words(adjust)
        return [
            (
                f"The variables of the adjusted model were selected by the data ({adjust})"
                f"{f': {how}' if how else ''}."
            ),
            "Its p-values and intervals are therefore too optimistic.",
        ]
    return ["No variable was selected by an automatic procedure."]


def _reference_sentences(page: _Page) -> list[str]:
    """Reference levels of factors and steps of continuous predictors."""
    references: dict[str, str] = {}
    steps = []
    for row in page.crude_rows:
        if row.reference is not None:
            references[row.term] = row.reference
        elif row.level is None and page.names.step_phrase(row.term):
            steps.append(page.names.step_phrase(row.term))
    sentences = []
    if references:
        shown = joined([f"{page.names.of(t)}: {level}" for t, level in references.items()])
        word = "Reference levels were" if len(references) > 1 else "The reference level was"
        sentences.append(f"{word} {shown}.")
    if any(row.level is None for row in page.crude_rows):
        sentences.append(
            "Odds ratios of continuous predictors are per unit of measurement"
            + (f" ({joined(steps)})." if steps else ".")
        )
    return sentences


def _fitting_sentences(page: _Page) -> list[str]:
    """Estimators, and why Firth's penalty was used where it was."""
    crude = [f for f in rows_of(page.result.crude.table("fit")) if f["term"] is not None]
    penalised = tuple(f["term"] for f in crude if is_firth(f["method"]))
    adjusted = bool(page.adjusted_terms) and is_firth(
        model_facts(page.result.adjusted).get("method")
    )
    if not penalised and not adjusted:
        return ["The models were fitted by maximum likelihood."]
    cited = page.cite("firth", "separation")
    if page.choices.get("method") == "firth":
        return [f"All models were fitted by Firth's penalised likelihood{cited}, as prespecified."]
    which = [f"the crude model of {page.names.of(term)}" for term in penalised]
    if adjusted:
        which.append("the adjusted model")
    reason = str(
        page.result.method.get("reason") or page.result.adjusted.method.get("reason") or ""
    ).strip(" .")
    because = f"Because {reason}" if reason else "Because the outcome was separated"
    verb = "was" if len(which) == 1 else "were"
    return [
        "Models were fitted by maximum likelihood where it has a finite estimate.",
        f"{because}, {joined(which)} {verb} fitted by Firth's penalised likelihood{cited}.",
    ]


def _interval_sentences(page: _Page) -> list[str]:
    ci = ci_percent(page.result.method, page.choices)
    fits = list(rows_of(page.result.crude.table("fit")))
    if page.adjusted_terms:
        fits += rows_of(page.result.adjusted.table("fit"))
    kinds = list(
        dict.fromkeys(interval_words(f["interval"], firth=is_firth(f["method"])) for f in fits)
    )
    if _ROBUST in kinds:
        kinds[kinds.index(_ROBUST)] = "robust Wald"
    profile = any("profile" in kind for kind in kinds)
    cited = page.cite("profile") if profile else ""
    sentences = [f"{ci}% confidence intervals are {joined(kinds)} intervals{cited}."]
    if profile:
        tests = "likelihood-ratio tests"
        if any("penalised" in kind for kind in kinds):
            tests += " (penalised where the likelihood was)"
    else:
        tests = f"{'robust ' if 'robust Wald' in kinds else ''}Wald tests"
    rows = page.crude_rows
    factors = any(term_df(rows, term) > 1 for term in terms_of(rows))
    cluster = page.choices.get("cluster")
    kind = "Wald" if cluster else "likelihood-ratio"
    together = (
        f"; the p-value on the row of a factor comes from the {kind} test of all its "
        "levels together" if factors else ""
    )  # fmt: skip
    if isinstance(cluster, str):
        sentences.insert(0, _cluster_sentence(page, cluster))
    sentences.append(f"P-values are two-sided and come from {tests}{together}.")
    sentences.append("They are not adjusted for multiple testing.")
    return sentences


def _cluster_sentence(page: _Page, cluster: str) -> str:
    return (
        f"Standard errors allow for the dependence of rows with the same {page.names.of(cluster)} "
        f"(cluster-robust sandwich estimator{page.cite('cluster')} with the factor G/(G − 1) for G "
        "clusters)."
    )


def _missing_sentences(page: _Page) -> list[str]:
    result = page.result
    left_out = {reason: n for reason, n in result.exclusions.items() if n}
    share = numbers.percent(100.0 * result.n_used / result.n_rows) if result.n_rows else "–"
    events = model_facts(result.adjusted).get("events")
    with_events = f" with {numbers.count(events)} events" if numbers.known(events) else ""
    used = f"{result.n_used} of {result.n_rows} rows ({share}){with_events}"
    text = f"The adjusted model is a complete-case analysis of {used}"
    if not page.adjusted_terms:
        text = f"The outcome and all predictors were known in {used}"
    if left_out:
        reasons = joined([f"{reason} in {n}" for reason, n in left_out.items()])
        text += f"; left out were {sum(left_out.values())} ({reasons})"
    crude = (
        "Crude models used the rows of the adjusted model."
        if page.choices.get("common_sample")
        else "Each crude model used all rows with a known outcome and a known value of its "
        "predictor."
    )
    return [f"{text}.", crude, "Missing values were not imputed."]


def _diagnostic_sentences(page: _Page) -> list[str]:
    if not page.adjusted_terms:
        return []
    diagnostics = page.result.diagnostics
    facts = {**model_facts(page.result.adjusted), **diagnostics.facts}
    sentences = []
    collinearity = rows_of(diagnostics.table("collinearity"))
    if collinearity:
        kind = "variance inflation factors"
        if any(row["df"] > 1 for row in collinearity):
            kind += f", generalised to factors{page.cite('gvif')}"
        sentences.append(f"Collinearity was assessed with {kind}.")
    c, low, high = (facts.get(f"c_statistic{part}") for part in ("", "_low", "_high"))
    if numbers.known(c):
        shown = numbers.number(c, 3)
        if numbers.known(low) and numbers.known(high):
            ci = ci_percent(page.result.method, page.choices)
            shown += (
                f", {ci}% CI {numbers.number(low, 3)} to {numbers.number(high, 3)}, "
                f"by DeLong's method{page.cite('delong')}"
            )
        sentences.append(
            f"Discrimination (C-statistic {shown}) and calibration are apparent: they were "
            "judged on the data to which the model was fitted and are therefore optimistic."
        )
    if diagnostics.table("influence").n_rows:
        sentences.append("Influential rows were looked for with Cook's distance and dfbeta.")
    return sentences

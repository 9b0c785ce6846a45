"""The methods paragraph of linear, count and Cox models, from the facts of the result."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from presentation import numbers
from presentation.association import cited
from presentation.citations import Citations
from presentation.effects import effect_rows, fitted_terms, model_facts, rows_of, terms_of
from presentation.names import Names
from presentation.paragraphs import assembled, software_sentence
from presentation.text import joined
from presentation.wording import ci_percent, interval_words, is_firth, p_words
from stats.result import ModelResult

_TRANSFORMS = {
    "km": "one minus the Kaplan-Meier estimate", "rank": "the rank of the event",
    "identity": "time itself", "log": "the logarithm of time",
}  # fmt: skip


@dataclass(frozen=True)
class _Page:
    result: ModelResult
    names: Names
    cite: Citations

    @property
    def method(self) -> Mapping[str, Any]:
        """The facts."""
        return self.result.method

    @property
    def adjusted_terms(self) -> tuple[str, ...]:
        """The terms that the adjusted model holds."""
        return fitted_terms(effect_rows(self.result.adjusted))

    def paper(self, *starts: str) -> str:
        """The numbers of papers that the result names, by author."""
        return cited(self.cite, self.result, *starts)

    def listed(self, terms: tuple[str, ...]) -> str:
        """Terms by their labels."""
        return joined([self.names.of(term) for term in terms])


def model_methods(result: ModelResult, names: Names, versions: Mapping[str, str]) -> str:
    """Outcome, models, estimation, intervals and tests, rows, checks, software, references."""
    page = _Page(result, names, Citations())
    paragraphs = [
        " ".join([*_outcome(page), *_models(page), *_references(page)]),
        " ".join([*_estimation(page), *_intervals(page)]),
        " ".join([*_rows(page), *_checks(page)]),
        software_sentence(versions, page.cite),
    ]
    page.cite.add(result.references)
    return assembled(paragraphs, page.cite)


def _outcome(page: _Page) -> list[str]:
    method, names = page.method, page.names
    if page.result.analysis == "fit_linear":
        return [f"The outcome was {names.with_unit(page.result.outcome)}."]
    if page.result.analysis == "fit_counts":
        time = method["person_time"]
        offset = f", with the logarithm of {names.with_unit(time)} as offset" if time else ""
        return [f"The outcome was the count {names.of(page.result.outcome)}{offset}."]
    levels = " or ".join(method["event_levels"])
    until = f"{names.of(method['event'])} = {levels}"
    sentences = [f"The outcome was {names.with_unit(method['time'])} until {until}."]
    censored = [str(level) for level in method["censored_levels"]]
    if censored:
        sentences.append(f"Rows with {joined(censored)} were censored.")
    if method["entry"]:
        sentences.append(f"Rows came under observation at {names.of(method['entry'])}.")
    return sentences


def _models(page: _Page) -> list[str]:
    terms, adjusted = terms_of(effect_rows(page.result.crude)), page.adjusted_terms
    exposure = page.result.choices.get("exposure")
    model = str(page.method["model"]) + page.paper("Cox DR", "Lawless JF")
    if exposure:
        others = tuple(t for t in adjusted if t != exposure)
        how = f"crude and adjusted for {page.listed(others)}" if others else "without covariates"
        found = [f"The association of {page.names.of(exposure)} was estimated by {model}, {how}."]
    else:
        held = "all of them" if set(terms) == set(adjusted) else page.listed(adjusted)
        how = "one crude model per predictor"
        how += f" and one adjusted model with {held}" if adjusted else ""
        many = "s" if len(terms) > 1 else ""
        verb = "were" if many else "was"
        found = [
            f"The association{many} of {page.listed(terms)} {verb} estimated by {model}: {how}."
        ]
    if not adjusted:
        found.append("No adjusted model could be estimated from these data.")
    if page.method.get("strata"):
        found.append(
            f"The baseline hazard was stratified by {page.names.of(page.method['strata'])}."
        )
    found.append("No variable was selected by an automatic procedure.")
    return found


def _references(page: _Page) -> list[str]:
    references: dict[str, str] = {}
    steps: list[str] = []
    continuous = False
    for row in effect_rows(page.result.crude):
        if row.reference is not None:
            references[row.term] = row.reference
        elif row.level is None:
            continuous = True
            phrase = page.names.step_phrase(row.term)
            steps += [phrase] if phrase else []
    sentences: list[str] = []
    if references:
        shown = joined([f"{page.names.of(t)}: {level}" for t, level in references.items()])
        word = "Reference levels were" if len(references) > 1 else "The reference level was"
        sentences.append(f"{word} {shown}.")
    if continuous:
        effect = page.result.adjusted.effect
        what = f"{effect[:1].upper()}{effect[1:]}s of continuous predictors are per unit"
        sentences.append(f"{what} of measurement{f' ({joined(steps)})' if steps else ''}.")
    return sentences


def _estimation(page: _Page) -> list[str]:
    method = page.method
    if page.result.analysis == "fit_linear":
        return ["The models were fitted by least squares."]
    fits = [*rows_of(page.result.crude.table("fit")), *rows_of(page.result.adjusted.table("fit"))]
    firth = [fit for fit in fits if is_firth(fit["method"])]
    ties = ""
    if method.get("ties"):
        who = str(method["ties"]).capitalize()
        ties = f", ties by {who}'s method{page.paper(who)}"
    if firth and len(firth) == len(fits):
        paper = page.cite("firth") + page.paper("Heinze G")
        return [f"All models were fitted by Firth's penalised likelihood{paper}{ties}."]
    found = [f"The models were fitted by maximum likelihood{ties}."]
    if firth:
        which = [page.names.of(f["term"]) for f in firth if f["term"] is not None]
        models = [f"the crude models of {joined(which)}"] if len(which) > 1 else []
        models += [f"the crude model of {which[0]}"] if len(which) == 1 else []
        models += ["the adjusted model"] if any(f["term"] is None for f in firth) else []
        found.append(
            f"Where the likelihood has no finite maximum ({joined(models)}), Firth's penalised "
            f"likelihood was used{page.cite('firth')}{page.paper('Heinze G')}."
        )
    return found


def _intervals(page: _Page) -> list[str]:
    ci = ci_percent(page.method, page.result.choices)
    fits = [*rows_of(page.result.crude.table("fit")), *rows_of(page.result.adjusted.table("fit"))]
    kinds = list(dict.fromkeys(
        interval_words(f["interval"], firth=is_firth(f["method"])) for f in fits
    ))  # fmt: skip
    tests = list(dict.fromkeys(
        p_words(f["interval"], firth=is_firth(f["method"])) for f in fits
    ))  # fmt: skip
    profile = any("profile" in kind for kind in kinds)
    paper = page.cite("profile") if profile else page.paper("Lin DY", "Long JS", "White H")
    ends = "" if any("from" in kind or "with" in kind for kind in kinds) else " intervals"
    sentences = [f"{ci}% confidence intervals are {joined(kinds)}{ends}{paper}."]
    if page.method.get("cluster"):
        sentences.append(f"Rows were clustered by {page.names.of(page.method['cluster'])}.")
    if page.method.get("information"):
        how = {
            "observed": "the observed information of coefficients and dispersion together",
            "expected": "the expected information with the dispersion held fixed",
        }[str(page.method["information"])]
        sentences.append(f"Standard errors come from {how}.")
    sentences.append(f"P-values are two-sided and come from {joined([f'the {t}' for t in tests])}.")
    sentences.append("They are not adjusted for multiple testing.")
    return sentences


def _rows(page: _Page) -> list[str]:
    result = page.result
    share = numbers.percent(100.0 * result.n_used / result.n_rows) if result.n_rows else "–"
    events = model_facts(result.adjusted).get("events")
    with_events = f" with {numbers.count(events)} events" if numbers.known(events) else ""
    text = (
        f"The adjusted model is a complete-case analysis of {result.n_used} of {result.n_rows} "
        f"rows ({share}){with_events}"
    )
    left_out = {reason: n for reason, n in result.exclusions.items() if n}
    if left_out:
        reasons = joined([f"{reason} in {n}" for reason, n in left_out.items()])
        text += f"; left out were {sum(left_out.values())} ({reasons})"
    crude = (
        "Crude models used the rows of the adjusted model."
        if result.choices.get("common_sample")
        else "Each crude model used all rows with a known outcome and a known value of its "
        "predictor."
    )
    return [f"{text}.", crude, "Missing values were not imputed."]


def _checks(page: _Page) -> list[str]:
    tests = rows_of(page.result.table("tests"))
    facts = {**model_facts(page.result.adjusted), **page.result.diagnostics.facts}
    found: list[str] = []
    if page.result.analysis == "fit_cox" and tests:
        transform = _TRANSFORMS[str(page.method["zph_transform"])]
        paper = page.paper("Grambsch PM")
        found.append(
            f"Proportional hazards were tested by Grambsch and Therneau's score test{paper}, per "
            f"term and for the whole model, with {transform} as the function of time."
        )
    elif tests:
        names = list(dict.fromkeys(str(t["test"]) for t in tests))
        kinds = {"fit_linear": "The residuals were checked", "fit_counts": "The model was checked"}
        found.append(
            f"{kinds[page.result.analysis]} by {joined(names)}{page.paper('Koenker', 'Royston')}."
        )
    c = facts.get("concordance")
    if isinstance(c, float) and numbers.known(c):
        shown = f"{numbers.number(c, 3)}{page.paper('Harrell FE')}"
        found.append(
            f"Discrimination (Harrell's concordance {shown}) is apparent: it was judged on the "
            "data to which the model was fitted and is therefore optimistic."
        )
    if rows_of(page.result.diagnostics.table("collinearity")):
        found.append(
            f"Collinearity was assessed with variance inflation factors{page.cite('gvif')}."
        )
    if page.result.diagnostics.table("influence").n_rows:
        found.append("Influential rows were looked for.")
    return found

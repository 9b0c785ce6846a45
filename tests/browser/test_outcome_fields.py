"""The further fields of the outcome form, set by hand; the table is compared with statsmodels.

Data: synth_trial.csv. Nothing of the expected numbers comes from Clinstat.
"""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from playwright.sync_api import Page, expect
from scipy import stats

from tests.browser import steps

pytestmark = pytest.mark.browser
PREDICTORS = ["age", "sex", "stage", "treatment"]
Z = 1.959963984540054


def trial() -> pd.DataFrame:
    return pd.read_csv(steps.DATA / "synth_trial.csv").dropna(subset=["responder"])


def columns(data: pd.DataFrame, names: list[str]) -> pd.DataFrame:
    """Indicators against the references that the form proposes: F, I, control."""
    parts: dict[str, np.ndarray] = {"constant": np.ones(len(data))}
    for name in names:
        if name == "sex":
            parts["M"] = (data["sex"] == "M").to_numpy(float)
        elif name == "stage":
            parts |= {s: (data["stage"] == s).to_numpy(float) for s in ("II", "III")}
        elif name == "treatment":
            parts["active"] = (data["treatment"] == "active").to_numpy(float)
        else:
            parts[name] = data[name].to_numpy(float)
    return pd.DataFrame(parts)


def responded(data: pd.DataFrame) -> np.ndarray:
    return (data["responder"] == "yes").to_numpy(float)


def logit(data: pd.DataFrame, x: pd.DataFrame) -> sm.Logit:
    return sm.Logit(responded(data), x).fit(disp=0, method="newton", tol=1e-12)


def open_form(page: Page, predictors: list[str], exposure: str | None = None) -> None:
    steps.upload(page, steps.DATA / "synth_trial.csv")
    steps.see_dataset(page, "synth_trial.csv")
    steps.choose_outcome(page, "responder", "yes")
    steps.tick_predictors(page, predictors)
    if exposure:
        page.locator("#outcome-exposure").select_option(label=exposure)


def unfold(page: Page, name: str) -> None:
    page.locator("summary:visible", has_text=name).click()


def tick(page: Page, field: str, name: str) -> None:
    box = page.locator(f"#outcome-{field}").get_by_role("checkbox", name=re.compile(f"^{name}"))
    box.check()


def details(page: Page, title: str) -> dict[str, list[str]]:
    """A table of the view Details by the first words of its title: label -> the other cells."""
    steps.view(page, "Details")
    table = page.locator("table.cs-table").filter(has=page.locator("caption", has_text=title))
    expect(table).to_be_visible()
    found = table.evaluate(
        "t => [...t.tBodies[0].rows].map(r => [...r.cells].map(c => c.textContent.trim()))"
    )
    return {row[0]: row[1:] for row in found}


def ratio(b: float, se: float) -> str:
    return f"{np.exp(b):.2f} ({np.exp(b - Z * se):.2f} to {np.exp(b + Z * se):.2f})"


def test_clusters_give_robust_intervals(page: Page) -> None:
    open_form(page, ["age", "treatment"])
    unfold(page, "More options")
    page.locator("#outcome-cluster").select_option(label="site")
    steps.run(page)
    found = {row[0]: row[1:] for row in steps.estimates(page)}
    data = trial()
    x = columns(data, ["age", "treatment"])
    fit = sm.Logit(responded(data), x).fit(
        disp=0, method="newton", tol=1e-12, cov_type="cluster",
        cov_kwds={"groups": data["site"].to_numpy(), "use_correction": False},
    )  # fmt: skip
    # the page counts clusters as G / (G - 1), like R's vcovCL with type HC0 and cadjust
    se = np.asarray(fit.bse)[2] * np.sqrt(4 / 3)
    assert found["active"][-1] == ratio(fit.params["active"], se)
    expect(page.locator("#outcome-card-notes")).to_contain_text("fewer than 30 clusters")


def test_risk_ratio_and_difference_stand_in_the_details(page: Page) -> None:
    open_form(page, PREDICTORS)
    unfold(page, "Risks and subgroups")
    page.locator("#outcome-risk_measures").check()
    steps.run(page)
    steps.rows(page)
    row = details(page, "Adjusted risks of responder")["treatment: active against control"]
    data = trial()
    x, y = columns(data, PREDICTORS), responded(trial())
    poisson = sm.GLM(y, x, family=sm.families.Poisson()).fit(tol=1e-12, cov_type="HC0")
    assert row[0] == ratio(poisson.params["active"], poisson.bse["active"])
    fit = logit(data, x)
    risks = [fit.predict(x.assign(active=a)).mean() for a in (1.0, 0.0)]
    assert [row[2], row[3]] == [f"{100 * r:.1f}" for r in risks]
    assert row[4].startswith(f"{100 * (risks[0] - risks[1]):.1f} (")


def test_a_spline_is_tested_as_a_whole_and_for_its_bend(page: Page) -> None:
    open_form(page, ["age", "treatment"])
    unfold(page, "Curved effects")
    tick(page, "splines", "age")
    page.locator("#outcome-knots").select_option("3")
    steps.run(page)
    steps.rows(page)
    row = details(page, "Predictors that enter as restricted cubic splines")["age"]
    data = trial()
    x = columns(data, ["age", "treatment"])
    first, middle, last = knots = np.quantile(data["age"], [0.1, 0.5, 0.9])
    up = [np.maximum(data["age"] - k, 0) ** 3 for k in knots]
    bend = up[0] - up[1] * (last - first) / (last - middle) + up[2] * (middle - first) / (
        last - middle
    )  # fmt: skip
    curved = logit(data, x.assign(bend=(bend / (last - first) ** 2).to_numpy()))
    tests = [2 * (curved.llf - logit(data, x.drop(columns=c)).llf) for c in (["age"], [])]
    assert row[0] == ", ".join(f"{k:.4g}" for k in knots)
    assert float(row[-2]) == pytest.approx(stats.chi2.sf(tests[0], 2), abs=6e-4)
    assert float(row[-1]) == pytest.approx(stats.chi2.sf(tests[1], 1), abs=6e-4)
    steps.view(page, "Figure")
    page.get_by_label("Figure", exact=True).first.select_option(index=1)
    expect(page.locator("clinstat-figure svg.main-svg").first).to_be_visible()


def test_subgroups_have_a_model_each_and_one_test_of_interaction(page: Page) -> None:
    open_form(page, PREDICTORS, exposure="treatment")
    unfold(page, "Risks and subgroups")
    tick(page, "subgroups", "sex")
    unfold(page, "More options")
    page.locator("#outcome-interval").select_option("wald")
    steps.run(page)
    steps.rows(page)
    rows = details(page, "Odds ratio of treatment")
    data = trial()
    for sex in ("F", "M"):
        own = data[data["sex"] == sex]
        fit = logit(own, columns(own, ["age", "stage", "treatment"]))
        assert rows[sex][1] == ratio(fit.params["active"], fit.bse["active"])
    x = columns(data, PREDICTORS)
    both = logit(data, x.assign(both=x["M"] * x["active"]))
    p = stats.chi2.sf(2 * (both.llf - logit(data, x).llf), 1)
    assert next(c for c in reversed(rows["sex"]) if c) == f"{p:.3f}"


def eliminated(data: pd.DataFrame) -> list[str]:
    held, aic = list(PREDICTORS), logit(data, columns(data, PREDICTORS)).aic
    while held:
        trials = {n: logit(data, columns(data, [h for h in held if h != n])).aic for n in held}
        worst = min(trials, key=trials.__getitem__)
        if trials[worst] >= aic:
            return held
        held.remove(worst)
        aic = trials[worst]
    return held


def test_a_selection_by_the_data_is_named_in_the_table(page: Page) -> None:
    open_form(page, PREDICTORS)
    unfold(page, "Adjustment")
    page.locator("#outcome-adjust").get_by_label("Those left by backward elimination").check()
    unfold(page, "More options")
    page.locator("#outcome-interval").select_option("wald")
    steps.run(page)
    data = trial()
    held = eliminated(data)
    fit = logit(data, columns(data, held))
    found = {row[0]: row[1:] for row in steps.estimates(page)}
    assert "sex" not in held
    assert len(found["M"]) == 1  # crude only
    assert found["active"][-1] == ratio(fit.params["active"], fit.bse["active"])
    expect(page.locator("#outcome-card-table caption")).to_contain_text("backward elimination")
    expect(page.locator("#outcome-card-notes")).to_contain_text("The data chose")


def test_the_validation_repeats_the_selection(page: Page) -> None:
    steps.upload(page, steps.DATA / "synth_trial.csv")
    steps.see_dataset(page, "synth_trial.csv")
    page.get_by_role("tab", name="Outcome").click()
    page.get_by_role("tab", name="Validate", exact=True).click()
    page.select_option("#validate-outcome", label="responder")
    page.select_option("#validate-event", value="yes")
    page.get_by_role("button", name="Clear of the predictors shown").locator("visible=true").click()
    for name in PREDICTORS:
        page.locator("#validate-predictors").get_by_role(
            "checkbox", name=re.compile(f"^{name} ")
        ).check()
    expect(page.locator("#validate-predictors_count")).to_have_text("4 chosen")
    unfold(page, "Adjustment")
    page.locator("#validate-adjust").get_by_label("Those left by backward elimination").check()
    page.locator("#validate-quality").get_by_label("Preview").check()
    page.locator("#validate-run").click()
    table = page.locator("#validate-card-table table.cs-table")
    expect(table.locator("caption")).to_contain_text("selected by the data")
    data = trial()
    fit = logit(data, columns(data, eliminated(data)))
    y, lp = responded(data), np.asarray(fit.fittedvalues)
    area = stats.mannwhitneyu(lp[y == 1], lp[y == 0]).statistic / (y.sum() * (1 - y).sum())
    first = table.locator("tbody tr").first
    expect(first.locator("td, th").nth(1)).to_have_text(f"{area:.3f}")
    page.locator("#validate-card-view").get_by_role("tab", name="Details").click()
    often = page.locator("table.cs-table").filter(
        has=page.locator("caption", has_text="How often the resamples selected")
    )
    expect(often.locator("tbody tr")).to_have_count(4)
    expect(page.locator("#validate-card-notes")).to_contain_text("repeated in every resample")

"""Mantel-Haenszel analyses against R (`mantel_haenszel` files), statsmodels and closed forms.

R's exact common odds ratio and its limits come from uniroot with tolerance 1.22e-4 (absolute, in
the odds ratio or its inverse); to 1e-11 ours are compared with sums in whole numbers.
"""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from statsmodels.stats.contingency_tables import StratifiedTable

from stats.conditional_odds import conditional_odds_ratio, conditional_of, fisher_p
from stats.mantel_haenszel import (
    Strata,
    breslow_day,
    cochran_mantel_haenszel,
    pooled_odds_ratio,
    pooled_risk_difference,
    pooled_risk_ratio,
)
from stats.stratified import stratify
from stats.two_levels import TwoByTwo
from tests.reference.frames import truth
from tests.reference.test_two_by_two_reference import frame, within_uniroot

FILES = ["melanoma__mantel_haenszel", "synth_trial__mantel_haenszel"]


def compute(name: str, **choices: object) -> tuple[dict, object]:
    found = truth(name)
    o = found["options"]
    result = stratify(
        frame(found["dataset"]), exposure=o["exposure"], outcome=o["outcome"],
        stratum=o["stratum"], exposed=o["exposed"], event=o["event"], **choices,
    )  # fmt: skip
    return found["results"], result


def pooled(result: object, measure: str, method: str, scope: str = "pooled") -> pd.Series:
    m = result.measures
    return m[(m["measure"] == measure) & (m["method"] == method) & (m["scope"] == scope)].iloc[0]


def limits(row: pd.Series, expected: dict, rel: float = 1e-8) -> None:
    assert row["ci_low"] == pytest.approx(expected["lower"], rel=rel)
    assert row["ci_high"] == pytest.approx(expected["upper"], rel=rel)


@pytest.mark.parametrize("name", FILES)
def test_strata_and_pooled_estimates_agree_with_r(name: str) -> None:
    expected, result = compute(name)
    assert result.n_used == expected["n_used"]
    assert result.n_used + sum(result.exclusions.values()) == result.n_rows
    counts = result.counts
    odds = result.measures
    odds = odds[(odds["scope"] == "stratum") & (odds["measure"] == "odds_ratio")]
    for stratum in expected["strata"]:
        cells = counts[counts["stratum"] == stratum["stratum"]]["n"].tolist()
        assert cells == [stratum[k] for k in "abcd"]
        own = odds[odds["stratum"] == stratum["stratum"]]["estimate"].iloc[0]
        assert own == pytest.approx(stratum["or"], rel=1e-12)
    crude = pooled(result, "odds_ratio", "log", "crude")
    assert crude["estimate"] == pytest.approx(expected["crude_or"], rel=1e-12)
    common = pooled(result, "odds_ratio", "mantel-haenszel")
    assert common["estimate"] == pytest.approx(expected["mh_or"], rel=1e-12)
    limits(common, expected["mh_or_ci_RBG"])
    risk = pooled(result, "risk_ratio", "mantel-haenszel")
    assert risk["estimate"] == pytest.approx(expected["mh_risk_ratio"]["estimate"], rel=1e-12)
    limits(risk, expected["mh_risk_ratio"]["ci"])
    weighted = pooled(result, "odds_ratio", "inverse variance")
    assert weighted["estimate"] == pytest.approx(
        expected["woolf"]["inverse_variance_or"], rel=1e-12
    )


@pytest.mark.parametrize("name", FILES)
def test_tests_agree_with_r(name: str) -> None:
    expected, plain = compute(name)
    _, corrected = compute(name, continuity=True, tarone=False)
    tests, others = plain.tests.set_index("test"), corrected.tests.set_index("test")
    for table, test, key, statistic, p in (
        (tests, "cmh", "cmh_no_cc", "chisq", "p"),
        (others, "cmh_continuity", "cmh_cc", "chisq", "p"),
        (tests, "breslow_day_tarone", "breslow_day", "chisq_tarone", "p_tarone"),
        (others, "breslow_day", "breslow_day", "chisq", "p"),
        (tests, "woolf", "woolf", "chisq", "p"),
    ):
        assert table.loc[test, "statistic"] == pytest.approx(expected[key][statistic], rel=1e-8)
        assert table.loc[test, "p_value"] == pytest.approx(expected[key][p], rel=1e-8)
    assert tests.loc["breslow_day_tarone", "df"] == expected["breslow_day"]["df"]


@pytest.mark.parametrize("name", FILES)
def test_the_exact_conditional_analysis_agrees_with_r(name: str) -> None:
    expected, result = compute(name)
    exact = expected["exact_conditional"]
    p = result.tests.set_index("test").loc["exact_conditional", "p_value"]
    assert p == pytest.approx(exact["p"], rel=1e-9)
    row = pooled(result, "odds_ratio", "conditional")
    within_uniroot(row["estimate"], exact["common_or_conditional_mle"])
    within_uniroot(row["ci_low"], exact["ci"]["lower"])
    within_uniroot(row["ci_high"], exact["ci"]["upper"])


TABLES = [TwoByTwo(20, 27, 8, 71), TwoByTwo(21, 22, 8, 28), TwoByTwo(0, 5, 3, 4)]


def test_the_exact_common_odds_ratio_solves_its_equations() -> None:
    """In whole numbers: the polynomial whose coefficients are the weights of the sum."""
    distribution = conditional_of(TABLES)
    found = conditional_odds_ratio(distribution, 0.95)
    product, first = [1], 0
    for t in TABLES:
        n1, n0, m = t.a + t.b, t.c + t.d, t.a + t.c
        low = max(0, m - n0)
        own = [math.comb(n1, k) * math.comb(n0, m - k) for k in range(low, min(n1, m) + 1)]
        first += low
        grown = [0] * (len(product) + len(own) - 1)
        for i, x in enumerate(product):
            for j, y in enumerate(own):
                grown[i + j] += x * y
        product = grown
    seen = sum(t.a for t in TABLES)

    def sums(odds: float) -> tuple[float, float, float]:
        weight = {first + k: w * Fraction(odds) ** k for k, w in enumerate(product)}
        total = sum(weight.values())
        return (
            float(sum(k * w for k, w in weight.items()) / total),
            float(sum(w for k, w in weight.items() if k >= seen) / total),
            float(sum(w for k, w in weight.items() if k <= seen) / total),
        )

    assert sums(found.estimate)[0] == pytest.approx(seen, rel=1e-11)
    assert sums(found.low)[1] == pytest.approx(0.025, rel=1e-10)
    assert sums(found.high)[2] == pytest.approx(0.025, rel=1e-10)
    whole = sum(product)
    at_most = product[seen - first] * (1 + 1e-7)
    p = Fraction(sum(w for w in product if w <= at_most), whole)
    assert fisher_p(distribution) == pytest.approx(float(p), rel=1e-12)


@pytest.mark.parametrize("seed", range(6))
def test_agreement_with_statsmodels(seed: int) -> None:
    rng = np.random.default_rng(seed)
    tables = [TwoByTwo(*(int(v) for v in rng.integers(1, 30, 4))) for _ in range(2 + seed)]
    strata = Strata.of(tables)
    other = StratifiedTable([np.array([[t.a, t.b], [t.c, t.d]], float) for t in tables])
    common = pooled_odds_ratio(strata, 0.95)
    assert common.estimate == pytest.approx(other.oddsratio_pooled, rel=1e-12)
    assert common[1:] == pytest.approx(other.oddsratio_pooled_confint(), rel=1e-10)
    assert pooled_risk_ratio(strata, 0.95).estimate == pytest.approx(
        other.riskratio_pooled, rel=1e-12
    )
    for continuity in (False, True):
        test = other.test_null_odds(correction=continuity)
        found = cochran_mantel_haenszel(strata, continuity=continuity)
        assert found.statistic == pytest.approx(test.statistic, rel=1e-10)
    for tarone in (False, True):
        test = other.test_equal_odds(adjust=tarone)
        found = breslow_day(strata, common.estimate, tarone=tarone)
        assert found.statistic == pytest.approx(test.statistic, rel=1e-8)
        assert found.p_value == pytest.approx(test.pvalue, rel=1e-7)


def test_one_stratum_is_the_plain_table() -> None:
    s = Strata.of([TwoByTwo(12, 8, 5, 15)])
    assert pooled_odds_ratio(s, 0.95).estimate == pytest.approx(12 * 15 / (8 * 5))
    gap = pooled_risk_difference(s, 0.95)
    error = math.sqrt(0.6 * 0.4 / 20 + 0.25 * 0.75 / 20)  # groups of one size: Sato is Wald
    assert gap.estimate == pytest.approx(0.35)
    assert gap.high - gap.estimate == pytest.approx(1.959963984540054 * error)


def test_matched_pairs_are_mcnemars() -> None:
    """Strata of one exposed and one unexposed: OR = r/s, CMH = (r - s)^2/(r + s), and the risk
    difference has McNemar's variance."""
    r, s, both, none = 17, 6, 9, 28
    tables = (
        [TwoByTwo(1, 0, 0, 1)] * r + [TwoByTwo(0, 1, 1, 0)] * s
        + [TwoByTwo(1, 0, 1, 0)] * both + [TwoByTwo(0, 1, 0, 1)] * none
    )  # fmt: skip
    strata, n = Strata.of(tables), r + s + both + none
    assert pooled_odds_ratio(strata, 0.95).estimate == pytest.approx(r / s)
    spread = math.log(pooled_odds_ratio(strata, 0.95).high * s / r) / 1.959963984540054
    assert spread == pytest.approx(math.sqrt(1 / r + 1 / s))
    found = cochran_mantel_haenszel(strata, continuity=False)
    assert found.statistic == pytest.approx((r - s) ** 2 / (r + s))
    gap = pooled_risk_difference(strata, 0.95)
    assert gap.estimate == pytest.approx((r - s) / n)
    error = math.sqrt((r + s) - (r - s) ** 2 / n) / n
    assert gap.high - gap.estimate == pytest.approx(1.959963984540054 * error)


def test_oesophageal_cancer_and_alcohol_in_ille_et_vilaine() -> None:
    """Breslow & Day 1980, chapter IV: 80 g of alcohol a day or more, six age strata. The odds
    ratio as printed there; the tests of agreement as printed by other programs (two decimals)."""
    cells = [
        (1, 9, 0, 106), (4, 26, 5, 164), (25, 29, 21, 138), (42, 27, 34, 139), (19, 18, 36, 88),
        (5, 0, 8, 31),
    ]  # fmt: skip
    strata = Strata.of([TwoByTwo(*four) for four in cells])
    common = pooled_odds_ratio(strata, 0.95)
    assert common.estimate == pytest.approx(5.158, abs=5e-4)
    assert common[1:] == pytest.approx((3.56, 7.47), abs=5e-3)
    for tarone, statistic, p in ((False, 9.32, 0.0968), (True, 9.30, 0.0977)):
        found = breslow_day(strata, common.estimate, tarone=tarone)
        assert found.statistic == pytest.approx(statistic, abs=5e-3)
        assert (found.df, found.p_value) == (5, pytest.approx(p, abs=5e-5))

"""2 x 2 tables against R (the `twobytwo` files), whole-number sums, Newcombe and Altman.

R's conditional odds ratio and its exact limits come from uniroot with its default tolerance of
1.22e-4, absolute, in the odds ratio (in its inverse above 1): the files carry that error, so those
numbers are compared with R on that scale and, to 1e-12, with sums in whole numbers.
"""

from __future__ import annotations

import math
from fractions import Fraction

import pandas as pd
import pytest

from stats.conditional_odds import conditional_odds_ratio, conditional_of, fisher_p
from stats.proportions import newcombe_difference, score_difference, score_ratio, wilson
from stats.two_by_two import chi_squares, two_by_two
from stats.two_levels import TwoByTwo
from tests.reference.frames import HERE, number, truth

FILES = ["melanoma__twobytwo", "synth_messy__twobytwo", "synth_trial__twobytwo"]
UNIROOT = 1.23e-4


def frame(dataset: str) -> pd.DataFrame:
    found = pd.read_csv(HERE / "data" / f"{dataset}.csv", dtype="str", keep_default_na=False,
                        na_values=["", "NA"])  # fmt: skip
    if dataset == "melanoma":
        found["dm"] = (found["status"] == "1").map({True: "1", False: "0"})
    return found


def compute(name: str) -> tuple[dict[str, object], object]:
    found = truth(name)
    options = found["options"]
    result = two_by_two(
        frame(found["dataset"]), exposure=options["exposure"], outcome=options["outcome"],
        exposed=options["exposed"], event=options["event"], ci_level=options["conf_level"],
    )  # fmt: skip
    return found["results"], result


def measure(result: object, name: str, method: str) -> pd.Series:
    table = result.measures
    return table[(table["measure"] == name) & (table["method"] == method)].iloc[0]


def agree(row: pd.Series, estimate: object, limits: dict[str, object], rel: float = 1e-7) -> None:
    assert row["estimate"] == pytest.approx(number(estimate), rel=rel, abs=1e-15)
    if not math.isfinite(number(limits["upper"])):  # R prints 0 to NaN: no interval
        assert math.isnan(row["ci_low"])
        assert math.isnan(row["ci_high"])
        return
    assert row["ci_low"] == pytest.approx(number(limits["lower"]), rel=rel, abs=1e-12)
    assert row["ci_high"] == pytest.approx(number(limits["upper"]), rel=rel)


@pytest.mark.parametrize("name", FILES)
def test_counts_and_risks_agree_with_r(name: str) -> None:
    expected, result = compute(name)
    assert result.counts["n"].tolist() == [expected["table"][k] for k in "abcd"]
    assert result.n_used == expected["n_used"]
    assert result.n_used + sum(result.exclusions.values()) == result.n_rows
    for who in ("risk_exposed", "risk_unexposed"):
        for method in ("exact", "wilson"):
            row = measure(result, who, method)
            agree(row, expected[who]["estimate"], expected[who][method])
            assert (row["x"], row["n"]) == (expected[who]["x"], expected[who]["n"])


@pytest.mark.parametrize("name", FILES)
def test_ratios_and_differences_agree_with_r(name: str) -> None:
    expected, result = compute(name)
    sample, haldane = expected["odds_ratio_sample"], expected["odds_ratio_haldane_0.5"]
    agree(measure(result, "odds_ratio", "log"), sample["estimate"], sample["wald_ci"])
    agree(measure(result, "odds_ratio", "log, 0.5 added"), haldane["estimate"], haldane["wald_ci"])
    plain, half = expected["risk_ratio"], expected["risk_ratio_0.5"]
    agree(measure(result, "risk_ratio", "log"), plain["estimate"], plain["log_wald_ci"])
    agree(measure(result, "risk_ratio", "log, 0.5 added"), half["estimate"], half["ci"])
    gap = expected["risk_difference"]
    for method, key in (
        ("newcombe", "newcombe_score_ci"), ("wald", "wald_ci"),
        ("miettinen-nurminen", "miettinen_nurminen_ci"),
    ):  # fmt: skip
        agree(measure(result, "risk_difference", method), gap["estimate"], gap[key])
    row, limits = (
        measure(result, "nnt", "newcombe"),
        expected["nnt"]["ci_from_newcombe_reciprocals"],
    )
    low, high = sorted((limits["a"], limits["b"]))
    agree(row, expected["nnt"]["nnt"], {"lower": low, "upper": high})
    assert row["through_infinity"] == expected["nnt"]["ci_crosses_infinity"]


@pytest.mark.parametrize("name", FILES)
def test_tests_agree_with_r(name: str) -> None:
    expected, result = compute(name)
    tests = result.tests.set_index("test")
    for key, test, statistic in (
        ("chisq", "chi_square", "chisq"), ("chisq_yates", "chi_square_yates", "chisq"),
        ("g_test", "likelihood_ratio", "g"),
    ):  # fmt: skip
        assert tests.loc[test, "statistic"] == pytest.approx(expected[key][statistic], rel=1e-10)
        assert tests.loc[test, "p_value"] == pytest.approx(expected[key]["p"], rel=1e-9)
    assert tests.loc["fisher", "p_value"] == pytest.approx(expected["fisher_p"], rel=1e-10)
    assert tests.loc["fisher_mid_p", "p_value"] == pytest.approx(
        expected["fisher_midp_p"], rel=1e-10
    )
    assert result.facts["smallest_expected"] == pytest.approx(expected["chisq"]["min_expected"])


@pytest.mark.parametrize("name", FILES)
def test_the_conditional_odds_ratio_agrees_with_r_within_its_root_finder(name: str) -> None:
    expected, result = compute(name)
    conditional = expected["odds_ratio_fisher_conditional_mle"]
    row = measure(result, "odds_ratio", "conditional")
    within_uniroot(row["estimate"], conditional["estimate"])
    within_uniroot(row["ci_low"], conditional["exact_ci"]["lower"])
    within_uniroot(row["ci_high"], conditional["exact_ci"]["upper"])


def within_uniroot(value: float, expected: object) -> None:
    """Equal as far as R's root finder went."""
    found, want = value, number(expected)
    if want > 1:
        found, want = 1 / found, 1 / want
    assert abs(found - want) <= UNIROOT


def exact_sums(table: TwoByTwo, odds: float) -> tuple[Fraction, Fraction, Fraction]:
    """E(a), P(A >= a), P(A <= a) at an odds ratio, in whole numbers."""
    psi = Fraction(odds)
    n1, n0, m = table.a + table.b, table.c + table.d, table.a + table.c
    counts = range(max(0, m - n0), min(n1, m) + 1)
    weight = {k: math.comb(n1, k) * math.comb(n0, m - k) * psi**k for k in counts}
    total = sum(weight.values())
    return (
        sum(k * w for k, w in weight.items()) / total,
        sum(w for k, w in weight.items() if k >= table.a) / total,
        sum(w for k, w in weight.items() if k <= table.a) / total,
    )


@pytest.mark.parametrize(
    "table", [TwoByTwo(41, 49, 16, 99), TwoByTwo(3, 1, 1, 3), TwoByTwo(5, 20, 9, 4)]
)
def test_the_conditional_odds_ratio_solves_its_equations(table: TwoByTwo) -> None:
    distribution = conditional_of([table])
    found = conditional_odds_ratio(distribution, 0.95)
    assert float(exact_sums(table, found.estimate)[0]) == pytest.approx(table.a, rel=1e-12)
    assert float(exact_sums(table, found.low)[1]) == pytest.approx(0.025, rel=1e-11)
    assert float(exact_sums(table, found.high)[2]) == pytest.approx(0.025, rel=1e-11)


def test_the_lady_tasting_tea() -> None:
    # Fisher 1935: 3 of 4 right; p = (1 + 16 + 16 + 1) / 70, one-sided 17/70
    distribution = conditional_of([TwoByTwo(3, 1, 1, 3)])
    assert fisher_p(distribution) == pytest.approx(34 / 70, rel=1e-14)


def test_a_table_on_which_scipy_once_gave_one() -> None:
    # [[345, 455], [260, 345]]: p 0.9567 (scipy issue 4130)
    assert fisher_p(conditional_of([TwoByTwo(345, 455, 260, 345)])) == pytest.approx(
        0.9567, abs=5e-5
    )


def test_yates_and_plain_chi_square_of_a_known_table() -> None:
    from scipy.special import chdtrc

    found = chi_squares(TwoByTwo(45, 86, 46, 101))
    assert chdtrc(1, found["chi_square_yates"]) == pytest.approx(0.679, abs=5e-4)
    assert chdtrc(1, found["chi_square"]) == pytest.approx(0.587, abs=5e-4)


@pytest.mark.parametrize(
    ("x1", "n1", "x2", "n2", "low", "high"),
    [  # Newcombe 1998, table II, method 10
        (56, 70, 48, 80, 0.0524, 0.3339), (9, 10, 3, 10, 0.1705, 0.8090),
        (10, 10, 0, 10, 0.6075, 1.0), (5, 56, 0, 29, -0.0381, 0.1926),
        (0, 10, 0, 10, -0.2775, 0.2775),
    ],
)  # fmt: skip
def test_newcombe_published_examples(
    x1: int, n1: int, x2: int, n2: int, low: float, high: float
) -> None:
    found = newcombe_difference(x1, n1, x2, n2, 0.95)
    assert found.low == pytest.approx(low, abs=6e-5)
    assert found.high == pytest.approx(high, abs=6e-5)


@pytest.mark.parametrize(
    ("x1", "n1", "x2", "n2", "low", "high"),
    [  # Newcombe 1998, table II, method 5 (Miettinen & Nurminen)
        (56, 70, 48, 80, 0.0528, 0.3382), (9, 10, 3, 10, 0.1700, 0.8406),
        (5, 56, 0, 29, -0.0326, 0.1933),
    ],
)  # fmt: skip
def test_miettinen_nurminen_published_examples(
    x1: int, n1: int, x2: int, n2: int, low: float, high: float
) -> None:
    found = score_difference(x1, n1, x2, n2, 0.95)
    assert found.low == pytest.approx(low, abs=6e-5)
    assert found.high == pytest.approx(high, abs=6e-5)


@pytest.mark.parametrize(
    ("x1", "n1", "x2", "n2"), [(56, 70, 48, 80), (0, 14, 9, 30), (3, 7, 3, 7), (40, 41, 2, 50)]
)
def test_miettinen_nurminen_limits_have_the_score_of_the_level(
    x1: int, n1: int, x2: int, n2: int
) -> None:
    """At each limit, with the likelihood maximised numerically under p1 = p2 + limit."""
    from scipy.optimize import minimize_scalar
    from scipy.special import xlog1py, xlogy

    for limit in score_difference(x1, n1, x2, n2, 0.95)[1:]:

        def minus_loglik(p2: float, limit: float = limit) -> float:
            p1 = p2 + limit
            return -float(
                xlogy(x1, p1) + xlog1py(n1 - x1, -p1) + xlogy(x2, p2) + xlog1py(n2 - x2, -p2)
            )

        bounds = max(0.0, -limit) + 1e-12, min(1.0, 1.0 - limit) - 1e-12
        p2 = minimize_scalar(minus_loglik, bounds=bounds, options={"xatol": 1e-12}).x
        p1 = p2 + limit
        n = n1 + n2
        variance = (p1 * (1 - p1) / n1 + p2 * (1 - p2) / n2) * n / (n - 1)
        z = (x1 / n1 - x2 / n2 - limit) / math.sqrt(variance)
        assert abs(z) == pytest.approx(1.959963984540054, rel=1e-5)


def test_number_needed_across_zero_as_altman_has_it() -> None:
    # Altman 1998: difference 0.05 with interval -0.05 to 0.15 reads NNT(benefit) 20,
    # NNT(harm) 20 to infinity to NNT(benefit) 6.7
    data = pd.DataFrame(
        {"x": ["1"] * 40 + ["0"] * 40, "y": ["1"] * 20 + ["0"] * 20 + ["1"] * 18 + ["0"] * 22}
    )
    result = two_by_two(data, exposure="x", outcome="y")
    gap, nnt = measure(result, "risk_difference", "newcombe"), measure(result, "nnt", "newcombe")
    assert nnt["estimate"] == pytest.approx(20.0)
    assert nnt["through_infinity"]
    assert nnt["ci_low"] == pytest.approx(1 / gap["ci_low"])
    assert nnt["ci_high"] == pytest.approx(1 / gap["ci_high"])
    assert "nnt_through_infinity" in {n.code for n in result.notes}


def test_wilson_published_example() -> None:
    # Newcombe 1998 (Stat Med 17:857), method 3: 81/263 -> 0.2553 to 0.3662; 0/20 -> 0 to 0.1611
    assert wilson(81, 263, 0.95)[1:] == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert wilson(0, 20, 0.95)[1:] == pytest.approx((0.0, 0.1611), abs=5e-5)


def test_koopman_published_example() -> None:
    # Koopman 1984: 36/40 against 16/80, 95 % interval 2.94 to 7.15
    found = score_ratio(36, 40, 16, 80, 0.95)
    assert found[1:] == pytest.approx((2.94, 7.15), abs=5e-3)


@pytest.mark.parametrize(
    ("x1", "n1", "x2", "n2"), [(36, 40, 16, 80), (41, 90, 16, 115), (5, 10, 5, 10)]
)
def test_koopman_agrees_with_statsmodels(x1: int, n1: int, x2: int, n2: int) -> None:
    from statsmodels.stats.proportion import confint_proportions_2indep

    other = confint_proportions_2indep(
        x1, n1, x2, n2, compare="ratio", method="score", correction=False
    )
    assert score_ratio(x1, n1, x2, n2, 0.95)[1:] == pytest.approx(other, rel=1e-9)


@pytest.mark.parametrize(("x1", "n1", "x2", "n2"), [(10, 10, 9, 30), (0, 14, 9, 30), (3, 9, 2, 50)])
def test_koopman_limits_have_the_score_of_the_level(x1: int, n1: int, x2: int, n2: int) -> None:
    """At each limit, with the likelihood maximised numerically under p1 = limit x p2."""
    from scipy.optimize import minimize_scalar
    from scipy.special import xlog1py, xlogy

    for limit in score_ratio(x1, n1, x2, n2, 0.95)[1:]:
        if limit == 0.0:
            continue

        def minus_loglik(p2: float, limit: float = limit) -> float:
            p1 = limit * p2
            return -float(
                xlogy(x1, p1) + xlog1py(n1 - x1, -p1) + xlogy(x2, p2) + xlog1py(n2 - x2, -p2)
            )

        bounds = 1e-12, min(1.0, 1.0 / limit) - 1e-12
        p2 = minimize_scalar(minus_loglik, bounds=bounds, options={"xatol": 1e-13}).x
        p1 = limit * p2
        variance = p1 * (1 - p1) / n1 + limit**2 * p2 * (1 - p2) / n2
        z = (x1 / n1 - limit * x2 / n2) / math.sqrt(variance)
        assert abs(z) == pytest.approx(1.959963984540054, rel=1e-5)

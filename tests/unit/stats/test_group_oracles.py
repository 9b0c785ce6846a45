"""Closed forms, enumerations and independent libraries behind cohort tables and comparisons."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pandas as pd
import pytest
import scipy.stats as ss
from numpy.testing import assert_allclose
from scipy.special import gammaln

from stats import effect_sizes as es
from stats.balance import smd_of_shares
from stats.cohort import describe_cohort
from stats.compare import compare_groups
from stats.cross_table import fisher_test, occupied
from stats.exact_ranks import exact_binomial_p, exact_rank_sum_p, exact_signed_rank_p
from stats.exact_table import exact_table_p
from stats.grouped import quantile, summarise_values
from stats.hodges_lehmann import hodges_lehmann_shift, pseudo_median
from stats.mean_tests import mean_difference, variance_table
from stats.normality import shapiro_wilk
from stats.paired_table import bowker, cochran_q, mcnemar
from stats.rank_tests import (
    friedman,
    mann_whitney,
    rank_groups,
    rank_signed,
    rank_within,
    tidy_differences,
    wilcoxon_signed_rank,
)
from stats.stopping import stoppable
from stats.studentized_range import studentized_range_ppf, studentized_range_sf

RNG = np.random.default_rng(11)


# exact tests against enumeration


@pytest.mark.parametrize("seed", range(6))
def test_exact_mann_whitney_counts_every_arrangement_with_ties(seed):
    rng = np.random.default_rng(seed)
    x, y = (
        np.sort(rng.integers(0, 5, 4)).astype(float),
        np.sort(rng.integers(1, 6, 5)).astype(float),
    )
    ranks = rank_groups([x, y])
    pooled = ss.rankdata(np.concatenate([x, y]))
    sums = np.array([pooled[list(c)].sum() for c in itertools.combinations(range(9), 4)])
    seen = pooled[:4].sum()
    middle = 4 * 10 / 2
    expected = np.mean(np.abs(sums - middle) >= abs(seen - middle) - 1e-9)
    found = exact_rank_sum_p(ranks.ties, 4, 5, ranks.u_of(0))
    assert_allclose(found, expected, rtol=1e-12)
    swapped = rank_groups([y, x])
    assert_allclose(exact_rank_sum_p(swapped.ties, 5, 4, swapped.u_of(0)), expected, rtol=1e-12)


@pytest.mark.parametrize("seed", range(6))
def test_exact_wilcoxon_counts_every_sign(seed):
    rng = np.random.default_rng(seed)
    gaps = rng.integers(-4, 7, 9).astype(float)
    ranks = rank_signed(gaps)
    kept = gaps[gaps != 0]
    own = ss.rankdata(np.abs(kept))
    sums = np.array([own @ signs for signs in itertools.product([0, 1], repeat=len(kept))])
    seen, middle = own[kept > 0].sum(), own.sum() / 2
    expected = np.mean(np.abs(sums - middle) >= abs(seen - middle) - 1e-9)
    assert_allclose(exact_signed_rank_p(ranks.ties, ranks.positive), expected, rtol=1e-12)


def enumerated(table):
    """p of Fisher, Freeman and Halton by listing every table with these margins."""
    rows, columns = table.sum(axis=1).astype(int), table.sum(axis=0).astype(int)
    limit = -sum(math.lgamma(c + 1) for c in table.ravel()) + 1e-7
    total = low = 0.0

    def fill(i, left, weight):
        nonlocal total, low
        if i == len(rows) - 1:
            weight -= sum(math.lgamma(c + 1) for c in left)
            total += math.exp(weight)
            low += math.exp(weight) * (weight <= limit)
            return
        for cells in itertools.product(*[range(min(rows[i], m) + 1) for m in left[:-1]]):
            last = rows[i] - sum(cells)
            if 0 <= last <= left[-1]:
                row = [*cells, last]
                fill(i + 1, [m - c for m, c in zip(left, row, strict=True)],
                     weight - sum(math.lgamma(c + 1) for c in row))  # fmt: skip

    fill(0, list(columns), 0.0)
    return low / total


@pytest.mark.parametrize("shape", [(3, 3), (4, 3), (3, 4), (5, 3), (4, 4)])
def test_exact_tables_agree_with_enumeration_and_with_simulation(shape):
    rng = np.random.default_rng(sum(shape))
    table = occupied(rng.multinomial(13, np.full(math.prod(shape), 1 / math.prod(shape)))
                     .reshape(shape).astype(float))  # fmt: skip
    p, error = exact_table_p(table, seed=1)
    assert math.isnan(error)
    assert_allclose(p, enumerated(table), rtol=1e-10)
    assert_allclose(fisher_test(table.T, seed=1).p_value, p, rtol=1e-10)


def test_large_tables_are_simulated_with_a_stated_error():
    table = np.full((6, 5), 60.0)
    table[0, 0], table[1, 1] = 95.0, 90.0
    p, error = exact_table_p(table, seed=1)
    assert error > 0
    rows, columns = table.sum(axis=1).astype(int), table.sum(axis=0).astype(int)
    drawn = ss.random_table(rows, columns, seed=2).rvs(5_000, method="patefield")
    weights = -gammaln(drawn + 1.0).sum(axis=(1, 2))
    expected = float((weights <= -gammaln(table + 1.0).sum() + 1e-7).mean())
    assert abs(p - expected) < 5 * math.hypot(error, math.sqrt(expected * (1 - expected) / 5_000))
    assert exact_table_p(table, seed=1) == (p, error)


def test_long_exact_work_can_be_stopped():
    class Stop(Exception):
        pass

    def stop():
        raise Stop

    table = np.array([[50, 40, 18], [39, 41, 13], [17, 21, 7], [6, 4, 4]], dtype=float)
    with stoppable(stop), pytest.raises(Stop):
        exact_table_p(table, seed=1)
    ranks = rank_groups([np.arange(30.0), np.arange(15.0, 60.0)])
    with stoppable(stop), pytest.raises(Stop):
        exact_rank_sum_p(ranks.ties, 30, 45, ranks.u_of(0))


# estimates against enumeration


@pytest.mark.parametrize("sizes", [(6, 9), (400, 700)])
def test_hodges_lehmann_is_the_median_of_all_differences(sizes):
    x, y = (np.sort(RNG.normal(i, 1, n).round(2)) for i, n in enumerate(sizes))
    found = hodges_lehmann_shift(x, y, rank_groups([x, y]), ci_level=0.95)
    every = np.sort(np.subtract.outer(x, y).ravel())
    assert_allclose(found.estimate, np.median(every), atol=1e-12)
    assert np.abs(every - found.low).min() < 1e-12
    assert np.abs(every - found.high).min() < 1e-12


def test_hodges_lehmann_of_very_many_ties():
    x, y = np.repeat([1.0, 2.0, 3.0], 400), np.repeat([1.0, 3.0], 500)
    found = hodges_lehmann_shift(x, y, rank_groups([x, y]), ci_level=0.95)
    assert found.estimate == np.median(np.subtract.outer(x, y))
    assert {found.low, found.high} <= set(np.subtract.outer(x, y).ravel().tolist())
    gaps = np.repeat([-1.0, 0.0, 1.0, 2.0], 300)
    middle = pseudo_median(gaps, rank_signed(gaps), ci_level=0.95)
    i, j = np.triu_indices(len(gaps))
    assert middle.estimate == np.median((gaps[i] + gaps[j]) / 2)


@pytest.mark.parametrize("n", [8, 600])
def test_pseudo_median_is_the_median_of_walsh_averages(n):
    gaps = RNG.normal(0.3, 1, n).round(3)
    found = pseudo_median(gaps, rank_signed(gaps), ci_level=0.95)
    i, j = np.triu_indices(n)
    assert_allclose(found.estimate, np.median((gaps[i] + gaps[j]) / 2), atol=1e-12)


@pytest.mark.parametrize(("n1", "n2"), [(5, 7), (10, 10), (30, 12)])
def test_limits_of_the_shift_invert_the_exact_test(n1, n2):
    """Just inside a limit the shift is not rejected, just outside it is."""
    x, y = np.sort(RNG.normal(0.5, 1, n1)), np.sort(RNG.normal(0, 1, n2))
    found = hodges_lehmann_shift(x, y, rank_groups([x, y]), ci_level=0.95)
    for limit, outward in ((found.low, -1e-9), (found.high, 1e-9)):
        p = [mann_whitney(rank_groups([x - limit - s, y])).p_value for s in (-outward, outward)]
        assert p[0] > 0.05 >= p[1]


def test_too_few_pairs_have_no_limits():
    gaps = np.array([1.0, 2.0, 3.0])
    found = pseudo_median(gaps, rank_signed(gaps), ci_level=0.95)
    assert found.estimate == 2.0
    assert math.isnan(found.low)


# distributions


@pytest.mark.parametrize(("q", "k", "df"), [(3.5, 3, 20), (0.5, 4, 5), (8, 10, 12), (5, 5, 2)])
def test_studentized_range_agrees_with_scipy(q, k, df):
    assert_allclose(studentized_range_sf(q, k, df), ss.studentized_range.sf(q, k, df), rtol=1e-8)
    level = studentized_range_sf(q, k, df)
    assert_allclose(studentized_range_ppf(1 - level, k, df), q, rtol=1e-9)


def test_studentized_range_of_two_groups_is_students_t():
    for t, df in ((2.1, 9.0), (0.3, 3.0), (12.0, 30.0)):
        expected = 2 * ss.t.sf(t, df)
        assert_allclose(studentized_range_sf(t * math.sqrt(2), 2, df), expected, rtol=1e-8)


@pytest.mark.parametrize("n", [3, 4, 5, 6, 11, 12, 50, 500, 4999])
def test_shapiro_agrees_with_scipy(n):
    x = np.sort(np.random.default_rng(n).gamma(2, size=n))
    found, expected = shapiro_wilk(x), ss.shapiro(x)
    assert_allclose(found.statistic, expected.statistic, rtol=1e-8)
    assert_allclose(found.p_value, expected.pvalue, rtol=1e-6)
    moved = shapiro_wilk(1e6 + 1e-3 * x)
    assert_allclose(moved.statistic, found.statistic, rtol=1e-5)


@pytest.mark.parametrize(
    ("t", "df"), [(2.1, 20), (-1.8, 203), (0.0, 5), (-4.06, 9), (12, 3), (40, 1), (-300, 30)]
)
def test_noncentral_limits_lie_at_the_tails(t, df):
    low, high = es.noncentral_t_limits(t, df, 0.95)
    assert low < high
    mirrored = es.noncentral_t_limits(-t, df, 0.95)
    assert_allclose([low, high], [-mirrored[1], -mirrored[0]], rtol=1e-9, atol=1e-9)
    if t >= 0:
        tails = [ss.nct.sf(t, df, low), ss.nct.cdf(t, df, high)]
        assert_allclose(tails, 0.025, rtol=1e-6)


def test_noncentral_f_and_chi_square_limits_lie_at_the_tails():
    low, high = es.noncentral_f_limits(11.3, 2, 202, 0.95)
    tails = [ss.ncf.sf(11.3, 2, 202, low), ss.ncf.cdf(11.3, 2, 202, high)]
    assert_allclose(tails, 0.025, rtol=1e-8)
    low, high = es.noncentral_chi_square_limits(27.0, 2, 0.95)
    assert_allclose([ss.ncx2.sf(27, 2, low), ss.ncx2.cdf(27, 2, high)], 0.025, rtol=1e-8)
    assert es.noncentral_f_limits(0.1, 2, 30, 0.95)[0] == 0


def test_superiority_reaches_its_ends_with_one_sided_limits():
    assert es.superiority(0.0, 5, 5, 0.95)[1:3] == (0.0, 0.0)
    found = es.superiority(25.0, 5, 5, 0.95)
    assert found.estimate == found.high == 1.0
    assert 0.6 < found.low < 0.7
    middle = es.superiority(12.5, 5, 5, 0.95)
    assert_allclose(middle.low + middle.high, 1.0, rtol=1e-12)


# by hand


def test_quartiles_of_one_to_ten_by_three_definitions():
    x = np.arange(1.0, 11.0)
    assert [quantile(x, s, 7) for s in (0.25, 0.5, 0.75)] == [3.25, 5.5, 7.75]
    assert [quantile(x, s, 6) for s in (0.25, 0.5, 0.75)] == [2.75, 5.5, 8.25]
    assert [quantile(x, s, 2) for s in (0.25, 0.5, 0.75)] == [3.0, 5.5, 8.0]
    for kind, method in ((7, "linear"), (6, "weibull"), (2, "averaged_inverted_cdf")):
        for n in (1, 2, 3, 5, 8, 40):
            y = np.sort(RNG.normal(size=n))
            for share in (0.25, 0.5, 0.75):
                assert_allclose(quantile(y, share, kind), np.quantile(y, share, method=method))


def test_welch_and_analysis_of_variance_by_hand():
    a, b = summarise_values(np.array([1.0, 2.0, 3.0])), summarise_values(np.array([4.0, 8.0]))
    found = mean_difference(a, b, equal_variances=False)
    assert_allclose([found.estimate, found.std_error], [-4.0, math.sqrt(1 / 3 + 8 / 2)])
    table = variance_table([a, b])
    # grand mean 3.6: between = 3 (2 - 3.6)^2 + 2 (6 - 3.6)^2 = 19.2, within = 2 + 8
    assert_allclose([table.between, table.within, table.f], [19.2, 10.0, 19.2 / (10 / 3)])


def test_distance_of_two_shares_is_the_difference_of_a_yes_no():
    """For two levels Mahalanobis is |p - q| / sqrt((p(1-p) + q(1-q)) / 2)."""
    expected = 0.4 / math.sqrt((0.3 * 0.7 + 0.7 * 0.3) / 2)
    assert_allclose(smd_of_shares(np.array([3.0, 7.0]), np.array([7.0, 3.0])), expected)
    same = smd_of_shares(np.array([3.0, 7.0, 10.0]), np.array([6.0, 14.0, 20.0]))
    assert_allclose(same, 0.0, atol=1e-12)
    assert math.isnan(smd_of_shares(np.array([3.0, 0.0]), np.array([0.0, 5.0])))
    order = [2, 0, 1]
    p, q = np.array([5.0, 3.0, 2.0]), np.array([1.0, 4.0, 9.0])
    assert_allclose(smd_of_shares(p, q), smd_of_shares(p[order], q[order]), rtol=1e-12)


def test_decimal_differences_that_are_equal_are_ties():
    """1.1 - 0.8 and 0.5 - 0.2 differ in the last bit of floating point."""
    gaps = tidy_differences(np.array([1.1, 0.5, 2.0]), np.array([0.8, 0.2, 2.0]))
    assert gaps[0] == gaps[1]
    assert gaps[2] == 0
    assert rank_signed(gaps).ties.tolist() == [2.0]


def test_paired_categories_by_hand():
    assert_allclose(mcnemar(1, 8, exact="auto", continuity=True).p_value, 2 * 10 / 2**9)
    assert exact_binomial_p(5, 10) == 1.0
    assert_allclose(mcnemar(30, 10, exact="normal", continuity=False).statistic, 400 / 40)
    table = np.array([[5.0, 2.0, 0.0], [6.0, 3.0, 0.0], [0.0, 1.0, 4.0]])
    found = bowker(table)
    assert_allclose([found.statistic, found.df], [16 / 8 + 1 / 1, 2.0])
    two = np.array([[1.0, 0.0]] * 10 + [[0.0, 1.0]] * 4 + [[1.0, 1.0]] * 3)
    expected = mcnemar(10, 4, exact="normal", continuity=False)
    assert_allclose(cochran_q(two).statistic, expected.statistic)


def test_ranks_within_blocks_agree_with_scipy():
    table = RNG.integers(0, 4, (30, 4)).astype(float)
    expected = ss.friedmanchisquare(*table.T)
    found = friedman(rank_within(table))
    assert_allclose([found.statistic, found.p_value], [expected.statistic, expected.pvalue])


def test_normal_signed_ranks_agree_with_scipy():
    gaps = RNG.normal(0.2, 1, 80).round(1)
    for continuity in (True, False):
        expected = ss.wilcoxon(gaps, correction=continuity, method="asymptotic")
        found = wilcoxon_signed_rank(rank_signed(gaps), exact="normal", continuity=continuity)
        assert_allclose(found.p_value, expected.pvalue, rtol=1e-10)


def test_paired_risk_difference_by_hand():
    """Bonett & Price: (b + 1) / (n + 2), (c + 1) / (n + 2)."""
    found = es.paired_risk_difference(12, 4, 50, 0.95)
    a, b = 13 / 52, 5 / 52
    half = 1.959963984540054 * math.sqrt((a + b - (a - b) ** 2) / 52)
    assert_allclose(found[1:], [8 / 50, a - b - half, a - b + half], rtol=1e-12)


def test_the_event_decides_the_sign_of_a_risk_difference():
    frame = pd.DataFrame({"d": ["yes"] * 6 + ["no"] * 4 + ["yes"] * 2 + ["no"] * 8,
                          "g": ["a"] * 10 + ["b"] * 10})  # fmt: skip
    found = [
        compare_groups(frame, value="d", group="g", event=event).effects["estimate"].iloc[0]
        for event in (None, "yes", "no")
    ]
    assert_allclose(found, [0.4, 0.4, -0.4])


def test_integers_that_are_categories_stay_categories():
    frame = pd.DataFrame({"site": pd.Categorical([1, 2, 10, 10]), "x": [1.0, 2.0, 3.0, 4.0]})
    summary = describe_cohort(frame, variables=["site"]).summary
    levels = summary.loc[summary["stat"] == "percent", "level"].tolist()
    assert levels == ["1", "2", "10"]


def test_each_variable_uses_its_own_known_values():
    """One column of missing values changes nothing for the others."""
    frame = pd.DataFrame({"g": ["a", "b"] * 20, "x": np.arange(40.0)})
    more = frame.assign(y=np.where(np.arange(40) < 37, np.nan, 1.0))
    one = describe_cohort(frame, group="g", variables=["x"]).summary
    two = describe_cohort(more, group="g", variables=["x", "y"]).summary
    two = two[two["variable"] == "x"].reset_index(drop=True)
    pd.testing.assert_frame_equal(one, two)


def test_ordered_levels_have_ranks_but_no_distances():
    levels = ["low", "middle", "high"]
    rng = np.random.default_rng(0)
    columns = {n: pd.Categorical(rng.choice(levels, 40), levels, ordered=True) for n in "abc"}
    frame = pd.DataFrame(columns | {"g": rng.choice(["p", "q", "r"], 40)})
    for choices in (
        {"value": ["a", "b", "c"]},
        {"value": "a", "group": "g", "posthoc": "mann-whitney"},
    ):
        pairs = compare_groups(frame, **choices).pairwise
        assert pairs["p_adjusted"].notna().all()
        assert pairs["estimate"].isna().all()
    two = compare_groups(frame, value=["a", "b"])
    assert "equal_steps" in {note.code for note in two.notes}
    assert two.effects["measure"].tolist() == ["rank-biserial correlation"]

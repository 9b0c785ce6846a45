"""Correlations against R's cor.test (`correlation` files), scipy, and enumeration."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
import scipy.stats
from statsmodels.stats.multitest import multipletests

from stats.correlated import average_ranks
from stats.correlation import correlate
from stats.kendall import inversions, kendall_tau
from stats.multiplicity import adjusted_p
from stats.spearman import spearman_p
from tests.reference.frames import truth
from tests.reference.models import data

FILES = ["urine__correlation", "sleep__correlation"]


def compute(name: str, method: str, **choices: object) -> tuple[list[dict], pd.DataFrame]:
    found = truth(name)
    result = correlate(
        data(found["dataset"]), variables=found["options"]["variables"], method=method, **choices
    )
    return found["results"]["pairs"], result.pairs


def same(value: float, expected: float, rel: float = 1e-8) -> None:
    assert value == pytest.approx(expected, rel=rel)


@pytest.mark.parametrize("name", FILES)
def test_pearson_agrees_with_r(name: str) -> None:
    expected, pairs = compute(name, "pearson")
    assert len(expected) == len(pairs)
    for want, (_, row) in zip(expected, pairs.iterrows(), strict=True):
        assert (row["variable_a"], row["variable_b"]) == (want["x"], want["y"])
        assert row["n"] == want["n_used"]
        own = want["pearson"]
        same(row["coefficient"], own["r"], 1e-12)
        same(row["statistic"], own["t"], 1e-10)
        assert row["df"] == own["df"]
        same(row["p_value"], own["p"])
        same(row["ci_low"], own["ci_fisher_z"]["lower"], 1e-10)
        same(row["ci_high"], own["ci_fisher_z"]["upper"], 1e-10)


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize(
    ("interval", "key"),
    [
        ("fisher", "ci_fisher_z_1_over_n_minus_3"), ("bonett_wright", "ci_bonett_wright"),
        ("fieller", "ci_fieller"),
    ],
)  # fmt: skip
def test_spearman_agrees_with_r(name: str, interval: str, key: str) -> None:
    expected, pairs = compute(name, "spearman", interval=interval)
    _, approximate = compute(name, "spearman", interval=interval, exact=False)
    for i, want in enumerate(expected):
        own, row = want["spearman"], pairs.iloc[i]
        same(row["coefficient"], own["rho"], 1e-12)
        same(row["ci_low"], own[key]["lower"], 1e-10)
        same(row["ci_high"], own[key]["upper"], 1e-10)
        same(row["p_value"], own["p_r_default"])
        same(approximate.iloc[i]["p_value"], own["p_t_approx"])
        assert row["test"] == ("t" if want["ties"] else "series")


@pytest.mark.parametrize("name", FILES)
def test_kendall_agrees_with_r(name: str) -> None:
    expected, pairs = compute(name, "kendall")
    _, approximate = compute(name, "kendall", exact=False)
    for i, want in enumerate(expected):
        own = want["kendall"]
        same(pairs.iloc[i]["coefficient"], own["tau_b"], 1e-12)
        same(approximate.iloc[i]["statistic"], own["z"], 1e-10)
        same(approximate.iloc[i]["p_value"], own["p_normal"])
        if "p_exact" in own:
            same(pairs.iloc[i]["p_value"], own["p_exact"])
            assert pairs.iloc[i]["test"] == "exact"


@pytest.mark.parametrize("method", ["pearson", "spearman"])
def test_partial_correlations_agree_with_r(method: str) -> None:
    for want in truth("urine__correlation")["results"]["partial"]:
        result = correlate(
            data("urine"), variables=[want["x"], want["y"]], given=want["given"], method=method,
            interval="fisher",
        )  # fmt: skip
        row, own = result.pairs.iloc[0], want[method]
        assert row["n"] == want["n_used"] == result.n_used
        same(row["coefficient"], own["r"], 1e-10)
        same(row["statistic"], own["t"], 1e-10)
        assert row["df"] == own["df"]
        same(row["p_value"], own["p"])
        same(row["ci_low"], own["ci_fisher_z"]["lower"])
        same(row["ci_high"], own["ci_fisher_z"]["upper"])


def test_a_correlation_by_hand() -> None:
    """x 1 2 3 4 5, y 2 1 4 3 5: r = rho = 0.8 (D = 4), tau = (8 - 2)/10."""
    frame = pd.DataFrame({"x": [1, 2, 3, 4, 5.0], "y": [2, 1, 4, 3, 5.0]})
    for method, expected in (("pearson", 0.8), ("spearman", 0.8), ("kendall", 0.6)):
        row = correlate(frame, variables=["x", "y"], method=method).pairs.iloc[0]
        assert row["coefficient"] == pytest.approx(expected)
    # 16 of the 120 orders have D of 4 or more extreme on either side: counted below
    exact = correlate(frame, variables=["x", "y"], method="spearman").pairs.iloc[0]
    assert exact["p_value"] == pytest.approx(enumerated(4, 5))


def enumerated(distance: int, n: int) -> float:
    """Two-sided p of D by all orders."""
    base = np.arange(n)
    sums = np.array([((base - p) ** 2).sum() for p in itertools.permutations(base)])
    return min(1.0, 2 * min((sums <= distance).mean(), (sums >= distance).mean()))


@pytest.mark.parametrize("n", [3, 4, 5, 6, 7])
def test_exact_spearman_p_is_the_enumeration(n: int) -> None:
    most = (n**3 - n) // 3
    reached = {sum((i - j) ** 2 for i, j in enumerate(p)) for p in itertools.permutations(range(n))}
    for distance in sorted(reached):
        rho = 1 - 2 * distance / most
        assert spearman_p(rho, n) == pytest.approx(enumerated(distance, n), rel=1e-12)


@pytest.mark.parametrize("n", [12, 40])
def test_the_series_is_near_a_simulation(n: int) -> None:
    rng = np.random.default_rng(5)
    orders = np.argsort(rng.random((40_000, n)), axis=1)
    sums = ((orders - np.arange(n)) ** 2).sum(axis=1)
    most = (n**3 - n) // 3
    for share in (0.02, 0.2):
        distance = int(np.quantile(sums, share))
        distance -= distance % 2
        simulated = 2 * (sums <= distance).mean()
        assert spearman_p(1 - 2 * distance / most, n) == pytest.approx(simulated, abs=0.006)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("n", [3, 7, 25, 300])
def test_kendall_agrees_with_scipy(n: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    x, y = rng.integers(0, max(3, n // 4), n).astype(float), rng.normal(size=n).round(1)
    if len(np.unique(x)) < 2 or len(np.unique(y)) < 2:
        x = np.arange(float(n))
    found = kendall_tau(x, y, exact=False)
    other = scipy.stats.kendalltau(x, y, method="asymptotic")
    assert found.tau == pytest.approx(other.statistic, rel=1e-12, abs=1e-15)
    assert found.p_value == pytest.approx(other.pvalue, rel=1e-9)
    u, v = rng.permutation(n).astype(float), rng.permutation(n).astype(float)
    if n < 50:
        exact = kendall_tau(u, v, exact=True)
        other = scipy.stats.kendalltau(u, v, method="exact")
        assert exact.p_value == pytest.approx(other.pvalue, rel=1e-9)
    pairs = sum(v[i] > v[j] for i in range(n) for j in range(i + 1, n)) if n < 50 else None
    if pairs is not None:
        assert inversions(v.astype(np.int64)) == pairs


@pytest.mark.parametrize("seed", range(4))
def test_ranks_and_adjustments_agree_with_scipy_and_statsmodels(seed: int) -> None:
    rng = np.random.default_rng(seed)
    values = rng.integers(0, 9, 40).astype(float)
    ranks, tied = average_ranks(values)
    assert tied
    np.testing.assert_array_equal(ranks, scipy.stats.rankdata(values))
    p = rng.random(12) ** 3
    p[3] = p[7]
    for method, other in (("holm", "holm"), ("bonferroni", "bonferroni"), ("bh", "fdr_bh")):
        np.testing.assert_allclose(
            adjusted_p(p, method), multipletests(p, method=other)[1], rtol=1e-12
        )

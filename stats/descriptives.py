"""Predictors described by outcome group, with a test each.

Groups are the two levels of the outcome and both together (every row with a known outcome).
Percentages are over the non-missing, quartiles of type 7. Continuous variables have the Welch
t test (event minus other) and the Mann-Whitney test (U counts pairs in favour of the event);
factors Pearson's chi-square without continuity correction, or Fisher's exact test where an
expected count is below 5 (Cochran 1954). Tests that the data do not allow are NaN.

Checked against R's quantile, t.test, wilcox.test, chisq.test and fisher.test (`table1`
reference files).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from scipy.special import stdtr

from stats.contingency import chi_squares, fisher_exact
from stats.design import Bools, Floats, Term
from stats.ranks import GroupSummary, OutcomeRanks, mann_whitney_p, rank_terms
from stats.two_by_k import LevelTables, tabulate

WELCH: Final = "Welch t"
MANN_WHITNEY: Final = "Mann-Whitney"
MANN_WHITNEY_EXACT: Final = "Mann-Whitney exact"
CHI_SQUARE: Final = "chi-square"
FISHER: Final = "Fisher exact"

#: Fisher's exact test takes over below this expected count.
SMALLEST_EXPECTED: Final = 5.0

_CONTINUOUS: Final = ("n", "missing", "mean", "sd", "median", "q1", "q3", "min", "max")
_NAN: Final = math.nan
_NO_TEST: Final = (CHI_SQUARE, _NAN, _NAN, _NAN, _NAN)

Columns = dict[str, list[Any]]


def describe_by_outcome(
    terms: Sequence[Term],
    y: Bools,
    known: Bools,
    *,
    event_label: str,
    other_label: str,
    seed: int,
    ranked: Sequence[OutcomeRanks | None] | None = None,
    tables: LevelTables | None = None,
) -> tuple[Columns, Columns]:
    """The columns of `OutcomeResult.descriptives` and of `OutcomeResult.tests`.

    Parameters
    ----------
    y, known
        Event and "outcome is known", one entry per row of the file.
    event_label, other_label
        The outcome's levels, which name the groups; the group of both is None.
    seed
        For exact tests of large tables, which are simulated (then `mc_error` is the standard
        error of the p-value; it is NaN otherwise).
    ranked
        `rank_terms` of the same terms and rows, when it is at hand.
    tables
        `tabulate` of the factors with levels among the terms, when it is at hand.

    Returns two dicts of equally long lists. Descriptives: per variable its totals (level None;
    `n` is the rows with a value), then for a factor each level with `n` and `percent`; within
    these the groups other, event, None. Tests: two rows per continuous variable, one per factor.
    """
    ranks = rank_terms(terms, y, known) if ranked is None else ranked
    factors = [t for t in terms if t.kind == "factor" and t.levels]
    tables = tabulate(factors, y, known) if tables is None else tables
    place = {id(term): i for i, term in enumerate(factors)}
    tested, cells = _table_tests(tables, seed), _cells(tables)
    events = int(np.count_nonzero(y & known))
    sizes = (int(np.count_nonzero(known)) - events, events)
    groups = (other_label, event_label, None)
    described: Columns = {name: [] for name in ("variable", "level", "group", "stat", "value")}
    tests: Columns = {
        name: [] for name in ("variable", "test", "statistic", "df", "p_value", "mc_error")
    }
    for term, rank in zip(terms, ranks, strict=True):
        if rank is not None:
            _add_continuous(described, term.name, rank, sizes, groups)
            _add_rank_tests(tests, term.name, rank)
            continue
        at = place.get(id(term))
        levels = None if at is None else cells[tables.starts[at] : tables.starts[at + 1]]
        _add_factor(described, term, levels, sizes, groups)
        _add_test(tests, term.name, *(_NO_TEST if at is None else tested[at]))
    return described, tests


def _cells(tables: LevelTables) -> Floats:
    """Rows and percent at each level (a line) of the others, the events, and both."""
    cells = np.empty((len(tables.events), 6))
    if not len(cells):
        return cells
    for place, column in enumerate(
        (tables.others, tables.events, tables.others + tables.events)
    ):  # fmt: skip
        total = tables.sums(column)[tables.term_of]
        cells[:, 2 * place] = column
        cells[:, 2 * place + 1] = 100 * column / np.where(total > 0, total, _NAN)
    return cells


def _add_continuous(
    out: Columns,
    name: str,
    rank: OutcomeRanks,
    sizes: tuple[int, int],
    groups: Sequence[str | None],
) -> None:
    summaries: tuple[GroupSummary, ...] = (rank.other, rank.event, rank.overall)
    for group, summary, size in zip(groups, summaries, (*sizes, sum(sizes)), strict=True):
        out["group"] += [group] * len(_CONTINUOUS)
        out["stat"] += _CONTINUOUS
        out["value"] += [summary.n, size - summary.n, *summary[1:]]
    out["variable"] += [name] * (3 * len(_CONTINUOUS))
    out["level"] += [None] * (3 * len(_CONTINUOUS))


def _add_factor(
    out: Columns, term: Term, cells: Floats | None, sizes: tuple[int, int],
    groups: Sequence[str | None],
) -> None:  # fmt: skip
    totals = [0.0] * 3 if cells is None else cells[:, ::2].sum(axis=0).tolist()
    levels = len(term.levels)
    out["variable"] += [term.name] * (6 + 6 * levels)
    out["group"] += [group for group in groups for _ in range(2)] * (1 + levels)
    out["level"] += [None] * 6
    out["level"] += [level for level in term.levels for _ in range(6)]
    out["stat"] += ["n", "missing"] * 3 + ["n", "percent"] * (3 * levels)
    for total, size in zip(totals, (*sizes, sum(sizes)), strict=True):
        out["value"] += (total, size - total)
    if cells is not None:
        out["value"] += cells.ravel().tolist()


def _add_rank_tests(out: Columns, name: str, rank: OutcomeRanks) -> None:
    statistic, df, p_value = welch_t(rank.event, rank.other)
    _add_test(out, name, WELCH, statistic, df, p_value)
    p_value, exact = mann_whitney_p(rank)
    _add_test(
        out, name, MANN_WHITNEY_EXACT if exact else MANN_WHITNEY, rank.u_statistic, _NAN, p_value
    )


def welch_t(first: GroupSummary, second: GroupSummary) -> tuple[float, float, float]:
    """Welch's t of first minus second, its degrees of freedom (Satterthwaite) and two-sided p.

    NaN with fewer than two rows in a group, or without any variation.
    """
    if min(first.n, second.n) < 2 or not max(first.sd, second.sd) > 0:
        return _NAN, _NAN, _NAN
    a, b = first.sd * first.sd / first.n, second.sd * second.sd / second.n
    if a + b == 0:  # the squares underflow
        return _NAN, _NAN, _NAN
    t = (first.mean - second.mean) / math.sqrt(a + b)
    share = a / (a + b)
    df = 1 / (share**2 / (first.n - 1) + (1 - share) ** 2 / (second.n - 1))
    return t, df, 2 * float(stdtr(df, -abs(t)))


def _table_tests(tables: LevelTables, seed: int) -> list[tuple[str, float, float, float, float]]:
    """The test of each factor: its name, statistic, df, p-value and the error of that."""
    if not len(tables.reference):
        return []
    found = chi_squares(tables.events, tables.others, tables.starts[:-1])
    tests = [
        (CHI_SQUARE, statistic, df, p_value, _NAN)
        for statistic, df, p_value in zip(
            found.statistic.tolist(), found.df.tolist(), found.p_value.tolist(), strict=True
        )
    ]
    for t in np.flatnonzero(found.smallest_expected < SMALLEST_EXPECTED).tolist():
        own = slice(tables.starts[t], tables.starts[t + 1])
        exact = fisher_exact(tables.events[own], tables.others[own], seed=seed)
        tests[t] = (FISHER, exact.statistic, exact.df, exact.p_value, exact.mc_error)
    return tests


def _add_test(
    out: Columns, name: str, kind: str, statistic: float, df: float, p_value: float,
    mc_error: float = _NAN,
) -> None:  # fmt: skip
    for column, value in zip(
        out.values(), (name, kind, statistic, df, p_value, mc_error), strict=True
    ):
        column.append(value)

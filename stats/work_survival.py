"""How much work the survival curves are, told before they start.

First guesses fitted to runs on two cores of a server; whoever plans runs corrects them by what
finished runs took (see `stats.work`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from stats.follow_up import MOST_GROUPS
from stats.variables import Dataset
from stats.work import Work

_FIXED_BYTES: Final = 2 * 1024 * 1024


def survival_work(dataset: Dataset, choices: Mapping[str, Any]) -> tuple[Work, ...]:
    """The work of `estimate_survival`: sorting and one row of points per distinct time, then a
    test for each pair of groups."""
    n, k = dataset.n_rows, _groups(dataset, choices)
    pairs = k * (k - 1) / 2
    seconds = 2e-3 + 8e-7 * n + 5e-4 * pairs + 4e-7 * n * max(k - 1, 0)
    return (
        Work(
            rows=n, columns=k, variant="groups" if k > 1 else "", seconds=seconds,
            size_bytes=_FIXED_BYTES + 500 * n,
        ),
    )  # fmt: skip


def incidence_work(dataset: Dataset, choices: Mapping[str, Any]) -> tuple[Work, ...]:
    """The work of `estimate_incidence`: as survival, for each cause."""
    n, k = dataset.n_rows, _groups(dataset, choices)
    c = len(choices["causes"])
    pairs = k * (k - 1) / 2
    seconds = 2e-3 + 8e-7 * n * c + c * (1e-3 * pairs + 6e-7 * n * max(k - 1, 0))
    return (
        Work(
            rows=n, columns=k, variant="groups" if k > 1 else "", seconds=seconds,
            size_bytes=_FIXED_BYTES + (400 + 100 * c) * n,
        ),
    )  # fmt: skip


def _groups(dataset: Dataset, choices: Mapping[str, Any]) -> int:
    if choices["group"] is None:
        return 1
    return min(len(dataset.factor(choices["group"]).categories), MOST_GROUPS)

"""How much work a cohort table and a comparison of groups are, told before they start.

First guesses fitted to runs on two cores of a server; whoever plans runs corrects them by what
finished runs took (see `stats.work`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from stats.variables import Dataset
from stats.work import Work

_FIXED_BYTES: Final = 2 * 1024 * 1024


def cohort_work(dataset: Dataset, choices: Mapping[str, Any]) -> tuple[Work, ...]:
    """The work of `describe_cohort`: one sort per number, one count per category.

    `choices` are complete (`stats.cohort.prepare`). Offered beside it: no tests, half the columns.
    """
    n, q = dataset.n_rows, len(choices["variables"])
    found = [_cohort(n, q, tests=bool(choices["tests"]))]
    if choices["tests"]:
        found.append(_cohort(n, q, tests=False, words="no tests"))
    if q > 1:
        half = q // 2
        words = f"{half} {'variable' if half == 1 else 'variables'} without tests"
        found.append(_cohort(n, half, tests=False, words=words))
    return tuple(found)


def _cohort(rows: int, columns: int, *, tests: bool, words: str = "") -> Work:
    # a variable is sorted by group and once more as a whole; its arrays are given back before the
    # next one is looked at
    per_cell = 2.5e-8 if tests else 1.2e-8
    seconds = 2e-3 + 3e-4 * columns + per_cell * rows * columns
    size_bytes = _FIXED_BYTES + (90 if tests else 50) * rows
    return Work(
        rows=rows, columns=columns, variant="tests" if tests else "", seconds=seconds,
        size_bytes=size_bytes, words=words,
    )  # fmt: skip


def comparison_work(dataset: Dataset, choices: Mapping[str, Any]) -> tuple[Work, ...]:
    """The work of `compare_groups`: ranks, then searches for medians of differences."""
    n = dataset.n_rows
    names = choices["value"]
    q = len(names) if isinstance(names, tuple) else 2
    # an exact p counts arrangements for up to two seconds, whatever the rows
    seconds = 2.0 if choices["exact"] == "exact" else 8e-3 + 2e-6 * n
    return (
        Work(
            rows=n, columns=q, variant=str(choices["exact"]), seconds=seconds,
            size_bytes=_FIXED_BYTES + 120 * n * max(q - 1, 1),
        ),
    )  # fmt: skip

"""How much work the analyses of diagnosis and association are, told before they start.

First guesses fitted to runs on two cores of a server; whoever plans runs corrects them by what
finished runs took (see `stats.work`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stats.variables import Dataset
from stats.work import Work

_FIXED_BYTES = 2 * 1024 * 1024
_KEPT_BYTES = 48 * 1024 * 1024  # scored columns of a correlation (stats.correlation)
#: Seconds per row and pair, where values are missing.
_PER_PAIR = {"pearson": 8e-9, "spearman": 5e-8, "kendall": 6e-7}


def table_work(dataset: Dataset, _choices: Mapping[str, Any]) -> tuple[Work, ...]:
    """The work of `evaluate_test`, `two_by_two` and `stratify`: counting, then exact tables."""
    n = dataset.n_rows
    size_bytes = _FIXED_BYTES + 60 * n
    return (
        Work(rows=n, columns=2, variant="", seconds=3e-3 + 4e-7 * n, size_bytes=size_bytes),
    )  # fmt: skip


def roc_work(dataset: Dataset, choices: Mapping[str, Any]) -> tuple[Work, ...]:
    """The work of `evaluate_roc` as asked, then of fewer markers."""
    k = len(choices["markers"])
    found = [_roc(dataset.n_rows, k, "")]
    if k > 2:
        found.append(_roc(dataset.n_rows, 2, "two markers"))
    if k > 1:
        found.append(_roc(dataset.n_rows, 1, "one marker"))
    return tuple(found)


def _roc(n: int, markers: int, words: str) -> Work:
    pairs = markers * (markers - 1) / 2
    seconds = 1e-3 + 2e-4 * pairs + n * (8e-8 * markers + 2.6e-7 * pairs)
    size_bytes = _FIXED_BYTES + 80 * n + (16 * n * markers if markers > 1 else 0)
    return Work(
        rows=n, columns=markers, variant="", seconds=seconds, size_bytes=size_bytes, words=words
    )  # fmt: skip


def correlation_work(dataset: Dataset, choices: Mapping[str, Any]) -> tuple[Work, ...]:
    """The work of `correlate` as asked, then by Spearman's method and of fewer variables."""
    k, held, method = len(choices["variables"]), len(choices["given"]), choices["method"]
    found = [_correlation(dataset.n_rows, k, held, method, "")]
    if method == "kendall":
        found.append(_correlation(dataset.n_rows, k, held, "spearman", "Spearman's method"))
    if k > 3:
        words = f"{k // 2} variables"
        found.append(_correlation(dataset.n_rows, k // 2, held, method, words))
    return tuple(found)


def _correlation(n: int, variables: int, held: int, method: str, words: str) -> Work:
    pairs = variables * (variables - 1) / 2
    seconds = 5e-4 + 1e-4 * pairs + n * pairs * _PER_PAIR[method] * (1 + held)
    kept = min(_KEPT_BYTES, 8 * n * (variables + held))
    size_bytes = _FIXED_BYTES + 100 * n + 17 * n * held + kept
    return Work(
        rows=n, columns=variables, variant=method, seconds=seconds, size_bytes=size_bytes,
        words=words,
    )  # fmt: skip

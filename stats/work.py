"""How much work an analysis is, told before it starts.

Seconds and bytes here are first guesses: formulas in rows and design columns, fitted once to
runs on two cores of a server. Whoever plans runs corrects them by what finished runs took.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from stats.optimism import TIERS
from stats.selection import SCREEN, is_selection
from stats.variables import Dataset

_MIB = 1024 * 1024
_KEPT_BYTES = 40 * _MIB  # a design up to this size is kept (stats.design),
_STREAM_BYTES = 3 * _MIB  # of a larger one a block or two
_FIRTH_BYTES = 32 * _MIB  # what Firth's penalty keeps beside it (stats.penalty)
_FIXED_BYTES = 2 * _MIB
_ROW_BYTES = 96  # outcome, one sort order, ranks, fitted risks and residuals, per row


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """`rows` of data, `columns` of the design without the intercept, `variant` what else decides
    about time, `words` what this work is when it is offered instead of another."""

    rows: int
    columns: int
    variant: str
    seconds: float
    size_bytes: int
    words: str = ""


def outcome_work(dataset: Dataset, choices: Mapping[str, Any]) -> tuple[Work, ...]:
    """The work of `analyze_outcome` as asked, then smaller kinds of it, the nearest first.

    `choices` are complete (`stats.outcome.prepare`).
    """
    rows, predictors = dataset.n_rows, choices["predictors"]
    variant = "firth" if choices["method"] == "firth" else str(choices["interval"])
    columns = design_columns(dataset, predictors)
    found = [_outcome(rows, columns, variant)]
    if variant == "firth":
        found.append(_outcome(rows, columns, "profile", "maximum likelihood"))
    if choices["interval"] == "profile":
        words = "Wald intervals and maximum likelihood"
        found.append(_outcome(rows, columns, "wald", words))
    for share in (2, 4, 8):
        n = len(predictors) // share
        if n:
            fewer = design_columns(dataset, predictors[:n])
            words = f"{n} {'predictor' if n == 1 else 'predictors'} with Wald intervals"
            found.append(_outcome(rows, fewer, "wald", words))
    return tuple(found)


def any_work(dataset: Dataset, _choices: Mapping[str, Any]) -> tuple[Work, ...]:
    """A guess for an analysis of which nothing is known but its data: a pass or two over it."""
    n, q = dataset.n_rows, len(dataset.names)
    size_bytes = _FIXED_BYTES + _ROW_BYTES * n
    return (
        Work(rows=n, columns=q, variant="", seconds=5e-3 + 1e-7 * n * q, size_bytes=size_bytes),
    )


def validation_work(dataset: Dataset, choices: Mapping[str, Any]) -> tuple[Work, ...]:
    """The work of `validate_outcome_model` as asked, then in the lower qualities.

    `choices` are complete (`stats.validation.prepare`). Resampling stops when its error is small
    enough, so the least number of resamples of a quality is counted.
    """
    n, q = dataset.n_rows, design_columns(dataset, choices["predictors"])
    qualities = list(TIERS)
    asked = qualities.index(choices["quality"])
    kind = str(choices["adjust"]).partition(":")[0]
    selected = kind if is_selection(choices["adjust"]) else ""
    fit = _outcome(n, q, "wald")
    size_bytes = fit.size_bytes + 8 * min(n * (q + 1), 1 << 20) + 8 * min(50 * n, 1 << 22) + 210 * n
    found = []
    for quality in reversed(qualities[: asked + 1]):
        resample = n * (1.6e-7 + 2.6e-9 * q + 1e-10 * q * q) + _selection(selected, n, q)
        seconds = fit.seconds + TIERS[quality].least * resample
        words = "" if quality == choices["quality"] else f"the quality {quality}"
        found.append(
            Work(
                rows=n,
                columns=q,
                variant=f"{quality} {selected}".rstrip(),
                seconds=seconds,
                size_bytes=size_bytes,
                words=words,
            )
        )
    return tuple(found)


def _selection(kind: str, n: int, q: int) -> float:
    """Seconds of a selection in one resample."""
    if kind == SCREEN:
        return 3e-5 * q + 4e-8 * n * q
    return 2.4e-4 * q + 5e-9 * n * q * q if kind else 0.0


def collinearity_work(dataset: Dataset, choices: Mapping[str, Any]) -> tuple[Work, ...]:
    """The work of `check_collinearity` as asked."""
    n, q = dataset.n_rows, design_columns(dataset, choices["variables"])
    seconds = 1e-3 + 5e-5 * q + n * (8e-9 * q + 3e-11 * q * q)
    return (
        Work(
            rows=n, columns=q, variant="", seconds=seconds,
            size_bytes=_FIXED_BYTES + _design_bytes(n, q) + 24 * n,
        ),
    )  # fmt: skip


def design_columns(dataset: Dataset, names: Sequence[str]) -> int:
    """Columns of the design: one per continuous variable, levels less one per factor."""
    return sum(_columns_of(dataset.column(name)) for name in names)


def _columns_of(column: pd.Series) -> int:
    if isinstance(column.dtype, pd.CategoricalDtype):
        return max(1, len(column.dtype.categories) - 1)
    return 1


def _outcome(rows: int, columns: int, variant: str, words: str = "") -> Work:
    n, q = float(rows), float(columns)
    # crude fits and tests are linear in the cells, the information matrix is quadratic in q
    seconds = 4e-3 + 2e-4 * q + n * (4e-8 * q + 5e-10 * q * q)
    size_bytes = _FIXED_BYTES + _design_bytes(rows, columns) + _ROW_BYTES * rows
    if variant == "profile":
        seconds += 1.25e-9 * n * q * q
    elif variant == "firth":  # one search per limit and test, each of them quadratic in q
        seconds += 2e-3 * q + 1.4e-9 * n * q * q * q
        size_bytes += min(8 * rows * (columns + 1), _FIRTH_BYTES)
    return Work(
        rows=rows, columns=columns, variant=variant, seconds=seconds, size_bytes=size_bytes,
        words=words,
    )  # fmt: skip


def _design_bytes(rows: int, columns: int) -> int:
    whole = 8 * rows * (columns + 1)
    return whole if whole <= _KEPT_BYTES else _STREAM_BYTES

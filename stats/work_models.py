"""How much work the Cox, linear and count models are, told before they start.

First guesses fitted to runs on two cores of a server; whoever plans runs corrects them by what
finished runs took (see `stats.work`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from stats.variables import Dataset
from stats.work import Work, design_columns

_MIB: Final = 1024 * 1024
_FIXED_BYTES: Final = 2 * _MIB
_KEPT_BYTES: Final = 40 * _MIB  # a design up to this size is kept (stats.design)
_TILE_BYTES: Final = 40 * _MIB  # points of a profile under way (stats.partial_likelihood)


def cox_work(dataset: Dataset, choices: Mapping[str, Any]) -> tuple[Work, ...]:
    """The work of `fit_cox` as asked, then with Wald intervals and with fewer predictors."""
    variant = "firth" if choices["method"] == "firth" else str(choices["interval"])
    return _with_smaller(dataset, choices, variant, clusters=choices["cluster"] is not None)


def count_work(dataset: Dataset, choices: Mapping[str, Any]) -> tuple[Work, ...]:
    """The work of `fit_counts` as asked, then with Wald intervals and with fewer predictors."""
    return _with_smaller(dataset, choices, str(choices["interval"]), clusters=False)


def linear_work(dataset: Dataset, choices: Mapping[str, Any]) -> tuple[Work, ...]:
    """The work of `fit_linear`: a few passes over the design and one per predictor."""
    n, q = dataset.n_rows, design_columns(dataset, choices["predictors"])
    seconds = 5e-3 + 4e-4 * q + n * (1e-7 * q + 1e-9 * q * q)
    size_bytes = _FIXED_BYTES + min(8 * n * (q + 1), _KEPT_BYTES) + 150 * n
    return (Work(rows=n, columns=q, variant="", seconds=seconds, size_bytes=size_bytes),)


def _with_smaller(
    dataset: Dataset, choices: Mapping[str, Any], variant: str, *, clusters: bool
) -> tuple[Work, ...]:
    predictors = list(choices["predictors"])
    found = [_models(dataset, predictors, variant, "", clusters=clusters)]
    if variant != "wald":
        words = "Wald intervals and maximum likelihood"
        found.append(_models(dataset, predictors, "wald", words, clusters=clusters))
    for share in (2, 4, 8):
        fewer = len(predictors) // share
        if fewer:
            words = f"{fewer} {'predictor' if fewer == 1 else 'predictors'} with Wald intervals"
            found.append(_models(dataset, predictors[:fewer], "wald", words, clusters=clusters))
    return tuple(found)


def _models(
    dataset: Dataset, predictors: list[str], variant: str, words: str, *, clusters: bool
) -> Work:
    n, q, k = dataset.n_rows, design_columns(dataset, predictors), len(predictors)
    # a sort, some Newton steps and a concordance per model; q x q sums for the adjusted one
    seconds = 5e-3 + (k + 1) * (2e-3 + 1.4e-6 * n) + n * (2e-8 * q + 8e-9 * q * q)
    size_bytes = _FIXED_BYTES + min(8 * n * (q + 1), _KEPT_BYTES) + 400 * n
    if variant == "profile":
        seconds += 4e-7 * n * q
        size_bytes += min(_TILE_BYTES, 120 * n * q)
    elif variant == "firth":  # one search per limit and test, each of them quadratic in q
        seconds += 1e-2 * q + 6e-8 * n * q * q * q
        size_bytes += 40 * n * q
    if clusters:
        size_bytes += 40 * n * q
    return Work(
        rows=n, columns=q, variant=variant, seconds=seconds, size_bytes=size_bytes, words=words
    )

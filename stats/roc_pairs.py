"""Areas of several markers compared on the rows that know them (DeLong et al. 1988).

Two areas by z; three or more together by the chi-square of their contrasts, d' (L S L')^- d with
S the covariance of the areas, df its rank.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from scipy.special import chdtrc

from stats.design import Bools, Floats
from stats.markers import Marker
from stats.multiplicity import adjusted_p
from stats.placements import (
    NOT_COMPARED,
    PairedAreas,
    Placements,
    compare_paired,
    covariance_of,
    placements,
)
from stats.result import Note
from stats.two_levels import TwoLevels


@dataclass(frozen=True, slots=True)
class Pair:
    """Two markers on the `n` rows that know both; `found` is None without events or others."""

    a: str
    b: str
    n: int
    events: int
    found: PairedAreas | None


@dataclass(frozen=True, slots=True, eq=False)
class Compared:
    """All pairs, the joint test as a `tests` frame, and notes."""

    pairs: tuple[Pair, ...]
    tests: Mapping[str, Any]
    notes: tuple[Note, ...]


class _Placed:
    """Placements by marker, kept for as long as the rows are those of the marker itself."""

    def __init__(self, truth: TwoLevels, direction: Mapping[str, str]) -> None:
        self._truth, self._direction = truth, direction
        self._own: dict[str, tuple[int, Placements]] = {}

    def of(self, marker: Marker, rows: Bools) -> Placements:
        """Placements on `rows`, which know the marker and the truth."""
        n = int(np.count_nonzero(rows))
        kept = self._own.get(marker.name)
        # as many rows as the marker has of its own are those rows
        if kept is not None and kept[0] == n:
            return kept[1]
        higher = self._direction[marker.name] == "higher"
        found = placements(marker.values[rows], self._truth.is_yes[rows], higher=higher)
        if n == int(np.count_nonzero(marker.known & self._truth.known)):
            self._own[marker.name] = (n, found)
        return found


def compare_markers(
    markers: Sequence[Marker], truth: TwoLevels, choices: Mapping[str, Any]
) -> Compared:
    """Every pair of markers, and all together."""
    placed = _Placed(truth, choices["direction"])
    pairs = [
        _pair(a, b, truth, placed, choices["ci_level"]) for a, b in combinations(markers, 2)
    ]  # fmt: skip
    notes = [note for pair in pairs for note in _notes(pair)]
    tests: dict[str, list[Any]] = {"test": [], "statistic": [], "df": [], "p_value": []}
    n_joint = 0
    if len(markers) > 2:
        rows = truth.known.copy()
        for marker in markers:
            rows &= marker.known
        n_joint = int(np.count_nonzero(rows))
        statistic, df = _joint([placed.of(m, rows) for m in markers]) if _both(rows, truth) else (
            math.nan, math.nan
        )  # fmt: skip
        p_value = float(chdtrc(df, statistic)) if statistic >= 0 and df > 0 else math.nan
        tests = {
            "test": ["equal_areas"],
            "statistic": [statistic],
            "df": [df],
            "p_value": [p_value],
        }
        if math.isnan(p_value):
            text = (
                f"The areas of all markers cannot be tested together on the {n_joint:,} rows that "
                "know them all. Compare them two by two."
            )
            notes.append(Note("no_joint_test", "caution", text))
    frame = {**tests, "n": np.full(len(tests["test"]), n_joint, dtype=np.int64)}
    return Compared(tuple(pairs), frame, tuple(notes))


def _both(rows: Bools, truth: TwoLevels) -> bool:
    """True when the rows hold events and others."""
    events = int(np.count_nonzero(truth.is_yes & rows))
    return 0 < events < int(np.count_nonzero(rows))


def _pair(a: Marker, b: Marker, truth: TwoLevels, placed: _Placed, ci_level: float) -> Pair:
    rows = a.known & b.known & truth.known
    n, events = int(np.count_nonzero(rows)), int(np.count_nonzero(truth.is_yes & rows))
    found = None
    if 0 < events < n:
        found = compare_paired(placed.of(a, rows), placed.of(b, rows), ci_level)
    return Pair(a.name, b.name, n, events, found)


def _joint(placed: Sequence[Placements]) -> tuple[float, float]:
    areas: Floats = np.array([p.area for p in placed])
    covariance = np.array([[covariance_of(p, q) for q in placed] for p in placed])
    if not np.all(np.isfinite(covariance)):
        return math.nan, math.nan
    contrast = np.eye(len(placed))[1:] - np.eye(len(placed))[0]
    spread = contrast @ covariance @ contrast.T
    gap = contrast @ areas
    values, vectors = np.linalg.eigh(spread)
    kept = values > 1e-10 * max(float(values.max(initial=0.0)), 1e-300)
    if not kept.any():
        return math.nan, math.nan
    along = vectors[:, kept].T @ gap
    return float(along @ (along / values[kept])), float(np.count_nonzero(kept))


def _notes(pair: Pair) -> list[Note]:
    if pair.found is not None and not math.isnan(pair.found.p_value):
        return []
    if pair.found is None:
        why = f"the {pair.n:,} rows that know both are all with, or all without, the event"
    elif math.isnan(pair.found.covariance):
        why = "there is only one row with, or one without, the event"
    else:
        why = "they rank all rows in the same way, so that nothing is left to test"
    text = f'The areas of "{pair.a}" and "{pair.b}" cannot be compared: {why}.'
    return [Note("not_compared", "caution", f"{text} Choose other markers or rows.", pair.b)]


def pairwise_frame(pairs: Sequence[Pair], adjust: str) -> dict[str, Any]:
    """The `pairwise` frame: difference of areas a - b with interval, z, p and adjusted p."""
    found = [pair.found or NOT_COMPARED for pair in pairs]
    p_values = np.array([f.p_value for f in found], dtype=np.float64)
    return {
        "group_a": [p.a for p in pairs],
        "group_b": [p.b for p in pairs],
        "n": np.array([p.n for p in pairs], dtype=np.int64),
        "events": np.array([p.events for p in pairs], dtype=np.int64),
        "area_a": np.array([f.area_a for f in found], dtype=np.float64),
        "area_b": np.array([f.area_b for f in found], dtype=np.float64),
        "difference": np.array([f.interval[0] for f in found], dtype=np.float64),
        "ci_low": np.array([f.interval[1] for f in found], dtype=np.float64),
        "ci_high": np.array([f.interval[2] for f in found], dtype=np.float64),
        "std_error": np.array([f.std_error for f in found], dtype=np.float64),
        "covariance": np.array([f.covariance for f in found], dtype=np.float64),
        "statistic": np.array([f.statistic for f in found], dtype=np.float64),
        "p_value": p_values,
        "p_adjusted": adjusted_p(p_values, adjust),
    }

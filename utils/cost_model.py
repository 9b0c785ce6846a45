"""What a run will take, before it starts: a cost model that learns from finished runs.

A caller brings a first guess (a formula in rows and columns). The model keeps what runs of each
kind took and corrects the guess by a factor

    actual / guess = exp(b0 + b1 (log rows - m1) + b2 (log columns - m2)),

fitted by least squares on the logarithms with a ridge (b0 is drawn to 0 lightly, b1 and b2
strongly), so that few runs correct the level and only many runs in many sizes the slopes. Runs
are gathered in cells of like size, one median each, because a hundred repeats of one size tell
no more than five.
"""

from __future__ import annotations

import json
import logging
import math
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any, Protocol

import numpy as np

from utils.private_files import read_private, write_private

_log = logging.getLogger(__name__)

FORMAT = 1
_MAX_KINDS = 64
_MAX_CELLS = 64
_KEPT_RUNS = 5
_MAX_FILE_BYTES = 2_000_000
_SAVE_SECONDS = 10.0
_RIDGE = (0.05, 1.0, 1.0)
_STEEPEST = 0.5
_FARTHEST = math.log(100.0)  # no correction is larger, whatever the runs say
_LEAST_SECONDS = 1e-4
_LEAST_BYTES = 1 << 20


class Guess(Protocol):
    """A first guess at one run."""

    @property
    def rows(self) -> int:
        """Rows of the data."""
        ...

    @property
    def columns(self) -> int:
        """Columns of the design."""
        ...

    @property
    def variant(self) -> str:
        """What else decides (method, interval)."""
        ...

    @property
    def seconds(self) -> float:
        """Of processor time."""
        ...

    @property
    def size_bytes(self) -> int:
        """Of memory beyond the data."""
        ...

    @property
    def words(self) -> str:
        """What the run is when it is offered instead of another."""
        ...


@dataclass(frozen=True, slots=True)
class _Seen:
    """One finished run: logarithms of its size and of actual / guess (bytes may be unknown)."""

    log_rows: float
    log_columns: float
    log_seconds: float
    log_bytes: float | None


class CostModel:
    """Estimates and learns; safe for threads. `path` keeps what was learnt (None: memory only).

    A file that is missing, damaged or of another format means to start again.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._kinds: dict[str, dict[str, list[_Seen]]] = {} if path is None else _read(path)
        self._saved_at = time.monotonic()
        self._unsaved = False

    def estimate(self, kind: str, guess: Guess) -> tuple[float, int]:
        """Seconds and bytes of a run of this kind (function and version)."""
        with self._lock:
            own = self._kinds.get(f"{kind} {guess.variant}")
            # A variant that has not run yet is as wrongly guessed as its sisters: an alternative
            # must not look cheap only because nobody has tried it.
            like = [own] if own else [c for k, c in self._kinds.items() if k.startswith(f"{kind} ")]
            seen = [_median_of(runs) for cells in like for runs in cells.values()]
        at = _sizes(guess)
        times = [(s.log_rows, s.log_columns, s.log_seconds) for s in seen]
        sizes = [(s.log_rows, s.log_columns, s.log_bytes) for s in seen if s.log_bytes is not None]
        seconds = guess.seconds * math.exp(_correction(times, at))
        size_bytes = guess.size_bytes * math.exp(_correction(sizes, at))
        return max(seconds, _LEAST_SECONDS), max(int(size_bytes), _LEAST_BYTES)

    def learn(
        self, kind: str, guess: Guess, *, seconds: float, size_bytes: int | None = None
    ) -> None:
        """Take note of what a run really took; `size_bytes` None where nobody measured it."""
        log_rows, log_columns = _sizes(guess)
        log_bytes = None
        if size_bytes is not None:
            log_bytes = _log_ratio(max(size_bytes, _LEAST_BYTES), guess.size_bytes)
        taken = _log_ratio(max(seconds, _LEAST_SECONDS), guess.seconds)
        run = _Seen(log_rows, log_columns, taken, log_bytes)
        cell = f"{round(log_rows / math.log(2))},{round(log_columns / math.log(2))}"
        with self._lock:
            cells = _latest(self._kinds, f"{kind} {guess.variant}", {}, _MAX_KINDS)
            runs = _latest(cells, cell, [], _MAX_CELLS)
            runs.append(run)
            del runs[:-_KEPT_RUNS]
            self._unsaved = True
        if time.monotonic() - self._saved_at > _SAVE_SECONDS:
            self.save()

    def save(self) -> None:
        """Write what was learnt, if anything is new. A disk that refuses costs nothing."""
        with self._lock:
            if self._path is None or not self._unsaved:
                return
            self._unsaved = False
            self._saved_at = time.monotonic()
            content = {
                "format": FORMAT,
                "kinds": {
                    kind: {
                        cell: [[s.log_rows, s.log_columns, s.log_seconds, s.log_bytes]
                               for s in runs]
                        for cell, runs in cells.items()
                    }
                    for kind, cells in self._kinds.items()
                },
            }  # fmt: skip
        try:
            write_private(self._path, json.dumps(content).encode(), replace=True)
        except OSError:
            _log.warning("What runs took could not be kept; estimates start again next time.")


def _sizes(guess: Guess) -> tuple[float, float]:
    return math.log(max(guess.rows, 1)), math.log(max(guess.columns, 1))


def _log_ratio(actual: float, guess: float) -> float:
    ratio = math.log(actual / max(guess, _LEAST_SECONDS))
    return min(max(ratio, -_FARTHEST), _FARTHEST)


def _median_of(runs: list[_Seen]) -> _Seen:
    known = [s.log_bytes for s in runs if s.log_bytes is not None]
    return _Seen(
        median(s.log_rows for s in runs),
        median(s.log_columns for s in runs),
        median(s.log_seconds for s in runs),
        median(known) if known else None,
    )


def _correction(seen: list[tuple[float, float, Any]], at: tuple[float, float]) -> float:
    """log(actual / guess) at a size, from the sizes seen."""
    if not seen:
        return 0.0
    table = np.array(seen, dtype=np.float64)
    centre = table[:, :2].mean(axis=0)
    design = np.column_stack([np.ones(len(table)), table[:, :2] - centre])
    normal = design.T @ design + np.diag(_RIDGE)
    level, *slopes = np.linalg.solve(normal, design.T @ table[:, 2])
    steps = zip(slopes, np.asarray(at) - centre, strict=True)
    total = float(level) + sum(
        min(max(float(slope), -_STEEPEST), _STEEPEST) * float(far) for slope, far in steps
    )
    return min(max(total, -_FARTHEST), _FARTHEST)


def _latest(held: dict[str, Any], key: str, new: Any, limit: int) -> Any:
    """The entry of `key`, moved behind the others; the one longest unused makes room."""
    held[key] = held.pop(key, new)
    if len(held) > limit:
        del held[next(iter(held))]
    return held[key]


def _read(path: Path) -> dict[str, dict[str, list[_Seen]]]:
    try:
        content = json.loads(read_private(path, at_most=_MAX_FILE_BYTES))
        if content["format"] != FORMAT:
            return {}
        kinds: Mapping[str, Any] = content["kinds"]
        return {
            str(kind): {
                str(cell): [_seen(run) for run in runs[-_KEPT_RUNS:]]
                for cell, runs in list(cells.items())[-_MAX_CELLS:]
                if runs
            }
            for kind, cells in list(kinds.items())[-_MAX_KINDS:]
        }
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        _log.warning("The record of what runs took was damaged; estimates start again.")
        return {}


def _seen(run: Any) -> _Seen:
    rows, columns, seconds, size = run
    seen = _Seen(float(rows), float(columns), float(seconds), None if size is None else float(size))
    numbers = (seen.log_rows, seen.log_columns, seen.log_seconds, seen.log_bytes or 0.0)
    if not all(math.isfinite(number) and abs(number) < 100.0 for number in numbers):
        raise ValueError("a run that cannot have been")
    return seen

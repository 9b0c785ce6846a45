"""Patient lists that visitors bring: rows of the bundled sepsis cohort, drawn without replacement.

So the recorded choices fit every list, and no two visitors' lists are equal unless they are meant
to be: half of them come from a small pool that a department shares.
"""

from __future__ import annotations

import random
from pathlib import Path

import pandas as pd

COHORT = Path(__file__).parents[2] / "examples" / "sepsis_cohort.csv"
SIZES = (600, 1_000, 2_000, 4_000)
POOL = 10
#: Two visitors in five bring a list of their own.
OWN_FILE = 0.4
LEVELS = tuple(str(level) for level in (90, 99, 80, 98, 85, 92, 96, 94))


class PatientLists:
    """Makes the files as they are asked for, below `folder`."""

    def __init__(self, folder: Path, seed: int) -> None:
        self._folder = folder
        self._rng = random.Random(seed)
        self._cohort = pd.read_csv(COHORT, dtype=str, keep_default_na=False)
        self._made = 0

    def next(self) -> Path | None:
        """The file of the next visitor; None for the bundled example."""
        if self._rng.random() >= OWN_FILE:
            return None
        if self._rng.random() < 0.5:
            weights = [1 / (rank + 1) for rank in range(POOL)]
            return self._file(self._rng.choices(range(POOL), weights)[0])
        self._made += 1
        return self._file(POOL + self._made)

    def level(self) -> str:
        """A confidence level; some are asked for more often than others."""
        weights = [1 / (rank + 1) for rank in range(len(LEVELS))]
        return self._rng.choices(LEVELS, weights)[0]

    def _file(self, number: int) -> Path:
        path = self._folder / f"patients-{number}.csv"
        if not path.exists():
            rows = SIZES[number % len(SIZES)]
            self._cohort.sample(rows, random_state=number).to_csv(path, index=False)
        return path

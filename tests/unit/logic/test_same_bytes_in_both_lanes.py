"""The same seed gives the same bytes in the thread of the server and in a process of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from stats.result import RESULT_CLASSES
from stats.validation import validate_outcome_model
from stats.variables import Dataset
from tests.executors import make_executor
from utils.codec import Codec
from utils.frame_files import FrameFiles
from utils.keys import fingerprint_column

PATH = "stats.validation:validate_outcome_model"
CODEC = Codec({f"{c.__module__}:{c.__qualname__}": c for c in RESULT_CLASSES})
CHOICES: dict[str, Any] = {
    "outcome": "died", "event": "yes", "predictors": ["age", "dose", "stage"],
    "quality": "preview", "seed": 7,
}  # fmt: skip


def clinical(rows: int = 400) -> Dataset:
    rng = np.random.default_rng(3)
    age, stage = rng.normal(60, 9, rows), rng.integers(0, 3, rows)
    age[::40] = np.nan
    eta = 0.05 * (np.nan_to_num(age, nan=60) - 60) + 0.6 * (stage == 2)
    died = (rng.random(rows) < 1 / (1 + np.exp(-eta))).astype(int)
    return Dataset(
        pd.DataFrame(
            {
                "died": pd.Categorical.from_codes(died, ["no", "yes"]),
                "age": age,
                "dose": rng.lognormal(1, 0.6, rows),
                "stage": pd.Categorical.from_codes(stage, ["I", "II", "III"]),
            }
        )
    )


@pytest.mark.parametrize("adjust", ["all", "screen:0.2", "backward:aic"])
def test_a_validation_does_not_depend_on_where_it_runs(tmp_path: Path, adjust: str) -> None:
    data, choices = clinical(), {**CHOICES, "adjust": adjust}
    prints = [(name, fingerprint_column(data.column(name))) for name in data.names]
    filed = FrameFiles(tmp_path, least_bytes=0).filed(data, prints)
    assert filed is not None
    with make_executor(codec=CODEC, functions=[PATH], heavy_deadline_seconds=100.0) as executor:
        here = executor.quick(validate_outcome_model, data, **choices).result(100)
        piped = executor.heavy(PATH, {"data": data.frame(), **choices}).result(100)
        mapped = executor.heavy(PATH, {"data": filed, **choices}).result(100)
    assert CODEC.encode(piped) == CODEC.encode(here)
    assert CODEC.encode(mapped) == CODEC.encode(here)
    other = validate_outcome_model(data, **{**choices, "seed": 8})
    assert CODEC.encode(other) != CODEC.encode(here)

"""What only large data are given, small data survive as well, with the same numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from stats import design, influence, logistic, outcome, profile
from stats.outcome import analyze_outcome
from stats.result import OutcomeResult
from tests.bench.clinical import clinical_frame

ROWS = 900
FRAME = clinical_frame(ROWS, 8)
NUMBERS = [name for name in FRAME.columns[1:] if FRAME[name].dtype.kind == "f"]
FACTORS = [name for name in FRAME.columns if name not in ("died", *NUMBERS)]


def with_two_levels() -> pd.DataFrame:
    """Every column has one coefficient: no test of several at once."""
    frame = FRAME.copy()
    for name in FACTORS:
        frame[name] = (pd.factorize(frame[name])[0] % 2).astype(float)
    return frame


def separated() -> pd.DataFrame:
    frame = FRAME.copy()
    frame[FACTORS[0]] = np.where((frame["died"] == 1) & (frame[NUMBERS[0]] > 0), "a", "b")
    return frame


CASES: dict[str, tuple[pd.DataFrame, list[str], dict[str, Any]]] = {
    "factors and numbers": (FRAME, FACTORS + NUMBERS, {}),
    "factors": (FRAME, FACTORS, {}),
    "numbers": (FRAME, NUMBERS, {}),
    "one number": (FRAME, NUMBERS[:1], {}),
    "one coefficient each": (with_two_levels(), FACTORS + NUMBERS, {}),
    "missing values": (clinical_frame(ROWS, 8, missing=0.1), FACTORS + NUMBERS, {}),
    "a curve": (FRAME, FACTORS + NUMBERS, {"splines": NUMBERS[:1]}),
    "separated": (separated(), FACTORS + NUMBERS, {}),
    "repeated column": (FRAME.assign(again=FRAME[NUMBERS[0]]), [*NUMBERS, "again"], {}),
}


def tables(result: OutcomeResult) -> list[pd.DataFrame]:
    parts = result.crude, result.adjusted
    return [result.tests, result.descriptives, result.diagnostics.collinearity,
            result.diagnostics.influence, result.diagnostics.calibration,
            *[t for part in parts for t in (part.effects, part.fit)]]  # fmt: skip


@pytest.mark.parametrize("interval", ["profile", "wald"])
@pytest.mark.parametrize("case", CASES)
def test_the_ways_of_large_data(case: str, interval: str, monkeypatch: pytest.MonkeyPatch) -> None:
    frame, predictors, choices = CASES[case]

    def run() -> OutcomeResult:
        return analyze_outcome(
            frame, outcome="died", predictors=predictors, interval=interval, **choices
        )

    usual = run()
    for module in (profile, logistic, influence):
        monkeypatch.setattr(module, "_LARGE", 0)
    monkeypatch.setattr(outcome, "_LONG", 1)
    monkeypatch.setattr(design, "_KEPT_ELEMENTS", 1)
    monkeypatch.setattr(design, "_BLOCK_ELEMENTS", 5_000)
    large = run()
    for first, second in zip(tables(usual), tables(large), strict=True):
        pd.testing.assert_frame_equal(first, second, rtol=1e-6, atol=1e-9)
    assert [n.text for n in usual.notes] == [n.text for n in large.notes]

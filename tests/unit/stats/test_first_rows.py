"""A long analysis tells its Wald rows before the profile limits are found."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from stats import outcome
from stats.outcome import analyze_outcome
from stats.result import OutcomeResult
from tests.bench.clinical import clinical_frame

CHOICES: dict[str, Any] = {"outcome": "died", "predictors": [f"x{j}" for j in range(8)]}


def separated() -> pd.DataFrame:
    frame = clinical_frame(300, 8)
    events = frame["died"] == 1
    frame["x2"] = np.where(events & (frame["x0"] > 55), "level 1", "level 0")
    return frame


CASES: list[tuple[str, pd.DataFrame, dict[str, Any]]] = [
    ("factors and numbers", clinical_frame(300, 8), {}),
    ("common sample", clinical_frame(300, 8, missing=0.1), {"common_sample": True}),
    ("splines", clinical_frame(300, 8), {"splines": ["x1"]}),
    ("Firth where separated", separated(), {}),
    ("limits where separated", separated(), {"method": "likelihood"}),
    ("one outcome", clinical_frame(300, 8).assign(died=[0.0] * 299 + [1.0]), {}),
]


def tables(result: OutcomeResult) -> list[pd.DataFrame]:
    parts = result.crude, result.adjusted
    return [result.tests, result.descriptives, result.diagnostics.collinearity,
            *[t for part in parts for t in (part.effects, part.fit)]]  # fmt: skip


@pytest.mark.parametrize(("frame", "choices"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_the_first_rows_lead_to_the_same_result(
    frame: pd.DataFrame, choices: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    at_once = analyze_outcome(frame, **CHOICES, **choices)
    monkeypatch.setattr(outcome, "_LONG", 1)
    told: list[tuple[float, OutcomeResult]] = []
    in_two = analyze_outcome(frame, **CHOICES, **choices, progress=lambda *a: told.append(a))
    for first, second in zip(tables(at_once), tables(in_two), strict=True):
        pd.testing.assert_frame_equal(first, second, rtol=1e-6)
    assert [n.text for n in at_once.notes] == [n.text for n in in_two.notes]
    assert at_once.choices == in_two.choices
    ((share, early),) = told
    assert 0 < share < 1
    wald = analyze_outcome(frame, **CHOICES, **choices, interval="wald")
    for first, second in zip(tables(early), tables(wald), strict=True):
        pd.testing.assert_frame_equal(first, second)
    assert [n.text for n in early.notes] == [n.text for n in wald.notes]


def test_nobody_needs_to_listen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outcome, "_LONG", 1)
    frame = clinical_frame(300, 8)
    alone = analyze_outcome(frame, **CHOICES)
    heard = analyze_outcome(frame, **CHOICES, progress=lambda *_: None)
    for first, second in zip(tables(alone), tables(heard), strict=True):
        pd.testing.assert_frame_equal(first, second, check_exact=True)


def test_what_progress_raises_ends_the_analysis(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outcome, "_LONG", 1)

    def stop(*_: object) -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        analyze_outcome(clinical_frame(300, 8), **CHOICES, progress=stop)


def test_a_penalised_model_tells_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outcome, "_LONG", 1)
    told: list[float] = []
    frame = clinical_frame(300, 8)
    analyze_outcome(frame, **CHOICES, method="firth", progress=lambda share, _: told.append(share))
    assert told == []


def test_a_short_run_tells_nothing() -> None:
    told: list[float] = []
    analyze_outcome(clinical_frame(300, 8), **CHOICES, progress=lambda share, _: told.append(share))
    assert told == []

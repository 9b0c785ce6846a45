"""No model answers a hopeless frame with a traceback, a warning or a silent blank."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from stats.counts import fit_counts
from stats.cox import fit_cox
from stats.errors import BadInput, NotEstimable
from stats.linear import fit_linear
from stats.result import ModelResult
from tests.reference.hopeless_models import hopeless_frames

FRAMES = hopeless_frames()
PREDICTORS = ["x", "g"]
MODELS: dict[str, Callable[[pd.DataFrame], ModelResult]] = {
    "cox": lambda d: fit_cox(d, time="time", event="event", event_level=1, predictors=PREDICTORS),
    "cox wald likelihood": lambda d: fit_cox(
        d, time="time", event="event", event_level=1, predictors=PREDICTORS,
        interval="wald", method="likelihood",
    ),
    "cox strata": lambda d: fit_cox(
        d, time="time", event="event", event_level=1, predictors=["x"], strata="g"
    ),
    "cox cluster": lambda d: fit_cox(
        d, time="time", event="event", event_level=1, predictors=["x"], cluster="g"
    ),
    "linear": lambda d: fit_linear(d, outcome="y", predictors=PREDICTORS),
    "linear HC3": lambda d: fit_linear(d, outcome="y", predictors=PREDICTORS, robust="HC3"),
    "linear cluster": lambda d: fit_linear(d, outcome="y", predictors=["x"], cluster="g"),
    "poisson": lambda d: fit_counts(
        d, outcome="count", predictors=PREDICTORS, person_time="years"
    ),
    "poisson robust": lambda d: fit_counts(
        d, outcome="count", predictors=PREDICTORS, robust="HC0"
    ),
    "negative binomial": lambda d: fit_counts(
        d, outcome="count", predictors=PREDICTORS, family="negative_binomial"
    ),
}  # fmt: skip
MACHINE_WORDS = re.compile(r"\b(nan|inf|None(?! of)|Traceback|array|dtype|KeyError)\b")


def check_words(text: str) -> None:
    assert not MACHINE_WORDS.search(text), text
    assert text.rstrip().endswith("."), text
    assert text[:1] == '"' or text[:1].isupper() or text[:1].isdigit(), text


@pytest.mark.parametrize("frame", FRAMES)
@pytest.mark.parametrize("model", MODELS)
def test_a_sentence_for_every_frame(model: str, frame: str) -> None:
    began = time.process_time()
    try:
        result = MODELS[model](FRAMES[frame])
    except (BadInput, NotEstimable) as error:
        check_words(str(error))
        return
    finally:
        assert time.process_time() - began < 2.0
    for note in result.notes:
        check_words(note.text)
    assert result.n_used + sum(result.exclusions.values()) == len(FRAMES[frame])
    terms = {n.term for n in result.notes}
    for part in (result.crude, result.adjusted):
        spoken = {n.term for n in part.notes}
        for row in part.effects.to_dict("records"):
            if row["level"] == row["reference"] and isinstance(row["level"], str):
                continue
            check_row(row, part.effect, spoken | terms)


def check_row(row: dict[str, Any], effect: str, spoken: set[str | None]) -> None:
    """An estimate is finite, or a note speaks of the term or of the whole model."""
    explained = row["term"] in spoken or None in spoken
    if any(np.isnan(row[name]) for name in ("estimate", "ci_low", "ci_high", "p_value")):
        assert explained, row
        return
    if not np.isfinite(row["estimate"]) or ("ratio" in effect and row["estimate"] == 0):
        assert explained, row
        return
    rounding = 1e-12 * abs(row["estimate"])
    assert row["ci_low"] <= row["estimate"] + rounding, row
    assert row["ci_high"] >= row["estimate"] - rounding, row
    if "ratio" in effect:
        assert row["estimate"] > 0, row
    assert 0 <= row["p_value"] <= 1, row

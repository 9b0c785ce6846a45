"""Every error ends as a sentence; the log never holds a message that may quote data."""

from __future__ import annotations

import asyncio
import logging

import pytest

import logic
from tabs.failure import Failure, attempt_elsewhere, failure_of


def test_refusals_keep_cause_and_remedy() -> None:
    error = logic.BadInput('"age" holds "x".', column="age", hint="Correct it.")
    assert failure_of(error) == Failure('"age" holds "x".', "Correct it.")
    assert failure_of(logic.WorkerLost()).sentence.endswith(".")


def test_an_unexpected_error_gets_a_number_and_no_data_reach_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail() -> None:
        raise KeyError("patient Smith")

    with caplog.at_level(logging.ERROR, logger="clinstat"):
        failure = asyncio.run(attempt_elsewhere(fail))
    assert isinstance(failure, Failure)
    assert failure.code
    assert failure.code in failure.remedy
    assert failure.code in caplog.text
    assert "KeyError" in caplog.text
    for word in ("Smith", "Traceback", "KeyError"):
        assert word not in failure.sentence
    assert "patient Smith" not in caplog.text.replace('raise KeyError("patient Smith")', "")

"""What an output sends: its value, nothing when it is silent, one sentence when it fails."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from shiny import Inputs, Outputs, Session, reactive, render, req
from shiny.types import SilentCancelOutputException

from tests.unit.tabs.test_lean_session import Line, Server, app_of, opened, run, settled

VISIBLE = {".clientdata_output_shown_hidden": False}
SENTENCE = "This part failed."


def shown_by(server: Server, *updates: dict[str, Any], **at_first: Any) -> Line:
    """What a page was told that began with `at_first` and then sent `updates`."""
    lines: list[Line] = []

    async def story() -> None:
        app = app_of(server)
        app.sanitize_error_msg = SENTENCE
        line, _, task = opened(app, **at_first)
        lines.append(line)
        await settled()
        for update in updates:
            line.told(**update)
            await settled()
        line.cause_disconnect()
        await task

    run(story)
    return lines[0]


def values(line: Line) -> list[object]:
    return [m["values"]["shown"] for m in line.flushes if "shown" in m["values"]]


def test_a_value_is_sent_again_when_it_changes() -> None:
    def server(inputs: Inputs, _o: Outputs, _s: Session) -> None:
        @render.text
        def shown() -> str:
            return f"x is {inputs.x()}"

    line = shown_by(server, {"x": 2}, {"y": 3}, x=1, **VISIBLE)
    assert values(line) == ["x is 1", "x is 2"]
    work = [m["recalculating"]["status"] for m in line.sent if "recalculating" in m]
    assert work == ["recalculating", "recalculated"] * 2
    told = [m["progress"] for m in line.sent if "progress" in m]
    assert {"type": "binding", "message": {"id": "shown"}} in told


def test_what_is_hidden_is_drawn_when_it_is_seen() -> None:
    drawn: list[int] = []

    def server(inputs: Inputs, _o: Outputs, _s: Session) -> None:
        @render.text
        def shown() -> str:
            drawn.append(inputs.x())
            return str(inputs.x())

    line = shown_by(
        server, {"x": 2}, {".clientdata_output_shown_hidden": False},
        {".clientdata_output_shown_hidden": True}, {"x": 3}, {"x": 4}, VISIBLE, x=1,
        **{".clientdata_output_shown_hidden": True},
    )  # fmt: skip
    assert drawn == [2, 4]
    assert values(line) == ["2", "4"]


def test_a_silent_output_is_empty_and_a_cancelled_one_stays() -> None:
    def server(inputs: Inputs, _o: Outputs, _s: Session) -> None:
        @render.text
        def shown() -> str:
            if inputs.x() == 3:
                raise SilentCancelOutputException
            req(inputs.x() != 2)
            return str(inputs.x())

    line = shown_by(server, {"x": 2}, {"x": 3}, {"x": 4}, x=1, **VISIBLE)
    assert values(line) == ["1", None, "4"]


def test_a_failing_output_says_one_sentence_and_the_next_is_drawn(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def server(inputs: Inputs, _o: Outputs, _s: Session) -> None:
        @render.text
        def shown() -> str:
            if inputs.x() == 2:
                raise ValueError("the cell says Zebediah")
            return str(inputs.x())

    with caplog.at_level(logging.ERROR):
        line = shown_by(server, {"x": 2}, {"x": 3}, x=1, **VISIBLE)
    errors = [m["errors"]["shown"] for m in line.flushes if "shown" in m["errors"]]
    assert [e["message"] for e in errors if e] == [SENTENCE]
    assert values(line) == ["1", "3"]
    assert "ValueError" in caplog.text
    assert "test_lean_outputs.py" in caplog.text
    assert "Zebediah" not in caplog.text


def test_an_output_may_have_another_name_and_be_drawn_unseen() -> None:
    def server(inputs: Inputs, outputs: Outputs, _s: Session) -> None:
        @outputs(id="shown", suspend_when_hidden=False)
        @render.text
        def something() -> str:
            return str(inputs.x())

        @reactive.effect
        def _() -> None:
            assert set(outputs._outputs) == {"shown"}

    assert values(shown_by(server, x=1)) == ["1"]

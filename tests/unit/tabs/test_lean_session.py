"""Sessions that gather no telemetry, write only news and make values of inputs when asked."""

from __future__ import annotations

import asyncio
import inspect
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from shiny import Inputs, Outputs, Session, reactive, render, ui
from shiny._connection import MockConnection

from tabs.lean_session import Arrived, LeanApp, LeanSession
from tabs.lean_shiny import lean_shiny
from tabs.starting import start_when

Server = Callable[[Inputs, Outputs, Session], Any]


class Line(MockConnection):
    """Keeps what is sent to the page."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[dict[str, Any]] = []

    async def send(self, message: str) -> None:
        self.sent.append(json.loads(message))

    def told(self, **data: Any) -> None:
        self.cause_receive(json.dumps({"method": "update", "data": data}))

    @property
    def flushes(self) -> list[dict[str, Any]]:
        return [m for m in self.sent if "values" in m]


def opened(app: LeanApp, **data: Any) -> tuple[Line, LeanSession, asyncio.Task[None]]:
    line = Line()
    session = app._create_session(line)
    assert isinstance(session, LeanSession)
    line.cause_receive(json.dumps({"method": "init", "data": data}))
    return line, session, asyncio.create_task(session._run())


def app_of(server: Server) -> LeanApp:
    return LeanApp(ui.page_fluid(), server)


async def settled() -> None:
    for _ in range(50):
        await asyncio.sleep(0)


def run(story: Callable[[], Awaitable[None]]) -> None:
    async def told() -> None:
        await story()
        await settled()

    reactive._core._reactive_environment._lock = None  # it belongs to one event loop
    asyncio.run(told())


def test_an_input_becomes_a_value_when_it_is_asked_for() -> None:
    found = Arrived()
    found.waiting["x"] = 3
    assert "x" in found
    assert not found.was_asked_for("x")
    with reactive.isolate():
        assert found["x"]() == 3
    assert found.was_asked_for("x")
    assert found["x"] is found["x"]
    assert not found.waiting
    assert "y" not in found
    with pytest.raises(KeyError):
        found["y"]


def test_effects_see_inputs_that_came_before_and_after_they_asked() -> None:
    async def story() -> None:
        seen: list[object] = []

        def server(inputs: Inputs, _o: Outputs, _s: Session) -> None:
            @reactive.effect
            def _() -> None:
                seen.append((inputs.x(), inputs.late() if inputs.late.is_set() else None))

        line, session, task = opened(app_of(server), x=1, unread=[1, 2], **{"go:shiny.action": 2})
        await settled()
        assert seen == [(1, None)]
        line.told(x=2)
        await settled()
        line.told(late="now", unread=[3])
        await settled()
        assert seen == [(1, None), (2, None), (2, "now")]
        assert session._arrived.waiting == {"unread": (3,), "go": 2}
        with reactive.isolate():
            assert session.input.unread() == (3,)
        line.cause_disconnect()
        await task

    run(story)


def test_a_page_hears_of_its_own_and_not_of_others() -> None:
    async def story() -> None:
        def server(inputs: Inputs, _o: Outputs, _s: Session) -> None:
            @render.text
            def shown() -> str:
                return str(inputs.x())

        app = app_of(server)
        visible = {".clientdata_output_shown_hidden": False}
        first, _, one = opened(app, x=1, **visible)
        second, _, two = opened(app, x=10, **visible)
        await settled()
        before = len(second.sent)
        first.told(x=2)
        await settled()
        assert first.flushes[-1]["values"] == {"shown": "2"}
        first.told(other=1)
        await settled()
        assert first.flushes[-1]["values"] == {}  # its own page is answered each time
        assert len(second.sent) == before
        second.told(x=11)
        await settled()
        assert second.flushes[-1]["values"] == {"shown": "11"}
        for line in (first, second):
            line.cause_disconnect()
        await asyncio.gather(one, two)

    run(story)


def test_a_page_hears_of_what_others_changed_for_it() -> None:
    async def story() -> None:
        shared: reactive.Value[int] = reactive.Value(0, name="shared")

        def server(inputs: Inputs, _o: Outputs, _s: Session) -> None:
            @render.text
            def shown() -> str:
                return str(shared())

            @reactive.effect
            def _() -> None:
                shared.set(inputs.x())

        app = app_of(server)
        visible = {".clientdata_output_shown_hidden": False}
        first, _, one = opened(app, x=1, **visible)
        second, _, two = opened(app, x=1, **visible)
        await settled()
        first.told(x=5)
        await settled()
        assert second.flushes[-1]["values"] == {"shown": "5"}
        for line in (first, second):
            line.cause_disconnect()
        await asyncio.gather(one, two)

    run(story)


def test_no_page_makes_shiny_read_sources(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looking for names and places took nine tenths of the time of a new page."""
    assert lean_shiny() > 4

    def refuse(*_args: object, **_kwargs: object) -> Any:
        raise AssertionError("sources were read")

    for name in ("stack", "getsourcelines", "getsourcefile"):
        monkeypatch.setattr(inspect, name, refuse)

    async def story() -> None:
        done: list[int] = []

        async def work() -> int:
            return 4

        def server(inputs: Inputs, _o: Outputs, _s: Session) -> None:
            task = reactive.ExtendedTask(work)
            plain: reactive.Value[int] = reactive.Value(0)

            @reactive.calc
            def twice() -> int:
                return 2 * inputs.x() + plain()

            @reactive.effect
            def _() -> None:
                done.append(twice())
                task.invoke()

            @render.text
            def shown() -> str:
                return str(twice())

        line, _, task = opened(app_of(server), x=1, **{".clientdata_output_shown_hidden": False})
        await settled()
        assert done == [2]
        assert line.flushes[0]["values"] == {"shown": "2"}
        line.cause_disconnect()
        await task

    run(story)


def test_a_part_begins_once_when_it_is_needed() -> None:
    async def story() -> None:
        begun: list[int] = []

        def server(inputs: Inputs, _o: Outputs, _s: Session) -> None:
            start_when(lambda: inputs.x() > 1, lambda: begun.append(inputs.x()))

        line, _, task = opened(app_of(server), x=1)
        for value in (1, 2, 3):
            line.told(x=value)
            await settled()
        assert begun == [2]
        line.cause_disconnect()
        await task

    run(story)


def test_effects_end_with_their_page_and_nothing_else_does() -> None:
    async def story() -> None:
        seen: list[int] = []
        kept: list[reactive.Value[int]] = []
        ended: list[str] = []

        def server(inputs: Inputs, _o: Outputs, session: Session) -> None:
            value: reactive.Value[int] = reactive.Value(1, name="value")
            kept.append(value)
            session.on_ended(lambda: ended.append("page"))

            @reactive.effect
            def _() -> None:
                seen.append(value())

        line, session, task = opened(app_of(server), x=1)
        await settled()
        with pytest.raises(RuntimeError):
            await session.destroy("part")
        line.cause_disconnect()
        await task
        assert ended == ["page"]
        kept[0].set(2)  # work that outlives a page may still write and read
        await reactive.flush()
        with reactive.isolate():
            assert kept[0]() == 2
        assert seen == [1]

    run(story)


def test_a_reader_hears_of_each_change_once() -> None:
    async def story() -> None:
        seen: list[tuple[int, bool]] = []

        def server(inputs: Inputs, _o: Outputs, _s: Session) -> None:
            @reactive.effect
            def _() -> None:
                seen.append((inputs.x() + inputs.x(), inputs.y.is_set()))

        line, _, task = opened(app_of(server), x=1)
        await settled()
        for data in ({"x": 2}, {"x": 2}, {"y": 0}):
            line.told(**data)
            await settled()
        assert seen == [(2, False), (4, False), (4, False), (4, True)]
        line.cause_disconnect()
        await task

    run(story)

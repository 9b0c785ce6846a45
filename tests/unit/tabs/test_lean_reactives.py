"""Lean effects and values do what Shiny's own do, in the same order: each story is told to both."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from shiny import reactive
from shiny.reactive import _core

from tabs.lean_contexts import LeanContext, Readers
from tabs.lean_reactives import Awaited, awaited

ROOT = Path(__file__).parents[3]
Said = list[str]


def flush() -> None:
    async def told() -> None:
        await reactive.flush()

    _core._reactive_environment._lock = None  # it belongs to one event loop
    asyncio.run(told())


def follows(said: Said) -> None:
    value = reactive.Value(1, name="value")

    @reactive.effect
    def _() -> None:
        said.append(f"saw {value()}")

    said.append("made")
    flush()
    value.set(2)
    value.set(2)
    said.append("set")
    flush()
    flush()


def waits_while_suspended(said: Said) -> None:
    value = reactive.Value(1, name="value")
    sleeping = reactive.effect(suspended=True)(lambda: said.append(f"saw {value()}"))
    flush()
    sleeping.resume()
    sleeping.resume()
    flush()
    sleeping.suspend()
    value.set(2)
    flush()
    value.set(3)
    flush()
    said.append("still")
    sleeping.resume()
    flush()


def ends(said: Said) -> None:
    value = reactive.Value(1, name="value")
    ended = reactive.effect(lambda: said.append(f"saw {value()}"))
    ended.on_invalidate(lambda: said.append("changed"))
    ended.on_invalidate(lambda: said.append("and told"))
    flush()
    value.set(2)
    ended.destroy()
    value.set(3)
    flush()
    ended.destroy()


def keeps_the_order(said: Said) -> None:
    value = reactive.Value(0, name="value")
    for name, priority in (("a", 0), ("b", 0), ("late", -1), ("first", 5)):
        reactive.effect(priority=priority)(
            lambda name=name: said.append(f"{name} {value()}")  # type: ignore[misc]
        )
    flush()
    value.set(1)
    flush()


def reads_anew_each_run(said: Said) -> None:
    switch, left = reactive.Value(True, name="switch"), reactive.Value(1, name="left")
    right = reactive.Value(10, name="right")
    reactive.effect(lambda: said.append(f"{left() if switch() else right()}"))
    flush()
    right.set(11)
    flush()
    switch.set(False)
    left.set(2)
    flush()
    left.set(3)
    flush()
    right.set(12)
    flush()


def calculates_once(said: Said) -> None:
    value = reactive.Value(2, name="value")

    @reactive.calc
    def doubled() -> int:
        said.append("calculated")
        return 2 * value()

    for name in "ab":
        reactive.effect(lambda name=name: said.append(f"{name} {doubled()}"))  # type: ignore[misc]
    flush()
    value.set(3)
    flush()


def is_set(said: Said) -> None:
    value: reactive.Value[int] = reactive.Value(name="value")
    reactive.effect(lambda: said.append(f"set {value.is_set()}"))
    reactive.effect(lambda: said.append(f"silent at the first, then {value()}"))
    flush()
    value.set(1)
    flush()
    value.set(2)
    flush()
    value.unset()
    flush()


def awaits(said: Said) -> None:
    value = reactive.Value(1, name="value")

    @reactive.effect
    async def _() -> None:
        before = value()
        await asyncio.sleep(0)
        said.append(f"awaited {before}")

    flush()
    value.set(2)
    flush()


def changes_what_it_reads(said: Said) -> None:
    value = reactive.Value(0, name="value")

    @reactive.effect
    def _() -> None:
        said.append(f"saw {value()}")
        if value() < 3:
            value.set(value() + 1)

    flush()


def answers_events(said: Said) -> None:
    click, other = reactive.Value(0, name="click"), reactive.Value("x", name="other")

    @reactive.effect
    @reactive.event(click)
    def _() -> None:
        said.append(f"{click()} {other()}")

    flush()
    other.set("y")
    flush()
    click.set(1)
    flush()


STORIES: tuple[Callable[[Said], None], ...] = (
    follows, waits_while_suspended, ends, keeps_the_order, reads_anew_each_run, calculates_once,
    is_set, awaits, changes_what_it_reads, answers_events,
)  # fmt: skip


def told(lean: bool) -> dict[str, Said]:
    """Every story, as this process tells it."""
    if lean:
        from tabs.lean_shiny import lean_shiny

        lean_shiny()
    said: dict[str, Said] = {}
    for story in STORIES:
        story(said.setdefault(story.__name__, []))
    return said


def _told_elsewhere(*, lean: bool) -> dict[str, Any]:
    """In a process of its own: what makes Shiny lean cannot be undone."""
    command = f"from tests.unit.tabs.test_lean_reactives import told; import json; print(json.dumps(told({lean})))"
    done = subprocess.run(
        [sys.executable, "-c", command], cwd=ROOT, capture_output=True, text=True, timeout=60,
        check=True,
    )  # fmt: skip
    return json.loads(done.stdout)  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def both() -> tuple[dict[str, Said], dict[str, Said]]:
    return _told_elsewhere(lean=False), _told_elsewhere(lean=True)


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.__name__)
def test_a_story_ends_as_with_shinys_own(
    both: tuple[dict[str, Said], dict[str, Said]], story: Callable[[Said], None]
) -> None:
    shinys, lean = both
    assert shinys[story.__name__], "nothing was told"
    assert lean[story.__name__] == shinys[story.__name__]


def test_a_context_that_is_over_is_told_at_once_and_stays_in_no_list() -> None:
    context, readers, said = LeanContext(), Readers(), Said()
    with context():
        readers.register()
        readers.register()
    assert len(readers) == 1
    context.on_invalidate(lambda: said.append("over"))
    context.invalidate()
    context.invalidate()
    context.on_invalidate(lambda: said.append("at once"))
    with context():
        readers.register()
    assert said == ["over", "at once"]
    assert len(readers) == 0


def test_a_plain_function_becomes_one_that_is_awaited() -> None:
    async def asked() -> int:
        return 4

    assert awaited(asked) is asked
    plain = awaited(lambda *given, more: (*given, more))
    assert isinstance(plain, Awaited)

    async def ask() -> object:
        return await plain(1, more=2)

    assert asyncio.run(ask()) == (1, 2)

"""Messages leave in order, nobody waits for them, and a page that takes none is hung up on."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from tabs.outbox import Outbox


class Line:
    """Takes messages while it is `open`."""

    def __init__(self) -> None:
        self.taken: list[str] = []
        self.open = asyncio.Event()
        self.open.set()
        self.hung_up = 0

    async def send(self, message: str) -> None:
        await self.open.wait()
        await asyncio.sleep(0)
        self.taken.append(message)

    async def hang_up(self) -> None:
        self.hung_up += 1


def run(story: Callable[[Line], Awaitable[None]]) -> None:
    async def told() -> None:
        await story(Line())

    asyncio.run(told())


def test_messages_leave_in_order_and_who_puts_them_does_not_wait() -> None:
    async def story(line: Line) -> None:
        outbox = Outbox(line.send, line.hang_up)
        await outbox.drained()
        line.open.clear()
        for number in range(5):
            outbox.put(str(number))
        assert line.taken == []
        line.open.set()
        await outbox.drained()
        outbox.put("5")
        await outbox.drained()
        assert line.taken == list("012345")
        assert line.hung_up == 0

    run(story)


def test_too_much_that_waits_ends_the_line_once() -> None:
    async def story(line: Line) -> None:
        line.open.clear()
        outbox = Outbox(line.send, line.hang_up, most_bytes=10)
        for _ in range(6):
            outbox.put("1234")
            await asyncio.sleep(0)
        line.open.set()
        await asyncio.sleep(0.01)
        await outbox.drained()
        assert line.taken == []
        assert line.hung_up == 1

    run(story)


def test_what_was_taken_does_not_count() -> None:
    async def story(line: Line) -> None:
        outbox = Outbox(line.send, line.hang_up, most_bytes=10)
        for _ in range(20):
            outbox.put("12345678")
            await outbox.drained()
        assert len(line.taken) == 20
        assert line.hung_up == 0

    run(story)


def test_a_message_that_is_not_taken_for_long_ends_the_line() -> None:
    async def story(line: Line) -> None:
        line.open.clear()
        outbox = Outbox(line.send, line.hang_up, taken_seconds=0.02)
        outbox.put("a")
        outbox.put("b")
        await asyncio.sleep(0.1)
        outbox.put("c")
        line.open.set()
        await asyncio.sleep(0.01)
        assert line.taken == []
        assert line.hung_up == 1

    run(story)


def test_a_closed_box_sends_nothing() -> None:
    async def story(line: Line) -> None:
        outbox = Outbox(line.send, line.hang_up)
        outbox.put("a")
        outbox.close()
        outbox.put("b")
        await asyncio.sleep(0.01)
        assert line.taken == []
        assert line.hung_up == 0

    run(story)

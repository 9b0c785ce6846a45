"""One caller cannot take the whole server."""

from __future__ import annotations

import asyncio

import pytest

from tests.unit.utils.asgi_calls import Witness, call, called, scope_of
from utils.rate import TokenBuckets
from utils.traffic_limits import Traffic, TrafficLimits

HTTP_ANSWER = {"websocket.http.response": {}}


async def open_page(app, address: str):
    """A websocket that stays open until the event is set."""
    leave = asyncio.Event()
    coming = [{"type": "websocket.connect"}]
    opened = asyncio.Event()

    async def receive():
        if coming:
            return coming.pop()
        opened.set()
        await leave.wait()
        return {"type": "websocket.disconnect", "code": 1001}

    async def send(_message) -> None:
        pass

    scope = scope_of("WS", "/websocket/", [], client=(address, 1))
    task = asyncio.create_task(app(scope, receive, send))
    await opened.wait()
    return leave, task


def test_a_full_server_says_so_and_takes_pages_again() -> None:
    async def story() -> None:
        app = TrafficLimits(Witness(), Traffic(pages=2))
        pages = [await open_page(app, address) for address in ("1.1.1.1", "2.2.2.2")]
        turned_away = await call(app, "WS", extensions=HTTP_ANSWER)
        assert turned_away.status == 503
        assert b"as many open pages" in turned_away.body
        pages[0][0].set()
        await pages[0][1]
        assert (await call(app, "WS")).status == 101
        pages[1][0].set()
        await pages[1][1]
        assert app.open_pages == 0
        assert app.counts == {"page refused: server full": 1}

    asyncio.run(story())


def test_one_address_cannot_take_all_places() -> None:
    async def story() -> None:
        app = TrafficLimits(Witness(), Traffic(pages_per_caller=1))
        leave, task = await open_page(app, "1.1.1.1")
        mine = await call(app, "WS", client=("1.1.1.1", 2), extensions=HTTP_ANSWER)
        assert mine.status == 429
        assert (await call(app, "WS", client=("2.2.2.2", 2))).status == 101
        leave.set()
        await task

    asyncio.run(story())


def test_a_page_that_fails_gives_its_place_back() -> None:
    async def failing(scope, receive, send) -> None:
        raise RuntimeError

    app = TrafficLimits(failing, Traffic(pages=1))
    for _ in range(3):
        with pytest.raises(RuntimeError):
            called(app, "WS")
    assert app.open_pages == 0


def test_a_message_that_is_too_large_closes_its_page() -> None:
    app = TrafficLimits(Witness(), Traffic(message_characters=100))
    assert called(app, "WS", frames=["x" * 100]).closed is None
    assert called(app, "WS", frames=["x" * 101]).closed == 1009
    assert app.counts == {"page closed: message too large": 1}


def test_nothing_is_sent_after_the_close() -> None:
    async def chatty(scope, receive, send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        assert (await receive())["type"] == "websocket.disconnect"
        assert (await receive())["type"] == "websocket.disconnect"
        await send({"type": "websocket.send", "text": "late"})

    reply = called(TrafficLimits(chatty, Traffic(message_characters=1)), "WS", frames=["xx", "y"])
    assert reply.texts == []


def test_fast_messages_wait_and_none_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    now = [0.0]

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        now[0] += seconds

    monkeypatch.setattr("utils.rate.time.monotonic", lambda: now[0])
    monkeypatch.setattr("utils.traffic_limits.asyncio.sleep", sleep)
    heard: list[str] = []

    async def listener(scope, receive, send) -> None:
        while (message := await receive())["type"] != "websocket.disconnect":
            heard.append(message.get("text", ""))

    app = TrafficLimits(listener, Traffic(messages_per_second=10))
    line = TokenBuckets(per_second=10, burst=30, clock=lambda: now[0])
    monkeypatch.setattr("utils.traffic_limits.TokenBuckets", lambda **_: line)
    called(app, "WS", frames=[str(i) for i in range(50)])
    assert heard[1:] == [str(i) for i in range(50)]
    assert sum(slept) == pytest.approx(2.0)  # (50 - 30) / 10


def test_requests_that_send_something_are_counted_per_caller() -> None:
    app = TrafficLimits(Witness(), Traffic(writes_per_minute=3))
    statuses = [called(app, "POST").status for _ in range(5)]
    assert statuses == [200, 200, 200, 429, 429]
    assert 1 <= int(called(app, "POST").headers["retry-after"]) <= 60
    assert called(app, "POST", client=("9.9.9.9", 1)).status == 200
    assert called(app, "GET").status == 200


async def hasty(scope, receive, send) -> None:
    """An application that answers 500 to whatever goes wrong, as frameworks do."""
    try:
        await Witness()(scope, receive, send)
    except TimeoutError:
        await send({"type": "http.response.start", "status": 500, "headers": []})
        raise


@pytest.mark.parametrize("inside", [Witness(), hasty])
def test_an_upload_that_stands_still_is_ended(inside) -> None:
    async def story() -> list[dict]:
        sent: list[dict] = []
        first = [{"type": "http.request", "body": b"x", "more_body": True}]

        async def receive():
            if first:
                return first.pop()
            return await asyncio.sleep(60)

        async def send(message) -> None:
            sent.append(message)

        app = TrafficLimits(inside, Traffic(idle_body_seconds=0.02))
        await app(scope_of("POST", "/", []), receive, send)
        return sent

    sent = asyncio.run(story())
    assert sent[0]["status"] == 408
    assert b"stood still" in sent[1]["body"]


def test_no_limit_means_no_limit() -> None:
    app = TrafficLimits(Witness(), Traffic())
    assert called(app, "WS", frames=["x" * 10_000] * 50).closed is None
    assert {called(app, "POST").status for _ in range(50)} == {200}


def test_a_bucket_fills_again_and_a_flood_of_callers_is_forgotten() -> None:
    now = [0.0]
    buckets = TokenBuckets(per_second=2.0, burst=2.0, clock=lambda: now[0])
    assert [buckets.take("a") for _ in range(3)] == [0.0, 0.0, 0.5]
    now[0] = 0.5
    assert buckets.take("a") == 0.0
    assert buckets.take("a") > 0
    now[0] = 100.0
    assert [buckets.take("a") > 0 for _ in range(3)] == [False, False, True]
    for i in range(20_000):
        buckets.take(str(i))
    assert len(buckets._callers) == 10_000

"""Who comes with which key, over the wire: nobody gets in who does not belong.

The keys of workspaces are guessed, replayed, fixed beforehand, let expire, tampered with and sent
from other origins; canaries in cells, headers and file names are looked for wherever another
person, an operator or a log reader could see them.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import secrets
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from tests.browser.conftest import Server, start, stop
from tests.fault.wire_page import WirePage, wire_page

pytestmark = pytest.mark.fault

IDLE_SECONDS = 4.0
CANARY = "Zebediah"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    running = start(tmp_path_factory.mktemp("server"), MESSAGES_PER_SECOND="1000")
    yield running
    stop(running)


def port_of(server: Server) -> int:
    return int(server.url.rsplit(":", 1)[1])


async def work(page: WirePage) -> str:
    """Something worth stealing; the key to it."""
    await page.choose(data_example="synth_trial")
    await page.until(lambda: page.has_dataset)
    await asyncio.sleep(0.6)  # what the page holds is kept a moment later
    assert page.key is not None
    return page.key


@contextlib.asynccontextmanager
async def came_with(
    port: int, key: Any, *, same_page_as: WirePage | None = None, kind: type[WirePage] = WirePage
) -> AsyncIterator[WirePage]:
    page = kind(port, random.Random(), key)
    if same_page_as is not None:
        page.page, page.known = same_page_as.page, True
    living = asyncio.create_task(page.live())
    try:
        await page.until(lambda: page.keys != [])
        yield page
    finally:
        await page.end()
        living.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await living


async def is_a_stranger(port: int, key: Any, mine: str, *, told: bool = True) -> None:
    """The page gets a workspace of its own with nothing in it, under a key that the server made."""
    async with came_with(port, key) as page:
        await asyncio.sleep(0.2)
        assert "No dataset yet" in page.html("status")
        assert not page.has_dataset
        assert page.key not in (key, mine)
        assert len(page.key or "") == 64
        assert any("has ended" in notice for notice in page.notices) == told


async def still_opens(port: int, key: str) -> str:
    """The rightful owner's key does; the key after it."""
    async with came_with(port, key) as page:
        await page.until(lambda: page.has_dataset, 10)
        assert page.notices == []
        await asyncio.sleep(0.2)
        assert page.key is not None
        return page.key


def test_keys_that_are_not_in_force_open_nothing(server: Server) -> None:
    port = port_of(server)

    async def everything() -> list[str]:
        async with wire_page(port) as owner:
            first = await work(owner)
        used = [first]
        for _ in range(3):
            used.append(await still_opens(port, used[-1]))
        assert len(set(used)) == 4, "each coming in hands out another key"
        current, replayed = used[-1], used[:-1]
        flipped = current[:-1] + ("0" if current[-1] != "0" else "1")
        guessed = [secrets.token_hex(32) for _ in range(5)] + ["0" * 64, "f" * 64]
        tampered = [
            flipped, current[:-1], current + "0", current.upper(), f" {current}", f"{current}\n",
            current[::-1], f"{current}\x00", "", "../" * 20, "%00", f"{current};{current}",
        ]  # fmt: skip
        if current.upper() == current:
            tampered.remove(current.upper())
        for key in [*replayed, *guessed, *tampered]:
            await is_a_stranger(port, key, current)
        for key in (["a"], {"key": current}, 5, True, [current], current * 1_000):
            await is_a_stranger(port, key, current, told=False)
        used.append(await still_opens(port, current))
        return used

    used = asyncio.run(everything())
    seen = server.log.read_text(encoding="utf-8") + counts(server)
    assert not any(key in seen for key in used)


def counts(server: Server) -> str:
    """All that an operator can ask for."""
    found = b""
    for path in ("/api/stats", "/metrics", "/readyz", "/healthz"):
        with urllib.request.urlopen(server.url + path, timeout=10) as answer:
            found += answer.read()
    return found.decode()


def test_a_key_chosen_by_somebody_else_is_never_taken_over(server: Server) -> None:
    port, fixed = port_of(server), "a" * 64

    async def everything() -> None:
        async with came_with(port, fixed) as victim:
            assert await work(victim) != fixed
            await is_a_stranger(port, fixed, victim.key or "")
        await is_a_stranger(port, fixed, victim.key or "")

    asyncio.run(everything())


def test_a_page_of_another_origin_cannot_use_a_key_that_it_stole(server: Server) -> None:
    port = port_of(server)

    async def everything() -> None:
        async with wire_page(port) as owner:
            key = await work(owner)
        for origin in ("https://evil.example", "null", f"http://127.0.0.1.evil.example:{port}"):
            with pytest.raises(InvalidStatus) as refused:
                await connect(f"ws://127.0.0.1:{port}/websocket/", origin=origin)  # type: ignore[arg-type]
            assert refused.value.response.status_code == 403
        for name in ("key", "token", "visit"):  # in an address it means nothing
            url = f"ws://127.0.0.1:{port}/websocket/?{name}={key}"
            async with connect(url) as socket:
                begun = {"method": "init", "data": {".clientdata_url_search": f"?{name}={key}",
                                                    ".clientdata_output_status_hidden": False}}  # fmt: skip
                await socket.send(json.dumps(begun))
                told = ""
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(0.6):
                        while True:
                            told += str(await socket.recv())
                assert "No dataset yet" in told
                assert "synth_trial" not in told
        await still_opens(port, key)

    asyncio.run(everything())


def test_a_duplicated_tab_goes_its_own_way(server: Server) -> None:
    port = port_of(server)

    async def everything() -> None:
        async with wire_page(port) as first:
            key = await work(first)
            async with came_with(port, key) as second:
                await second.until(lambda: second.has_dataset)
                assert second.key != first.key
                assert second.notices == []
                await second.choose(data_example="melanoma")
                await second.until(lambda: "melanoma" in second.html("status"))
                await asyncio.sleep(0.6)
                assert "synth_trial" in first.html("status")
                assert first.connections == second.connections == 1, "they do not fight"
                keys = first.key or "", second.key or ""
        for own, name in zip(keys, ("synth_trial", "melanoma"), strict=True):
            async with came_with(port, own) as again:
                await again.until(lambda: again.has_dataset)
                assert name in again.html("status")

    asyncio.run(everything())


def test_the_page_that_lost_its_line_takes_its_place_from_the_dead_one(server: Server) -> None:
    """A half-open line: the server still holds the old session when the page comes back."""
    port = port_of(server)

    async def everything() -> None:
        async with wire_page(port) as first:
            key = await work(first)
            async with came_with(port, key, same_page_as=first) as again:
                await again.until(lambda: again.has_dataset)
                assert again.key != key
                await first.choose(data_example="melanoma")  # what lay in the old line
                await asyncio.sleep(0.6)
                own = again.key or ""
        async with came_with(port, own) as back:
            await back.until(lambda: back.has_dataset)
            assert back.notices == []

    asyncio.run(everything())


def test_a_key_expires_with_its_workspace(tmp_path: Path) -> None:
    server = start(tmp_path, WORKSPACE_IDLE_SECONDS=str(IDLE_SECONDS))
    try:
        port = port_of(server)

        async def everything() -> None:
            async with wire_page(port) as owner:
                key = await work(owner)
            key = await still_opens(port, key)
            await asyncio.sleep(IDLE_SECONDS + 0.5)
            await is_a_stranger(port, key, key)

        asyncio.run(everything())
    finally:
        stop(server)


class Silent(WirePage):
    """A page whose line breaks before it can say that it has its new key."""

    async def _set(self, name: str, value: Any) -> None:
        if name != "kept":
            await super()._set(name, value)


def test_no_key_of_a_forgotten_workspace_opens_anything(tmp_path: Path) -> None:
    """Its first one, the one in force, and the one that was handed out and never used; what the
    open page does afterwards is kept for nobody. A duplicate made before lives on."""
    server = start(tmp_path, MESSAGES_PER_SECOND="1000")
    try:
        port = port_of(server)

        async def forgetting() -> tuple[list[str], str]:
            async with wire_page(port) as owner:
                used = [await work(owner)]
                async with came_with(port, used[0]) as twin:
                    await twin.until(lambda: twin.has_dataset)
                    forked = await work(twin)
            used.append(await still_opens(port, used[0]))
            async with came_with(port, used[-1], kind=Silent) as page:
                await page.until(lambda: page.has_dataset)
                used.append(page.key or "")
                await page.click("data-keeping-sure")
                await page.until(lambda: "clinstat-forgotten" in "".join(page.everything))
                await page.choose(data_example="melanoma")
                await page.until(lambda: "melanoma" in page.html("status"))
                await asyncio.sleep(0.6)
            assert len({*used, forked}) == 4
            for key in used:
                await is_a_stranger(port, key, forked)
            return used, await still_opens(port, forked)

        used, forked = asyncio.run(forgetting())
        stop(server)
        server = start(tmp_path, MESSAGES_PER_SECOND="1000", PORT=str(port))

        async def afterwards() -> None:
            for key in used:
                await is_a_stranger(port, key, forked)
            await still_opens(port, forked)

        asyncio.run(afterwards())
    finally:
        stop(server)
    assert not any(key in server.log.read_text(encoding="utf-8") for key in [*used, forked])


def test_canaries_stay_with_their_owner(tmp_path: Path) -> None:
    """Cells, names of columns and files, refused files, failing analyses, stolen addresses."""
    server = start(tmp_path)
    rows = "".join(f"{CANARY}-{i % 3},{('no', 'yes')[i % 2]},{30 + i}\n" for i in range(60))
    named = tmp_path / f"{CANARY}.csv"
    named.write_text(f"group {CANARY},died {CANARY},age\n{rows}", encoding="utf-8")
    broken = tmp_path / f"{CANARY}-2.csv"
    broken.write_bytes(b"PK\x03\x04" + CANARY.encode() * 40)
    try:
        port = port_of(server)

        async def everything() -> str:
            async with wire_page(port) as owner, wire_page(port) as other:
                await owner.upload(broken)
                await owner.until(lambda: "cs-failure" in owner.html("data-progress"))
                await owner.upload(named)
                await owner.until(lambda: CANARY in owner.html("status"))
                await owner.choose(validate_outcome="1", validate_predictors=["0", "2"])
                await owner.click("validate-run")
                await owner.until(
                    lambda: (
                        owner.is_finished or "cs-failure" in owner.html("validate-card-progress")
                    )
                )
                address = owner.values.get("validate-card-save_csv", "")
                stolen = await asyncio.to_thread(fetched, f"{server.url}/{address}x")
                await asyncio.sleep(0.6)
                async with came_with(port, secrets.token_hex(32)) as guesser:
                    seen = [*other.everything, *guesser.everything]
                return "".join(seen) + stolen

        seen = asyncio.run(everything()) + counts(server)
    finally:
        stop(server)
    assert CANARY.lower() not in seen.lower()
    assert CANARY.lower() not in server.log.read_text(encoding="utf-8").lower()


def fetched(url: str) -> str:
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.read().decode()

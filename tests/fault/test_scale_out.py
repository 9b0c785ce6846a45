"""Two servers, one Redis, one sticky proxy: real processes on the loopback interface.

deploy/haproxy.cfg is run as it stands; only its addresses are given by the environment.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import secrets
import shutil
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path

import pytest
from websockets.asyncio.client import connect

from tests.bench.page_client import FORM, SHOWN, PageClient
from tests.executors import soon
from tests.fault.test_cache_redis import Server, free_port
from tests.house.test_imports import ROOT

pytestmark = [
    pytest.mark.fault,
    pytest.mark.slow,
    pytest.mark.skipif(
        not (shutil.which("haproxy") and shutil.which("redis-server")),
        reason="haproxy or redis-server is not installed",
    ),
]
NAMES = ("one", "two")
ADMIN = "an admin secret of the test"


@dataclass
class Site:
    """The proxy's port, and the port and process of each server by its name."""

    port: int
    ports: dict[str, int]
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def get(self, path: str, port: int | None = None, **headers: str) -> tuple[int, str, str]:
        """Status, body and Set-Cookie of a GET through the proxy (or straight to `port`)."""
        line = HTTPConnection("127.0.0.1", port or self.port, timeout=10)
        try:
            line.request("GET", path, headers=headers)
            answer = line.getresponse()
            return answer.status, answer.read().decode(), answer.getheader("Set-Cookie") or ""
        finally:
            line.close()

    def stats(self, name: str) -> dict:
        """What a server counts, asked of it directly."""
        return json.loads(
            self.get("/api/stats", self.ports[name], Authorization=f"Bearer {ADMIN}")[1]
        )

    def open_pages(self) -> dict[str, int]:
        return {name: self.stats(name)["front"]["open_pages"] for name in NAMES}


def up(port: int, seconds: float = 30.0) -> None:
    give_up = time.monotonic() + seconds
    while time.monotonic() < give_up:
        with (
            contextlib.suppress(OSError),
            contextlib.closing(HTTPConnection("127.0.0.1", port, timeout=2)) as line,
        ):
            line.request("GET", "/healthz")
            if line.getresponse().status == 200:
                return
        time.sleep(0.05)
    raise AssertionError(f"nobody answers on {port}")


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    redis = Server(tmp_path)
    made = Site(free_port(), {name: free_port() for name in NAMES})
    shared = {"REDIS_URL": redis.url, "CACHE_SECRET": "0123456789abcdef" * 2,
              "TRUSTED_PROXY_HOPS": "1", "PUBLIC_ACCESS": "1", "ADMIN_SECRET": ADMIN}  # fmt: skip
    with contextlib.ExitStack() as ends:
        ends.callback(redis.stop)

        def start(command: list[str], **environment: str) -> subprocess.Popen[bytes]:
            process = subprocess.Popen(command, cwd=ROOT, env=os.environ | environment,
                                       stdout=subprocess.DEVNULL)  # fmt: skip
            ends.callback(process.wait, 20)
            ends.callback(process.terminate)
            return process

        for name, port in made.ports.items():
            own = {"PORT": str(port), "CACHE_DIR": str(tmp_path / name)}
            made.processes[name] = start([sys.executable, "app.py"], **shared, **own)
        for port in made.ports.values():
            up(port)
        start(
            ["haproxy", "-f", str(ROOT / "deploy" / "haproxy.cfg")],
            CLINSTAT_BIND=f"127.0.0.1:{made.port}",
            CLINSTAT_ONE=f"127.0.0.1:{made.ports['one']}",
            CLINSTAT_TWO=f"127.0.0.1:{made.ports['two']}",
        )
        up(made.port)
        yield made


@contextlib.asynccontextmanager
async def visit(port: int, cookie: str = "") -> AsyncIterator[PageClient]:
    """A page that holds the proxy's cookie, as a browser would."""
    # max_queue: a close must be read even when nobody reads what came before it
    async with connect(
        f"ws://127.0.0.1:{port}/websocket/", max_size=None, max_queue=None,
        additional_headers={"Cookie": cookie}, origin=f"http://127.0.0.1:{port}",
    ) as socket:  # fmt: skip
        page = PageClient(port, socket)
        listening = asyncio.create_task(page.listen())
        hidden = {f".clientdata_output_{name}_hidden": False for name in SHOWN}
        await page.send(FORM | {"outcome_kind": "outcome"} | hidden, "init")
        # who it is: a page that does not say so is waited for
        me = {"key": None, "page": secrets.token_hex(16), "known": False}
        await page.send({"visit": me})
        yield page
        listening.cancel()


async def upload(site: Site, page: PageClient, cookie: str) -> int:
    """Status of the POST of a small file; 200 when the page has it."""
    body = b"age,died\n" + b"".join(b"%d,%d\n" % (40 + i % 37, i * i % 3 == 0) for i in range(90))
    job = await page._call("uploadInit", [{"name": "w.csv", "size": len(body), "type": "text/csv"}])

    def post() -> int:
        line = HTTPConnection("127.0.0.1", site.port, timeout=10)
        line.request("POST", "/" + job["uploadUrl"], body, {"Cookie": cookie})
        status = line.getresponse().status
        line.close()
        return status

    status = await asyncio.to_thread(post)
    if status == 200:
        await page._call("uploadEnd", job["jobId"], "data-file")
        # what it showed before may be drawn once more meanwhile
        await page.until(lambda: "w.csv" in (page.values.get("data-found") or {}).get("html", ""))
    return status


async def analyse(page: PageClient) -> tuple[str, str]:
    """Where the answer came from, and the table as HTML."""
    await page.changed("data-found", {"data-example": "synth_trial"})
    await page.send({"outcome-outcome": "6"})
    await page.send({"outcome-event": "active", "outcome-predictors": ["2", "3", "4"]})
    await page.until(lambda: bool(page.values.get("outcome-plan-price")))
    page.values.pop("outcome-card-table", None)
    await page.run()
    await page.until(lambda: bool(page.values.get("outcome-card-table")))
    badge = page.values["outcome-card-badge"]["html"]
    source = re.search(r'data-source="(\w+)"', badge)
    assert source, badge
    return source[1], page.values["outcome-card-table"]["html"]


async def stays(site: Site) -> None:
    for name in NAMES:
        own, other = f"clinstat_server={name}", f"clinstat_server={NAMES[name == 'one']}"
        async with visit(site.port, own) as page:
            await page.changed("data-found", {"data-example": "melanoma"})
            await settles(site, {n: int(n == name) for n in NAMES})
            for _ in range(2):
                assert await upload(site, page, own) == 200
            assert await upload(site, page, other) == 404, "the control: the other server"
        await settles(site, dict.fromkeys(NAMES, 0))


async def settles(site: Site, expected: dict[str, int]) -> None:
    """Wait until the servers count these open pages: counts are a second or two old."""
    assert await asyncio.to_thread(soon, lambda: site.open_pages() == expected, 10)


async def shares(site: Site) -> dict[str, tuple[str, str]]:
    found = {}
    for name in NAMES:
        async with visit(site.port, f"clinstat_server={name}") as page:
            found[name] = await analyse(page)
    return found


def test_a_visitor_stays_and_results_travel(site: Site) -> None:
    status, html, cookie = site.get("/")
    assert status == 200
    assert "Clinstat" in html
    assert re.fullmatch(r"clinstat_server=(one|two); path=/; HttpOnly; SameSite=Lax", cookie)
    firsts = {site.get("/")[2].split(";")[0] for _ in range(6)}
    assert firsts == {"clinstat_server=one", "clinstat_server=two"}, "newcomers are spread"
    asyncio.run(asyncio.wait_for(stays(site), 60))
    found = asyncio.run(asyncio.wait_for(shares(site), 60))
    assert [found[n][0] for n in NAMES] == ["computed", "redis"]
    assert found["one"][1] == found["two"][1]


def test_counts_stay_inside_and_a_dead_server_is_replaced(site: Site) -> None:
    assert [site.get(path)[0] for path in ("/api/stats", "/metrics")] == [404, 404]
    site.processes["one"].kill()
    give_up = time.monotonic() + 15
    answers = []
    while time.monotonic() < give_up and 200 not in answers:
        answers.append(site.get("/", Cookie="clinstat_server=one")[0])
        time.sleep(0.1)
    assert answers[-1] == 200, answers
    assert "clinstat_server=two" in site.get("/", Cookie="clinstat_server=one")[2]

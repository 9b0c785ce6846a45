"""A running Clinstat and a real Chromium for the tests of the page."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Request,
    expect,
    sync_playwright,
)

ROOT = Path(__file__).parents[2]
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
START_SECONDS = 60.0

# Machines that run tests are busy; what is waited for comes at once on a quiet one.
expect.set_options(timeout=20_000)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@dataclass
class Server:
    """A server of the tests' own: its address, its process, what it printed."""

    url: str
    process: subprocess.Popen[bytes]
    log: Path

    def answers(self) -> bool:
        with urllib.request.urlopen(self.url, timeout=5) as answer:
            return answer.status == 200


def start(folder: Path, **environment: str) -> Server:
    """`python app.py` on a free port with its own cache; waits until the page is served."""
    port = int(environment.get("PORT") or free_port())
    log = folder / "server.log"
    settings = {"PORT": str(port), "HOST": "127.0.0.1", "CACHE_DIR": str(folder / "cache")}
    with log.open("ab") as out:
        process = subprocess.Popen(
            [sys.executable, "app.py"], cwd=ROOT, stdout=out, stderr=subprocess.STDOUT,
            env={**os.environ, **settings, **environment},
        )  # fmt: skip
    server = Server(f"http://127.0.0.1:{port}", process, log)
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if server.answers():
                return server
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.1)
    stop(server)
    raise AssertionError(f"the server did not start:\n{log.read_text(encoding='utf-8')}")


def stop(server: Server) -> None:
    """End this one process; it takes its own children with it."""
    server.process.terminate()
    try:
        server.process.wait(timeout=20)
    except subprocess.TimeoutExpired:
        server.process.kill()
        server.process.wait(timeout=10)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    running = start(tmp_path_factory.mktemp("server"))
    yield running
    stop(running)


def chromium_path() -> str:
    found = next((p for n in ("chromium", "chromium-browser") if (p := shutil.which(n))), None)
    if found is None:
        raise AssertionError(
            "Chromium is missing. Install it with `make setup` (Debian: apt-get install chromium)."
        )
    return found


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    # Playwright keeps an event loop running in this thread for as long as it is open; tests of
    # other modules need the thread for loops of their own.
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=chromium_path(), args=ARGUMENTS)
        yield opened
        opened.close()


@dataclass
class Witness:
    """What a page did that it should not have done."""

    outside: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def watch(self, page: Page, url: str) -> None:
        def on_request(request: Request) -> None:
            own = (url, url.replace("http://", "ws://"), "data:", "blob:")
            if not request.url.startswith(own):
                self.outside.append(request.url)

        def on_console(message: ConsoleMessage) -> None:
            if message.type == "error":
                self.errors.append(message.text)

        page.on("request", on_request)
        page.on("console", on_console)
        page.on("pageerror", lambda error: self.errors.append(str(error)))


def open_page(context: BrowserContext, url: str, witness: Witness) -> Page:
    page = context.new_page()
    page.set_default_timeout(20_000)
    witness.watch(page, url)
    page.goto(url)
    page.wait_for_selector(".cs-connection[data-state=connected]")
    return page


@pytest.fixture
def witness() -> Iterator[Witness]:
    """Every test that opens a page also checks that it kept to itself and raised no error."""
    seen = Witness()
    yield seen
    assert seen.outside == []
    assert seen.errors == []


@pytest.fixture
def page(browser: Browser, server: Server, witness: Witness) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1280, "height": 900}, accept_downloads=True)
    yield open_page(context, server.url, witness)
    context.close()


@pytest.fixture
def phone(browser: Browser, server: Server, witness: Witness) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True)
    yield open_page(context, server.url, witness)
    context.close()

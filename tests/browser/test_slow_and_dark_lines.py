"""How www/line.js looks for the network: slow lines get through, the dark is searched modestly, and
a line that is used is asked whether it lives."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, WebSocket, WebSocketRoute, expect

from tests.browser import steps
from tests.browser.conftest import Server, Witness, open_page, start, stop
from tests.browser.test_broken_lines import limit_seconds, port_of, return_seconds
from tests.fault.cache_faults import report
from tests.fault.tcp_proxy import Kind, TcpProxy

pytestmark = [pytest.mark.browser, pytest.mark.fault]

DATASET = ".cs-status bdi"
#: Pieces of data, each as late as the line is slow, that follow one another when a page comes
#: back: the question, the dial, the session, its key, its content; a piece each way.
PIECES = 8


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    opened = browser.new_context()
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    running = start(tmp_path_factory.mktemp("server"))
    yield running
    stop(running)


class Sockets:
    """The connections that a page began, and what it sent over them."""

    def __init__(self, page: Page) -> None:
        self.dials = 0
        self.sent: list[str] = []
        self.heard_at = 0.0
        self._page = page
        page.on("websocket", self._begun)

    def _begun(self, socket: WebSocket) -> None:
        self.dials += 1
        socket.on("framesent", lambda payload: self.sent.append(str(payload)))
        socket.on("framereceived", self._heard)

    def _heard(self, _: object) -> None:
        self.heard_at = time.monotonic()

    @property
    def beats(self) -> int:
        """How often the page asked for a sign of life."""
        return sum('"beat"' in text for text in self.sent)

    def wait_for_quiet(self, seconds: float) -> None:
        """Until nothing was heard for so long."""
        while time.monotonic() - self.heard_at < seconds:
            self._page.wait_for_timeout(100)


def at_work(context: BrowserContext, port: int) -> Page:
    """A page with a dataset."""
    page = open_page(context, f"http://127.0.0.1:{port}", Witness())
    steps.upload(page, steps.DATA / "synth_trial.csv")
    steps.see_dataset(page, "synth_trial.csv")
    return page


def break_and_wait(page: Page, proxy: TcpProxy, kind: Kind, seconds: float) -> None:
    assert proxy.drop(kind) >= 1, "no line was open: this injects nothing"
    if kind == "black hole":
        page.evaluate("window.dispatchEvent(new Event('online'))")  # asks the line at once
    expect(page.locator(".cs-connection")).to_have_text("Reconnecting")
    page.wait_for_timeout(1000 * seconds)


@pytest.mark.parametrize("delay_seconds", [0.3, 0.6])
def test_a_slow_line_connects_and_comes_back(
    context: BrowserContext, own: Server, delay_seconds: float
) -> None:
    with TcpProxy(port_of(own)) as proxy:
        proxy.delay(delay_seconds)
        page = at_work(context, proxy.port)
        sockets, told = Sockets(page), Counter[str]()
        kinds: list[Kind] = ["reset", "black hole"]
        for kind in kinds:
            break_and_wait(page, proxy, kind, 1.0)
            took = return_seconds(page, proxy, DATASET)
            told.update([kind])
            print(f"{kind}: back {took:.2f} s after the network, each piece {delay_seconds} s late")
            assert took < limit_seconds() + PIECES * delay_seconds
        report("slow lines broken", told)
        assert sockets.dials <= 2 * len(kinds), "it is given its time"
        before = sockets.dials
        page.wait_for_timeout(12_000)  # signs of life are slow too
        assert sockets.dials == before
        assert proxy.injected["delay"] == 1


def test_a_line_that_has_become_slow_in_the_dark(context: BrowserContext, own: Server) -> None:
    """The page knows only how fast it was."""
    with TcpProxy(port_of(own)) as proxy:
        page = at_work(context, proxy.port)
        break_and_wait(page, proxy, "black hole", 1.0)
        proxy.delay(0.6)
        took = return_seconds(page, proxy, DATASET)
        print(f"back {took:.2f} s after the network")
        # at worst the patient question was asked just before, and is given up after six seconds
        assert took < limit_seconds() + 6 + PIECES * 0.6
        assert proxy.injected["delay"] == 1


@pytest.mark.parametrize("kind", ["reset", "black hole"])
def test_the_dark_is_searched_modestly(context: BrowserContext, own: Server, kind: Kind) -> None:
    with TcpProxy(port_of(own)) as proxy:
        page = at_work(context, proxy.port)
        sockets = Sockets(page)
        break_and_wait(page, proxy, kind, 0.0)
        at_first = proxy.refused
        page.wait_for_timeout(5_000)
        in_five = proxy.refused - at_first
        page.wait_for_timeout(10_000)
        in_ten = proxy.refused - at_first - in_five
        took = return_seconds(page, proxy, DATASET)
        print(
            f"{kind}: {in_five} requests in five seconds, {in_ten} in the next ten; "
            f"{sockets.dials} dials; back {took:.2f} s after the network"
        )
        assert 10 <= in_five <= 35
        assert 10 <= in_ten <= 30
        assert sockets.dials <= 3, "a browser slows down whoever dials in vain"
        assert took < limit_seconds()
        assert proxy.injected[kind] >= 1


def test_who_hears_no_answer_dials_all_the_same(context: BrowserContext, own: Server) -> None:
    """Something between page and server lets only the page itself through."""
    with TcpProxy(port_of(own)) as proxy:
        page = at_work(context, proxy.port)
        asked: list[str] = []
        page.route("**/healthz", lambda route: asked.append(route.request.method))
        break_and_wait(page, proxy, "fin", 0.3)
        took = return_seconds(page, proxy, DATASET)
        assert asked != []
        assert took < 1.5 + limit_seconds()
        assert proxy.injected["fin"] >= 1


def test_a_line_in_use_is_asked_only_when_it_is_quiet(context: BrowserContext, own: Server) -> None:
    page = context.new_page()
    sockets = Sockets(page)
    page.goto(own.url)
    page.wait_for_selector(".cs-connection[data-state=connected]")
    sockets.wait_for_quiet(2.5)
    before, began = sockets.beats, time.monotonic()
    for n in range(20):
        page.evaluate(f"Shiny.setInputValue('outcome-search', 'x{n}')")
    while sockets.beats == before and time.monotonic() - began < 10:
        page.wait_for_timeout(100)
    page.wait_for_timeout(500)
    asked, lasted = sockets.beats - before, time.monotonic() - began
    assert 1 <= asked <= 2 + lasted / 2
    assert sockets.dials == 1


def test_a_line_that_nobody_uses_is_found_dead(context: BrowserContext, own: Server) -> None:
    """No click and no word from the network: a sign of life every ten seconds tells."""
    with TcpProxy(port_of(own)) as proxy:
        page = at_work(context, proxy.port)
        page.wait_for_timeout(2_500)  # what was asked before has been answered
        assert proxy.drop("black hole") >= 1
        began = time.monotonic()
        expect(page.locator(".cs-connection")).to_have_text("Reconnecting", timeout=40_000)
        noticed = time.monotonic() - began
        took = return_seconds(page, proxy, DATASET)
        print(f"noticed after {noticed:.1f} s, back {took:.2f} s after the network")
        assert noticed < 10 + 5 + limit_seconds()
        assert took < limit_seconds()
        assert proxy.injected["black hole"] >= 1


def test_a_server_that_never_answers_is_given_longer_each_time(
    context: BrowserContext, own: Server
) -> None:
    """Each line begins well and then falls silent in the direction of the page."""
    page = context.new_page()
    dialled: list[float] = []

    def between(line: WebSocketRoute) -> None:
        began = time.monotonic()
        dialled.append(began)
        server = line.connect_to_server()

        def from_server(message: str | bytes) -> None:
            if time.monotonic() - began < 1.5:
                line.send(message)

        server.on_message(from_server)

    page.route_web_socket("**/websocket/", between)
    page.goto(own.url)
    page.wait_for_selector(".cs-connection[data-state=connected]")
    deadline = time.monotonic() + 60
    while len(dialled) < 4 and time.monotonic() < deadline:
        page.evaluate(f"Shiny.setInputValue('outcome-search', '{time.monotonic()}')")
        page.wait_for_timeout(300)
    gaps = [after - before for before, after in pairwise(dialled)]
    print("given up after " + ", ".join(f"{gap:.1f}" for gap in gaps) + " s")
    assert len(gaps) == 3
    assert gaps[1] > gaps[0] + 2
    assert gaps[2] > gaps[1] + 4

"""Lines that break under a real Chromium: a proxy between page and server cuts or silences them.

The same faults by the hundred, without a browser, stand in tests/fault/test_lost_lines.py.
"""

from __future__ import annotations

import json
import os
import random
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser import steps, validation
from tests.browser.conftest import Server, Witness, free_port, open_page, start, stop
from tests.fault.cache_faults import report
from tests.fault.tcp_proxy import Kind, TcpProxy

pytestmark = [pytest.mark.browser, pytest.mark.fault]

ON_SCREEN_SECONDS = 2.0
NOTICED_SECONDS = 3.0  # on a line that somebody uses
#: Asked in the page itself: what is asked from outside is asked once a second.
UNTIL = """([words, whole]) => new Promise((found, late) => {
  const end = performance.now() + 30000;
  const seen = (place) => place.checkVisibility() && place.getClientRects().length > 0;
  let says = false;
  const look = () => {
    says ||= document.querySelector(".cs-connection")?.textContent === words;
    if (says && (!whole || [...document.querySelectorAll(whole)].some(seen))) found();
    else if (performance.now() > end) late(new Error("not within 30 seconds"));
    else setTimeout(look, 10);
  };
  look();
})"""
SOMETHING = "#validate-card-result .cs-badge, #validate-card-progress .cs-running"


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Patients whose model takes seconds to validate."""
    path = tmp_path_factory.mktemp("file") / "patients.csv"
    validation.write_patients(path)
    return path


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    opened = browser.new_context()
    yield opened
    opened.close()


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Server]:
    """A server whose counts are this test's alone."""
    running = start(tmp_path)
    yield running
    stop(running)


def port_of(server: Server) -> int:
    return int(server.url.rsplit(":", 1)[1])


def computed(server: Server) -> int:
    time.sleep(1.1)  # the answer is kept for a second
    with urllib.request.urlopen(f"{server.url}/api/stats", timeout=10) as answer:
        found = json.load(answer)["cache"]["functions"]
    return found.get("validate_outcome_model", {"computes": 0})["computes"]


def prepare(context: BrowserContext, port: int, file: Path) -> Page:
    """The file is read, everything is chosen."""
    page = open_page(context, f"http://127.0.0.1:{port}", Witness())
    steps.upload(page, file)
    steps.see_dataset(page, file.name)
    page.get_by_role("tab", name="Outcome").click()
    validation.choose(page)
    return page


def finished(page: Page) -> str:
    """The table of the whole result, as it stands in the page."""
    validation.see_end(page)
    return page.locator("#validate-card-table").inner_html()


def break_line(page: Page, proxy: TcpProxy, kind: Kind, seconds: float) -> None:
    assert proxy.drop(kind) >= 1, "no line was open: this injects nothing"
    if kind in ("black hole", "late"):
        seconds = 0.0
        page.evaluate("window.dispatchEvent(new Event('online'))")  # asks the line at once
    expect(page.locator(".cs-connection")).to_have_text("Reconnecting")
    page.wait_for_timeout(1000 * seconds)


def return_seconds(page: Page, proxy: TcpProxy, whole: str) -> float:
    """Mend the line; the seconds until the page says so and shows what it should."""
    proxy.restore()
    began = time.monotonic()
    page.evaluate(UNTIL, ["Back: nothing lost", whole])
    return time.monotonic() - began


def limit_seconds() -> float:
    """Where more wants to run than there are processors, it takes longer in proportion."""
    return ON_SCREEN_SECONDS * max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))


def test_ten_lines_that_break(context: BrowserContext, own: Server, file: Path) -> None:
    rng, told, seconds = random.Random(5), Counter[str](), []
    kinds: list[Kind] = ["reset", "fin", "slow close"] * 3 + ["black hole"]
    rng.shuffle(kinds)
    tables: list[str] = []
    with TcpProxy(port_of(own)) as proxy:
        page = prepare(context, proxy.port, file)

        def drop(phase: str, whole: str) -> None:
            kind = kinds.pop()
            break_line(page, proxy, kind, rng.uniform(0.1, 1.0))
            took = return_seconds(page, proxy, whole)
            seconds.append(took)
            told.update([kind, f"while {phase}"])
            assert took < limit_seconds(), f"{phase}, {kind}"

        drop("idle", "#validate-outcome")
        for number in (1, 2, 3):
            validation.seed(page, number)
            validation.run(page)
            for _ in range(2):
                page.wait_for_timeout(rng.uniform(0, 400))
                drop("running", SOMETHING)
            tables.append(finished(page))
            drop("finished", "#validate-card-table .cs-table")
            assert finished(page) == tables[-1]
    report("lines broken under Chromium", told)
    print(f"back on screen after at most {max(seconds):.2f} s, load {os.getloadavg()[0]:.1f}")
    assert kinds == []
    assert computed(own) == 3, "each job ran once"
    assert len(set(tables)) == 3


@pytest.mark.parametrize("dark_seconds", [0.3, 1.5, 12.0])
def test_a_line_that_is_only_half_open_is_noticed(
    context: BrowserContext, own: Server, file: Path, dark_seconds: float
) -> None:
    with TcpProxy(port_of(own)) as proxy:
        page = prepare(context, proxy.port, file)
        assert proxy.drop("black hole") >= 1
        page.wait_for_timeout(2_500)  # nothing was heard for a while
        began = time.monotonic()
        validation.run(page)  # a click that goes nowhere
        page.evaluate(UNTIL, ["Reconnecting", ""])
        noticed = time.monotonic() - began
        page.wait_for_timeout(1000 * dark_seconds)
        took = return_seconds(page, proxy, SOMETHING)
        print(f"noticed after {noticed:.1f} s, back {took:.2f} s after the network")
        assert noticed < NOTICED_SECONDS + limit_seconds()
        assert took < limit_seconds()
        finished(page)
        page.select_option("#validate-event", value="no")  # edits reach the server again
        expect(page.locator("#validate-card-changed .cs-note")).to_be_visible()
        assert proxy.injected["black hole"] >= 1
    assert computed(own) == 1


def test_a_click_while_the_line_is_down_is_heard(
    context: BrowserContext, own: Server, file: Path
) -> None:
    with TcpProxy(port_of(own)) as proxy:
        page = prepare(context, proxy.port, file)
        break_line(page, proxy, "fin", 0.2)
        validation.run(page)
        return_seconds(page, proxy, SOMETHING)
        finished(page)
        break_line(page, proxy, "reset", 0.2)
        return_seconds(page, proxy, SOMETHING)
        finished(page)
        assert proxy.injected.total() >= 2
    assert computed(own) == 1, "and heard once"


def test_a_reload_in_the_middle_of_a_job(context: BrowserContext, own: Server, file: Path) -> None:
    page = prepare(context, port_of(own), file)
    page.wait_for_timeout(600)  # choices are kept a moment after they change
    validation.run(page)
    expect(page.locator("#validate-card-progress .cs-running")).to_have_count(1)
    page.reload()
    finished(page)
    assert page.locator("#validate-event").input_value() == "yes"
    assert computed(own) == 1


def test_a_server_killed_in_the_middle_of_a_job_does_it_when_it_is_back(
    context: BrowserContext, tmp_path: Path, file: Path
) -> None:
    port = free_port()
    first = start(tmp_path, PORT=str(port))
    second = None
    try:
        page = prepare(context, port, file)
        validation.run(page)
        expect(page.locator("#validate-card-progress .cs-running")).to_have_count(1)
        page.wait_for_timeout(300)
        first.process.kill()
        first.process.wait(timeout=10)
        assert (
            page.locator("#validate-card-badge .cs-badge:not([data-source=partial])").count() == 0
        )
        second = start(tmp_path, PORT=str(port))
        expect(page.locator(".cs-connection")).to_contain_text("Back: nothing lost")
        table = finished(page)
        assert computed(second) == 1, "once after the restart"
        page.reload()
        assert finished(page) == table
        assert computed(second) == 1
    finally:
        stop(first)
        if second is not None:
            stop(second)


def test_a_tab_that_is_closed_and_reopened(browser: Browser, own: Server, file: Path) -> None:
    """A browser gives a reopened tab its session storage back; here the test does."""
    context = browser.new_context()
    page = prepare(context, port_of(own), file)
    page.wait_for_timeout(600)
    validation.run(page)
    expect(page.locator("#validate-card-progress .cs-running")).to_have_count(1)
    kept = page.evaluate("({...sessionStorage})")
    page.close(run_before_unload=False)
    page = context.new_page()
    kept["clinstat.left"] = "1"  # written when the page was left
    page.add_init_script(
        f"for (const [k, v] of Object.entries({json.dumps(kept)})) "
        "if (!sessionStorage.getItem('reopened')) sessionStorage.setItem(k, v);"
        "sessionStorage.setItem('reopened', '1');"
    )
    page.goto(own.url)
    finished(page)
    assert page.locator("#validate-event").input_value() == "yes"
    assert computed(own) == 1
    context.close()


def test_a_duplicated_tab_does_not_fight_with_its_original(
    context: BrowserContext, own: Server, file: Path
) -> None:
    page = prepare(context, port_of(own), file)
    addresses: list[str] = []
    context.on("request", lambda request: addresses.append(request.url))
    page.wait_for_timeout(600)
    validation.run(page)
    table = finished(page)
    with context.expect_page() as opened:
        page.evaluate("window.open(location.href)")  # takes a copy of the session storage along
    other = opened.value
    assert finished(other) == table
    keys = [p.evaluate("sessionStorage.getItem('clinstat.key')") for p in (page, other)]
    assert keys[0] != keys[1]
    other.locator("#validate-event").select_option("no")
    expect(other.locator("#validate-card-changed .cs-note")).to_be_visible()
    page.wait_for_timeout(800)
    for both in (page, other):
        expect(both.locator(".cs-connection")).to_have_text("Connected")
    assert page.locator("#validate-event").input_value() == "yes"
    assert page.locator("#validate-card-changed .cs-note").count() == 0
    page.reload()
    assert finished(page) == table
    assert page.locator("#validate-event").input_value() == "yes"
    assert computed(own) == 1
    assert not any(key in address for key in keys for address in addresses)
    assert not any(key in own.log.read_text(encoding="utf-8") for key in keys)


def test_who_loses_the_line_while_a_file_is_sent_is_told_to_send_it_again(
    context: BrowserContext, own: Server, tmp_path: Path
) -> None:
    large = tmp_path / "large.csv"
    large.write_text("died,age\n" + "yes,50\nno,60\n" * 200_000, encoding="utf-8")
    with TcpProxy(port_of(own)) as proxy:
        page = open_page(context, f"http://127.0.0.1:{proxy.port}", Witness())
        page.wait_for_function("() => sessionStorage.getItem('clinstat.key') !== null")
        proxy.delay(0.1)
        steps.upload(page, large)
        page.wait_for_timeout(700)
        proxy.delay(0)
        break_line(page, proxy, "reset", 0.3)
        return_seconds(page, proxy, ".cs-upload-message")
        expect(page.locator(".cs-upload-message >> nth=0")).to_have_text(
            "The upload was incomplete. Please send the file again."
        )
        expect(page.locator(".cs-status")).to_contain_text("No dataset yet")
        steps.upload(page, steps.DATA / "synth_trial.csv")
        steps.see_dataset(page, "synth_trial.csv")
        expect(page.locator(".cs-upload-message >> nth=0")).to_have_text("")
        assert proxy.injected["reset"] >= 1

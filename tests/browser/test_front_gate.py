"""The gate on a running server: policy in a real browser, other origins, password, logs."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
import threading
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, expect
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.browser import steps
from tests.browser.conftest import Server, Witness, open_page, start, stop
from tests.browser.test_front_door import try_to_start

pytestmark = pytest.mark.browser

CANARY = "Zebediah"
T = TypeVar("T")
COLLECT = """window.violations = [];
document.addEventListener("securitypolicyviolation",
  (event) => window.violations.push(`${event.violatedDirective} ${event.blockedURI}`));"""


def port_of(server: Server) -> int:
    found = urlsplit(server.url).port
    assert found is not None
    return found


def asked(server: Server, method: str, path: str, body: bytes | Iterator[bytes] = b"", **headers):
    """Status, headers and body; the header names are given with underscores."""
    connection = http.client.HTTPConnection("127.0.0.1", port_of(server), timeout=20)
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    try:
        connection.request(method, path, body=body or None, headers=given)
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read()
    finally:
        connection.close()


def test_nothing_on_the_page_breaks_its_policy_and_the_policy_holds(
    browser: Browser, server: Server, witness: Witness
) -> None:
    context = browser.new_context(accept_downloads=True)
    context.add_init_script(COLLECT)
    page = open_page(context, server.url, witness)
    steps.upload(page, steps.DATA / "synth_trial.csv")
    steps.see_dataset(page, "synth_trial.csv")
    steps.choose_outcome(page, "responder", "yes")
    steps.run(page)
    steps.rows(page)
    steps.view(page, "Figure")
    expect(page.locator("clinstat-figure .xtick text").first).to_be_visible()
    page.locator("bslib-input-dark-mode").click()
    for tab in ("Details", "Methods", "Code"):
        steps.view(page, tab)
    assert page.evaluate("window.violations") == []
    # the control: what an injected text would try
    page.evaluate("""() => {
      const script = document.createElement("script");
      script.textContent = "window.hacked = 1";
      document.body.append(script);
      const image = document.createElement("img");
      image.setAttribute("onerror", "window.hacked = 2");
      image.src = "data:,";
      document.body.append(image);
      new Image().src = "https://evil.example/pixel.gif";
    }""")
    page.wait_for_function("window.violations.length >= 3")
    kinds = {v.split()[0] for v in page.evaluate("window.violations")}
    assert kinds == {"script-src-elem", "script-src-attr", "img-src"}
    assert page.evaluate("window.hacked") is None
    context.close()
    witness.errors.clear()  # the browser told of the three
    assert all("evil.example" in url for url in witness.outside)
    witness.outside.clear()


def test_conditional_parts_work_without_evaluating_text(
    browser: Browser, server: Server, witness: Witness
) -> None:
    context = browser.new_context()
    page = open_page(context, server.url, witness)
    cases = {
        "input.a === 'x'": True, 'input.a === "y"': False, "input.a !== 'y'": True,
        "input['b'] === 2": True, "input.c": False, "!input.c": True, "input.d === true": True,
        "input.a === 'x' && input.b === 3": False, "input.c || input.d": True,
        "input.missing": False, "input.a == 'x'": True, 'input["b"] !== 2.5': True,
    }  # fmt: skip
    shown = page.evaluate(
        """(texts) => texts.map((text) => {
          const part = document.createElement("div");
          part.dataset.displayIf = text;
          document.body.append(part);
          jQuery(document).trigger("shiny:conditional");
          const holds = jQuery(part).data("data-display-if-func");
          part.remove();
          return holds({ input: { a: "x", b: 2, c: false, d: true } });
        })""",
        list(cases),
    )
    assert dict(zip(cases, shown, strict=True)) == cases
    context.close()


def test_the_headers_of_the_page(server: Server) -> None:
    status, headers, _ = asked(server, "GET", "/")
    assert status == 200
    policy = headers["content-security-policy"]
    assert "unsafe-eval" not in policy
    scripts = policy.split("script-src ")[1].split(";")[0].split()
    assert scripts[0] == "'self'"
    assert all(item.startswith("'sha256-") for item in scripts[1:])
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert "server" not in {name.lower() for name in headers}


def test_a_page_of_another_origin_gets_no_websocket(browser: Browser, server: Server) -> None:
    class Foreign(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("content-type", "text/html")
            self.end_headers()
            self.wfile.write(b"<!doctype html><title>another site</title>")

        def log_message(self, *_args: object) -> None:
            pass

    foreign = HTTPServer(("127.0.0.1", 0), Foreign)
    threading.Thread(target=foreign.serve_forever, daemon=True).start()
    context = browser.new_context()
    try:
        page = context.new_page()
        page.goto(f"http://127.0.0.1:{foreign.server_port}/")
        outcome = page.evaluate(
            """(url) => new Promise((done) => {
              const socket = new WebSocket(url);
              socket.onopen = () => done("open");
              socket.onerror = () => done("refused");
            })""",
            f"ws://127.0.0.1:{port_of(server)}/websocket/",
        )
        assert outcome == "refused"
    finally:
        context.close()
        foreign.shutdown()
        foreign.server_close()


def test_the_password_opens_the_page(browser: Browser, tmp_path: Path) -> None:
    server = start_closed(tmp_path)
    context = browser.new_context()
    try:
        page = context.new_page()
        page.goto(server.url)
        for word, seen in (("wrong word", "not the password"), ("correct horse", None)):
            page.get_by_label("Password of this server").fill(word)
            page.get_by_role("button", name="Sign in").click()
            if seen:
                expect(page.get_by_role("alert")).to_contain_text(seen)
        page.wait_for_selector(".cs-connection[data-state=connected]")
        assert page.evaluate("document.cookie") == ""
    finally:
        context.close()
        stop(server)


def start_closed(folder: Path) -> Server:
    """A server with a password: it answers 401 where `start` waits for 200."""
    answers = Server.answers
    try:
        Server.answers = lambda self: asked(self, "GET", "/healthz")[0] == 200  # type: ignore[method-assign]
        return start(folder, ACCESS_PASSWORD="correct horse")
    finally:
        Server.answers = answers  # type: ignore[method-assign]


def test_nothing_is_opened_to_others_without_a_word(tmp_path: Path) -> None:
    done = try_to_start(tmp_path, HOST="0.0.0.0")
    assert done.returncode == 2
    assert "ACCESS_PASSWORD" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_who_can_reach_it_is_said_at_start(server: Server) -> None:
    lines = server.log.read_text(encoding="utf-8").splitlines()
    assert lines[1] == "Only this computer can reach it."


def test_probes_answer(server: Server) -> None:
    assert asked(server, "GET", "/healthz", Host="10.0.0.9")[0] == 200
    status, _, body = asked(server, "GET", "/readyz")
    assert (status, json.loads(body)["ready"]) == (200, True)
    assert asked(server, "GET", "/metrics")[0] == 200


LIMIT = 300_000


def apart(begin: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run in an event loop of another thread: Playwright keeps one open in this."""
    with ThreadPoolExecutor(1) as other:
        return other.submit(lambda: asyncio.run(begin())).result()


async def send_upload(port: int, head: list[bytes], body: Iterator[bytes]) -> bytes:
    """Announce ten bytes, then send a request of `head` lines and `body`; the first answer line."""
    async with connect(f"ws://127.0.0.1:{port}/websocket/") as socket:
        await socket.send(json.dumps({"method": "init", "data": {}}))
        info = {"name": "a.csv", "size": 10, "type": "text/csv"}
        await socket.send(json.dumps({"method": "uploadInit", "args": [[info]], "tag": 1}))
        while "response" not in (told := json.loads(await socket.recv())):
            pass
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        path = told["response"]["value"]["uploadUrl"].encode()
        lines = [b"POST /" + path + b" HTTP/1.1", b"Host: 127.0.0.1:" + str(port).encode(), *head]
        writer.write(b"\r\n".join(lines) + b"\r\n\r\n")
        with contextlib.suppress(ConnectionError):  # refused while it still sends
            for piece in body:
                writer.write(piece)
                await writer.drain()
        async with asyncio.timeout(10):
            first = await reader.readline()
        writer.close()
        return first


def chunks(size: int) -> Iterator[bytes]:
    piece = b"x" * 65_536
    for _ in range(size // len(piece)):
        yield b"10000\r\n" + piece + b"\r\n"
    yield b"0\r\n\r\n"


@pytest.mark.parametrize(
    ("head", "body", "status"),
    [
        ([b"Content-Length: 10"], [b"a,b\n1,2\n34"], 200),
        ([b"Content-Length: 300001"], [], 413),
        ([b"Content-Length: 99999999999999999999"], [], 413),
        ([b"Transfer-Encoding: chunked"], list(chunks(2_000_000)), 413),
        ([b"Transfer-Encoding: chunked"], list(chunks(200_000)), 200),
        ([b"Content-Length: 10", b"Transfer-Encoding: chunked"], list(chunks(2_000_000)), 400),
        ([b"Content-Length: 300000"], [b"x" * 1000], 408),  # less than declared, then silence
    ],
)
def test_an_upload_is_counted_whatever_it_declares(
    small_server: Server, head: list[bytes], body: list[bytes], status: int
) -> None:
    port = port_of(small_server)
    first = apart(lambda: send_upload(port, head, iter(body)))
    found = int(first.split()[1])
    # with both lengths a server may refuse, or go by the chunks and count them (RFC 9112, 6.3)
    assert found == status or (status, found) == (400, 413)
    assert asked(small_server, "GET", "/healthz")[0] == 200


@pytest.fixture(scope="module")
def small_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One that takes little and waits shortly."""
    folder = tmp_path_factory.mktemp("small")
    running = start(folder, UPLOAD_BYTES=str(LIMIT), UPLOAD_IDLE_SECONDS="1")
    yield running
    stop(running)


# what is written


HOSTILE = [
    json.dumps({"method": "update", "data": {f"a:b:{CANARY}": 1}}),
    json.dumps({"method": "update", "data": {f"x:{CANARY}": CANARY}}),
    json.dumps({"method": CANARY, "data": {}}),
    json.dumps({"method": "uploadInit", "args": [[{"name": CANARY}]], "tag": 1}),
    json.dumps({"method": "uploadInit", "args": [CANARY], "tag": 1}),
    json.dumps({"method": "uploadEnd", "args": [CANARY, CANARY], "tag": 1}),
    json.dumps({"method": CANARY, "args": [], "tag": 1}),
    json.dumps({"nothing": CANARY}), f'{{"{CANARY}', f'"{CANARY}"', f'["{CANARY}"]', CANARY * 100,
    json.dumps({"method": "init", "data": CANARY}),
]  # fmt: skip


async def provoke(port: int) -> None:
    """Every hostile message in a session of its own, and one that is too large."""
    headers = {"X-Canary": CANARY, "Cookie": f"name={CANARY}", "User-Agent": CANARY}
    url = f"ws://127.0.0.1:{port}/websocket/?{CANARY}"
    begin = json.dumps({"method": "init", "data": {".clientdata_url_search": f"?{CANARY}"}})
    for frame in HOSTILE:
        async with connect(url, additional_headers=headers, close_timeout=1) as socket:
            await socket.send(begin)
            await socket.send(frame)
            with contextlib.suppress(ConnectionClosed, TimeoutError):
                async with asyncio.timeout(3):
                    while True:
                        await socket.recv()
    async with connect(url) as socket:
        await socket.send("x" * (1024 * 1024 + 1))
        with pytest.raises(ConnectionClosed):
            while True:
                await socket.recv()
        assert socket.close_code == 1009
    with pytest.raises(InvalidStatus) as refused:
        await connect(url, origin=f"https://{CANARY.lower()}.example")  # type: ignore[arg-type]
    assert refused.value.response.status_code == 403


def test_no_canary_reaches_the_log(browser: Browser, tmp_path: Path, witness: Witness) -> None:
    """Cells, names of columns and files, headers, addresses, messages that fail."""
    server = start(tmp_path)
    try:
        data = (steps.DATA / "synth_trial.csv").read_text(encoding="utf-8").splitlines()
        header = data[0].replace("responder", f"responder {CANARY}")
        named = tmp_path / f"{CANARY}.csv"
        named.write_text("\n".join([header, *data[1:]]), encoding="utf-8")
        broken = tmp_path / f"{CANARY}.xlsx"
        broken.write_bytes(b"PK\x03\x04" + CANARY.encode() * 50)
        context = browser.new_context()
        page = open_page(context, server.url, witness)
        steps.upload(page, broken)
        expect(page.locator("#data-progress, #data-found")).not_to_have_count(0)
        steps.upload(page, named)
        steps.see_dataset(page, named.name)
        steps.choose_outcome(page, f"responder {CANARY}", "yes")
        steps.run(page)
        steps.rows(page)
        context.close()
        apart(lambda: provoke(port_of(server)))
        for path in (f"/{CANARY}.js", f"/session/{CANARY}/download/x", "/session/%00/upload/x"):
            asked(server, "GET", path, Referer=f"http://{CANARY}/", X_Forwarded_User=CANARY)
        assert asked(server, "GET", "/healthz")[0] == 200
        stats = asked(server, "GET", "/api/stats")[2] + asked(server, "GET", "/metrics")[2]
    finally:
        stop(server)
    written = server.log.read_text(encoding="utf-8")
    assert "text withheld" in written  # something did go wrong, and was told
    assert CANARY.lower() not in written.lower()
    assert CANARY.encode().lower() not in stats.lower()
    assert "/session/" not in written

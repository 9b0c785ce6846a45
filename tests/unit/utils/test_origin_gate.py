"""Origin x Host x method x path: forty rows of who may speak to the server, and why."""

from __future__ import annotations

import pytest

from tests.unit.utils.asgi_calls import Witness, called
from utils.origin_gate import OriginGate, parse_authority, parse_origin

WS, DOWNLOAD, UPLOAD = "/websocket/", "/session/ab/download/t", "/session/ab/upload/1"
OWN, SPACE = "localhost:8000", "me-clinstat.hf.space"
HOME, EVIL = f"http://{OWN}", "https://evil.example"

# method, path, Host, Origin (None: not sent), Sec-Fetch-Site (None: not sent), status
MATRIX = [
    # the page: linked from anywhere, under our name only
    ("GET", "/", OWN, None, None, 200),
    ("GET", "/", OWN, None, "cross-site", 200),
    ("GET", "/", OWN, HOME, "same-origin", 200),
    ("GET", "/", OWN, EVIL, "cross-site", 403),
    ("GET", "/", "evil.example", None, None, 421),
    ("GET", "/", "evil.example:8000", "http://evil.example:8000", "same-origin", 421),
    ("GET", "/", "127.0.0.1:8000", None, None, 200),
    ("GET", "/", "[::1]:8000", None, None, 200),
    ("GET", "/", "192.168.1.7:8000", None, None, 200),
    ("GET", "/", "LOCALHOST.:8000", None, None, 200),
    ("GET", "/", "localhost.evil.example", None, None, 421),
    ("GET", "/", "", None, None, 421),
    ("GET", "/", "localhost:8000@evil.example", None, None, 421),
    ("GET", "/", SPACE, None, "none", 200),
    ("GET", "/", "a.ward.example", None, None, 200),
    ("GET", "/", "ward.example.evil", None, None, 421),
    ("GET", "/healthz", "10.0.0.9", None, None, 200),
    ("GET", "/healthz", "evil.example", None, None, 200),
    # the websocket: our own page, a listed one, or no page at all
    ("WS", WS, OWN, HOME, None, 101),
    ("WS", WS, OWN, None, None, 101),
    ("WS", WS, OWN, EVIL, None, 403),
    ("WS", WS, OWN, "null", None, 403),
    ("WS", WS, OWN, "http://localhost:3000", None, 403),
    ("WS", WS, OWN, "http://127.0.0.1:8000", None, 403),
    ("WS", WS, OWN, "HTTP://LOCALHOST:8000", None, 101),
    ("WS", WS, OWN, "http://localhost:8000.evil.example", None, 403),
    ("WS", WS, OWN, "http://localhost:8000/path", None, 403),
    ("WS", WS, SPACE, f"https://{SPACE}", "same-origin", 101),
    ("WS", WS, SPACE, "https://other-space.hf.space", "same-site", 403),
    ("WS", WS, "10.1.1.1:7860", f"https://{SPACE}", None, 101),
    ("WS", WS, "evil.example", "http://evil.example", "same-origin", 421),
    # uploads
    ("POST", UPLOAD, OWN, HOME, "same-origin", 200),
    ("POST", UPLOAD, OWN, None, None, 200),
    ("POST", UPLOAD, OWN, None, "cross-site", 403),
    ("POST", UPLOAD, OWN, EVIL, None, 403),
    ("POST", UPLOAD, OWN, "null", "cross-site", 403),
    ("POST", "/login", OWN, "null", "same-origin", 200),
    ("POST", "/login", OWN, "null", "same-site", 403),
    ("POST", "/login", OWN, "null", "none", 403),
    # downloads
    ("GET", DOWNLOAD, OWN, None, "same-origin", 200),
    ("GET", DOWNLOAD, OWN, None, "cross-site", 403),
    ("GET", DOWNLOAD, OWN, None, "same-site", 403),
    ("GET", DOWNLOAD, OWN, EVIL, "cross-site", 403),
    ("GET", DOWNLOAD, OWN, None, None, 200),
    ("HEAD", DOWNLOAD, "evil.example", None, None, 421),
    # writing anywhere else
    ("POST", "/api/plan", OWN, None, "same-site", 403),
    ("DELETE", "/", OWN, EVIL, None, 403),
    ("POST", "/login", OWN, "https://localhost:8000", "same-origin", 200),
]


def gate(app: Witness) -> OriginGate:
    return OriginGate(
        app, hosts=(SPACE, ".ward.example"), origins=(f"https://{SPACE}",), anyone={"/healthz"}
    )


@pytest.mark.parametrize(("method", "path", "host", "origin", "site", "status"), MATRIX)
def test_the_matrix(
    method: str, path: str, host: str, origin: str | None, site: str | None, status: int
) -> None:
    headers = [("host", host)]
    headers += [] if origin is None else [("origin", origin)]
    headers += [] if site is None else [("sec-fetch-site", site)]
    inside = Witness()
    # A websocket that is refused without a body of its own is seen as 403 by every client.
    assert called(gate(inside), method, path, headers).status == (
        403 if method == "WS" and status == 421 else status
    )
    assert len(inside.scopes) == (1 if status in {101, 200} else 0)


def test_the_matrix_has_forty_rows_at_least() -> None:
    assert len(set(MATRIX)) == len(MATRIX) >= 40


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [("host", OWN), ("host", OWN)],
        [("host", OWN), ("host", "evil.example")],
        [("host", OWN), ("origin", HOME), ("origin", EVIL)],
    ],
)
def test_missing_and_doubled_headers_are_refused(headers: list[tuple[str, str]]) -> None:
    assert called(gate(Witness()), "WS", WS, headers).status == 403


def test_a_refusal_says_what_to_do_where_the_server_can_say_it() -> None:
    extensions = {"websocket.http.response": {}}
    headers = [("host", "evil.example")]
    reply = called(gate(Witness()), "WS", WS, headers, extensions=extensions)
    assert (reply.status, b"ALLOWED_HOSTS" in reply.body) == (421, True)
    assert b"ALLOWED_HOSTS" in called(gate(Witness()), "GET", "/", headers).body


def test_any_name_can_be_allowed() -> None:
    inside = Witness()
    app = OriginGate(inside, hosts=("*",), origins=())
    assert called(app, "GET", "/", [("host", "anything.example")]).status == 200
    foreign = [("host", "anything.example"), ("origin", EVIL)]
    assert called(app, "WS", WS, foreign).status == 403


@pytest.mark.parametrize(
    "text", ["", "a b", "a/b", "a\\b", "a,b", "a:x", "a:99999", "[::1", "x" * 301, "ä.example"]
)
def test_what_is_not_an_authority(text: str) -> None:
    assert parse_authority(text) is None


@pytest.mark.parametrize("text", ["null", "", "ftp://a", "localhost", "https://", "https://a b"])
def test_what_is_not_an_origin(text: str) -> None:
    assert parse_origin(text) is None
    with pytest.raises(ValueError, match="not an origin"):
        OriginGate(Witness(), hosts=(), origins=(text,))

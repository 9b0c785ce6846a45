"""Who may use the server: its own machine, who knows the password, whom the proxy vouches for."""

from __future__ import annotations

import pytest

from tests.unit.utils.asgi_calls import Reply, Witness, called
from utils.access_gate import COOKIE, Access, AccessGate
from utils.access_ticket import Tickets
from utils.identity_headers import IdentityHeaders

PASSWORD = "correct horse"
PAGE = b"<form>password</form><p><!-- message --></p>"
OUTSIDE = {"server": ("192.168.1.5", 8000)}
FORM = [("host", "h"), ("content-type", "application/x-www-form-urlencoded")]
HTTP_ANSWER = {"websocket.http.response": {}}


def gate(**access) -> AccessGate:
    given = {"secret": b"s" * 32, "login_page": PAGE, "assets": ("/login.css",)} | access
    return AccessGate(Witness(), Access(**given))


def sign_in(app, password: str = PASSWORD, **extra) -> Reply:
    body = b"password=" + password.replace(" ", "+").encode()
    return called(app, "POST", "/login", FORM, body=body, **extra)


def with_ticket(ticket: str) -> list[tuple[str, str]]:
    return [("host", "h"), ("cookie", f"{COOKIE}={ticket}")]


def ticket_of(reply: Reply) -> str:
    return reply.headers["set-cookie"].split(";")[0].partition("=")[2]


# open or closed


@pytest.mark.parametrize("server", ["127.0.0.1", "::1", "localhost"])
def test_its_own_machine_needs_nothing(server: str) -> None:
    assert called(gate(), "GET", server=(server, 8000)).status == 200


@pytest.mark.parametrize("kind", ["GET", "POST", "WS"])
def test_another_address_is_closed_unless_it_was_opened(kind: str) -> None:
    closed = called(gate(), kind, **OUTSIDE, extensions=HTTP_ANSWER)
    assert closed.status == 403
    assert b"PUBLIC_ACCESS" in closed.body
    assert called(gate(public=True), kind, **OUTSIDE).status in {200, 101}


# the password


def test_without_a_ticket_there_is_the_form_and_nothing_else() -> None:
    app = gate(password=PASSWORD)
    assert called(app, "GET", "/").body == PAGE.replace(b"<!-- message -->", b"")
    assert called(app, "GET", "/").status == 401
    assert called(app, "WS", "/websocket/", extensions=HTTP_ANSWER).status == 401
    for path in ("/session/ab/download/t", "/clinstat.js", "/lib/shiny-1.8.0/shiny.js"):
        assert called(app, "GET", path).status == 401
    assert called(app, "POST", "/session/ab/upload/1").status == 401
    assert called(app, "GET", "/login.css").status == 200
    assert called(app, "POST", "/login.css").status == 401


def test_the_password_opens_page_and_websocket() -> None:
    app = gate(password=PASSWORD)
    reply = sign_in(app)
    assert (reply.status, reply.headers["location"]) == (303, "./")
    cookie = reply.headers["set-cookie"]
    assert "HttpOnly; SameSite=Lax" in cookie
    assert "Max-Age=43200" in cookie
    assert PASSWORD not in cookie
    headers = with_ticket(ticket_of(reply))
    assert called(app, "GET", "/", headers).body == b"OK"
    assert called(app, "WS", "/websocket/", headers).status == 101
    assert app.counts == {"password right": 1}


def test_over_https_the_cookie_stays_there() -> None:
    app = gate(password=PASSWORD)
    assert "; Secure" in sign_in(app, scheme="https").headers["set-cookie"]
    assert "; Secure" not in sign_in(app).headers["set-cookie"]


@pytest.mark.parametrize(
    "body",
    [
        b"password=wrong", b"password=", b"", b"\xff\xfe", b"passwort=correct+horse",
        b"password=Correct+horse", b"password=correct+horse+", b"{}", b"password=" + b"x" * 5000,
        b"a=1&b=2&c=3&d=4&password=correct+horse",
    ],
)  # fmt: skip
def test_anything_else_is_refused_and_counted(body: bytes) -> None:
    app = gate(password=PASSWORD)
    reply = called(app, "POST", "/login", FORM, body=body)
    assert reply.status == 401
    assert b"not the password" in reply.body
    assert "set-cookie" not in reply.headers
    assert app.counts == {"password wrong": 1}


def test_guessing_is_slowed_down_for_each_address_and_for_all() -> None:
    app = gate(password=PASSWORD)
    statuses = [sign_in(app, "guess").status for _ in range(8)]
    assert statuses == [401] * 5 + [429] * 3
    assert sign_in(app).status == 429  # the right one must wait too: nothing is learnt
    assert sign_in(app, client=("9.9.9.9", 1)).status == 303
    spread = [sign_in(app, "guess", client=(f"10.0.0.{i}", 1)).status for i in range(100)]
    assert spread.count(401) <= 60
    assert app.counts["password refused: too often"] > 40


# tickets


def tickets(now: list[float], password: str = PASSWORD, secret: bytes = b"s" * 32) -> Tickets:
    return Tickets(secret=secret, password=password, seconds=100, clock=lambda: now[0])


def test_a_ticket_expires() -> None:
    now = [1000.0]
    ours = tickets(now)
    ticket = ours.write()
    for at, fits in ((1000.0, True), (1099.0, True), (1100.0, False), (1e9, False), (999.0, False)):
        now[0] = at
        assert ours.fits(ticket) is fits


def test_every_ticket_is_another() -> None:
    ours = tickets([0.0])
    assert len({ours.write() for _ in range(100)}) == 100


def test_no_changed_character_passes() -> None:
    ours = tickets([1000.0])
    ticket = ours.write()
    for i, character in enumerate(ticket):
        for other in ("0", "a", ".", "é"):
            if other != character:
                assert not ours.fits(ticket[:i] + other + ticket[i + 1 :])


@pytest.mark.parametrize("ticket", ["", ".", "...", "v1.9999999999.x", "v1.9999999999.x.", "a" * 9])
def test_what_is_no_ticket(ticket: str) -> None:
    assert not tickets([0.0]).fits(ticket)


def test_another_password_or_secret_ends_every_ticket() -> None:
    now = [0.0]
    ticket = tickets(now).write()
    assert tickets(now).fits(ticket)
    assert not tickets(now, password="another one").fits(ticket)
    assert not tickets(now, secret=b"t" * 32).fits(ticket)


def test_a_forged_cookie_is_counted_and_does_not_hide_the_true_one() -> None:
    app = gate(password=PASSWORD)
    ticket = ticket_of(sign_in(app))
    assert called(app, "GET", "/x", with_ticket("v1.9.x.y")).status == 401
    assert app.counts["access refused: cookie expired or not ours"] == 1
    planted = [("cookie", f'{COOKIE}="v1.9.x.y"; other=1; {COOKIE}={ticket}')]
    assert called(app, "GET", "/x", planted).status == 200


# the proxy


def behind_proxy() -> IdentityHeaders:
    return IdentityHeaders(gate(by_proxy=True), hops=1, proxy_secret="0123456789abcdef")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ([("x-proxy-secret", "0123456789abcdef"), ("x-forwarded-user", "nurse")], 200),
        ([("x-proxy-secret", "0123456789abcdef"), ("x-forwarded-user", " ")], 401),
        ([("x-proxy-secret", "0123456789abcdef")], 401),
        ([("x-proxy-secret", "0123456789abcdeF"), ("x-forwarded-user", "nurse")], 401),
        ([("x-proxy-secret", ""), ("x-forwarded-user", "nurse")], 401),
        ([("x-forwarded-user", "nurse")], 401),
        ([("x-proxy-secret", "0123456789abcdef"), ("x-forwarded-user", "a"),
          ("x-forwarded-user", "b")], 401),
    ],
)  # fmt: skip
@pytest.mark.parametrize("kind", ["GET", "WS"])
def test_only_what_the_proxy_vouches_for_is_served(
    headers: list[tuple[str, str]], status: int, kind: str
) -> None:
    reply = called(behind_proxy(), kind, "/", headers, extensions=HTTP_ANSWER)
    assert reply.status == (101 if (kind, status) == ("WS", 200) else status)


def test_no_secret_vouches_for_nobody() -> None:
    inside = Witness()
    app = IdentityHeaders(inside, hops=0)
    called(app, "GET", "/", [("x-proxy-secret", ""), ("x-forwarded-user", "root")])
    assert inside.scopes[0]["clinstat.vouched"] is False


def test_neither_user_nor_secret_goes_further() -> None:
    inside = Witness()
    app = IdentityHeaders(inside, hops=1, proxy_secret="0123456789abcdef", user_header="X-Who")
    called(app, "GET", "/", [("x-proxy-secret", "0123456789abcdef"), ("x-who", "n"), ("host", "h")])
    assert inside.scopes[0]["clinstat.vouched"] is True
    assert inside.scopes[0]["headers"] == [(b"host", b"h")]

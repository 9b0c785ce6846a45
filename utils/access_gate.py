"""Who may use the server at all: everybody, who knows the password, or whom a proxy vouches for.

Without any of these a server is for its own machine: a connection that arrives at another
address of it is refused, whatever started the server. The password is one for all; there are no
users and no lists of them. Who gives it gets a signed cookie (HttpOnly, SameSite=Lax, Secure over
https) that the websocket needs too. Wrong passwords are counted and slowed down per address and
in all. The check takes the same time whatever was given.

Sources: OWASP ASVS 5.0 sections 6.3 (rate limiting) and 3.3 (cookies), RFC 6265bis.
"""

from __future__ import annotations

import hashlib
import hmac
from collections import Counter
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs

from utils.access_ticket import Tickets
from utils.asgi import App, Receive, Scope, Send, answer, header_values, refuse
from utils.identity_headers import VOUCHED
from utils.origin_gate import is_loopback
from utils.rate import TokenBuckets

COOKIE = "clinstat_access"
_HTML = b"text/html; charset=utf-8"
_FORM_BYTES = 4096
_TRIES_PER_MINUTE = 5
_ALL_TRIES_PER_MINUTE = 60
_MESSAGE_PLACE = b"<!-- message -->"

CLOSED = (
    "This server is open to its own machine only. Whoever runs it can set ACCESS_PASSWORD, "
    "PROXY_SECRET or PUBLIC_ACCESS=1.\n"
)
NO_TICKET = "Sign in first: reload the page.\n"
NOT_VOUCHED = "Sign in through the address that your hospital gives for Clinstat.\n"
WRONG = "This is not the password. Check it and try again."
TOO_OFTEN = "Too many attempts. Wait a minute, then try again."


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """`public`: everybody may; `password`: who gives it; `by_proxy`: whom the proxy vouches for.
    `login_page` is HTML with a place for a message; the paths of `assets` are what it loads.
    `secret` signs the cookies that last `seconds`."""

    public: bool = False
    password: str = ""
    by_proxy: bool = False
    seconds: float = 43_200.0
    secret: bytes = b""
    login_page: bytes = b""
    assets: tuple[str, ...] = ()


class AccessGate:
    """Keeps out whoever may not. `counts` says what happened."""

    def __init__(self, app: App, access: Access) -> None:
        self._app = app
        self._access = access
        self._password = hashlib.sha256(access.password.encode("utf-8")).digest()
        self._tickets = Tickets(
            secret=access.secret, password=access.password, seconds=access.seconds
        )
        self._tries = TokenBuckets(
            per_second=_TRIES_PER_MINUTE / 60.0, burst=float(_TRIES_PER_MINUTE)
        )
        self._all_tries = TokenBuckets(
            per_second=_ALL_TRIES_PER_MINUTE / 60.0, burst=float(_ALL_TRIES_PER_MINUTE)
        )
        self.counts: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] == "lifespan" or self._may_pass(scope):
            await self._app(scope, receive, send)
        elif self._access.password:
            await self._ask(scope, receive, send)
        elif self._access.by_proxy:
            self.counts["access refused: nobody vouches"] += 1
            await refuse(scope, receive, send, 401, NOT_VOUCHED)
        else:
            self.counts["access refused: not open"] += 1
            await refuse(scope, receive, send, 403, CLOSED)

    def _may_pass(self, scope: Scope) -> bool:
        access = self._access
        if access.by_proxy and scope.get(VOUCHED, False):
            return True
        if access.password:
            return self._holds_ticket(scope)
        return not access.by_proxy and (access.public or _arrived_at_loopback(scope))

    def _holds_ticket(self, scope: Scope) -> bool:
        given = _cookies(scope)
        fits = any(self._tickets.fits(ticket) for ticket in given)
        if given and not fits:
            self.counts["access refused: cookie expired or not ours"] += 1
        return fits

    async def _ask(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            if scope["path"] in self._access.assets and scope["method"] in {"GET", "HEAD"}:
                await self._app(scope, receive, send)
                return
            if scope["path"] == "/login" and scope["method"] == "POST":
                await self._try(scope, receive, send)
                return
            if scope["path"] in {"/", "/login"} and scope["method"] in {"GET", "HEAD"}:
                await self._show(send, 401, "")
                return
        self.counts["access refused: not signed in"] += 1
        await refuse(scope, receive, send, 401, NO_TICKET)

    async def _try(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._tries.take(str(scope["client"][0])) or self._all_tries.take(""):
            self.counts["password refused: too often"] += 1
            await self._show(send, 429, TOO_OFTEN)
            return
        given = await _password_of(receive)
        digest = hashlib.sha256(given.encode("utf-8")).digest()
        if not hmac.compare_digest(digest, self._password):
            self.counts["password wrong"] += 1
            await self._show(send, 401, WRONG)
            return
        self.counts["password right"] += 1
        secure = "; Secure" if scope["scheme"] == "https" else ""
        cookie = (
            f"{COOKIE}={self._tickets.write()}; Path=/; Max-Age={self._tickets.seconds}; "
            f"HttpOnly; SameSite=Lax{secure}"
        )
        head = [(b"location", b"./"), (b"set-cookie", cookie.encode("ascii"))]
        await answer(send, 303, b"", headers=head)

    async def _show(self, send: Send, status: int, message: str) -> None:
        body = self._access.login_page.replace(_MESSAGE_PLACE, message.encode("utf-8"))
        await answer(send, status, body, content_type=_HTML)


def _arrived_at_loopback(scope: Scope) -> bool:
    server = scope.get("server")
    return server is None or server[1] is None or is_loopback(str(server[0]))


def _cookies(scope: Scope) -> list[str]:
    """Every value of our cookie: a second one planted from elsewhere must not hide the first."""
    found: list[str] = []
    for line in header_values(scope, b"cookie"):
        for part in line.split(";"):
            try:
                cookie = SimpleCookie(part.strip())
            except CookieError:
                continue
            if COOKIE in cookie:
                found.append(cookie[COOKIE].value)
    return found[:4]


async def _password_of(receive: Receive) -> str:
    """The password in a submitted form; empty when the body is too long or no form."""
    body = b""
    more = True
    while more and len(body) <= _FORM_BYTES:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    if len(body) > _FORM_BYTES:
        return ""
    try:
        fields = parse_qs(body.decode("utf-8"), strict_parsing=True, max_num_fields=4)
    except ValueError:
        return ""
    return fields.get("password", [""])[0]

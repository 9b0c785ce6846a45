"""Who may speak to this server from a browser: the allow-lists of Host and Origin.

A web page of somebody else's can make a visitor's browser send requests here. Two things tell
them apart from our own page, and neither can be set by a page's script.

Host: the name that the browser believes to be talking to. A hostile page whose name was made to
point at this machine (DNS rebinding) sends its own name, so names must be on the list. An IP
address needs no list: rebinding needs a name.

Origin: the page that asks. It must be the server's own (the same host and port as Host) or on
the list. Browsers send it with every websocket and every POST to another origin, so a request
without Origin does not come from a page of somebody else's: programs may leave it out. `null`
(sandboxed frames, local files) is nobody's origin and refused, unless the browser itself says
`Sec-Fetch-Site: same-origin`: under our own policy of telling no referrer it names no origin when
a form is sent. Where a browser says only that (Sec-Fetch-Site), `cross-site` and `same-site` are
refused for all that belongs to a session; the page itself may be linked from anywhere.

Sources: RFC 6454 and 9110 (Origin, Host), W3C Fetch Metadata, OWASP ASVS 5.0 section 4.4.2.
"""

from __future__ import annotations

import ipaddress
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from urllib.parse import urlsplit

from utils.asgi import App, Receive, Scope, Send, header, header_values, refuse

_LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
_PORTS = {"http": 80, "https": 443}
_READING = frozenset({"GET", "HEAD", "OPTIONS"})

WRONG_HOST = (
    "This server does not answer to that name. Open it by the address that it printed at start, "
    "or add the name to the setting ALLOWED_HOSTS.\n"
)
WRONG_ORIGIN = (
    "This request comes from a page of another site. Open Clinstat by its own address, or add "
    "that site to the setting ALLOWED_ORIGINS.\n"
)


@dataclass(frozen=True, slots=True)
class Authority:
    """Host name (lower case, no trailing dot, no brackets) and port (None: not given)."""

    name: str
    port: int | None


def parse_authority(text: str) -> Authority | None:
    """The authority in a Host header; None when it is not one."""
    if not text or len(text) > 300 or any(c in text for c in "/\\@?# \t,"):
        return None
    return _authority(f"//{text}")


def _authority(url: str) -> Authority | None:
    try:
        parts = urlsplit(url)
        name, port = parts.hostname or "", parts.port
    except ValueError:
        return None
    name = name.removesuffix(".")
    return Authority(name, port) if name and name.isascii() else None


def parse_origin(text: str) -> tuple[str, Authority] | None:
    """Scheme and authority (with its port) of an Origin; None when it is not one."""
    scheme, separator, rest = text.partition("://")
    scheme = scheme.lower()
    authority = parse_authority(rest) if separator and scheme in _PORTS else None
    if authority is None:
        return None
    return scheme, Authority(authority.name, authority.port or _PORTS[scheme])


def is_loopback(name: str) -> bool:
    """True for localhost and for addresses of this machine itself."""
    address = _address(name)
    return name in _LOOPBACK_NAMES or (address is not None and address.is_loopback)


def _address(name: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(name)
    except ValueError:
        return None


class OriginGate:
    """Answers 421 to a wrong Host and 403 to a wrong Origin; everything else goes on to `app`.

    `hosts` are names that the server answers to beside its loopback names and IP addresses
    ("*": any name; ".example.org": every name below it); `origins` whole origins
    ("https://clinstat.example.org") allowed beside its own, for a proxy that changes Host.
    Paths in `anyone` are not looked at (health probes). `counts` says what was refused.
    ValueError for an origin that is none.
    """

    def __init__(
        self, app: App, *, hosts: Collection[str], origins: Collection[str],
        anyone: Collection[str] = (),
    ) -> None:  # fmt: skip
        self._app = app
        self._any_host = "*" in hosts
        self._hosts = frozenset(h.lower() for h in hosts if not h.startswith("."))
        self._domains = tuple(h.lower() for h in hosts if h.startswith("."))
        self._origins = frozenset(_listed(o) for o in origins)
        self._anyone = frozenset(anyone)
        self.counts: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] == "lifespan" or scope["path"] in self._anyone:
            await self._app(scope, receive, send)
            return
        host = parse_authority(header(scope, b"host"))
        if host is None or not self.answers_to(host.name):
            self.counts["request refused: host"] += 1
            await refuse(scope, receive, send, 421, WRONG_HOST)
        elif not self.invites(scope, host):
            self.counts["request refused: origin"] += 1
            await refuse(scope, receive, send, 403, WRONG_ORIGIN)
        else:
            await self._app(scope, receive, send)

    def answers_to(self, name: str) -> bool:
        """True when a Host of this name is served."""
        return (
            self._any_host or name in self._hosts or is_loopback(name)
            or _address(name) is not None or name.endswith(self._domains)
        )  # fmt: skip

    def invites(self, scope: Scope, host: Authority) -> bool:
        """True when the request comes from our own page, a listed one, or no page at all."""
        given = header_values(scope, b"origin")
        told = header(scope, b"sec-fetch-site")
        if given and not (given == ["null"] and told == "same-origin"):
            origin = parse_origin(given[0]) if len(given) == 1 else None
            if origin is None:
                return False
            if origin in self._origins:
                return True
            scheme, asked = origin
            # The scheme is not compared: behind a proxy that ends TLS the server sees only http.
            if asked != Authority(host.name, host.port or _PORTS[scheme]):
                return False
        return _site_fits(scope)


def _listed(text: str) -> tuple[str, Authority]:
    origin = parse_origin(text)
    if origin is None:
        raise ValueError(f"{text!r} is not an origin such as https://clinstat.example.org")
    return origin


def _site_fits(scope: Scope) -> bool:
    """False for what a browser says another site's page has started."""
    if scope["type"] == "http" and scope["method"] in _READING:
        guarded = scope["path"].startswith("/session/")
    else:
        guarded = True
    return not guarded or header(scope, b"sec-fetch-site") not in {"cross-site", "same-site"}

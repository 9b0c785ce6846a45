"""Headers that say who asks are believed from a stated number of proxies and nobody else.

Anybody can send X-Forwarded-User or X-Forwarded-For. Unless whoever runs the server says that
proxies stand before it, all such headers are removed before any part of the application sees
them. With `hops` proxies, the address that the outermost of them saw is the `hops`-th from the
right of X-Forwarded-For; what stands left of it was written by the caller.
"""

from __future__ import annotations

import hmac
import ipaddress
from typing import Any

from utils.asgi import App, Receive, Scope, Send, header, header_values

#: Written by proxies about connection and client (compared with "_" read as "-").
_FORWARDED = ("forwarded", "x-forwarded-", "x-real-ip", "x-client-ip", "x-cluster-client-ip",
              "true-client-ip", "cf-connecting-ip", "fastly-client-ip", "x-original-",
              "x-rewrite-url", "x-http-method-override")  # fmt: skip
#: Written by sign-on proxies and hosts about the user.
_IDENTITY = (
    "remote-user", "remote-groups", "remote-email", "remote-name", "x-remote-", "x-user", "x-email",
    "x-auth-", "x-authenticated-", "x-authentik-", "x-webauth-", "x-proxy-", "x-ssl-client",
    "ssl-client", "x-client-cert", "x-amzn-oidc-", "x-ms-client-principal", "x-goog-",
    "x-iap-", "cf-access-", "x-pomerium-", "x-vouch-", "x-token", "tailscale-user-",
    "shiny-server-credentials", "rstudio-connect-credentials", "posit-connect-", "x-rsc-",
)  # fmt: skip

#: Set in the scope: somebody claimed to have passed the request on.
FORWARDED = "clinstat.forwarded"
#: Set in the scope: a proxy that knows the shared secret vouches for a signed-in user.
VOUCHED = "clinstat.vouched"
PROXY_SECRET_HEADER = b"x-proxy-secret"


def is_claimed(name: bytes) -> bool:
    """True for a header by which somebody says who or where the caller is."""
    plain = name.decode("latin-1").lower().replace("_", "-")
    return plain.startswith((*_FORWARDED, *_IDENTITY))


def client_address(scope: Scope, *, hops: int) -> str:
    """The address of the caller as the outermost of `hops` trusted proxies saw it.

    The peer itself when there is no proxy or too short a list. IPv6 callers are told apart by
    their /64 network, the smallest that one customer gets.
    """
    peer = scope.get("client") or ("", 0)
    address = str(peer[0])
    if hops > 0:
        seen = ",".join(header_values(scope, b"x-forwarded-for")).split(",")
        if len(seen) >= hops:
            address = seen[-hops].strip()
    return _network(address)


def _network(address: str) -> str:
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return "unknown"
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped is not None:
            return str(found.ipv4_mapped)
        return str(ipaddress.ip_network((found, 64), strict=False))
    return str(found)


class IdentityHeaders:
    """Puts the caller's address into `scope["client"]` and `https` into `scope["scheme"]` where
    the trusted proxies say so, then removes every such header.

    With a `proxy_secret`, a request that carries it in X-Proxy-Secret and names a user in
    `user_header` is marked as vouched for. Who the user is does not matter here and goes nowhere.
    """

    def __init__(
        self, app: App, *, hops: int, proxy_secret: str = "", user_header: str = "x-forwarded-user"
    ) -> None:
        self._app = app
        self._hops = hops
        self._secret = proxy_secret.encode("utf-8")
        self._user_header = user_header.lower().encode("ascii")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        kept = [
            (name, value) for name, value in scope["headers"]
            if not is_claimed(name) and name.lower() != self._user_header
        ]  # fmt: skip
        told: dict[str, Any] = {
            "client": (client_address(scope, hops=self._hops), 0),
            "headers": kept,
            FORWARDED: self._hops > 0 or len(kept) < len(scope["headers"]),
            VOUCHED: self._vouched(scope),
        }
        if self._hops > 0 and header(scope, b"x-forwarded-proto").lower() in {"https", "wss"}:
            told["scheme"] = "wss" if scope["type"] == "websocket" else "https"
        await self._app({**scope, **told}, receive, send)

    def _vouched(self, scope: Scope) -> bool:
        given = header(scope, PROXY_SECRET_HEADER).encode("latin-1")
        known = bool(self._secret) and hmac.compare_digest(given, self._secret)
        return known and header(scope, self._user_header).strip() != ""

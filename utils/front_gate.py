"""Everything that stands between the network and the application, in its order.

security     headers on every answer
host, origin nobody else's page or name
identity     what strangers claim about themselves is removed
endpoints    alive, ready; counts for whoever runs the server
traffic      how much one caller may ask
access       password, proxy, or open to all: whoever may use the server
plan         what an analysis would take
upload limit bytes are counted while they arrive
"""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from utils.access_gate import Access, AccessGate
from utils.asgi import App
from utils.endpoints import Endpoints, Handler, Watch
from utils.identity_headers import IdentityHeaders
from utils.origin_gate import OriginGate
from utils.security_headers import SecurityHeaders, content_policy
from utils.traffic_limits import Traffic, TrafficLimits
from utils.upload_limit import UploadLimit

PROBES = frozenset({"/healthz", "/readyz"})
_LOGIN_ASSETS = ("/login.css", "/clinstat.svg")


@dataclass(frozen=True, slots=True, kw_only=True)
class FrontRules(Traffic):
    """What the gate enforces. Sizes in bytes, times in seconds.

    `hosts` and `origins`: OriginGate; `frames`: who may show the page in a frame; `proxy_hops`:
    trusted proxies before this server; `secret` signs cookies (empty: a random one, so that
    everybody signs in again after a restart).
    """

    hosts: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()
    frames: tuple[str, ...] = ()
    proxy_hops: int = 0
    proxy_secret: str = ""
    user_header: str = "x-forwarded-user"
    password: str = ""
    access_seconds: float = 43_200.0
    public: bool = False
    admin_secret: str = ""
    secret: bytes = b""
    hsts_seconds: int = 0
    upload_bytes: int = 50 * 1024 * 1024
    upload_message: str = "This file is too large."


@dataclass(frozen=True, slots=True, kw_only=True)
class Behind:
    """What the gate needs of the application: the inline scripts of its page (SecurityHeaders),
    the HTML of the page that asks for the password, its status and the answer to POST /api/plan."""

    inline_scripts: tuple[str, ...] = ()
    login_page: bytes = b""
    status: Callable[[], Mapping[str, Any]]
    plan: Handler


def front_gate(app: App, rules: FrontRules, behind: Behind) -> App:
    """The application behind its gate. ValueError for a rule that cannot hold."""
    app = UploadLimit(app, limit_bytes=rules.upload_bytes, message=rules.upload_message)
    app = Endpoints(app, {"POST /api/plan": behind.plan})
    access = AccessGate(app, _access(rules, behind))
    traffic = TrafficLimits(access, rules)
    watch = Watch(lambda: {**behind.status(), "front": told()}, rules.admin_secret)
    app = Endpoints(traffic, watch.handlers())
    app = IdentityHeaders(
        app, hops=rules.proxy_hops, proxy_secret=rules.proxy_secret, user_header=rules.user_header
    )
    origin = OriginGate(app, hosts=rules.hosts, origins=rules.origins, anyone=PROBES)

    def told() -> dict[str, Any]:
        events: Counter[str] = access.counts + traffic.counts + origin.counts
        return {"open_pages": traffic.open_pages, "counts": dict(events)}

    policy = content_policy(behind.inline_scripts, rules.frames)
    return SecurityHeaders(origin, policy=policy, hsts_seconds=rules.hsts_seconds)


def _access(rules: FrontRules, behind: Behind) -> Access:
    return Access(
        public=rules.public, password=rules.password, by_proxy=rules.proxy_secret != "",
        seconds=rules.access_seconds, secret=rules.secret or secrets.token_bytes(32),
        login_page=behind.login_page, assets=_LOGIN_ASSETS,
    )  # fmt: skip

"""The endpoints beside the page: for whoever runs the server and for programs.

    GET  /healthz     alive; no work at all, asked by anybody
    GET  /readyz      200 or 503 with reasons, asked by anybody; sentences, no numbers
    GET  /api/stats   the status as JSON       both guarded: by ADMIN_SECRET as a bearer token,
    GET  /metrics     the same for Prometheus  without one only from this machine, no proxy between
    POST /api/plan    what an analysis of a dataset of some shape would take (`utils.plan_api`)

The status is asked for in a thread, once a second at most.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from utils.asgi import TEXT, App, Headers, Receive, Scope, Send, answer, header
from utils.exposition import CONTENT_TYPE, exposition
from utils.identity_headers import FORWARDED
from utils.origin_gate import is_loopback
from utils.rate import TokenBuckets
from utils.status import readiness

_JSON = b"application/json"
_KEPT_SECONDS = 1.0
_GUESSES_PER_MINUTE = 10
_FOR_KEEPERS = (
    "This page is for whoever runs the server: ask from the server itself, or set ADMIN_SECRET "
    "and send it as a bearer token.\n"
)


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer of an endpoint."""

    status: int
    body: bytes
    content_type: bytes = TEXT
    headers: Headers = ()


Handler = Callable[[Scope, Receive], Awaitable[Reply]]


def json_reply(status: int, value: object) -> Reply:
    """Plain data as JSON."""
    return Reply(status, json.dumps(value).encode("utf-8") + b"\n", _JSON)


class Endpoints:
    """Answers the paths of `handlers` ("GET /healthz": handler) and passes all else to `app`."""

    def __init__(self, app: App, handlers: Mapping[str, Handler]) -> None:
        self._app = app
        self._handlers = dict(handlers)
        self._paths = {name.partition(" ")[2]: name.partition(" ")[0] for name in handlers}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        allowed = self._paths.get(scope.get("path", "")) if scope["type"] == "http" else None
        if allowed is None:
            await self._app(scope, receive, send)
            return
        method = "GET" if scope["method"] == "HEAD" else scope["method"]
        if method != allowed:
            reply = Reply(405, b"Another method.\n", headers=[(b"allow", allowed.encode("ascii"))])
        else:
            reply = await self._handlers[f"{method} {scope['path']}"](scope, receive)
        body = b"" if scope["method"] == "HEAD" else reply.body
        await answer(
            send, reply.status, body, content_type=reply.content_type, headers=reply.headers
        )


class AdminGuard:
    """Lets in who knows `secret`, or without a secret who sits at this machine."""

    def __init__(self, secret: str) -> None:
        self._digest = hashlib.sha256(secret.encode("utf-8")).digest() if secret else None
        self._guesses = TokenBuckets(
            per_second=_GUESSES_PER_MINUTE / 60.0, burst=float(_GUESSES_PER_MINUTE)
        )

    def refusal(self, scope: Scope) -> Reply | None:
        """None when the caller may; else the answer. Constant time in the secret."""
        caller = str(scope["client"][0])
        if self._digest is None:
            near = is_loopback(caller) and not scope.get(FORWARDED, False)
            return None if near else Reply(403, _FOR_KEEPERS.encode())
        kind, _, given = header(scope, b"authorization").partition(" ")
        digest = hashlib.sha256(given.strip().encode("utf-8")).digest()
        if kind.lower() == "bearer" and hmac.compare_digest(digest, self._digest):
            return None
        wait_seconds = self._guesses.take(caller) if given else 0.0
        if wait_seconds:
            return Reply(429, b"Too many attempts. Wait a minute.\n")
        return Reply(401, _FOR_KEEPERS.encode(), headers=[(b"www-authenticate", b"Bearer")])


class Watch:
    """The handlers of the endpoints for whoever runs the server.

    `status` gives plain data (`utils.status.status_of`) and may block for milliseconds.
    """

    def __init__(self, status: Callable[[], Mapping[str, Any]], admin_secret: str) -> None:
        self._status = status
        self._guard = AdminGuard(admin_secret)
        self._known: Mapping[str, Any] = {}
        self._asked_at = float("-inf")
        self._asking = asyncio.Lock()

    def handlers(self) -> dict[str, Handler]:
        """By method and path."""
        return {
            "GET /healthz": self._alive, "GET /readyz": self._ready,
            "GET /api/stats": self._stats, "GET /metrics": self._metrics,
        }  # fmt: skip

    async def _alive(self, _scope: Scope, _receive: Receive) -> Reply:
        return Reply(200, b"alive\n")

    async def _ready(self, _scope: Scope, _receive: Receive) -> Reply:
        reasons, notes = readiness(await self._fresh())
        told = {"ready": not reasons, "reasons": reasons, "notes": notes}
        return json_reply(503 if reasons else 200, told)

    async def _stats(self, scope: Scope, _receive: Receive) -> Reply:
        return self._guard.refusal(scope) or json_reply(200, await self._fresh())

    async def _metrics(self, scope: Scope, _receive: Receive) -> Reply:
        refusal = self._guard.refusal(scope)
        if refusal is not None:
            return refusal
        text = await asyncio.to_thread(exposition, await self._fresh())
        return Reply(200, text, CONTENT_TYPE)

    async def _fresh(self) -> Mapping[str, Any]:
        async with self._asking:
            if time.monotonic() - self._asked_at > _KEPT_SECONDS:
                self._known = await asyncio.to_thread(self._status)
                self._asked_at = time.monotonic()
            return self._known

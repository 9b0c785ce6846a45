"""POST /api/plan: what an analysis of a dataset of some shape would take. No data is sent.

{"analysis": "analyze_outcome", "rows": 50000,
 "variables": [{"name": "died", "kind": "binary"}, {"name": "age", "kind": "continuous"}],
 "choices": {"outcome": "died", "event": "1", "predictors": ["age"]}}

200 {"seconds": 0.31, "bytes": 41000000, "lane": "quick", "fits": true, "sentence": "..."}
422 {"error": a sentence}       413, 415: too long, not JSON
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from utils.asgi import Receive, Scope, header
from utils.bounded_json import JsonLimits, NotPlain, read_json
from utils.endpoints import Reply, json_reply

_LIMITS = JsonLimits(size_bytes=64 * 1024, depth=6, items=20_000)
_WRONG_FORM = "The request does not have the form that this analysis takes. See its documentation."
#: What code raises that was handed a choice of another type than it documents.
_WRONG_TYPES = (TypeError, ValueError, KeyError, AttributeError, IndexError, OverflowError)


class PlanApi:
    """The handler. `plan` makes the answer of the parsed request and may raise one of `said`,
    errors for the user with `message` and `hint`."""

    def __init__(
        self, plan: Callable[[Mapping[str, Any]], Mapping[str, Any]],
        said: tuple[type[Exception], ...],
    ) -> None:  # fmt: skip
        self._plan = plan
        self._said = said

    async def __call__(self, scope: Scope, receive: Receive) -> Reply:
        """Answer one request."""
        if header(scope, b"content-type").partition(";")[0].strip().lower() != "application/json":
            return json_reply(415, {"error": "Send JSON with the type application/json."})
        body = await _body(receive)
        if body is None:
            return json_reply(413, {"error": "The request is longer than 64 kB."})
        try:
            asked = read_json(body, _LIMITS)
        except NotPlain:
            return json_reply(422, {"error": "This is not JSON of the kind that is read here."})
        try:
            return json_reply(200, dict(await asyncio.to_thread(self._plan, asked)))
        except self._said as error:
            words = (getattr(error, "message", ""), getattr(error, "hint", ""))
            return json_reply(422, {"error": " ".join(w for w in words if w)})
        except _WRONG_TYPES:
            return json_reply(422, {"error": _WRONG_FORM})


async def _body(receive: Receive) -> bytes | None:
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
        if len(body) > _LIMITS.size_bytes:
            return None
    return body

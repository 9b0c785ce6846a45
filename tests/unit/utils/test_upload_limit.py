"""The upload limit counts what arrives, whatever was declared."""

from __future__ import annotations

import asyncio

import pytest

from utils.upload_limit import UploadLimit


async def reader(scope, receive, send) -> None:
    """An application that reads the whole body, then answers."""
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"OK"})


def post(
    pieces: list[bytes], declared: int | None = None, method: str = "POST", app=reader
) -> list[dict]:
    headers = [] if declared is None else [(b"content-length", str(declared).encode())]
    messages = [
        {"type": "http.request", "body": piece, "more_body": i < len(pieces) - 1}
        for i, piece in enumerate(pieces)
    ]
    sent: list[dict] = []

    async def receive() -> dict:
        return messages.pop(0)

    async def send(message: dict) -> None:
        sent.append(message)

    app = UploadLimit(app, limit_bytes=10, message="Too large.")
    scope = {"type": "http", "method": method, "headers": headers}
    asyncio.run(app(scope, receive, send))
    return sent


@pytest.mark.parametrize(
    ("pieces", "declared"),
    [([b"x" * 11], 11), ([b"x" * 6, b"x" * 6], None), ([b"x" * 6, b"x" * 6], 5), ([b""], 10**12)],
)
def test_more_than_the_limit_is_refused_with_the_sentence(
    pieces: list[bytes], declared: int | None
) -> None:
    sent = post(pieces, declared)
    assert sent[0]["status"] == 413
    assert sent[1]["body"] == b"Too large."


@pytest.mark.parametrize(("pieces", "declared"), [([b"x" * 10], 10), ([b"x" * 5, b"x" * 5], None)])
def test_the_limit_itself_is_allowed(pieces: list[bytes], declared: int | None) -> None:
    assert post(pieces, declared)[0]["status"] == 200


async def hasty(scope, receive, send) -> None:
    """An application that answers 500 to whatever goes wrong, as frameworks do."""
    try:
        await reader(scope, receive, send)
    except Exception:
        await send({"type": "http.response.start", "status": 500, "headers": []})
        await send({"type": "http.response.body", "body": b"Internal Server Error"})
        raise


def test_the_sentence_is_heard_over_the_application() -> None:
    sent = post([b"x" * 6, b"x" * 6], app=hasty)
    assert [m.get("status") for m in sent] == [413, None]
    assert sent[1]["body"] == b"Too large."


def test_other_requests_pass() -> None:
    assert post([b"x" * 50], 50, method="GET")[0]["status"] == 200

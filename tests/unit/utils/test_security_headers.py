"""The headers of every answer, as a snapshot: a change of any is a decision."""

from __future__ import annotations

import base64
import hashlib

import pytest

from tests.unit.utils.asgi_calls import Witness, called
from utils.security_headers import SecurityHeaders, content_policy, inline_scripts

POLICY = (
    "default-src 'none'; script-src 'self' 'sha256-x'; script-src-attr 'none'; "
    "style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:; "
    "connect-src 'self'; worker-src 'none'; manifest-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'self' https://huggingface.co"
)
SNAPSHOT = {
    "cache-control": "no-store",
    "content-security-policy": POLICY,
    "content-type": "text/html",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": (
        "accelerometer=(), autoplay=(), bluetooth=(), camera=(), display-capture=(), "
        "encrypted-media=(), fullscreen=(), gamepad=(), geolocation=(), gyroscope=(), hid=(), "
        "identity-credentials-get=(), idle-detection=(), local-fonts=(), magnetometer=(), "
        "microphone=(), midi=(), payment=(), picture-in-picture=(), "
        "publickey-credentials-get=(), screen-wake-lock=(), serial=(), usb=(), web-share=(), "
        "xr-spatial-tracking=()"
    ),
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-permitted-cross-domain-policies": "none",
}


def guarded(app=None, **extra) -> SecurityHeaders:
    policy = content_policy(["'sha256-x'"], ["https://huggingface.co"])
    return SecurityHeaders(app or Witness(), policy=policy, **extra)


def test_the_snapshot() -> None:
    assert called(guarded(), "GET").headers == SNAPSHOT


def test_no_inline_script_and_no_evaluation_is_allowed() -> None:
    scripts = content_policy([], []).split("script-src ")[1].split(";")[0]
    assert scripts == "'self'"
    assert "unsafe-eval" not in content_policy([], [])
    assert content_policy([], []).endswith("frame-ancestors 'self'")


async def own_headers(scope, receive, send) -> None:
    head = [(b"Cache-Control", b"max-age=1"), (b"X-Content-Type-Options", b"none"),
            (b"content-type", b"a/b")]  # fmt: skip
    await send({"type": "http.response.start", "status": 200, "headers": head})
    await send({"type": "http.response.body", "body": b""})


def test_ours_replace_what_the_application_says_but_not_how_long_it_may_be_kept() -> None:
    headers = called(guarded(own_headers), "GET").headers
    assert headers["Cache-Control"] == "max-age=1"
    assert "cache-control" not in headers
    assert "X-Content-Type-Options" not in headers
    assert headers["x-content-type-options"] == "nosniff"


def test_https_is_kept_only_where_it_was_asked_for() -> None:
    stay = "strict-transport-security"
    assert stay not in called(guarded(hsts_seconds=60), "GET").headers
    assert called(guarded(hsts_seconds=60), "GET", scheme="https").headers[stay] == "max-age=60"
    assert stay not in called(guarded(), "GET", scheme="https").headers


def test_a_websocket_passes() -> None:
    assert called(guarded(), "WS").status == 101


def hash_of(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


@pytest.mark.parametrize(
    ("page", "texts"),
    [
        ("<script>a && b < c</script>", ["a && b < c"]),
        ("<SCRIPT>\n1 </SCRIPT><p>x</p><script>2</script>", ["\n1 ", "2"]),
        ('<script src="a.js"></script>', []),
        ('<script type="application/json">{}</script>', []),
        ('<script type="module">x</script>', ["x"]),
        ("<script>'é'</script>", ["'é'"]),
        ("<p>none</p>", []),
    ],
)
def test_inline_scripts_are_named_by_their_hash(page: str, texts: list[str]) -> None:
    assert inline_scripts(page) == tuple(hash_of(t) for t in texts)

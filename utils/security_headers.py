"""Headers that tell the browser what the page may do: no more than it does.

Scripts come from this server or are those few inline ones that the page framework writes into
the page, named by their SHA-256. No evaluation of text as code, no plug-ins, no request to
another site. Inline styles are allowed: the framework writes style attributes, and the figure
library a whole sheet (for maps, drawn or not) whose text changes with its version. Text from data
never becomes markup unescaped, a style runs nothing, and what it could fetch is bounded as well.

Sources: W3C Content Security Policy 3, OWASP ASVS 5.0 section 3.4.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Collection, Sequence
from html.parser import HTMLParser

from utils.asgi import App, Message, Receive, Scope, Send

#: Types under which a browser runs a script; others hold data.
_RUN = frozenset({"", "text/javascript", "application/javascript", "module"})
_NEVER = (
    "accelerometer", "autoplay", "bluetooth", "camera", "display-capture", "encrypted-media",
    "fullscreen", "gamepad", "geolocation", "gyroscope", "hid", "identity-credentials-get",
    "idle-detection", "local-fonts", "magnetometer", "microphone", "midi", "payment",
    "picture-in-picture", "publickey-credentials-get", "screen-wake-lock", "serial", "usb",
    "web-share", "xr-spatial-tracking",
)  # fmt: skip


class _InlineScripts(HTMLParser):
    """Collects the text of the scripts that stand in a page."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=False)
        self.texts: list[str] = []
        self._open = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Look at one tag."""
        given = dict(attrs)
        kind = (given.get("type") or "").lower()
        self._open = tag == "script" and "src" not in given and kind in _RUN
        if self._open:
            self.texts.append("")

    def handle_data(self, data: str) -> None:
        """Look at text."""
        if self._open:
            self.texts[-1] += data

    def handle_endtag(self, tag: str) -> None:  # noqa: ARG002 - the base class calls it so
        """Look at the end of a tag."""
        self._open = False


def inline_scripts(page: str) -> tuple[str, ...]:
    """`'sha256-...'` of each script that stands in the page, as the policy names them."""
    parser = _InlineScripts()
    parser.feed(page)
    parser.close()
    return tuple(_hash(text) for text in parser.texts)


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode("utf-8")).digest()
    return f"'sha256-{base64.b64encode(digest).decode('ascii')}'"


def content_policy(scripts: Sequence[str], frames: Collection[str]) -> str:
    """The Content-Security-Policy. `scripts` are the inline ones, `frames` the sites that may
    show the page in a frame beside its own ("https://huggingface.co")."""
    rules = {
        "default-src": "'none'",
        "script-src": " ".join(["'self'", *scripts]),
        "script-src-attr": "'none'",
        "style-src": "'self' 'unsafe-inline'",
        "img-src": "'self' data: blob:",
        "font-src": "'self' data:",
        "connect-src": "'self'",
        "worker-src": "'none'",
        "manifest-src": "'self'",
        "form-action": "'self'",
        "base-uri": "'none'",
        "frame-ancestors": " ".join(["'self'", *sorted(frames)]),
    }
    return "; ".join(f"{name} {value}" for name, value in rules.items())


class SecurityHeaders:
    """Adds the headers to every HTTP answer.

    `policy` is the Content-Security-Policy. Over https the browser is told to stay there
    (`hsts_seconds`; 0: not said).
    """

    def __init__(self, app: App, *, policy: str, hsts_seconds: int = 0) -> None:
        self._app = app
        self._headers = [
            (b"content-security-policy", policy.encode("ascii")),
            (b"x-content-type-options", b"nosniff"),
            (b"referrer-policy", b"no-referrer"),
            (b"permissions-policy", ", ".join(f"{n}=()" for n in _NEVER).encode("ascii")),
            (b"cross-origin-opener-policy", b"same-origin"),
            (b"cross-origin-resource-policy", b"same-origin"),
            (b"x-permitted-cross-domain-policies", b"none"),
        ]
        stay = f"max-age={hsts_seconds}".encode("ascii")
        self._https = [(b"strict-transport-security", stay)] if hsts_seconds else []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        ours = self._headers + (self._https if scope["scheme"] == "https" else [])
        names = {name for name, _ in ours}

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                given = [p for p in message.get("headers", ()) if p[0].lower() not in names]
                if not any(name.lower() == b"cache-control" for name, _ in given):
                    given.append((b"cache-control", b"no-store"))
                message = {**message, "headers": [*given, *ours]}
            await send(message)

        await self._app(scope, receive, with_headers)

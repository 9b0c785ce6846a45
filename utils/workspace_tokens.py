"""The secret that a browser tab holds, and the only form in which the server keeps it.

    Tokens(secret).mint() -> (Token, mark)      256 random bits
    Tokens(secret).mark(text) -> str | None     what is stored: a keyed digest; None if malformed
    same(mark, other) -> bool                   comparison in constant time

A `Token` shows itself as "<token>" wherever it is printed, formatted or logged; its text comes
out by `reveal()` alone, in the one place that sends it to its own page.
"""

from __future__ import annotations

import hmac
import re
import secrets
from typing import NoReturn

_TOKEN_BYTES = 32
_TOKEN = re.compile(r"[0-9a-f]{64}")


class Token:
    """A secret text that does not print itself and cannot be copied into a file by accident."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The text, for the page that owns it and for nobody else."""
        return self._text

    def __repr__(self) -> str:
        return "<token>"

    __str__ = __repr__

    def __format__(self, _spec: str) -> str:
        return "<token>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a token is not written anywhere")


class Tokens:
    """Makes tokens and their marks. `secret` is the server's; marks of another one never fit."""

    def __init__(self, secret: bytes) -> None:
        self._key = hmac.digest(secret, b"clinstat workspace token 1", "sha256")

    def mint(self) -> tuple[Token, str]:
        """A new token from the system's generator, and its mark."""
        text = secrets.token_bytes(_TOKEN_BYTES).hex()
        return Token(text), self._digest(text)

    def mark(self, text: str) -> str | None:
        """HMAC-SHA256 of the token, 64 hex digits; None for what cannot be a token."""
        if not isinstance(text, str) or _TOKEN.fullmatch(text) is None:
            return None
        return self._digest(text)

    def _digest(self, text: str) -> str:
        return hmac.digest(self._key, text.encode("ascii"), "sha256").hex()


def same(mark: str, other: str | None) -> bool:
    """True when both are the same mark. Takes the same time wherever they differ."""
    return other is not None and hmac.compare_digest(mark, other)

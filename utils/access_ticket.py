"""A signed note that the bearer has given the password, good until a stated moment.

    v1.<expiry, seconds since 1970>.<random>.<HMAC-SHA256>

The key is made from a secret of the server and the password, so a changed password ends every
ticket. A ticket says nothing about who holds it.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from collections.abc import Callable

_FORM = "v1"


class Tickets:
    """Writes and checks tickets. `clock` gives seconds since 1970."""

    def __init__(
        self, *, secret: bytes, password: str, seconds: float,
        clock: Callable[[], float] = time.time,
    ) -> None:  # fmt: skip
        self._key = hmac.digest(secret, b"clinstat access " + password.encode("utf-8"), "sha256")
        self._clock = clock
        self.seconds = int(seconds)

    def write(self) -> str:
        """A fresh ticket."""
        note = f"{_FORM}.{int(self._clock()) + self.seconds}.{secrets.token_urlsafe(16)}"
        return f"{note}.{self._sign(note)}"

    def fits(self, ticket: str) -> bool:
        """True for a ticket of ours that has not expired. Constant time in the signature."""
        note, _, signature = ticket.rpartition(".")
        ours = hmac.compare_digest(signature.encode("utf-8"), self._sign(note).encode("ascii"))
        parts = note.split(".")
        if not ours or len(parts) != 3 or parts[0] != _FORM or not parts[1].isdigit():
            return False
        # Never longer than it could have been written for: a clock set back gives no extra time.
        return 0 < int(parts[1]) - self._clock() <= self.seconds

    def _sign(self, note: str) -> str:
        return hmac.new(self._key, note.encode("utf-8"), hashlib.sha256).hexdigest()

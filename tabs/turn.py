"""Whose turn it is to be shown on a result card."""

from __future__ import annotations

from logic import CancelToken


class Turn:
    """Which run may still speak: the last one that was begun and not stopped."""

    def __init__(self) -> None:
        self._token = CancelToken()

    def begin(self) -> CancelToken:
        """Stop the run before, if there is one, and begin the next."""
        self._token.cancel()
        self._token = CancelToken()
        return self._token

    def stop(self) -> None:
        """The answer of the run under way is not wanted any more."""
        self._token.cancel()

"""Whose turn it is to be shown on a result card."""

from __future__ import annotations


class Turn:
    """Which run may still speak: the last one that was begun and not stopped.

    `key` names the job that it looks at, once that is known.
    """

    def __init__(self) -> None:
        self._number = 0
        self.key: str | None = None

    def begin(self) -> int:
        """The next run; the one before may not speak any more."""
        self._number += 1
        return self._number

    def stop(self) -> str | None:
        """The answer of the run under way is not wanted any more; the key of its job."""
        self._number += 1
        key, self.key = self.key, None
        return key

    def has(self, number: int) -> bool:
        """True while the run of this number may speak."""
        return self._number == number

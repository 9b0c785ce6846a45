"""System calls that fail on command: the n-th one, or all from the n-th on."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import pytest

CALLS = ("open", "fdopen", "replace", "rename", "unlink", "mkdir", "lstat", "fstat", "link",
         "scandir", "listdir", "chmod", "fsync")  # fmt: skip
#: Stands in the text of every injected error; no message and no log line may repeat it.
PLACE = "/secret/place"


class FailingCalls:
    """Counts calls of `os`. Armed, it raises OSError(code) and counts what it `injected`."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.calls = self.injected = 0
        self.first: int | None = None
        self.last = self.code = 0
        for name in CALLS:
            monkeypatch.setattr(os, name, self._wrapped(getattr(os, name)))

    def arm(self, first: int, *, persistent: bool, code: int) -> None:
        self.calls = self.injected = 0
        self.first, self.code = first, code
        self.last = 1 << 60 if persistent else first

    def disarm(self) -> None:
        self.first = None

    def _wrapped(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **more: Any) -> Any:
            self.calls += 1
            if self.first is not None and self.first <= self.calls <= self.last:
                self.injected += 1
                raise OSError(self.code, "injected", PLACE)
            return real(*arguments, **more)

        return call

"""Jobs for the workers of a Dask cluster."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

from stats.errors import BadInput


def add(a: int, b: int) -> int:
    return a + b


def whereabouts() -> int:
    return os.getpid()


def die_once(witness: str) -> str:
    """Kills its worker at the first try."""
    if not Path(witness).exists():
        Path(witness).write_text(str(os.getpid()))
        os.kill(os.getpid(), signal.SIGKILL)
    return "answered"


def die_always() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def slowly(witness: str, progress: Callable[[float], None] | None = None) -> str:
    """Thirty seconds, unless it is stopped."""
    for step in range(300):
        time.sleep(0.1)
        if progress is not None:
            progress(step / 300)
        Path(witness).write_text(str(step))
    return "end"


def bad(column: str) -> None:
    raise BadInput("A column is missing.", column=column, rule="columns", hint="Choose another.")


def broken() -> None:
    raise ZeroDivisionError("patient 17")

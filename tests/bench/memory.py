"""How much memory a piece of work adds."""

from __future__ import annotations

import threading
from typing import Any

import psutil


def peak_added(work: Any) -> float:
    """MB that the resident size grows by while `work` runs, sampled every 5 ms."""
    process = psutil.Process()
    before, highest, done = process.memory_info().rss, 0, threading.Event()

    def watch() -> None:
        nonlocal highest
        while not done.wait(0.005):
            highest = max(highest, process.memory_info().rss)

    thread = threading.Thread(target=watch)
    thread.start()
    work()
    done.set()
    thread.join()
    return max(highest - before, 0) / 2**20

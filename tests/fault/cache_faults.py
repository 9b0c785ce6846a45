"""What the fault tests of the cache share: values that prove themselves, and a count of faults.

FAULT_SCALE in the environment multiplies the number of trials (1 in the suite).
"""

from __future__ import annotations

import hashlib
import os
import random
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from utils.cache import TieredCache
from utils.open_cache import open_cache

SCALE = float(os.environ.get("FAULT_SCALE", "1"))
SECRET = b"fault tests' own secret, 32 byte"


def fast_directory() -> Path:
    """A new directory, in memory where the system has one: thousands of trials wait for no disk."""
    memory = Path("/dev/shm")
    usable = memory.is_dir() and os.access(memory, os.W_OK)
    return Path(tempfile.mkdtemp(prefix="cache-faults-", dir=memory if usable else None))


def scaled(trials: int) -> int:
    return max(1, int(trials * SCALE))


def key(i: int) -> str:
    return hashlib.sha256(f"key {i}".encode()).hexdigest()


def truth(i: int) -> tuple[Any, ...]:
    """A value that nobody could make up: sizes from 100 bytes to 100 kB, with its own digest."""
    size = (100, 3_000, 31_000, 40_000, 100_000)[i % 5]
    body = random.Random(i).randbytes(size)
    return (i, body, hashlib.sha256(body).hexdigest())


def open_at(directory: Path, **more: Any) -> TieredCache:
    given: dict[str, Any] = {
        "memory_bytes": 1 << 23, "classes": {}, "directory": directory, "disk_bytes": 1 << 26,
        "secret": SECRET, "lock_wait_seconds": 20.0, **more,
    }  # fmt: skip
    return open_cache(**given)


def fill(cache: TieredCache, numbers: range) -> None:
    for i in numbers:
        made = cache.get_or_compute(key(i), lambda i=i: truth(i), name="f", ttl_seconds=1e6)
        assert made.value == truth(i)


def read(cache: TieredCache, i: int) -> str:
    """Ask for value i: "right" or "recomputed". A wrong value or an exception ends the test."""
    answer = cache.get_or_compute(key(i), lambda: truth(i), name="f", ttl_seconds=1e6)
    assert answer.value == truth(i), f"a WRONG value was served for {i}"
    return "recomputed" if answer.source == "computed" else "right"


def report(what: str, counts: Counter[str]) -> None:
    print(f"\n{what}: " + ", ".join(f"{n} {name}" for name, n in sorted(counts.items())))

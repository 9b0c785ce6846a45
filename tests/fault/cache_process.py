"""A process on a shared cache directory, told by its arguments what to do.

write  DIRECTORY SEED          store and read values until killed
once   DIRECTORY KEY SECONDS   compute one value, slowly, and say how it came
own    DIRECTORY KEY           start a computation that never ends, and say so
"""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.fault.cache_faults import key, open_at, truth


def say(*words: object) -> None:
    print(*words, flush=True)


def write(directory: Path, seed: int) -> None:
    """Store, read and clear values until killed; a wrong value is noted in a file."""
    rng = random.Random(seed)
    cache = open_at(directory, memory_bytes=1 << 16)
    while True:
        i = rng.randrange(60)
        answer = cache.get_or_compute(key(i), lambda i=i: truth(i), name="f", ttl_seconds=1e6)
        if answer.value != truth(i):
            (directory / "wrong").write_text(str(i))
        if rng.random() < 0.3:
            cache.clear(key=key(rng.randrange(60)))


def nest(directory: Path) -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for seed in sys.stdin:
        pid = os.fork()
        if pid == 0:
            try:
                write(directory, int(seed))
            finally:
                os._exit(1)
        say(pid)


def once(directory: Path, name: str, seconds: str) -> None:
    def compute() -> tuple[str, int]:
        directory.mkdir(exist_ok=True)
        with (directory / "computed").open("a") as log:
            log.write(f"{os.getpid()}\n")
        time.sleep(float(seconds))
        return ("made", 1)

    cache = open_at(directory)
    say("ready")
    sys.stdin.readline()
    answer = cache.get_or_compute(name, compute, name="f", ttl_seconds=1e6)
    say(answer.source, answer.value == ("made", 1))


def own(directory: Path, name: str) -> None:
    def compute() -> None:
        say("owns")
        time.sleep(600)

    open_at(directory).get_or_compute(name, compute, name="f", ttl_seconds=1e6)


if __name__ == "__main__":
    what, place, *rest = sys.argv[1:]
    {"nest": nest, "once": once, "own": own}[what](Path(place), *rest)

"""A process on a shared cache directory, told by its arguments what to do.

nest   DIRECTORY               fork a writer for each line "SEED FOLDER" and say its id; a writer
                               stores, reads and clears values in DIRECTORY/FOLDER until killed
once   DIRECTORY KEY SECONDS   compute one value, slowly, and say how it came
own    DIRECTORY KEY           start a computation that never ends, and say so
serve  DIRECTORY REDIS         one word and an answer per line ("-": without Redis):
                               ask N LABEL, slow N LABEL, held, listen, stored N
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
    """One interpreter, a forked writer per line: what a kill costs is the fork."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for asked in sys.stdin:
        seed, folder = asked.split()
        pid = os.fork()
        if pid == 0:
            try:
                write(directory / folder, int(seed))
            finally:
                # `write` only ends by an exception; a killed writer does not come here
                (directory / f"raised-{seed}").write_text(repr(sys.exc_info()[1]))
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


def serve(directory: Path, redis_url: str) -> None:
    more = {} if redis_url == "-" else {"redis_url": redis_url}
    cache = open_at(directory, **more)
    say("ready")
    for asked in sys.stdin:
        what, *rest = asked.split()
        if what in ("ask", "slow"):
            i, label = int(rest[0]), rest[1]

            def compute(i: int = i, slow: bool = what == "slow") -> object:
                if slow:
                    say("computing")
                    time.sleep(0.5)
                return truth(i)

            answer = cache.get_or_compute(key(i), compute, name="f", label=label, ttl_seconds=1e6)
            assert answer.value == truth(i)
            say(answer.source)
        elif what == "held":
            say(len(cache.memory))
        elif what == "stored":
            say([tier.name for tier in cache.lower if tier.get(key(int(rest[0]))) is not None])
        else:
            cache.listen(at_once=True)
            say(len(cache.memory))


if __name__ == "__main__":
    what, place, *rest = sys.argv[1:]
    {"nest": nest, "once": once, "own": own, "serve": serve}[what](Path(place), *rest)

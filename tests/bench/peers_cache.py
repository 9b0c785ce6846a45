"""One peer, measured by its own interpreter: `.venv-bench/bin/python peers_cache.py PEER`.

Prints one line: microseconds of processor time of a repeat from memory, of a repeat from disk (memory cold), of
the time that storing adds to a computation, computations by 20 threads and by 4 processes on
one missing key, operations per second of 4 processes on one directory (peers with a disk tier:
500 results of 45 kB, a number as the argument), and the growth of resident memory in MB over 500
results of 1 MB.
"""

from __future__ import annotations

import contextlib
import json
import multiprocessing as mp
import os
import random
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from cache_work import frame, median_us, tables

TABLES = tables()
LOG = Path(tempfile.mkdtemp()) / "computed"


def work(data: Any, option: int) -> Any:
    with LOG.open("a") as log:
        log.write("x")
    return {**TABLES, "option": option}


def slow(data: Any, option: int) -> Any:
    time.sleep(0.3)
    return work(data, option)


def big(option: int) -> bytes:
    return os.urandom(1 << 20)


def count() -> int:
    found = len(LOG.read_text()) if LOG.exists() else 0
    LOG.unlink(missing_ok=True)
    return found


def streamlit(directory: str) -> Callable[..., Any]:
    import logging

    logging.disable(logging.CRITICAL)
    import streamlit as st

    return lambda function, disk=False: st.cache_data(show_spinner=False)(function)


def joblib(directory: str) -> Callable[..., Any]:
    from joblib import Memory

    return lambda function, disk=False: Memory(directory, verbose=0).cache(function)


def diskcache(directory: str) -> Callable[..., Any]:
    import diskcache as dc

    return lambda function, disk=False: dc.Cache(directory).memoize()(function)


def cachetools(directory: str) -> Callable[..., Any]:
    """It has no key for a frame; joblib's hash is given to it."""
    import cachetools as ct
    from joblib import hash as digest

    return lambda function, disk=False: ct.cached(
        ct.LRUCache(1000), key=lambda *a, **k: digest((a, k)), lock=threading.Lock()
    )(function)


PEERS = {"streamlit": streamlit, "joblib": joblib, "diskcache": diskcache, "cachetools": cachetools}
ON_DISK = {"joblib", "diskcache"}


def one_process(peer: str, directory: str, gate: Any) -> None:
    cached = PEERS[peer](directory)(slow)
    gate.wait()
    cached(frame(2000), 77)


BODY = os.urandom(45_000)


def body(option: int) -> bytes:
    return BODY


def one_reader(peer: str, directory: str, gate: Any, seconds: float, told: Any) -> None:
    cached, rng, done = PEERS[peer](directory)(body), random.Random(os.getpid()), 0
    gate.wait()
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        cached(rng.randrange(500))
        done += 1
    told.put(done)


def rate(peer: str, seconds: float = 3.0) -> float:
    """Operations per second of 4 processes on one directory that holds all 500 results."""
    fork, directory = mp.get_context("fork"), tempfile.mkdtemp()
    cached = PEERS[peer](directory)(body)
    for option in range(500):
        cached(option)
    gate, told = fork.Barrier(4), fork.Queue()
    readers = [
        fork.Process(target=one_reader, args=(peer, directory, gate, seconds, told))
        for _ in range(4)
    ]
    for reader in readers:
        reader.start()
    total = sum(told.get(timeout=60) for _ in readers)
    for reader in readers:
        reader.join()
    return total / seconds


def rss_mb() -> float:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    return 0.0


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    with open(os.devnull, "w") as nowhere, contextlib.redirect_stderr(nowhere):
        yield


def measure(peer: str) -> dict[str, float]:
    directory = tempfile.mkdtemp()
    decorate = PEERS[peer](directory)
    data = frame()
    cached = decorate(work)
    cached(data, 0)
    found = {"hit": median_us(lambda: cached(data, 0), 15)}
    found["disk hit"] = found["hit"] if peer in ON_DISK else float("nan")
    options = iter(range(1, 10**6))
    plain = median_us(lambda: work(data, 0), 9)
    found["set"] = median_us(lambda: cached(data, next(options)), 9) - plain
    count()
    held = decorate(slow)
    small = frame(2000)
    threads = [threading.Thread(target=held, args=(small, 5)) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found["threads"] = count()
    gate = mp.get_context("fork").Barrier(4)
    processes = [
        mp.get_context("fork").Process(target=one_process, args=(peer, directory, gate))
        for _ in range(4)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    found["processes"] = count()
    found["rate"] = rate(peer) if peer in ON_DISK else float("nan")
    before = rss_mb()
    kept = decorate(big)
    for i in range(500):
        kept(i)
    found["memory"] = rss_mb() - before
    return found


if __name__ == "__main__":
    with quiet():
        print(json.dumps(measure(sys.argv[1])))

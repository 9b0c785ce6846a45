"""Functions that the executor tests run in workers: good ones, and every way to go wrong."""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd

from stats.errors import BadInput


def nothing() -> None:
    return None


def echo(value):
    return value


def add(a, b):
    return a + b


def column_means(frame: pd.DataFrame) -> dict[str, float]:
    return {str(name): float(frame[name].mean()) for name in frame}


def process_facts() -> dict[str, object]:
    return {
        "pid": os.getpid(),
        "group": os.getpgid(0),
        "parent": os.getppid(),
        "umask": os.umask(0o077),
        "core": list(resource.getrlimit(resource.RLIMIT_CORE)),
        "cpu": resource.getrlimit(resource.RLIMIT_CPU)[0],
        "file": resource.getrlimit(resource.RLIMIT_FSIZE)[0],
        "sigterm_default": signal.getsignal(signal.SIGTERM) is signal.SIG_DFL,
        "descriptors": sorted(int(entry.name) for entry in Path("/proc/self/fd").iterdir()),
        "streams": [str(Path(f"/proc/self/fd/{n}").readlink()) for n in (0, 1, 2)],
        "threads": len(list(Path("/proc/self/task").iterdir())),
        "niceness": os.nice(0),
        "oom_score": int(Path("/proc/self/oom_score_adj").read_text()),
        "modules": sorted({"pandas", "numpy", "scipy.special"} & set(sys.modules)),
    }


def random_numbers() -> list[float]:
    import random

    return [random.random(), float(np.random.rand())]


def refuse(column: str) -> None:
    raise BadInput(
        f'"{column}" has text in it.', column=column, rule="number", found="abc", hint="Mend it."
    )


def fail_with_secret(secret: str) -> None:
    raise KeyError(secret)


def leave() -> None:
    sys.exit(3)


def kill_self() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def abort() -> None:
    os.abort()


def crash() -> None:
    ctypes.string_at(0)


def eat_memory(step_bytes: int = 8 << 20) -> None:
    kept = []
    while True:
        kept.append(np.ones(step_bytes // 8))


def eat_small_memory() -> None:
    kept: list[object] = []
    while True:
        kept.append([object() for _ in range(1000)])


def spin(path: str = "") -> None:
    if path:
        Path(path).write_text(str(os.getpid()))
    while True:
        pass


def sleep(seconds: float, path: str = "") -> float:
    if path:
        Path(path).write_text(str(os.getpid()))
    time.sleep(seconds)
    return seconds


def start_child_and_spin(path: str) -> None:
    child = subprocess.Popen(["sleep", "1000"])
    Path(path).write_text(f"{os.getpid()} {child.pid}")
    while True:
        pass


def large(size_bytes: int) -> np.ndarray:
    return np.zeros(size_bytes, dtype=np.uint8)


def unknown_type() -> object:
    return object()


def count_up(n: int, pause: float = 0.0, progress=None) -> int:
    for i in range(n):
        if pause:
            time.sleep(pause)
        if progress is not None:
            progress((i + 1) / n, {"done": i + 1})
    return n


def write_file(path: str, size_bytes: int) -> int:
    block = bytes(1 << 20)
    with Path(path).open("wb") as file:
        file.writelines(block for _ in range(size_bytes >> 20))
    return size_bytes


def hostile(data: bytes, again: bool = False, progress=None) -> None:
    """Write raw bytes where frames belong, on the worker's only socket."""
    sock = next(number for number in range(3, 64) if _is_socket(number))
    os.set_blocking(sock, True)
    os.write(sock, data)
    while again:
        os.write(sock, data)
    time.sleep(30)


def _is_socket(descriptor: int) -> bool:
    try:
        return stat.S_ISSOCK(os.fstat(descriptor).st_mode)
    except OSError:
        return False


def frame_facts(frame: pd.DataFrame) -> dict[str, object]:
    columns = {str(name): frame[name].to_numpy() for name in frame}
    return {
        "owned": [name for name, values in columns.items() if values.flags.owndata],
        "writeable": [name for name, values in columns.items() if values.flags.writeable],
    }


def has_loaded(module: str) -> bool:
    """Whether this worker found the module imported."""
    return module in sys.modules

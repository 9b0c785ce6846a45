"""How much memory the server and everything that it started take, and how to give some back.

The measure is PSS (proportional set size): a page shared by n processes counts 1/n in each, so
the sum over the tree is what the system would get back. The only file that uses psutil.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil

_MALLOPT = (-1, -3)  # M_TRIM_THRESHOLD, M_MMAP_THRESHOLD in malloc.h of glibc
_UNLIMITED = 1 << 60  # version 1 of control groups writes a huge number for "no limit"


def tree_bytes(pid: int | None = None) -> int:
    """PSS of a process (this one by default) and all its descendants, in bytes.

    Where the system does not tell PSS, resident size stands in, which counts shared pages in
    every process. Processes that end meanwhile count nothing.
    """
    root = psutil.Process(os.getpid() if pid is None else pid)
    try:
        children = root.children(recursive=True)
    except psutil.Error:
        children = []
    return sum(_process_bytes(process) for process in (root, *children))


def _process_bytes(process: psutil.Process) -> int:
    try:
        full = process.memory_full_info()
    except psutil.AccessDenied:
        return _resident_bytes(process)
    except psutil.Error:
        return 0
    return int(getattr(full, "pss", full.rss))


def _resident_bytes(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.Error:
        return 0


def group_limit_bytes(
    membership: Path = Path("/proc/self/cgroup"), mount: Path = Path("/sys/fs/cgroup")
) -> int | None:
    """The smallest memory limit of the control groups that this process is in, None without.

    Reads version 2 (`memory.max`) and version 1 (`memory/memory.limit_in_bytes`), in the group
    itself and in all groups above it.
    """
    limits: list[int] = []
    for hierarchy, name, group in _groups(membership):
        folder = mount / hierarchy / group
        for place in (folder, *folder.parents):
            limit = _limit_in(place / name)
            if limit is not None:
                limits.append(limit)
            if place == mount / hierarchy:
                break
    return min(limits, default=None)


def _groups(membership: Path) -> list[tuple[str, str, str]]:
    """(folder below the mount, name of the limit file, group) for each hierarchy."""
    try:
        lines = membership.read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
    found = []
    for line in lines:
        number, controllers, group = line.split(":", 2)
        if number == "0" and not controllers:
            found.append(("", "memory.max", group.lstrip("/")))
        elif "memory" in controllers.split(","):
            found.append(("memory", "memory.limit_in_bytes", group.lstrip("/")))
    return found


def _limit_in(file: Path) -> int | None:
    try:
        text = file.read_text(encoding="ascii").strip()
    except OSError:
        return None
    if not text.isdigit() or int(text) >= _UNLIMITED:
        return None
    return int(text)


def give_back() -> None:
    """Collect garbage and hand free pages to the system (glibc; elsewhere only collect)."""
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def return_large_blocks(threshold_bytes: int) -> bool:
    """Let every freed block of at least `threshold_bytes` go back to the system at once, and the
    free end of the heap when it is as large. False where the C library is not glibc.

    What the variables MALLOC_MMAP_THRESHOLD_ and MALLOC_TRIM_THRESHOLD_ say to a process that
    starts (mallopt(3)).
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    return all(mallopt(which, threshold_bytes) == 1 for which in _MALLOPT)


class PeakMeter:
    """How far this process's resident size rises above its start at most, while a block runs.

    Two blocks at a time cannot be told apart: then neither learns anything. Linux only.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0
        self._disturbed = False

    @contextlib.contextmanager
    def measuring(self) -> Iterator[Callable[[], int | None]]:
        """Gives a function that tells the bytes added so far, None when they are not known."""
        with self._lock:
            self._inside += 1
            self._disturbed = self._disturbed or self._inside > 1
        before = _start_of_peak()
        try:
            yield lambda: None if self._disturbed else _added_since(before)
        finally:
            with self._lock:
                self._inside -= 1
                self._disturbed = self._disturbed and self._inside > 0


def _start_of_peak() -> int | None:
    """Resident bytes now; the high-water mark starts here."""
    try:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    except OSError:
        return None
    return _status_bytes("VmRSS")


def _added_since(before: int | None) -> int | None:
    peak = None if before is None else _status_bytes("VmHWM")
    return None if before is None or peak is None else max(0, peak - before)


def _status_bytes(name: str) -> int | None:
    try:
        lines = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
    except OSError:
        return None
    for line in lines.splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024
    return None

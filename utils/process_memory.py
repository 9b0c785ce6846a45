"""How much memory the server and everything that it started take, and how to give some back.

The measure is PSS (proportional set size): a page shared by n processes counts 1/n in each, so
the sum over the tree is what the system would get back. The only file that uses psutil.
"""

from __future__ import annotations

import ctypes
import gc
import os
from pathlib import Path

import psutil

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

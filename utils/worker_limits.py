"""What a worker process may use, and the ties that end it with its parent.

Every function acts on the calling process and is meant for a process that was just forked.
Sources: prctl(2) for PR_SET_PDEATHSIG, setrlimit(2) for the limits.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import random
import resource
import signal
import sys
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_NICENESS = 5
_OOM_SCORE = 500  # of 1000: a worker is chosen before the server whatever their sizes


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one job.

    `memory_bytes` is what the job may map beyond what it inherited, `cpu_seconds` processor
    time over all its threads, `file_bytes` the size of any file that it writes.
    """

    memory_bytes: int
    cpu_seconds: int
    file_bytes: int


def tie_to_parent(parent_pid: int, number: signal.Signals = signal.SIGKILL) -> None:
    """Let the kernel signal this process when the thread that started it ends.

    If the parent has died before the tie was made, the process ends at once. Where the
    kernel has no such tie (outside Linux) the end of the control socket does the same a
    little later.
    """
    if sys.platform == "linux":
        libc = ctypes.CDLL(None, use_errno=True)
        libc.prctl(_PR_SET_PDEATHSIG, number, 0, 0, 0)
    if os.getppid() != parent_pid:
        os._exit(1)


def apply_limits(limits: Limits) -> None:
    """Set the limits of the calling process; they cannot be raised again."""
    inherited = mapped_bytes()
    if inherited:
        _lower(resource.RLIMIT_AS, inherited + limits.memory_bytes)
    _lower(resource.RLIMIT_FSIZE, limits.file_bytes)
    _lower(resource.RLIMIT_CORE, 0)  # a core file would hold patients' values
    _lower(resource.RLIMIT_CPU, limits.cpu_seconds, limits.cpu_seconds + 1)


def yield_to_the_server() -> None:
    """Let the server go first: on the processor, and when the kernel has to free memory."""
    os.setpriority(os.PRIO_PROCESS, 0, _NICENESS)  # not os.nice, which would add up
    with contextlib.suppress(OSError):  # only Linux has it, and a container may hide it
        Path("/proc/self/oom_score_adj").write_text(str(_OOM_SCORE), encoding="ascii")


def _lower(which: int, soft: int, hard: int | None = None) -> None:
    ceiling = resource.getrlimit(which)[1]
    wanted = soft if hard is None else hard
    if ceiling != resource.RLIM_INFINITY:
        wanted = min(wanted, ceiling)
    resource.setrlimit(which, (min(soft, wanted), wanted))


def mapped_bytes() -> int:
    """Address space of the calling process now (0 where the system does not tell)."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    except OSError:
        return 0
    return pages * resource.getpagesize()


def peak_bytes() -> int:
    """Largest resident size that the calling process has had."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def default_signals() -> None:
    """Undo the signal handling that was inherited from the server.

    SIGPIPE and SIGXFSZ stay ignored, as Python wants them: both then arrive as OSError.
    """
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD, signal.SIGQUIT):
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


def close_inherited(keep: Collection[int]) -> None:
    """Close every descriptor except `keep`; standard streams go to the null device.

    What libraries print may hold values of the data, so it is not let into any log.
    """
    null = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        if stream not in keep:
            os.dup2(null, stream)
    spared = {0, 1, 2, *keep}
    for descriptor in _open_descriptors():
        if descriptor not in spared:
            _close(descriptor)


def _open_descriptors() -> list[int]:
    for folder in ("/proc/self/fd", "/dev/fd"):
        try:
            return [int(entry.name) for entry in Path(folder).iterdir()]
        except OSError:
            continue
    return list(range(3, min(65_536, resource.getrlimit(resource.RLIMIT_NOFILE)[0])))


def _close(descriptor: int) -> None:
    try:
        os.close(descriptor)
    except OSError:
        return  # the listing's own descriptor is gone already


def new_random_state() -> None:
    """Give this process its own random numbers: forked twins would all draw the same."""
    random.seed()
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        numpy.random.seed(None)

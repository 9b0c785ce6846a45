"""Read one corpus file in a child process with limits of memory and time."""

from __future__ import annotations

import json
import os
import resource
import signal
from dataclasses import dataclass
from pathlib import Path

from ingest import read_table
from stats.errors import BadInput

_SECONDS = 20


@dataclass(frozen=True)
class Outcome:
    """`seconds` of CPU, `added_mb` of resident memory above the start of the reading."""

    finished: bool
    seconds: float
    added_mb: float
    said: str


def _status(field: str) -> float:
    with Path("/proc/self/status").open() as status:
        return next(int(line.split()[1]) / 1024 for line in status if line.startswith(field))


def _child(path: Path, case, answer: int) -> None:
    Path("/proc/self/clear_refs").write_text("5")  # the high-water mark starts here
    size = int((_status("VmSize:") + 600) * 1024**2)
    resource.setrlimit(resource.RLIMIT_AS, (size, size))
    resource.setrlimit(resource.RLIMIT_CPU, (_SECONDS, _SECONDS))
    signal.alarm(3 * _SECONDS)
    before, used = _status("VmRSS:"), resource.getrusage(resource.RUSAGE_SELF)
    try:
        said = f"{len(read_table(path, name='x', limits=case.limits, choices=case.choices).frame)} rows"
    except BadInput as error:
        said = str(error)
    after = resource.getrusage(resource.RUSAGE_SELF)
    seconds = after.ru_utime + after.ru_stime - used.ru_utime - used.ru_stime
    os.write(answer, json.dumps([seconds, _status("VmHWM:") - before, said[:400]]).encode())


def read_in_limited_process(path: Path, case) -> Outcome:
    """Fork, read, report; a child that dies is an outcome too."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            _child(path, case, writing)
            code = 0
        finally:
            os._exit(code)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        answer = pipe.read()
    _, status = os.waitpid(child, 0)
    if status or not answer:
        return Outcome(False, float(_SECONDS), 0.0, f"ended with status {status}")
    seconds, added, said = json.loads(answer)
    return Outcome(True, seconds, added, said)

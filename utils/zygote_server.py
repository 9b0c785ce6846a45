"""The inside of the zygote: a process with one thread that forks a child for every job.

Over the control socket it is handed two sockets for each job: one that the child talks to the
server on, one (the line) that the zygote keeps. On the line it tells the child's process id and,
at the end, its exit code; a byte from the server on the line, or its closing, kills the child with
everything that it started. The end of the control socket ends the zygote and all its children.
"""

from __future__ import annotations

import gc
import importlib
import os
import selectors
import signal
import socket
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NoReturn

from utils import worker
from utils.worker_limits import tie_to_parent

READY = b"R"
JOB = b"J"
KILL = b"K"

EVENT = struct.Struct("!ci")
"""One event on a line: its letter and a number."""

STARTED = b"S"  # number: process id
ENDED = b"E"  # number: exit code, or minus the signal that ended it
NOT_STARTED = b"N"  # number: errno of the fork


def serve(control: socket.socket, parent_pid: int) -> NoReturn:
    """Serve until the server is gone. The calling process must have no other thread."""
    try:
        nursery = _Nursery(control)
        # Not SIGKILL: the zygote shall take with it what the jobs themselves have started.
        signal.signal(signal.SIGTERM, nursery.hang_up)
        tie_to_parent(parent_pid, signal.SIGTERM)
        nursery.run()
    finally:
        os._exit(0)


def load(modules: Sequence[str]) -> None:
    """Import `modules` and tell the collector to leave what exists alone.

    Memory stays shared between the processes as long as nobody writes to it, and a collection
    writes to every object that it looks at. Nothing is collected before: loading leaves hardly
    any garbage (some hundred objects), and looking for it would take as long as loading numpy.
    """
    for module in modules:
        importlib.import_module(module)
    gc.freeze()


def grow(control: socket.socket, modules: Sequence[str]) -> NoReturn:
    """What a child does that shall be a zygote itself, with more modules loaded."""
    load(modules)
    serve(control, os.getppid())


@dataclass(slots=True)
class _Child:
    """A living child: its line, and whether the zygote still listens there."""

    line: socket.socket
    watched: bool = True


class _Nursery:
    """The children that are alive, by process id."""

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._children: dict[int, _Child] = {}
        self._ended = False
        self._selector = selectors.DefaultSelector()
        self._wake_read, self._wake_write = socket.socketpair()
        for end in (self._wake_read, self._wake_write):
            end.setblocking(False)

    def run(self) -> None:
        """Serve requests, kills and deaths; return when the server has hung up."""
        signal.set_wakeup_fd(self._wake_write.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the server's to answer
        self._selector.register(self._control, selectors.EVENT_READ)
        self._selector.register(self._wake_read, selectors.EVENT_READ)
        self._control.sendall(READY)
        while not self._ended:
            for key, _ in self._selector.select():
                if key.fileobj is self._control:
                    self._ended |= not self._accept_job()
                elif key.fileobj is self._wake_read:
                    self._wake_read.recv(4096)
                else:
                    self._kill(key.data)
            self._bury()
        for pid in self._children:
            _kill_group(pid)

    def hang_up(self, *_: object) -> None:
        """The server is gone (a signal handler: the wake-up descriptor wakes `run`)."""
        self._ended = True

    def _accept_job(self) -> bool:
        try:
            word, descriptors, _, _ = socket.recv_fds(self._control, len(JOB), 2)
        except OSError:
            return False
        if word != JOB or len(descriptors) != 2:
            return False
        talk, line = (socket.socket(fileno=descriptor) for descriptor in descriptors)
        self._fork(talk, line)
        return True

    def _fork(self, talk: socket.socket, line: socket.socket) -> None:
        zygote_pid = os.getpid()
        try:
            pid = os.fork()
        except OSError as error:
            _tell(line, NOT_STARTED, error.errno or 0)
            line.close()
            talk.close()
            return
        if pid == 0:
            worker.live(talk, zygote_pid, grow)
        talk.close()
        _into_own_group(pid)
        line.setblocking(False)
        self._children[pid] = _Child(line)
        self._selector.register(line, selectors.EVENT_READ, data=pid)
        _tell(line, STARTED, pid)

    def _kill(self, pid: int) -> None:
        # The child is not reaped before `_bury`, so its number cannot belong to anybody else.
        _kill_group(pid)
        self._unwatch(self._children[pid])  # its end would be seen again and again

    def _bury(self) -> None:
        for pid, child in list(self._children.items()):
            if os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
                continue
            _kill_group(pid)  # whatever the job itself started
            _, status = os.waitpid(pid, 0)
            self._unwatch(child)
            _tell(child.line, ENDED, os.waitstatus_to_exitcode(status))
            child.line.close()
            del self._children[pid]

    def _unwatch(self, child: _Child) -> None:
        if child.watched:
            self._selector.unregister(child.line)
            child.watched = False


def _into_own_group(pid: int) -> None:
    try:
        os.setpgid(pid, pid)
    except OSError:
        return  # the child has done it itself, or has ended


def _kill_group(pid: int) -> None:
    try:
        os.killpg(pid, signal.SIGKILL)
    except OSError:
        return  # nobody is left in it


def _tell(line: socket.socket, letter: bytes, number: int) -> None:
    try:
        line.send(EVENT.pack(letter, number))
    except OSError:
        return  # the server has hung up on this job: it is killed on the next turn

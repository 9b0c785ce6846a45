"""The server's handle on its zygote, and on each child that the zygote forks.

`Zygote.start` forks it from the server itself, before any thread or event loop exists: the
libraries that both have loaded are then shared memory. `Zygote.spawn` starts a fresh
interpreter, for a server that was launched in another way or whose zygote has died (a process
that has threads must not fork). Both serve the same requests (utils/zygote_server.py).
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Sequence
from typing import NoReturn

from utils import zygote_server
from utils.wire import READABLE, Wait, block
from utils.worker_limits import close_inherited, default_signals
from utils.zygote_server import EVENT, load

PRELOAD = ("numpy", "pandas", "scipy.special", "utils.zygote_server")
"""What every worker finds loaded."""

_BOOT = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "from utils.worker_main import main; main(sys.argv[2:])"
)
_GOODBYE_SECONDS = 1.0


class ZygoteGoneError(Exception):
    """The zygote does not answer any more; a new one has to be spawned."""


class ForkError(Exception):
    """The zygote lives, but the system lets it start no further process."""


class Job:
    """One forked child: the socket to talk on, and the line that tells of its life."""

    def __init__(self, talk: socket.socket, line: socket.socket, zygote_pid: int) -> None:
        self.talk = talk
        self._line = line
        self.pid = 0
        self.zygote_pid = zygote_pid
        self.exit_code: int | None = None

    def await_start(self, wait: Wait) -> None:
        """Read the process id. ZygoteGoneError or ForkError when there will be none."""
        letter, number = self._event(wait)
        if letter == zygote_server.NOT_STARTED:
            raise ForkError(os.strerror(number))
        self.pid = number

    def kill(self) -> None:
        """Have the child, and all that it started, killed. Returns at once."""
        try:
            self._line.send(zygote_server.KILL)
        except OSError:
            return  # the zygote is gone, and its children with it

    def await_end(self, timeout_seconds: float) -> int | None:
        """Exit code, or minus the signal; None when the end was not told in time."""
        poller = select.poll()
        poller.register(self._line, READABLE)
        if self.exit_code is None and poller.poll(timeout_seconds * 1000):
            try:
                self.exit_code = self._event(block)[1]
            except ZygoteGoneError:
                return None
        return self.exit_code

    def close(self) -> None:
        """Hang up: a child that is still alive is killed by the zygote."""
        self.talk.close()
        self._line.close()

    def _event(self, wait: Wait) -> tuple[bytes, int]:
        # Events are a few bytes and arrive whole: they are written by one send.
        wait(self._line, READABLE)
        try:
            event = self._line.recv(EVENT.size)
        except OSError as error:
            raise ZygoteGoneError from error
        if len(event) != EVENT.size:
            raise ZygoteGoneError
        letter, number = EVENT.unpack(event)
        return letter, number


class Launcher:
    """A process that forks a child for every job, as its server holds it."""

    def __init__(self, pid: int, control: socket.socket) -> None:
        self.pid = pid
        self._control = control
        self._ready = False
        self._lock = threading.Lock()

    def launch(self, wait: Wait = block) -> Job:
        """Fork a child. Waits through `wait`, which may raise to give up.

        ZygoteGoneError when the zygote is dead, ForkError when the system refuses.
        """
        self._await_ready(wait)
        talk, their_talk = socket.socketpair()
        line, their_line = socket.socketpair()
        job = Job(talk, line, self.pid)
        try:
            descriptors = [their_talk.fileno(), their_line.fileno()]
            with self._lock:
                socket.send_fds(self._control, [zygote_server.JOB], descriptors)
        except OSError as error:
            job.close()
            raise ZygoteGoneError from error
        finally:
            their_talk.close()
            their_line.close()
        with contextlib.ExitStack() as undo:
            undo.callback(job.close)
            job.await_start(wait)
            undo.pop_all()
        return job

    def _await_ready(self, wait: Wait) -> None:
        if self._ready:
            return
        wait(self._control, READABLE)
        try:
            # Only looked at, not taken: several threads may be waiting for this word.
            word = self._control.recv(len(zygote_server.READY), socket.MSG_PEEK)
        except OSError as error:
            raise ZygoteGoneError from error
        if word != zygote_server.READY:
            raise ZygoteGoneError
        self._ready = True


class Zygote(Launcher):
    """A running zygote. Made by `start` or `spawn`."""

    def __init__(
        self, pid: int, control: socket.socket, process: subprocess.Popen[bytes] | None
    ) -> None:
        super().__init__(pid, control)
        self.spawned = process is not None
        self._process = process
        self._reaped = False

    @classmethod
    def start(cls, preload: Sequence[str] = PRELOAD) -> Zygote:
        """Import `preload` here, then fork the zygote from this process.

        RuntimeError when another thread exists already.
        """
        if threading.active_count() > 1:
            raise RuntimeError("the zygote must be started before any thread")
        load(preload)
        ours, theirs = socket.socketpair()
        server_pid = os.getpid()
        pid = os.fork()
        if pid == 0:
            _become_zygote(theirs, server_pid)
        theirs.close()
        return cls(pid, ours, None)

    @classmethod
    def spawn(cls, preload: Sequence[str] = PRELOAD) -> Zygote:
        """Start a fresh interpreter as zygote; it loads `preload` while this returns.

        The kernel ties it to the calling thread, which must outlive it.
        """
        ours, theirs = socket.socketpair()
        arguments = [json.dumps(sys.path), str(theirs.fileno()), str(os.getpid()), *preload]
        process = subprocess.Popen(  # noqa: S603 - our own interpreter, no shell, no user text
            [sys.executable, "-c", _BOOT, *arguments],
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )
        theirs.close()
        return cls(process.pid, ours, process)

    def close(self, patience_seconds: float = _GOODBYE_SECONDS) -> None:
        """End the zygote and every child of it. Returns when it is gone.

        It ends by itself when the control socket closes; after `patience_seconds` it is killed.
        """
        self._control.close()
        give_up = time.monotonic() + patience_seconds
        while self.alive():
            if time.monotonic() >= give_up:
                os.kill(self.pid, signal.SIGKILL)
            time.sleep(0.002)

    def alive(self) -> bool:
        """False once the process has ended (it is reaped by this call)."""
        if not self._reaped:
            self._reaped = self._reap()
        return not self._reaped

    def _reap(self) -> bool:
        if self._process is not None:
            return self._process.poll() is not None
        try:
            return os.waitpid(self.pid, os.WNOHANG)[0] != 0
        except ChildProcessError:
            return True


def _become_zygote(control: socket.socket, server_pid: int) -> NoReturn:
    try:
        os.setsid()  # the terminal's signals are for the server
        default_signals()
        close_inherited({control.fileno(), 1, 2})
        zygote_server.serve(control, server_pid)
    finally:
        traceback.print_exc()
        os._exit(1)

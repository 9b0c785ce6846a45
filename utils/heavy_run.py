"""One job of the heavy lane, seen from the server: launch, hand over, listen, and end it."""

from __future__ import annotations

import contextlib
import logging
import math
import os
import select
import signal
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from utils import refusals
from utils.codec import Codec
from utils.errors import CodecError, Overloaded
from utils.frame_files import FiledFrame
from utils.lane_counters import Phases
from utils.ticket import Ticket
from utils.wire import (
    READABLE,
    Channel,
    FrameTooLargeError,
    Kind,
    Message,
    PeerGoneError,
    WireError,
)
from utils.worker import OUT_OF_MEMORY_EXIT
from utils.zygote import ForkError, Job, ZygoteGoneError
from utils.zygote_keeper import ZygoteKeeper

_log = logging.getLogger("clinstat.executor")

_DEATH_SECONDS = 0.1  # an answer waits this long for the end of a killed process
_BURIAL_SECONDS = 2.0  # and the lane this long, before it doubts the zygote
_FILE_BYTES = 1 << 30
_FIELD_CHARACTERS = 1_000


@dataclass(slots=True, eq=False)
class HeavyRequest:
    """What a heavy job is asked to do. The arguments are let go as soon as they are encoded.

    An argument that is a `FiledFrame` goes as an open file that the worker maps. `refusal` is
    asked when it is this job's turn and tells why it cannot start yet, None when it can; a job
    waits for that, and for a lane that is held, until `patience_seconds` after it was queued.
    `ended` is told the phases of a run that gave its answer. The worker finds the modules of
    `loaded`, which is read when it starts, imported, and they stay so for a while.
    """

    path: str
    arguments: Mapping[str, object]
    memory_bytes: int
    deadline_seconds: float
    progress: Callable[[float, Any], None] | None
    patience_seconds: float = 0.0
    refusal: Callable[[], Overloaded | None] | None = None
    ended: Callable[[Phases], None] | None = None
    loaded: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class HeavyTerms:
    """What holds for all heavy jobs.

    `classes` names the codec's classes for the worker; `errors` are the classes that may cross
    from it, by name.
    """

    codec: Codec
    classes: Mapping[str, str]
    errors: Mapping[str, type[Exception]]
    argument_bytes: int
    result_bytes: int


class _StoppedError(Exception):
    """The ticket was stopped from outside."""


@dataclass(slots=True, eq=False)
class HeavyRun:
    """Carries out one request. `wake` becomes readable when the ticket is stopped."""

    request: HeavyRequest
    ticket: Ticket
    wake: socket.socket
    terms: HeavyTerms
    phases: Phases = field(default_factory=Phases)
    _job: Job | None = None
    _give_up_at: float = math.inf

    def carry_out(self, keeper: ZygoteKeeper) -> Any:
        """The answer of the worker. Raises what the user shall read; the worker is dead then."""
        self._give_up_at = time.monotonic() + self.request.deadline_seconds
        frames = [a for a in self.request.arguments.values() if isinstance(a, FiledFrame)]
        arguments = self._encoded_arguments()
        try:
            return self._converse(keeper, arguments, [frame.file.readable for frame in frames])
        except _StoppedError as stop:
            self._kill()
            reason = self.ticket.stopped or "cancelled"
            raise refusals.stopped(reason, self.request.deadline_seconds) from stop
        except (ForkError, ZygoteGoneError) as error:
            _log.warning("no worker could be started: %s", error)
            raise refusals.not_started() from error
        except PeerGoneError as error:
            raise self._obituary() from error
        except FrameTooLargeError as error:
            self._kill()
            raise refusals.result_too_large(self.terms.result_bytes) from error
        except (WireError, CodecError) as error:
            self._kill()
            _log.warning("a worker for %s answered nonsense and was killed", self.request.path)
            raise refusals.lost() from error

    def bury(self) -> int | None:
        """Make sure that the worker is dead; the zygote that should have confirmed it if not."""
        self.request.arguments = {}
        if self._job is None:
            return None
        self._job.kill()
        ended = self._job.await_end(_BURIAL_SECONDS) is not None
        self._job.close()
        return None if ended else self._job.zygote_pid

    def wait(self, sock: socket.socket, events: int) -> None:
        """Wait for `sock`, but not beyond a stop or the deadline."""
        self._check()
        poller = select.poll()
        poller.register(sock, events)
        poller.register(self.wake, READABLE)
        left = self._give_up_at - time.monotonic()
        poller.poll(None if math.isinf(left) else max(0.0, left) * 1000 + 1)
        self._check()

    def _check(self) -> None:
        if time.monotonic() >= self._give_up_at:
            self.ticket.stop("deadline")
        if self.ticket.stopped:
            raise _StoppedError

    def _encoded_arguments(self) -> bytes:
        began = time.perf_counter()
        told = {
            name: value.map if isinstance(value, FiledFrame) else value
            for name, value in self.request.arguments.items()
        }
        arguments = self.terms.codec.encode(told)
        self.request.arguments = {}
        if len(arguments) > self.terms.argument_bytes:
            raise refusals.arguments_too_large(self.terms.argument_bytes)
        self.phases.transfer_seconds = time.perf_counter() - began
        return arguments

    def _converse(self, keeper: ZygoteKeeper, arguments: bytes, files: Sequence[int]) -> Any:
        began = time.perf_counter()
        self._job = keeper.launch(self.wait, self.request.loaded)
        launched = time.perf_counter()
        self.phases.start_seconds = launched - began
        channel = Channel(self._job.talk, wait=self.wait)
        self._hand_over(channel, arguments, files)
        del arguments
        while True:
            message = channel.receive(payload_bytes=self.terms.result_bytes)
            self._check()  # a worker that never stops talking is not waited for
            if message.kind == Kind.PROGRESS:
                self._report(message)
            elif message.kind == Kind.RESULT:
                value = self._take(message)
                spent = time.perf_counter() - launched
                inside = self.phases.load_seconds + self.phases.compute_seconds
                self.phases.transfer_seconds += max(0.0, spent - inside)
                return value
            elif message.kind == Kind.FAILURE:
                raise self._error_of(message.meta)
            else:
                raise WireError("a worker does not send jobs")

    def _hand_over(self, channel: Channel, arguments: bytes, files: Sequence[int]) -> None:
        cores = os.cpu_count() or 1
        limits = {
            "memory_bytes": self.request.memory_bytes,
            "cpu_seconds": math.ceil(self.request.deadline_seconds) * cores + 1,
            "file_bytes": _FILE_BYTES,
        }
        job = {
            "path": self.request.path,
            "progress": self.request.progress is not None,
            "classes": dict(self.terms.classes),
            "result_bytes": self.terms.result_bytes,
        }
        # A worker that dies meanwhile may have said why: that is read next.
        with contextlib.suppress(PeerGoneError):
            facts = {"limits": limits, "argument_bytes": len(arguments), "files": len(files)}
            channel.send(Kind.JOB, facts)
            channel.send_files(files)
            channel.send(Kind.JOB, job, arguments)

    def _report(self, message: Message) -> None:
        fraction = message.meta.get("fraction")
        if self.request.progress is None or not isinstance(fraction, float):
            raise WireError("progress that nobody asked for")
        partial = self.terms.codec.decode(message.payload) if message.payload else None
        self.request.progress(fraction, partial)

    def _take(self, message: Message) -> Any:
        meta = message.meta
        load, compute = meta.get("load_seconds"), meta.get("compute_seconds")
        processor, added = meta.get("cpu_seconds"), meta.get("added_bytes")
        if not (
            isinstance(load, float) and isinstance(compute, float)
            and isinstance(processor, float) and isinstance(added, int)
        ):  # fmt: skip
            raise WireError("a result without its facts")
        self.phases.load_seconds = load
        self.phases.compute_seconds = compute
        self.phases.cpu_seconds = processor
        self.phases.added_bytes = added
        return self.terms.codec.decode(message.payload)

    def _error_of(self, meta: Mapping[str, Any]) -> Exception:
        """The error that a worker reported, as one of ours."""
        if meta.get("memory") is True:
            return refusals.out_of_memory(self.request.memory_bytes)
        if meta.get("oversize") is True:
            return refusals.result_too_large(self.terms.result_bytes)
        known = self.terms.errors.get(str(meta.get("name")))
        fields = meta.get("fields")
        if known is not None and isinstance(fields, dict):
            error = _rebuild(known, fields)
            if error is not None:
                return error
        _log.error(
            "%s failed with %.80s at %s",
            self.request.path, meta.get("name"), " < ".join(_places(meta.get("trace"))),
        )  # fmt: skip
        return refusals.failed()

    def _obituary(self) -> Exception:
        """Why the worker ended without an answer."""
        code = None if self._job is None else self._job.await_end(_BURIAL_SECONDS)
        if code == OUT_OF_MEMORY_EXIT:
            return refusals.out_of_memory(self.request.memory_bytes)
        if code == -signal.SIGXCPU:
            return refusals.deadline(self.request.deadline_seconds)
        _log.warning("a worker for %s ended with %s", self.request.path, code)
        return refusals.lost()

    def _kill(self) -> None:
        if self._job is not None:
            self._job.kill()
            self._job.await_end(_DEATH_SECONDS)


def _rebuild(kind: type[Exception], fields: Mapping[str, Any]) -> Exception | None:
    """An error from its fields, cut to a sane length; None when they do not fit the class."""
    plain = {
        name: None if value is None else str(value)[:_FIELD_CHARACTERS]
        for name, value in fields.items()
    }
    try:
        return kind(**plain)
    except TypeError:
        return None


def _places(trace: object) -> list[str]:
    # The worker writes file names and function names; whatever else arrives is not logged.
    if not isinstance(trace, list):
        return []
    return [place[:120] for place in reversed(trace) if isinstance(place, str)]

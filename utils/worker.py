"""The life of one worker process: read a job, run its function, send the answer, end.

The process was forked for this job alone. It holds nothing but its socket to the server, and it
answers with bytes of the codec, or with the class name and fields of an error; the server
decides which names it knows.
"""

from __future__ import annotations

import importlib
import logging
import os
import socket
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, NoReturn, Self

from utils.codec import Codec
from utils.frame_files import FrameMap, frame_in
from utils.wire import Channel, Kind, PeerGoneError
from utils.worker_limits import (
    Limits,
    apply_limits,
    close_inherited,
    default_signals,
    new_random_state,
    peak_bytes,
    tie_to_parent,
    yield_to_the_server,
)

OUT_OF_MEMORY_EXIT = 77
"""Exit code of a worker that had not even the memory to say so."""

_PROGRESS_SECONDS = 0.05
_RESERVE_BYTES = 1 << 20
_TRACE_FRAMES = 20
_FIELD_CHARACTERS = 1_000


def find(path: str) -> Any:
    """The object that `module:name` (or `module:Class.name`) names."""
    module, _, name = path.partition(":")
    found: Any = importlib.import_module(module)
    for part in name.split("."):
        found = getattr(found, part)
    return found


Grow = Callable[[socket.socket, Sequence[str]], NoReturn]


def live(sock: socket.socket, parent_pid: int, grow: Grow) -> NoReturn:
    """Everything that the forked child does. Never returns and never raises.

    The child of a message with `preload` takes no job: it goes on in `grow`.
    """
    try:
        os.setpgid(0, 0)
        tie_to_parent(parent_pid)
        default_signals()
        os.umask(0o077)
        logging.disable()  # log files are closed below, and libraries may quote data
        close_inherited({sock.fileno()})
        new_random_state()
        yield_to_the_server()
        channel = Channel(sock)
        facts = channel.receive(payload_bytes=0).meta
        if "preload" in facts:
            grow(sock, facts["preload"])
        _serve(channel, facts)
    except MemoryError:
        os._exit(OUT_OF_MEMORY_EXIT)
    except PeerGoneError:
        os._exit(0)
    finally:
        os._exit(1)


def _serve(channel: Channel, facts: Mapping[str, Any]) -> NoReturn:
    with _Report(channel) as report:
        apply_limits(Limits(**facts["limits"]))  # before the arguments, so that they count
        files = channel.receive_files(facts["files"])
        report.answer(*_compute(channel, facts["argument_bytes"], files))
    os._exit(0)


def _compute(
    channel: Channel, argument_bytes: int, files: Sequence[int]
) -> tuple[bytes, Mapping[str, Any]]:
    before, spent = peak_bytes(), time.process_time()
    message = channel.receive(payload_bytes=argument_bytes)
    job = message.meta
    began = time.perf_counter()
    codec = Codec(job["classes"])
    function: Callable[..., Any] = find(job["path"])
    arguments = _mapped(dict(codec.decode(message.payload)), files)
    del message  # the encoded arguments are as large as the arguments
    if job["progress"]:
        arguments["progress"] = _Progress(channel, codec)
    loaded = time.perf_counter()
    value = function(**arguments)
    computed = time.perf_counter()
    payload = codec.encode(value)
    if len(payload) > job["result_bytes"]:
        raise _ResultTooLargeError
    return payload, {
        "load_seconds": loaded - began,
        "compute_seconds": computed - loaded,
        "cpu_seconds": time.process_time() - spent,
        "added_bytes": max(0, peak_bytes() - before),
    }


def _mapped(arguments: dict[str, Any], files: Sequence[int]) -> dict[str, Any]:
    """The arguments with their frames; the files come in the order of the arguments."""
    waiting = iter(files)
    return {
        name: frame_in(next(waiting), value) if isinstance(value, FrameMap) else value
        for name, value in arguments.items()
    }


class _ResultTooLargeError(Exception):
    """The encoded result is beyond its bound."""


class _Progress:
    """The `progress` callable of a job: sends at most twenty steps a second, and the last."""

    def __init__(self, channel: Channel, codec: Codec) -> None:
        self._channel = channel
        self._codec = codec
        self._last = float("-inf")

    def __call__(self, fraction: float, partial: object = None) -> None:
        now = time.monotonic()
        if fraction < 1 and now - self._last < _PROGRESS_SECONDS:
            return
        self._last = now
        facts = {"fraction": float(fraction), "partial": partial is not None}
        payload = b"" if partial is None else self._codec.encode(partial)
        self._channel.send(Kind.PROGRESS, facts, payload)


class _Report:
    """Sends exactly one answer: the result, or whatever ended the block around it."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._reserve: bytearray | None = bytearray(_RESERVE_BYTES)  # lets a full process speak

    def __enter__(self) -> Self:
        return self

    def answer(self, payload: bytes, facts: Mapping[str, Any]) -> None:
        """The result."""
        self._channel.send(Kind.RESULT, facts, payload)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        if error is None:
            return True
        if isinstance(error, PeerGoneError):
            return False
        self._reserve = None
        self._channel.send(Kind.FAILURE, _facts_of(error, trace))
        return True


def _facts_of(error: BaseException, trace: TracebackType | None) -> dict[str, Any]:
    """Class name, fields and code places of an error; never its text, which may hold data."""
    fields: Callable[[], Mapping[str, object]] | None = getattr(error, "fields", None)
    return {
        "name": type(error).__name__,
        "fields": None if fields is None else _plain_fields(fields()),
        "memory": isinstance(error, MemoryError),
        "oversize": isinstance(error, _ResultTooLargeError),
        "trace": [
            f"{Path(place.filename).name}:{place.lineno} {place.name}"
            for place in traceback.extract_tb(trace, limit=-_TRACE_FRAMES)
        ],
    }


def _plain_fields(fields: Mapping[str, object]) -> dict[str, str | None]:
    return {
        str(name): None if value is None else str(value)[:_FIELD_CHARACTERS]
        for name, value in fields.items()
    }

"""Messages between the server and its worker processes: length-prefixed frames over a socket.

A frame is magic, kind, length of a JSON object, length of a payload, then both. Nothing in
it can execute: the JSON holds plain facts, the payload bytes of the codec. Every length is
checked against a bound before anything is read, so that a broken or hostile peer costs its own
connection and nothing else.
"""

from __future__ import annotations

import io
import json
import select
import socket
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

MAGIC = b"CLN1"
META_BYTES = 128 * 1024
READABLE = select.POLLIN
WRITABLE = select.POLLOUT

_HEAD = struct.Struct("!4sBIQ")
_CHUNK_BYTES = 1 << 20
_FILES = b"F"

Wait = Callable[[socket.socket, int], None]
"""Blocks until the socket is ready for READABLE or WRITABLE; may raise to give up."""


class Kind(IntEnum):
    """What a frame carries."""

    JOB = 1
    PROGRESS = 2
    RESULT = 3
    FAILURE = 4


class WireError(Exception):
    """The peer sent something that is not a frame of ours, or one beyond its bound."""


class PeerGoneError(WireError):
    """The peer closed the connection or died."""


class FrameTooLargeError(WireError):
    """A payload is larger than its bound (told by its header; nothing of it was read)."""


@dataclass(frozen=True, slots=True)
class Message:
    """One frame: kind, plain facts, and bytes of the codec."""

    kind: Kind
    meta: Mapping[str, Any]
    payload: bytes


def block(sock: socket.socket, events: int) -> None:
    """Wait without end: for the side that has nothing else to look after."""
    poller = select.poll()
    poller.register(sock, events)
    poller.poll()


class Channel:
    """Frames over one stream socket. Not for use by two threads at once.

    `wait` is called whenever the socket is not ready; an exception that it raises leaves the
    channel in the middle of a frame, so the caller must close it.
    """

    def __init__(self, sock: socket.socket, *, wait: Wait = block) -> None:
        sock.setblocking(False)
        self._sock = sock
        self._wait = wait

    def send(self, kind: Kind, meta: Mapping[str, Any], payload: bytes = b"") -> None:
        """Send one frame whole. PeerGoneError when nobody reads any more."""
        facts = json.dumps(meta, allow_nan=False).encode()
        if len(facts) > META_BYTES:
            raise FrameTooLargeError(f"{len(facts)} bytes of facts")
        self._send_all(_HEAD.pack(MAGIC, kind, len(facts), len(payload)) + facts)
        self._send_all(payload)

    def receive(self, *, payload_bytes: int) -> Message:
        """The next frame, its payload at most `payload_bytes` long.

        PeerGoneError at the end of the stream, FrameTooLargeError beyond the bound, WireError for
        anything that is not a frame.
        """
        magic, kind, facts_length, payload_length = _HEAD.unpack(self._receive_exactly(_HEAD.size))
        if magic != MAGIC or kind not in Kind.__members__.values():
            raise WireError("not a frame")
        if facts_length > META_BYTES:
            raise WireError("facts beyond their bound")
        if payload_length > payload_bytes:
            raise FrameTooLargeError(f"{payload_length} bytes")
        meta = _facts(self._receive_exactly(facts_length))
        return Message(Kind(kind), meta, self._receive_exactly(payload_length))

    def send_files(self, descriptors: Sequence[int]) -> None:
        """Hand over open files (at most 100). PeerGoneError when nobody takes them."""
        while descriptors:
            try:
                socket.send_fds(self._sock, [_FILES], descriptors)
            except BlockingIOError:
                self._wait(self._sock, WRITABLE)
            except OSError as error:
                raise PeerGoneError("send") from error
            else:
                return

    def receive_files(self, count: int) -> list[int]:
        """The open files that `send_files` hands over; WireError for anything else."""
        while count:
            try:
                word, descriptors, _, _ = socket.recv_fds(self._sock, len(_FILES), count)
            except BlockingIOError:
                self._wait(self._sock, READABLE)
            except OSError as error:
                raise PeerGoneError("receive") from error
            else:
                if word == b"":
                    raise PeerGoneError("end of stream")
                if word != _FILES or len(descriptors) != count:
                    raise WireError("not the files")
                return list(descriptors)
        return []

    def _send_all(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            try:
                sent = self._sock.send(view[:_CHUNK_BYTES])
            except BlockingIOError:
                self._wait(self._sock, WRITABLE)
            except OSError as error:
                raise PeerGoneError("send") from error
            else:
                view = view[sent:]

    def _receive_exactly(self, length: int) -> bytes:
        # The bytes object is filled in place: a BytesIO that alone owns its buffer hands
        # out a writable view and then the same object, so a large payload exists only once.
        store = io.BytesIO(bytes(length))
        with store.getbuffer() as view:
            filled = 0
            while filled < length:
                filled += self._receive_some(view[filled:])
        return store.getvalue()

    def _receive_some(self, view: memoryview) -> int:
        while True:
            try:
                received = self._sock.recv_into(view)
            except BlockingIOError:
                self._wait(self._sock, READABLE)
            except OSError as error:
                raise PeerGoneError("receive") from error
            else:
                if received == 0:
                    raise PeerGoneError("end of stream")
                return received


def _facts(data: bytes) -> Mapping[str, Any]:
    try:
        facts = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise WireError("facts are not JSON") from error
    if not isinstance(facts, dict):
        raise WireError("facts are not an object")
    return facts

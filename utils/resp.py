"""The few words of the Redis protocol (RESP2) that a cache needs, with an end to every wait.

A general client retries, reconnects and waits for seconds; here a command has one deadline, one
connection and no second try. Replies are bounded before memory is taken for them, so a server
that lies about lengths costs a fault and nothing else.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Sequence

from utils.errors import TierFault

Reply = bytes | int | None | list["Reply"]
_LONGEST_LINE = 1 << 12
_MOST_ITEMS = 1 << 20
_DEEPEST = 4


class RespError(TierFault):
    """The server answered with an error (no permission, read-only, out of memory ...)."""


def encoded(command: Sequence[bytes]) -> bytes:
    """One command as an array of bulk strings."""
    parts = [b"*%d\r\n" % len(command)]
    for word in command:
        parts += [b"$%d\r\n" % len(word), word, b"\r\n"]
    return b"".join(parts)


class RespConnection:
    """One connection. After any exception it is out of step and must be closed."""

    def __init__(
        self, host: str, port: int, *, timeout_seconds: float, longest_reply_bytes: int
    ) -> None:
        self._timeout_seconds = timeout_seconds
        self._longest = longest_reply_bytes
        self._socket = socket.create_connection((host, port), timeout=timeout_seconds)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._pending = bytearray()
        self._deadline = 0.0

    def call(self, *commands: Sequence[bytes]) -> list[Reply]:
        """Send the commands together; their replies.

        RespError for the first error among them, TierFault for nonsense, OSError (TimeoutError)
        when the deadline passes.
        """
        self._deadline = time.monotonic() + self._timeout_seconds
        self._socket.settimeout(self._timeout_seconds)
        self._socket.sendall(b"".join(map(encoded, commands)))
        replies = [self._reply(0) for _ in commands]
        if self._pending:
            raise TierFault("Redis sent more than it was asked for.")
        for reply in replies:
            if isinstance(reply, RespError):
                raise reply
        return [reply for reply in replies if not isinstance(reply, RespError)]

    def close(self) -> None:
        """Close the connection."""
        self._socket.close()

    def _reply(self, depth: int) -> Reply | RespError:
        line = self._line()
        kind, rest = line[:1], line[1:]
        if kind == b"+":
            return rest
        if kind == b"-":
            return RespError(f"Redis refused: {rest[:40].decode('ascii', 'replace')}.")
        number = self._number(rest)
        if kind == b":":
            return number
        if kind == b"$" and number <= self._longest:
            return None if number < 0 else self._exactly(number + 2)[:-2]
        if kind == b"*" and number <= _MOST_ITEMS and depth < _DEEPEST:
            items = [self._reply(depth + 1) for _ in range(number)]
            return [item for item in items if not isinstance(item, RespError)]
        raise TierFault("Redis sent something that is no answer.")

    def _number(self, text: bytes) -> int:
        if not text.removeprefix(b"-").isdigit() or len(text) > 19:
            raise TierFault("Redis sent something that is no number.")
        return int(text)

    def _line(self) -> bytes:
        while (end := self._pending.find(b"\r\n")) < 0:
            if len(self._pending) > _LONGEST_LINE:
                raise TierFault("Redis sent a line without an end.")
            self._receive()
        line = bytes(self._pending[:end])
        del self._pending[: end + 2]
        return line

    def _exactly(self, size: int) -> bytes:
        while len(self._pending) < size:
            self._receive()
        data = bytes(self._pending[:size])
        del self._pending[:size]
        return data

    def _receive(self) -> None:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("Redis did not answer in time.")
        self._socket.settimeout(left)
        part = self._socket.recv(1 << 16)
        if not part:
            raise ConnectionError("Redis closed the connection.")
        self._pending += part

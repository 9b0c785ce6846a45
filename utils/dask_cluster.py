"""A Dask cluster, as the heavy lane uses one: the only file that knows Dask.

`answer` is what runs on a worker, `Cluster` the connection that the server keeps. What travels is
bytes of the codec, given to a named function; a worker must have the same Clinstat and
libraries installed. Dask itself moves what its users give it by pickle, so scheduler and workers
belong on a network of their own that only they and Clinstat reach. Answers are taken in as plain
bytes: the client is told to refuse everything else.

Sources: the documentation of dask.distributed (client, coordination primitives, resilience).
"""

from __future__ import annotations

import json
import logging
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from utils.cancel import CancelToken
from utils.codec import Codec
from utils.errors import Cancelled, DeadlineExceeded
from utils.ticket import Ticket
from utils.worker import find

_log = logging.getLogger("clinstat.executor")

_CONNECT_SECONDS = 3.0
_AGAIN_SECONDS = 30.0  # an absent scheduler is not asked more often than this
_LOOK_SECONDS = 1.0
_WITHOUT_WORKERS_SECONDS = 10.0
_TELL_SECONDS = 0.2
_FIELD_CHARACTERS = 1_000
_AWAY = "The Dask scheduler cannot be reached; heavy work runs on this machine."
_NO_WORKER = "The Dask scheduler has no worker; heavy work runs on this machine."
_LOST = "A Dask cluster gave work back without an answer; it was done on this machine."


# On a worker.


def answer(order: bytes, arguments: bytes) -> bytes:
    """Run what `order` names with the encoded `arguments`; the framed answer.

    `order` is JSON: path, classes of the codec, deadline_seconds, and topic, job and stop where
    progress is wanted. The answer is one line of JSON, then the encoded result. An error arrives
    as class name and fields, never as its text or trace.
    """
    job: dict[str, Any] = json.loads(order)
    with _Reply() as reply:
        codec = Codec(job["classes"])
        given = dict(codec.decode(arguments))
        if job["topic"]:
            given["progress"] = _Progress(job)
        function: Callable[..., Any] = find(job["path"])
        reply.frame({"done": True}, codec.encode(function(**given)))
    return reply.framed


class _Reply:
    """Holds the framed answer: what was given to `frame`, or the error that ended the block."""

    framed: bytes = b""

    def frame(self, facts: Mapping[str, Any], payload: bytes = b"") -> None:
        self.framed = json.dumps(facts).encode() + b"\n" + payload

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        if not isinstance(error, Exception):
            return False
        told: Callable[[], Mapping[str, object]] | None = getattr(error, "fields", None)
        fields = None if told is None else {
            name: None if value is None else str(value)[:_FIELD_CHARACTERS]
            for name, value in told().items()
        }  # fmt: skip
        self.frame({"done": False, "name": type(error).__name__, "fields": fields})
        return True


class _Progress:
    """The `progress` callable of a job: tells its fraction, and raises when it was stopped."""

    def __init__(self, job: Mapping[str, Any]) -> None:
        from distributed import Event, get_worker

        self._tell = get_worker().log_event
        self._stop = Event(job["stop"])
        self._topic: str = job["topic"]
        self._job: str = job["job"]
        self._give_up_at = time.monotonic() + job["deadline_seconds"]
        self._last = float("-inf")

    def __call__(self, fraction: float, _partial: object = None) -> None:
        now = time.monotonic()
        if now > self._give_up_at:
            raise DeadlineExceeded
        if fraction < 1 and now - self._last < _TELL_SECONDS:
            return
        self._last = now
        if self._stop.is_set():
            raise Cancelled
        self._tell(self._topic, [self._job, float(fraction)])


# On the server.


@dataclass(slots=True, eq=False)
class Errand:
    """One job: what was asked, and the ticket of who asked."""

    path: str
    arguments: Mapping[str, object]
    deadline_seconds: float
    memory_bytes: int | None
    cancel: CancelToken | None
    progress: Callable[[float, Any], None] | None
    owner: str
    local: Mapping[str, Any]
    ticket: Ticket
    wake: threading.Event = field(default_factory=threading.Event)
    name: str = field(default_factory=lambda: secrets.token_hex(8))


class Cluster:
    """The connection to the scheduler: made when first needed, made again when it was lost."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._lock = threading.Lock()
        self._client: Any = None
        self._not_before = float("-inf")
        self._listeners: dict[str, Callable[[float, Any], None]] = {}
        self.topic = f"clinstat-{secrets.token_hex(8)}"
        self.note = ""

    def client(self) -> Any:
        """A client of a scheduler that has workers; None (and `note` says why) without."""
        with self._lock:
            if self._client is None or self._client.status != "running":
                self._connect()
            if self._client is None:
                return None
            return self._client if self.has_workers(self._client) else None

    def has_workers(self, client: Any) -> bool:
        """Whether anybody would do the work."""
        if client.status == "running" and client.scheduler_info()["workers"]:
            self.note = ""
            return True
        self._say(_NO_WORKER if client.status == "running" else _AWAY)
        return False

    def _connect(self) -> None:
        if time.monotonic() < self._not_before:
            return
        self._let_go()
        from dask.config import set as set_option
        from distributed import Client

        # the arguments stand in the graph: only so does the scheduler still have them when a
        # worker dies
        set_option({"distributed.admin.large-graph-warning-threshold": "4GB"})
        try:
            self._client = Client(
                self._address, timeout=_CONNECT_SECONDS, set_as_default=False,
                deserializers=["dask", "msgpack", "error"], name="clinstat",
            )  # fmt: skip
            self._client.subscribe_topic(self.topic, self._hear)
        except (OSError, TimeoutError):
            self._not_before = time.monotonic() + _AGAIN_SECONDS
            self._say(_AWAY)

    def ask(self, client: Any, order: bytes, arguments: bytes, errand: Errand) -> bytes | None:
        """The framed answer; None when the cluster has lost the work, or it was stopped."""
        promise = client.submit(answer, order, arguments, key=f"clinstat-{errand.name}", pure=False)
        promise.add_done_callback(lambda _: errand.wake.set())
        give_up_at = time.monotonic() + errand.deadline_seconds
        seen_at = time.monotonic()
        while not errand.wake.wait(_LOOK_SECONDS):
            now = time.monotonic()
            if now > give_up_at:
                errand.ticket.stop("deadline")
            if self.has_workers(client):
                seen_at = now
            elif now - seen_at > _WITHOUT_WORKERS_SECONDS:
                return None
        if promise.status == "finished" and not errand.ticket.stopped:
            return promise.result(_CONNECT_SECONDS)
        if errand.ticket.stopped:
            self._stop(client, promise, errand)
        else:
            self._say(_LOST)
        return None

    def _stop(self, client: Any, promise: Any, errand: Errand) -> None:
        from distributed import Event

        if client.status == "running":
            Event(f"clinstat-stop-{errand.name}", client=client).set()
            promise.cancel()

    def listening(self, job: str, progress: Callable[[float, Any], None] | None) -> Listening:
        """While this lasts, the fractions of a job reach `progress`."""
        return Listening(self._listeners, job, progress)

    def _hear(self, event: tuple[float, Any]) -> None:
        _, told = event
        listener = self._listeners.get(told[0])
        if listener is not None:
            listener(float(told[1]), None)

    def close(self) -> None:
        """Leave the cluster."""
        with self._lock:
            self._let_go()

    def _let_go(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            client.close(_CONNECT_SECONDS)

    def _say(self, sentence: str) -> None:
        if self.note != sentence:
            self.note = sentence
            _log.warning("%s", sentence)


@dataclass(frozen=True, slots=True)
class Listening:
    """While it lasts, `progress` is among the listeners."""

    listeners: dict[str, Callable[[float, Any], None]]
    job: str
    progress: Callable[[float, Any], None] | None

    def __enter__(self) -> None:
        if self.progress is not None:
            self.listeners[self.job] = self.progress

    def __exit__(self, *_: object) -> None:
        self.listeners.pop(self.job, None)

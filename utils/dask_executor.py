"""The heavy lane on a Dask cluster, for those who outgrow one machine (optional: DASK_SCHEDULER).

    executor = DaskExecutor(scheduler="tcp://10.0.0.5:8786", travelling=paths, codec=..., ...)
    executor.heavy("module:function", arguments)      as in `utils.executor`

A worker that dies loses nothing, because Dask gives its job to another. A scheduler that is
absent, goes away, or has no worker left costs time, never an answer: the work is done in the
heavy lane of this machine, and `facts().note` and the log say so.

Functions get `progress` as in the heavy lane, but fractions only; it is also where work on a
worker notices that it was stopped. Work that tells no progress is left to end by itself, and its
answer is thrown away. The deadline counts from the moment when the work is sent.
"""

from __future__ import annotations

import json
import logging
import threading
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from utils import refusals
from utils.cancel import CancelToken
from utils.codec import Codec
from utils.dask_cluster import Cluster, Errand
from utils.errors import Cancelled, CodecError, DeadlineExceeded
from utils.executor import Executor
from utils.ticket import Ticket

_log = logging.getLogger("clinstat.executor")

_PLACES = 8
_RESULT_BYTES = 128 << 20


def open_executor(*, scheduler: str, travelling: Collection[str], **terms: Any) -> Executor:
    """An `Executor` with these terms; with a scheduler one whose work in `travelling` travels."""
    if scheduler == "":
        return Executor(**terms)
    return DaskExecutor(scheduler=scheduler, travelling=travelling, **terms)


@dataclass(frozen=True, slots=True, kw_only=True)
class DaskFacts:
    """What became of the work that may travel: `sent` = `answered` + `stopped` + `brought_home`
    + what is under way. `at_home` was never sent. `note` says in a sentence why work is done
    here now, empty when the cluster works."""

    sent: int
    answered: int
    stopped: int
    brought_home: int
    at_home: int
    note: str


class DaskExecutor(Executor):
    """An `Executor` whose heavy work named in `travelling` is done by the workers of the Dask
    scheduler at `scheduler` (tcp://host:port), all else here. The other arguments are those of
    `Executor`; limits of memory are the workers' own (`dask worker --memory-limit`)."""

    def __init__(
        self,
        *,
        scheduler: str,
        travelling: Collection[str],
        codec: Codec,
        errors: Mapping[str, type[Exception]],
        heavy_deadline_seconds: float,
        **local: Any,
    ) -> None:
        super().__init__(
            codec=codec, errors=errors, heavy_deadline_seconds=heavy_deadline_seconds, **local
        )
        self._travelling = frozenset(travelling)
        self._codec = codec
        self._known = dict(errors) | {"Cancelled": Cancelled, "DeadlineExceeded": DeadlineExceeded}
        self._seconds = heavy_deadline_seconds
        self._cluster = Cluster(scheduler)
        self._counts: Counter[str] = Counter()
        self._count_lock = threading.Lock()
        self._under_way: set[Errand] = set()
        self._places = ThreadPoolExecutor(_PLACES, thread_name_prefix="dask-errand")

    def heavy(
        self,
        path: str,
        arguments: Mapping[str, object],
        *,
        deadline_seconds: float | None = None,
        memory_bytes: int | None = None,
        cancel: CancelToken | None = None,
        progress: Callable[[float, Any], None] | None = None,
        owner: str = "",
        **local: Any,
    ) -> Future[Any]:
        """As `Executor.heavy`; on the cluster where the path may travel and a worker is there.
        `local` is what only the heavy lane of this machine makes use of."""
        if path not in self._travelling:
            return super().heavy(
                path, arguments, deadline_seconds=deadline_seconds, memory_bytes=memory_bytes,
                cancel=cancel, progress=progress, owner=owner, **local,
            )  # fmt: skip
        errand = Errand(
            path, arguments, deadline_seconds or self._seconds, memory_bytes, cancel, progress,
            owner, local, Ticket(path, halt=_answer_stopped),
        )  # fmt: skip
        self._under_way.add(errand)
        errand.ticket.future.add_done_callback(lambda _: self._under_way.discard(errand))
        if cancel is not None:
            forget = cancel.when_cancelled(lambda: errand.ticket.stop("cancelled"))
            errand.ticket.future.add_done_callback(lambda _: forget())
        self._places.submit(self._carry_out, errand)
        return errand.ticket.future

    def travels(self, path: str) -> bool:
        """As `Executor.travels`."""
        return path in self._travelling

    def facts(self) -> DaskFacts:
        """Counts since the start, and whether the cluster works."""
        with self._count_lock:
            return DaskFacts(
                **{n: self._counts[n] for n in ("sent", "answered", "stopped", "brought_home")},
                at_home=self._counts["at_home"], note=self._cluster.note,
            )  # fmt: skip

    def shutdown(self, timeout_seconds: float = 2.0) -> None:
        """As `Executor.shutdown`; work on the cluster is told to stop."""
        for errand in tuple(self._under_way):
            errand.ticket.stop("shutdown")
        self._places.shutdown(wait=True, cancel_futures=True)
        self._cluster.close()
        super().shutdown(timeout_seconds)

    def _carry_out(self, errand: Errand) -> None:
        if not errand.ticket.begin(lambda _: errand.wake.set()):
            return
        with errand.ticket:
            reply = self._sent(errand)
            if reply is None:
                self._do_at_home(errand)
            else:
                errand.ticket.resolve(self._read(reply))

    def _sent(self, errand: Errand) -> bytes | None:
        """The framed answer of the cluster, None when the work must be done here."""
        client = self._cluster.client()
        if client is None:
            self._count("at_home")
            return None
        order = {
            "path": errand.path, "classes": dict(self._codec.classes), "job": errand.name,
            "deadline_seconds": errand.deadline_seconds, "stop": f"clinstat-stop-{errand.name}",
            "topic": self._cluster.topic if errand.progress else "",
        }  # fmt: skip
        arguments = self._codec.encode(dict(errand.arguments))
        self._count("sent")
        with self._cluster.listening(errand.name, errand.progress):
            reply = self._cluster.ask(client, json.dumps(order).encode(), arguments, errand)
        stopped = errand.ticket.stopped
        if stopped:
            self._count("stopped")
            raise refusals.stopped(stopped, errand.deadline_seconds)
        self._count("brought_home" if reply is None else "answered")
        return reply

    def _do_at_home(self, errand: Errand) -> None:
        home = super().heavy(
            errand.path, errand.arguments, deadline_seconds=errand.deadline_seconds,
            memory_bytes=errand.memory_bytes, cancel=errand.cancel, progress=errand.progress,
            owner=errand.owner, **errand.local,
        )  # fmt: skip
        home.add_done_callback(lambda done: _hand_on(done, errand.ticket))

    def _read(self, reply: bytes) -> Any:
        """The value in a framed answer; the error in it is raised."""
        if len(reply) > _RESULT_BYTES:
            raise refusals.result_too_large(_RESULT_BYTES)
        head, _, payload = reply.partition(b"\n")
        facts: dict[str, Any] = json.loads(head)
        if facts["done"]:
            try:
                return self._codec.decode(payload)
            except CodecError as error:
                raise refusals.lost() from error
        kind, fields = self._known.get(str(facts["name"])), facts["fields"]
        if kind is None or not isinstance(fields, dict):
            _log.error("%.80s failed on a Dask worker", facts["name"])
            raise refusals.failed()
        raise kind(**fields)

    def _count(self, event: str) -> None:
        with self._count_lock:
            self._counts[event] += 1


def _answer_stopped(ticket: Ticket) -> None:
    ticket.fail(refusals.stopped(ticket.stopped or "cancelled"))


def _hand_on(done: Future[Any], ticket: Ticket) -> None:
    error = done.exception()
    if error is None:
        ticket.resolve(done.result())
    else:
        ticket.fail(error)

"""The catalogue: every analysis by name, run through the cache and off the event loop.

    import logic
    result = logic.analyze_outcome(frame, outcome="died", predictors=["age", "sex"])

works in a plain script. A row of the catalogue names a pure function of `stats/`, the version
of its numbers, and the function that checks and completes the choices before any work. The
key of a result is made of the fingerprints of the columns that the choices name, the complete
choices, and the versions of what computed it.
"""

from __future__ import annotations

import functools
import inspect
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import nullcontext
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, ParamSpec, TypeVar

import pandas as pd

from config import VERSION, Settings
from ingest.report import Imported, ImportNote, ImportReport, ReadChoices, ReadLimits
from stats import collinearity, outcome, rare, validation
from stats.errors import BadInput, HeavyLaneNeeded, NotEstimable, StatsError
from stats.result import RESULT_CLASSES, Note, Result
from stats.stopping import stoppable
from stats.variables import KINDS, Dataset, Variable, as_dataset
from stats.work import Work, any_work, collinearity_work, outcome_work, validation_work
from utils.cache import Answer
from utils.cache_directory import choose_cache_directory
from utils.codec import Codec
from utils.errors import Cancelled, DeadlineExceeded, Overloaded, WorkerLost
from utils.executor import PRELOAD, CancelToken, Executor
from utils.keys import KeyParts, canonical, fingerprint_column, fingerprint_frame
from utils.open_cache import open_cache
from utils.plain import plain
from utils.plan import Plan
from utils.recent import Recent
from utils.shared import SharedByContent
from utils.workbench import TheOne, Workbench
from utils.zygote import Zygote

__all__ = [  # noqa: RUF022 - types that tabs need, then what they call
    "BadInput", "CancelToken", "Cancelled", "Dataset", "DeadlineExceeded", "Imported",
    "ImportNote", "ImportReport", "NotEstimable", "Note", "Overloaded", "Plan", "ReadChoices",
    "Result", "Run", "Settings", "StatsError", "Variable", "WorkerLost", "CATALOGUE", "KINDS",
    "VERSIONS", "analyze_outcome", "check_collinearity", "collect_soon", "configure",
    "import_file", "in_passing", "plan", "remembered", "render_export", "run", "settings",
    "shared_dataset", "shutdown", "submit",
]  # fmt: skip

log = logging.getLogger("clinstat")
P = ParamSpec("P")
R = TypeVar("R", bound=Result)
Progress = Callable[[float, Any], None]
T = TypeVar("T")

#: Versions that numbers depend on: part of every key, printed in the methods paragraph.
VERSIONS: Mapping[str, str] = MappingProxyType(
    {"Clinstat": VERSION}
    | {name: metadata.version(name) for name in ("numpy", "pandas", "scipy", "statsmodels")}
)

_INGEST_CLASSES = (Imported, ImportNote, ImportReport, ReadChoices, ReadLimits, Variable)
# run in the heavy lane; named, because this room knows no presentation
_READ = "ingest:read_table"
_RENDER = "presentation.exports:render"
_REMEMBERED_KEYS = 256  # per dataset


@dataclass(frozen=True, slots=True)
class Analysis:
    """One row of the catalogue. Raise `version` whenever the numbers change.

    `prepare(dataset, choices)` gives the columns that the choices name and the choices with
    every default filled in, or raises BadInput. `work(dataset, complete choices)` guesses what
    it takes, as asked and in smaller forms (`stats.work`).
    """

    name: str
    function: Callable[..., Result]
    prepare: Callable[[Dataset, Mapping[str, Any]], tuple[tuple[str, ...], dict[str, Any]]]
    work: Callable[[Dataset, Mapping[str, Any]], tuple[Work, ...]]
    version: int
    lane: Literal["quick", "heavy"]

    @property
    def path(self) -> str:
        """`module:function`, by which the heavy lane finds it."""
        return f"{self.function.__module__}:{self.function.__name__}"

    @property
    def kind(self) -> str:
        """Runs that cost alike: this version of it."""
        return f"{self.name} {self.version}"


@dataclass(frozen=True, slots=True)
class Run:
    """A result and where it came from: computed, memory, disk, redis, or shared with another
    caller who asked at the same time. `seconds` is what this call took."""

    result: Any
    source: str
    seconds: float
    cost_seconds: float


@dataclass(frozen=True, slots=True)
class _Asked:
    """An analysis of a dataset, and all that its result depends on."""

    analysis: Analysis
    dataset: Dataset
    parts: KeyParts


CATALOGUE: dict[str, Analysis] = {}


def catalogued(
    function: Callable[P, R], *, prepare: Callable[..., Any], version: int,
    work: Callable[..., tuple[Work, ...]] = any_work, lane: Literal["quick", "heavy"] = "quick",
) -> Callable[P, R]:  # fmt: skip
    """Enter a function of `stats/` into the catalogue; the callable returned has its signature
    and docstring and goes through the cache."""
    analysis = Analysis(function.__name__, function, prepare, work, version, lane)
    CATALOGUE[analysis.name] = analysis

    @functools.wraps(function)
    def through_cache(*args: P.args, **kwargs: P.kwargs) -> R:
        given = _signature(analysis.name).bind(*args, **kwargs).arguments
        return run(analysis.name, given.pop("data"), **given).result

    return through_cache


@functools.cache
def _signature(name: str) -> inspect.Signature:
    return inspect.signature(CATALOGUE[name].function)


class _Workbench(Workbench):
    """Cache and executor behind the catalogue, built from Settings."""

    def __init__(
        self, settings: Settings, zygote: Zygote | None, travellers: Sequence[str], *, serving: bool
    ) -> None:
        results = _by_path(RESULT_CLASSES)
        carried = results | _by_path(_INGEST_CLASSES) | {path: path for path in travellers}
        directory = choose_cache_directory(settings.cache_dir)
        self.settings = settings
        cache = open_cache(
            classes=results,
            memory_bytes=settings.cache_memory_bytes,
            directory=directory,
            disk_bytes=settings.cache_disk_bytes,
            secret=settings.cache_secret.encode() or None,
            redis_url=settings.redis_url,
            lock_wait_seconds=settings.job_deadline_seconds,
        )
        executor = Executor(
            codec=Codec(carried),
            quick_workers=settings.quick_workers,
            heavy_memory_bytes=settings.heavy_memory_bytes,
            heavy_deadline_seconds=settings.job_deadline_seconds,
            errors={"BadInput": BadInput, "NotEstimable": NotEstimable},
            functions={a.path for a in CATALOGUE.values()} | {_READ, _RENDER},
            preload=(*PRELOAD, "stats.outcome", "ingest"),
            zygote=zygote,
        )
        super().__init__(
            cache, executor, serving=serving, budget_bytes=settings.memory_budget_bytes,
            plan_file=None if directory is None else directory / "plan.json",
        )  # fmt: skip


def _by_path(classes: Sequence[type]) -> dict[str, type | str]:
    return {f"{c.__module__}:{c.__qualname__}": c for c in classes}


_current: TheOne[_Workbench] = TheOne(
    lambda: _Workbench(Settings.from_env(), None, (), serving=False)
)
_datasets: SharedByContent[Dataset] = SharedByContent()


def configure(
    settings: Settings, zygote: Zygote | None = None, *, travellers: Sequence[str] = ()
) -> None:
    """Build cache and executor for a server; a script that never calls this gets defaults
    from the environment at its first analysis.

    `travellers` names the frozen descriptions ("module:Class") that exports are made from.
    """
    _current.replace(_Workbench(settings, zygote, travellers, serving=True))


def shutdown() -> None:
    """End the lanes and close the cache; the next analysis builds them again."""
    _current.replace(None)


def settings() -> Settings:
    """The settings in force."""
    return _current.get().settings


def run(name: str, data: Dataset | pd.DataFrame, **choices: Any) -> Run:
    """Run an analysis of the catalogue by name; blocks until the result is there.

    Raises BadInput or NotEstimable with a sentence for the user; never from the cache.
    """
    return _run(_ask(name, data, choices))


def submit(
    name: str, data: Dataset | pd.DataFrame, *, owner: str = "",
    cancel: CancelToken | None = None, progress: Progress | None = None, **choices: Any,
) -> Future[Run]:  # fmt: skip
    """`run` in the quick lane, fair between owners; all errors arrive through the Future.

    Turning `cancel` answers the Future at once with Cancelled. Work that waits is dropped, a
    heavy job is killed, quick work ends at its next check (some milliseconds). `progress` gets
    a fraction and a partial result, in a thread of the lane, from analyses that tell them.
    """

    def work(*, progress: Progress | None = None) -> Run:
        return _run(_ask(name, data, choices, owner), cancel, progress)

    return _current.get().executor.quick(work, owner=owner, cancel=cancel, progress=progress)


def remembered(
    name: str, data: Dataset | pd.DataFrame, *, owner: str = "", **choices: Any
) -> Run | None:
    """The answer if the memory tier holds it, without entering a lane; else None.

    The first call for a dataset reads its columns, so a page calls it through `in_passing`.
    """
    asked = _ask(name, data, choices, owner)
    answer = _current.get().cache.peek(asked.parts.key, name=name)
    return None if answer is None else _as_run(answer)


def _run(asked: _Asked, cancel: CancelToken | None = None, progress: Progress | None = None) -> Run:
    bench, began = _current.get(), time.thread_time()
    answer: Answer[Any] = bench.cache.get_or_compute(
        asked.parts.key,
        lambda: _compute(bench, asked, began, cancel, progress),
        name=asked.analysis.name,
        ttl_seconds=bench.settings.cache_ttl_seconds,
        label=asked.dataset.remember("label", str),
        parts=asked.parts,
    )
    return _as_run(answer)


def _as_run(answer: Answer[Any]) -> Run:
    return Run(answer.value, answer.source, answer.seconds, answer.cost_seconds)


def _ask(
    name: str, data: Dataset | pd.DataFrame, choices: Mapping[str, Any], owner: str = ""
) -> _Asked:
    analysis, dataset, given = CATALOGUE[name], as_dataset(data), plain(choices)
    salt = owner if _current.get().settings.cache_scope == "workspace" else ""
    # what is remembered must not hold the dataset, which would then never be freed
    keys: Recent[KeyParts] = dataset.remember("keys", lambda: Recent(_REMEMBERED_KEYS))
    asked = (name, canonical(given), salt)
    return _Asked(
        analysis, dataset, keys.get_or(asked, lambda: _key(analysis, dataset, given, salt))
    )


def plan(name: str, data: Dataset | pd.DataFrame, **choices: Any) -> Plan:
    """Seconds, bytes and lane of a run before it starts, and whether it fits the memory budget.

    Raises BadInput as `run` does. A page calls it through `in_passing`.
    """
    analysis, dataset = CATALOGUE[name], as_dataset(data)
    _, complete = _prepared(analysis, dataset, plain(choices))
    work = analysis.work(dataset, complete)
    return _current.get().planner.plan(analysis.kind, work, analysis.lane)


def _prepared(
    analysis: Analysis, dataset: Dataset, asked: Mapping[str, Any]
) -> tuple[tuple[str, ...], dict[str, Any]]:
    bound = _signature(analysis.name).bind(dataset, **asked)
    bound.apply_defaults()
    given = {k: v for k, v in bound.arguments.items() if k not in ("data", "progress")}
    return analysis.prepare(dataset, given)


def _key(analysis: Analysis, dataset: Dataset, asked: Mapping[str, Any], salt: str) -> KeyParts:
    columns, complete = _prepared(analysis, dataset, asked)
    prints = [
        (c, dataset.remember(("print", c), lambda c=c: fingerprint_column(dataset.column(c))))
        for c in columns
    ]
    return KeyParts(
        name=analysis.name, row_version=analysis.version, columns=tuple(prints),
        n_rows=dataset.n_rows, choices=complete, versions=VERSIONS, salt=salt,
    )  # fmt: skip


def _compute(
    bench: _Workbench, asked: _Asked, began: float,
    cancel: CancelToken | None, progress: Progress | None,
) -> Result:  # fmt: skip
    analysis, choices = asked.analysis, asked.parts.choices
    told = progress if "progress" in _signature(analysis.name).parameters else None
    telling = {} if told is None else {"progress": told}
    options = analysis.work(asked.dataset, choices)
    bench.planner.admit(analysis.kind, options, analysis.lane)
    if analysis.lane == "quick":
        try:
            with (
                rare.deferred() if bench.serving else nullcontext(),
                nullcontext() if cancel is None else stoppable(cancel.check),
                bench.planner.learning(analysis.kind, options[0], since=began),
            ):
                return analysis.function(asked.dataset, **choices, **telling)
        except HeavyLaneNeeded:
            log.info("%s moves to the heavy lane", analysis.name)
    columns = [name for name, _ in asked.parts.columns]
    arguments = {"data": asked.dataset.frame(columns), **choices}
    future = bench.executor.heavy(analysis.path, arguments, cancel=cancel, progress=told)
    return bench.executor.wait(future)


def in_passing(function: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
    """Run a short call of this module (`remembered`, `plan`) beside the lanes, so that it does
    not wait behind an analysis (`asyncio.wrap_future` awaits it)."""
    return _current.get().passing.submit(function, *args, **kwargs)


def shared_dataset(frame: pd.DataFrame, variables: Sequence[Variable]) -> Dataset:
    """The dataset of this content: sessions that hold the same data hold one copy of it."""
    content = fingerprint_frame(frame), canonical(variables)
    shared = _datasets.the_one(content, lambda: Dataset(frame, variables))
    shared.remember("label", lambda: content[0])  # entries of a dataset can be found by it
    return shared


def import_file(
    path: str | Path, *, name: str | None = None, choices: ReadChoices | None = None
) -> Imported:
    """Read an uploaded file in a limited process. BadInput says what is wrong with it."""
    bench = _current.get()
    s = bench.settings
    arguments = {
        "path": str(path), "name": name or Path(path).name,
        "limits": ReadLimits(**s.reading), "choices": choices or ReadChoices(),
    }  # fmt: skip
    try:
        future = bench.executor.heavy(_READ, arguments, deadline_seconds=s.read_deadline_seconds)
        return bench.executor.wait(future)
    except (WorkerLost, DeadlineExceeded) as error:
        raise BadInput(
            "This file could not be read within the limits of memory and time "
            f"({s.read_deadline_seconds:.0f} s).",
            rule="limits", hint="Save it as a plain CSV file, or split it, and send it again.",
        ) from error  # fmt: skip


def warm_up(calls: Sequence[Callable[[], object]]) -> None:
    """Run `calls` one after the other in the background, each while no user computes."""
    _current.get().warm_up(calls)


def collect_soon() -> None:
    """Give back soon what a closed page held, or what starting up left behind."""
    _current.get().monitor.collect_soon()


def render_export(kind: str, **parts: Any) -> bytes:
    """A document or figure as bytes, made in the heavy lane (`presentation.exports.render`)."""
    executor = _current.get().executor
    return executor.wait(executor.heavy(_RENDER, {"kind": kind, **parts}))


analyze_outcome = catalogued(
    outcome.analyze_outcome, prepare=outcome.prepare, version=1, work=outcome_work
)
check_collinearity = catalogued(
    collinearity.check_collinearity, prepare=collinearity.prepare, version=1, work=collinearity_work
)
validate_outcome_model = catalogued(
    validation.validate_outcome_model, prepare=validation.prepare, version=1, work=validation_work
)

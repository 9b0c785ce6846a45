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
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager, nullcontext
from importlib import metadata
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, ParamSpec, TypeVar

import pandas as pd

from config import VERSION, Settings
from ingest.report import Imported, ImportNote, ImportReport, ReadChoices, ReadLimits
from stats import (
    cohort,
    collinearity,
    compare,
    correlation,
    counts,
    cox,
    diagnostic_test,
    incidence,
    linear,
    outcome,
    rare,
    roc,
    stratified,
    survival,
    validation,
    work_association,
    work_cohort,
    work_models,
    work_survival,
)  # fmt: skip
from stats import (
    two_by_two as two_by_two_table,
)
from stats.errors import BadInput, HeavyLaneNeeded, NotEstimable, StatsError
from stats.result import RESULT_CLASSES, Note, Result
from stats.stopping import stoppable
from stats.variables import KINDS, Dataset, Variable, as_dataset
from stats.work import Work, any_work, collinearity_work, outcome_work, validation_work
from utils import prices
from utils.cache import TieredCache
from utils.cache_directory import choose_cache_directory
from utils.catalogue import Analysis, Catalogue
from utils.codec import Codec
from utils.console import Cleared, Console, EntryFacts, KeeperPass, Look, Spread, TierFacts, Wanted
from utils.dask_executor import open_executor
from utils.desk import Arrival, Desk, open_desk
from utils.errors import (
    BadSessionFile,
    Cancelled,
    DatasetGone,
    DeadlineExceeded,
    IncompleteUpload,
    MachineryError,
    Overloaded,
    WorkerLost,
    WorkspaceGone,
)  # fmt: skip
from utils.executor import PRELOAD, CancelToken
from utils.forget import Receipt
from utils.frame_files import FrameFiles
from utils.jobs import Attendance
from utils.keys import canonical, fingerprint_frame
from utils.open_cache import open_cache
from utils.plain import plain
from utils.plan import Plan
from utils.runs import Run, Runs
from utils.saved_session import SavedSession, SessionLimits, read_session, write_session
from utils.shared import SharedByContent
from utils.status import status_of
from utils.workbench import TheOne, Workbench
from utils.workspace import Visit, WorkspaceLimits
from utils.workspace_state import DatasetReference, Request, WorkspaceState
from utils.zygote import Zygote

__all__ = [  # noqa: RUF022 - types that tabs need, then what they call
    "Arrival", "Attendance", "BadInput", "BadSessionFile", "CancelToken", "Cancelled", "Dataset",
    "DatasetGone", "DatasetReference", "DeadlineExceeded", "Imported", "ImportNote", "ImportReport",
    "IncompleteUpload", "MachineryError", "NotEstimable", "Note", "Overloaded", "Plan",
    "ReadChoices", "Receipt", "Request", "Result", "Run", "SavedSession", "SessionLimits",
    "Settings", "StatsError", "Variable", "Visit", "WorkerLost", "WorkspaceGone",
    "WorkspaceState", "Cleared", "EntryFacts", "KeeperPass", "Look", "Spread",
    "TierFacts", "Wanted", "CATALOGUE", "KINDS", "VERSIONS",
    "analyze_outcome", "attend", "check_collinearity", "collect_soon", "compare_groups",
    "configure", "console", "correlate", "describe_cohort", "desk", "estimate_incidence",
    "estimate_survival", "evaluate_roc", "evaluate_test", "fit_counts", "fit_cox",
    "fit_linear", "import_file", "in_passing", "plan", "read_session", "remembered",
    "render_export", "run", "settings", "shared_dataset", "shutdown", "status",
    "stratify", "submit", "two_by_two", "validate_outcome_model", "write_session",
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


_catalogue: Catalogue[Dataset] = Catalogue(versions=VERSIONS, as_dataset=as_dataset)
#: Every analysis by name.
CATALOGUE: Mapping[str, Analysis[Dataset]] = MappingProxyType(_catalogue.rows)


def catalogued(
    function: Callable[P, R], prepare: Callable[..., Any],
    work: Callable[..., tuple[Work, ...]] = any_work, *, version: int,
    lane: Literal["quick", "heavy"] = "quick", ttl_seconds: float | None = None,
) -> Callable[P, R]:  # fmt: skip
    """Enter a function of `stats/` into the catalogue; the callable returned has its signature
    and docstring and goes through the cache."""
    analysis = Analysis(function.__name__, function, prepare, work, version, lane, ttl_seconds)
    _catalogue.enter(analysis)

    @functools.wraps(function)
    def through_cache(*args: P.args, **kwargs: P.kwargs) -> R:
        given = analysis.signature.bind(*args, **kwargs).arguments
        return run(analysis.name, given.pop("data"), **given).result

    return through_cache


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
        analyses = {a.path for a in CATALOGUE.values()}
        executor = open_executor(
            scheduler=settings.dask_scheduler, travelling=analyses, codec=Codec(carried),
            quick_workers=settings.quick_workers, heavy_memory_bytes=settings.heavy_memory_bytes,
            heavy_deadline_seconds=settings.job_deadline_seconds,
            errors={"BadInput": BadInput, "NotEstimable": NotEstimable},
            functions=analyses | {_READ, _RENDER},
            preload=(*PRELOAD, "stats.outcome", "ingest"), zygote=zygote,
        )  # fmt: skip
        super().__init__(
            cache, executor, serving=serving, budget_bytes=settings.memory_budget_bytes,
            plan_file=None if directory is None else directory / "plan.json",
            ttl_seconds=settings.cache_ttl_seconds,
            keys_apart=settings.cache_scope == "workspace",
            frames=FrameFiles(None if directory is None else directory / "frames"),
            datasets=_datasets.held,
            open_desk=functools.partial(_desk, settings, directory if serving else None, cache),
        )  # fmt: skip
        self.console = Console(self, settings.admin_secret)


def _desk(settings: Settings, directory: Path | None, cache: TieredCache) -> Desk:
    return open_desk(
        directory, secret=settings.cache_secret.encode() or None, cache=cache,
        store_bytes=settings.dataset_store_bytes,
        limits=WorkspaceLimits(
            workspaces=settings.workspaces, idle_seconds=settings.workspace_idle_seconds,
            absolute_seconds=settings.workspace_seconds,
        ),
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


def status() -> dict[str, Any]:
    """What cache, lanes and memory are doing, in plain numbers. It may wait for a disk."""
    return status_of(_current.get())


def console() -> Console:
    """What a person may see and do in the tab System. Its calls may wait for a disk."""
    return _current.get().console


@contextmanager
def _quick(cancel: CancelToken | None, serving: bool) -> Iterator[None]:
    with (
        rare.deferred() if serving else nullcontext(),
        nullcontext() if cancel is None else stoppable(cancel.check),
    ):
        yield


_runs: Runs[Dataset] = Runs(_catalogue, _current.get, quick=_quick, heavy_after=HeavyLaneNeeded)


def run(name: str, data: Dataset | pd.DataFrame, **choices: Any) -> Run:
    """Run an analysis of the catalogue by name; blocks until the result is there.

    Raises BadInput or NotEstimable with a sentence for the user; never from the cache.
    """
    return _runs.run(_runs.ask(name, data, choices))


def submit(
    name: str, data: Dataset | pd.DataFrame, *, owner: str = "",
    cancel: CancelToken | None = None, progress: Progress | None = None, **choices: Any,
) -> Future[Run]:  # fmt: skip
    """`run` in the quick lane, fair between owners; all errors arrive through the Future.

    Turning `cancel` answers the Future at once with Cancelled. Work that waits is dropped, a
    heavy job is killed, quick work ends at its next check (some milliseconds). `progress` gets
    a fraction and a partial result, in a thread of the lane, from analyses that tell them.
    """
    ask = functools.partial(_runs.ask, name, data, choices, owner)
    return _runs.submit(ask, owner=owner, cancel=cancel, progress=progress)


def remembered(
    name: str, data: Dataset | pd.DataFrame, *, owner: str = "", **choices: Any
) -> Run | None:
    """The answer if the memory tier holds it, without entering a lane; else None.

    The first call for a dataset reads its columns, so a page calls it through `in_passing`.
    """
    return _runs.remembered(_runs.ask(name, data, choices, owner))


def attend(
    name: str, data: Dataset | pd.DataFrame, *, owner: str,
    on_progress: Progress | None = None, **choices: Any,
) -> Attendance | Run:  # fmt: skip
    """The answer if the memory tier holds it, else a place at the job that computes it.

    The job belongs to the workspace `owner` and outlives the page; who asks for what runs
    already joins it. Reads columns, so a page calls it through `in_passing`.
    """
    asked = _runs.ask(name, data, choices, owner)
    request = Request(key=asked.parts.key, analysis=name, choices=plain(choices))
    return _runs.attend(asked, request, owner=owner, on_progress=on_progress)


def desk() -> Desk:
    """What outlives sessions: workspaces, files, jobs. On disk for a server (`configure`)."""
    return _current.get().desk


def plan(name: str, data: Dataset | pd.DataFrame, **choices: Any) -> Plan:
    """Seconds, bytes and lane of a run before it starts, and whether it fits the memory budget.

    Raises BadInput as `run` does. A page calls it through `in_passing`.
    """
    return _runs.plan(name, data, choices)


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
    price = prices.reading(Path(path), name=name or Path(path).name)
    try:
        return bench.heavy(_READ, arguments, kind="read", options=(price,),
                           deadline_seconds=s.read_deadline_seconds)  # fmt: skip
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
    price = prices.rendering(kind, parts["tables"], len(parts["figures"]))
    return _current.get().heavy(_RENDER, {"kind": kind, **parts}, kind="render", options=(price,),
                                loaded=prices.libraries(kind))  # fmt: skip


analyze_outcome = catalogued(outcome.analyze_outcome, outcome.prepare, outcome_work, version=2)
check_collinearity = catalogued(
    collinearity.check_collinearity, collinearity.prepare, collinearity_work, version=1
)
validate_outcome_model = catalogued(
    validation.validate_outcome_model, validation.prepare, validation_work, version=2
)
describe_cohort = catalogued(
    cohort.describe_cohort, cohort.prepare, work_cohort.cohort_work, version=2
)
compare_groups = catalogued(
    compare.compare_groups, compare.prepare, work_cohort.comparison_work, version=2
)
correlate = catalogued(
    correlation.correlate, correlation.prepare, work_association.correlation_work, version=1
)
fit_linear = catalogued(linear.fit_linear, linear.prepare, work_models.linear_work, version=1)
fit_counts = catalogued(counts.fit_counts, counts.prepare, work_models.count_work, version=1)
fit_cox = catalogued(cox.fit_cox, cox.prepare, work_models.cox_work, version=1)
estimate_survival = catalogued(
    survival.estimate_survival, survival.prepare, work_survival.survival_work, version=1
)
estimate_incidence = catalogued(
    incidence.estimate_incidence, incidence.prepare, work_survival.incidence_work, version=1
)
evaluate_test = catalogued(
    diagnostic_test.evaluate_test, diagnostic_test.prepare, work_association.table_work, version=1
)
two_by_two = catalogued(
    two_by_two_table.two_by_two, two_by_two_table.prepare, work_association.table_work, version=1
)
stratify = catalogued(
    stratified.stratify, stratified.prepare, work_association.table_work, version=1
)
evaluate_roc = catalogued(roc.evaluate_roc, roc.prepare, work_association.roc_work, version=1)

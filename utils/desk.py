"""What outlives the sessions of a page: workspaces, their files, their jobs.

    desk = open_desk(directory, secret=..., store_bytes=..., limits=...)
    desk.enter(key, page=...) -> Arrival         a page comes in, with or without a key
    desk.begin(owner, request, start, on_progress=...) -> Attendance     runs it once, or joins it
    desk.note(owner, request)                     an answer that was there already is shown
    desk.stop(owner, key)                         Cancel
    desk.receive()                                uploads arrive in a folder of its own from now on
    desk.keep_file(owner, path, ...) -> DatasetReference | None
    desk.forget(visit) -> Receipt                 Forget my data
    desk.sweep()

An owner is the id of a workspace; a page without one (no room) works as itself, and nothing of
it is kept. Work begun here is retried by `retry`, where that can help. What a workspace lets go
of (it expired, another file took the place of its own) goes from files, jobs and cache together.
"""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from utils.cache import TieredCache
from utils.dataset_store import DatasetStore
from utils.errors import Overloaded, StoreFault, WorkspaceFull, WorkspaceGone
from utils.forget import Eraser, Receipt
from utils.jobs import Attendance, Jobs, Progress, Start
from utils.one_process import Claimed, claim
from utils.private_files import private_directory, server_secret
from utils.retry import Retry
from utils.upload_folder import UploadFolder
from utils.workspace import Visit, WorkspaceLimits, Workspaces
from utils.workspace_journal import WorkspaceJournal
from utils.workspace_state import DatasetReference, Request, WorkspaceState

log = logging.getLogger(__name__)
_FILES, _UPLOADS = "files", "uploads"
Step = Callable[[WorkspaceState], WorkspaceState]


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """A page and its workspace. `gone`: it came with a key that opens nothing any more."""

    visit: Visit
    gone: bool = False

    @property
    def workspace_id(self) -> str:
        """Names the workspace inside the server."""
        return self.visit.workspace_id


class Desk:
    """Workspaces with the files and jobs that belong to them. Safe for threads."""

    def __init__(
        self, *, workspaces: Workspaces, files: DatasetStore, jobs: Jobs, retry: Retry,
        cache: TieredCache, uploads: UploadFolder, claimed: Claimed | None = None,
        passing: tuple[Path, ...] = (),
    ) -> None:  # fmt: skip
        self.workspaces = workspaces
        self._eraser = Eraser(workspaces=workspaces, files=files, jobs=jobs, cache=cache)
        self._claimed = claimed
        self._passing = passing
        self._uploads = uploads
        self.files = files
        self.jobs = jobs
        self.retry = retry
        self._hold_files()

    def _hold_files(self) -> None:
        """Files of the workspaces that came back from disk; the rest is swept."""
        for owner in self.workspaces.ids():
            with contextlib.suppress(WorkspaceGone):
                dataset = self.workspaces.state(owner).dataset
                if dataset is not None:
                    self.files.hold(dataset.content, owner)
        self._eraser.let_go()

    def enter(self, key: str | None, *, page: str) -> Arrival:
        """The workspace that the key opens, or a new one. Overloaded when there is no room."""
        if key is None:
            return Arrival(visit=self.workspaces.create(page=page))
        try:
            visit = self.workspaces.resume(key, page=page)
        except WorkspaceGone:
            return Arrival(visit=self.workspaces.create(page=page), gone=True)
        if visit.forked_from is not None:
            self._share(visit)
        return Arrival(visit=visit)

    def _share(self, visit: Visit) -> None:
        dataset = visit.state.dataset
        if dataset is not None:
            self.files.hold(dataset.content, visit.workspace_id)
        if visit.forked_from is not None:
            self.jobs.share(visit.forked_from, visit.workspace_id)

    # Jobs.

    def begin(
        self, owner: str, request: Request, start: Start, *, on_progress: Progress | None = None
    ) -> Attendance:
        """Join the job of this request, or start it; the workspace knows of it meanwhile."""
        self._change(owner, lambda state: state.with_job(request))

        def started(cancel: Any, progress: Progress) -> Future[Any]:
            future = start(cancel, progress)
            future.add_done_callback(lambda ended: self._ended(request, ended))
            return future

        attendance = self.jobs.attach(request.key, started, owner=owner, on_progress=on_progress)
        if not attendance.started and attendance.status == "done":
            self.note(owner, request)
        return attendance

    def _ended(self, request: Request, future: Future[Any]) -> None:
        """Every workspace that waits for this job learns of its end, open or not."""
        good = not future.cancelled() and future.exception() is None

        def step(state: WorkspaceState) -> WorkspaceState:
            return state.with_result(request) if good else state.without_job(request.key)

        for owner in self.workspaces.ids():
            with contextlib.suppress(WorkspaceGone):
                if any(job.key == request.key for job in self.workspaces.state(owner).jobs):
                    self._change(owner, step)

    def note(self, owner: str, request: Request) -> None:
        """A result that was remembered is shown now."""
        self._change(owner, lambda state: state.with_result(request))

    def stop(self, owner: str, key: str) -> None:
        """The owner does not want it any more."""
        self.jobs.cancel(key, owner=owner)
        self._change(owner, lambda state: state.without_job(key))

    def _change(self, owner: str, step: Step) -> None:
        try:
            self.workspaces.change(owner, step)
        except WorkspaceGone:
            return  # a page without a workspace, or one that was forgotten meanwhile
        except WorkspaceFull:
            log.warning("A workspace is full; what it does now is not kept.")

    # Files.

    def receive(self) -> None:
        """From now on uploads arrive in a folder of this desk; what a server that was killed left
        there is deleted. Changes where this process makes temporary files, until `close`."""
        self._uploads.open()

    def keep_file(
        self, owner: str, path: Path, *, declared_bytes: int | None, name: str,
        read_choices: Mapping[str, Any],
    ) -> DatasetReference | None:  # fmt: skip
        """Keep an upload; None where it cannot be kept (the page then works on without).

        IncompleteUpload when fewer or more bytes arrived than were announced.
        """
        if not self._is_open(owner):
            return None  # nobody would ever let go of it
        try:
            stored = self.files.put(path, declared_bytes=declared_bytes, holder=owner)
        except (Overloaded, StoreFault):
            return None
        return DatasetReference(
            content=stored.content, name=name, size_bytes=stored.size_bytes,
            read_choices=read_choices,
        )  # fmt: skip

    def use_file(
        self, owner: str, kept: DatasetReference, variables: Sequence[Mapping[str, Any]]
    ) -> None:
        """Work on this file from now on; the one before goes with its last holder."""
        self._change(owner, lambda state: state.with_dataset(kept, variables))
        if not self._is_open(owner):  # it was forgotten while the file was read
            self.files.release(kept.content, owner)
        self._eraser.let_go()

    def keep_inputs(self, owner: str, inputs: Mapping[str, Mapping[str, Any]]) -> None:
        """What a session that was opened says about several tabs."""

        def step(state: WorkspaceState) -> WorkspaceState:
            for tab, values in inputs.items():
                state = state.with_inputs(tab, values)
            return state

        self._change(owner, step)

    def _is_open(self, owner: str) -> bool:
        try:
            self.workspaces.state(owner)
        except WorkspaceGone:
            return False
        return True

    def drop_file(self, owner: str, kept: DatasetReference) -> None:
        """Forget a file that could not be read, unless it is the one in use."""
        with contextlib.suppress(WorkspaceGone):
            used = self.workspaces.state(owner).dataset
            if used is not None and used.content == kept.content:
                return
        self.files.release(kept.content, owner)

    # The end of what is kept.

    def forget(self, visit: Visit) -> Receipt:
        """Delete the workspace of this visit and all that nobody else holds.

        WorkspaceGone when the visit is over (another page took its place, or it was forgotten).
        """
        self.workspaces.require(visit)
        return self._eraser.forget(visit.token.reveal())

    def sweep(self) -> None:
        """End expired workspaces, release what nobody holds, delete left-overs."""
        self._eraser.let_go()

    def close(self) -> None:
        """Let go of the directory; what was kept for this process alone is deleted."""
        self._uploads.close()
        for place in self._passing:
            shutil.rmtree(place, ignore_errors=True)
        if self._claimed is not None:
            self._claimed.release()

    def facts(self) -> dict[str, Any]:
        """Numbers for the panel."""
        return {
            "workspaces": dict(self.workspaces.facts()), "files": dict(self.files.facts()),
            "jobs": dict(self.jobs.facts()), "retry": dict(self.retry.facts()),
        }  # fmt: skip


def open_desk(
    directory: Path | None, *, secret: bytes | None, store_bytes: int, limits: WorkspaceLimits,
    cache: TieredCache,
) -> Desk:  # fmt: skip
    """A desk that survives a restart where there is a directory to write to.

    One process uses a directory: a second one takes the next number. Without a directory files
    are kept in a temporary one and workspaces in memory. `cache` holds their results.
    """
    claimed = None if directory is None else claim(directory / "desks")
    journal = None
    if claimed is not None:
        try:
            secret = secret or server_secret(private_directory(claimed.path) / "secret")
            journal = WorkspaceJournal(
                private_directory(claimed.path / "workspaces"), secret=secret
            )
        except OSError:
            log.warning("Workspaces cannot be kept on disk; they end with the server.")
            claimed.release()
            claimed = None
    if claimed is not None:
        here, passing = claimed.path, ()
    else:
        claimed, here, passing = _passing()
    workspaces = Workspaces(
        secret=secret or secrets.token_bytes(32), journal=journal, limits=limits
    )
    return Desk(
        workspaces=workspaces,
        files=DatasetStore(here / _FILES, max_bytes=store_bytes),
        uploads=UploadFolder(here / _UPLOADS),
        jobs=Jobs(), retry=Retry(), cache=cache, claimed=claimed, passing=passing,
    )  # fmt: skip


def _passing() -> tuple[Claimed | None, Path, tuple[Path, ...]]:
    """A place that ends with this process, and what of it must be deleted then. One that a killed
    process left is taken over, so that nothing of it stays."""
    user = os.getuid() if hasattr(os, "getuid") else "user"
    claimed = claim(Path(tempfile.gettempdir()) / f"clinstat-passing-{user}")
    if claimed is None:
        here = Path(tempfile.mkdtemp(prefix="clinstat-desk-"))
        return None, here, (here,)
    return claimed, claimed.path, (claimed.path / _FILES, claimed.path / _UPLOADS)

"""A session in one file: written from what the workspace holds, read as hostile input.

Results are never in it. What a file says is taken over only where it fits: choices of reading,
rows of the variable table and inputs are each checked, and what does not fit is left out and
counted in a note.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import logic
from logic import BadSessionFile, Dataset, DatasetReference, Imported, ReadChoices
from tabs import arrival
from tabs.analyses import TABS
from tabs.failure import Failure
from tabs.form.restoring import fitting
from tabs.loaded import Loaded, Source
from tabs.saved_table import read_choices_of, variables_of
from tabs.stay import thawed
from tabs.words import counted


@dataclass(frozen=True, slots=True, eq=False)
class Reopened:
    """A session that was opened: its dataset, the inputs of each form, what was left out."""

    loaded: Loaded
    inputs: dict[str, dict[str, Any]]
    notes: tuple[str, ...]


def limits() -> logic.SessionLimits:
    """What may be uploaded may be opened, and no more is written."""
    return logic.SessionLimits(file_bytes=logic.settings().upload_bytes)


def session_bytes(state: logic.WorkspaceState | None, *, with_data: bool) -> bytes:
    """The file. BadSessionFile when there is nothing to save or it would be too large."""
    if state is None or state.dataset is None:
        raise BadSessionFile(
            "There is no dataset to save a session of.",
            hint="Upload a file or open an example first.",
        )
    kept = state.dataset
    path = logic.desk().files.path(kept.content)
    session = logic.SavedSession(
        made_with=f"Clinstat {logic.VERSIONS['Clinstat']}",
        saved_at=datetime.now(UTC).isoformat(timespec="seconds"),
        file_name=kept.name, fingerprint=kept.content, read_choices=kept.read_choices,
        variables=state.variables, inputs=state.inputs,
        data=path.read_bytes() if with_data else None,
    )  # fmt: skip
    return logic.write_session(session, limits())


def reopen(
    source: Source, generation: int, owner: str, current: DatasetReference | None
) -> Reopened | Failure:
    """Open an uploaded session for the workspace `owner`, which works on `current` now.

    BadSessionFile for a file that is no session, or whose data are needed and are not here.
    """
    data = _arrived(source)
    if isinstance(data, Failure):
        return data
    opened = logic.read_session(data, limits())
    session = opened.session
    choices = read_choices_of(session.read_choices)
    kept = _file_of(session, owner, current)
    dataset, found, unfit = _read(kept, choices, session, owner)
    desk = logic.desk()
    desk.use_file(owner, kept, [asdict(v) for v in dataset.variables.values()])
    inputs = _inputs(session.inputs)
    desk.keep_inputs(owner, inputs)
    loaded = Loaded(
        dataset, found.report, choices,
        Source(str(desk.files.path(kept.content)), kept.name, kept.size_bytes), generation,
    )  # fmt: skip
    return Reopened(loaded, inputs, (*opened.notes, *_unfit_words(unfit)))


def _arrived(source: Source) -> bytes | Failure:
    """The bytes of the upload, which is deleted: it may hold the data of patients."""
    path, limit_bytes = Path(source.path), limits().file_bytes
    try:
        arrived_bytes = path.stat().st_size
        if arrived_bytes != source.declared_bytes:
            return arrival.INCOMPLETE
        if arrived_bytes > limit_bytes:
            return arrival.too_large(limit_bytes, arrived_bytes)
        return path.read_bytes()
    finally:
        path.unlink(missing_ok=True)


def _file_of(
    session: logic.SavedSession, owner: str, current: DatasetReference | None
) -> DatasetReference:
    """The data of the session: those in the file, or those on which the page works already."""
    if session.data is not None:
        stored = logic.desk().files.put_bytes(session.data, holder=owner)
        content, size_bytes = stored.content, stored.size_bytes
    elif current is not None and current.content == session.fingerprint:
        content, size_bytes = current.content, current.size_bytes
    else:
        raise BadSessionFile(
            f'This session was saved without its data and belongs to the file "{session.file_name}"'
            + (", which is not the file that is open." if current is not None else "."),
            hint="Upload that file, unchanged, and then open the session again.",
        )
    return DatasetReference(
        content=content, name=session.file_name or "session", size_bytes=size_bytes,
        read_choices=session.read_choices,
    )  # fmt: skip


def _read(
    kept: DatasetReference, choices: ReadChoices, session: logic.SavedSession, owner: str
) -> tuple[Dataset, Imported, int]:
    desk = logic.desk()
    try:
        path = str(desk.files.path(kept.content))
        found = logic.import_file(path, name=kept.name, choices=choices)
        variables, unfit = variables_of(found, session.variables)
        return logic.shared_dataset(found.frame, variables), found, unfit
    except (logic.StatsError, logic.MachineryError):
        desk.drop_file(owner, kept)
        raise


def _unfit_words(unfit: int) -> tuple[str, ...]:
    if not unfit:
        return ()
    rows = counted(unfit, "row")
    return (f"{rows} of the saved variable table did not fit this file; look at Variables.",)


def _inputs(saved: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    forms = [form for tab in TABS for _, form in tab.forms.values()]
    found = {
        f.analysis: fitting(f, thawed(saved[f.analysis])) for f in forms if f.analysis in saved
    }
    return {analysis: state for analysis, state in found.items() if state}

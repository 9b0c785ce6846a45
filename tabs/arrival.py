"""A file arrives: complete, not too large, kept for its workspace, read in a limited process."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, cast
from weakref import WeakValueDictionary

import logic
from ingest.report import ImportReport
from logic import Dataset, DatasetReference, ReadChoices, Variable
from tabs.failure import Failure, attempt_elsewhere
from tabs.loaded import Loaded, Source
from tabs.words import limit_words, memory_words

INCOMPLETE = Failure("The upload was incomplete.", "Please send the file again.")
#: What was read from a file (content, name, choices), while some page works on it: whoever brings
#: the same file does not wait for it to be read again. The report lies with the dataset.
_read_before: WeakValueDictionary[tuple[str, str, ReadChoices], Dataset] = WeakValueDictionary()
_SMALLER = "Leave out columns or rows that you do not need, and send it again."


def too_large(limit_bytes: int, size_bytes: int | None = None) -> Failure:
    """The refusal of a file above the limit, with the limit in it."""
    limit = f"{limit_words(limit_bytes)}, the most that this server takes"
    if size_bytes is None:
        return Failure(f"This file is larger than {limit}.", _SMALLER)
    return Failure(
        f"This file has {memory_words(size_bytes)}; that is more than {limit}.", _SMALLER
    )


async def read(
    source: Source, choices: ReadChoices, generation: int, whose: Callable[[], Awaitable[str]]
) -> Loaded | Failure:
    """Read a file into the dataset of a session, and keep it for the workspace that `whose`
    names."""
    return await attempt_elsewhere(_arrived, source, choices, generation, await whose())


def _arrived(source: Source, choices: ReadChoices, generation: int, owner: str) -> Loaded | Failure:
    arrived_bytes = Path(source.path).stat().st_size
    if source.declared_bytes is not None and arrived_bytes != source.declared_bytes:
        return INCOMPLETE
    limit_bytes = logic.settings().upload_bytes
    if arrived_bytes > limit_bytes:
        return too_large(limit_bytes, arrived_bytes)
    desk = logic.desk()
    try:
        kept = desk.keep_file(
            owner, Path(source.path), declared_bytes=source.declared_bytes, name=source.name,
            read_choices=asdict(choices),
        )  # fmt: skip
    except logic.IncompleteUpload:
        return INCOMPLETE
    # Shiny deletes an upload with its session: what was kept is what is read, now and later, and
    # the only copy from here on (whoever forgets it must not leave another behind).
    path = source.path if kept is None else str(desk.files.path(kept.content))
    if source.declared_bytes is not None and path != source.path:
        Path(source.path).unlink(missing_ok=True)
    dataset, report = _read(path, source.name, choices, owner, kept)
    if kept is not None:
        desk.use_file(owner, kept, [asdict(v) for v in dataset.variables.values()])
    return Loaded(dataset, report, choices, replace(source, path=path), generation)


def _read(
    path: str, name: str, choices: ReadChoices, owner: str, kept: DatasetReference | None
) -> tuple[Dataset, ImportReport]:
    key = None if kept is None else (kept.content, name, choices)
    ready = None if key is None else _read_before.get(key)
    if ready is not None:
        return ready, cast("ImportReport", ready.remember(("report", key), lambda: None))
    try:
        found = logic.import_file(path, name=name, choices=choices)
    except (logic.StatsError, logic.MachineryError):
        if kept is not None:
            logic.desk().drop_file(owner, kept)
        raise
    dataset = logic.shared_dataset(found.frame, found.variables)
    if key is not None:
        dataset.remember(("report", key), lambda: found.report)
        _read_before[key] = dataset
    return dataset, found.report


async def read_again(state: logic.WorkspaceState, generation: int) -> Loaded | Failure:
    """The dataset that a workspace holds, as it was left."""
    if state.dataset is None:
        return Failure("This workspace holds no dataset.")
    return await attempt_elsewhere(_again, state.dataset, state.variables, generation)


def _again(kept: DatasetReference, rows: Sequence[Mapping[str, Any]], generation: int) -> Loaded:
    path = str(logic.desk().files.path(kept.content))
    choices = ReadChoices(**{name: _fixed(value) for name, value in kept.read_choices.items()})
    found = logic.import_file(path, name=kept.name, choices=choices)
    variables = [Variable(**{name: _fixed(v) for name, v in row.items()}) for row in rows]
    dataset = logic.shared_dataset(found.frame, variables or found.variables)
    source = Source(path, kept.name, kept.size_bytes)
    return Loaded(dataset, found.report, choices, source, generation)


def _fixed(value: Any) -> Any:
    return tuple(value) if isinstance(value, (list, tuple)) else value

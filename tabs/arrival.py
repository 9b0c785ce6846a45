"""A file arrives: complete, not too large, read in a limited process."""

from __future__ import annotations

from pathlib import Path

import logic
from logic import Imported, ReadChoices
from tabs.failure import Failure, attempt_elsewhere
from tabs.loaded import Loaded, Source
from tabs.words import limit_words, memory_words

INCOMPLETE = Failure("The upload was incomplete.", "Please send the file again.")
_SMALLER = "Leave out columns or rows that you do not need, and send it again."


def too_large(limit_bytes: int, size_bytes: int | None = None) -> Failure:
    """The refusal of a file above the limit, with the limit in it."""
    limit = f"{limit_words(limit_bytes)}, the most that this server takes"
    if size_bytes is None:
        return Failure(f"This file is larger than {limit}.", _SMALLER)
    return Failure(
        f"This file has {memory_words(size_bytes)}; that is more than {limit}.", _SMALLER
    )


async def read(source: Source, choices: ReadChoices, generation: int) -> Loaded | Failure:
    """Read a file into the dataset of a session."""
    found = await attempt_elsewhere(_import, source, choices)
    if isinstance(found, Failure):
        return found
    dataset = await attempt_elsewhere(logic.shared_dataset, found.frame, found.variables)
    if isinstance(dataset, Failure):
        return dataset
    return Loaded(dataset, found.report, choices, source, generation)


def _import(source: Source, choices: ReadChoices) -> Imported | Failure:
    arrived_bytes = Path(source.path).stat().st_size
    if source.declared_bytes is not None and arrived_bytes != source.declared_bytes:
        return INCOMPLETE
    limit_bytes = logic.settings().upload_bytes
    if arrived_bytes > limit_bytes:
        return too_large(limit_bytes, arrived_bytes)
    return logic.import_file(source.path, name=source.name, choices=choices)

"""The dataset that a session works on."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

from ingest.report import ImportReport, ReadChoices
from logic import Dataset


@dataclass(frozen=True, slots=True, eq=False)
class Loaded:
    """A read dataset. `generation` counts the files read in this session: a changed variable
    table keeps it, a newly read file raises it. `choices` are those of the user; `path` is where
    the file can be read again."""

    dataset: Dataset
    report: ImportReport
    choices: ReadChoices
    name: str
    path: str
    generation: int

    def with_dataset(self, dataset: Dataset) -> Loaded:
        """The same file under another variable table."""
        return replace(self, dataset=dataset)

    @property
    def reading(self) -> dict[str, object]:
        """The choices of reading that the user made."""
        made = ((item.name, getattr(self.choices, item.name)) for item in fields(self.choices))
        plain = ReadChoices()
        return {name: value for name, value in made if value != getattr(plain, name)}


def generation_of(now: Loaded | None) -> int:
    """0 while nothing is loaded."""
    return 0 if now is None else now.generation

"""The dataset that a session works on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace

from ingest.report import ImportReport, ReadChoices
from logic import Dataset


@dataclass(frozen=True, slots=True)
class Suggestion:
    """The question that an example was made for: what its form starts with."""

    outcome: str
    predictors: tuple[str, ...]
    event: str | None = None

    @property
    def start(self) -> Mapping[str, object]:
        """By the names of the fields of a form."""
        return {"outcome": self.outcome, "predictors": self.predictors} | (
            {} if self.event is None else {"event": self.event}
        )


@dataclass(frozen=True, slots=True)
class Source:
    """A file that can be read, and read again.

    `declared_bytes` is the size that the browser announced; None for a file of our own.
    """

    path: str
    name: str
    declared_bytes: int | None = None
    suggestion: Suggestion | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Loaded:
    """A read dataset. `generation` counts the files read in this session: a changed variable
    table keeps it, a newly read file raises it. `choices` are those of the user."""

    dataset: Dataset
    report: ImportReport
    choices: ReadChoices
    source: Source
    generation: int

    def with_dataset(self, dataset: Dataset) -> Loaded:
        """The same file under another variable table."""
        return replace(self, dataset=dataset)

    @property
    def name(self) -> str:
        """The file's name."""
        return self.source.name

    @property
    def reading(self) -> dict[str, object]:
        """The choices of reading that the user made."""
        made = ((item.name, getattr(self.choices, item.name)) for item in fields(self.choices))
        plain = ReadChoices()
        return {name: value for name, value in made if value != getattr(plain, name)}


def generation_of(now: Loaded | None) -> int:
    """0 while nothing is loaded."""
    return 0 if now is None else now.generation

"""The bundled examples, read from their catalogue once."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shiny import ui
from shiny.ui import Tag

import logic
from tabs.loaded import Suggestion

_FOLDER = Path(__file__).parent.parent / "examples"


@dataclass(frozen=True, slots=True)
class Example:
    """One bundled file, and the sentences that introduce it."""

    key: str
    file: str
    title: str
    text: str
    source: str
    licence: str
    suggestion: Suggestion | None

    @property
    def path(self) -> Path:
        """Where the file is."""
        return _FOLDER / self.file


@functools.cache
def catalogue() -> tuple[Example, ...]:
    """Every example, in the order of the catalogue."""
    entries = json.loads((_FOLDER / "catalogue.json").read_text(encoding="utf-8"))
    return tuple(
        Example(
            key=entry["key"],
            file=entry["file"],
            title=entry["title"],
            text=entry["description"],
            source=entry["source"],
            licence=entry["licence"],
            suggestion=_suggestion(entry.get("suggested")),
        )
        for entry in entries
    )


def _suggestion(entry: dict[str, Any] | None) -> Suggestion | None:
    if entry is None:
        return None
    return Suggestion(entry["outcome"], tuple(entry["predictors"]), entry.get("event"))


def by_key(key: str) -> Example | None:
    """The example of that key; None for a key that the catalogue does not know."""
    return next((example for example in catalogue() if example.key == key), None)


def ahead() -> list[Callable[[], object]]:
    """Calls that compute what each example suggests, as its first run on the page would."""
    suggested = [(e.path, e.suggestion) for e in catalogue() if e.suggestion is not None]
    return [functools.partial(_compute, path, suggestion) for path, suggestion in suggested]


def _compute(path: Path, suggestion: Suggestion) -> object:
    read = logic.import_file(path)
    dataset = logic.shared_dataset(read.frame, read.variables)
    return logic.run(
        "analyze_outcome", dataset, outcome=suggestion.outcome, event=suggestion.event,
        predictors=suggestion.predictors,
    )  # fmt: skip


def list_of(examples: tuple[Example, ...], input_id: str) -> Tag:
    """One entry per example; its button sends the example's key as `input_id`."""
    return ui.tags.ul(*[_entry(example, input_id) for example in examples], class_="cs-examples")


def _entry(example: Example, input_id: str) -> Tag:
    return ui.tags.li(
        ui.tags.strong(example.title),
        ui.p(example.text),
        ui.p(f"{example.source} {example.licence}", class_="cs-quiet"),
        ui.tags.button(
            "Open", ui.span(f" {example.title}", class_="visually-hidden"), type="button",
            class_="btn btn-outline", data_example=example.key, data_input=input_id,
        ),
    )  # fmt: skip

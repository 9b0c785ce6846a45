"""What was asked of an analysis, and what came back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from logic import Dataset, Run


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Request:
    """An analysis of the catalogue, its dataset and its choices.

    `name` is the dataset's file, `reading` how it was read where the user overruled the
    proposal; `labels` and `units` are by column name.
    """

    analysis: str
    dataset: Dataset
    name: str
    choices: Mapping[str, Any]
    labels: Mapping[str, str] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)
    reading: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """A finished run and the moment at which it was there (UTC).

    `drawn` holds what was made of it before anybody looked (`tabs._views.draw_ahead`).
    """

    request: Request
    run: Run
    at: datetime
    drawn: dict[str, Any] = field(default_factory=dict, repr=False)

    @property
    def result(self) -> Any:
        """The frozen result."""
        return self.run.result

    @property
    def words(self) -> dict[str, Mapping[str, str]]:
        """`labels` and `units` as the presentation takes them."""
        return {"labels": self.request.labels, "units": self.request.units}

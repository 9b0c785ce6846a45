"""Named functions of a dataset and choices, and the key under which each answer is kept.

    catalogue = Catalogue(versions={"numpy": "2.4.1"}, as_dataset=Dataset)
    catalogue.enter(Analysis("mean_of", mean_of, prepare, work, version=1, lane="quick"))
    asked = catalogue.ask("mean_of", frame, {"variable": "age"})
    asked.parts.key

The key is made of the fingerprints of the columns that the choices name, the complete choices,
the number of rows, the version of the row and the versions of what computes it.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Literal, Protocol, TypeVar

import pandas as pd

from utils.keys import KeyParts, canonical, fingerprint_column
from utils.plain import plain
from utils.recent import Recent

Lane = Literal["quick", "heavy"]
T = TypeVar("T")

_REMEMBERED_KEYS = 256  # per dataset
_NOT_CHOICES = ("data", "progress")


class Data(Protocol):
    """What a catalogue asks of a dataset."""

    @property
    def n_rows(self) -> int:
        """Rows in all."""
        ...

    def column(self, name: str, /) -> pd.Series:
        """One column."""
        ...

    def frame(self, names: Sequence[str], /) -> pd.DataFrame:
        """These columns."""
        ...

    def remember(self, key: Any, make: Callable[[], T], /) -> T:
        """What was made before under this key, else what `make` gives."""
        ...


D = TypeVar("D", bound=Data)


@dataclass(frozen=True)  # no slots: the signature is kept
class Analysis(Generic[D]):
    """One row of the catalogue. Raise `version` whenever the numbers change.

    `prepare(dataset, choices)` gives the columns
    that the choices name and the choices with every default filled in, or raises for the user.
    `work(dataset, complete choices)` guesses what it takes, as asked and in smaller forms.
    Results are remembered for `ttl_seconds`, or as long as the workbench says.
    """

    name: str
    function: Callable[..., Any]
    prepare: Callable[[D, Mapping[str, Any]], tuple[tuple[str, ...], dict[str, Any]]]
    work: Callable[[D, Mapping[str, Any]], tuple[Any, ...]]
    version: int
    lane: Lane
    ttl_seconds: float | None = None

    @property
    def path(self) -> str:
        """`module:function`, by which the heavy lane finds it."""
        return f"{self.function.__module__}:{self.function.__name__}"

    @property
    def kind(self) -> str:
        """Runs that cost alike: this version of it."""
        return f"{self.name} {self.version}"

    @functools.cached_property
    def signature(self) -> inspect.Signature:
        """The arguments that it takes."""
        return inspect.signature(self.function)


@dataclass(frozen=True, slots=True)
class Asked(Generic[D]):
    """An analysis of a dataset, and all that its result depends on."""

    analysis: Analysis[D]
    dataset: D
    parts: KeyParts


class Catalogue(Generic[D]):
    """Rows by name. `as_dataset` makes a dataset of whatever a caller gives as data."""

    def __init__(self, *, versions: Mapping[str, str], as_dataset: Callable[[Any], D]) -> None:
        self.rows: dict[str, Analysis[D]] = {}
        self._versions = versions
        self._as_dataset = as_dataset

    def enter(self, analysis: Analysis[D]) -> None:
        """Add a row."""
        self.rows[analysis.name] = analysis

    def ask(self, name: str, data: Any, choices: Mapping[str, Any], *, salt: str = "") -> Asked[D]:
        """Check and complete the choices, before any work; the key is remembered."""
        analysis, dataset, given = self.rows[name], self._as_dataset(data), plain(choices)
        # what is remembered must not hold the dataset, which would then never be freed
        keys: Recent[KeyParts] = dataset.remember("keys", lambda: Recent(_REMEMBERED_KEYS))
        asked = (name, canonical(given), salt)
        parts = keys.get_or(asked, lambda: self._key(analysis, dataset, given, salt))
        return Asked(analysis, dataset, parts)

    def prepared(
        self, name: str, data: Any, choices: Mapping[str, Any]
    ) -> tuple[Analysis[D], D, dict[str, Any]]:
        """The row, the dataset and the complete choices."""
        analysis, dataset = self.rows[name], self._as_dataset(data)
        return analysis, dataset, _prepared(analysis, dataset, plain(choices))[1]

    def _key(
        self, analysis: Analysis[D], dataset: D, asked: Mapping[str, Any], salt: str
    ) -> KeyParts:
        columns, complete = _prepared(analysis, dataset, asked)
        prints = [
            (c, dataset.remember(("print", c), lambda c=c: fingerprint_column(dataset.column(c))))
            for c in columns
        ]
        return KeyParts(
            name=analysis.name, row_version=analysis.version, columns=tuple(prints),
            n_rows=dataset.n_rows, choices=complete, versions=self._versions, salt=salt,
        )  # fmt: skip


def _prepared(
    analysis: Analysis[D], dataset: D, asked: Mapping[str, Any]
) -> tuple[tuple[str, ...], dict[str, Any]]:
    bound = analysis.signature.bind(dataset, **asked)
    bound.apply_defaults()
    given = {k: v for k, v in bound.arguments.items() if k not in _NOT_CHOICES}
    return analysis.prepare(dataset, given)

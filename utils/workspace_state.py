"""What a workspace holds, as one frozen value of plain data.

    WorkspaceState(dataset, variables, inputs, results, jobs, keys)
    state.with_dataset(reference, variables)    another file: results and inputs of the old one go
    state.with_variables(variables)             the user edited the variable table
    state.with_inputs(tab, values)              inputs of one tab
    state.with_job(request)                     a job was started
    state.with_result(request)                  it finished: its key is ready to be shown
    state.without_job(key)                      it failed or was stopped
    state.plain() / state_of(plain)             to JSON and back; ValueError for another shape

A `Request` names a result by its key and says how to compute it again (analysis and choices).
Every key that the workspace ever asked for stays in `keys`, also after its result was replaced,
because "forget my data" has to find it in the cache.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from utils.bounded_json import frozen

_EMPTY: Mapping[str, Any] = MappingProxyType({})
_KEY = re.compile(r"[0-9a-f]{64}")
_KEY_DIGITS = 64
RESULTS = 200
KEYS = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetReference:
    """A file in the dataset store: digest of its bytes, the name shown, how it is read."""

    content: str
    name: str
    size_bytes: int
    read_choices: Mapping[str, Any] = field(default_factory=lambda: _EMPTY)

    def __post_init__(self) -> None:
        _require_key(self.content)
        object.__setattr__(self, "read_choices", frozen(self.read_choices))


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One analysis that was asked for: the key of its result, its name and its choices."""

    key: str
    analysis: str
    choices: Mapping[str, Any] = field(default_factory=lambda: _EMPTY)

    def __post_init__(self) -> None:
        _require_key(self.key)
        object.__setattr__(self, "choices", frozen(self.choices))


def _require_key(text: str) -> None:
    if not isinstance(text, str) or _KEY.fullmatch(text) is None:
        raise ValueError("a digest has 64 hexadecimal digits")


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkspaceState:
    """Dataset, variable table, inputs by tab, finished results and running jobs (oldest first)."""

    dataset: DatasetReference | None = None
    variables: tuple[Mapping[str, Any], ...] = ()
    inputs: Mapping[str, Mapping[str, Any]] = field(default_factory=lambda: _EMPTY)
    results: tuple[Request, ...] = ()
    jobs: tuple[Request, ...] = ()
    keys: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        """True when nothing would be lost with it."""
        return self.dataset is None and not (self.inputs or self.results or self.jobs or self.keys)

    def with_dataset(
        self, dataset: DatasetReference | None, variables: Sequence[Mapping[str, Any]] = ()
    ) -> WorkspaceState:
        """Another file. Inputs and results belonged to the old one and go; keys stay."""
        return replace(
            self, dataset=dataset, variables=frozen(variables), inputs=_EMPTY, results=(), jobs=()
        )

    def with_variables(self, variables: Sequence[Mapping[str, Any]]) -> WorkspaceState:
        """Another variable table for the same file."""
        return replace(self, variables=frozen(variables))

    def with_inputs(self, tab: str, values: Mapping[str, Any]) -> WorkspaceState:
        """The inputs of one tab, all of them; an empty mapping removes the tab."""
        others = {name: kept for name, kept in self.inputs.items() if name != tab}
        return replace(self, inputs=frozen(others | ({tab: values} if values else {})))

    def with_job(self, request: Request) -> WorkspaceState:
        """A job was started (again)."""
        return replace(
            self, jobs=(*_without(self.jobs, request.key), request), keys=self._keys(request.key)
        )

    def with_result(self, request: Request) -> WorkspaceState:
        """A result is ready. The oldest of more than 200 is shown no more."""
        return replace(
            self,
            jobs=_without(self.jobs, request.key),
            results=(*_without(self.results, request.key), request)[-RESULTS:],
            keys=self._keys(request.key),
        )

    def without_job(self, key: str) -> WorkspaceState:
        """A job ended without a result."""
        return replace(self, jobs=_without(self.jobs, key))

    def _keys(self, key: str) -> tuple[str, ...]:
        return (*(kept for kept in self.keys if kept != key), key)[-KEYS:]

    def plain(self) -> dict[str, Any]:
        """Plain data for JSON."""
        data = self.dataset
        return {
            "dataset": None if data is None else {
                "content": data.content, "name": data.name, "size_bytes": data.size_bytes,
                "read_choices": data.read_choices,
            },
            "variables": self.variables,
            "inputs": self.inputs,
            "results": [_plain_request(request) for request in self.results],
            "jobs": [_plain_request(request) for request in self.jobs],
            "keys": "".join(self.keys),
        }  # fmt: skip


def _without(requests: tuple[Request, ...], key: str) -> tuple[Request, ...]:
    return tuple(request for request in requests if request.key != key)


def _plain_request(request: Request) -> dict[str, Any]:
    return {"key": request.key, "analysis": request.analysis, "choices": request.choices}


def state_of(plain: Any) -> WorkspaceState:
    """The state that `plain()` wrote. ValueError, KeyError or TypeError for anything else."""
    data, keys = plain["dataset"], plain["keys"]
    return WorkspaceState(
        dataset=None if data is None else DatasetReference(**data),
        variables=tuple(frozen(dict(row)) for row in plain["variables"]),
        inputs=frozen({tab: dict(values) for tab, values in plain["inputs"].items()}),
        results=tuple(Request(**request) for request in plain["results"]),
        jobs=tuple(Request(**request) for request in plain["jobs"]),
        keys=tuple(_split_keys(keys)),
    )


def _split_keys(joined: str) -> list[str]:
    keys = [joined[i : i + _KEY_DIGITS] for i in range(0, len(joined), _KEY_DIGITS)]
    for key in keys:
        _require_key(key)
    return keys

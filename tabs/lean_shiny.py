"""Shiny's reactives without what nobody here reads.

Telemetry. For names and places in its records Shiny looks at the source of the whole call stack
at each value, effect and output of each new page, and for its library at each of their runs. No
records are made here: nothing about a visit leaves the server.

Taking parts of a page down. Shiny keeps ten objects for each value and effect in case its module
is removed while the page goes on. Here nothing is; what a page holds goes with the page.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Any

from shiny import reactive
from shiny.reactive._core import Context, Dependents, get_current_context


def _no_place(_function: object) -> dict[str, Any]:
    return {}


def _no_records() -> bool:
    return False


def _no_name(_value: object) -> None:
    return None


def _nothing() -> None:
    return None


def _no_end(_method: object, _session: object) -> Callable[[], None]:
    return _nothing


class _Leaving:
    """Takes a reader off the list of a value's readers when it is to run again."""

    __slots__ = ("_reader", "_readers")

    def __init__(self, reader: int, readers: dict[int, Context]) -> None:
        self._reader = reader
        self._readers = readers

    def __call__(self) -> None:
        self._readers.pop(self._reader, None)


def _register(self: Dependents) -> None:
    """What Shiny does, with one object instead of six."""
    reader, readers = get_current_context(), self._dependents  # pyright: ignore[reportPrivateUsage]
    if reader.id not in readers:
        readers[reader.id] = reader
        reader.on_invalidate(_Leaving(reader.id, readers))


#: What gathers for Shiny's telemetry or for the end of modules, by its name there. There are no
#: settings that turn it off.
_WITHOUT: Mapping[str, Any] = {
    "extract_source_ref": _no_place,
    "is_otel_tracing_enabled": _no_records,
    "_try_infer_name": _no_name,
    "_weak_destroy_callback": _no_end,
}


def lean_shiny() -> int:
    """Let Shiny gather nothing that is not read, in this process; the number of places."""
    places = 0
    homes = [m for name, m in sys.modules.items() if name.startswith("shiny.")]
    for home in (*homes, reactive.Value):
        for name in _WITHOUT.keys() & vars(home).keys():
            setattr(home, name, _WITHOUT[name])
            places += 1
    Dependents.register = _register
    return places

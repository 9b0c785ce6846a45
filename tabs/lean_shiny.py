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

from tabs.lean_contexts import LeanContext, Readers
from tabs.lean_outputs import lean_outputs
from tabs.lean_reactives import awaited, lean_reactives


def _no_place(_function: object) -> dict[str, Any]:
    return {}


def _no_records() -> bool:
    return False


def _no_name(_value: object) -> None:
    return None


def _no_check(_function: object, *_names: object, **_depth: object) -> None:
    return None


def _nothing() -> None:
    return None


def _no_end(_method: object, _session: object) -> Callable[[], None]:
    return _nothing


#: What gathers for Shiny's telemetry or for the end of modules, what looks at each function for a
#: mistake of ours that its first call would tell, and what is leaner here, by its name there. There
#: are no settings that turn it off.
_WITHOUT: Mapping[str, Any] = {
    "extract_source_ref": _no_place,
    "is_otel_tracing_enabled": _no_records,
    "_try_infer_name": _no_name,
    "_weak_destroy_callback": _no_end,
    "validate_no_params": _no_check,
    "wrap_async": awaited,
    "Context": LeanContext,
    "Dependents": Readers,
}


def lean_shiny() -> int:
    """Let Shiny gather nothing that is not read, in this process; the number of places."""
    places = 0
    homes = [m for name, m in sys.modules.items() if name.startswith("shiny.")]
    for home in (*homes, reactive.Value):
        for name in _WITHOUT.keys() & vars(home).keys():
            setattr(home, name, _WITHOUT[name])
            places += 1
    lean_reactives()
    lean_outputs()
    return places

"""Empty stand-ins for modules that a library loads and this server never calls.

Importing Shiny also loads its command line (prompts, project templates), a chat with its
validation library, and a data grid with its frame library: half of its time and memory.
A stand-in takes the place of such a module in `sys.modules` before the library is imported. It
has every name that is asked of it; what stands behind the name says so when it is called.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from types import ModuleType
from typing import Any


class NotLoadedError(RuntimeError):
    """Something called a part of a library that was left out."""


def stand_in(library: str, modules: Sequence[str]) -> bool:
    """Put stand-ins for `modules`, which belong to `library`, where Python looks for them.

    False, and nothing is done, when the library is loaded already: it then has the real ones.
    """
    if library in sys.modules:
        return False
    for name in modules:
        sys.modules[name] = _StandIn(name)
    return True


class _StandIn(ModuleType):
    """A module without a file; `__path__` lets modules below it stand in too."""

    def __init__(self, name: str) -> None:
        super().__init__(name, "A stand-in: this part of the library was left out.")
        self.__path__ = []

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # what Python itself asks of a module
            raise AttributeError(name)
        made = _left_out(f"{self.__name__}.{name}")
        setattr(self, name, made)
        return made


def _left_out(path: str) -> type:
    # A class, so that it may also stand in annotations and unions of types.
    def refuse(_cls: type, *_args: object, **_kwargs: object) -> Any:
        raise NotLoadedError(f"{path} was left out of this server (utils/stand_ins.py)")

    return type(path.rpartition(".")[2], (), {"__new__": refuse, "__module__": path})

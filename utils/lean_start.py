"""A start that is quick and small: settings of the process, and what is left out of libraries.

settle()        first of all: before numpy, before any thread
leave_out()     before the web libraries are imported
stand()         when everything is built and nothing is served yet
"""

from __future__ import annotations

import gc
from collections.abc import MutableMapping
from types import MappingProxyType

from utils.process_memory import return_large_blocks
from utils.protocol_checks import remember_protocol_members
from utils.stand_ins import stand_in

_LARGE_BLOCK_BYTES = 65_536
#: Large blocks go back to the system at once, and the linear algebra library starts no threads of
#: its own beside our lanes. So said to processes that start afresh; `settle` tells this one.
MEMORY_SETTINGS = MappingProxyType({
    "MALLOC_MMAP_THRESHOLD_": str(_LARGE_BLOCK_BYTES),
    "MALLOC_TRIM_THRESHOLD_": str(_LARGE_BLOCK_BYTES),
    "OPENBLAS_NUM_THREADS": "1",
})  # fmt: skip
#: What these libraries load at their import and a server of our pages never calls: the command
#: lines of both, Shiny's chat and its data grid.
LEFT_OUT = MappingProxyType({
    "shiny": (
        "shiny._main", "shiny.ui._chat", "shiny.ui._markdown_stream", "shiny.render._data_frame",
        "shiny.render._data_frame_utils", "shiny.render._data_frame_utils._selection",
        "shiny.render._data_frame_utils._tbl_data", "shiny.render._data_frame_utils._types",
    ),
    "uvicorn": ("uvicorn.main",),
})  # fmt: skip

#: A whole collection by itself, after so many of the middle generation (some millions of objects).
_WHOLE_AFTER = 1_000


def settle(environ: MutableMapping[str, str]) -> None:
    """Settings of this process and, through its environment, of those that it starts, before
    anything large is loaded.

    The collector rests until `stand`: hardly anything that is loaded becomes garbage, and looking
    for it takes a tenth of the start.
    """
    gc.disable()
    environ.update(MEMORY_SETTINGS)
    return_large_blocks(_LARGE_BLOCK_BYTES)


def leave_out() -> None:
    """Stand-ins for what is never called; makes pages and tables quicker to build, too."""
    remember_protocol_members()
    for library, modules in LEFT_OUT.items():
        stand_in(library, modules)


def stand() -> None:
    """What is loaded and built now stays: collections look only at what comes after.

    A whole collection stops every thread, for a tenth of a second once many pages are open, and
    finds next to nothing unless a page was closed. It is left to whoever knows of that (the
    memory monitor); young objects are collected as ever.
    """
    gc.freeze()
    young, middle, _ = gc.get_threshold()
    gc.set_threshold(young, middle, _WHOLE_AFTER)
    gc.enable()

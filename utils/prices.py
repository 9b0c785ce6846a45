"""First guesses at what reading a file and making one take; the cost model corrects them.

Formulas in bytes and rows, fitted once to files on two cores of a server.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

_MIB = 1024 * 1024
_PACKED = {".xlsx", ".xlsm"}
_DRAWN = {"docx", "html", "svg", "png", "pdf"}


class Printed(Protocol):
    """A table that will be printed."""

    @property
    def rows(self) -> Sequence[object]:
        """Its rows."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """A guess as `utils.cost_model.Guess` wants it."""

    rows: int
    columns: int
    variant: str
    seconds: float
    size_bytes: int
    words: str = ""


@dataclass(frozen=True, slots=True)
class Loaded:
    """Modules that a kind of work finds imported, and what they take.

    `size_bytes` as long as they are held ready; `touched_bytes` in each process that uses them
    (what it writes to is its own from then on); `own_bytes` in a process that imports them itself.
    """

    modules: tuple[str, ...] = ()
    size_bytes: int = 0
    touched_bytes: int = 0
    own_bytes: int = 0


NOTHING_MORE = Loaded()
DRAWING = Loaded(
    (
        "matplotlib.backends.backend_agg", "matplotlib.figure", "docx", "presentation.exports",
        "presentation.to_word", "presentation.to_image",
    ),
    size_bytes=56 * _MIB, touched_bytes=17 * _MIB, own_bytes=49 * _MIB,
)  # fmt: skip
"""What figures and Word documents are made with."""


def libraries(kind: str) -> Loaded:
    """What making a file of that kind finds imported."""
    return DRAWING if kind in _DRAWN else NOTHING_MORE


def reading(path: Path, *, name: str) -> Price:
    """The price of reading a file: by its size, and dearer per byte where it is packed."""
    try:
        size = path.stat().st_size
    except OSError:  # the reader will say what is wrong with it
        size = 0
    packed = Path(name).suffix.lower() in _PACKED
    seconds, times = (1.5e-7, 10) if packed else (2.5e-8, 3)
    return Price(
        rows=size // 256 + 1, columns=1, variant="packed" if packed else "plain",
        seconds=0.03 + seconds * size, size_bytes=6 * _MIB + times * size,
    )  # fmt: skip


def rendering(kind: str, tables: Sequence[Printed], figures: int) -> Price:
    """The price of making a file of that kind beside its libraries: its rows, its figures."""
    rows = sum(len(table.rows) for table in tables)
    drawn = figures if kind in _DRAWN else 0
    row_bytes = 24_000 if kind == "docx" else 6_000
    return Price(
        rows=rows + 1, columns=drawn + 1, variant=kind,
        seconds=0.1 + 0.2 * drawn + 4e-3 * rows,
        size_bytes=(6 + 12 * drawn) * _MIB + row_bytes * rows,
    )  # fmt: skip

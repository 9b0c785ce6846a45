"""A flow chart as a description: how the rows of the file come down to those analysed."""

from __future__ import annotations

from dataclasses import dataclass

from presentation.text import visible


@dataclass(frozen=True, slots=True)
class FlowBox:
    """A box: its lines, and what left before it (`exits`, one line each, the sum first)."""

    lines: tuple[str, ...]
    exits: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in ("lines", "exits"):
            object.__setattr__(self, name, tuple(map(visible, getattr(self, name))))


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowChart:
    """Boxes from top to bottom; `arms` stand side by side under the last one (groups)."""

    name: str
    title: str
    boxes: tuple[FlowBox, ...]
    arms: tuple[FlowBox, ...] = ()
    notes: tuple[str, ...] = ()
    alt: str

    def __post_init__(self) -> None:
        for field in ("name", "title", "alt"):
            object.__setattr__(self, field, visible(getattr(self, field)))
        object.__setattr__(self, "notes", tuple(map(visible, self.notes)))
        if not self.boxes or not self.alt.strip():
            raise ValueError("a flow chart needs a box and words for those who cannot see it")

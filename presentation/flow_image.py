"""A flow chart as SVG, PNG or PDF: boxes as large as their texts, arrows between (heavy lane)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from presentation import palette
from presentation.drawing import (
    FLAT_END,
    LINE,
    MARGIN,
    NOTE_SIZE,
    ImageKind,
    Ruler,
    Sheet,
    image_bytes,
)
from presentation.flow import FlowChart

_PAD = 7.0
_BOX_TEXT = 165.0  # points; longer lines are wrapped
_STEP = 22.0  # from one box to the next, where nothing leaves between them
_SIDE = 26.0  # from the stem to a box of exits


@dataclass(frozen=True)
class _Box:
    """A box in points from the top left corner, with its lines."""

    lines: tuple[str, ...]
    left: float
    top: float
    width: float
    height: float

    @property
    def middle(self) -> float:
        """Its centre line."""
        return self.left + self.width / 2

    @property
    def bottom(self) -> float:
        """Its lower edge."""
        return self.top + self.height


@dataclass
class _Layout:
    stem: list[_Box]
    exits: list[_Box]
    arms: list[_Box]
    width: float
    height: float
    title: tuple[str, ...]
    notes: tuple[str, ...]


def flow_image(chart: FlowChart, kind: ImageKind) -> bytes:
    """The file of a drawn flow chart."""

    def draw(ruler: Ruler, more_notes: tuple[str, ...]) -> Any:
        return _draw(_measure(chart, ruler, more_notes))

    return image_bytes(draw, kind, chart.title)


def _lines(texts: tuple[str, ...], ruler: Ruler) -> tuple[str, ...]:
    return tuple(line for text in texts for line in ruler.wrapped(text, _BOX_TEXT))


def _width(lines: tuple[str, ...], ruler: Ruler) -> float:
    return max((ruler.width(line) for line in lines), default=40.0) + 2 * _PAD


def _height(lines: tuple[str, ...]) -> float:
    return LINE * len(lines) + 2 * _PAD - 3


def _measure(chart: FlowChart, ruler: Ruler, more_notes: tuple[str, ...]) -> _Layout:
    stem_lines = [_lines(box.lines, ruler) for box in chart.boxes]
    exit_lines = [_lines(box.exits, ruler) for box in chart.boxes]
    arm_lines = [_lines(arm.lines, ruler) for arm in chart.arms]
    stem_width = max(_width(lines, ruler) for lines in stem_lines)
    exit_width = max((_width(lines, ruler) for lines in exit_lines if lines), default=0.0)
    arms_width = sum(_width(lines, ruler) + 12 for lines in arm_lines) - 12 if arm_lines else 0.0
    centre = MARGIN + max(stem_width, arms_width) / 2
    right = max(centre + max(stem_width, arms_width) / 2, centre + _SIDE + exit_width)
    width = max(right + MARGIN, 2 * MARGIN + 200)
    title = ruler.wrapped(chart.title, width - 2 * MARGIN, bold=True)
    y = MARGIN + LINE * len(title) + 8
    stem: list[_Box] = []
    exits: list[_Box] = []
    for lines, leaving in zip(stem_lines, exit_lines, strict=True):
        if stem and leaving:
            exits.append(_Box(leaving, centre + _SIDE, y + 9, exit_width, _height(leaving)))
            y += _height(leaving) + 18
        elif stem:
            y += _STEP
        stem.append(_Box(lines, centre - stem_width / 2, y, stem_width, _height(lines)))
        y += _height(lines)
    arms: list[_Box] = []
    x = centre - arms_width / 2
    for lines in arm_lines:
        arms.append(_Box(lines, x, y + 2 * _STEP, _width(lines, ruler), _height(lines)))
        x += arms[-1].width + 12
    y = max([y, *(arm.bottom for arm in arms)])
    notes = tuple(
        line for note in (*chart.notes, *more_notes)
        for line in ruler.wrapped(note, width - 2 * MARGIN, 8, NOTE_SIZE, longest=1000)
    )  # fmt: skip
    height = y + (LINE * len(notes) + 8 if notes else 0) + MARGIN
    return _Layout(stem, exits, arms, width, height, title, notes)


def _draw(layout: _Layout) -> Any:
    sheet = Sheet(layout.width, layout.height)
    for i, line in enumerate(layout.title):
        sheet.text(MARGIN, MARGIN + 5 + LINE * i, line, fontweight="bold")
    for box in (*layout.stem, *layout.exits, *layout.arms):
        _draw_box(sheet, box)
    for above, under in zip(layout.stem, layout.stem[1:], strict=False):
        _arrow(sheet, (above.middle, above.bottom), (under.middle, under.top))
    for box in layout.exits:
        middle = box.top + box.height / 2
        _arrow(sheet, (layout.stem[0].middle, middle), (box.left, middle))
    last = layout.stem[-1]
    for arm in layout.arms:
        fork = arm.top - 22
        _stroke(sheet, [last.middle, last.middle, arm.middle], [last.bottom, fork, fork])
        _arrow(sheet, (arm.middle, fork), (arm.middle, arm.top))
    y = layout.height - MARGIN - LINE * len(layout.notes) + 4
    for note in layout.notes:
        sheet.text(MARGIN, y, note, fontsize=NOTE_SIZE, color=palette.MUTED)
        y += LINE
    return sheet.figure


def _draw_box(sheet: Sheet, box: _Box) -> None:
    right = box.left + box.width
    _stroke(
        sheet, [box.left, right, right, box.left, box.left],
        [box.top, box.top, box.bottom, box.bottom, box.top],
    )  # fmt: skip
    for i, line in enumerate(box.lines):
        sheet.text(box.left + _PAD, box.top + _PAD + 4 + LINE * i, line)


def _stroke(sheet: Sheet, x: list[float], y: list[float]) -> None:
    sheet.line(x, y, color=palette.INK, linewidth=0.8, solid_capstyle=FLAT_END)


def _arrow(sheet: Sheet, start: tuple[float, float], end: tuple[float, float]) -> None:
    down = start[0] == end[0]
    short = 2.5
    tip = (end[0], end[1] - short) if down else (end[0] - short, end[1])
    _stroke(sheet, [start[0], tip[0]], [start[1], tip[1]])
    sheet.line(
        [tip[0]], [tip[1]], marker="v" if down else ">", markersize=4.5, color=palette.INK,
        markeredgewidth=0,
    )  # fmt: skip

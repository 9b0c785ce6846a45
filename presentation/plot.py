"""A figure as a description: what is shown, not where; every medium draws the same one.

    plot = Plot(
        title="Survival by treatment",
        series=(Series("Placebo"), Series("Treated")),
        panels=(Panel(x=axis("Months", 0, 36), y=axis("Survival, %", 0, 100), layers=(
            Line(series=0, x=..., y=..., low=..., high=..., step=True),
            CensorTicks(series=0, x=..., y=...), ...
        ), below=Below("Number at risk", (BelowRow(0, ("90", "71", ...)), ...)),),),
        alt="Kaplan-Meier curves. ...",
    )

The layers are in `presentation.layers`. A renderer gives each series its colour, line and marker
by its position among the series of groups, so that groups stay apart in grey too. All numbers
are finite and all texts printable; both are checked when the value is made.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from presentation.layers import Bars, Layer, Line, Points, Segments, finite, numbers_of
from presentation.text import visible
from presentation.ticks import tick_text, ticks

Tone = Literal["group", "ink", "muted"]
Shape = Literal["wide", "square", "low"]
#: How much of the distance between its ends an axis goes on beyond them.
#: Relative to the ends; below it ticks could not be told apart.
_LEAST_SPREAD = 1e-9
_AIR = 0.04


@dataclass(frozen=True, slots=True)
class Series:
    """One name in the legend. Those of tone "group" get colours, lines and markers in order;
    "ink" is the colour of text (one curve alone, treat all), "muted" that of reference lines.

    A series without a name, and one that is not `listed`, does not stand in the legend.
    """

    name: str
    tone: Tone = "group"
    listed: bool = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", visible(self.name))


@dataclass(frozen=True, slots=True)
class Tick:
    """A value of an axis and the text that stands there."""

    value: float
    text: str

    def __post_init__(self) -> None:
        finite("Tick", self.value)
        object.__setattr__(self, "text", visible(self.text))


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """One axis: its range, ticks inside it, title. `down`: it runs from top to bottom."""

    title: str
    low: float
    high: float
    ticks: tuple[Tick, ...] = ()
    log: bool = False
    down: bool = False

    def __post_init__(self) -> None:
        finite("Axis", self.low, self.high)
        object.__setattr__(self, "title", visible(self.title))
        if not self.low < self.high or (self.log and self.low <= 0):
            raise ValueError("an axis needs low < high, both above 0 on a log axis")
        if any(not self.low <= t.value <= self.high for t in self.ticks):
            raise ValueError(f"a tick of the axis {self.title!r} lies outside it")


def axis(
    title: str, low: float, high: float, *, log: bool = False, at: Sequence[float] | None = None,
    texts: Sequence[str] | None = None, air: bool = True,
) -> Axis:  # fmt: skip
    """An axis that holds `low` to `high`, with a little air at both ends unless `air` is False.

    Ticks are round numbers, or those of `at`, printed as numbers or as `texts`. Ends that do not
    differ are moved apart.
    """
    if not high - low > _LEAST_SPREAD * max(abs(low), abs(high)):
        apart = max(0.5, abs(low) / 100)
        low, high = (low / 2, low * 2 or 1.0) if log else (low - apart, low + apart)
    values = tuple(ticks(low, high, log=log) if at is None else at)
    shown = tuple(map(tick_text, values)) if texts is None else tuple(texts)
    if air and log:
        factor = (high / low) ** _AIR
        low, high = low / factor, high * factor
    elif air:
        low, high = low - _AIR * (high - low), high + _AIR * (high - low)
    marks = tuple(Tick(v, t) for v, t in zip(values, shown, strict=True) if low <= v <= high)
    return Axis(title=title, low=low, high=high, ticks=marks, log=log)


def category_axis(title: str, names: Iterable[str], *, down: bool = False) -> Axis:
    """An axis of names that stand at 0, 1, 2, ..."""
    marks = tuple(Tick(float(i), name) for i, name in enumerate(names))
    return Axis(title=title, low=-0.5, high=max(len(marks), 1) - 0.5, ticks=marks, down=down)


@dataclass(frozen=True, slots=True)
class BelowRow:
    """The texts of one series under the ticks of the x axis, one per tick."""

    series: int
    texts: tuple[str, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "texts", tuple(map(visible, self.texts)))


@dataclass(frozen=True, slots=True)
class Below:
    """A small table under a panel, aligned with its x ticks: numbers at risk by group."""

    title: str
    rows: tuple[BelowRow, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "title", visible(self.title))


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """A pair of axes with what is drawn between them, and the table under it.

    `shape`: wide (curves over time), square (both axes alike: ROC, calibration, matrix) or low
    (a strip of bars under another panel).
    """

    x: Axis
    y: Axis
    layers: tuple[Layer, ...]
    title: str = ""
    shape: Shape = "wide"
    below: Below | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "title", visible(self.title))
        for along in ("x", "y"):
            shown = (v for layer in self.layers for v in numbers_of(layer, along))
            if getattr(self, along).log and min(shown, default=1.0) <= 0:
                raise ValueError("only numbers above 0 have a place on a log axis")
        for row in self.below.rows if self.below else ():
            if len(row.texts) != len(self.x.ticks):
                raise ValueError(f"{len(row.texts)} texts under {len(self.x.ticks)} ticks")


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    """A whole figure: panels in rows of `columns`, one legend, notes under it.

    `name` is short, for a list of figures and for file names ("calibration"); `title` its
    caption; `alt` says in words what it shows and is never empty.
    """

    name: str
    title: str
    panels: tuple[Panel, ...]
    series: tuple[Series, ...] = ()
    columns: int = 1
    notes: tuple[str, ...] = ()
    alt: str

    def __post_init__(self) -> None:
        for field in ("name", "title", "alt"):
            object.__setattr__(self, field, visible(getattr(self, field)))
        object.__setattr__(self, "notes", tuple(map(visible, self.notes)))
        if not self.alt.strip():
            raise ValueError("a figure needs words for those who cannot see it")
        if not self.panels or self.columns < 1:
            raise ValueError("a figure needs a panel")
        used = [getattr(la, "series", 0) for p in self.panels for la in p.layers]
        used += [row.series for p in self.panels if p.below for row in p.below.rows]
        if any(not 0 <= i < max(len(self.series), 1) for i in used):
            raise ValueError("a layer belongs to a series that the figure does not have")

    @property
    def listed(self) -> tuple[int, ...]:
        """Positions of the series that stand in the legend; none where there is only one."""
        found = tuple(i for i, s in enumerate(self.series) if s.name and s.listed)
        return found if len(found) > 1 else ()

    def rank(self, series: int) -> int:
        """The place of a series among those of its tone: it decides colour, line and marker."""
        return sum(s.tone == self.series[series].tone for s in self.series[:series])

    def has_line(self, series: int) -> bool:
        """True when the legend shows a line for the series, False when it shows a marker."""
        return any(
            isinstance(layer, Line) or (isinstance(layer, Segments) and not layer.caps)
            for layer in self._layers_of(series)
        )

    def is_bars(self, series: int) -> bool:
        """True when the legend shows a piece of a bar for the series."""
        return any(isinstance(layer, Bars) for layer in self._layers_of(series))

    def is_filled(self, series: int) -> bool:
        """False when the points of the series are rings."""
        points = [la.filled for la in self._layers_of(series) if isinstance(la, Points)]
        return not points or points[0]

    def _layers_of(self, series: int) -> tuple[Layer, ...]:
        return tuple(
            layer
            for panel in self.panels
            for layer in panel.layers
            if getattr(layer, "series", -1) == series
        )

"""What can be drawn into a panel of a figure; `presentation.plot` puts it together.

Every layer is immutable and in the units of its panel's axes. `series` is the position of its
name, colour, line and marker in `Plot.series`. Texts pass `visible`; numbers are checked to be
finite (ValueError: what is not a number has no place in a picture, its maker leaves it out).
`hover` texts, where given, stand one per point. Layers are drawn in the order given.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Literal

from presentation.text import visible
from presentation.thinning import kept_of_line, kept_of_points

Numbers = tuple[float, ...]
Side = Literal["left", "centre", "right"]
Level = Literal["above", "middle", "below"]
Size = Literal["small", "normal", "large"]
Dash = Literal["solid", "dash", "dot", "dashdot", "longdash"]


def finite(where: str, *values: float | Iterable[float]) -> None:
    """ValueError when any of the numbers is not finite."""
    for value in values:
        if not all(map(math.isfinite, (value,) if isinstance(value, (int, float)) else value)):
            raise ValueError(f"{where}: only finite numbers can be drawn")


def _set(layer: object, name: str, value: object) -> None:
    object.__setattr__(layer, name, value)


class _Layer:
    """Base that makes tuples of numbers, printable texts, and checks lengths."""

    __slots__ = ()

    def _tidy(self, *names: str) -> None:
        """Numbers of these fields as tuples of plain floats, all finite and of one length."""
        where, lengths = type(self).__name__, set[int]()
        for name in names:
            values = tuple(map(float, getattr(self, name)))
            finite(where, values)
            _set(self, name, values)
            lengths.add(len(values))
        if len(lengths) > 1:
            raise ValueError(f"{where}: {', '.join(names)} differ in length: {sorted(lengths)}")

    def _say(self, n: int) -> None:
        """Hover texts printable, one per point or none."""
        texts: tuple[str, ...] = getattr(self, "hover", ())
        if texts and len(texts) != n:
            raise ValueError(f"{type(self).__name__}: {len(texts)} hover texts for {n} points")
        _set(self, "hover", tuple(map(visible, texts)))

    def _keep(self, kept: list[int] | None) -> None:
        """Only the points at these positions, in every field that has one value per point."""
        if kept is None:
            return
        n = len(getattr(self, "x", ()))
        for item in fields(self):  # type: ignore[arg-type]
            value = getattr(self, item.name)
            if isinstance(value, (tuple, list)) and len(value) == n:
                _set(self, item.name, tuple(value[i] for i in kept))


@dataclass(frozen=True, slots=True, kw_only=True)
class Line(_Layer):
    """A line through (x, y), or a step curve that holds each y until the next x.

    `low`, `high` draw a band around it. `dash` overrules the line of the series. Of more than
    2,000 points those are kept that can be seen.
    """

    series: int
    x: Numbers
    y: Numbers
    low: Numbers = ()
    high: Numbers = ()
    step: bool = False
    dash: Dash | None = None
    hover: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        self._tidy("x", "y", *(("low", "high") if self.low or self.high else ()))
        self._keep(kept_of_line(self.x, self.y))
        self._say(len(self.x))


@dataclass(frozen=True, slots=True, kw_only=True)
class Points(_Layer):
    """Points. The maker of jittered ones chooses the offsets, the same ones each time."""

    series: int
    x: Numbers
    y: Numbers
    size: Size = "normal"
    filled: bool = True
    hover: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        self._tidy("x", "y")
        self._keep(kept_of_points(self.x, self.y))
        self._say(len(self.x))


@dataclass(frozen=True, slots=True, kw_only=True)
class CensorTicks(_Layer):
    """Small upright strokes on a curve: follow-up that ended without the event."""

    series: int
    x: Numbers
    y: Numbers
    hover: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        self._tidy("x", "y")
        self._keep(kept_of_points(self.x, self.y))
        self._say(len(self.x))


@dataclass(frozen=True, slots=True, kw_only=True)
class Segments(_Layer):
    """Straight pieces from (x, y) to (x_end, y_end); with `caps` they are error bars.

    `dash` overrules the line of the series; error bars are solid without it.
    """

    series: int
    x: Numbers
    y: Numbers
    x_end: Numbers
    y_end: Numbers
    caps: bool = False
    dash: Dash | None = None
    hover: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        self._tidy("x", "y", "x_end", "y_end")
        self._say(len(self.x))


@dataclass(frozen=True, slots=True, kw_only=True)
class Bars(_Layer):
    """Upright bars from `base` to y, centred at x and `width` wide (a histogram, counts)."""

    series: int
    x: Numbers
    y: Numbers
    width: float
    base: float = 0.0
    hover: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        self._tidy("x", "y")
        finite("Bars", self.width, self.base)
        self._say(len(self.x))


@dataclass(frozen=True, slots=True, kw_only=True)
class Box(_Layer):
    """A box plot at x = `at`: whiskers `low` to `high`, quartiles, median, points beyond.

    `mean`, where given, is drawn as a diamond. `width` is that of the box on the x axis.
    """

    series: int
    at: float
    low: float
    q1: float
    median: float
    q3: float
    high: float
    outliers: Numbers = ()
    mean: float | None = None
    width: float = 0.5
    hover: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        self._tidy("outliers")
        finite("Box", self.at, self.low, self.q1, self.median, self.q3, self.high, self.width)
        finite("Box", () if self.mean is None else self.mean)
        if not self.low <= self.q1 <= self.median <= self.q3 <= self.high:
            raise ValueError("Box: the five numbers must rise")
        self._say(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule(_Layer):
    """A straight reference line across the panel at x = `at` (`upright`) or at y = `at`."""

    at: float
    upright: bool = False
    dash: Dash = "solid"
    text: str = ""

    def __post_init__(self) -> None:
        finite("Rule", self.at)
        _set(self, "text", visible(self.text))


@dataclass(frozen=True, slots=True, kw_only=True)
class Cells(_Layer):
    """Squares of side 1 around whole numbers (x, y), coloured by `value` on `low` to `high`.

    The scale runs from vermilion over white (its middle) to blue. `texts` stand inside.
    """

    x: Numbers
    y: Numbers
    value: Numbers
    texts: tuple[str, ...]
    low: float = -1.0
    high: float = 1.0
    hover: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        self._tidy("x", "y", "value")
        finite("Cells", self.low, self.high)
        _set(self, "texts", tuple(map(visible, self.texts)))
        if len(self.texts) != len(self.x) or not self.low < self.high:
            raise ValueError("Cells: one text per cell and a scale that rises")
        self._say(len(self.x))


@dataclass(frozen=True, slots=True, kw_only=True)
class Words(_Layer):
    """Text at (x, y): it stands to the `side` of the point and `level` with it.

    With `inside` the place is a share of the panel (0 to 1) instead of its axes' units.
    """

    x: float
    y: float
    text: str
    side: Side = "right"
    level: Level = "middle"
    strong: bool = False
    inside: bool = False

    def __post_init__(self) -> None:
        finite("Words", self.x, self.y)
        _set(self, "text", visible(self.text))


def numbers_of(layer: Layer, along: Literal["x", "y"]) -> Numbers:
    """Every number of a layer on one axis: what that axis must be able to show."""
    if isinstance(layer, Rule):
        return (layer.at,) if layer.upright == (along == "x") else ()
    if isinstance(layer, Box):
        means = () if layer.mean is None else (layer.mean,)
        return (layer.at,) if along == "x" else (layer.low, layer.high, *layer.outliers, *means)
    if isinstance(layer, Words):
        return () if layer.inside else (layer.x if along == "x" else layer.y,)
    found = (*getattr(layer, along), *getattr(layer, f"{along}_end", ()))
    if along == "y":
        found += (
            (*getattr(layer, "low", ()), *getattr(layer, "high", ()))
            if isinstance(layer, Line)
            else ()
        )
        found += (layer.base,) if isinstance(layer, Bars) else ()
    return found


Layer = Line | Points | CensorTicks | Segments | Bars | Box | Rule | Cells | Words

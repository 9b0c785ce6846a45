"""Calibration curve and decision curve of a validated model, as descriptions."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from presentation import numbers
from presentation.effects import rows_of
from presentation.layers import Layer, Line, Numbers, Points, Segments
from presentation.names import Names
from presentation.numbers import NumberStyle
from presentation.plot import Panel, Plot, Series, axis
from presentation.wording import ci_percent
from stats.result import ValidationResult

Rows = Sequence[Mapping[str, Any]]
_WORTH_SHOWING = 0.0005  # net benefit below this is a line along zero


def calibration_plot(result: ValidationResult, names: Names, style: NumberStyle) -> Plot | None:
    """Observed against predicted risk: corrected with its band, apparent, ten groups, the ideal.

    None where the model has no calibration curve.
    """
    rows = [
        r for r in rows_of(result.table("calibration"))
        if numbers.known(r["observed"]) and numbers.known(r["corrected"])
    ]  # fmt: skip
    if not rows:
        return None
    groups = rows_of(result.table("groups"))
    top = _top(rows, groups)
    x = tuple(r["predicted"] for r in rows)
    low, high = _band(rows, "corrected_low", "corrected_high")
    layers: tuple[Layer, ...] = (
        Segments(series=3, x=(0,), y=(0,), x_end=(top,), y_end=(top,)),
        Line(
            series=0, x=x, y=_clipped(rows, "corrected"), low=low, high=high,
            hover=tuple(_said("Corrected", r["predicted"], r["corrected"], style) for r in rows),
        ),
        Line(
            series=2, x=x, y=tuple(r["observed"] for r in rows),
            hover=tuple(_said("Apparent", r["predicted"], r["observed"], style) for r in rows),
        ),
        Points(
            series=1, filled=False, x=tuple(g["predicted"] for g in groups),
            y=tuple(g["observed"] for g in groups),
            hover=tuple(
                f"{g['n']} rows: {_said('', g['predicted'], g['observed'], style)}" for g in groups
            ),
        ),
    )  # fmt: skip
    event = f"{names.of(result.outcome)} = {result.event}"
    side = axis("Predicted risk", 0.0, top), axis("Observed risk", 0.0, top)
    return Plot(
        name="calibration", title=f"Calibration of the model for {event}.",
        series=(
            Series("Corrected for optimism"), Series("Groups of rising risk", "ink"),
            Series("Apparent", "ink"), Series("Ideal", "muted"),
        ),
        panels=(Panel(x=side[0], y=side[1], shape="square", layers=layers),),
        notes=_calibration_notes(result, rows, len(groups)),
        alt=_calibration_alt(result, event, rows, style),
    )  # fmt: skip


def decision_plot(result: ValidationResult, names: Names, style: NumberStyle) -> Plot | None:
    """Net benefit over threshold risks: the model, treating everybody, treating nobody."""
    rows = [r for r in rows_of(result.table("decision")) if numbers.known(r["corrected"])]
    if not rows:
        return None
    last = max(
        (i for i, r in enumerate(rows)
         if max(abs(r["apparent"]), abs(r["corrected"])) > _WORTH_SHOWING), default=0,
    )  # fmt: skip
    shown = rows[: min(last + 4, len(rows) - 1) + 1]
    x = tuple(100 * r["threshold"] for r in shown)
    low, high = _band(shown, "low", "high", unit=False)
    top = max([0.01, *high, *(r[k] for r in shown for k in ("corrected", "treat_all"))])
    bottom = -top / 5
    event = f"{names.of(result.outcome)} = {result.event}"
    layers: tuple[Layer, ...] = (
        _treat_all(x, [r["treat_all"] for r in shown], bottom),
        Line(series=2, x=(0, x[-1]), y=(0, 0)),
        Line(
            series=0, x=x, y=_from(bottom, [r["corrected"] for r in shown]),
            low=_from(bottom, low), high=_from(bottom, high),
            hover=tuple(
                f"Model: net benefit {numbers.number(r['corrected'], 3, style)} at a threshold of "
                f"{numbers.number(100 * r['threshold'], 0, style)}%" for r in shown
            ),
        ),
    )  # fmt: skip
    return Plot(
        name="decision curve", title=f"Decision curve of the model for {event}.",
        series=(Series("Model"), Series("Treat all", "muted"), Series("Treat none", "ink")),
        panels=(
            Panel(
                x=axis("Threshold risk, %", 0, x[-1]), y=axis("Net benefit", bottom, top),
                layers=layers,
            ),
        ),
        notes=_decision_notes(result, band=bool(low)), alt=_decision_alt(event, shown, style),
    )  # fmt: skip


def _top(rows: Rows, groups: Rows) -> float:
    """End of both axes: 1, or less where no risk comes near it."""
    seen = [r[k] for r in rows for k in ("predicted", "observed", "corrected_high")]
    seen += [g[k] for g in groups for k in ("predicted", "observed")]
    largest = max((v for v in seen if numbers.known(v)), default=1.0)
    return next((t for t in (0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8) if largest <= t), 1.0)


def _clipped(rows: Rows, key: str) -> Numbers:
    """A risk is not below 0 or above 1, whatever a correction makes of it."""
    return tuple(min(max(r[key], 0.0), 1.0) for r in rows)


def _from(bottom: float, values: Sequence[float]) -> Numbers:
    """Values as far down as the axis goes."""
    return tuple(max(v, bottom) for v in values)


def _band(rows: Rows, low: str, high: str, *, unit: bool = True) -> tuple[Numbers, Numbers]:
    """Both edges of a band that is known all along, else nothing; risks stay within 0 and 1."""
    if not all(numbers.known(r[k]) for r in rows for k in (low, high)):
        return (), ()
    if unit:
        return _clipped(rows, low), _clipped(rows, high)
    return tuple(r[low] for r in rows), tuple(r[high] for r in rows)


def _treat_all(x: Numbers, y: Sequence[float], low: float) -> Line:
    """The line of treating everybody, down to where it leaves the axis."""
    kept = [(a, b) for a, b in zip(x, y, strict=True) if b >= low]
    if len(kept) < len(x):
        i = len(kept)
        before, after = (x[i - 1], y[i - 1]), (x[i], y[i])
        share = (before[1] - low) / (before[1] - after[1]) if i else 0.0
        kept.append((before[0] + share * (after[0] - before[0]), low) if i else (x[0], low))
    return Line(series=1, x=tuple(a for a, _ in kept), y=tuple(b for _, b in kept))


def _said(what: str, predicted: float, observed: float, style: NumberStyle) -> str:
    shares = [numbers.number(100 * v, 1, style) for v in (predicted, observed)]
    text = f"predicted {shares[0]}%, observed {shares[1]}%"
    return f"{what}: {text}" if what else text


def _resamples(result: ValidationResult) -> str:
    return numbers.count(result.facts["usable_resamples"])


def _calibration_notes(result: ValidationResult, rows: Rows, groups: int) -> tuple[str, ...]:
    notes = [f"Corrected for optimism with {_resamples(result)} bootstrap resamples."]
    if _band(rows, "corrected_low", "corrected_high")[0]:
        notes.append(
            f"Band: pointwise {ci_percent(result.facts)}% interval of the corrected curve."
        )
    if groups:
        notes.append(
            f"Circles: observed share in {groups} groups of rising predicted risk (apparent)."
        )
    return (" ".join(notes),)


def _calibration_alt(result: ValidationResult, event: str, rows: Rows, style: NumberStyle) -> str:
    slope = next(
        (r["corrected"] for r in rows_of(result.table("measures"))
         if r["measure"] == "calibration_slope"), math.nan,
    )  # fmt: skip
    places = [rows[round(k * (len(rows) - 1) / 4)] for k in range(5)]
    read = "; ".join(
        _said("", r["predicted"], min(max(r["corrected"], 0.0), 1.0), style) for r in places
    )
    said = (
        f" Corrected calibration slope {numbers.number(slope, 2, style)}."
        if numbers.known(slope)
        else ""
    )
    return f"Calibration curve of the model for {event}, corrected for optimism: {read}.{said}"


def _decision_notes(result: ValidationResult, band: bool) -> tuple[str, ...]:
    text = f"Model: corrected for optimism with {_resamples(result)} bootstrap resamples."
    if band:
        text += f" Band: pointwise {ci_percent(result.facts)}% interval."
    return (text,)


def _decision_alt(event: str, rows: Rows, style: NumberStyle) -> str:
    better = [
        r["threshold"] for r in rows if r["corrected"] - max(r["treat_all"], 0.0) > _WORTH_SHOWING
    ]
    text = f"Decision curve of the model for {event}."
    if not better:
        return f"{text} At no threshold is its net benefit above treating all and treating none."
    ends = [numbers.number(100 * t, 0, style) for t in (min(better), max(better))]
    return (
        f"{text} Its net benefit is above that of treating all and of treating none at "
        f"{len(better)} of {len(rows)} thresholds, from {ends[0]}% to {ends[1]}%."
    )

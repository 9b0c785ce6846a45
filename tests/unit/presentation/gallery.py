"""One figure of each kind, with every layer, for the tests of all media."""

from __future__ import annotations

import math

from presentation.flow import FlowBox, FlowChart
from presentation.layers import (
    Bars,
    Box,
    Cells,
    CensorTicks,
    Line,
    Points,
    Rule,
    Segments,
    Words,
)
from presentation.plot import (
    Below,
    BelowRow,
    Panel,
    Plot,
    Series,
    axis,
    category_axis,
)
from presentation.ticks import time_ticks

NAMES = ("Placebo", "Prednisone")


def survival(names: tuple[str, ...] = NAMES) -> Plot:
    """Step curves with bands, censored times, a rule with words, numbers at risk."""
    at = time_ticks(36.0)
    layers = []
    for g in range(len(names)):
        x = [float(i) for i in range(37)]
        y = [100 * math.exp(-0.012 * (2.2 - 0.5 * g) * t) for t in x]
        low, high = (
            [max(v - 0.3 * t, 0) for t, v in zip(x, y, strict=True)],
            [min(v + 0.25 * t, 100) for t, v in zip(x, y, strict=True)],
        )
        layers.append(Line(series=g, x=x, y=y, low=low, high=high, step=True))
        layers.append(CensorTicks(series=g, x=x[5::7], y=y[5::7]))
    layers += [
        Rule(at=50.0, dash="dash"),
        Words(x=0.02, y=0.04, text="Log-rank test: p = 0.013", inside=True),
    ]
    rows = tuple(
        BelowRow(g, tuple(str(120 - 15 * i - 4 * g) for i in range(len(at))))
        for g in range(len(names))
    )
    return Plot(
        name="survival", title="Survival by treatment.", series=tuple(map(Series, names)),
        panels=(Panel(
            x=axis("Months since randomisation", 0, 36, at=at), y=axis("Survival, %", 0, 100),
            layers=tuple(layers), below=Below("Number at risk", rows),
        ),),
        notes=("Bands: 95% confidence intervals (log-log). Strokes: censored follow-up.",),
        alt="Kaplan-Meier curves of two groups.",
    )  # fmt: skip


def roc() -> Plot:
    """A square panel with two curves, a diagonal and a marked point."""
    x = [i / 50 for i in range(51)]
    return Plot(
        name="ROC curve", title="ROC curves of two markers.",
        series=(Series("S100B: 0.73 (0.63 to 0.83)"), Series("NDKA: 0.61 (0.50 to 0.72)"), Series("", "muted", listed=False)),
        panels=(Panel(
            x=axis("1 − specificity, %", 0, 100), y=axis("Sensitivity, %", 0, 100), shape="square",
            layers=(
                Segments(series=2, x=(0,), y=(0,), x_end=(100,), y_end=(100,)),
                Line(series=0, x=[100 * v for v in x], y=[100 * v**0.35 for v in x], step=True),
                Line(series=1, x=[100 * v for v in x], y=[100 * v**0.6 for v in x], step=True),
                Points(series=0, x=(20,), y=(57,), size="large", filled=False),
                Words(x=20, y=57, text="0.22", level="above", side="left"),
            ),
        ),),
        alt="ROC curves.",
    )  # fmt: skip


def groups(names: tuple[str, ...] = ("Control", "Treatment A", "Treatment B")) -> Plot:
    """Boxes, jittered points, error bars."""
    layers = []
    for g in range(len(names)):
        y = [4.5 + 0.4 * g + 0.7 * math.sin(7.1 * i + g) for i in range(24)]
        layers.append(Box(series=g, at=g, low=min(y), q1=4.2 + 0.4 * g, median=4.6 + 0.4 * g, q3=4.9 + 0.4 * g, high=max(y),
                          outliers=(6.6 + 0.1 * g,), mean=4.5 + 0.4 * g, width=0.5, hover=(f"{names[g]}: median 4.6",)))  # fmt: skip
        layers.append(
            Points(series=g, x=[g + 0.13 * math.sin(2.4 * i) for i in range(24)], y=y, size="small")
        )
        layers.append(
            Segments(
                series=g,
                x=(g + 0.36,),
                y=(4.2 + 0.4 * g,),
                x_end=(g + 0.36,),
                y_end=(4.9 + 0.4 * g,),
                caps=True,
            )
        )
    return Plot(
        name="distribution", title="Weight by group.", series=tuple(map(Series, names)),
        panels=(Panel(x=category_axis("", names), y=axis("Weight, g", 3.5, 7), layers=tuple(layers)),),
        alt="Box plots by group.",
    )  # fmt: skip


def matrix(
    names: tuple[str, ...] = ("Age", "Creatinine", "Ejection fraction", "Platelets", "Sodium"),
) -> Plot:
    """Cells with texts."""
    k = len(names)
    pairs = [(i, j) for i in range(k) for j in range(k)]
    value = [1.0 if i == j else math.cos(1.3 * (i + 1) * (j + 1)) for i, j in pairs]
    return Plot(
        name="correlations", title="Pearson correlations.", alt="Matrix of correlations.",
        panels=(Panel(
            x=category_axis("", names), y=category_axis("", names, down=True), shape="square",
            layers=(Cells(x=[i for i, _ in pairs], y=[j for _, j in pairs], value=value,
                          texts=tuple(f"{v:.2f}".replace("-", "−") for v in value)),),
        ),),
    )  # fmt: skip


def two_panels() -> Plot:
    """A curve with points over a strip of bars."""
    x = [i / 40 for i in range(41)]
    y = [v**1.2 for v in x]
    unit = axis("Predicted risk", 0, 1)
    return Plot(
        name="calibration", title="Calibration of the model.",
        series=(Series("Observed", "group"), Series("Ideal", "muted"), Series("Groups of tenths", "ink")),
        panels=(
            Panel(x=axis("", 0, 1), y=axis("Observed risk", 0, 1), shape="square", layers=(
                Segments(series=1, x=(0,), y=(0,), x_end=(1,), y_end=(1,)),
                Line(series=0, x=x, y=y, low=[max(v - 0.08, 0) for v in y], high=[min(v + 0.08, 1) for v in y]),
                Points(series=2, x=(0.1, 0.3, 0.5, 0.7, 0.9), y=(0.08, 0.25, 0.41, 0.68, 0.85), filled=False),
            )),
            Panel(x=unit, y=axis("Rows", 0, 60), shape="low", layers=(
                Bars(series=0, x=[0.05 + i / 10 for i in range(10)], y=(60, 45, 30, 22, 14, 11, 8, 5, 4, 2), width=0.1),
            )),
        ),
        notes=("Band: pointwise 95% bootstrap interval.",), alt="Calibration curve and histogram.",
    )  # fmt: skip


def side_by_side() -> Plot:
    """Two panels in a row, one of them with a log axis."""
    x = [0.1 * 1.2**i for i in range(30)]
    panels = tuple(
        Panel(
            title=title, x=axis("Dose, mg", x[0], x[-1], log=True), y=axis("Log odds", -2, 3),
            layers=(Line(series=0, x=x, y=[math.log(v) / k for v in x]), Rule(at=0), Rule(at=1, upright=True, text="reference")),
        )
        for k, title in ((2, "Women"), (3, "Men"))
    )  # fmt: skip
    return Plot(
        name="spline",
        title="Effect of dose by sex.",
        series=(Series("Effect", "ink"),),
        panels=panels,
        columns=2,
        alt="Two curves.",
    )


def flow(names: tuple[str, ...] = NAMES) -> FlowChart:
    """Boxes with exits and arms."""
    return FlowChart(
        name="flow of rows", title="Rows of the file and rows analysed.", alt="From 488 rows to 462.",
        boxes=(
            FlowBox(("Rows in the file", "n = 488")),
            FlowBox(("Rows analysed", "n = 462"), exits=("Left out, n = 26", "outcome missing, n = 6", "predictor missing, n = 20")),
        ),
        arms=tuple(FlowBox((name, f"n = {230 + i}")) for i, name in enumerate(names)),
    )  # fmt: skip


PLOTS = {
    "survival": survival,
    "roc": roc,
    "groups": groups,
    "matrix": matrix,
    "panels": two_panels,
    "columns": side_by_side,
}

"""The view Figure: one figure of the result, and the choice of which where there are several."""

from __future__ import annotations

from collections.abc import Callable

from shiny import Inputs, reactive, render, ui
from shiny.ui import Tag, TagList

from presentation.families import Figure
from presentation.numbers import NumberStyle
from tabs import _views
from tabs._answer import Answer
from tabs.distinct import distinct

#: Short names of the figures of the result on show, in order.
FigureNames = Callable[[], tuple[str, ...]]


def draw_figure(
    inputs: Inputs, answer: Callable[[], Answer | None], style: Callable[[], NumberStyle]
) -> FigureNames:
    """Draw the chosen figure; gives the names of all of them as a reactive."""

    def figures() -> tuple[Figure, ...]:
        # made anew for each look: a curve of many points takes more memory than the page around it
        found = answer()
        return () if found is None else _views.figures(found, style())

    def names_now() -> tuple[str, ...]:
        found = answer()
        return () if found is None else _views.figure_names(found)

    names = distinct(names_now, start=())

    @render.ui
    def which_figure() -> Tag | None:
        offered = {str(i): name[:1].upper() + name[1:] for i, name in enumerate(names())}
        if len(offered) < 2:
            return None
        with reactive.isolate():
            kept = str(chosen_figure(inputs, len(offered)))
        return ui.input_select("shown_figure", "Figure", offered, selected=kept, width="18rem")

    @render.ui
    def figure() -> TagList | Tag | None:
        found = figures()
        if found:
            return _views.figure_view(found[chosen_figure(inputs, len(found))])
        if answer() is None:
            return None
        return ui.p(
            "This analysis has no figure; its numbers stand in the table.", class_="cs-quiet"
        )

    return names


def chosen_figure(inputs: Inputs, n_figures: int) -> int:
    """Position of the figure that the reader has chosen, else of the main one."""
    text = inputs.shown_figure() if inputs.shown_figure.is_set() else ""
    position = int(text) if isinstance(text, str) and text.isdecimal() else 0
    return position if position < n_figures else 0

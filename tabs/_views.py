"""A result as the page shows it; all wording and numbers come from `presentation`."""

from __future__ import annotations

import json
from dataclasses import replace

from shiny import ui
from shiny.ui import Tag, TagList

from logic import VERSIONS
from presentation import palette
from presentation.code import code_of
from presentation.families import Figure, every_figure_of, methods_text, more_tables_of, table_of
from presentation.flow import FlowChart
from presentation.numbers import PLAIN, NumberStyle
from presentation.plot import Plot
from presentation.small_cells import cautioned
from presentation.table import Table
from presentation.text import sentence
from presentation.to_html import html_flow, html_paragraphs, html_table
from presentation.to_plotly import plotly_figure
from tabs._answer import Answer

_NAMES = "names of figures"


def main_table(answer: Answer, style: NumberStyle) -> Table:
    """The table of the paper."""
    return cautioned(table_of(answer.result, style=style, **answer.words))


def more_tables(answer: Answer, style: NumberStyle) -> tuple[Table, ...]:
    """What stands beside the main table: descriptives, then what a reviewer asks for."""
    found = more_tables_of(answer.result, style=style, **answer.words)
    return tuple(cautioned(table) for table in found)


def figures(answer: Answer, style: NumberStyle) -> tuple[Figure, ...]:
    """Every figure as a description, the main one first, the flow of rows last."""
    return every_figure_of(answer.result, style=style, **answer.words)


def methods(answer: Answer) -> str:
    """The methods paragraphs."""
    return methods_text(answer.result, versions=VERSIONS, **answer.words)


def figure_names(answer: Answer) -> tuple[str, ...]:
    """Short names of the figures, in order; they do not depend on the style of numbers."""
    if _NAMES not in answer.drawn:
        answer.drawn[_NAMES] = tuple(figure.name for figure in figures(answer, PLAIN))
    return answer.drawn[_NAMES]  # type: ignore[no-any-return]


def draw_ahead(answer: Answer, style: NumberStyle) -> None:
    """Make what every new answer shows at once. Called in a thread of its own: drawing a table of
    sixty predictors takes some milliseconds, in which every page would wait."""
    figure_names(answer)
    answer.drawn[style.key] = table_view(answer, style)


def table_view(answer: Answer, style: NumberStyle) -> Tag:
    """The main table; its general notes stand above it on the page, not twice."""
    ready = answer.drawn.pop(style.key, None)  # the page keeps it from now on
    if ready is not None:
        return ready  # type: ignore[no-any-return]
    table = main_table(answer, style)
    above = {sentence(note.text) for note in answer.result.notes}
    return _scrolled(replace(table, notes=tuple(n for n in table.notes if n not in above)))


def figure_view(figure: Figure) -> TagList:
    """The interactive figure, described in words for those who cannot see it."""
    if isinstance(figure, FlowChart):
        return TagList(ui.h3(figure.title), html_flow(figure))
    # those of a forest plot stand inside its frame
    notes = figure.notes if isinstance(figure, Plot) else ()
    drawn = json.dumps(plotly_figure(figure), allow_nan=False, separators=(",", ":"))
    return TagList(
        ui.h3(figure.title),
        ui.Tag(
            "clinstat-figure", ui.p("Drawing the figure", class_="cs-waiting"),
            figure=drawn, ink=palette.INK, label=figure.alt,
        ),
        *[ui.p(note, class_="cs-small") for note in notes],
        ui.p("The same numbers stand in the views Table and Details.", class_="cs-quiet cs-small"),
    )  # fmt: skip


def details_view(answer: Answer, style: NumberStyle) -> TagList:
    """The tables beside the main one, one after the other."""
    return TagList(*[ui.tags.section(_scrolled(t)) for t in more_tables(answer, style)])


def methods_view(answer: Answer) -> Tag:
    """The methods paragraphs, ready for a manuscript."""
    return ui.div(*html_paragraphs(methods(answer)), class_="cs-prose")


def _code(answer: Answer) -> str:
    asked = answer.request
    return code_of(
        answer.result, data_file=asked.name, variables=tuple(asked.dataset.variables.values()),
        reading=asked.reading,
    )  # fmt: skip


def code_view(answer: Answer) -> Tag:
    """Code that gives the same result again."""
    return ui.tags.pre(_code(answer), class_="cs-code", tabindex="0")


def _scrolled(table: Table) -> Tag:
    return ui.div(
        html_table(table), class_="cs-scroll", tabindex="0", role="region", aria_label=table.title
    )

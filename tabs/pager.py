"""Turning pages: where the reader is, and buttons to go on."""

from __future__ import annotations

from collections.abc import Callable

from shiny import Inputs, Outputs, Session, module, reactive, render, ui
from shiny.ui import Tag

from tabs.clicks import fresh

_BUTTONS = (
    ("first", "First", "back"),
    ("previous", "Previous", "back"),
    ("next", "Next", "on"),
    ("last", "Last", "on"),
)


@module.ui
def pager_ui() -> Tag:
    """The buttons stay where they are, so that the focus does; the style sheet hides those that
    lead nowhere (`data-single`, `data-start`, `data-end` on the words)."""
    buttons = [
        ui.input_action_button(key, title, class_=f"btn-outline cs-{way}")
        for key, title, way in _BUTTONS
    ]
    return ui.div(
        ui.output_ui("words", inline=True, class_="cs-where"), *buttons,
        class_="cs-pager", role="group", aria_label="Pages",
    )  # fmt: skip


@module.server
def pager_server(
    inputs: Inputs, _outputs: Outputs, _session: Session,
    *, what: str, size: int, count: Callable[[], int], restart: Callable[[], object],
) -> Callable[[], int]:  # fmt: skip
    """A reactive of the page's first item, from 0. A change of `restart` goes back to page one."""
    number = reactive.Value(0, name="number")

    def last() -> int:
        return max(0, -(-count() // size) - 1)

    @reactive.calc
    def here() -> int:
        return min(number(), last())

    @reactive.effect
    @reactive.event(restart)
    def _() -> None:
        number.set(0)

    targets = {
        "first": lambda: 0, "previous": lambda: max(0, here() - 1),
        "next": lambda: min(last(), here() + 1), "last": last,
    }  # fmt: skip
    for button, target in targets.items():
        _on_click(inputs, button, number, target)

    @render.ui
    def words() -> Tag:
        return ui.span(
            span_words(what, here() * size, size, count()),
            data_single=_flag(not last()), data_start=_flag(here() == 0),
            data_end=_flag(here() == last()),
        )  # fmt: skip

    return lambda: here() * size


def _on_click(
    inputs: Inputs, button: str, number: reactive.Value[int], target: Callable[[], int]
) -> None:
    @reactive.effect
    @reactive.event(fresh(inputs[button]))
    def _() -> None:
        number.set(target())


def _flag(on: bool) -> str | None:
    return "" if on else None


def span_words(what: str, first: int, size: int, count: int) -> str:
    """`Rows 51 to 100 of 12,000`; `first` counts from 0."""
    if not count:
        return f"No {what.lower()}"
    if count <= size:
        return f"{what}: {count:,}"
    return f"{what} {first + 1:,} to {min(first + size, count):,} of {count:,}"

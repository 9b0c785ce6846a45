"""One form of one session: its choices, and its state to be kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from shiny import Inputs

from logic import Dataset
from tabs.form.fields import Form
from tabs.form.filling import fill
from tabs.form.reading import choices_of, columns_in, state_of

DatasetReactive = Callable[[], Dataset | None]
#: Field name -> what it starts with (names of columns and levels); reads reactives.
Start = Callable[[], Mapping[str, Any]]


class FormServer:
    """One form of one session."""

    def __init__(
        self, form: Form, inputs: Inputs, dataset: DatasetReactive, prefix: Callable[[], str],
        start: Start, page_known: Callable[[], bool],
    ) -> None:  # fmt: skip
        self.form = form
        self.inputs = inputs
        self.dataset = dataset
        # Fields of an earlier file must not speak for this one.
        self.prefix = prefix
        self.start = start
        self.page_known = page_known

    def choices(self) -> dict[str, Any]:
        """Complete choices by the names of the analysis' arguments. BadInput says what lacks."""
        data = self.dataset()
        return {} if data is None else choices_of(self.inputs, self.form, data, self.prefix())

    def state(self) -> dict[str, Any]:
        """What every field holds, to be kept and given back as a start."""
        data = self.dataset()
        return {} if data is None else state_of(self.inputs, self.form, data, self.prefix())

    def columns(self, *names: str) -> list[int]:
        """Column numbers chosen in these fields."""
        data = self.dataset()
        return [] if data is None else columns_in(self.inputs, self.form, data, names)


def form_server(
    form: Form, inputs: Inputs, dataset: DatasetReactive, prefix: Callable[[], str], start: Start,
    page_known: Callable[[], bool],
) -> FormServer:  # fmt: skip
    """Fill every field that depends on something."""
    server = FormServer(form, inputs, dataset, prefix, start, page_known)
    fill(server)
    return server

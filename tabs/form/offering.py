"""What a menu or a list of ticks offers: sent only when the page does not show it already."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from shiny.module import resolve_id
from shiny.session import require_active_session

from presentation.choices_html import html_options, html_ticks
from tabs.form.first_fill import Standing


class Menu:
    """A menu of one choice. `offer` is called in an effect of the page."""

    def __init__(self, name: str, standing: Standing[str]) -> None:
        self._name = name
        self._standing = standing
        self._sent: dict[str, str] | None = None

    def offer(self, offered: Mapping[str, str], selected: str) -> None:
        """Offer value -> words, with one of them chosen."""
        if self._sent == offered and self._standing.now() == selected:
            return
        self._sent = dict(offered)
        self._standing.send(selected)
        _send(self._name, html_options(offered, selected), [selected])


class Ticks:
    """A list of choices to tick. `offer` is called in an effect of the page."""

    def __init__(self, name: str, standing: Standing[list[str]]) -> None:
        self._name = name
        self._standing = standing
        self._sent: dict[str, tuple[str, str]] | None = None

    def offer(self, offered: Mapping[str, tuple[str, str]], selected: Sequence[str]) -> None:
        """Offer value -> words and quiet words beside them, with some of them ticked."""
        ticked = list(selected)
        if self._sent == offered and self._standing.now() == ticked:
            return
        self._sent = dict(offered)
        self._standing.send(ticked)
        _send(self._name, html_ticks(resolve_id(self._name), offered, ticked), ticked)


def _send(name: str, options: str, value: list[str]) -> None:
    session = require_active_session(None)
    session.send_input_message(resolve_id(name), {"options": options, "value": value})

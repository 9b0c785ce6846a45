"""Choices of menus and of lists to tick as HTML, with the markup that Shiny's own fields have.

Written directly, not through tag objects: a form has several lists of all columns, and they are
drawn while other users wait. Every text passes `escape`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from html import escape


def html_options(offered: Mapping[str, str], selected: str) -> str:
    """The choices of a menu: value -> words."""
    return "\n".join(
        f'<option value="{escape(value)}"{" selected" if value == selected else ""}>'
        f"{escape(words, quote=False)}</option>"
        for value, words in offered.items()
    )


def html_ticks(
    name: str, offered: Mapping[str, tuple[str, str]], selected: Collection[str]
) -> str:  # fmt: skip
    """Boxes to tick: value -> words, and quiet words beside them (or none).

    `name` is the whole identifier of the field on the page.
    """
    boxes = [
        f'<div class="checkbox"><label><input type="checkbox" name="{escape(name)}"'
        f' value="{escape(value)}"{" checked" if value in selected else ""}/>'
        f" <span>{_words(*words)}</span></label></div>"
        for value, words in offered.items()
    ]
    return f'<div class="shiny-options-group">{"".join(boxes)}</div>'


def _words(title: str, beside: str) -> str:
    isolated = f"<bdi>{escape(title, quote=False)}</bdi>"
    if not beside:
        return isolated
    return f'{isolated} <span class="cs-quiet cs-small">{escape(beside, quote=False)}</span>'

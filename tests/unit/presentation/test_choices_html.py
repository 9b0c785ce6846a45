"""The markup of menus and ticks is that of Shiny's own fields."""

from __future__ import annotations

from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st
from shiny import ui

from presentation.choices_html import html_options, html_ticks

HOSTILE = {"": "none", "<b>\"'&": "</option><script>alert(1)</script>", "1": "a & b"}


class Seen(HTMLParser):
    """Elements, attributes and text as a browser finds them, without space between elements."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[object] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, {name: value or "" for name, value in attrs if name != "checked"},
                           "checked" in dict(attrs)))  # fmt: skip

    def handle_endtag(self, tag: str) -> None:
        self.found.append(tag)

    def handle_data(self, data: str) -> None:
        if data.strip() and self.found and isinstance(self.found[-1], str | tuple):
            self.found.append(f"text {data}")


def test_a_menu_is_shinys() -> None:
    for selected in HOSTILE:
        own = Seen(f"<select>{html_options(HOSTILE, selected)}</select>").found
        field = str(ui.input_select("x", None, HOSTILE, selected=selected))
        theirs = Seen(field[field.index("<option") : field.rindex("</select>")]).found
        assert own[1:-1] == theirs


def test_a_list_of_ticks_is_shinys() -> None:
    words = {value: (title, "kind") for value, title in HOSTILE.items()}
    own = Seen(html_ticks("a_x", words, ["1"])).found
    labels = {
        value: ui.TagList(ui.tags.bdi(title), " ", ui.span("kind", class_="cs-quiet cs-small"))
        for value, title in HOSTILE.items()
    }
    field = str(ui.input_checkbox_group("a_x", None, labels, selected=["1"]))
    theirs = Seen(field[field.index('<div class="shiny-options-group"') :]).found
    assert own == theirs[: len(own)]
    assert len(own) > 20


def test_an_empty_list_is_empty() -> None:
    assert html_ticks("x", {}, []) == '<div class="shiny-options-group"></div>'
    assert html_options({}, "") == ""


@given(st.dictionaries(st.text(max_size=12), st.text(max_size=12), max_size=4))
def test_any_text_stays_text(offered: dict[str, str]) -> None:
    tags = [x[0] for x in Seen(html_options(offered, "")).found if isinstance(x, tuple)]
    assert tags == ["option"] * len(offered)
    ticks = html_ticks("x", {v: (w, w) for v, w in offered.items()}, list(offered))
    seen = [x[0] for x in Seen(ticks).found if isinstance(x, tuple)]
    assert seen.count("input") == len(offered)
    assert set(seen) <= {"div", "label", "input", "span", "bdi"}

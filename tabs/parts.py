"""Pieces that every tab shows: empty states, failures, notes."""

from __future__ import annotations

from collections.abc import Iterable

from shiny import ui
from shiny.ui import Tag, TagChild, TagList

from tabs.failure import Failure

_SEVERITY_WORDS = {"warning": "Warning", "caution": "Caution", "info": "Note"}
SEVERITIES = ("warning", "caution", "info")


def empty_state(title: str, text: str, *more: TagChild) -> Tag:
    """What to do next, where there is nothing to show yet."""
    return ui.div(ui.h2(title), ui.p(text), *more, class_="cs-empty")


def failure_card(failure: Failure) -> Tag:
    """Cause and remedy, announced to screen readers."""
    remedy = ui.p(failure.remedy, class_="cs-quiet") if failure.remedy else None
    return ui.div(ui.p(failure.cause), remedy, class_="cs-failure", role="alert")


def note_line(severity: str, text: str, remedy: str = "") -> Tag:
    """One note: what kind, what was found, what to do."""
    word = "" if severity == "info" else f"{_SEVERITY_WORDS[severity]}. "
    return ui.tags.li(
        ui.p(ui.tags.strong(word) if word else None, text),
        ui.p(remedy, class_="cs-remedy") if remedy else None,
        class_=f"cs-note cs-note-{severity}",
    )


def note_list(lines: Iterable[tuple[str, str, str]], label: str) -> Tag | None:
    """Notes (severity, text, remedy), the gravest first; None when there are none."""
    ordered = sorted(lines, key=lambda line: SEVERITIES.index(line[0]))
    if not ordered:
        return None
    return ui.tags.ul(
        *[note_line(*line) for line in ordered], class_="cs-notes-list", aria_label=label
    )


def prose(paragraphs: Iterable[str]) -> TagList:
    """Plain paragraphs."""
    return TagList(*[ui.p(text) for text in paragraphs])

"""The notes of results as sentences, sorted to the rows that they speak of."""

from __future__ import annotations

from collections.abc import Iterable

from presentation.text import sentence
from stats.result import Note, Result

_RANK = {"warning": 0, "caution": 1, "info": 2}


def all_notes(results: Iterable[Result]) -> tuple[Note, ...]:
    """Every note once, the gravest first, otherwise in the order given."""
    found = {note.text: note for result in results for note in result.notes}
    return tuple(sorted(found.values(), key=lambda note: _RANK[note.severity]))


def notes_by_term(results: Iterable[Result]) -> dict[str, tuple[str, ...]]:
    """Term -> the sentences about it."""
    found: dict[str, list[str]] = {}
    for note in all_notes(results):
        if note.term is not None:
            found.setdefault(note.term, []).append(sentence(note.text))
    return {term: tuple(texts) for term, texts in found.items()}


def general_notes(results: Iterable[Result], skip_terms: Iterable[str] = ()) -> tuple[str, ...]:
    """Sentences of the notes that are not about one of `skip_terms`."""
    skipped = set(skip_terms)
    return tuple(sentence(note.text) for note in all_notes(results) if note.term not in skipped)

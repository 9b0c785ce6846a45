"""What every methods paragraph is put together from: rows used, software, list of references."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from presentation import numbers
from presentation.citations import Citations
from presentation.text import joined, sentence, visible
from stats.result import Result


def assembled(paragraphs: Sequence[str], cite: Citations) -> str:
    """Paragraphs separated by empty lines, the references last; empty ones left out."""
    parts = [p for p in paragraphs if p]
    references = cite.listed()
    if references:
        parts.append("References\n" + "\n".join(references))
    return "\n\n".join("\n".join(visible(line) for line in part.split("\n")) for part in parts)


def software_sentence(versions: Mapping[str, str], cite: Citations) -> str:
    """Our own version first, then those of the libraries below, each with its paper."""
    if not versions:
        return ""
    (own, version), *others = versions.items()
    text = f"Analyses were done with {own} {version}"
    if others:
        parts = [f"{name} {number}{cite(name.lower())}" for name, number in others]
        text += f" on {joined(parts)}"
    return sentence(text)


def rows_sentence(result: Result) -> str:
    """How many rows were used, and how many were left out for which reason."""
    left_out = {reason: n for reason, n in result.exclusions.items() if n}
    share = numbers.percent(100.0 * result.n_used / result.n_rows) if result.n_rows else "–"
    text = f"The analysis used {result.n_used} of {result.n_rows} rows ({share})"
    if left_out:
        reasons = joined([f"{reason} in {n}" for reason, n in left_out.items()])
        text += f"; left out were {sum(left_out.values())} ({reasons})"
    return f"{text}. Missing values were not imputed."

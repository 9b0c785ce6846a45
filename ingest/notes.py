"""The words that notes and refusals of the import share."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

_SHOWN = 6


def cut(text: str, limit: int = 40) -> str:
    """A value as it is quoted in a sentence: on one line, not longer than `limit`."""
    flat = " ".join(text.split())
    flat = "".join(ch if ch.isprintable() else "\ufffd" for ch in flat)
    return flat if len(flat) <= limit else flat[: limit - 1] + "\u2026"


def quoted(values: Iterable[str], limit: int = 3) -> str:
    """`"a", "b" and 4 more`: values in quotation marks."""
    values = list(values)
    return listed([f'"{cut(value)}"' for value in values], limit)


def listed(words: Sequence[str], limit: int = _SHOWN) -> str:
    """`a, b and c`, cut after `limit`."""
    if len(words) > limit:
        return f"{', '.join(words[:limit])} and {len(words) - limit:,} more"
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def lines(place: str, numbers: NDArray[np.integer] | Sequence[int]) -> str:
    """`lines 3, 7 and 12`, cut after six."""
    total = len(numbers)
    shown = [f"{int(n):,}" for n in numbers[:_SHOWN]]
    if total > _SHOWN:
        return f"{place}s {', '.join(shown)} and {total - _SHOWN:,} more"
    return f"{place}{'s' * (total != 1)} {listed(shown)}"


def groups(alike: Sequence[Sequence[str]]) -> str:
    """`"Yes" and "yes"; "NO" and "no"`, cut after three groups."""
    shown = "; ".join(quoted(group) for group in alike[:3])
    return shown + (f"; and {len(alike) - 3:,} more" if len(alike) > 3 else "")


def were(count: int) -> str:
    """`was` for one, `were` for more."""
    return "was" if count == 1 else "were"


def cells(count: int) -> str:
    """`1 cell`, `12 cells`."""
    return f"{count:,} cell{'s' * (count != 1)}"

"""Good, watch or act: the limits of the panel, stated once, and the mark that shows them.

A mark tells its state by shape and word, not by colour alone.
"""

from __future__ import annotations

from typing import Literal

from shiny import ui
from shiny.ui import Tag

State = Literal["good", "watch", "act"]

ENOUGH_CALLS = 20
HIT_RATE_LIMITS = (0.50, 0.20)
MEMORY_LIMITS = (0.70, 0.85)
COMPUTED_LIMITS_SECONDS = (1.0, 10.0)
HIT_LIMITS_SECONDS = (0.1, 1.0)

LIMIT_WORDS = (
    "Limits. Hit rate (from 20 calls on): good from 50 %, act below 20 %. Memory: good below 70 % "
    "of the budget, act from 85 %. Computing (95th percentile): good up to 1 s, act above 10 s. "
    "From the cache: good up to 0.1 s, act above 1 s."
)
_SHAPES = {"good": "circle", "watch": "triangle", "act": "square"}


def hit_rate_state(hits: int, calls: int) -> State | None:
    """None while there are too few calls to judge."""
    if calls < ENOUGH_CALLS:
        return None
    good, watch = HIT_RATE_LIMITS
    rate = hits / calls
    return "good" if rate >= good else "watch" if rate >= watch else "act"


def state_up_to(value: float, limits: tuple[float, float]) -> State:
    """For what should be small: good up to the first limit, act above the second."""
    return "good" if value <= limits[0] else "watch" if value <= limits[1] else "act"


def memory_state(share: float) -> State:
    """`share` of the budget; the limits themselves belong to the graver state."""
    return "good" if share < MEMORY_LIMITS[0] else "watch" if share < MEMORY_LIMITS[1] else "act"


def worse(*states: State | None) -> State | None:
    """The gravest; None when none is known."""
    for state in ("act", "watch", "good"):
        if state in states:
            return state
    return None


def mark(state: State | None) -> Tag | None:
    """Shape and word."""
    if state is None:
        return None
    return ui.span(state, class_="cs-state", data_state=state, data_shape=_SHAPES[state])

"""The tiles of the panel: one number each, with what it is made of."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from shiny import ui
from shiny.ui import Tag

from logic import Look, TierFacts
from tabs.system_states import State, hit_rate_state, mark, memory_state
from tabs.words import binary_words, counted, duration_words, long_words

_LEVELS = ("calm", "giving memory back", "no new heavy work is taken", "heavy work is ended")
_LEVEL_SHARES = "0.70 0.85 0.95"
_TIER_TITLES = {"memory": "Entries in memory", "disk": "Entries on disk", "redis": "Redis"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """A number in words. `share` (of a budget) draws a bar."""

    title: str
    value: str
    note: str = ""
    state: State | None = None
    share: float | None = None


def tiles_of(look: Look) -> tuple[Tile, ...]:
    """Every tile, in reading order."""
    return (
        *_cache_tiles(look),
        _memory_tile(look),
        *[_tier_tile(tier) for tier in look.tiers],
        *_lane_tiles(look),
        *_people_tiles(look),
    )


def hits_and_calls(look: Look) -> tuple[int, int]:
    """Over all functions since the start."""
    counts = look.functions.values()
    return sum(sum(f.hits.values()) for f in counts), sum(f.calls for f in counts)


def saved_words(seconds: float) -> str:
    """Milliseconds while they are few, then minutes and hours."""
    return duration_words(seconds) if seconds < 60 else long_words(seconds)


def _cache_tiles(look: Look) -> tuple[Tile, Tile]:
    hits, calls = hits_and_calls(look)
    saved = sum(f.saved_seconds for f in look.functions.values())
    return (
        Tile(
            title="Hit rate",
            value=f"{100 * hits / calls:.0f} %" if calls else "–",
            note=f"{hits:,} of {counted(calls, 'call')}" if calls else "no call yet",
            state=hit_rate_state(hits, calls),
        ),
        Tile(
            title="Computing time saved",
            value=saved_words(saved) if saved > 0 else "–",
            note=f"by {counted(hits, 'hit')}",
        ),
    )


def _tier_tile(tier: TierFacts) -> Tile:
    notes: list[str] = []
    if tier.size_bytes is not None:
        limit = "" if tier.max_bytes is None else f" of {binary_words(tier.max_bytes)}"
        notes.append(f"{binary_words(tier.size_bytes)}{limit}")
    if tier.evictions:
        gone = sum(tier.evictions.get(why, 0) for why in ("full", "pressure"))
        notes.append(f"{gone:,} evicted")
    if tier.benched:
        notes = ["left out for now"]
    return Tile(
        title=_TIER_TITLES.get(tier.name, tier.name),
        value="–" if tier.entries is None else f"{tier.entries:,}",
        note=", ".join(notes),
        state="act" if tier.benched else None,
    )


def _memory_tile(look: Look) -> Tile:
    memory = look.memory
    share = memory.used_bytes / memory.budget_bytes
    level = _LEVELS[int(memory.level)]
    return Tile(
        title="Memory of the server",
        value=binary_words(memory.used_bytes),
        note=(
            f"{100 * share:.0f} % of {binary_words(memory.budget_bytes)}: {level}; "
            f"peak {binary_words(memory.peak_bytes)}"
        ),
        state="act" if int(memory.level) > 1 else memory_state(share),
        share=round(share, 3),
    )


def _lane_tiles(look: Look) -> tuple[Tile, ...]:
    tiles: list[Tile] = []
    for title, lane in (("Quick lane", look.lanes.quick), ("Heavy lane", look.lanes.heavy)):
        ended = sum(lane.killed.values())
        more = (f", {lane.failed:,} failed" if lane.failed else "") + (
            f", {ended:,} stopped" if ended else ""
        )
        tiles.append(
            Tile(
                title=title,
                value=f"{lane.running} running",
                note=f"{lane.queued} in the queue; {lane.finished:,} done{more}",
            )
        )
    return tuple(tiles)


def _people_tiles(look: Look) -> tuple[Tile, ...]:
    retry = look.retry
    return (
        Tile(
            title="Open pages", value=f"{look.visits:,}",
            note=counted(look.workspaces, "workspace"),
        ),
        Tile(title="Reconnects", value=f"{look.resumed:,}", note="pages that came back"),
        Tile(
            title="Retries", value=f"{retry['retries']:,.0f}",
            note=f"of {counted(int(retry['calls']), 'run')}; {retry['recovered']:,.0f} recovered",
        ),
    )  # fmt: skip


def tiles_view(tiles: Iterable[Tile]) -> Tag:
    """A list of terms and numbers."""
    return ui.tags.dl(*[_tile(tile) for tile in tiles], class_="cs-tiles")


def _tile(tile: Tile) -> Tag:
    bar = None
    if tile.share is not None:
        bar = ui.Tag(
            "clinstat-meter", share=f"{tile.share}", marks=_LEVEL_SHARES, state=tile.state,
            label=f"{100 * tile.share:.0f} % of the budget; levels at 70 %, 85 % and 95 %",
        )  # fmt: skip
    return ui.div(
        ui.tags.dt(tile.title, mark(tile.state)),
        ui.tags.dd(ui.tags.b(tile.value), bar, ui.tags.small(tile.note)),
    )

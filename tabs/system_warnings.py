"""What is amiss on the server, in words, each with what to do."""

from __future__ import annotations

from logic import Look, TierFacts
from tabs.words import counted

Line = tuple[str, str, str]

_BENCHED = {
    "disk": (
        "The cache on disk does not work at the moment; its results are computed again.",
        (
            "It is tried again by itself within a minute. If this stays, see that the folder of "
            "the cache (CACHE_DIR) exists, can be written to and has room."
        ),
    ),
    "redis": (
        "Redis does not answer; results are not shared with other servers meanwhile.",
        (
            "It is tried again by itself within a minute. If this stays, see that Redis runs at "
            "the address in REDIS_URL."
        ),
    ),
}
_LEVELS = {
    1: (
        "caution", "The server uses more than 70 % of its memory budget and gives some back.",
        ("Nothing has to be done. If it happens often, lower CACHE_MEMORY_BYTES or raise "
        "MEMORY_BUDGET_BYTES."),
    ),
    2: (
        "warning",
        "The server uses more than 85 % of its memory budget and takes no new heavy work.",
        "Wait until running work ends, or close pages that nobody uses.",
    ),
    3: (
        "warning", "The server uses more than 95 % of its memory budget and ends heavy work.",
        "Try the work again with fewer rows or variables, or raise MEMORY_BUDGET_BYTES.",
    ),
}  # fmt: skip


def warnings_of(look: Look) -> tuple[Line, ...]:
    """(severity, cause, remedy) of everything amiss; empty when all is well."""
    lines: list[Line] = []
    for tier in look.tiers:
        lines += _tier_lines(tier)
    level = _LEVELS.get(int(look.memory.level))
    if level is not None:
        lines.append(level)
    return tuple(lines + _lane_lines(look))


def _tier_lines(tier: TierFacts) -> list[Line]:
    lines: list[Line] = []
    if tier.benched:
        cause, remedy = _BENCHED.get(tier.name, _BENCHED["disk"])
        lines.append(("warning", cause, remedy))
    if tier.full:
        lines.append((
            "caution",
            (f"The disk was full {counted(tier.full, 'time')} since the start; the oldest entries "
            "of the cache were dropped to make room."),
            "Free space on the disk, or lower CACHE_DISK_BYTES.",
        ))  # fmt: skip
    if tier.corrupt:
        lines.append((
            "caution",
            (f"{counted(tier.corrupt, 'damaged entry', 'damaged entries')} of the {tier.name} tier "
            f"{'was' if tier.corrupt == 1 else 'were'} found and put aside; none was served."),
            "If the number grows, have the disk checked, and see who else can write to the cache.",
        ))  # fmt: skip
    if tier.owed_clears:
        lines.append((
            "warning",
            f"Entries of the {tier.name} tier that were to be deleted are not deleted yet.",
            "Nothing of that tier is used until they are; make the tier work again.",
        ))  # fmt: skip
    return lines


def _lane_lines(look: Look) -> list[Line]:
    lines: list[Line] = []
    refused = look.lanes.quick.refused + look.lanes.heavy.refused
    if refused:
        lines.append((
            "caution",
            (f"{counted(refused, 'run')} {'was' if refused == 1 else 'were'} refused since the "
            "start because too many waited."),
            "Nothing was lost; if it happens often, run a second server.",
        ))  # fmt: skip
    short = look.memory.actions.get("refused", 0)
    if short:
        lines.append((
            "caution",
            (f"{counted(short, 'run')} {'was' if short == 1 else 'were'} refused since the start "
            "for want of memory."),
            "Raise MEMORY_BUDGET_BYTES if the machine has more memory to give.",
        ))  # fmt: skip
    if look.retry["budget used up"]:
        lines.append((
            "caution", "So much failed at once that some work was not tried again.",
            "See the tiers and lanes below for what fails.",
        ))  # fmt: skip
    if look.lanes.zygote_replacements:
        lines.append((
            "caution",
            ("The process that starts heavy work ended and was replaced "
            f"{counted(look.lanes.zygote_replacements, 'time')}."),
            "If it happens often, look for what ends processes on this machine.",
        ))  # fmt: skip
    return lines

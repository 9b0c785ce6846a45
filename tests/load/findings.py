"""What a load test found, in lines, numbers and raw samples."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from tests.load.overload import RECOVERY_SECONDS
from tests.load.trial import Found, Plan
from tests.load.visitor import Deed

REMEMBERED = {"memory", "disk"}
GOAL_ERRORS, GOAL_CACHED_MS, GOAL_PEAK_MB = 0.001, 200.0, 300.0


@dataclass
class Told:
    """`missed` names the goals that were not reached."""

    lines: list[str] = field(default_factory=list)
    numbers: dict[str, float] = field(default_factory=dict)
    samples: dict[str, list[float]] = field(default_factory=dict)
    missed: list[str] = field(default_factory=list)

    def times(self, key: str, words: str, seconds: Sequence[float]) -> None:
        """One line of percentiles, in milliseconds."""
        ms = [1e3 * s for s in seconds]
        self.samples[f"{key}_ms"] = ms
        if not ms:
            self.lines.append(f"{words:44} none")
            return
        p50, p95, p99 = (float(np.percentile(ms, q)) for q in (50, 95, 99))
        for name, value in (("p50", p50), ("p95", p95), ("p99", p99), ("max", max(ms))):
            self.numbers[f"{key}_{name}_ms"] = round(value, 2)
        self.lines.append(
            f"{words:44} p50 {p50:7.1f}  p95 {p95:7.1f}  p99 {p99:7.1f}  max {max(ms):7.1f} ms"
            f"  ({len(ms):,})"
        )

    def goal(self, name: str, value: float, most: float) -> None:
        """Remember a goal that was missed."""
        if not value <= most:
            self.missed.append(name)


def findings(plan: Plan, found: Found) -> Told:
    """All of it, goals in brackets."""
    told = Told()
    told.numbers |= {
        "sessions": plan.sessions, "seconds": plan.seconds,
        "first_page_seconds": round(found.first_page_seconds, 2),
    }  # fmt: skip
    told.lines += [
        f"{plan.sessions} sessions for {plan.seconds:.0f} s, {plan.think_seconds:g} s between "
        f"clicks; {found.account.visits} whole visits; client and server on this machine",
        f"load of the machine {found.load_average:.1f}; {found.seconds:.0f} s in all",
        "",
    ]
    _visits(told, found)
    _memory(told, found)
    _cache(told, found)
    if plan.pages:
        _overload(told, found)
    told.lines += [f"pages: {n} x {answer}" for answer, n in found.overload.crowd.most_common()]
    told.lines.append("")
    told.lines.append(f"goals missed: {', '.join(told.missed) or 'none'}")
    return told


def _visits(told: Told, found: Found) -> None:
    deeds = found.account.deeds
    failed = [d for d in deeds if d.problem]
    rate = len(failed) / max(1, len(deeds))
    told.numbers |= {"requests": len(deeds), "errors": len(failed), "error_rate": rate}
    told.goal("error rate", rate, GOAL_ERRORS)
    told.lines.append(
        f"{len(deeds):,} clicks, files and downloads; {len(failed)} errors: {rate:.3%}"
        f" (goal < {GOAL_ERRORS:.1%})"
    )
    told.lines += [f"  {n} x {name}: {why}" for (name, why), n in _said(failed)]
    told.lines += [f"  told at the top of a page: {text}" for text in sorted(found.account.notices)]
    runs = [d for d in deeds if d.kind == "run" and not d.problem]
    told.times("cached", "click, answer remembered (goal p95 200)",
               [d.seconds for d in runs if d.source in REMEMBERED])  # fmt: skip
    told.times("first", "click, answer computed",
               [d.seconds for d in runs if d.source not in REMEMBERED])  # fmt: skip
    for kind, words in (("open", "example opened"), ("upload", "file uploaded and read"),
                        ("download", "download made")):  # fmt: skip
        told.times(kind, words, [d.seconds for d in deeds if d.kind == kind and not d.problem])
    told.times("lag", "loop lag: a heartbeat answered", [s for _, s in found.account.beats])
    told.goal("cached click", told.numbers.get("cached_p95_ms", np.inf), GOAL_CACHED_MS)


def _said(deeds: Sequence[Deed]) -> list[tuple[tuple[str, str], int]]:
    return Counter((d.name, d.problem) for d in deeds).most_common(12)


def _memory(told: Told, found: Found) -> None:
    during = found.memory[found.visits_from : found.visits_to]
    peak, whole = max(during, default=0.0), max(found.memory, default=0.0)
    told.samples["tree_mb"] = [round(m, 1) for m in found.memory]
    told.numbers |= {"tree_peak_mb": round(whole, 1), "tree_visits_peak_mb": round(peak, 1)}
    told.goal("memory", whole, GOAL_PEAK_MB)
    told.lines += [
        "",
        f"PSS of the tree: {found.memory[0]:.0f} MB at the start; visits: median "
        f"{np.median(during):.0f}, peak {peak:.0f}; overload: peak "
        f"{max(found.memory[found.visits_to :], default=0.0):.0f}; at the end "
        f"{found.memory[-1]:.0f} MB (goal {GOAL_PEAK_MB:.0f})",
    ]


def _cache(told: Told, found: Found) -> None:
    functions = found.stats["cache"]["functions"].values()
    hits = sum(f["hits"] if isinstance(f["hits"], int) else sum(f["hits"].values())
               for f in functions)  # fmt: skip
    computes = sum(f["computes"] for f in functions)
    waits = sum(f.get("waits", 0) for f in functions)
    rate = hits / max(1, hits + computes + waits)
    told.numbers |= {"hits": hits, "computes": computes, "hit_rate": round(rate, 4)}
    told.lines.append(
        f"cache: {hits:,} hits, {computes:,} computed, {waits} waited for another: "
        f"{rate:.1%} remembered"
    )


def _overload(told: Told, found: Found) -> None:
    over = found.overload
    told.numbers |= {
        "capacity_per_second": round(over.capacity, 2),
        "offered_per_second": round(over.offered, 2),
        "goodput_per_second": round(over.goodput, 2),
        "shed": len(over.shed), "lost": len(over.lost),
        "recovery_seconds": round(over.recovery_seconds, 2),
    }  # fmt: skip
    told.goal("recovery", over.recovery_seconds, RECOVERY_SECONDS)
    told.goal("answers under overload", len(over.lost), 0)
    told.goal("shedding under overload", 0 if over.shed else 1, 0)
    told.lines += [
        "",
        f"new analyses, {over.capacity:.1f} a second at most; then {over.offered:.1f} clicks a "
        f"second: {over.goodput:.1f} answered a second, {len(over.shed)} refused with a sentence,"
        f" {len(over.lost)} without an answer",
    ]
    told.lines += [f"  {n} x {why}" for (_, why), n in _by_sentence(over.shed)]
    told.times("shed", "a refusal", [d.seconds for d in over.shed])
    told.times("accepted", "an accepted click", [d.seconds for d in over.deeds if not d.problem])
    told.lines.append(
        f"normal again after {over.recovery_seconds:.1f} s (goal {RECOVERY_SECONDS:.0f})"
    )


def _by_sentence(deeds: Sequence[Deed]) -> list[tuple[tuple[str, str], int]]:
    return Counter(("", d.problem) for d in deeds).most_common(5)

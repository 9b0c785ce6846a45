"""Kaplan-Meier, log-rank and cumulative incidence beside lifelines and statsmodels.

Command: python -m tests.bench.bench_survival. CPU time, one BLAS thread, best of five. Goal: 1 ms
for 5,000 patients. "curve" is the estimate alone: sorting, life table, survival, Greenwood's variance,
log-log limits, of arrays; "call" is the whole of `estimate_survival` on a Dataset whose columns
are typed: checks, curve, quartiles, restricted mean, follow-up, tables, notes. Peers estimate
curve and variance (lifelines also limits). Days (ties) unless "continuous". lifelines runs in
its own interpreter (`make bench-peers`), in the same run.
"""

from __future__ import annotations

import os

os.environ["OPENBLAS_NUM_THREADS"] = "1"

import tracemalloc
import warnings

import numpy as np
import pandas as pd

from stats.incidence import estimate_incidence
from stats.kaplan_meier import kaplan_meier, limits
from stats.life_table import life_table, sample_of
from stats.survival import estimate_survival
from stats.variables import Dataset
from tests.bench.peers_survival import ask, cohort, cpu_ms
from tests.bench.report import keep

SIZES = (500, 5_000, 50_000, 200_000)
_GOAL_MS = {5_000: 1.0}


def curve(times: np.ndarray, events: np.ndarray) -> object:
    found = kaplan_meier(life_table(sample_of(times, events, None, 1)))
    return found, limits(found.survival, found.variance, "log-log", 1.96)


def statsmodels(times: np.ndarray, events: np.ndarray, group: np.ndarray) -> tuple[float, float]:
    from statsmodels.duration.survfunc import SurvfuncRight, survdiff

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # survival of 0 in its logarithm
        one = cpu_ms(lambda: SurvfuncRight(times, events))
        two = cpu_ms(
            lambda: [
                *(SurvfuncRight(times[group == g], events[group == g]) for g in (0, 1)),
                survdiff(times, events, group),
            ]
        )
    return one, two


def added_mb(work) -> float:
    tracemalloc.start()
    work()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / 1e6


def measured(n: int) -> tuple[list[str], dict[str, float], str]:
    times, events, group = cohort(n)
    rng = np.random.default_rng(3)
    data = Dataset(pd.DataFrame({
        "t": times, "e": events, "g": group, "c": rng.exponential(900, n),
        "s": events * rng.integers(1, 3, n), "ten": rng.integers(0, 10, n),
    }))  # fmt: skip
    peer, own = ask("curves", n), {"event": "e", "event_level": 1}

    def survival(time="t", **more):
        return lambda: estimate_survival(data, time=time, **own, **more)

    def incidence(**more):
        return lambda: estimate_incidence(data, time="t", event="s", censored=0, **more)

    for warm in (survival(group="g"), survival("c", group="ten"), incidence()):
        warm()
    one, two = statsmodels(times, events, group)
    goal = f" (goal {_GOAL_MS[n]:g} ms)" if n in _GOAL_MS else ""
    lines = [f"{n:,} patients{goal}"]
    quoted: dict[str, float] = {}

    def line(what: str, ours: float, theirs: str = "") -> None:
        lines.append(f"  {what:38} {ours:9.2f} ms{theirs}")

    def against(ours: float, reference: float, key: str) -> str:
        text = f"   statsmodels {reference:9.2f} ms ({reference / ours:.1f}x)"
        if key in peer:
            text += f"   lifelines {peer[key]:9.2f} ms ({peer[key] / ours:.1f}x)"
        return text

    ours = cpu_ms(lambda: curve(times, events))
    line("curve", ours, against(ours, one, "curve"))
    quoted[f"curve_{n}"] = ours
    ours = cpu_ms(survival())
    quoted[f"call_{n}"] = ours
    line("call", ours, against(ours, one, "curve"))
    ours = cpu_ms(survival(group="g"))
    line("call, 2 groups, log-rank", ours, against(ours, two, "groups"))
    line("call, continuous times", cpu_ms(survival("c")))
    line("call, 10 groups, 45 pairs", cpu_ms(survival(group="ten"), 3))
    line("incidence, 2 causes", cpu_ms(incidence(), 3))
    line("incidence, 2 causes, 2 groups, Gray", cpu_ms(incidence(group="g"), 3))
    if n == SIZES[-1]:
        work = survival("c", group="ten")
        lines.append(f"  peak added, 10 groups, continuous times {added_mb(work):.0f} MB")
        work = incidence(group="ten")
        lines.append(f"  peak added, incidence, 10 groups {added_mb(work):.0f} MB")
    quoted |= {f"lifelines_{k}_{n}": peer[k] for k in ("curve", "groups") if k in peer}
    return lines, quoted, str(peer.get("version", "not measured"))


def main() -> None:
    """Print and keep what was found."""
    lines: list[str] = []
    quoted: dict[str, float] = {}
    version = ""
    for n in SIZES:
        found, own, version = measured(n)
        lines += [*found, ""]
        quoted |= own
    keep("bench_survival", [f"lifelines {version}", "", *lines], numbers=quoted)


if __name__ == "__main__":
    main()

"""Lines that break while people work: what the fault test of lost lines counts, kept.

Command: python -m tests.bench.bench_drops. Runs tests/fault/test_lost_lines.py, which asserts that
nothing was lost and nothing ran twice, and keeps its counts. FAULT_SCALE multiplies the drops.
"""

from __future__ import annotations

import re
import statistics
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

from tests.bench.report import keep

ROOT = Path(__file__).parents[2]
TEST = "tests/fault/test_lost_lines.py"


def lines(text: str, words: str) -> list[str]:
    """What follows `words: `, once per part."""
    return [x.split(": ", 1)[1] for x in text.splitlines() if x.startswith(f"{words}: ")]


def counts(text: str, words: str) -> Counter[str]:
    """`3 this, 4 that` of all parts as one sum."""
    found: Counter[str] = Counter()
    for line in lines(text, words):
        found.update({name.strip(): int(n) for n, name in re.findall(r"(\d+) ([^,]+)", line)})
    return found


def run() -> str:
    """What the test says, shown meanwhile. SystemExit where it fails."""
    command = [sys.executable, "-m", "pytest", "-x", "-s", "-p", "no:cacheprovider", TEST]
    told: list[str] = []
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as running:
        for line in running.stdout or ():
            told.append(line)
            print(line, end="", flush=True)
    if running.returncode:
        raise SystemExit(f"{TEST} failed, so no drop counts as survived.")
    return "".join(told)


def main() -> None:
    """Run the test, read its counts, keep them. SystemExit where the test fails."""
    began = time.monotonic()
    told = run()
    kinds = counts(told, "lines broken, by kind")
    phases = counts(told, "and by what was going on")
    seconds = [float(x) for line in lines(told, "seconds") for x in line.split()]
    drops = kinds.total()
    if not drops == phases.total() == len(seconds):
        raise SystemExit(f"{TEST} no longer tells how soon pages came back")
    median, most = statistics.median(seconds), max(seconds)
    keep(
        "bench_drops",
        [
            f"{drops} lines broken, {drops} survived: every job ran once, every table is that of"
            " an unbroken line",
            "by kind: " + ", ".join(f"{n} {kind}" for kind, n in sorted(kinds.items())),
            "by what was going on: "
            + ", ".join(f"{n} {phase}" for phase, n in sorted(phases.items())),
            f"back on screen after {median:.2f} s in the median, {most:.2f} s at most",
            f"{time.monotonic() - began:.0f} s in all",
        ],
        numbers={
            "drops": drops, "survived": drops, "back_median_seconds": round(median, 3),
            "back_most_seconds": most,
        },
        samples={f"{what}": [n] for what, n in (kinds | phases).items()} | {"back": seconds},
    )  # fmt: skip


if __name__ == "__main__":
    main()

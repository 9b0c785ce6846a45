"""The long run of the cache's fault tests: 100,000 faults, 10,000 kills of writers, kept.

Command: python -m tests.bench.fault_long (`make fault-long`), 15 to 25 minutes. Runs the fault
tests of the suite with more trials (FAULT_SCALE), two at a time; they assert that nothing wrong was
served, nothing was raised, nobody was blocked and what was left over is swept. Nothing is kept
unless every one of them passes on the same commit from the first to the last.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tests.bench.report import commit, keep, refuse_changes

ROOT = Path(__file__).parents[2]
FAULTS, KILLS = 100_000, 10_000


@dataclass(frozen=True, slots=True)
class Part:
    """Tests, how many times the trials of the suite they make, and which of the file (-k)."""

    test: str
    scale: int
    only: str = ""


#: Those that fail soon first.
PARTS = (
    Part("tests/fault/test_cache_redis.py", 10),
    Part("tests/fault/test_cache_planted.py", 1),
    Part("tests/fault/test_cache_full_disk.py", 1),
    Part("tests/fault/test_cache_cleared_elsewhere.py", 1),
    Part("tests/fault/test_cache_processes.py", 50, "killed_at or killed_while"),
    Part("tests/fault/test_cache_bit_rot.py", 10, "damaged_index"),
    Part("tests/fault/test_cache_bit_rot.py", 25, "damaged_entries"),
    Part("tests/fault/test_cache_bit_rot.py", 1, "not damaged"),
    Part("tests/fault/test_cache_processes.py", 2, "not (killed_at or killed_while)"),
    Part("tests/fault/test_cache_io.py", 1),
)


def run(part: Part) -> str:
    """What the tests of a part print. SystemExit where one of them fails."""
    print(f"{part.test} {part.only}, {part.scale} x ...", flush=True)
    command = [sys.executable, "-m", "pytest", "-q", "-s", "-p", "no:cacheprovider", part.test,
               "-k", part.only]  # fmt: skip
    with tempfile.TemporaryFile("w+") as said:
        done = subprocess.run(
            command, cwd=ROOT, stdout=said, stderr=subprocess.STDOUT, check=False,
            env=os.environ | {"FAULT_SCALE": str(part.scale)},
        )  # fmt: skip
        said.seek(0)
        text = said.read()
    if done.returncode:
        raise SystemExit(f"{part.test} failed, nothing is kept:\n{text[:20_000]}")
    return text


def counts_in(text: str) -> dict[str, Counter[str]]:
    """Every line `what: 3 this, 4 that` that a test reported."""
    found: dict[str, Counter[str]] = {}
    for line in text.splitlines():
        what, _, rest = line.partition(": ")
        pairs = [re.fullmatch(r"(\d+) (\D.*)", one) for one in rest.split(", ")]
        if rest and all(pairs):
            found.setdefault(what, Counter()).update(
                {pair[2]: int(pair[1]) for pair in pairs if pair is not None}
            )
    return found


def totals(found: Mapping[str, Counter[str]]) -> dict[str, float]:
    """The numbers that are quoted. `wrong` is 0 by assertion: a wrong value fails its test."""
    every: Counter[str] = sum(found.values(), Counter())
    kills = found["writers killed"]
    return {
        "faults": every["faults"] + every["faults injected"], "kills": every["kills"],
        "kills_of_writers": kills["kills"], "recomputed": every["recomputed"],
        "right": every["right"], "wrong": every["wrong"], "raised": every["raised"],
        "blocked": every["blocked"], "left_after_sweep": every["left after the sweep"],
    }  # fmt: skip


def main() -> None:
    """Run all, add up, keep."""
    refuse_changes()
    began = commit()
    two = ThreadPoolExecutor(2)
    try:
        texts = list(two.map(run, PARTS))
    finally:
        two.shutdown(cancel_futures=True)
    found = counts_in("\n".join(texts))
    numbers = totals(found)
    passed = sum(int(n) for text in texts for n in re.findall(r"^(\d+) passed", text, re.MULTILINE))
    if numbers["faults"] < FAULTS or numbers["kills_of_writers"] < KILLS:
        raise SystemExit(f"Too few: {numbers}")
    if commit() != began:
        raise SystemExit("Not kept: the commit changed while the tests ran.")
    lines = [
        f"{numbers['faults']:,} faults injected, {numbers['kills']:,} processes killed"
        f" (kill -9), {numbers['kills_of_writers']:,} of them writers at work:",
        f"{numbers['wrong']} wrong values served, {numbers['raised']} exceptions,"
        f" {numbers['blocked']} answers blocked for more than 5 s,"
        f" {numbers['left_after_sweep']} files left after the sweep",
        f"{passed} tests passed; of the answers asked for after a fault {numbers['right']:,} were"
        f" still there and right, {numbers['recomputed']:,} were computed again",
        "",
        *(f"{what}: " + ", ".join(f"{n:,} {name}" for name, n in sorted(one.items()))
          for what, one in found.items()),
    ]  # fmt: skip
    keep("fault_long", lines, numbers=numbers | {"tests": passed}, samples={
        what: list(one.values()) for what, one in found.items()
    }, command="python -m tests.bench.fault_long")  # fmt: skip


if __name__ == "__main__":
    main()

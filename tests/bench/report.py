"""One shape for kept benchmark output: command, date, machine, commit, then what was found.

results/<name>.txt is for people, results/<name>.json for `tests.bench.page`: the same header, the
`numbers` that are quoted elsewhere, and the raw `samples` that they were taken from.

Only what can be repeated is kept: with changes in the tree that are not committed, the commit
would not tell what ran, so nothing is written and the command fails.
"""

from __future__ import annotations

import datetime
import json
import os
import platform
import subprocess
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path

RESULTS = Path(__file__).parent / "results"
#: Changes here cannot change what is measured.
_HARMLESS = ("tests/bench/results/", "docs/")
_LIBRARIES = ("numpy", "pandas", "scipy", "statsmodels")


def machine() -> str:
    model = platform.processor()
    info = Path("/proc/cpuinfo")
    if info.exists():
        names = [x for x in info.read_text().splitlines() if x.startswith("model name")]
        model = names[0].split(":", 1)[1].strip() if names else model
    return f"{os.cpu_count()} x {model}"


def _git(*words: str) -> str:
    done = subprocess.run(["git", *words], capture_output=True, text=True, check=False)
    return done.stdout.rstrip()


def commit() -> str:
    return _git("rev-parse", "--short", "HEAD")


def changed() -> list[str]:
    """Files that differ from the commit and could matter; pages of text do not."""
    lines = _git("status", "--porcelain", "--untracked-files=no").splitlines()
    paths = [line[3:].split(" -> ")[-1] for line in lines]
    return [p for p in paths if not p.startswith(_HARMLESS) and not p.endswith(".md")]


def header(name: str, command: str = "") -> dict[str, str]:
    """What every kept output begins with."""
    versions = ", ".join(f"{p} {metadata.version(p)}" for p in _LIBRARIES)
    return {
        "command": command or f"python -m tests.bench.{name}",
        "date": f"{datetime.datetime.now(datetime.UTC):%Y-%m-%d %H:%M} UTC",
        "machine": machine(),
        "commit": commit(),
        "versions": f"Python {platform.python_version()}, {versions}",
    }


def keep(
    name: str, lines: list[str], *, command: str = "",
    numbers: Mapping[str, float] | None = None,
    samples: Mapping[str, Sequence[float]] | None = None,
) -> None:  # fmt: skip
    """Print the lines under a header and write them to results/<name>.txt; with `numbers` also
    results/<name>.json. SystemExit, and nothing is written, when the tree has changes."""
    top = header(name, command)
    text = "\n".join([*[f"{k:8} {v}" for k, v in top.items()], "", *lines]) + "\n"
    print(text)
    refuse_changes()
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{name}.txt").write_text(text, encoding="utf-8")
    if numbers is not None:
        found = {**top, "numbers": dict(numbers), "samples": _lists(samples or {})}
        (RESULTS / f"{name}.json").write_text(json.dumps(found) + "\n", encoding="utf-8")


def _lists(samples: Mapping[str, Sequence[float]]) -> dict[str, list[float]]:
    return {name: [round(float(x), 5) for x in values] for name, values in samples.items()}


def refuse_changes() -> None:
    """SystemExit where the commit does not tell what ran."""
    if not commit():
        raise SystemExit("Not kept: this is not a git checkout, so there is no commit to name.")
    dirty = changed()
    if dirty:
        raise SystemExit(
            f"Not kept: {len(dirty)} files differ from the commit ({', '.join(dirty[:5])}"
            f"{', ...' if len(dirty) > 5 else ''}). Commit them, then measure again."
        )

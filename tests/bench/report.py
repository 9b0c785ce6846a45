"""One shape for kept benchmark output: command, date, machine, commit, then the lines."""

from __future__ import annotations

import datetime
import os
import platform
import subprocess
from importlib import metadata
from pathlib import Path

RESULTS = Path(__file__).parent / "results"


def machine() -> str:
    model = platform.processor()
    info = Path("/proc/cpuinfo")
    if info.exists():
        names = [x for x in info.read_text().splitlines() if x.startswith("model name")]
        model = names[0].split(":", 1)[1].strip() if names else model
    return f"{os.cpu_count()} x {model}"


def commit() -> str:
    def git(*words: str) -> str:
        done = subprocess.run(["git", *words], capture_output=True, text=True, check=False)
        return done.stdout.strip()

    return git("rev-parse", "--short", "HEAD") + (
        " (changed)" if git("status", "-s", "-uno") else ""
    )


def keep(name: str, lines: list[str]) -> None:
    """Print the lines under a header and write them to results/<name>.txt."""
    versions = ", ".join(
        f"{p} {metadata.version(p)}" for p in ("numpy", "pandas", "scipy", "statsmodels")
    )
    header = [
        f"command  python -m tests.bench.{name}",
        f"date     {datetime.datetime.now(datetime.UTC):%Y-%m-%d %H:%M} UTC",
        f"machine  {machine()}",
        f"commit   {commit()}",
        f"versions Python {platform.python_version()}, {versions}",
        "",
    ]
    text = "\n".join(header + lines) + "\n"
    print(text)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{name}.txt").write_text(text, encoding="utf-8")

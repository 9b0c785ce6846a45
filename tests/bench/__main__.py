"""Run every benchmark: `make bench`. Each prints its output and keeps it in results/."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent


def main() -> int:
    """Run the benchmarks one after the other; the worst exit code."""
    worst = 0
    for script in sorted(HERE.glob("bench_*.py")):
        if sys.argv[1:] and not any(word in script.name for word in sys.argv[1:]):
            continue
        module = f"tests.bench.{script.stem}"
        print(f"== {module}", flush=True)
        done = subprocess.run([sys.executable, "-m", module], check=False, cwd=HERE.parents[1])
        worst = max(worst, done.returncode)
    return worst


if __name__ == "__main__":
    sys.exit(main())

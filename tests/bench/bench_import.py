"""Reading uploads beside pandas and calamine: CPU seconds and added resident memory.

Command: python -m tests.bench.bench_import. Each reading runs in a forked child whose
high-water mark is reset before it; the best of three is kept for time, the largest for memory.
pandas guesses types but checks and says nothing; calamine only hands over the cells.
"""

from __future__ import annotations

import os

os.environ["OPENBLAS_NUM_THREADS"] = "1"

import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import xlsxwriter
from python_calamine import CalamineWorkbook

from ingest import read_table
from tests.bench.report import keep

GOALS = {"CSV 50,000 x 60": "0.5 s, 60 MB", "XLSX 5,000 x 40": "0.5 s", "XLSX 25,000 x 40": "80 MB"}


def clinic(n: int, p: int, seed: int) -> pd.DataFrame:
    """Half measurements (one or four decimals), a quarter flags, a quarter three levels."""
    rng = np.random.default_rng(seed)
    columns: dict[str, np.ndarray] = {}
    for j in range(p):
        if j % 2 == 0:
            values = np.round(rng.normal(50, 12, n), 4 if j % 4 else 1).astype(object)
        elif j % 4 == 1:
            values = rng.integers(0, 2, n).astype(object)
        else:
            values = rng.choice(["low", "medium", "high"], n).astype(object)
        values[rng.random(n) < 0.03] = None
        columns[f"v{j}"] = values
    return pd.DataFrame(columns)


def write_workbook(frame: pd.DataFrame, path: Path) -> None:
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, list(frame.columns))
        for r, row in enumerate(frame.itertuples(index=False), start=1):
            for c, value in enumerate(row):
                if value is not None and value == value:  # a gap is no cell
                    sheet.write(r, c, value)


def _status(field: str) -> float:
    with Path("/proc/self/status").open() as status:
        return next(int(line.split()[1]) / 1024 for line in status if line.startswith(field))


def measure(work: Callable[[], object]) -> tuple[float, float]:
    """CPU seconds and added megabytes of one call in a forked child."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        Path("/proc/self/clear_refs").write_text("5")
        before, start = _status("VmRSS:"), time.process_time()
        kept = work()
        answer = [time.process_time() - start, _status("VmHWM:") - before, kept is None]
        os.write(writing, json.dumps(answer).encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        seconds, added, _ = json.loads(pipe.read())
    os.waitpid(child, 0)
    return seconds, added


def line(title: str, size: int, work: Callable[[], object], goal: str = "") -> str:
    runs = [measure(work) for _ in range(3)]
    seconds, added = min(s for s, _ in runs), max(m for _, m in runs)
    return f"{title:<36}{size / 1e6:>8.1f} MB{seconds:>9.2f} s{added:>9.0f} MB   {goal}"


def main() -> None:
    lines = [f"{'file, reader':<36}{'size':>11}{'CPU':>11}{'added':>12}   goal"]
    with tempfile.TemporaryDirectory() as folder:
        csv, sizes = Path(folder) / "a.csv", [(5_000, 40), (25_000, 40)]
        clinic(50_000, 60, 1).to_csv(csv, index=False)
        size = csv.stat().st_size
        title = "CSV 50,000 x 60"
        lines.append(
            line(f"{title}, Clinstat", size, lambda: read_table(csv, name="a.csv"), GOALS[title])
        )
        lines.append(line(f"{title}, pandas.read_csv", size, lambda: pd.read_csv(csv)))
        for n, p in sizes:
            book = Path(folder) / f"{n}.xlsx"
            write_workbook(clinic(n, p, 2), book)
            size, title = book.stat().st_size, f"XLSX {n:,} x {p}"
            lines.append(
                line(
                    f"{title}, Clinstat",
                    size,
                    lambda b=book: read_table(b, name="b.xlsx"),
                    GOALS[title],
                )
            )
            lines.append(line(
                f"{title}, calamine cells", size,
                lambda b=book: CalamineWorkbook.from_path(str(b)).get_sheet_by_index(0).to_python(),
            ))  # fmt: skip
    keep("bench_import", lines)


if __name__ == "__main__":
    main()

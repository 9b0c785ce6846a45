"""Memory of the whole tree under load: many pages, large uploads, the heavy lane busy.

Command: python -m tests.bench.bench_load_memory [pages] [cycles] [cancels]. Starts `python app.py`
on loopback with a cache of its own and samples the sum of PSS over the process tree 20 times a
second. 50 pages open one file of 50,000 x 60 and one of them computes; then 10 pages open ten
different ones; a workbook of 5 MB arrives; Word files are saved meanwhile. Afterwards pages are
opened, used and closed again and again, and runs are cancelled at random moments.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import psutil
import xlsxwriter

from tests.bench.bench_server import MIB, Sampler, choose, server
from tests.bench.clinical import clinical_frame
from tests.bench.page_client import PageClient, open_page
from tests.bench.report import keep

GOAL_PEAK_MB, GOAL_IDLE_MB, GOAL_AFTER_MB = 300, 130, 15
PAGES, CYCLES, CANCELS = 50, 100, 200
ROWS, COLUMNS, OTHERS = 50_000, 60, 10
CALM_SECONDS = 9.0
WORKERS_LEAVE_SECONDS = 18.0  # those that hold the libraries of documents wait 15 s for more work


class Tree:
    """The server as the system sees it."""

    def __init__(self, pid: int, sampler: Sampler, temporary: Path) -> None:
        self.process = psutil.Process(pid)
        self._sampler = sampler
        self._temporary = temporary
        self.numbers: dict[str, float] = {}

    def mark(self) -> int:
        return len(self._sampler.samples)

    def peak(self, mark: int) -> float:
        return self._sampler.peak_since(mark)

    def now(self) -> float:
        return float(np.median(self._sampler.samples[-20:])) / MIB

    def facts(self) -> dict[str, float]:
        """Memory in MB, threads, open files, files in the temporary directory, processes."""
        return {
            "MB": self.now(), "threads": self.process.num_threads(), "files": self.process.num_fds(),
            "temporary": sum(1 for p in self._temporary.rglob("*") if p.is_file()),
            "processes": len(self.process.children(recursive=True)),
        }  # fmt: skip

    def cpu_seconds(self) -> float:
        with_children = [self.process, *self.process.children(recursive=True)]
        return sum(sum(p.cpu_times()[:2]) for p in with_children)


def csv_file(path: Path, seed: int, rows: int = ROWS, columns: int = COLUMNS) -> Path:
    """16 MB at the default size."""
    frame = clinical_frame(rows, columns, seed=seed)
    frame["died"] = frame["died"].astype(int)
    for name in frame.columns[1:]:
        if frame[name].dtype == "category":
            frame[name] = frame[name].cat.rename_categories(lambda level: level[-1])
    frame.to_csv(path, index=False, float_format="%.5f")
    return path


def workbook(path: Path) -> Path:
    """5 MB."""
    rng = np.random.default_rng(1)
    with xlsxwriter.Workbook(path, {"constant_memory": True}) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, [f"x{j}" for j in range(30)])
        for i, row in enumerate(rng.normal(50, 10, (27_000, 30)).round(3).tolist()):
            sheet.write_row(i + 1, 0, row)
    return path


async def saving(page: PageClient, stop: asyncio.Event, found: list[int]) -> None:
    while not stop.is_set():
        found.append(await page.download("outcome-card-save_docx"))
        await asyncio.sleep(0.1)


@contextlib.asynccontextmanager
async def pages(port: int, count: int) -> AsyncIterator[list[PageClient]]:
    async with contextlib.AsyncExitStack() as stack:
        yield [await stack.enter_async_context(open_page(port)) for _ in range(count)]


async def load(port: int, tree: Tree, folder: Path, count: int) -> list[str]:
    """All at once: the lines of the report."""
    lines: list[str] = []

    def step(words: str, mark: int) -> None:
        lines.append(f"  {words:58s} now {tree.now():4.0f}  peak {tree.peak(mark):4.0f} MB")
        print(lines[-1], flush=True)

    files = [csv_file(folder / f"{seed}.csv", seed) for seed in range(OTHERS)]
    book = workbook(folder / "book.xlsx")
    megabytes = files[0].stat().st_size / 1e6, book.stat().st_size / 1e6
    lines.append(f"files: CSV of {megabytes[0]:.1f} MB, workbook of {megabytes[1]:.1f} MB")
    begun = mark = tree.mark()
    async with pages(port, count) as same, pages(port, OTHERS) as others, pages(port, 2) as more:
        await asyncio.sleep(2)
        step(f"{count + OTHERS + 2} pages open", mark)
        mark = tree.mark()
        for page in same:
            await page.upload(files[0])
        await asyncio.sleep(2)
        step(f"{count} of them with one file", mark)
        saver, stop, saved = more[0], asyncio.Event(), list[int]()
        await saver.open_example("synth_trial")
        await choose(saver, 6, "active", range(2, 6))
        await saver.run()
        first = same[0]
        await choose(first, 0, "1", range(1, COLUMNS + 1))
        mark = tree.mark()
        seconds = await first.run()
        await asyncio.sleep(1)
        step(f"one of them analysed ({seconds:.1f} s)", mark)
        mark = tree.mark()
        size = await first.download("outcome-card-save_docx")
        await asyncio.sleep(1)
        step(f"and saved as Word ({size / 1e6:.1f} MB)", mark)
        task = asyncio.create_task(saving(saver, stop, saved))
        mark, arrivals = tree.mark(), list[float]()
        for page, file in zip(others, files, strict=True):
            arrivals.append(await page.upload(file))
        step(
            f"ten files arrived while Word files were saved ({np.nanmax(arrivals):.1f} s, {np.isnan(arrivals).sum()} refused)",
            mark,
        )
        mark, times = tree.mark(), list[float]()
        for page in others:
            await choose(page, 0, "1", range(1, COLUMNS + 1))
            times.append(await page.run())
        done = int(np.isfinite(times).sum())
        step(f"ten analysed, {OTHERS - done} refused (median {np.nanmedian(times):.1f} s)", mark)
        mark = tree.mark()
        took = await more[1].upload(book)
        step(f"workbook arrived ({took:.1f} s)", mark)
        stop.set()
        await task
        tree.numbers |= {
            "peak_mb": round(tree.peak(begun), 1), "analysed": done,
            "files_refused": int(np.isnan(arrivals).sum()),
            "word_files": sum(map(bool, saved)), "word_refused": sum(not s for s in saved),
        }  # fmt: skip
        said = sorted({n for page in (first, saver, *others) for n in page.notices})
        lines += [
            f"Word files meanwhile {sum(map(bool, saved))}, refused {sum(not s for s in saved)}",
            *[f"  said: {notice}" for notice in said],
            f"peak of all {tree.peak(begun):.0f} MB (goal {GOAL_PEAK_MB})",
        ]
    return lines


async def after_jobs(port: int, tree: Tree, file: Path, when: str) -> list[str]:
    """What an analysis, and then a Word file, leave behind."""
    left: list[float] = []
    async with open_page(port) as page:
        await page.upload(file)
        await choose(page, 0, "1", range(1, COLUMNS + 1))
        await asyncio.sleep(CALM_SECONDS)
        before = tree.now()
        await page.run()
        await asyncio.sleep(CALM_SECONDS)
        left.append(tree.now() - before)
        await page.download("outcome-card-save_docx")
        await asyncio.sleep(WORKERS_LEAVE_SECONDS)
        left.append(tree.now() - before)
    tree.numbers[f"after_jobs_{when}_mb"] = round(max(left), 1)
    return [f"{when} the load, after an analysis {left[0]:+.0f} MB, after its Word file {left[1]:+.0f} MB"
            f" against before (goal {GOAL_AFTER_MB})"]  # fmt: skip


async def use(port: int) -> None:
    async with open_page(port) as page:
        await page.open_example("synth_trial")
        await choose(page, 6, "active", range(2, 6))
        await page.run()


async def cycles(port: int, tree: Tree, count: int) -> list[str]:
    """Pages opened, used and closed: what grows."""
    for _ in range(10):
        await use(port)
    seen: list[dict[str, float]] = []
    for _ in range(10):
        for _ in range(count // 10):
            await use(port)
        await asyncio.sleep(CALM_SECONDS)
        seen.append(tree.facts())
    lines = [f"{count} pages opened, used and closed: per page (first and last of ten looks)"]
    for name in seen[0]:
        values = np.array([facts[name] for facts in seen])
        slope = float(np.polyfit(np.arange(10), values, 1)[0]) / (count / 10)
        lines.append(f"  {name:10s} {slope:+.3f}  ({values[0]:.0f} to {values[-1]:.0f})")
        tree.numbers[f"{name}_per_page"] = round(slope, 4)
    return lines


async def cancels(port: int, tree: Tree, file: Path, count: int) -> list[str]:
    """Runs stopped at random moments: is it quiet a second later, and is nothing stale shown?

    A run may end before the click arrives: then its answer is shown, whole and with its own level.
    Stale is a whole answer beside the word that the run was stopped, or one of another level.
    """
    rng, busy = random.Random(1), list[float]()
    stale = late = silent = 0
    async with open_page(port) as page:
        await page.upload(file)
        await choose(page, 0, "1", range(1, COLUMNS + 1))
        whole = await page.run()
        for number in range(count):
            level = f"{90 + number / 100:g}"
            await page.send({"outcome-ci_level": level})
            for shown in ("badge", "progress", "table"):
                page.values.pop(f"outcome-card-{shown}", None)
            await page.send({"outcome-run:shiny.action": 1_000 + number})
            await asyncio.sleep(rng.uniform(0, 1.1 * whole))
            await page.send({"outcome-card-cancel:shiny.action": number + 1})
            await asyncio.sleep(1.0)
            before = tree.cpu_seconds()
            await asyncio.sleep(0.25)
            busy.append((tree.cpu_seconds() - before) / 0.25)
            stopped = "stopped" in str(page.values.get("outcome-card-progress"))
            own = f"{level}%" in str(page.values.get("outcome-card-table"))
            late += not stopped
            stale += page.answered() and (stopped or not own)
            silent += not stopped and not page.answered()
    await asyncio.sleep(CALM_SECONDS)
    tree.numbers |= {
        "cancels": count, "stale": stale, "silent": silent, "busy_most": round(max(busy), 3),
        "orphans": tree.facts()["processes"] - 1,
    }  # fmt: skip
    return [
        f"{count} runs of {whole:.1f} s stopped at random moments ({late} had ended before)",
        f"  a second later: processor share median {np.median(busy):.2f}, most {max(busy):.2f};"
        f" stale results shown {stale}, neither answer nor word {silent}; processes {tree.facts()['processes']:.0f}",
    ]


async def measure(port: int, tree: Tree, folder: Path, counts: tuple[int, int, int]) -> list[str]:
    await asyncio.sleep(CALM_SECONDS)
    lines = [f"idle {tree.now():.0f} MB (goal {GOAL_IDLE_MB})"]
    print(lines[0], flush=True)
    at_rest = tree.facts()
    tree.numbers["idle_mb"] = round(tree.now(), 1)
    if counts[0]:
        first = csv_file(folder / "first.csv", OTHERS)
        lines += await after_jobs(port, tree, first, "before")
        lines += await load(port, tree, folder, counts[0])
        await asyncio.sleep(CALM_SECONDS)
        lines.append(f"all pages closed: {tree.now() - at_rest['MB']:+.0f} MB against idle")
        lines += await after_jobs(port, tree, folder / "0.csv", "after")
    if counts[1]:
        lines += await cycles(port, tree, counts[1])
    if counts[2]:
        small = csv_file(folder / "small.csv", 1, rows=20_000)
        lines += await cancels(port, tree, small, counts[2])
    await asyncio.sleep(CALM_SECONDS)
    ended = tree.facts()
    lines.append("at the start and at the end: " + ", ".join(
        f"{name} {at_rest[name]:.0f} and {ended[name]:.0f}" for name in at_rest
    ))  # fmt: skip
    return lines


def main() -> None:
    """Start the server, measure, keep the output."""
    given = [int(word) for word in sys.argv[1:]]
    counts = tuple(given) if len(given) == 3 else (PAGES, CYCLES, CANCELS)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        temporary = folder / "tmp"
        temporary.mkdir()
        os.environ["TMPDIR"] = str(temporary)
        with server(folder) as (port, pid, _):
            sampler = Sampler(pid)
            try:
                tree = Tree(pid, sampler, temporary)
                lines = asyncio.run(measure(port, tree, folder, counts))  # type: ignore[arg-type]
            finally:
                sampler.close()
        began = time.perf_counter()
        time.sleep(0.1)
        lines.append(f"after SIGTERM ({time.perf_counter() - began:.1f} s): pid {pid} "
                     f"{'lives' if psutil.pid_exists(pid) else 'is gone'}")  # fmt: skip
    load_words = f"load of the machine at the end: {os.getloadavg()[0]:.1f}"
    if counts == (PAGES, CYCLES, CANCELS):
        samples = {"tree_mb": [b / MIB for b in sampler.samples[::20]]}
        keep("bench_load_memory", [load_words, *lines], numbers=tree.numbers, samples=samples)
    else:
        print("\n".join([load_words, *lines]))


if __name__ == "__main__":
    main()

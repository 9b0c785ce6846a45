"""The measured table of HF_OPTIMIZATION_README.md, made from the kept outputs alone.

Command: python -m tests.bench.page (`make report`). Writes what stands between the markers of the
page; no number there is typed by hand. What was not measured is said there, and the command fails
and names what makes it. It also fails where an output lacks a number or was measured on a tree
with changes.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.bench.report import RESULTS

PAGE = Path(__file__).parents[2] / "HF_OPTIMIZATION_README.md"
BEGIN, END = "<!-- report:begin -->", "<!-- report:end -->"

Numbers = Mapping[str, float]


class Incomplete(Exception):
    """Outputs do not hold what the page quotes; the message says which and what to run."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table. `needed` rows say so when they were not measured; others wait."""

    what: str
    output: str
    words: Callable[[Numbers], str]
    reach: str
    needed: bool = True


#: How each output is made.
COMMANDS = {
    "load": "make load",
    "bench_drops": "python -m tests.bench.bench_drops",
    "bench_outcome": "python -m tests.bench.bench_outcome",
    "bench_cache": "python -m tests.bench.bench_cache",
    "bench_server": "python -m tests.bench.bench_server",
    "bench_start": "python -m tests.bench.bench_start",
    "bench_load_memory": "python -m tests.bench.bench_load_memory",
    "fault_long": "python -m tests.bench.fault_long",
}

ROWS = (
    Row("The same analysis again, in the server (50,000 x 60)", "bench_outcome",
        lambda n: f"median {n['repeat_median_ms']:.3f} ms, p95 {n['repeat_p95_ms']:.3f} ms",
        "0.1 ms"),
    Row("The same click again, as the page sees it, under load", "load",
        lambda n: f"median {n['cached_p50_ms']:.0f} ms, p95 {n['cached_p95_ms']:.0f} ms",
        "p95 200 ms"),
    Row("A new analysis, as the page sees it, under load", "load",
        lambda n: f"median {n['first_p50_ms']:.0f} ms, p95 {n['first_p95_ms']:.0f} ms", ""),
    Row("Sessions held at a time", "load",
        lambda n: f"{n['sessions']:.0f} for {n['seconds'] / 60:g} min,"
        f" {n['requests']:,.0f} requests", "50 for 10 min"),
    Row("Errors under that load", "load",
        lambda n: f"{n['errors']:.0f} ({n['error_rate']:.3%})", "less than 0.1 %"),
    Row("Heartbeat answered under that load", "load",
        lambda n: f"p50 {n['lag_p50_ms']:.0f} ms, p99 {n['lag_p99_ms']:.0f} ms", ""),
    Row("Memory of the whole tree, peak of the load test", "load",
        lambda n: f"{n['tree_peak_mb']:.0f} MB", "300 MB"),
    Row("The same with large files: one computes, one saves", "bench_server",
        lambda n: f"{n['peak_mb']:.0f} MB (idle {n['idle_mb']:.0f} MB)", "300 MB"),
    Row("The same with 50 pages on 50,000 x 60 and ten other files", "bench_load_memory",
        lambda n: f"{n['peak_mb']:.0f} MB (idle {n['idle_mb']:.0f} MB)", "300 MB"),
    Row("Others' latency while one computes, p99 above idle", "bench_server",
        lambda n: f"{n['p99_above_idle_ms']:.0f} ms", "50 ms"),
    Row("Answers from the cache during the load test", "load",
        lambda n: f"{n['hit_rate']:.1%} of {n['hits'] + n['computes']:,.0f}", ""),
    Row("Hit rate of the memory tier on the recorded trace", "bench_cache",
        lambda n: f"{n['trace_hit_rate']:.1%} of {n['trace_requests']:,.0f} requests;"
        f" {n['trace_time_saved']:.1%} of the computation saved", ""),
    Row("The same with room for a tenth of the bytes", "bench_cache",
        lambda n: f"{n['gdsf_saved_0.1']:.1%} of the computation saved"
        f" (LRU: {n['lru_saved_0.1']:.1%})", ""),
    Row("Overload: clicks at four times the capacity", "load",
        lambda n: f"{n['shed']:.0f} refused with a sentence, {n['lost']:.0f} lost;"
        f" normal after {n['recovery_seconds']:.1f} s", "10 s"),
    Row("Dropped lines survived", "bench_drops",
        lambda n: f"{n['survived']:.0f} of {n['drops']:.0f}; back on screen after"
        f" {n['back_median_seconds']:.2f} s (median)", "all"),
    Row("Faults of the cache and killed writers", "fault_long",
        lambda n: f"{n['faults']:,.0f} faults, {n['kills_of_writers']:,.0f} kills:"
        f" {n['wrong']:.0f} wrong values, {n['raised']:.0f} errors, {n['blocked']:.0f} blocked",
        "0 of 100,000 and 10,000"),
    Row("Start to first page, server of the load test", "load",
        lambda n: f"{n['first_page_seconds']:.2f} s", "1.2 s"),
    Row("Start to first page", "bench_start",
        lambda n: f"{n['first_page_seconds']:.2f} s", "1.2 s"),
)  # fmt: skip


def output(name: str, folder: Path = RESULTS) -> dict[str, Any] | None:
    """A kept output, None where there is none. Incomplete when it can't be quoted."""
    path = folder / f"{name}.json"
    if not path.exists():
        return None
    found = json.loads(path.read_text(encoding="utf-8"))
    lacking = [k for k in ("command", "date", "machine", "commit", "numbers") if not found.get(k)]
    if lacking:
        raise Incomplete(f"{path.name} lacks {', '.join(lacking)}. Run `{COMMANDS[name]}`.")
    if not str(found["commit"]).isalnum():
        raise Incomplete(f"{path.name} was measured on a tree with changes. Commit, measure again.")
    return found


def block(folder: Path = RESULTS) -> str:
    """The table, and under it where each number comes from."""
    outputs = {name: output(name, folder) for name in COMMANDS}
    lines = ["| What | Measured | Reach | Output |", "| --- | --- | --- | --- |"]
    for row in ROWS:
        found = outputs[row.output]
        if found is not None or row.needed:
            words = "not measured yet" if found is None else _words(row, found)
            lines.append(f"| {row.what} | {words} | {row.reach} | {row.output} |")
    lines.append("")
    for name, found in outputs.items():
        if found is not None:
            told = f"{found['date']}, commit {found['commit']}, {found['machine']}"
            lines.append(f"- {name}: `{found['command']}`, {told}")
    return "\n".join(lines)


def missing(folder: Path = RESULTS) -> list[str]:
    """Outputs that the page needs and that are not there, each with its command."""
    needed = dict.fromkeys(row.output for row in ROWS if row.needed)
    return [f"{n} (`{COMMANDS[n]}`)" for n in needed if output(n, folder) is None]


def _words(row: Row, found: Mapping[str, Any]) -> str:
    try:
        return row.words(found["numbers"])
    except KeyError as missing:
        raise Incomplete(
            f"{row.output}.json has no number {missing}. Run `{COMMANDS[row.output]}` again."
        ) from missing


def with_block(text: str, made: str) -> str:
    """The page with `made` between its markers."""
    before, _, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not end:
        raise Incomplete(f"{PAGE.name} has no markers {BEGIN} and {END}.")
    return f"{before}{BEGIN}\n{made}\n{END}{after}"


def main() -> int:
    """Rewrite the page."""
    try:
        made = with_block(PAGE.read_text(encoding="utf-8"), block())
    except Incomplete as why:
        print(why, file=sys.stderr)
        return 1
    PAGE.write_text(made, encoding="utf-8")
    lacking = missing()
    if lacking:
        print(f"Outputs are missing in tests/bench/results: {', '.join(lacking)}.", file=sys.stderr)
        return 1
    print(f"{PAGE.name} holds the numbers of the kept outputs.")
    return 0


if __name__ == "__main__":
    sys.exit(main())

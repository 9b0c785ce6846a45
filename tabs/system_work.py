"""What runs now, what the last runs took, and why the last one was computed."""

from __future__ import annotations

from collections.abc import Iterable

from shiny import ui
from shiny.ui import Tag, TagList

from logic import Look
from tabs.words import binary_words, counted, duration_words, long_words

_LAST_RUNS = 10
_WORK_WORDS = {"read_table": "reading a file", "render": "export"}
_OUTCOMES = {"finished": "done", "failed": "failed"}

RunRow = tuple[str, ...]
JobRow = tuple[str, str, str, str]


def work_words(name: str) -> str:
    """A function of a lane as the reader knows it; inner functions have no name of their own."""
    last = name.rpartition(":")[2]
    return "other work" if "<" in last else _WORK_WORDS.get(last, last)


def run_rows(look: Look) -> tuple[RunRow, ...]:
    """The last runs of each lane: what, lane, outcome, then where the time went."""
    last: list[RunRow] = []
    for lane in ("quick", "heavy"):
        runs = [run for run in look.lanes.runs if run.lane == lane][-_LAST_RUNS:]
        for run in reversed(runs):
            phases = (
                run.queue_seconds, run.start_seconds, run.load_seconds, run.compute_seconds,
                run.transfer_seconds,
            )  # fmt: skip
            words = [duration_words(s) if s > 0 else "–" for s in phases]
            added = binary_words(run.added_bytes) if run.added_bytes else "–"
            outcome = _OUTCOMES.get(run.outcome, f"stopped ({run.outcome})")
            last.append((work_words(run.name), lane, outcome, *words, added))
    return tuple(last)


def runs_view(rows: Iterable[RunRow]) -> Tag:
    """The table of phases."""
    body = [
        ui.tags.tr(ui.tags.th(row[0], scope="row"), *[ui.tags.td(cell) for cell in row[1:]])
        for row in rows
    ]
    if not body:
        return ui.p("Nothing was run since the server started.", class_="cs-quiet")
    words = (
        "Run", "Lane", "Outcome", "Waiting", "Starting", "Loading", "Computing", "Transfer",
        "Memory added",
    )  # fmt: skip
    head = ui.tags.thead(ui.tags.tr(*[ui.tags.th(word, scope="col") for word in words]))
    return ui.div(
        ui.tags.table(head, ui.tags.tbody(*body), class_="cs-table cs-numbers cs-three-words"),
        class_="cs-scroll", tabindex="0", role="region", aria_label="Last runs",
    )  # fmt: skip


def job_rows(look: Look) -> tuple[JobRow, ...]:
    """Handle, what, for how long, how far."""
    return tuple(
        (
            job.handle, work_words(job.name) or "analysis", f"for {long_words(job.seconds)}",
            f"{100 * job.fraction:.0f} % done" if job.fraction > 0 else "",
        )
        for job in look.jobs
    )  # fmt: skip


def jobs_view(rows: Iterable[JobRow], others: int, sends: str) -> Tag:
    """Running jobs, each with Cancel; `sends` is the input that gets the handle."""
    lines = [
        ui.tags.li(
            ui.tags.b(name), ui.span(since), ui.span(done),
            ui.tags.button(
                "Cancel", type="button", class_="btn btn-outline btn-sm", data_sends=sends,
                data_value=handle, data_key=f"cancel-{handle}", aria_label=f"Cancel {name}",
            ),
        )
        for handle, name, since, done in rows
    ]  # fmt: skip
    theirs = f"{counted(others, 'job')} of other people." if others else ""
    if not lines:
        return ui.p("Nothing of yours is running. ", theirs, class_="cs-quiet")
    return ui.div(ui.tags.ul(*lines, class_="cs-jobs"), ui.p(theirs, class_="cs-quiet"))


def miss_view(miss: tuple[str, tuple[str, ...]] | None) -> TagList | Tag:
    """Why the last run of this page was computed and not remembered."""
    if miss is None:
        return ui.p("Nothing of yours was computed since the server started.", class_="cs-quiet")
    name, reasons = miss
    if not reasons:
        return ui.p("Your last run of ", ui.tags.b(name), " was the first of its kind lately.")
    return TagList(
        ui.p(
            "Your last run of ", ui.tags.b(name), " was computed and not remembered. The run "
            "before it that was most like it tells why:",
        ),
        ui.tags.ul(*[ui.tags.li(reason) for reason in reasons]),
    )  # fmt: skip

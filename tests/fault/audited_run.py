"""Runs every analysis of the catalogue on hostile names under an audit hook; prints what it saw.

    python -m tests.fault.audited_run          JSON: analyses run, events by name, hostile events

Every analysis runs twice on plain names first, so that what is imported once is imported. Then the
same data get hostile names, and the events of that run are told apart: those that a plain run
has too, and those that it has not, or that hold a hostile text.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import logic
from logic import Run
from presentation.numbers import STYLES
from stats.variables import as_dataset
from tabs import _views
from tabs._answer import Answer, Request

WATCHED = (
    "compile", "exec", "import", "open", "os.", "subprocess.", "socket.", "ctypes.", "pickle.",
    "shutil.", "marshal.", "code.", "pty.", "urllib.",
)  # fmt: skip
CANARY = "pwned_by_a_name"
TRICKS = (
    "__import__('os').system('touch {c}')", 'Q("x"); __import__("os").system("touch {c}") #',
    "x + open('{c}','w').write('1')", "`touch {c}`", "$(touch {c})", "=cmd|' /C {c}'!A0",
    "../../../{c}", "{{c.__class__.__mro__}} {c}", "%({c})s %n", "@{c} and (lambda: 1)()",
    "import {c}", "');{c}--", "<script>{c}</script>", "\\\\host\\{c}",
)  # fmt: skip
PLAIN = (
    "died", "arm", "site", "age", "count", "time", "status", "test", "marker", "patient",
    "no", "yes", "a", "b",
)  # fmt: skip
CHOICES: dict[str, dict[str, Any]] = {
    "analyze_outcome": {"outcome": "died", "event": "yes", "predictors": ["age", "arm", "site"]},
    "check_collinearity": {"variables": ["age", "arm", "marker"]},
    "validate_outcome_model": {
        "outcome": "died", "event": "yes", "predictors": ["age", "arm"], "quality": "preview",
    },
    "describe_cohort": {"group": "arm", "variables": ["age", "site", "died"], "tests": True},
    "compare_groups": {"value": "age", "group": "arm"},
    "correlate": {"variables": ["age", "marker", "time"]},
    "fit_linear": {"outcome": "age", "predictors": ["arm", "marker"]},
    "fit_counts": {"outcome": "count", "predictors": ["arm", "age"]},
    "fit_cox": {"time": "time", "event": "died", "event_level": "yes", "predictors": ["arm", "age"]},
    "estimate_survival": {"time": "time", "event": "died", "event_level": "yes", "group": "arm"},
    "estimate_incidence": {"time": "time", "event": "status", "censored": "no", "group": "arm"},
    "evaluate_test": {"test": "test", "truth": "died", "positive": "yes", "event": "yes"},
    "two_by_two": {
        "exposure": "test", "outcome": "died", "exposed": "yes", "event": "yes",
    },
    "stratify": {
        "exposure": "test", "outcome": "died", "stratum": "arm", "exposed": "yes", "event": "yes",
    },
    "evaluate_roc": {"truth": "died", "event": "yes", "markers": ["marker", "age"]},
}  # fmt: skip


def frame_of(names: dict[str, str]) -> pd.DataFrame:
    """Patients under these names: columns and levels alike are translated."""
    rng, n = np.random.default_rng(4), 240
    no, yes, a, b = (names[word] for word in ("no", "yes", "a", "b"))
    died = rng.random(n) < 0.4
    columns = {
        "died": np.where(died, yes, no), "arm": rng.choice([a, b], n),
        "site": rng.choice([a, b, yes], n), "age": rng.normal(60, 9, n).round(1),
        "count": rng.poisson(2, n), "time": rng.exponential(9, n).round(2) + 0.1,
        "status": rng.choice([no, yes, a], n),
        "test": np.where(rng.random(n) < 0.3 + 0.4 * died, yes, no),
        "marker": (rng.normal(0, 1, n) + died).round(3), "patient": np.arange(n) // 2,
    }  # fmt: skip
    return pd.DataFrame({names[key]: values for key, values in columns.items()})


def translated(choice: Any, names: dict[str, str]) -> Any:
    if isinstance(choice, list):
        return [translated(item, names) for item in choice]
    return names.get(choice, choice) if isinstance(choice, str) else choice


def run(name: str, names: dict[str, str]) -> str:
    """One analysis and all views of its result; their HTML."""
    dataset = as_dataset(frame_of(names))
    choices = {key: translated(value, names) for key, value in CHOICES[name].items()}
    analysis = logic.CATALOGUE[name]
    given = analysis.signature.bind(dataset, **choices)
    given.apply_defaults()
    complete = {k: v for k, v in given.arguments.items() if k not in ("data", "progress")}
    _, complete = analysis.prepare(dataset, complete)
    result = analysis.function(dataset, **complete)
    request = Request(analysis=name, dataset=dataset, name=names["patient"], choices=choices)
    answer = Answer(request, Run(result, "computed", 0.1, 0.1), datetime(2026, 1, 1, tzinfo=UTC))
    style = STYLES["plain"]
    shown = [_views.table_view(answer, style), _views.details_view(answer, style),
             _views.methods_view(answer), _views.code_view(answer)]  # fmt: skip
    shown += [_views.figure_view(figure) for figure in _views.figures(answer, style)]
    return "".join(str(part) for part in shown)


def main() -> None:
    plain = dict(zip(PLAIN, PLAIN, strict=True))
    hostile = {key: trick.replace("{c}", CANARY) for key, trick in zip(PLAIN, TRICKS, strict=True)}
    seen: list[tuple[str, str]] = []
    listening = False

    def hook(event: str, args: tuple[object, ...]) -> None:
        if listening and event.startswith(WATCHED):
            seen.append((event, repr(args)[:2_000]))

    sys.addaudithook(hook)

    def listen(name: str, names: dict[str, str]) -> tuple[list[tuple[str, str]], str]:
        nonlocal listening
        seen.clear()
        listening = True
        try:
            html = run(name, names)
        finally:
            listening = False
        return list(seen), html

    caught: list[str] = []
    events: Counter[str] = Counter()
    live: list[str] = []
    for name in CHOICES:
        run(name, plain)
        usual = {event for event, _ in listen(name, plain)[0]}
        found, html = listen(name, hostile)
        events.update(event for event, _ in found)
        caught += [f"{name}: {e} {a}" for e, a in found if CANARY in a or e not in usual]
        live += [name] if f"<script>{CANARY}" in html else []
    listening = True
    eval("len('control')")  # the hook must see what an analysis may not do
    listening = False
    print(json.dumps({
        "analyses": list(CHOICES), "events": dict(events), "caught": caught, "live": live,
        "control": [e for e, a in seen if "control" in a and e in ("compile", "exec")],
        "files": [str(p) for p in Path().glob(f"*{CANARY}*")],
    }))  # fmt: skip


if __name__ == "__main__":
    main()

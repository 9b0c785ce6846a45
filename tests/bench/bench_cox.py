"""Cox models beside statsmodels' PHReg and lifelines (`make bench-peers`).

Command: python -m tests.bench.bench_cox. CPU time of one process with one BLAS thread, best of
several runs. "maximum" is what the peers do: sort, maximum, standard errors. "fit" is the adjusted
model with likelihood-ratio p per term and concordance with its error. "analysis" is the whole of
`fit_cox`: a crude model per predictor, the adjusted one, the test of proportional hazards,
collinearity and influence, with Wald or profile limits. Peers fit the adjusted model only (lifelines
computes its concordance later). MB is what the resident size grows by.
"""

from __future__ import annotations

import os

os.environ["OPENBLAS_NUM_THREADS"] = "1"

import warnings

import numpy as np
import pandas as pd

from stats.cox import fit_cox
from stats.cox_model import CoxFamily
from stats.design import make_design
from stats.follow_up import Columns
from stats.likelihood import maximise
from stats.model_choices import build_terms
from stats.partial_likelihood import PartialLikelihood
from stats.risk_sets import risk_order
from stats.term_models import fit_adjusted_model
from stats.time_to_event import read_time_to_event
from stats.variables import Dataset
from tests.bench.memory import peak_added
from tests.bench.peers_survival import ask, cpu_ms, survival_frame
from tests.bench.report import keep

SIZES = ((500, 5), (5_000, 20), (50_000, 20))
_PEER_ROWS = 5_000  # above, PHReg would take minutes
_GOAL_MS = {(5_000, 20): 15.0}


def adjusted_only(dataset: Dataset, names: list[str]) -> object:
    follow_up = read_time_to_event(dataset, Columns(time="time", event="dead"), 1)
    family = CoxFamily(follow_up, "auto", "wald", 0.95, "efron")
    choices = {"predictors": names, "references": {}, "scale": {}}
    return fit_adjusted_model(build_terms(dataset, choices), family)


def newton_only(dataset: Dataset, names: list[str]) -> object:
    follow_up = read_time_to_event(dataset, Columns(time="time", event="dead"), 1)
    order = risk_order(np.flatnonzero(follow_up.known), follow_up.time, follow_up.event)
    terms = build_terms(dataset, {"predictors": names, "references": {}, "scale": {}})
    design = make_design(terms, order.rows)
    model = PartialLikelihood(design, order.among(order.rows))
    return maximise(model, np.zeros(len(names))).covariance


def phreg(frame: pd.DataFrame, names: list[str]) -> object:
    from statsmodels.duration.hazard_regression import PHReg

    model = PHReg(frame["time"], frame[names], status=frame["dead"], ties="efron")
    return model.fit(disp=0).bse


def sized(n: int, p: int, *, ties: bool) -> tuple[str, dict[str, float], str]:
    """One line of the table, its numbers, the version of lifelines."""
    frame = survival_frame(n, p, ties=ties)
    dataset = Dataset(frame)
    names = [c for c in frame if c.startswith("x")]
    asked = {"time": "time", "event": "dead", "event_level": 1, "predictors": names}
    times = 5 if n < 10_000 else 2
    peer = ask("cox", n, p, ties)
    found = {
        "newton": cpu_ms(lambda: newton_only(dataset, names), times),
        "fit": cpu_ms(lambda: adjusted_only(dataset, names), times),
        "wald": cpu_ms(lambda: fit_cox(dataset, interval="wald", **asked), times),
        "profile": cpu_ms(lambda: fit_cox(dataset, **asked), times),
        "phreg": cpu_ms(lambda: phreg(frame, names), 1) if n <= _PEER_ROWS else float("nan"),
        "lifelines": float(peer.get("cox", float("nan"))),
        "added_mb": peak_added(lambda: fit_cox(dataset, **asked)),
    }
    shown = {k: f"{v:.1f}" if np.isfinite(v) else "-" for k, v in found.items()}
    kind = "tied" if ties else "apart"
    goal = f"({_GOAL_MS[n, p]:g})" if (n, p) in _GOAL_MS else ""
    line = f"{n:>7} x {p:<3}{kind:>6} | {shown['newton']:>7} {goal:>5} |" + " |".join(
        f"{shown[k]:>10}" for k in ("fit", "wald", "profile", "phreg", "lifelines", "added_mb")
    )
    return line, {f"{k}_{n}_{p}_{kind}": v for k, v in found.items() if np.isfinite(v)}, str(
        peer.get("version", "not measured")
    )  # fmt: skip


def main() -> None:
    """Print and keep the table."""
    warnings.simplefilter("ignore")
    lines = [
        "CPU ms; in brackets the goal of what the peers do (maximum and standard errors)",
        "  rows x cols times | maximum (goal)|       fit |analysis W |   profile |     PHReg | "
        "lifelines |       MB",
    ]
    quoted: dict[str, float] = {}
    version = ""
    for n, p in SIZES:
        for ties in (True, False):
            line, numbers, version = sized(n, p, ties=ties)
            lines.append(line)
            quoted |= numbers
    keep("bench_cox", [f"lifelines {version}", "", *lines], numbers=quoted)


if __name__ == "__main__":
    main()

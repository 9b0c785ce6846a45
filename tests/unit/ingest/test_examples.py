"""The bundled examples: read without a warning, as their catalogue says, and reproducible."""

from __future__ import annotations

import csv
import importlib.util
import io
import json
from pathlib import Path

import pytest

from ingest import read_table

FOLDER = Path(__file__).resolve().parents[3] / "examples"
CATALOGUE = json.loads((FOLDER / "catalogue.json").read_text(encoding="utf-8"))


def maker():
    spec = importlib.util.spec_from_file_location("make_cohort", FOLDER / "make_cohort.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("entry", CATALOGUE, ids=lambda entry: entry["key"])
def test_example_reads_quietly_and_has_what_is_suggested(entry):
    imported = read_table(FOLDER / entry["file"], name=entry["file"])
    assert [n.text for n in imported.report.notes if n.severity != "info"] == []
    kinds = {variable.name: variable for variable in imported.variables}
    suggested = entry["suggested"]
    assert suggested["event"] in kinds[suggested["outcome"]].levels
    assert set(suggested["predictors"]) <= set(kinds)
    for key in ("time", "status"):
        assert suggested.get(key, next(iter(kinds))) in kinds
    for key in ("title", "description", "source", "licence"):
        assert entry[key]


def test_cohort_is_large_typed_and_has_units():
    imported = read_table(FOLDER / "sepsis_cohort.csv", name="sepsis_cohort.csv")
    kinds = {v.name: v.kind for v in imported.variables}
    units = {v.name: v.unit for v in imported.variables}
    assert len(imported.frame) >= 5_000
    assert set(kinds.values()) == {
        "identifier", "categorical", "date", "continuous", "binary", "ordered",
    }  # fmt: skip
    assert kinds["stage"] == "ordered"
    assert kinds["cancer"] == "binary"
    assert units["leucocytes (10^9/L)"] == "10^9/L"
    assert units["age (years)"] == "years"


def test_generator_writes_the_committed_file():
    cohort = maker().make_cohort()
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(cohort)
    writer.writerows(zip(*cohort.values(), strict=True))
    assert out.getvalue() == (FOLDER / "sepsis_cohort.csv").read_text(encoding="utf-8")


def test_outcome_and_survival_agree():
    frame = read_table(FOLDER / "sepsis_cohort.csv", name="x").frame
    early = (frame["died"] == 1) & (frame["follow_up (days)"] <= 30)
    assert ((frame["died_30d"] == "yes") == early).all()
    unknown = (frame["died"] == 0) & (frame["follow_up (days)"] < 30)
    assert (frame["died_30d"].isna() == unknown).all()

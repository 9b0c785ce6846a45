"""The models of the reference files as designs, read from the CSV and JSON files as they lie."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from stats.design import Design, Floats, Term, complete_rows, make_design
from stats.variables import label_of

HERE = Path(__file__).parent


def truth(name: str) -> dict[str, Any]:
    return json.loads((HERE / "truth" / f"{name}.json").read_text(encoding="utf-8"))


def data(name: str) -> pd.DataFrame:
    return pd.read_csv(HERE / "data" / f"{name}.csv", keep_default_na=False, na_values=["", "NA"])


def labels(column: pd.Series) -> pd.Series:
    return column.map(lambda v: None if pd.isna(v) else label_of(v))


def term_of(frame: pd.DataFrame, predictor: Mapping[str, Any]) -> Term:
    column = frame[predictor["name"]]
    if predictor["type"] == "numeric":
        return Term(predictor["name"], "continuous", column.to_numpy(dtype=np.float64))
    levels = tuple(str(level) for level in predictor["levels"])
    codes = pd.Categorical(labels(column), categories=levels).codes
    return Term(
        predictor["name"], "factor", codes, levels, levels.index(str(predictor["reference"]))
    )


def model_of(
    found: Mapping[str, Any], predictors: Sequence[Mapping[str, Any]] | None = None
) -> tuple[Design, Floats]:
    """Design and 0/1 outcome of a file's adjusted model, or of some of its predictors alone."""
    frame, options = data(found["dataset"]), found["options"]
    if options["outcome"] == "dm":  # died of melanoma, as the file's r_call says
        outcome = labels((frame["status"] == 1).astype(int))
    else:
        outcome = labels(frame[options["outcome"]])
    terms = [term_of(frame, p) for p in predictors or options["predictors"]]
    rows = complete_rows(terms, outcome.notna().to_numpy())
    y = (outcome == str(options["event"])).to_numpy(dtype=np.float64)
    return make_design(terms, rows), y[rows]


def numbers(rows: Sequence[Mapping[str, Any]], *path: str) -> Floats:
    """One number of each row, at the end of a path of keys."""
    found = []
    for row in rows:
        value: Any = row
        for key in path:
            value = value[key]
        found.append(float(value))
    return np.array(found)

"""Reference datasets as the truth files' options describe them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd

HERE = Path(__file__).parent


def truth(name: str) -> dict[str, Any]:
    return json.loads((HERE / "truth" / f"{name}.json").read_text(encoding="utf-8"))


def frame_of(dataset: str, predictors: list[dict[str, Any]], *outcomes: str) -> pd.DataFrame:
    """Columns typed as the options say: categorical with the listed level order."""
    text = pd.read_csv(
        HERE / "data" / f"{dataset}.csv", dtype="str", keep_default_na=False, na_values=["", "NA"]
    )
    if dataset == "melanoma":  # the truth file's note: outcome dm is status == 1
        text["dm"] = (text["status"] == "1").map({True: "1", False: "0"})
    out = {name: text[name].astype("category") for name in outcomes}
    for p in predictors:
        column = text[p["name"]]
        if p["type"] == "numeric":
            out[p["name"]] = column.astype("float64")
        else:
            out[p["name"]] = pd.Categorical(column, categories=[str(v) for v in p["levels"]])
    return pd.DataFrame(out)


def number(value: object) -> float:
    """Truth files write Inf and NA as text."""
    if isinstance(value, str):
        return {"Inf": float("inf"), "-Inf": float("-inf")}.get(value, float("nan"))
    return float(value)  # type: ignore[arg-type]

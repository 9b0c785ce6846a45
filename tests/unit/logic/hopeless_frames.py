"""Frames that no analysis can do much with, all with the same columns.

`time`, `status` (0/1), `group` (text), `arm` (text, two levels), `marker`, `other` (numbers),
`count` (whole numbers), `site` (text).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

N = 24
NUMBERS = ("time", "marker", "other", "count")
FACTORS = ("status", "group", "arm", "site")


def base(n: int = N) -> pd.DataFrame:
    """A harmless frame."""
    i = np.arange(n)
    return pd.DataFrame(
        {
            "time": 1.0 + (7 * i) % 23,
            "status": (i * i + i // 3) % 2,
            "group": np.array(["a", "b", "c"])[i % 3],
            "arm": np.array(["no", "yes"])[(i // 2) % 2],
            "marker": np.sin(i) + i / 10,
            "other": np.cos(3 * i),
            "count": (5 * i) % 7,
            "site": np.array(["north", "south", "east"])[(i // 5) % 3],
        }
    )


def _all(columns: tuple[str, ...], value: object) -> Callable[[], pd.DataFrame]:
    return lambda: base().assign(**dict.fromkeys(columns, value))


def _one(column: str, row: int, value: object) -> Callable[[], pd.DataFrame]:
    def make() -> pd.DataFrame:
        frame = base()
        if isinstance(value, str):
            frame[column] = frame[column].astype(object)
        elif column in NUMBERS:
            frame[column] = frame[column].astype(float)
        frame.loc[row, column] = value
        return frame

    return make


def _levels_of_one_row_each() -> pd.DataFrame:
    return base().assign(group=[f"g{i}" for i in range(N)], site=[f"s{i}" for i in range(N)])


def _unused_levels() -> pd.DataFrame:
    frame = base()
    frame["group"] = pd.Categorical(frame["group"], categories=["z", "c", "b", "a", "y"])
    return frame.assign(arm=pd.Categorical(frame["arm"], categories=["maybe", "no", "yes"]))


FRAMES: dict[str, Callable[[], pd.DataFrame]] = {
    "no rows": lambda: base(0),
    "one row": lambda: base(1),
    "two rows": lambda: base(2),
    "three rows": lambda: base(3),
    "numbers constant": _all(NUMBERS, 1.0),
    "factors constant": _all(("group", "arm", "site"), "a"),
    "everything constant": lambda: _all(("group", "arm", "site"), "a")().assign(
        time=1.0, status=1, marker=1.0, other=1.0, count=1
    ),
    "numbers missing": _all(NUMBERS, np.nan),
    "factors missing": lambda: base().assign(
        group=pd.Categorical([None] * N, ["a"]),
        arm=pd.Categorical([None] * N, ["no", "yes"]),
        site=pd.Categorical([None] * N, ["a"]),
    ),
    "status missing": _all(("status",), np.nan),
    "no event": _all(("status",), 0),
    "events only": _all(("status",), 1),
    "status of three values": lambda: base().assign(status=np.arange(N) % 3),
    "one arm": _all(("arm",), "yes"),
    "one event": lambda: base().assign(status=[1] + [0] * (N - 1)),
    "arm is status": lambda: base().assign(arm=np.where(base()["status"] == 1, "yes", "no")),
    "marker is status": lambda: base().assign(marker=base()["status"].astype(float)),
    "marker is other": lambda: base().assign(other=base()["marker"]),
    "marker is twice other and one": lambda: base().assign(other=2 * base()["marker"] + 1),
    "group is site": lambda: base().assign(site=base()["group"]),
    "a level per row": _levels_of_one_row_each,
    "unused levels": _unused_levels,
    "only one row complete": lambda: base().assign(
        marker=[1.0] + [np.nan] * (N - 1), other=base()["other"]
    ),
    "no row complete": lambda: base().assign(
        marker=np.where(np.arange(N) % 2 == 0, np.nan, 1.0),
        other=np.where(np.arange(N) % 2 == 1, np.nan, 1.0),
    ),
    "an infinite number": _one("marker", 3, np.inf),
    "an infinite time": _one("time", 3, np.inf),
    "a negative infinity": _one("other", 5, -np.inf),
    "numbers near the largest": lambda: base().assign(marker=base()["marker"] * 1e306),
    "numbers near the smallest": lambda: base().assign(marker=base()["marker"] * 1e-306),
    "tiny spread on a large level": lambda: base().assign(marker=1e12 + base()["other"] * 1e-3),
    "one huge outlier": _one("marker", 0, 1e15),
    "negative times": lambda: base().assign(time=-base()["time"]),
    "times of zero": _all(("time",), 0.0),
    "tied times": _all(("time",), 5.0),
    "a negative count": _one("count", 2, -1.0),
    "a fraction in counts": _one("count", 2, 1.5),
    "counts of zero": _all(("count",), 0),
    "text in numbers": _one("marker", 4, "high"),
    "numbers as text": lambda: base().assign(marker=base()["marker"].astype(str)),
    "numbers are dates": lambda: base().assign(marker=pd.date_range("2024-01-01", periods=N)),
    "numbers are flags": lambda: base().assign(marker=base()["marker"] > 1),
    "levels that look like nothing": lambda: base().assign(
        group=np.array(["nan", "None", "NA"])[np.arange(N) % 3],
        arm=np.array(["", " "])[np.arange(N) % 2],
    ),
    "levels with markup": lambda: base().assign(
        group=np.array(["<b>x</b>", "=1+1", "\u202eabc"])[np.arange(N) % 3]
    ),
    "minus zero": lambda: base().assign(marker=np.where(np.arange(N) % 2 == 0, 0.0, -0.0)),
    "integers beyond 2**53": lambda: base().assign(marker=np.arange(N) + 2**60),
}

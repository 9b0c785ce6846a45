"""Choices as plain data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd


def plain(value: Any) -> Any:
    """Choices as plain data: numpy scalars and array-likes become Python values."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, (np.ndarray, pd.Index, pd.Series, list, tuple, set, frozenset)):
        items = sorted(value, key=str) if isinstance(value, (set, frozenset)) else value
        return tuple(plain(v) for v in items)
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items()}
    return value

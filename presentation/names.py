"""What columns are called in print: label, unit and the step that an estimate is for."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_STEP_WORDS = {"iqr": "interquartile range", "sd": "standard deviation"}


@dataclass(frozen=True)
class Names:
    """`labels` and `units` by column name; `steps` the units of one step ("iqr", "sd" or a
    number) where an estimate is not for one unit.
    """

    labels: Mapping[str, str] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)
    steps: Mapping[str, Any] = field(default_factory=dict)

    def of(self, name: str) -> str:
        """The label, or the column's name where it has none."""
        return self.labels.get(name) or name

    def with_unit(self, name: str) -> str:
        """`Age, years`."""
        unit = self.units.get(name)
        return f"{self.of(name)}, {unit}" if unit else self.of(name)

    def with_step(self, name: str) -> str:
        """`Age (per 10 years)`, `Age, years`: what one step of a continuous term is."""
        step = self._step(name)
        return f"{self.of(name)} (per {step})" if step else self.with_unit(name)

    def step_phrase(self, name: str) -> str:
        """`Age per 10 years`, `Age in years`; empty when neither unit nor step is known."""
        step, unit = self._step(name), self.units.get(name)
        if step:
            return f"{self.of(name)} per {step}"
        return f"{self.of(name)} in {unit}" if unit else ""

    def _step(self, name: str) -> str:
        """`10 years`, `interquartile range`; empty for a step of one unit."""
        step = self.steps.get(name)
        if isinstance(step, str) and step.lower() in _STEP_WORDS:
            return _STEP_WORDS[step.lower()]
        if isinstance(step, (int, float)) and math.isfinite(step) and step != 1:
            return f"{step:.6g} {self.units.get(name) or 'units'}"
        return ""


def names_of(
    choices: Mapping[str, Any],
    labels: Mapping[str, str] | None,
    units: Mapping[str, str] | None,
) -> Names:
    """Names for one result; the steps are its choice `scale`."""
    scale = choices.get("scale")
    return Names(labels or {}, units or {}, scale if isinstance(scale, Mapping) else {})

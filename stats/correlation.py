"""`correlate`: correlations of all pairs of variables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Final

import numpy as np
import pandas as pd

from stats import association_sources as sources
from stats.correlated import Correlated, Scored, kendall, partial, product_moment, scored
from stats.correlation_notes import notes_on_pairs
from stats.design import Bools, Floats
from stats.errors import BadInput, NotEstimable
from stats.markers import Marker, check_marker, marker_of
from stats.multiplicity import ADJUSTMENTS, adjusted_p
from stats.named_choices import confidence_level, one_of
from stats.ranks import LARGEST_VALUE
from stats.result import CorrelationResult
from stats.stopping import check_stopped
from stats.terms import column_names
from stats.variables import Dataset, as_dataset, quote_list

MOST_VARIABLES: Final = 40
_KEPT_ELEMENTS: Final = 6_000_000  # scored columns kept between pairs, 48 MB
_METHODS = ("pearson", "spearman", "kendall")
_INTERVALS: Mapping[str, tuple[str, ...]] = {
    "pearson": ("fisher",),
    "spearman": ("bonett_wright", "fisher", "fieller"),
    "kendall": ("fieller",),
}


def correlate(
    data: Dataset | pd.DataFrame,
    *,
    variables: Sequence[str],
    method: str = "pearson",
    given: Sequence[str] | None = None,
    missing: str = "pairwise",
    interval: str | None = None,
    exact: bool = True,
    adjust: str = "holm",
    ci_level: float = 0.95,
) -> CorrelationResult:
    """Pearson's, Spearman's or Kendall's correlation of every pair, with intervals and tests.

    Parameters
    ----------
    data : one row per patient.
    variables : 2 to 40 columns of numbers; Spearman and Kendall take ordered levels too.
    method : "pearson", "spearman" or "kendall" (tau-b).
    given : columns held constant: partial correlations (not for Kendall).
    missing : "pairwise" (each pair on the rows that know it) or "complete" (all pairs on the rows
        that know all variables).
    interval : on Fisher's z. Spearman: "bonett_wright" (default), "fisher" or "fieller"; Pearson
        "fisher"; Kendall "fieller".
    exact : exact p of rank correlations where there are no ties (Spearman: up to 9 rows, then
        Edgeworth series below 1,290; Kendall: below 50), as R's cor.test; else approximate.
    adjust : of the p-values over the pairs: "holm", "bonferroni", "bh" or "none".
    ci_level : in [0.5, 1).

    Returns
    -------
    CorrelationResult. `pairs`: one row per pair with n, coefficient, interval, statistic, df, p and
    adjusted p; `test` says where p comes from (t, normal, series, exact).

    Raises
    ------
    BadInput : unknown column, fewer than two, a column that is not numeric or ordered, infinite
        values. NotEstimable : no row knows two of the variables.

    References
    ----------
    See `stats.correlated`, `stats.spearman` and `stats.kendall` for formulas and sources.

    Checked against
    ---------------
    R cor.test (tests/reference), scipy, enumeration.
    """
    dataset = as_dataset(data)
    asked = {
        "variables": variables, "method": method, "given": given, "missing": missing,
        "interval": interval, "exact": exact, "adjust": adjust, "ci_level": ci_level,
    }  # fmt: skip
    choices = prepare(dataset, asked)[1]
    markers = [marker_of(dataset, n, largest=LARGEST_VALUE) for n in choices["variables"]]
    held = [marker_of(dataset, n, largest=LARGEST_VALUE) for n in choices["given"]]
    rows, exclusions = _rows(dataset.n_rows, markers, held, choices["missing"])
    pairs = _Pairs(markers, held, rows, choices).all()
    p_values = np.array([p.found.p_value for p in pairs], dtype=np.float64)
    return CorrelationResult(
        analysis="correlate", choices=choices, n_rows=dataset.n_rows,
        n_used=int(np.count_nonzero(rows)), exclusions=exclusions,
        notes=tuple(notes_on_pairs([(p.a, p.b, p.n, p.found) for p in pairs], choices)),
        references=_references(choices, pairs),
        method={
            "method": choices["method"], "interval": choices["interval"],
            "ci_level": choices["ci_level"], "missing": choices["missing"],
            "adjust": choices["adjust"], "given": choices["given"],
            "tests": tuple(dict.fromkeys(p.found.test for p in pairs if p.found.test)),
        },
        variables=choices["variables"], given=choices["given"],
        pairs=_frame(pairs, adjusted_p(p_values, choices["adjust"])),
        facts={"smallest_n": min(p.n for p in pairs), "largest_n": max(p.n for p in pairs)},
    )  # fmt: skip


def prepare(dataset: Dataset, choices: Mapping[str, Any]) -> tuple[tuple[str, ...], dict[str, Any]]:
    """Check the choices of `correlate`; the columns named and the choices in full."""
    names = column_names(choices["variables"], "variables")
    given = () if choices["given"] is None else column_names(choices["given"], "given variables")
    method = one_of("method", choices["method"], _METHODS)
    _enough(names)
    for name in (*names, *given):
        check_marker(dataset, name, ordered=method != "pearson", role="correlated")
    both = [name for name in given if name in names]
    if both:
        raise BadInput(
            f'"{both[0]}" was chosen both as a variable and to be held constant.', column=both[0],
            rule="given", hint="Take it out of one of the two.",
        )  # fmt: skip
    if given and method == "kendall":
        raise BadInput(
            "Partial correlation is not offered for Kendall's tau.", rule="given", found="kendall",
            hint='Choose "spearman" or "pearson".',
        )  # fmt: skip
    known = _INTERVALS[method]
    asked = known[0] if choices["interval"] is None else choices["interval"]
    complete = {
        "variables": names,
        "method": method,
        "given": given,
        "missing": one_of("missing", choices["missing"], ("pairwise", "complete")),
        "interval": one_of("interval", asked, known),
        "exact": bool(choices["exact"]),
        "adjust": one_of("adjust", choices["adjust"], ADJUSTMENTS),
        "ci_level": confidence_level(choices["ci_level"]),
    }
    return (*names, *given), complete


def _enough(names: Sequence[str]) -> None:
    if len(names) < 2:
        raise BadInput(
            f"A correlation needs two variables, and {len(names)} "
            f"{'was' if len(names) == 1 else 'were'} chosen.",
            rule="variables", found=str(len(names)), hint="Choose two or more.",
        )  # fmt: skip
    if len(names) > MOST_VARIABLES:
        raise BadInput(
            f"{len(names)} variables were chosen; at most {MOST_VARIABLES} can be correlated.",
            rule="variables", found=str(len(names)), hint="Choose fewer.",
        )  # fmt: skip


def _rows(
    n_rows: int, markers: Sequence[Marker], held: Sequence[Marker], missing: str
) -> tuple[Bools, dict[str, int]]:
    """The rows that some pair can use, and why the others cannot be used."""
    rows = np.ones(n_rows, dtype=np.bool_)
    exclusions: dict[str, int] = {}
    for marker in held:
        rows &= marker.known
    if held:
        exclusions["held constant missing"] = n_rows - int(np.count_nonzero(rows))
    known = np.zeros(n_rows, dtype=np.int64)
    for marker in markers:
        known += marker.known
    least = len(markers) if missing == "complete" else 2
    before = int(np.count_nonzero(rows))
    rows &= known >= least
    reason = "variable missing" if missing == "complete" else "fewer than two variables known"
    exclusions[reason] = before - int(np.count_nonzero(rows))
    if not rows.any():
        names = quote_list([m.name for m in (*markers, *held)])
        raise NotEstimable(
            f"No row has values of {'all' if missing == 'complete' else 'two'} of {names}"
            f"{' and of all that is held constant' if held else ''}.",
            rule="complete rows", found="0", hint="Choose columns recorded in the same rows.",
        )  # fmt: skip
    return rows, exclusions


@dataclass(frozen=True, slots=True)
class _Pair:
    """Two variables on the `n` rows that know both and all that is held constant."""

    a: str
    b: str
    n: int
    found: Correlated


class _Pairs:
    """All pairs; columns without missing values among the rows are scored once and kept."""

    def __init__(
        self, markers: Sequence[Marker], held: Sequence[Marker], rows: Bools,
        choices: Mapping[str, Any],
    ) -> None:  # fmt: skip
        self._markers, self._held, self._choices = markers, held, choices
        everything = bool(rows.all())
        self._values = {
            m.name: m.values if everything else m.values[rows] for m in (*markers, *held)
        }
        self._whole = {n for n, v in self._values.items() if not np.isnan(v).any()}
        self._kept: dict[str, Scored] = {}
        self._room = _KEPT_ELEMENTS

    def all(self) -> list[_Pair]:
        """Every pair in the order of the variables."""
        return [self._pair(a.name, b.name) for a, b in combinations(self._markers, 2)]

    def _pair(self, a: str, b: str) -> _Pair:
        check_stopped()
        names = (a, b, *(m.name for m in self._held))
        where = None
        if not self._whole.issuperset(names):
            where = np.logical_not(np.isnan(self._values[a]) | np.isnan(self._values[b]))
        n = len(self._values[a]) if where is None else int(np.count_nonzero(where))
        choices = self._choices
        level = choices["ci_level"]
        if choices["method"] == "kendall":
            x, y = (self._on(name, where) for name in names)
            return _Pair(a, b, n, kendall(x, y, exact=choices["exact"], ci_level=level))
        columns = [self._scored(name, where) for name in names]
        if self._held:
            found = partial(columns, interval=choices["interval"], ci_level=level)
            return _Pair(a, b, n, found)
        found = product_moment(
            columns[0], columns[1], method=choices["method"], interval=choices["interval"],
            exact=choices["exact"], ci_level=level,
        )  # fmt: skip
        return _Pair(a, b, n, found)

    def _on(self, name: str, where: Bools | None) -> Floats:
        values = self._values[name]
        return values if where is None else values[where]

    def _scored(self, name: str, where: Bools | None) -> Scored:
        ranks = self._choices["method"] == "spearman"
        if where is not None:
            return scored(self._on(name, where), ranks=ranks)
        if name in self._kept:
            return self._kept[name]
        found = scored(self._values[name], ranks=ranks)
        if len(self._values[name]) <= self._room:
            self._room -= len(self._values[name])
            self._kept[name] = found
        return found


def _frame(pairs: Sequence[_Pair], adjusted: Floats) -> dict[str, Any]:
    found = [p.found for p in pairs]
    return {
        "variable_a": [p.a for p in pairs],
        "variable_b": [p.b for p in pairs],
        "n": [p.n for p in pairs],
        "coefficient": [f.coefficient for f in found],
        "ci_low": [f.low for f in found],
        "ci_high": [f.high for f in found],
        "statistic": [f.statistic for f in found],
        "df": [f.df for f in found],
        "p_value": [f.p_value for f in found],
        "p_adjusted": adjusted,
        "test": [f.test or None for f in found],
    }


def _references(choices: Mapping[str, Any], pairs: Sequence[_Pair]) -> tuple[str, ...]:
    found = {
        "fisher": [sources.FISHER],
        "bonett_wright": [sources.BONETT_WRIGHT],
        "fieller": [sources.FIELLER],
    }[choices["interval"]]
    if choices["method"] == "kendall":
        found += [sources.KENDALL, sources.KNIGHT]
    if any(p.found.test in ("series", "exact") for p in pairs) and choices["method"] == "spearman":
        found.append(sources.BEST_ROBERTS)
    return tuple(found)

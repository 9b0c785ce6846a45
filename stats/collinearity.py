"""How far predictors repeat one another: exact dependence and variance inflation.

VIF_j = 1 / (1 - R2_j), with R2_j of column j on all others, is the j-th diagonal element of the
inverse correlation matrix. For the columns T of a term, with R the correlation matrix,

    GVIF = det R_TT det R_-T,-T / det R = det R_TT det (R^-1)_TT

and GVIF^(1/(2 df)) compares with the square root of a VIF (Fox & Monette 1992,
doi:10.1080/01621459.1992.10475190). The correlation matrix is accumulated in row blocks, so
that no copy of the design is made.

A column is exactly dependent (aliased) when the columns before it leave less than 1e-13 of its
variance, 3e-7 of its SD; the earlier columns are kept, as R's lm and glm do.

Checked against car::vif (`vif` reference files) and statsmodels' variance_inflation_factor.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import pandas as pd

from stats.design import Bools, Design, Floats, Ints, Term, complete_rows, make_design
from stats.errors import BadInput, NotEstimable
from stats.left_over import left_over
from stats.result import CollinearityResult, Note
from stats.terms import build_term, check_predictors, column_names, resolve_references
from stats.variables import Dataset, as_dataset

#: Share of a column's variance below which what is left of it is rounding.
EXACT: Final = 1e-13
_DOUBTFUL = 1e-8  # shares below this are computed again from the rows
_CAUTION, _WARNING = 5.0, 10.0  # variance inflation (factors: the square of GVIF^(1/(2 df)))
_FOX_MONETTE = (
    "Fox J, Monette G. Generalized collinearity diagnostics. J Am Stat Assoc 1992;87:178-183. "
    "doi:10.1080/01621459.1992.10475190"
)
_NAMED = 1e-6  # coefficients below this part of the largest are rounding


@dataclass(frozen=True, slots=True)
class Aliased:
    """A column (index into `design.columns`) that others determine.

    `depends_on` are earlier columns; empty means that the column is constant.
    """

    column: int
    depends_on: tuple[int, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Inflation:
    """One entry per column of the design; those of a term repeat on each of its columns.

    Columns in an exact dependence have an infinite VIF; constant columns have NaN.
    """

    vif: Floats
    gvif: Floats
    df: Ints
    gvif_scaled: Floats
    aliased: tuple[Aliased, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Dependence:
    """Correlations of the columns of a design (zero for constant ones), which columns are
    constant, and the Cholesky factor where no column is anywhere near dependent."""

    correlation: Floats
    constant: Bools
    factor: Floats | None


def dependence_of(design: Design, gram_matrix: Floats | None = None) -> Dependence:
    """The correlations of a design, factored; `gram_matrix` as in `find_aliased`."""
    correlation, constant = _correlation(design, gram_matrix)
    return Dependence(correlation, constant, None if constant.any() else _factor(correlation))


def find_aliased(
    design: Design, *, gram_matrix: Floats | None = None, dependence: Dependence | None = None
) -> list[Aliased]:
    """The columns that earlier ones determine, in order, each with what it depends on.

    `gram_matrix` is X'X of the design with its intercept, `dependence` what `dependence_of` gives,
    where the caller has them. A design with fewer rows than columns has aliased columns for that
    reason alone.
    """
    found = dependence_of(design, gram_matrix) if dependence is None else dependence
    return [] if found.factor is not None else _aliased(design, found)


def vif_of(
    design: Design, *, gram_matrix: Floats | None = None, dependence: Dependence | None = None
) -> Inflation:
    """Variance inflation of every column and term; arguments as in `find_aliased`."""
    found = dependence_of(design, gram_matrix) if dependence is None else dependence
    p = len(design.columns)
    aliased: list[Aliased] = []
    if found.factor is not None:
        half = np.linalg.inv(found.factor)
        inverse = half.T @ half
    else:
        aliased = _aliased(design, found)
        kept = np.setdiff1d(np.arange(p), [a.column for a in aliased])
        among = np.ix_(kept, kept)
        half = np.linalg.inv(np.linalg.cholesky(found.correlation[among]))
        inverse = np.full((p, p), np.nan)
        inverse[among] = half.T @ half
    vif = np.maximum(inverse.diagonal(), 1.0)
    tied = {j for a in aliased if a.depends_on for j in (a.column, *a.depends_on)}
    vif[list(tied)] = np.inf
    gvif, df = vif.copy(), np.ones(p, dtype=np.intp)
    alike: dict[int, list[Sequence[int]]] = {}
    for columns in design.term_columns.values():
        if len(columns) > 1:
            alike.setdefault(len(columns), []).append(columns)
    for size, terms in alike.items():
        at = np.array(terms)
        df[at] = size
        gvif[at] = _generalised(found.correlation, inverse, at, tied)[:, None]
    return Inflation(vif, gvif, df, gvif ** (0.5 / df), tuple(aliased))


def _generalised(correlation: Floats, inverse: Floats, at: Ints, tied: set[int]) -> Floats:
    """GVIF of terms with equally many columns (a line of `at` for each)."""
    blocks = at[:, :, None], at[:, None, :]
    both = np.stack((correlation[blocks], inverse[blocks]))
    if at.shape[1] == 2:
        own = both[..., 0, 0] * both[..., 1, 1] - both[..., 0, 1] * both[..., 1, 0]
        gvif = own[0] * own[1]
    else:
        gvif = np.exp(np.linalg.slogdet(both)[1].sum(axis=0))
    gvif = np.maximum(gvif, 1.0)
    if tied:
        gvif[[bool(tied.intersection(columns)) for columns in at.tolist()]] = np.inf
    return gvif


def _correlation(design: Design, gram_matrix: Floats | None) -> tuple[Floats, Bools]:
    """Correlations of the columns (zero for constant ones) and which columns are constant."""
    if gram_matrix is None:
        gram_matrix = np.zeros((design.n_parameters, design.n_parameters))
        for _, x in design.blocks():
            gram_matrix += x.T @ x
    n = max(1, design.n_rows)
    sums = gram_matrix[0, 1:]
    squares = gram_matrix.diagonal()[1:]
    centred = gram_matrix[1:, 1:] - sums[:, None] * (sums / n)
    variance = centred.diagonal()
    constant = ~(variance > EXACT * squares)
    scale = np.where(constant, 0.0, 1.0 / np.sqrt(np.where(constant, 1.0, variance)))
    correlation = centred * scale[:, None] * scale
    correlation[range(len(scale)), range(len(scale))] = ~constant
    return correlation, constant


def _factor(correlation: Floats) -> Floats | None:
    """The Cholesky factor where no column is anywhere near dependent; else None."""
    try:
        factor = np.asarray(np.linalg.cholesky(correlation), dtype=np.float64)
    except np.linalg.LinAlgError:
        return None
    return factor if len(factor) == 0 or factor.diagonal().min() ** 2 > _DOUBTFUL else None


def _aliased(design: Design, dependence: Dependence) -> list[Aliased]:
    """Cholesky elimination in column order that leaves dependent columns out."""
    correlation, constant = dependence.correlation, dependence.constant
    rest = correlation.copy()
    kept: list[int] = []
    found: list[Aliased] = []
    for j in range(len(rest)):
        if constant[j]:
            found.append(Aliased(j, ()))
            continue
        share, below = float(rest[j, j]), rest[j:, j].copy()
        if share < _DOUBTFUL:
            solved = np.linalg.solve(correlation[np.ix_(kept, kept)], correlation[kept, j])
            weights = np.asarray(solved, dtype=np.float64)
            if share > EXACT:
                below = left_over(design, j, kept, weights)
                share = float(below[0])
            if share <= EXACT:
                named = np.abs(weights) > _NAMED * np.abs(weights).max(initial=0.0)
                found.append(Aliased(j, tuple(np.array(kept)[named].tolist())))
                continue
        kept.append(j)
        rest[j:, j:] -= np.outer(below, below / share)
    return found


def collinearity_frame(design: Design, found: Inflation) -> dict[str, Any]:
    """The `collinearity` table of a result: one row per design column."""
    terms = [design.terms[c.term] for c in design.columns]
    return {
        "term": [t.name for t in terms],
        "level": [
            t.levels[c.level] if c.level >= 0 else None
            for t, c in zip(terms, design.columns, strict=True)
        ],
        "vif": found.vif,
        "gvif": found.gvif,
        "df": found.df,
        "gvif_scaled": found.gvif_scaled,
    }


def check_collinearity(
    data: Dataset | pd.DataFrame,
    *,
    variables: Sequence[str],
    references: Mapping[str, object] | None = None,
) -> CollinearityResult:
    """Variance inflation of each variable on the others, on the rows complete in all of them.

    `variables`: two or more columns, continuous or categorical; `references`: variable -> level
    (they change the VIF of single levels, not the GVIF of the factor). The `collinearity` frame
    has one row per column of the design; a variable without values or with one value is left out
    of the calculation, and its row and a note say so. BadInput for columns that cannot enter,
    NotEstimable when too few rows are complete.

    Checked against car::vif (R) and statsmodels.
    """
    dataset = as_dataset(data)
    _, choices = prepare(dataset, {"variables": variables, "references": references})
    named = choices["references"]
    terms = [build_term(dataset, name, named.get(name)) for name in choices["variables"]]
    usable, notes = _with_values(terms)
    rows = complete_rows(usable, np.ones(dataset.n_rows, dtype=np.bool_))
    usable, constant_notes = _varying(usable, rows)
    notes += constant_notes
    design = make_design(usable, rows)
    _computable(len(rows), len(design.columns))
    found = vif_of(design)
    notes += _notes(design, found)
    return CollinearityResult(
        analysis="check_collinearity",
        choices=choices,
        n_rows=dataset.n_rows,
        n_used=len(rows),
        exclusions={"variable missing": dataset.n_rows - len(rows)},
        notes=tuple(notes),
        references=(_FOX_MONETTE,),
        method={"caution_above": _CAUTION, "warning_above": _WARNING, "columns": len(found.vif)},
        collinearity=_with_left_out(collinearity_frame(design, found), terms, usable),
        facts={"largest_vif": float(found.vif.max(initial=1.0))},
    )


def prepare(dataset: Dataset, choices: Mapping[str, Any]) -> tuple[tuple[str, ...], dict[str, Any]]:
    """Check the choices of `check_collinearity`; the columns named and the choices in full."""
    names = column_names(choices["variables"], "variables")
    if len(names) < 2:
        raise BadInput(
            f"Collinearity needs at least two variables, and {len(names)} "
            f"{'was' if len(names) == 1 else 'were'} chosen.",
            rule="two variables", found=str(len(names)), hint="Choose more variables.",
        )  # fmt: skip
    check_predictors(dataset, names)
    references = resolve_references(dataset, names, choices["references"])
    return names, {"variables": names, "references": references}


def _with_values(terms: Sequence[Term]) -> tuple[list[Term], list[Note]]:
    empty = [t for t in terms if not t.known.any()]
    notes = [
        Note(
            "no_values", "warning",
            f'"{t.name}" has no values and was left out; take it out of the variables.', t.name,
        )
        for t in empty
    ]  # fmt: skip
    return [t for t in terms if t.known.any()], notes


def _varying(terms: Sequence[Term], rows: Ints) -> tuple[list[Term], list[Note]]:
    """The terms that vary on `rows`, each with a reference level that occurs."""
    kept: list[Term] = []
    notes: list[Note] = []
    for term in terms:
        values = term.values[rows]
        if len(values) and values.min() == values.max():
            text = (
                f'"{term.name}" has the same value in all {len(rows):,} rows used, so nothing can '
                "be said of it; take it out of the variables."
            )
            notes.append(Note("constant", "warning", text, term.name))
        elif term.kind == "factor" and not np.any(values == term.reference):
            first = int(values.min()) if len(values) else 0
            text = (
                f'No row used has "{term.name}" = "{term.levels[term.reference]}", its reference; '
                f'"{term.levels[first]}" was taken instead. Choose a reference that occurs.'
            )
            notes.append(Note("empty_reference", "info", text, term.name))
            kept.append(replace(term, reference=first))
        else:
            kept.append(term)
    return kept, notes


def _computable(n_rows: int, n_columns: int) -> None:
    if n_rows > n_columns + 1:
        return
    have = "no row has" if n_rows == 0 else f"only {n_rows} row{'s have' if n_rows > 1 else ' has'}"
    raise NotEstimable(
        f"Collinearity cannot be computed: {have} values for all variables, and more than "
        f"{n_columns + 1} are needed.",
        rule="complete rows", found=str(n_rows),
        hint="Leave out the variables with most missing values.",
    )  # fmt: skip


def column_title(design: Design, column: int) -> str:
    """`"stage" (II)` for a level's column, `"age"` for a continuous one."""
    at = design.columns[column]
    term = design.terms[at.term]
    return f'"{term.name}"' if at.level < 0 else f'"{term.name}" ({term.levels[at.level]})'


def _notes(design: Design, found: Inflation) -> list[Note]:
    notes = [
        Note(
            "aliased", "warning",
            f"{column_title(design, a.column)} is fully determined by "
            f"{_and(column_title(design, j) for j in a.depends_on)}. Take one of them out.",
            design.terms[design.columns[a.column].term].name,
        )
        for a in found.aliased if a.depends_on
    ]  # fmt: skip
    for columns in design.term_columns.values():
        inflation = float(found.gvif_scaled[columns[0]]) ** 2
        if not _CAUTION < inflation < np.inf:
            continue
        name = design.terms[design.columns[columns[0]].term].name
        strong = inflation > _WARNING
        what = "largely" if strong else "in part"
        measure = "variance inflation" if len(columns) == 1 else "generalised variance inflation"
        notes.append(
            Note(
                "collinearity", "warning" if strong else "caution",
                f'"{name}" can {what} be predicted from the other variables ({measure} '
                f"{inflation:.1f}, above {_WARNING if strong else _CAUTION:.0f}), so in one model "
                "its estimate is imprecise. Keep one of the variables that measure the same thing.",
                name,
            )
        )  # fmt: skip
    return notes


def _and(titles: Iterable[str]) -> str:
    """`a`, `a and b`, `a, b, c and 4 more`."""
    shown = list(titles)
    if len(shown) <= 2:
        return " and ".join(shown)
    if len(shown) <= 5:
        return f"{', '.join(shown[:-1])} and {shown[-1]}"
    return f"{', '.join(shown[:4])} and {len(shown) - 4} more"


def _with_left_out(
    frame: dict[str, Any], terms: Sequence[Term], usable: Sequence[Term]
) -> dict[str, list[Any]]:
    """The frame with a row of missing numbers for each term left out, in the terms' order."""
    columns = {name: list(values) for name, values in frame.items()}
    ordered: dict[str, list[Any]] = {name: [] for name in columns}
    names = {t.name for t in usable}
    blank = {"level": None, "vif": np.nan, "gvif": np.nan, "df": 0, "gvif_scaled": np.nan}
    for term in terms:
        at = [i for i, name in enumerate(columns["term"]) if name == term.name]
        for i in at:
            for name, values in columns.items():
                ordered[name].append(values[i])
        if term.name not in names:
            for name in columns:
                ordered[name].append(term.name if name == "term" else blank[name])
    return ordered

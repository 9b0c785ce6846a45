"""Score residuals of a Cox model: each row's share of the score, and what they are for.

    L_i = event_i (x_i - mean of m at its time)
          - sum over i's event times of r_i (x_i - m) / (S0 - f D0)

(the death at i's own time counting 1 - f). Times the covariance they are the changes of the
coefficients when a row is left out (to first order); their sums over clusters give the robust
covariance. (Lin & Wei 1989, doi:10.1080/01621459.1989.10478874; Therneau & Grambsch 2000.)
Checked against differences of the likelihood written out risk set by risk set, and against the
robust standard errors of statsmodels' PHReg on clustered data.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from stats.design import Floats, Ints
from stats.partial_likelihood import PartialLikelihood

#: Rows x columns above which influential rows are not looked for: the sums at the event times
#: would have to be held.
LARGEST = 2 << 20


def score_residuals(model: PartialLikelihood, beta: Floats) -> Iterator[tuple[slice, Floats]]:
    """Blocks of rows in risk order and their residuals, (p, rows), at `beta`."""
    risk = model.risk
    _, found = model.weights(beta)
    p = model.n_parameters
    pull, own = np.empty((p, len(risk.ends))), np.zeros((p, len(risk.ends)))
    mean = np.empty((p, len(risk.ends)))
    once = model.by_time(found.share)
    less = model.by_time(found.share * risk.fraction)
    for times, at_risk, died in model.event_sums(found.risk):
        pull[:, times] = at_risk * found.a[times]
        mean[:, times] = at_risk * once[times]
        if died is not None:
            pull[:, times] -= died * found.b[times]
            mean[:, times] -= died * less[times]
            own[:, times] = at_risk * found.b[times] - died * found.c[times]
    mean /= risk.deaths
    later = model.later_sums(pull)
    row_time = np.zeros(risk.n_rows, dtype=np.intp)
    row_time[risk.death_rows] = model.of_death
    for part, x in model.design.blocks():
        event, at = risk.event[part], row_time[part]
        residual = model.while_at_risk(later, part)
        residual -= own[:, at] * event
        residual *= found.risk[part]
        residual += x.T[1:] * (event - found.weight[part]) - mean[:, at] * event
        yield part, residual


def robust_covariance(
    model: PartialLikelihood, beta: Floats, covariance: Floats, cluster: Ints
) -> Floats:
    """The sandwich covariance with the residuals summed over clusters (codes per row of the
    design)."""
    _, codes = np.unique(cluster, return_inverse=True)
    sums = np.zeros((int(codes.max()) + 1, model.n_parameters))
    for part, residual in score_residuals(model, beta):
        for j in range(model.n_parameters):
            sums[:, j] += np.bincount(codes[part], weights=residual[j], minlength=len(sums))
    moved = sums @ covariance
    return moved.T @ moved


def displacement(
    model: PartialLikelihood, beta: Floats, covariance: Floats, top: int
) -> tuple[Ints, Floats, Floats]:
    """The rows that move the coefficients most: positions, distances, and their changes of the
    coefficients (p, rows), largest first.

    The distance is d'I d / p with d the change of the coefficients, as Cook's is.
    """
    p, n = model.n_parameters, model.risk.n_rows
    distance = np.empty(n)
    for part, residual in score_residuals(model, beta):
        distance[part] = np.einsum("ij,ij->j", residual, covariance @ residual) / p
    file_rows = model.design.rows
    chosen = np.lexsort((file_rows, -distance))[:top]
    moved = np.empty((p, len(chosen)))
    for part, residual in score_residuals(model, beta):
        own = np.flatnonzero((chosen >= part.start) & (chosen < part.stop))
        moved[:, own] = covariance @ residual[:, chosen[own] - part.start]
    return chosen, distance[chosen], moved

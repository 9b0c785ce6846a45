"""The Cox likelihood with Firth's penalty, half the log determinant of the information.

The penalised estimate is finite where the likelihood only rises, for instance when a group has
no event. With C the inverse information and q = (x - m)'C(x - m) of a row at risk, m the mean of
its risk set, the penalised score is

    U* = U + 1/2 sum over the events of E[(x - m) q]

(Firth 1993, doi:10.1093/biomet/80.1.27; Heinze & Schemper 2001,
doi:10.1111/j.0006-341X.2001.00114.x). The third moments need no p x p x p sums: the one that
would, sum S2 C m, is a sum over rows of r x (x'u) with u the sum of C m over a row's event times.
A restricted model keeps the information of the full design in its penalty.

Checked against a maximisation in R around coxph (the `firth_cox` reference files), numerical
derivatives, and the two-subject case with hazard ratio 3.
"""

from __future__ import annotations

import numpy as np

from stats.design import Floats
from stats.likelihood import Point
from stats.logistic import invert
from stats.partial_likelihood import EventSums, PartialLikelihood, RiskWeights


class PenalisedPartialLikelihood:
    """A `PartialLikelihood` with Firth's penalty; `Point.information` is the unpenalised one."""

    exact_curvature = False

    def __init__(self, model: PartialLikelihood) -> None:
        self.model = model
        self.n_parameters = model.n_parameters

    def at(self, beta: Floats) -> Point:
        """Penalised log-likelihood and score; minus infinity where the information is singular."""
        loglik, found = self.model.weights(beta)
        # those of a small design are kept between their two uses
        sums = list(self.model.event_sums(found.risk)) if self.model.design.kept else None
        information = self.model.information(found, sums)
        covariance = invert(information)
        if covariance is None or not np.isfinite(loglik):
            none = np.full(len(beta), np.nan)
            return Point(beta, -np.inf, none, information)
        score = self.model.event_sum + 0.5 * self._skew(found, covariance, sums)
        for part, x in self.model.design.blocks():
            score -= x.T[1:] @ found.weight[part]
        half = 0.5 * float(np.linalg.slogdet(information)[1])
        return Point(beta, loglik + half, score, information, covariance)

    def points(self, beta: Floats) -> tuple[Floats, Floats]:
        """Penalised values and scores at each column of `beta`, one after the other."""
        found = [self.at(beta[:, k]) for k in range(beta.shape[1])]
        return np.array([p.loglik for p in found]), np.column_stack([p.score for p in found])

    def _skew(self, found: RiskWeights, covariance: Floats, sums: list[EventSums] | None) -> Floats:
        """Sum over the events of E[(x - m) (x - m)'C(x - m)]."""
        model, risk = self.model, self.model.risk
        fraction, share, of = risk.fraction, found.share, model.of_death
        size = self._sizes(covariance)
        means = self._means(found, sums)
        at_risk = model.over_risk_sets((found.risk * size)[None, :])[0]
        died = model.by_time((found.risk * size)[risk.death_rows])
        expected = (at_risk[of] - fraction * died[of]) * share
        pulled = covariance @ means
        total = means @ (2.0 * np.einsum("ij,ij->j", means, pulled) - expected)
        pulled *= share
        later = model.later_sums(model.by_time(pulled))
        own = model.by_time(pulled * fraction)
        row_time = np.zeros(risk.n_rows, dtype=np.intp)
        row_time[risk.death_rows] = of
        for part, x in model.design.blocks():
            columns = x.T[1:]
            total += columns @ (found.weight[part] * size[part])
            u = model.while_at_risk(later, part)
            u -= own[:, row_time[part]] * risk.event[part]
            total -= 2.0 * columns @ (found.risk[part] * np.einsum("ij,ij->j", columns, u))
        return total

    def _sizes(self, covariance: Floats) -> Floats:
        """The quadratic form x'Cx of every row."""
        size = np.empty(self.model.risk.n_rows)
        for part, x in self.model.design.blocks():
            columns = x.T[1:]
            size[part] = np.einsum("ij,ij->j", covariance @ columns, columns)
        return size

    def _means(self, found: RiskWeights, sums: list[EventSums] | None) -> Floats:
        """The mean m at each event, (p, E)."""
        model, risk = self.model, self.model.risk
        means = np.empty((self.n_parameters, risk.n_events))
        for times, at_risk, died in model.event_sums(found.risk) if sums is None else sums:
            events = slice(*np.searchsorted(model.of_death, [times.start, times.stop]))
            of = model.of_death[events] - times.start
            means[:, events] = at_risk[:, of]
            if died is not None:
                means[:, events] -= risk.fraction[events] * died[:, of]
        means *= found.share
        return means

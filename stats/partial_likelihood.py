"""The Cox partial likelihood with Efron's or Breslow's ties, its score and its information.

With r_i = exp(x_i'b), S0 and S1 the sums of r and r x over a risk set, D0 and D1 the same over
the d rows that have the event at that time, and f = l/d for the l-th of them (0 for Breslow):

    log-likelihood = sum x_i'b  -  sum log(S0 - f D0)

Both derivatives need no sum of p x p matrices per event time: with
w_i = r_i (sum over the event times at which i is at risk of 1/(S0 - f D0), the death at i's own
time counting 1 - f),

    score       = X'(event - w)
    information = X' diag(w) X - sum of m m',   m = (S1 - f D1) / (S0 - f D0).

(Cox 1972, doi:10.1111/j.2517-6161.1972.tb00899.x; Efron 1977,
doi:10.1080/01621459.1977.10480613; Breslow 1974, doi:10.2307/2529620.)
Checked against coxph (R survival) and a likelihood written out risk set by risk set.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from stats.design import Design, Floats, Ints
from stats.likelihood import Point
from stats.risk_sets import RiskSets

_TILE_ELEMENTS = 1 << 20


#: A run of event times with S1 and, where events are tied, D1.
EventSums = tuple[slice, Floats, Floats | None]


@dataclass(frozen=True, slots=True, eq=False)
class RiskWeights:
    """What a set of coefficients gives every row and every event time.

    risk : r, up to a common factor, (n,). weight : w, (n,). `a`, `b`, `c` are the sums over
    tied events of g/(S0 - f D0)^2, g f/(...)^2, g f^2/(...)^2 with the event time's own
    multiplier g, (D,). share : 1/(S0 - f D0) of each event, (E,).
    """

    risk: Floats
    weight: Floats
    share: Floats
    a: Floats
    b: Floats
    c: Floats


class PartialLikelihood:
    """Likelihood of the columns of `design` (its intercept is not used) on `risk`.

    `design.rows` must be `risk.rows`.
    """

    exact_curvature = True

    def __init__(self, design: Design, risk: RiskSets) -> None:
        self.design = design
        self.risk = risk
        self.n_parameters = len(design.columns)
        self.starts = np.cumsum(risk.deaths) - risk.deaths
        self._single = bool(len(risk.heads) == 0 or risk.heads[-1] == 0)
        self.of_death = np.repeat(np.arange(len(risk.deaths)), risk.deaths)
        self._untied = len(self.of_death) == len(risk.deaths)
        happened = risk.event
        self.event_sum = np.zeros(self.n_parameters)
        for part, x in design.blocks():
            self.event_sum += x.T[1:] @ happened[part]

    def predictor(self, beta: Floats) -> Floats:
        """Linear predictors of every row: (K, n) for (p, K)."""
        eta = np.empty((beta.shape[1], self.risk.n_rows))
        for part, x in self.design.blocks():
            np.matmul(beta.T, x.T[1:], out=eta[:, part])
        return eta

    def points(self, beta: Floats) -> tuple[Floats, Floats]:
        """Log-likelihood (K,) and score (p, K) at each column of `beta` (p, K)."""
        k = beta.shape[1]
        loglik, score = np.empty(k), np.empty((self.n_parameters, k))
        step = max(1, _TILE_ELEMENTS // max(self.risk.n_rows, 1))
        for first in range(0, k, step):
            tile = slice(first, min(first + step, k))
            eta = self.predictor(beta[:, tile])
            loglik[tile], risk, share = self._at_events(eta)
            with np.errstate(over="ignore", invalid="ignore"):
                weight = self._row_weights(risk, share, share * self.risk.fraction)
                weight[~np.isfinite(weight).all(axis=1)] = np.nan  # not a point to go on from
            score[:, tile] = self.event_sum[:, None]
            for part, x in self.design.blocks():
                score[:, tile] -= x.T[1:] @ weight[:, part].T
        return loglik, score

    def at(self, beta: Floats) -> Point:
        """Log-likelihood, score and information at one set of coefficients."""
        loglik, found = self.weights(beta)
        score, information = self.event_sum.copy(), self.information(found)
        if not np.isfinite(information).all():
            return Point(beta, -np.inf, np.full(len(beta), np.nan), information)
        for part, x in self.design.blocks():
            score -= x.T[1:] @ found.weight[part]
        return Point(beta, loglik, score, information)

    def weights(self, beta: Floats, multiplier: Floats | None = None) -> tuple[float, RiskWeights]:
        """The log-likelihood and the weights, each event time counted `multiplier` times, (D,)."""
        eta = self.predictor(beta[:, None])
        loglik, risk, share = self._at_events(eta)
        fraction = self.risk.fraction
        counted = share if multiplier is None else share * multiplier[self.of_death]
        with np.errstate(over="ignore", invalid="ignore"):
            # far from the data a risk set may all but vanish: such a point is rejected
            weight = self._row_weights(risk, counted, counted * fraction)
            squared = (counted * share)[0]
            sums = [self.by_time(squared * fraction**power) for power in (0, 1, 2)]
        return float(loglik[0]), RiskWeights(risk[0], weight[0], share[0], *sums)

    def _at_events(self, eta: Floats) -> tuple[Floats, Floats, Floats]:
        """(K,) log-likelihoods, (K, n) risks, (K, E) 1/(S0 - f D0)."""
        top = eta.max(axis=1, keepdims=True, initial=-np.inf)
        risk = np.exp(eta - top)
        found = self.risk
        total = self.over_risk_sets(risk)
        denominator = total[:, self.of_death] if not self._untied else total.copy()
        died = risk[:, found.death_rows]
        if found.tied:
            tied = np.add.reduceat(died, self.starts, axis=1)
            denominator -= found.fraction * tied[:, self.of_death]
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            # risks so unequal that a whole risk set vanishes: the point is rejected
            loglik = (eta[:, found.death_rows] - top - np.log(denominator)).sum(axis=1)
            share = 1.0 / denominator
        return np.where(np.isnan(loglik), -np.inf, loglik), risk, share

    def over_risk_sets(self, values: Floats) -> Floats:
        """Sums of (K, n) values over the risk set of each event time, (K, D)."""
        found = self.risk
        summed = np.cumsum(values, axis=1)
        total = summed[:, found.ends - 1]
        if not self._single:
            total -= np.where(found.heads > 0, summed[:, found.heads - 1], 0.0)
        if found.entry_order is not None and found.entry_ends is not None:
            np.cumsum(values[:, found.entry_order], axis=1, out=summed)
            ends, heads = found.entry_ends, found.entry_heads
            total -= np.where(ends > 0, summed[:, ends - 1], 0.0)
            if heads is not None and not self._single:
                total += np.where(heads > 0, summed[:, heads - 1], 0.0)
        return total

    def later_sums(self, values: Floats) -> Floats:
        """Sums of (K, D) values from each event time to the earliest, (K, D + 1)."""
        later = np.zeros((values.shape[0], values.shape[1] + 1))
        np.cumsum(values[:, ::-1], axis=1, out=later[:, -2::-1])
        return later

    def while_at_risk(self, later: Floats, part: slice = slice(None)) -> Floats:
        """Sums over the event times at which each row (of `part`) is at risk, (K, rows), from
        `later_sums`."""
        found = self.risk
        summed = later[:, found.at_exit[part]]
        if found.at_entry is not None:
            # who left before the first event time was at risk at none of them
            stop = np.maximum(found.at_entry[part], found.at_exit[part])
            summed -= later[:, stop]
        elif not self._single:
            summed -= later[:, found.row_after_time[part]]
        return summed

    def by_time(self, values: Floats) -> Floats:
        """Sums over the tied events of each event time, along the last axis."""
        if self._untied:
            return values
        return np.add.reduceat(values, self.starts, axis=-1)

    def _row_weights(self, risk: Floats, share: Floats, less: Floats) -> Floats:
        weight = self.while_at_risk(self.later_sums(self.by_time(share)))
        weight *= risk
        if self.risk.tied:
            died = self.risk.death_rows
            weight[:, died] -= risk[:, died] * self.by_time(less)[:, self.of_death]
        return weight

    def information(self, found: RiskWeights, sums: Iterable[EventSums] | None = None) -> Floats:
        """X' diag(w) X less the outer products of the means at the event times; NaN where the
        coefficients are so far out that a risk set vanishes. `sums` are `event_sums`, when they
        are at hand."""
        p = self.n_parameters
        if not (np.all(np.isfinite(found.a)) and np.all(np.isfinite(found.weight))):
            return np.full((p, p), np.nan)
        total = np.zeros((p, p))
        for part, x in self.design.blocks():
            columns = x.T[1:]
            total += (columns * found.weight[part]) @ columns.T
        for times, at_risk, died in self.event_sums(found.risk) if sums is None else sums:
            total -= (at_risk * found.a[times]) @ at_risk.T
            if died is not None:
                across = (at_risk * found.b[times]) @ died.T
                total += across + across.T - (died * found.c[times]) @ died.T
        return (total + total.T) / 2.0

    def event_sums(self, risk: Floats) -> Iterator[EventSums]:
        """S1 and (with tied events, else None) D1, (p, times), for runs of event times."""
        found = self.risk
        out = self._not_entered(risk)
        carried = np.zeros(self.n_parameters)
        base, left = carried.copy(), carried.copy()
        for part, x in self.design.blocks():
            weighted = x.T[1:] * risk[part]
            first, last = np.searchsorted(found.ends, [part.start, part.stop], side="right")
            times = slice(int(first), int(last))
            died = self._died(weighted, part, times, left) if found.tied else None
            summed = np.cumsum(weighted, axis=1, out=weighted)
            summed += carried[:, None]
            at_risk = summed[:, found.ends[times] - 1 - part.start]
            if not self._single:
                bases = self._bases(summed, part, found.heads[times], carried, base)
                at_risk -= bases
                base = self._latest_base(summed, part, carried, base)
            if out is not None:
                at_risk -= out[:, times]
            carried = summed[:, -1].copy()
            yield times, at_risk, died

    def _died(self, weighted: Floats, part: slice, times: slice, left: Floats) -> Floats:
        """D1 of the event times that end in this block; `left` carries what is unfinished."""
        rows = self.risk.death_rows
        first, last = np.searchsorted(rows, [part.start, part.stop])
        died = np.zeros((len(weighted), times.stop - times.start + 1))
        if last > first:
            of = self.of_death[first:last] - times.start
            starts = np.flatnonzero(np.diff(of, prepend=-1))
            own = weighted[:, rows[first:last] - part.start]
            died[:, of[starts]] = np.add.reduceat(own, starts, axis=1)
        died[:, 0] += left
        left[:] = died[:, -1]
        return died[:, :-1]

    def _bases(
        self, summed: Floats, part: slice, heads: Ints, carried: Floats, base: Floats
    ) -> Floats:
        """What was summed before the stratum of each event time began."""
        own = heads - part.start
        found = summed[:, np.maximum(own - 1, 0)]
        found[:, own == 0] = carried[:, None]
        found[:, own < 0] = base[:, None]
        return found

    def _latest_base(self, summed: Floats, part: slice, carried: Floats, base: Floats) -> Floats:
        """What was summed before the stratum that the block ends in began."""
        stratum = self.risk.stratum
        head = int(np.searchsorted(stratum, stratum[part.stop - 1], side="left"))
        if head < part.start:
            return base
        return carried.copy() if head == part.start else summed[:, head - 1 - part.start].copy()

    def _not_entered(self, risk: Floats) -> Floats | None:
        """S1 over the rows not yet under observation, (p, D), for late entries."""
        found = self.risk
        if found.entry_order is None or found.entry_ends is None or found.entry_heads is None:
            return None
        total = np.zeros((self.n_parameters, len(found.ends)))
        design, order = self.design, found.entry_order
        step = max(256, _TILE_ELEMENTS // 4 // design.n_parameters)
        carried = np.zeros(self.n_parameters)
        for first in range(0, len(order), step):
            chosen = order[first : first + step]
            weighted = design.rows_at(chosen).T[1:] * risk[chosen]
            summed = np.cumsum(weighted, axis=1)
            summed += carried[:, None]
            carried = summed[:, -1].copy()
            for at, sign in ((found.entry_ends, 1.0), (found.entry_heads, -1.0)):
                own = np.flatnonzero((at > first) & (at <= first + len(chosen)))
                total[:, own] += sign * summed[:, at[own] - 1 - first]
        return total

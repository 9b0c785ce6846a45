"""Who was at risk when: rows in the order that partial likelihoods sum over.

Rows are sorted by stratum, then from the latest time to the earliest, at equal times censored
rows before events. The rows whose time lies between one event time (included) and the next
later one form a *block*: everyone in the blocks up to k of a stratum is at risk at event time
k, unless not yet entered. So every sum over a risk set is one cumulative sum.

Event times that differ by less than 1e-9 of their size are the same time (differences of
decimal numbers would otherwise break ties).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from stats.design import Bools, Floats, Ints

_SAME_TIME = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class RiskSets:
    """Rows in risk order and the event times 0 ... D-1, latest first within each stratum.

    rows : row numbers of the file, (n,).
    event : whether the row ends in the event, (n,).
    ends : rows up to and with block k, (D,); `heads` the first row of each block's stratum.
    deaths : events at each event time, (D,); `death_rows` their positions in `rows`, (E,).
    fraction : l / d of the l-th of d tied events (0 for Breslow's ties), (E,).
    at_exit : block of each row, (n,); a row that left before the first event time of its stratum
        has `row_after_time`, the number of the event time that follows those of its stratum.
    times : the event times, (D,).
    moment, entered : rank of the row's time and entry among all times, (n,).
    entry_order, entry_ends, entry_heads : rows by entry, latest first (None: all from the start):
        who is not yet under observation at event time k stands before `entry_ends[k]`.
    at_entry : first event time of the row's stratum at or before its entry, (n,).
    """

    rows: Ints
    event: Bools
    ends: Ints
    heads: Ints
    deaths: Ints
    death_rows: Ints
    fraction: Floats
    at_exit: Ints
    times: Floats
    row_after_time: Ints
    stratum: Ints
    moment: Ints
    entered: Ints | None = None
    entry_order: Ints | None = None
    entry_ends: Ints | None = None
    entry_heads: Ints | None = None
    at_entry: Ints | None = None

    @property
    def n_rows(self) -> int:
        """Rows under observation."""
        return len(self.rows)

    @property
    def n_events(self) -> int:
        """Events."""
        return len(self.death_rows)

    @property
    def tied(self) -> bool:
        """Whether some event time has more than one event and Efron's correction applies."""
        return bool(self.fraction.any())


def time_codes(*times: Floats) -> list[Ints]:
    """Ranks of all times together, from 0; nearly equal times share a rank."""
    together = np.concatenate(times)
    order = np.argsort(together, kind="stable")
    ordered = together[order]
    scale = np.maximum(np.abs(ordered[1:]), np.abs(ordered[:-1]))
    codes = np.empty(len(order), dtype=np.intp)
    codes[order] = np.concatenate([[0], np.cumsum(np.diff(ordered) > _SAME_TIME * scale)])
    cuts = np.cumsum([len(t) for t in times])[:-1]
    return np.split(codes, cuts)


@dataclass(frozen=True, slots=True, eq=False)
class RiskOrder:
    """Rows of the file that may enter, sorted once for all models that use some of them.

    `key` and `entry_key` rise with stratum and fall with time; entries of one scale with exits.
    """

    rows: Ints
    key: Ints
    event: Bools
    stratum: Ints
    moment: Ints
    time: Floats
    ties: str
    n_file: int
    by_entry: Ints | None = None
    entry_key: Ints | None = None
    entered: Ints | None = None

    def among(self, rows: Ints) -> RiskSets:
        """The risk sets of some rows of the file (in any order)."""
        chosen: Bools | slice = slice(None)
        if len(rows) < len(self.rows):
            wanted = np.zeros(self.n_file, dtype=np.bool_)
            wanted[rows] = True
            chosen = wanted[self.rows]
        own = self.rows[chosen]
        key = self.key[chosen]
        found = _blocks(own, key, self.event[chosen], self.stratum[chosen], ties=self.ties)
        found = replace(found, moment=self.moment[chosen], times=self.time[own[found.ends - 1]])
        if self.by_entry is None or self.entry_key is None or self.entered is None:
            return found
        place = np.full(self.n_file, -1, dtype=np.intp)
        place[own] = np.arange(len(own))
        order = place[self.by_entry]
        order = order[order >= 0]
        found = replace(found, entered=self.entered[chosen])
        return _with_entry(found, key // 2, self.entry_key[chosen], order)


def risk_order(
    rows: Ints, time: Floats, event: Bools, *,
    entry: Floats | None = None, stratum: Ints | None = None, ties: str = "efron",
) -> RiskOrder:  # fmt: skip
    """Sort the rows numbered `rows`; the arrays have one entry per row of the file."""
    strata = np.zeros(len(rows), dtype=np.intp) if stratum is None else stratum[rows]
    happened = event[rows]
    codes = time_codes(time[rows]) if entry is None else time_codes(time[rows], entry[rows])
    width = int(codes[0].max(initial=0)) + 2
    # one number per row sorts by stratum, then latest first, censored before events
    key = (strata * width + (width - 1 - codes[0])) * 2 + happened
    order = np.argsort(key, kind="stable")
    found = RiskOrder(
        rows=rows[order], key=key[order], event=happened[order], stratum=strata[order],
        moment=codes[0][order], time=time, ties=ties, n_file=len(time),
    )  # fmt: skip
    if entry is None:
        return found
    late = strata * width + (width - 1 - codes[1])
    return replace(
        found, by_entry=rows[np.argsort(late, kind="stable")], entry_key=late[order],
        entered=codes[1][order],
    )  # fmt: skip


def _blocks(rows: Ints, key: Ints, event: Bools, stratum: Ints, *, ties: str) -> RiskSets:
    n = len(rows)
    death_rows = np.flatnonzero(event)
    of_deaths = key[death_rows]
    new = np.diff(of_deaths, prepend=-1) > 0
    starts = np.flatnonzero(new)
    deaths = np.diff(starts, append=len(death_rows))
    ends = death_rows[starts + deaths - 1] + 1
    head = np.searchsorted(stratum, stratum, side="left")
    at_stratum = stratum[ends - 1]
    after = np.searchsorted(at_stratum, stratum, side="right")
    within = np.arange(len(death_rows)) - np.repeat(starts, deaths)
    fraction = within / np.repeat(deaths, deaths) if ties == "efron" else np.zeros(len(within))
    return RiskSets(
        rows=rows, event=event, ends=ends, heads=head[ends - 1], deaths=deaths,
        death_rows=death_rows, fraction=fraction,
        at_exit=np.minimum(np.searchsorted(ends, np.arange(n), side="right"), after),
        times=np.empty(0), row_after_time=after, stratum=stratum, moment=np.empty(0, np.intp),
    )  # fmt: skip


def _with_entry(found: RiskSets, exit_key: Ints, entry_key: Ints, order: Ints) -> RiskSets:
    """Add the order of entries: at an event time all rows with a later or equal entry are out."""
    at_events = exit_key[found.ends - 1]
    stratum = found.stratum[order]
    return replace(
        found, entry_order=order,
        entry_ends=np.searchsorted(entry_key[order], at_events, side="right"),
        entry_heads=np.searchsorted(stratum, found.stratum[found.ends - 1], side="left"),
        at_entry=np.searchsorted(at_events, entry_key, side="left"),
    )  # fmt: skip

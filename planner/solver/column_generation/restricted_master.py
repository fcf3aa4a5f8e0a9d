"""The restricted master: all of the fixed part, those pool columns and those scenarios that matter so far.

    maximise    E x + w d
    subject to  the rows of the fixed part
                d = eta - sum over s of p_s u_s / (1 - alpha),   u_s >= eta - D_s x,   u_s >= 0
                E x + d >= -limit                                where CVaR is limited
    with        E x the mean NPV, D_s x the deviation from it in scenario s

This is Rockafellar and Uryasev's programme, moved by the mean, which leaves columns out of the scenario rows that are
worth the same everywhere. A scenario has its row only once it lies in the tail of some answer: leaving rows out can
only raise the value, so the value of the master (with what the pool could add) bounds every plan while few of S dense
rows stand in it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
import scipy.sparse as sp

from planner.arrays import Floats, Ints
from planner.solver.column_generation.columns import FixedPart, Pool
from planner.solver.column_generation.mean_cvar import MeanCvar
from planner.solver.growing_lp import GrowingLp, NoVertex, Vertex
from planner.solver.status import Status

FIRST_TAIL = 1.6
"""Scenarios in the first tail, as a multiple of those that CVaR averages over."""
MOST_SCENARIOS = 40
"""Scenarios that come into the master in one round at most."""
RELIEF_COST = 1e4
"""$M for a unit by which a row is broken while the columns that would keep it are still to come: far more than any
column brings."""
RELIEVED = 1e-7
"""Units of a row that count as not broken."""
RELIEF = -2
"""What stands at a column of relief."""
MISSED = 1e-9
"""How far below eta (relative to it) a scenario without a row may lie."""


@dataclass(frozen=True, eq=False)
class Prices:
    """Duals of a master: rows (m,) of the fixed part in $M per unit, tail (S,) of the scenario rows, limit of the CVaR
    row.

    weights: of the scenarios, what a column is worth: (1 - w) p + tail, (S,); they add to 1 + limit.
    """

    rows: Floats
    tail: Floats
    limit: float
    weights: Floats


@dataclass(frozen=True, eq=False)
class Answer:
    """A master solved: its value, levels of the fixed columns (n,) and of the pool columns in it, NPV by scenario (S,),
    prices."""

    value: float
    levels: Floats
    pool_columns: Ints
    pool_levels: Floats
    npv: Floats
    missed: Ints
    """Scenarios without a row that lie below eta, worst first."""
    prices: Prices
    activity: Floats
    """What the rows of the fixed part come to, (m,)."""
    broken: tuple[str, ...] = ()
    """Rows of the fixed part that no columns so far can keep."""


@dataclass
class Master:
    """The kept programme and where things stand in it."""

    fixed: FixedPart
    pool: Pool | None
    measure: MeanCvar
    cvar_limit: float | None = None
    seconds: float | None = None
    lp: GrowingLp = field(init=False)
    scenarios: Ints = field(init=False)
    """Scenarios with a row, in the order of their rows."""
    _pool_at: Ints = field(init=False)
    """Pool column that stands at each column of the programme, -1 for none, RELIEF for what relieves a row."""
    _age: Ints = field(init=False)
    """Rounds since each column was last held."""
    _known: dict[int, Floats] = field(default_factory=dict)
    """Values by scenario of the pool columns in the programme."""
    _eta: int = -1
    _alone: bool = False
    _relieved: Ints = field(default_factory=lambda: np.zeros(0, dtype=np.int64))

    def __post_init__(self) -> None:
        arrays = self.fixed.arrays
        self.lp = GrowingLp.of(arrays, seconds=self.seconds)
        columns = np.arange(arrays.columns)
        self.lp.change_costs(columns, self.fixed.values.mean)
        self.scenarios = np.zeros(0, dtype=np.int64)
        self._pool_at = np.full(arrays.columns, -1)
        self._age = np.zeros(arrays.columns, dtype=np.int64)

    @property
    def risky(self) -> bool:
        """Whether the tail counts at all."""
        return self.measure.weight > 0.0 or self.cvar_limit is not None

    @property
    def pool_held(self) -> Ints:
        """Pool columns that stand in the master."""
        return self._pool_at[self._pool_at >= 0]

    @property
    def capped(self) -> Ints | None:
        """Those of them with an upper bound of their own, in ascending order."""
        if self.pool is None:
            return None
        held = np.sort(self.pool_held)
        found: Ints = held[np.isfinite(self.pool.upper[held])]
        return found

    def solve(self) -> Answer:
        """The master as it stands; raises NoVertex where it has no optimum.

        Where the columns so far cannot keep every row (a lease that must be served), rows may be broken at a high cost
        until others come.
        """
        try:
            vertex = self.lp.solve()
        except NoVertex as stopped:
            if stopped.status is not Status.INFEASIBLE or self.pool is None or (self._pool_at == RELIEF).any():
                raise
            self._relieve()
            vertex = self.lp.solve()
        count = self.fixed.arrays.columns
        at = np.flatnonzero(self._pool_at >= 0)
        held, levels = self._pool_at[at], np.maximum(vertex.levels[at], 0.0)
        npv = self.fixed.values.npv(vertex.levels[:count])
        for column, level in zip(held.tolist(), levels.tolist(), strict=True):
            if level > 0.0:
                npv = npv + level * self._known[column]
        # A column at its upper bound stands outside the basis too, and is no less needed.
        self._age = np.where(vertex.idle & (vertex.levels <= 0.0), self._age + 1, 0)
        return Answer(
            vertex.value, vertex.levels[:count], held, levels, npv, self._missed(vertex, npv), self._prices(vertex),
            vertex.activity[: self.fixed.arrays.rows], self._broken(vertex),
        )

    def hold(self, columns: Ints, lower: Floats, upper: Floats) -> None:
        """Other bounds of some columns of the fixed part."""
        self.lp.change_bounds(columns, lower, upper)

    def _relieve(self) -> None:
        """A column for every limit, by which it may be broken."""
        arrays = self.fixed.arrays
        above = np.flatnonzero(np.isfinite(arrays.row_upper) & (arrays.row_lower < arrays.row_upper))
        below = np.flatnonzero(np.isfinite(arrays.row_lower) & (arrays.row_lower < arrays.row_upper))
        rows = np.concatenate([above, below])
        sign = np.concatenate([np.full(len(above), -1.0), np.ones(len(below))])
        if self.cvar_limit is not None and self._eta >= 0:
            rows, sign = np.append(rows, arrays.rows), np.append(sign, 1.0)
        count = len(rows)
        matrix = sp.csc_array((sign, (rows, np.arange(count))), shape=(self.lp.rows, count))
        self.lp.add_columns(np.full(count, -RELIEF_COST), np.zeros(count), np.full(count, np.inf), matrix)
        self._stands(np.full(count, RELIEF))
        self._relieved = rows

    def _broken(self, vertex: Vertex) -> tuple[str, ...]:
        amount = vertex.levels[self._pool_at == RELIEF]
        names = (*self.fixed.arrays.row_names, "the limit on CVaR")
        return tuple(names[row] for row in self._relieved[amount > RELIEVED].tolist()) if len(amount) else ()

    @contextmanager
    def limits_alone(self) -> Iterator[None]:
        """Within the block nothing counts but the limits: minus the value of an answer is the least by which they are
        broken."""
        if not (self._pool_at == RELIEF).any():
            self._relieve()
        every = np.arange(self.lp.columns)
        self.lp.change_costs(every, np.where(self._pool_at == RELIEF, -1.0, 0.0))
        self._alone = True
        try:
            yield
        finally:
            self._alone = False
            self.lp.change_costs(np.arange(self.lp.columns), self._costs())

    def _costs(self) -> Floats:
        """Costs of all columns as they stand."""
        costs = np.where(self._pool_at == RELIEF, -RELIEF_COST, 0.0)
        count = self.fixed.arrays.columns
        costs[:count] = self.fixed.values.mean
        for place in np.flatnonzero(self._pool_at >= 0).tolist():
            costs[place] = self.measure.mean(self._known[int(self._pool_at[place])])
        if self._eta >= 0:
            costs[self._eta] = self.measure.weight
            tail = count + np.flatnonzero(self._pool_at[count:] == -1)
            costs[tail[tail != self._eta]] = -self.measure.weight * self.measure.most[self.scenarios]
        return costs

    def _missed(self, vertex: Vertex, npv: Floats) -> Ints:
        if not self.risky:
            return np.zeros(0, dtype=np.int64)
        deviation = npv - self.measure.mean(npv)
        if self._eta < 0:
            worst = np.argsort(deviation, kind="stable")
            enough = int(np.searchsorted(np.cumsum(self.measure.most[worst]), FIRST_TAIL)) + 1
            return worst[:enough]
        eta = float(vertex.levels[self._eta])
        below = deviation < eta - MISSED * max(abs(eta), 1.0)
        below[self.scenarios] = False
        found = np.flatnonzero(below)
        return found[np.argsort(deviation[found], kind="stable")][:MOST_SCENARIOS]

    def _prices(self, vertex: Vertex) -> Prices:
        rows = self.fixed.arrays.rows
        tail, limit = np.zeros(self.measure.scenarios), 0.0
        first = rows
        if self._eta >= 0 and self.cvar_limit is not None:
            limit = max(-float(vertex.duals[first]), 0.0)
            first += 1
        if self._eta >= 0:
            tail[self.scenarios] = np.maximum(-vertex.duals[first:], 0.0)
        share = 0.0 if self._alone else 1.0 - self.measure.weight if self._eta >= 0 else 1.0
        return Prices(vertex.duals[:rows], tail, limit, share * self.measure.probability + tail)

    # --- growth ----------------------------------------------------------------------------------------------

    def add_scenarios(self, chosen: Ints) -> None:
        """Rows of more scenarios; with the first ones come eta and the limit on CVaR."""
        if not len(chosen):
            return
        if self._eta < 0:
            self._add_eta()
        count = len(chosen)
        first = self.lp.columns
        worst = -self.measure.weight * self.measure.most[chosen] * (0.0 if self._alone else 1.0)
        below = sp.csc_array((self.lp.rows, count))
        if self.cvar_limit is not None:
            cells = (-self.measure.most[chosen], (np.full(count, self.fixed.arrays.rows), np.arange(count)))
            below = sp.csc_array(cells, shape=(self.lp.rows, count))
        self.lp.add_columns(worst, np.zeros(count), np.full(count, np.inf), below)
        self._stands(np.full(count, -1))
        values = self.fixed.values
        fixed = sp.coo_array(values.deviation[:, chosen].T)
        at = np.flatnonzero(self._pool_at >= 0)
        pool = np.zeros((count, len(at)))
        for place, column in enumerate(self._pool_at[at].tolist()):
            known = self._known[column]
            pool[:, place] = known[chosen] - self.measure.mean(known)
        in_pool = sp.coo_array(pool)
        number = np.arange(count)
        cells = (
            np.concatenate([fixed.data, in_pool.data, np.full(count, -1.0), np.ones(count)]),
            (
                np.concatenate([fixed.coords[0], in_pool.coords[0], number, number]),
                np.concatenate(
                    [values.varying[fixed.coords[1]], at[in_pool.coords[1]], np.full(count, self._eta), first + number]
                ),
            ),
        )
        self.lp.add_rows(np.zeros(count), np.full(count, np.inf), sp.coo_array(cells, shape=(count, self.lp.columns)))
        self.scenarios = np.concatenate([self.scenarios, chosen])

    def _add_eta(self) -> None:
        self._eta = self.lp.columns
        self.lp.add_columns(
            np.array([0.0 if self._alone else self.measure.weight]), np.array([-np.inf]), np.array([np.inf]),
            sp.csc_array((self.lp.rows, 1)),
        )
        self._stands(np.array([-1]))
        if self.cvar_limit is None:
            return
        mean = np.zeros(self.lp.columns)
        mean[: self.fixed.arrays.columns] = self.fixed.values.mean
        for place in np.flatnonzero(self._pool_at >= 0).tolist():
            mean[place] = self.measure.mean(self._known[int(self._pool_at[place])])
        mean[self._eta] = 1.0
        self.lp.add_rows(np.array([-self.cvar_limit]), np.array([np.inf]), sp.csr_array(mean[None, :]))

    def add_pool(self, chosen: Ints) -> int:
        """Pool columns that do not stand in the master yet; returns how many came."""
        assert self.pool is not None
        new = np.setdiff1d(chosen, self._pool_at[self._pool_at >= 0])
        if not len(new):
            return 0
        values, use = self.pool.columns(new)
        mean = values @ self.measure.probability
        parts = [use]
        if self._eta >= 0 and self.cvar_limit is not None:
            parts.append(sp.csc_array(mean[None, :]))
        if self._eta >= 0:
            parts.append(sp.csc_array((values[:, self.scenarios] - mean[:, None]).T))
        cost = np.zeros(len(new)) if self._alone else mean
        self.lp.add_columns(cost, np.zeros(len(new)), self.pool.upper[new], sp.vstack(parts, format="csc"))
        self._stands(new)
        self._known.update(zip(new.tolist(), values, strict=True))
        return len(new)

    def drop_idle(self, rounds: int) -> int:
        """Take out pool columns that have not been held for more than `rounds` rounds; returns how many went."""
        gone = (self._pool_at >= 0) & (self._age > rounds)
        if not gone.any():
            return 0
        for column in self._pool_at[gone].tolist():
            del self._known[column]
        self.lp.drop_columns(gone)
        self._eta -= int(gone[: max(self._eta, 0)].sum()) if self._eta >= 0 else 0
        self._pool_at, self._age = self._pool_at[~gone], self._age[~gone]
        return int(gone.sum())

    def _stands(self, pool_at: Ints) -> None:
        self._pool_at = np.concatenate([self._pool_at, pool_at])
        self._age = np.concatenate([self._age, np.zeros(len(pool_at), dtype=np.int64)])

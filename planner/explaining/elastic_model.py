"""The limits of a case with a column for each by which it can be loosened: feasible or not, by how much, at what price.

use @ level <= limit + amount x s[limit]       rows, and bounds that are limits size x level <= bound + s[limit]
s[limit] = 0 while a limit holds, >= 0 once it is loosened

A limit stands in many rows (a month each) and is loosened once for all of them, which is why the repair is not left to
HiGHS's own feasibilityRelaxation: that pays for every row by itself.
"""

from __future__ import annotations

import time
from collections.abc import Collection
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from planner.arrays import Floats, Ints
from planner.candidates.resources import Family
from planner.explaining.stated_limits import StatedLimits
from planner.formulation.model import row_scales
from planner.solver.changes import Changes
from planner.solver.highs import HighsSolver
from planner.solver.model_arrays import IntArray, ModelArrays
from planner.solver.options import SolverOptions
from planner.solver.solution import Solution
from planner.solver.status import Status

THOUSANDS = ("GPUs", "units")
MONEY_ROWS = (Family.CASH_FLOOR.name, Family.REVENUE_SHARE.name, Family.YEARLY_SHARE.name)


class OutOfTime(Exception):
    """The time for explaining is over."""


@dataclass(frozen=True)
class _Column:
    name: str


@dataclass
class ElasticModel:
    """The model of stated limits. kept: candidate behind each of the first columns; slack[k] is the column of limit k,
    -1 without one."""

    stated: StatedLimits
    arrays: ModelArrays
    kept: Ints
    unit: Floats
    slack: IntArray
    row: Ints
    until: float | None
    solves: int = 0

    @staticmethod
    def of(stated: StatedLimits, *, seconds: float | None = None) -> ElasticModel:
        """Write the model down; `seconds` is the time for everything that is asked of it.

        The rows are those of the plan's model before it is reduced (no cohorts, no aggregated market), since a limit
        must be found again in the rows that it stands in; those on which feasibility cannot depend are left out. Which
        limits hold is a matter of bounds alone: the slack of a limit is 0 while it holds and free once it is dropped,
        so all questions are asked of one matrix, and linear ones are re-solved from the last basis.
        """
        rows, kept = _needed(stated)
        unit = np.where(stated.candidates.table["unit"].to_numpy()[kept] == "GPU", 1000.0, 1.0)
        elastic = sorted({number for number, *_ in stated.raised} | {number for number, *_ in stated.bounds})
        slack = np.full(len(stated.limits), -1, dtype=np.int32)
        slack[elastic] = len(kept) + np.arange(len(elastic))
        slack_unit = _slack_units(stated, rows, kept, unit)[elastic]
        columns = len(kept) + len(elastic)
        matrix, upper = _matrix(stated, rows, kept, unit, slack, slack_unit, columns)
        scale = row_scales(matrix)
        matrix = sp.csr_array(sp.diags_array(1.0 / scale) @ matrix)
        matrix.sort_indices()
        whole = np.zeros(columns, dtype=bool)
        whole[: len(kept)] = stated.candidates.table["integral"].to_numpy(bool)[kept]
        all_unit = np.concatenate([unit, slack_unit])
        free = np.zeros(len(elastic))
        arrays = ModelArrays(
            cost=np.zeros(columns), offset=0.0, start=matrix.indptr.astype(np.int32),
            index=matrix.indices.astype(np.int32), value=matrix.data,
            row_lower=np.full(matrix.shape[0], -np.inf), row_upper=upper / scale,
            col_lower=np.concatenate([stated.lower[kept] / unit, free]),
            col_upper=np.concatenate([stated.upper[kept] / unit, free]),
            integer=whole, maximise=False, variables=tuple(_Column(f"x{j}") for j in range(columns)),
            row_names=tuple(f"r{i}" for i in range(matrix.shape[0])),
        )
        until = None if seconds is None else time.perf_counter() + seconds
        return ElasticModel(stated, arrays, kept, all_unit, slack, rows, until)

    @property
    def everything(self) -> frozenset[int]:
        """Numbers of all limits."""
        return frozenset(range(len(self.stated.limits)))

    @cached_property
    def whole_limits(self) -> frozenset[int]:
        """Limits that make decisions whole."""
        return frozenset(number for number, _ in self.stated.whole)

    @property
    def seconds_left(self) -> float | None:
        """Seconds until the time is over, None without a limit."""
        return None if self.until is None else max(self.until - time.perf_counter(), 0.0)

    def solve(
        self, enforced: Collection[int], *, cost: Floats | None = None, whole: bool = True,
        row_upper: Floats | None = None, at_once: bool = False
    ) -> Solution:
        """The model with the limits `enforced` and all others dropped, at least cost (of columns, none by default).

        whole=False drops whole decisions too; at_once=True lets limits that are loosened by all or nothing move no
        other way.
        row_upper: other right-hand sides. Raises OutOfTime.
        """
        held = frozenset(enforced)
        lower, upper, integer = self._bounds(held, at_once)
        arrays = replace(
            self.arrays, col_lower=lower, col_upper=upper, integer=integer if whole else np.zeros_like(integer)
        )
        arrays = arrays if cost is None else replace(arrays, cost=cost)
        arrays = arrays if row_upper is None else replace(arrays, row_upper=row_upper)
        self.solves += 1
        found = HighsSolver(self._options()).solve_arrays(arrays) if arrays.is_mip else self._warm(arrays)
        if found.status not in (Status.OPTIMAL, Status.INFEASIBLE):
            raise OutOfTime
        return found

    def feasible(self, enforced: Collection[int], *, whole: bool = True) -> bool:
        """Whether the limits `enforced` can be kept together."""
        return self.solve(enforced, whole=whole).status is Status.OPTIMAL

    def violations(self, found: Solution) -> dict[int, float]:
        """By how much each limit is loosened in an answer, in its unit; closed candidates that are used count as
        inf."""
        values = found.usable()
        amounts = {
            number: float(values[at] * self.unit[at]) for number, at in enumerate(self.slack)
            if at >= 0 and values[at] > 1e-9
        }
        for number, column in self._closed:
            if values[column] > 1e-9:
                amounts[number] = np.inf
        return amounts

    def least(self, number: int, enforced: Collection[int], *, whole: bool = True) -> tuple[float, Solution] | None:
        """Least loosening of one limit, in its unit, with which the others `enforced` can be kept; None if none
        does."""
        if self.slack[number] < 0:
            return None
        cost = np.zeros(self.arrays.columns)
        cost[self.slack[number]] = 1.0
        found = self.solve(frozenset(enforced) - {number}, cost=cost, whole=whole)
        if found.status is not Status.OPTIMAL:
            return None
        at = self.slack[number]
        return float(found.usable()[at] * self.unit[at]), found

    def _bounds(self, held: frozenset[int], at_once: bool) -> tuple[Floats, Floats, npt.NDArray[np.bool_]]:
        lower, upper, integer = self.arrays.col_lower, self.arrays.col_upper.copy(), self.arrays.integer.copy()
        for number, at in enumerate(self.slack):
            if at >= 0 and number not in held:
                upper[at] = np.inf
                if at_once and self.stated.limits[number].whole:
                    upper[at], integer[at] = 1.0, True
        for number, column in self._closed:
            if number in held:
                upper[column] = 0.0
        for number, column in self._wholes:
            if number not in held:
                integer[column] = False
        return lower, upper, integer

    @cached_property
    def _closed(self) -> list[tuple[int, int]]:
        return self._by_column(self.stated.closed)

    @cached_property
    def _wholes(self) -> list[tuple[int, int]]:
        return self._by_column(self.stated.whole)

    def column_of(self, candidate: int) -> int | None:
        """The column of a candidate, None when it was left out."""
        at = int(np.searchsorted(self.kept, candidate))
        return at if at < len(self.kept) and self.kept[at] == candidate else None

    def _by_column(self, pairs: list[tuple[int, int]]) -> list[tuple[int, int]]:
        found = [(number, self.column_of(candidate)) for number, candidate in pairs]
        return [(number, column) for number, column in found if column is not None]

    def _warm(self, arrays: ModelArrays) -> Solution:
        """Linear programmes are solved by one kept model from its last basis."""
        solver = self._solver
        if solver.arrays is None:
            found = solver.solve_arrays(arrays)
        else:
            at, rows = np.arange(arrays.columns, dtype=np.int32), np.arange(arrays.rows, dtype=np.int32)
            solver.choices = self._options()
            bounds = (at, arrays.col_lower, arrays.col_upper)
            found = solver.resolve(
                Changes(costs=(at, arrays.cost), columns=bounds, rows=(rows, arrays.row_lower, arrays.row_upper))
            )
        return found

    @cached_property
    def _solver(self) -> HighsSolver:
        return HighsSolver(self._options())

    def _options(self) -> SolverOptions:
        left = self.seconds_left
        if left is None:
            return SolverOptions(gap=1e-9)
        if left <= 0.0:
            raise OutOfTime
        return SolverOptions(gap=1e-9, time_limit_s=left)


def _slack_units(stated: StatedLimits, rows: Ints, kept: Ints, unit: Floats) -> Floats:
    """Units of each limit in one unit of its column, (limits,).

    All of it where it is loosened by all or nothing; money goes by the largest amount in the rows that the limit
    loosens, since a share of income or a budget of nothing says no size of its own.
    """
    largest = np.ones(len(stated.rows.table))
    largest[rows] = row_scales(sp.csr_array(stated.rows.use[rows][:, kept] * unit[None, :]))
    of = np.array(
        [limit.value if limit.whole else 1000.0 if limit.unit in THOUSANDS else 1.0 for limit in stated.limits]
    )
    for number, row, _ in stated.raised:
        limit = stated.limits[number]
        if limit.unit == "$" and not limit.whole:
            of[number] = max(of[number], largest[row])
    return of


def _needed(stated: StatedLimits) -> tuple[Ints, Ints]:
    """Rows and candidates on which feasibility can depend.

    Without limits on operating cash a candidate that only uses is best at 0, and a minimum take is always met by paying
    it.
    """
    table, use = stated.rows.table, stated.rows.use
    rows = np.arange(len(table))
    if not table["family"].isin(MONEY_ROWS).any():
        rows = rows[(table["family"] != Family.MIN_TAKE.name).to_numpy()]
        provides = np.asarray((use[rows] < 0.0).sum(axis=0)).reshape(-1) > 0
        asked = stated.lower > 0.0
        asked[[candidate for _, candidate, *_ in stated.bounds]] = True
        return rows, np.flatnonzero(provides | asked)
    return rows, np.arange(use.shape[1])


def _matrix(
    stated: StatedLimits, rows: Ints, kept: Ints, unit: Floats, slack: IntArray, slack_unit: Floats, columns: int
) -> tuple[sp.csr_array, Floats]:
    """Rows of resources, then bounds that are limits, over candidates and loosenings; and their right-hand sides."""
    use = sp.csr_array(stated.rows.use[rows][:, kept] * unit[None, :])
    place = np.full(len(stated.rows.table), -1)
    place[rows] = np.arange(len(rows))
    first = len(kept)
    entries = [
        (
            int(place[row]), int(slack[number]), -amount * float(slack_unit[slack[number] - first])
        ) for number, row, amount in stated.raised if place[row] >= 0
    ]
    at = {int(candidate): column for column, candidate in enumerate(kept)}
    limits: list[float] = []
    for number, candidate, size, bound in stated.bounds:
        row = len(rows) + len(limits)
        entries.append((row, at[candidate], size * float(unit[at[candidate]])))
        entries.append((row, int(slack[number]), -float(slack_unit[slack[number] - first])))
        limits.append(bound)
    added = np.array(entries, dtype=np.float64).reshape(-1, 3)
    base = sp.coo_array(use)
    row_at, column_at = np.concatenate([base.row, added[:, 0].astype(np.int64)]), np.concatenate(
        [base.col, added[:, 1].astype(np.int64)]
    )
    matrix = sp.csr_array(
        (np.concatenate([base.data, added[:, 2]]), (row_at, column_at)), shape=(len(rows) + len(limits), columns)
    )
    matrix.sum_duplicates()
    matrix.eliminate_zeros()
    return matrix, np.concatenate([stated.rows.table["limit"].to_numpy(np.float64)[rows], np.array(limits)])

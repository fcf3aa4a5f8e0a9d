"""A linear programme that HiGHS keeps and that grows: rows and columns come in bulk, idle columns go, the basis stays.

A HiGHS model that loses columns forgets its basis; here the basis of what stays is put back, since only columns that do
not stand in it may go.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from typing import Any

import highspy
import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from planner.errors import PlannerError
from planner.solver.fresh_highs import fresh_highs
from planner.solver.highs_threads import run
from planner.solver.model_arrays import SMALLEST_COEFFICIENT, FloatArray, ModelArrays
from planner.solver.status import Status

MANY_ROWS = 2000
"""Rows above which the first solve is by interior point with crossover; later ones start from the last basis."""
NO_LIMIT = 2**31 - 1

_STATUS = {
    highspy.HighsModelStatus.kOptimal: Status.OPTIMAL,
    highspy.HighsModelStatus.kInfeasible: Status.INFEASIBLE,
    highspy.HighsModelStatus.kUnbounded: Status.UNBOUNDED,
    highspy.HighsModelStatus.kTimeLimit: Status.TIME_LIMIT,
}


class NoVertex(PlannerError):
    """The programme has no optimal vertex; `status` and `exit_code` say why."""

    def __init__(self, status: Status, message: str = "") -> None:
        self.status, self.message = status, message
        self.exit_code = status.exit_code
        super().__init__(f"{status}{': ' + message if message else ''}")


@dataclass(frozen=True, eq=False)
class Vertex:
    """An optimal vertex. levels, (columns,); duals (rows,): d value / d limit; idle: columns not in the basis,
    (columns,); activity (rows,): matrix @ levels."""

    value: float
    levels: FloatArray
    duals: FloatArray
    idle: NDArray[np.bool_]
    iterations: int
    activity: FloatArray


@dataclass
class GrowingLp:
    """A maximisation kept by HiGHS. seconds: limit of all solves together, None for none."""

    highs: Any
    columns: int
    rows: int
    seconds: float | None = None
    iterations: int = 0
    _began: float = field(default_factory=time.perf_counter)
    _solved: bool = False

    @staticmethod
    def of(arrays: ModelArrays, *, seconds: float | None = None) -> GrowingLp:
        """The relaxation of a model, passed to HiGHS in bulk; integers are continuous. Raises PlannerError for a
        minimisation."""
        if not arrays.maximise:
            raise PlannerError("a growing programme is a maximisation; turn the signs of its costs")
        highs = fresh_highs()
        highs.passModel(
            arrays.columns, arrays.rows, len(arrays.value), int(highspy.MatrixFormat.kRowwise),
            int(highspy.ObjSense.kMaximize), arrays.offset,
            arrays.cost, arrays.col_lower, arrays.col_upper, arrays.row_lower, arrays.row_upper,
            arrays.start, arrays.index, arrays.value, np.zeros(arrays.columns, dtype=np.int32),
        )
        return GrowingLp(highs, arrays.columns, arrays.rows, seconds)

    def twin(self) -> GrowingLp:
        """The same programme on a solver of its own, at the same basis; it may work while this one does."""
        highs = fresh_highs()
        highs.passModel(self.highs.getLp())
        if self._solved:
            highs.setBasis(self.highs.getBasis())
        return replace(self, highs=highs, iterations=0)

    def add_columns(self, cost: FloatArray, lower: FloatArray, upper: FloatArray, matrix: Any) -> None:
        """New columns at the end; matrix (rows, k)."""
        by_column = sparse.csc_array(_kept(matrix))
        if by_column.shape != (self.rows, len(cost)):
            raise PlannerError(f"columns over {self.rows} rows expected, got {by_column.shape}")
        self.highs.addCols(
            len(cost), cost, lower, upper, by_column.nnz, by_column.indptr[:-1].astype(np.int32),
            by_column.indices.astype(np.int32), by_column.data
        )
        self.columns += len(cost)

    def add_rows(self, lower: FloatArray, upper: FloatArray, matrix: Any) -> None:
        """New rows at the end; matrix (k, columns)."""
        by_row = sparse.csr_array(_kept(matrix))
        if by_row.shape != (len(lower), self.columns):
            raise PlannerError(f"rows over {self.columns} columns expected, got {by_row.shape}")
        self.highs.addRows(
            len(lower), lower, upper, by_row.nnz, by_row.indptr[:-1].astype(np.int32), by_row.indices.astype(np.int32),
            by_row.data,
        )
        self.rows += len(lower)

    def drop_columns(self, dropped: NDArray[np.bool_]) -> None:
        """Take idle columns out, (columns,) flags; the others move up, and the basis stays theirs."""
        basis = self.highs.getBasis()
        status = basis.col_status
        kept = [status[j] for j in np.flatnonzero(~dropped)]
        if any(status[j] == highspy.HighsBasisStatus.kBasic for j in np.flatnonzero(dropped)):
            raise PlannerError("a column of the basis cannot be taken out; drop idle ones")
        which = np.flatnonzero(dropped).astype(np.int32)
        self.highs.deleteCols(len(which), which)
        self.columns -= len(which)
        basis.col_status = kept
        self.highs.setBasis(basis)

    def change_costs(self, columns: NDArray[np.int64], cost: FloatArray) -> None:
        """New costs of some columns."""
        self.highs.changeColsCost(len(columns), columns.astype(np.int32), cost)

    def change_bounds(self, columns: NDArray[np.int64], lower: FloatArray, upper: FloatArray) -> None:
        """New bounds of some columns."""
        self.highs.changeColsBounds(len(columns), columns.astype(np.int32), lower, upper)

    def free_rows(self, first: int) -> None:
        """No limits any more on the rows from `first` on."""
        for row in range(first, self.rows):
            self.highs.changeRowBounds(row, -highspy.kHighsInf, highspy.kHighsInf)

    def solve(self) -> Vertex:
        """An optimal vertex, from the last basis; raises NoVertex without one."""
        highs = self.highs
        if self.seconds is not None:
            left = self.seconds - (time.perf_counter() - self._began)
            highs.setOptionValue("time_limit", highs.getRunTime() + max(left, 0.0))
        highs.setOptionValue("solver", "simplex" if self._solved or self.rows <= MANY_ROWS else "ipx")
        run(highs)
        if highs.getModelStatus() not in _STATUS:  # a warm start that went wrong: once more from nothing
            highs.clearSolver()
            highs.setOptionValue("solver", "simplex")
            run(highs)
        status = _STATUS.get(highs.getModelStatus(), Status.ERROR)
        if status is not Status.OPTIMAL:
            raise NoVertex(
                status, "" if status is not Status.ERROR else highs.modelStatusToString(highs.getModelStatus())
            )
        self._solved = True
        answer, info = highs.getSolution(), highs.getInfo()
        basic = highspy.HighsBasisStatus.kBasic
        spent = max(0, info.simplex_iteration_count) + max(0, info.crossover_iteration_count)
        self.iterations += spent
        idle = np.array([status != basic for status in highs.getBasis().col_status], dtype=bool)
        return Vertex(
            float(info.objective_function_value), np.array(answer.col_value), np.array(answer.row_dual), idle, spent,
            np.array(answer.row_value),
        )

    def tried(
        self, column: int, bounds: tuple[float, float], given: tuple[float, float], iterations: int
    ) -> float | None:
        """About what the programme is worth with other bounds of a column, after so many iterations; None where that is
        infeasible.

        Bounds `given` and the basis are put back. Good for choosing among columns; cut short, it bounds nothing.
        """
        highs, basis = self.highs, self.highs.getBasis()
        highs.changeColBounds(column, *bounds)
        highs.setOptionValue("solver", "simplex")
        highs.setOptionValue("simplex_iteration_limit", iterations)
        run(highs)
        infeasible = highs.getModelStatus() == highspy.HighsModelStatus.kInfeasible
        value = float(highs.getInfo().objective_function_value)
        highs.setOptionValue("simplex_iteration_limit", NO_LIMIT)
        highs.changeColBounds(column, *given)
        highs.setBasis(basis)
        return None if infeasible else value


def _kept(matrix: Any) -> Any:
    """The matrix without coefficients that HiGHS would read as zero."""
    cells = sparse.coo_array(matrix)
    keep = np.abs(cells.data) > SMALLEST_COEFFICIENT
    return sparse.coo_array((cells.data[keep], (cells.coords[0][keep], cells.coords[1][keep])), shape=cells.shape)

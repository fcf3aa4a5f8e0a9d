"""The relaxation behind a tree search: presolved once, then solved again and again from a warm basis."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field, replace
from typing import Any

import highspy
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_array, csr_array, vstack

from planner.solver.branch_and_bound.idle import settled
from planner.solver.branch_and_bound.root_cuts import Cuts
from planner.solver.fresh_highs import fresh_highs
from planner.solver.growing_lp import NO_LIMIT
from planner.solver.highs_threads import presolve, run
from planner.solver.model_arrays import FloatArray, IntArray, ModelArrays
from planner.solver.options import SolverOptions

INTEGRALITY = 1e-6
"""How far from the nearest integer the level of an integer column may be."""
_DROPPED = (highspy.HighsModelStatus.kInfeasible, highspy.HighsModelStatus.kObjectiveBound)
_ENDS = (highspy.HighsModelStatus.kOptimal, highspy.HighsModelStatus.kTimeLimit, *_DROPPED)
_INTEGER_KINDS = (highspy.HighsVarType.kInteger, highspy.HighsVarType.kImplicitInteger)  # type: ignore[attr-defined]  # missing from the stubs


class Unsettled(Exception):
    """A relaxation ended neither optimal nor infeasible, or there is nothing to branch on."""


@dataclass(frozen=True)
class Relaxed:
    """One relaxation solved: value (greater is better), levels of the presolved columns, and its basis."""

    value: float
    levels: FloatArray
    basis: Any


@dataclass
class NodeLp:
    """The presolved relaxation of a model; only bounds of its integer columns ever change.

    integer: presolved columns that must be integral; lower, upper: their bounds at the root. count: relaxations solved.
    original_integer: the columns before presolve that the integers were, -1 where that was not asked for or presolve
    made them.
    """

    source: Any
    highs: Any
    cost: FloatArray
    offset: float
    col_lower: FloatArray
    col_upper: FloatArray
    integer: IntArray
    lower: FloatArray
    upper: FloatArray
    rows: csr_array
    columns: csc_array
    row_lower: FloatArray
    row_upper: FloatArray
    sign: float
    original_integer: IntArray
    count: int = field(default=0)
    iterations: int = field(default=0)

    @staticmethod
    def presolved(arrays: ModelArrays, options: SolverOptions, *, named: bool = False) -> NodeLp:
        """Presolve the model once; raises Unsettled where presolve leaves nothing to search. named: keep track of the
        integers."""
        source = _quiet(options)
        source.passModel(
            arrays.columns, arrays.rows, len(arrays.value), int(highspy.MatrixFormat.kRowwise),
            int(highspy.ObjSense.kMaximize if arrays.maximise else highspy.ObjSense.kMinimize), arrays.offset,
            arrays.cost, arrays.col_lower, arrays.col_upper, arrays.row_lower, arrays.row_upper,
            arrays.start, arrays.index, arrays.value, arrays.integer.astype(np.int32),
        )
        for at in np.flatnonzero(arrays.integer) if named else ():
            source.passColName(int(at), str(at))
        presolve(source)
        lp = source.getPresolvedLp()
        integral = [kind in _INTEGER_KINDS for kind in lp.integrality_]
        integer = np.flatnonzero(np.array(integral, dtype=bool)).astype(np.int32)
        if not len(integer) or not lp.num_row_:
            raise Unsettled
        shape = (lp.num_row_, lp.num_col_)
        cells = (np.array(lp.a_matrix_.value_), np.array(lp.a_matrix_.index_), np.array(lp.a_matrix_.start_))
        by_column = lp.a_matrix_.format_ == highspy.MatrixFormat.kColwise
        columns = csc_array(cells, shape=shape) if by_column else csc_array(csr_array(cells, shape=shape))
        lower, upper = np.array(lp.col_lower_), np.array(lp.col_upper_)
        cost, sign = np.array(lp.col_cost_), 1.0 if lp.sense_ == highspy.ObjSense.kMaximize else -1.0
        limits = np.array(lp.row_lower_), np.array(lp.row_upper_)
        offset = float(lp.offset_)
        names = lp.col_names_
        original = np.array([int(names[at] or -1) if names else -1 for at in integer], dtype=np.int32)
        lp.integrality_, lp.col_names_ = [], []
        return NodeLp(
            source, _kept(lp, options), cost, offset, lower, upper, integer, lower[integer], upper[integer],
            csr_array(columns), columns,
            *limits, sign, original,
        )

    def twin(self, options: SolverOptions) -> NodeLp:
        """The same relaxation on a solver of its own, which may work while this one does; cuts are added to each."""
        return replace(self, highs=_kept(self.highs.getLp(), options), count=0, iterations=0)

    def solve(
        self, lower: FloatArray, upper: FloatArray, basis: Any, seconds: float | None, at_least: float = -np.inf
    ) -> Relaxed | None:
        """The relaxation with these bounds of the integers, from a basis (none: interior point).

        None if it is infeasible, or worth less than `at_least`, which the dual simplex sees before it is done: its
        objective comes down from above, so the first value under the cutoff settles the node. Each solve
        begins from the basis handed in, not from where the last one ended, which keeps the tree the same on any number
        of cores.
        """
        highs = self.highs
        highs.setOptionValue("objective_bound", self._bound_of(at_least))
        highs.changeColsBounds(len(self.integer), self.integer, lower, upper)
        if seconds is not None:
            highs.setOptionValue("time_limit", highs.getRunTime() + max(seconds, 0.0))
        highs.setOptionValue("solver", "ipx" if basis is None else "simplex")
        if basis is not None:
            highs.setBasis(basis)
        self._run()
        status = highs.getModelStatus()
        if status not in _ENDS:  # a basis may be singular under other bounds: once more without it
            highs.clearSolver()
            highs.setOptionValue("solver", "simplex")
            self._run()
            status = highs.getModelStatus()
        if status in _DROPPED:
            return None
        if status == highspy.HighsModelStatus.kTimeLimit:
            raise TimeoutError
        if status != highspy.HighsModelStatus.kOptimal:
            raise Unsettled
        value = self.sign * highs.getInfo().objective_function_value
        return Relaxed(value, np.array(highs.getSolution().col_value), highs.getBasis())

    def tried(
        self, lower: FloatArray, upper: FloatArray, basis: Any, iterations: int, seconds: float | None,
        at_least: float = -np.inf,
    ) -> float | None:
        """About what a relaxation is worth, after so many iterations of the dual simplex; None if it is infeasible, or
        worth less than `at_least`.

        The dual simplex comes down from above, so a relaxation cut short looks better than it is: good for choosing,
        not a bound.
        """
        highs = self.highs
        highs.changeColsBounds(len(self.integer), self.integer, lower, upper)
        highs.setOptionValue("time_limit", math.inf if seconds is None else highs.getRunTime() + max(seconds, 0.0))
        highs.setOptionValue("solver", "simplex")
        highs.setOptionValue("simplex_iteration_limit", iterations)
        highs.setOptionValue("objective_bound", self._bound_of(at_least))
        highs.setBasis(basis)
        run(highs)
        self.iterations += max(0, highs.getInfo().simplex_iteration_count)
        highs.setOptionValue("simplex_iteration_limit", NO_LIMIT)
        status = highs.getModelStatus()
        if status == highspy.HighsModelStatus.kTimeLimit:
            raise TimeoutError
        return None if status in _DROPPED else float(self.sign * highs.getInfo().objective_function_value)

    def _bound_of(self, at_least: float) -> float:
        """What HiGHS takes as the objective beyond which it need not go on; presolve leaves a model to minimise."""
        return -at_least if self.sign < 0.0 else math.inf

    def value(self, levels: FloatArray) -> float:
        """What levels of the presolved columns are worth; greater is better."""
        return self.sign * (float(self.cost @ levels) + self.offset)

    def add(self, cuts: Cuts) -> None:
        """Keep some rows that every integer solution keeps; bases from before fit once they are `with_cuts`."""
        matrix = cuts.matrix
        self.highs.addRows(
            matrix.shape[0], cuts.lower, cuts.upper, matrix.nnz, matrix.indptr[:-1].astype(np.int32),
            matrix.indices.astype(np.int32), matrix.data
        )
        self.rows = csr_array(vstack([self.rows, matrix], format="csr"))
        self.columns = csc_array(self.rows)
        self.row_lower = np.concatenate([self.row_lower, cuts.lower])
        self.row_upper = np.concatenate([self.row_upper, cuts.upper])

    def _run(self) -> None:
        run(self.highs)
        self.count += 1
        self.iterations += max(0, self.highs.getInfo().simplex_iteration_count)

    def settled(self, levels: FloatArray) -> FloatArray:
        """The levels with integers that cost nothing moved to an integral level where no row objects."""
        loose = self.integer[self.fractional(levels)]
        return settled(
            levels, self.rows @ levels, loose[self.cost[loose] == 0.0], self.columns, self.row_lower, self.row_upper
        )

    def fractional(self, levels: FloatArray) -> NDArray[np.int64]:
        """Positions among the integers that are not integral."""
        part = levels[self.integer]
        return np.flatnonzero(np.abs(part - np.round(part)) > INTEGRALITY)

    def with_integers_between(self, lower: FloatArray, upper: FloatArray) -> ModelArrays:
        """The presolved model as a model of its own, its integers within these bounds."""
        col_lower, col_upper = self.col_lower.copy(), self.col_upper.copy()
        integral = np.zeros(len(self.cost), dtype=bool)
        col_lower[self.integer], col_upper[self.integer], integral[self.integer] = lower, upper, True
        return ModelArrays(
            cost=self.cost, offset=self.offset, start=self.rows.indptr, index=self.rows.indices, value=self.rows.data,
            row_lower=self.row_lower, row_upper=self.row_upper, col_lower=col_lower, col_upper=col_upper,
            integer=integral, maximise=self.sign > 0.0, variables=tuple(range(len(self.cost))),
            row_names=tuple(map(str, range(len(self.row_lower)))),
        )

    def original(self, levels: FloatArray) -> FloatArray:
        """Levels of the columns before presolve."""
        answer = highspy.HighsSolution()
        answer.col_value = levels.tolist()
        answer.value_valid = True
        self.source.postsolve(answer)
        return np.array(self.source.getSolution().col_value)


def with_cuts(basis: Any, cuts: Cuts) -> Any:
    """A basis for the relaxation with some cuts more, all of them idle as yet."""
    longer = highspy.HighsBasis()
    longer.col_status = basis.col_status
    longer.row_status = [*basis.row_status, *[highspy.HighsBasisStatus.kBasic] * cuts.matrix.shape[0]]
    longer.valid = True
    return longer


def _kept(lp: Any, options: SolverOptions) -> Any:
    """A solver that holds a relaxation, to be solved from one basis after another."""
    highs = _quiet(options)
    # Weights of Devex: steepest edge spends a third more on relaxations that differ by one bound.
    highs.setOptionValue("simplex_dual_edge_weight_strategy", 1)
    highs.passModel(lp)
    return highs


def _quiet(options: SolverOptions) -> Any:
    highs = fresh_highs()
    if options.seed is not None:
        highs.setOptionValue("random_seed", options.seed)
    return highs


def seconds_left(began: float, options: SolverOptions) -> float | None:
    """Seconds until the time limit, None without one."""
    return None if options.time_limit_s is None else options.time_limit_s - (time.perf_counter() - began)

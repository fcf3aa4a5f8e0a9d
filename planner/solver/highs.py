"""HiGHS: a model goes in once, in bulk; an answer comes out only after it was checked."""

from __future__ import annotations

import time
from dataclasses import replace
from difflib import get_close_matches
from typing import Any

import highspy
import numpy as np
import pulp
from scipy.sparse import csr_array

from planner.errors import PlannerError
from planner.solver.changes import Changes, difference
from planner.solver.fresh_highs import fresh_highs
from planner.solver.highs_events import HighsEvents
from planner.solver.highs_threads import run
from planner.solver.model_arrays import FloatArray, ModelArrays, model_arrays
from planner.solver.options import SolverOptions
from planner.solver.solution import TOLERANCE, Claim, Solution, checked, cleaned, contradiction, decided, verify
from planner.solver.status import Status
from planner.solver.write_back import write_back

_Model = highspy.HighsModelStatus
_STOPPED = {
    _Model.kTimeLimit: "time limit",
    _Model.kIterationLimit: "iteration limit",
    _Model.kSolutionLimit: "limit on nodes or solutions",
    _Model.kMemoryLimit: "memory limit",
    _Model.kObjectiveBound: "objective bound",
    _Model.kObjectiveTarget: "objective target",
    _Model.kInterrupt: "interrupt",
    _Model.kHighsInterrupt: "interrupt",  # type: ignore[attr-defined]  # missing from the stubs
}
_UNDECIDED = (_Model.kUnbounded, _Model.kUnboundedOrInfeasible)
_OWNED = {
    "mip_rel_gap": "gap",
    "time_limit": "time_limit_s",
    "threads": "threads",
    "random_seed": "seed",
    "solve_relaxation": "relax",
    "output_flag": "log",
    "log_to_console": "log",
    "small_matrix_value": "units in which no coefficient is that small",
}
CLOSEST = 1e-10
"""The least that HiGHS takes as a tolerance of feasibility."""
_TOLERANCES = ("primal_feasibility_tolerance", "dual_feasibility_tolerance")
_PRICING = ("solver", "run_crossover")  # extra options that could keep the fixed LP from ending in a vertex


class HighsSolver(pulp.LpSolver):  # type: ignore[misc]
    """HiGHS in process, for one model at a time: `problem.solve(solver)`, or `solver.solve_arrays(arrays)`.

    The model stays in `highs` for re-solves, ranging, infeasible sets and repairs; `solution` is the last answer,
    `arrays` the model as it stands after changes.
    """

    name = "HighsSolver"

    def __init__(self, options: SolverOptions | None = None) -> None:
        self.choices = options or SolverOptions()
        super().__init__(mip=not self.choices.relax, msg=False, timeLimit=self.choices.time_limit_s)
        self.highs: Any = None
        self.arrays: ModelArrays | None = None
        self.solution: Solution | None = None
        self._events = HighsEvents()

    def available(self) -> bool:
        """True: highspy is always installed (PuLP asks)."""
        return True

    def actualSolve(self, lp: Any) -> int:
        """Solve a `pulp.LpProblem`, keep the model in `lp.solverModel` and write levels, duals and status into it."""
        solution = self.solve_arrays(model_arrays(lp, relax=self.choices.relax))
        lp.solverModel = self.highs
        return write_back(lp, solution)

    def solve_arrays(self, arrays: ModelArrays, *, basis: Any = None) -> Solution:
        """Pass the model in bulk and solve it from scratch, or from the basis of another model of the same shape."""
        if arrays.columns == 0:
            return self._keep(_without_columns(arrays))
        self.arrays = arrays
        self.highs = self.passed(arrays)
        if self.choices.start is not None:
            self._set_start(self.highs, arrays)
        if basis is not None:
            _accepted(
                self.highs.setBasis(basis), "the basis does not fit the model; take it from a model of the same shape"
            )
        return self._keep(self._solved())

    def resolve(
        self, changes: Changes, *, basis: Any = None, undo: bool = False, time_limit_s: float | None = None
    ) -> Solution:
        """Solve the kept model again after bulk changes of costs, bounds and limits.

        basis: start from this basis (`solver.basis()` of the base solve) instead of the last one, so that the result
        does not depend on what was solved before. undo: put the model back afterwards.
        time_limit_s: for this solve and those after it; None leaves the limit as it is.
        Changes add up from call to call unless undone.
        """
        highs, before = self._kept()
        if time_limit_s is not None:
            self.choices = replace(self.choices, time_limit_s=time_limit_s)
        self._change(highs, changes, changes.applied(before))
        if basis is not None:
            _accepted(highs.setBasis(basis), "the basis does not fit the model; take it from a solve of this model")
        try:
            return self._keep(self._solved())
        finally:
            if undo:
                self._change(highs, changes.undone(before), before)

    def solve_near(self, arrays: ModelArrays) -> Solution:
        """Solve a model of the same shape as the kept one: only what differs in it is changed, and the last basis is
        the start."""
        highs, before = self._kept()
        if (arrays.rows, arrays.columns) != (before.rows, before.columns):
            raise PlannerError("the model has another shape than the one that is kept; solve it from scratch")
        self._change(highs, difference(before, arrays), arrays)
        changed = csr_array(arrays.matrix - before.matrix).tocoo()
        rows, columns = changed.coords
        new = arrays.matrix.tocsr()
        for i, j in zip(rows[changed.data != 0.0].tolist(), columns[changed.data != 0.0].tolist(), strict=True):
            _accepted(highs.changeCoeff(i, j, float(new[i, j])), "HiGHS refuses the change")
        return self._keep(self._solved())

    def basis(self) -> Any:
        """A copy of the basis of the last solve of an LP, for `resolve`."""
        highs, _ = self._kept()
        basis = highs.getBasis()  # a copy
        if not basis.valid or self.solution is None or not self.solution.basic:
            raise PlannerError("the last solve left no basis: only an LP solved to a vertex has one")
        return basis

    def fixed_lp(self) -> HighsSolver:
        """The LP with the integers fixed at the last answer, solved to a vertex: its `solution` carries duals.

        A solver of its own, so that prices can re-solve it while this one keeps the MIP.
        """
        _, arrays = self._kept()
        if self.solution is None:
            raise PlannerError("nothing was solved yet: solve the model before holding its integers")
        fixed = arrays.with_integers_fixed(self.solution.usable())
        extra = {name: value for name, value in self.choices.extra.items() if name not in _PRICING}
        solver = HighsSolver(replace(self.choices, start=None, extra=extra))
        solver.solve_arrays(fixed)
        return solver

    def _keep(self, solution: Solution) -> Solution:
        self.solution = solution
        return solution

    def _kept(self) -> tuple[Any, ModelArrays]:
        if self.highs is None or self.arrays is None:
            raise PlannerError("this solver holds no model yet: solve one first")
        return self.highs, self.arrays

    def passed(self, arrays: ModelArrays) -> Any:
        """HiGHS with a model, not solved yet."""
        highs = fresh_highs()
        self._set_options(highs, arrays)
        sense = highspy.ObjSense.kMaximize if arrays.maximise else highspy.ObjSense.kMinimize
        status = highs.passModel(
            arrays.columns,
            arrays.rows,
            len(arrays.value),
            int(highspy.MatrixFormat.kRowwise),
            int(sense),
            arrays.offset,
            arrays.cost,
            arrays.col_lower,
            arrays.col_upper,
            arrays.row_lower,
            arrays.row_upper,
            arrays.start,
            arrays.index,
            arrays.value,
            arrays.integer.astype(np.int32),
        )
        _accepted(status, "HiGHS refuses the model; its log says why (pass log=print)")
        if highs.getNumNz() != len(arrays.value):
            raise PlannerError("HiGHS dropped coefficients of the model; choose units in which none is tiny")
        return highs

    def _set_options(self, highs: Any, arrays: ModelArrays) -> None:
        chosen = self.choices
        loud = chosen.log is not None or chosen.progress is not None  # HiGHS reports a MIP only while it logs
        _set(highs, "output_flag", loud)
        _set(highs, "mip_rel_gap", chosen.gap)
        if chosen.threads is not None:
            _set(highs, "threads", chosen.threads)
            _set(highs, "parallel", "on" if arrays.is_mip and chosen.threads > 1 else "off")
        if chosen.seed is not None:
            _set(highs, "random_seed", chosen.seed)
        for name, value in chosen.extra.items():
            if name in _OWNED:
                raise PlannerError(f"the HiGHS option {name!r} is set by {_OWNED[name]}; use that instead")
            _set(highs, name, value)
        self._events = HighsEvents()
        self._events.subscribe(highs, chosen)

    def _set_start(self, highs: Any, arrays: ModelArrays) -> None:
        if not arrays.is_mip:
            raise PlannerError("a start is for models with 0/1 or integer decisions; an LP starts from a basis")
        columns, levels = arrays.points(self.choices.start if self.choices.start is not None else {})
        _accepted(highs.setSolution(len(columns), columns, levels), "HiGHS refuses the start")

    def _change(self, highs: Any, changes: Changes, after: ModelArrays) -> None:
        refused = "HiGHS refuses the change"
        if changes.costs is not None:
            where = np.asarray(changes.costs[0], dtype=np.int32)
            _accepted(highs.changeColsCost(len(where), where, after.cost[where]), refused)
        if changes.columns is not None:
            where = np.asarray(changes.columns[0], dtype=np.int32)
            lower, upper = after.col_lower[where], after.col_upper[where]
            _accepted(highs.changeColsBounds(len(where), where, lower, upper), refused)
        if changes.rows is not None:
            where = np.asarray(changes.rows[0], dtype=np.int32)
            lower, upper = after.row_lower[where], after.row_upper[where]
            _accepted(highs.changeRowsBounds(len(where), where, lower, upper), refused)
        self.arrays = after

    def _solved(self) -> Solution:
        highs, arrays = self._kept()
        began = time.perf_counter()
        self._run(highs)
        claim = self._claim(highs, arrays, began)
        if (
            claim.values is not None and arrays.is_mip
            and not verify(arrays, cleaned(arrays, claim.values)).within(TOLERANCE)
        ):
            claim = replace(claim, values=self._levels_with_exact_integers(arrays, claim.values))
        solution = checked(arrays, claim, gap=self.choices.gap)
        if claim.basic and claim.duals is not None and solution.duals is None and solution.values is not None:
            solution = self._closer(solution)
        if self._events.by_user and not (arrays.is_mip and solution.status.has_values):
            raise KeyboardInterrupt  # only the answer of a long MIP is worth more than ending at once
        return solution

    def _closer(self, far: Solution) -> Solution:
        """The LP solved on from its vertex to the closest tolerances, where its duals fail the check; as it was if they
        still do.

        A tolerance counts for a unit of each level, so that of many levels in a plan of little money it adds up to more
        than the check forgives.
        """
        highs, arrays = self._kept()
        began = time.perf_counter()
        before = {name: highs.getOptionValue(name)[1] for name in _TOLERANCES}
        try:
            for name in _TOLERANCES:
                _set(highs, name, CLOSEST)
            self._run(highs)
            near = checked(arrays, self._claim(highs, arrays, began), gap=self.choices.gap)
        finally:
            for name, value in before.items():
                _set(highs, name, value)
        return replace(near, seconds=far.seconds + near.seconds) if near.duals is not None else far

    def _run(self, highs: Any) -> None:
        limit = self.choices.time_limit_s
        if limit is not None:  # HiGHS counts from the first solve of a model, so a kept one would run out of time
            _set(highs, "time_limit", highs.getRunTime() + limit)
        with self._events.on_interrupt():
            run(highs)
        if self._events.error is not None:
            raise self._events.error

    def _claim(self, highs: Any, arrays: ModelArrays, began: float) -> Claim:
        """What HiGHS says of the solve it just ended, asked from HiGHS itself."""
        model, info = highs.getModelStatus(), highs.getInfo()
        status, message = self._read(highs, arrays, model, began)
        claim = Claim(
            status=status,
            solver=f"HiGHS {highs.version()}",
            seconds=time.perf_counter() - began,
            message=message,
            bound=_finite(info.mip_dual_bound) if arrays.is_mip else None,
            iterations=max(0, info.simplex_iteration_count, info.ipm_iteration_count, info.pdlp_iteration_count),
            nodes=max(0, info.mip_node_count),
            interrupted=self._events.by_user,
        )
        answer = highs.getSolution()
        feasible = info.primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible
        if not status.has_values or not (answer.value_valid and feasible):
            return claim
        claim = replace(
            claim, values=np.array(answer.col_value), objective=info.objective_function_value
        )
        if arrays.is_mip or not answer.dual_valid or status is not Status.OPTIMAL:
            return claim
        return replace(
            claim,
            duals=np.array(answer.row_dual),
            reduced_costs=np.array(answer.col_dual),
            basic=bool(highs.getBasis().valid),
        )

    def _read(self, highs: Any, arrays: ModelArrays, model: Any, began: float) -> tuple[Status, str]:
        if model == _Model.kOptimal:
            return Status.OPTIMAL, ""
        if model == _Model.kInfeasible:
            return Status.INFEASIBLE, contradiction(arrays)
        if model in _UNDECIDED:
            spent = time.perf_counter() - began
            return decided(lambda plain: HighsSolver(self._feasibility_options(spent)).solve_arrays(plain), arrays)
        if model in _STOPPED:
            return Status.FEASIBLE, "stopped by Ctrl-C" if self._events.by_user else f"stopped at the {_STOPPED[model]}"
        return Status.ERROR, f"HiGHS ended with {highs.modelStatusToString(model)!r}"

    def _feasibility_options(self, spent: float) -> SolverOptions:
        limit = self.choices.time_limit_s
        left = None if limit is None else max(0.0, limit - spent)
        return SolverOptions(time_limit_s=left, threads=self.choices.threads, seed=self.choices.seed)

    def _levels_with_exact_integers(self, arrays: ModelArrays, values: FloatArray) -> FloatArray | None:
        """Levels of the continuous columns once the integers are exactly integral; None if that breaks a limit."""
        solver = HighsSolver(SolverOptions(time_limit_s=self.choices.time_limit_s, threads=self.choices.threads))
        return solver.solve_arrays(arrays.with_integers_fixed(values)).values


def _set(highs: Any, name: str, value: bool | int | float | str) -> None:
    known, kind = highs.getOptionType(name)
    if known != highspy.HighsStatus.kOk:
        names = [n for n in dir(highspy.HighsOptions) if not n.startswith("_")]
        close = get_close_matches(name, names, n=3, cutoff=0.5)
        meant = f"did you mean {' or '.join(map(repr, close))}?" if close else "see the options of HiGHS"
        raise PlannerError(f"HiGHS has no option {name!r}; {meant}")
    if kind == highspy.HighsOptionType.kDouble and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if highs.setOptionValue(name, value) != highspy.HighsStatus.kOk:
        raise PlannerError(f"HiGHS does not accept {value!r} for its option {name!r} (a {kind.name[1:].lower()})")


def _accepted(status: Any, why: str) -> None:
    if status == highspy.HighsStatus.kError:
        raise PlannerError(why)


def _finite(number: float) -> float | None:
    return float(number) if np.isfinite(number) else None


def _without_columns(arrays: ModelArrays) -> Solution:
    """The answer of a model without variables: HiGHS calls it empty whatever its rows ask."""
    broken = not verify(arrays, np.zeros(0)).within(TOLERANCE)
    status = Status.INFEASIBLE if broken else Status.OPTIMAL
    prices = (np.zeros(arrays.rows), np.zeros(0))
    claim = Claim(status, "no solver needed", 0.0, "", np.zeros(0), *prices, basic=True)
    return checked(arrays, claim, gap=0.0)

"""From candidates to the best levels after risk, whole decisions included.

The relaxation is solved over all scenarios first (see `generation`). Then the whole model is searched with those scenarios
that stood in its tail: a model with fewer scenarios is never worth less, so the bound of its tree bounds every plan. The answer is
measured over all scenarios, its whole decisions held and the rest chosen anew; scenarios that it brings into the tail join, and
if a gap wider than asked is left the search is made again. Out of a pool, the tree holds the columns of the relaxation's last master, and
those that its decisions call for join in the same way; the bound is then that of the relaxation over the whole pool.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

import numpy as np
import scipy.sparse as sp

from planner.allocator.allocate import ROW_TOLERANCE, Allocation, clean, levels_of, worst_row
from planner.allocator.compact import make_compact
from planner.allocator.growing_lp import NoVertex
from planner.allocator.highs import HighsDoor
from planner.allocator.matrix import FloatArray, ModelArrays, model_arrays
from planner.allocator.model import MILLION, Model, make_model
from planner.allocator.options import SolverOptions
from planner.allocator.solution import Claim, Solution, checked
from planner.allocator.status import Status
from planner.allocator.tree_search import TreeSearch
from planner.candidates.build import CandidateSet
from planner.candidates.outlook import Floats, Ints
from planner.risk.case_pool import CasePool
from planner.risk.columns import ColumnValues, FixedPart, Pool
from planner.risk.generation import Generated, GenerationOptions, RoundReport, generate
from planner.risk.measure import MeanCvar, in_millions
from planner.risk.worth import column_values, endings_are_certain

SEARCHES = 3
"""Searches at most: each but the first only where scenarios were missing from the one before."""


@dataclass(frozen=True, eq=False)
class RiskAllocation:
    """Levels after risk. allocation: as of any plan, its objective and bound those of the risk measure.

    npv_usd: of the plan by scenario, (S,), None without one. relaxed: the relaxation with its certificate, None where it failed.
    lp_values: values of the columns of `allocation.lp`'s model.
    """

    allocation: Allocation
    npv_usd: Floats | None
    relaxed: Generated | None
    fixed: FixedPart


def allocate_after_risk(
    candidates: CandidateSet, values: Floats, measure: MeanCvar, options: SolverOptions, *,
    cvar_limit_usd: float | None = None, report: RoundReport | None = None, start: Generated | None = None,
) -> RiskAllocation:
    """The best levels for a risk measure; values: NPV by candidate and scenario, dollars, (N, S) of `candidate_values`.

    cvar_limit_usd: greatest CVaR of the loss. start: the relaxation of a neighbouring problem on the same candidates. A solve that fails
    or stops is an answer with that status.
    """
    began = time.perf_counter()
    compact = make_compact(candidates, pool=False, keep_equals=not endings_are_certain(candidates, values))
    model = make_model(compact)
    fixed = FixedPart(model_arrays(model.problem, variables=model.variables), column_values(compact, values, measure.probability))
    task = Task(candidates, values, measure, options, model, fixed, cvar_limit_usd, report=report, start=start)
    return task.run({"model": time.perf_counter() - began})


def allocate_from_pool(
    candidates: CandidateSet, values: Floats, measure: MeanCvar, options: SolverOptions, made: CasePool, *,
    cvar_limit_usd: float | None = None, report: RoundReport | None = None,
) -> RiskAllocation:
    """As `allocate_after_risk`, where GPUs may only take the paths of a pool; its levels are those of the bundles' parts."""
    task = Task(candidates, values, measure, options, made.model, made.fixed, cvar_limit_usd, made=made, report=report)
    return task.run({})


@dataclass(frozen=True, eq=False)
class Task:
    """One plan after risk: what to solve, over which master and pool."""

    candidates: CandidateSet
    values: Floats
    measure: MeanCvar
    options: SolverOptions
    model: Model
    fixed: FixedPart
    cvar_limit_usd: float | None
    made: CasePool | None = None
    report: RoundReport | None = None
    start: Generated | None = None

    def run(self, seconds: dict[str, float]) -> RiskAllocation:
        """Relax, search, measure, check."""
        began = time.perf_counter()
        limit = None if self.cvar_limit_usd is None else self.cvar_limit_usd / MILLION
        pool = None if self.made is None else self.made.pool
        try:
            relaxed = generate(
                self.fixed, pool, self.measure, GenerationOptions(seconds=self.options.time_limit_s, report=self.report), cvar_limit=limit,
                start=None if self.start is None else self.start.in_master, scenarios=None if self.start is None else self.start.scenarios,
            )
        except NoVertex as stopped:
            claim = Claim(stopped.status, "HiGHS", time.perf_counter() - began, stopped.message)
            return RiskAllocation(_no_answer(self.model, checked(self.fixed.arrays, claim, gap=self.options.gap), seconds), None, None, self.fixed)
        seconds["relaxation"] = time.perf_counter() - began
        options = replace(self.options, time_limit_s=_left(self.options, began))
        whole = None if self.made is None else self.made.whole
        search = _Search(self.fixed, self.measure, limit, options, relaxed, _whole_tail(self.measure, relaxed), pool, whole)
        found = search.run() if self.fixed.arrays.is_mip and not options.relax else search.relaxation()
        seconds["search"] = time.perf_counter() - began - seconds["relaxation"]
        if found.held is None or found.held.values is None:
            return RiskAllocation(_no_answer(self.model, found.solution, seconds), None, relaxed, self.fixed)
        levels = self._levels(found)
        npv_usd = levels @ self.values
        allocation = _checked_levels(self.candidates, levels, npv_usd, self.measure, self.model, found.solution, found.held, seconds, options)
        return RiskAllocation(allocation, npv_usd, relaxed, self.fixed)

    def _levels(self, found: _Found) -> Floats:
        """Levels of the candidates, pool columns taken apart into theirs."""
        assert found.held is not None
        columns = found.held.usable()
        compact = self.model.compact
        own = columns[: len(compact.unit)]
        if self.made is not None:
            own = own + self.made.parts(found.pool_columns, columns[len(own) : len(own) + len(found.pool_columns)])
        return clean(self.candidates, levels_of(compact, own * compact.unit))


def _checked_levels(
    candidates: CandidateSet, levels: Floats, npv_usd: Floats, measure: MeanCvar, model: Model, solution: Solution, held: Solution,
    seconds: dict[str, float], options: SolverOptions,
) -> Allocation:
    """The allocation, its objective measured again over all scenarios from the levels."""
    worst = worst_row(candidates, levels)
    objective = measure.value(npv_usd)
    bound = None if solution.bound is None else solution.bound * MILLION
    status, message = solution.status, solution.message
    gap = None if bound is None else max(bound - objective, 0.0) / max(abs(objective), 1.0)
    solver_usd = None if held.objective is None else held.objective * MILLION
    if worst > ROW_TOLERANCE or solver_usd is None or abs(objective - solver_usd) > 1e-6 * max(abs(objective), MILLION):
        status, message = Status.ERROR, f"levels do not hold: a row is broken by {worst:.2e}, objective {objective:.6e} against {solver_usd}"
    elif gap is not None:
        status = Status.OPTIMAL if gap <= options.gap else Status.FEASIBLE
    return Allocation(
        status, levels, objective, bound, gap, solver_usd, solution.solver, message, seconds, model, solution, held, worst
    )


def _no_answer(model: Model, solution: Solution, seconds: dict[str, float]) -> Allocation:
    bound = None if solution.bound is None else solution.bound * MILLION
    return Allocation(solution.status, None, None, bound, None, None, solution.solver, solution.message, seconds, model, solution, None, 0.0)


def _whole_tail(measure: MeanCvar, relaxed: Generated) -> Ints:
    """The scenarios of the relaxation's master and of its tail: never less than a whole tail, without which eta has no bound."""
    return np.union1d(relaxed.scenarios, np.flatnonzero(measure.tail(relaxed.npv) > 0.0))


def _left(options: SolverOptions, began: float) -> float | None:
    return None if options.time_limit_s is None else max(options.time_limit_s - (time.perf_counter() - began), 0.0)


@dataclass
class _Search:
    """The search for whole decisions, over the scenarios and pool columns known so far.

    whole: the fixed part over which the last programme is stated, where that is not `fixed`.
    """

    fixed: FixedPart
    measure: MeanCvar
    limit: float | None
    options: SolverOptions
    relaxed: Generated
    tail: Ints
    """Scenarios to begin with."""
    pool: Pool | None = None
    whole: FixedPart | None = None

    def relaxation(self) -> _Found:
        """The relaxation as an answer: its vertex with duals."""
        arrays = replace(self.fixed.arrays, integer=np.zeros_like(self.fixed.arrays.integer))
        held = self._vertex(arrays, self.tail, self.relaxed.in_master)
        return _Found(replace(held, bound=self.relaxed.certificate.bound), held, self.relaxed.in_master)

    def run(self) -> _Found:
        """Search, measure over all scenarios and the whole pool, and again with what was missing."""
        began = time.perf_counter()
        count = self.fixed.arrays.columns
        scenarios, columns, bound = self.tail, self.relaxed.in_master, self.relaxed.certificate.bound
        best: Generated | None = None
        best_arrays, solution = self.fixed.arrays, None
        for _ in range(SEARCHES):
            options = replace(self.options, time_limit_s=_left(self.options, began))
            part = self.fixed if self.pool is None else with_pool_columns(self.fixed, self.pool, self.measure, columns)
            found = TreeSearch(options).solve_arrays(extended(part, self.measure, scenarios, self.limit))
            # With columns left out the tree bounds nothing: the bound of the relaxation over the whole pool stands.
            bound = bound if found.bound is None or self.pool is not None else min(bound, found.bound)
            solution = found if solution is None or found.values is not None else solution
            if found.values is None:
                break
            arrays = self.fixed.arrays.with_integers_held(found.values[:count])
            exact = self._measured(arrays, scenarios, columns)
            if exact is None:  # its tail was not known: CVaR is limited, and these decisions break the limit
                scenarios = np.union1d(scenarios, np.flatnonzero(self.measure.tail(part.values.npv(found.values[: part.arrays.columns])) > 0.0))
                continue
            if best is None or exact.certificate.value > best.certificate.value:
                best, best_arrays, solution = exact, arrays, found
            more, others = np.union1d(scenarios, exact.scenarios), np.union1d(columns, exact.in_master)
            known = len(more) == len(scenarios) and len(others) == len(columns)
            if known or bound - best.certificate.value <= self.options.gap * abs(best.certificate.value) or found.interrupted:
                break
            scenarios, columns = more, others
        assert solution is not None
        if best is None:
            message = solution.message
            if solution.status is Status.INFEASIBLE and self.limit is not None:
                message = f"fractions of decisions could keep a CVaR of the loss of {in_millions(self.limit)}, whole ones cannot; allow more, or see what --risk-weight 1 reaches"
            return _Found(replace(solution, bound=bound, message=message), None, columns)
        held = self._vertex(best_arrays, np.union1d(best.scenarios, _whole_tail(self.measure, best)), best.in_master)
        return _Found(replace(solution, bound=bound), held, best.in_master)

    def _measured(self, arrays: ModelArrays, scenarios: Ints, columns: Ints) -> Generated | None:
        """The best plan with these whole decisions over all scenarios and the whole pool; None where it cannot keep the limit on CVaR."""
        try:
            return generate(
                FixedPart(arrays, self.fixed.values), self.pool, self.measure, GenerationOptions(), cvar_limit=self.limit, start=columns, scenarios=scenarios
            )
        except NoVertex as stopped:
            if stopped.status is not Status.INFEASIBLE or self.limit is None:
                raise
            return None

    def _vertex(self, arrays: ModelArrays, scenarios: Ints, columns: Ints) -> Solution:
        """The programme without whole decisions, solved to a vertex whose duals are checked."""
        part = FixedPart(arrays, self.fixed.values)
        if self.whole is not None:
            part = FixedPart(_same_whole(self.whole.arrays, arrays), self.whole.values)
        if self.pool is not None:
            part = with_pool_columns(part, self.pool, self.measure, columns)
        return HighsDoor(SolverOptions(extra={"solver": "ipm"})).solve_arrays(extended(part, self.measure, scenarios, self.limit))


@dataclass(frozen=True, eq=False)
class _Found:
    """What a search found: the answer of the tree, the programme with its decisions held, and the pool columns in that."""

    solution: Solution
    held: Solution | None
    pool_columns: Ints


def _same_whole(whole: ModelArrays, part: ModelArrays) -> ModelArrays:
    """The bounds of `part`'s columns in a model that has them all."""
    at = np.array([whole.column_of(variable) for variable in part.variables], dtype=np.int64)
    lower, upper, integer = whole.col_lower.copy(), whole.col_upper.copy(), whole.integer.copy()
    lower[at], upper[at], integer[at] = part.col_lower, part.col_upper, part.integer
    return replace(whole, col_lower=lower, col_upper=upper, integer=integer)


def with_pool_columns(fixed: FixedPart, pool: Pool, measure: MeanCvar, chosen: Ints) -> FixedPart:
    """The fixed part with some pool columns after its own."""
    values, use = pool.columns(chosen)
    own, of_pool = fixed.values, ColumnValues.of(values, measure.probability)
    arrays, count = fixed.arrays, fixed.arrays.columns
    matrix = sp.csr_array(sp.hstack([arrays.matrix, use], format="csr"))
    joined = ModelArrays(
        cost=np.concatenate([arrays.cost, of_pool.mean]), offset=arrays.offset,
        start=matrix.indptr.astype(np.int32), index=matrix.indices.astype(np.int32), value=matrix.data,
        row_lower=arrays.row_lower, row_upper=arrays.row_upper,
        col_lower=np.concatenate([arrays.col_lower, np.zeros(len(chosen))]), col_upper=np.concatenate([arrays.col_upper, pool.upper[chosen]]),
        integer=np.concatenate([arrays.integer, np.zeros(len(chosen), dtype=bool)]), maximise=arrays.maximise,
        variables=(*arrays.variables, *(_Added(f"pool_{number}") for number in chosen.tolist())), row_names=arrays.row_names,
    )
    split = ColumnValues(
        np.concatenate([own.mean, of_pool.mean]), np.concatenate([own.varying, count + of_pool.varying]), np.vstack([own.deviation, of_pool.deviation])
    )
    return FixedPart(joined, split)


@dataclass(frozen=True)
class _Added:
    """A column that no PuLP variable stands behind."""

    name: str


def extended(fixed: FixedPart, measure: MeanCvar, scenarios: Ints, cvar_limit: float | None) -> ModelArrays:
    """The model with mean and CVaR over some scenarios as its objective: eta and a column and a row for each scenario come after its own."""
    arrays, values = fixed.arrays, fixed.values
    if measure.weight == 0.0 and cvar_limit is None:
        return replace(arrays, cost=values.mean)
    count = len(scenarios)
    deviation = sp.csr_array((values.deviation[:, scenarios].T.ravel(), _cells(values, count), np.arange(count + 1) * len(values.varying)), shape=(count, arrays.columns))
    blocks = [[arrays.matrix, None, None], [deviation, sp.csr_array(-np.ones((count, 1))), sp.eye_array(count, format="csr")]]
    lower, upper = [arrays.row_lower, np.zeros(count)], [arrays.row_upper, np.full(count, np.inf)]
    names = [*arrays.row_names, *(f"tail_{number}" for number in scenarios.tolist())]
    if cvar_limit is not None:
        blocks.append([sp.csr_array(values.mean[None, :]), sp.csr_array(np.ones((1, 1))), sp.csr_array(-measure.most[scenarios][None, :])])
        lower.append(np.array([-cvar_limit]))
        upper.append(np.array([np.inf]))
        names.append("cvar")
    matrix = _without_dust(sp.csr_array(sp.block_array(blocks, format="csr")))

    def joined(own: FloatArray, eta: float, tail: FloatArray) -> FloatArray:
        return np.concatenate([own, [eta], tail])

    return ModelArrays(
        cost=joined(values.mean, measure.weight, -measure.weight * measure.most[scenarios]), offset=arrays.offset,
        start=matrix.indptr.astype(np.int32), index=matrix.indices.astype(np.int32), value=matrix.data,
        row_lower=np.concatenate(lower), row_upper=np.concatenate(upper),
        col_lower=joined(arrays.col_lower, -np.inf, np.zeros(count)), col_upper=joined(arrays.col_upper, np.inf, np.full(count, np.inf)),
        integer=np.concatenate([arrays.integer, np.zeros(count + 1, dtype=bool)]), maximise=True,
        variables=(*arrays.variables, _Added("eta"), *(_Added(f"below_{number}") for number in scenarios.tolist())), row_names=tuple(names),
    )


def _cells(values: ColumnValues, count: int) -> Ints:
    found: Ints = np.tile(values.varying, count)
    return found


def _without_dust(matrix: sp.csr_array) -> sp.csr_array:
    """Without the coefficients that the solver would read as zero."""
    matrix.data[np.abs(matrix.data) <= 1e-9] = 0.0
    matrix.eliminate_zeros()
    return matrix

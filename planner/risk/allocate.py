"""From candidates to the best levels after risk, whole decisions included.

The relaxation is solved over all scenarios, and over the whole pool where there is one (see `generation`); whole
decisions are searched with what stood in its tail (see `integer_search`). Levels come from the programme with those
decisions held, and are measured again over all scenarios.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

from planner.arrays import Floats
from planner.candidates.build import CandidateSet
from planner.formulation.allocate import LEAST_MONEY, ROW_TOLERANCE, Allocation, clean, levels_of, worst_row
from planner.formulation.formulation import make_formulation
from planner.formulation.model import Model, make_model
from planner.risk.case_pool import CasePool
from planner.risk.integer_search import Found, IntegerSearch, left_of, seconds_of
from planner.risk.worth import column_values, endings_are_certain
from planner.solver.column_generation.branch_and_price import BranchAndPrice
from planner.solver.column_generation.columns import FixedPart
from planner.solver.column_generation.mean_cvar import MeanCvar
from planner.solver.column_generation.pricing_rounds import Generated, GenerationOptions, RoundReport, generate
from planner.solver.growing_lp import NoVertex
from planner.solver.model_arrays import model_arrays
from planner.solver.options import SolverOptions
from planner.solver.solution import Claim, Solution, checked
from planner.solver.status import Status


@dataclass(frozen=True, eq=False)
class RiskAllocation:
    """Levels after risk. allocation: as of any plan, its objective and bound those of the risk measure.

    npv_usd: of the plan by scenario, (S,), None without one. relaxed: the relaxation with its certificate, None where
    it failed.
    integers: what was proven of integer plans out of a pool, None without one, or where the first search closed the
    gap.
    """

    allocation: Allocation
    npv_usd: Floats | None
    relaxed: Generated | None
    fixed: FixedPart
    integers: BranchAndPrice | None = None


def allocate_after_risk(
    candidates: CandidateSet, values: Floats, measure: MeanCvar, options: SolverOptions, *,
    cvar_limit_usd: float | None = None, report: RoundReport | None = None, start: Generated | None = None,
) -> RiskAllocation:
    """The best levels for a risk measure; values: NPV by candidate and scenario, dollars, (N, S) of `candidate_values`.

    cvar_limit_usd: greatest CVaR of the loss. start: the relaxation of a neighbouring problem on the same candidates. A
    solve that fails or stops is an answer with that status.
    """
    began = time.perf_counter()
    formulation = make_formulation(candidates, aggregate=False, keep_equals=not endings_are_certain(candidates, values))
    model = make_model(formulation)
    fixed = FixedPart(
        model_arrays(model.problem, variables=model.variables), column_values(formulation, values, measure.probability)
    )
    task = Task(candidates, values, measure, options, model, fixed, cvar_limit_usd, report=report, start=start)
    return task.run({"model": time.perf_counter() - began})


def allocate_from_pool(
    candidates: CandidateSet, values: Floats, measure: MeanCvar, options: SolverOptions, made: CasePool, *,
    cvar_limit_usd: float | None = None, report: RoundReport | None = None,
) -> RiskAllocation:
    """As `allocate_after_risk`, where GPUs may only take the paths of a pool; its levels are those of the bundles'
    parts."""
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
        limit = None if self.cvar_limit_usd is None else self.cvar_limit_usd / self.model.money
        pool = None if self.made is None else self.made.pool
        try:
            relaxed = generate(
                self.fixed, pool, self.measure, GenerationOptions(seconds=seconds_of(self.options), report=self.report),
                cvar_limit=limit,
                start=None if self.start is None else self.start.in_master,
                scenarios=None if self.start is None else self.start.scenarios,
            )
        except NoVertex as stopped:
            claim = Claim(stopped.status, "HiGHS", time.perf_counter() - began, stopped.message)
            return RiskAllocation(
                _no_answer(self.model, checked(self.fixed.arrays, claim, gap=self.options.gap), seconds), None, None,
                self.fixed,
            )
        seconds["relaxation"] = time.perf_counter() - began
        options = replace(self.options, time_limit_s=left_of(self.options, began))
        search = IntegerSearch(self.fixed, self.measure, limit, options, relaxed, self.made)
        found = search.run() if self.fixed.arrays.is_mip and not options.relax else search.relaxation()
        seconds["search"] = time.perf_counter() - began - seconds["relaxation"]
        if found.held is None or found.held.values is None:
            return RiskAllocation(
                _no_answer(self.model, found.solution, seconds), None, relaxed, self.fixed, found.proof
            )
        levels = self._levels(found)
        npv_usd = levels @ self.values
        allocation = _checked_levels(
            self.candidates, levels, npv_usd, self.measure, self.model, found.solution, found.held, seconds, options
        )
        return RiskAllocation(
            allocation, None if allocation.levels is None else npv_usd, relaxed, self.fixed, found.proof
        )

    def _levels(self, found: Found) -> Floats:
        """Levels of the candidates, pool columns taken apart into theirs."""
        assert found.held is not None
        columns = found.held.usable()
        formulation = self.model.formulation
        own = columns[: len(formulation.unit)]
        if self.made is not None:
            own = own + self.made.parts(found.pool_columns, columns[len(own) : len(own) + len(found.pool_columns)])
        return clean(self.candidates, levels_of(formulation, own * formulation.unit))


def _checked_levels(
    candidates: CandidateSet, levels: Floats, npv_usd: Floats, measure: MeanCvar, model: Model, solution: Solution,
    held: Solution,
    seconds: dict[str, float], options: SolverOptions,
) -> Allocation:
    """The allocation, its objective measured again over all scenarios from the levels."""
    worst = worst_row(candidates, levels)
    objective = measure.value(npv_usd)
    bound = None if solution.bound is None else model.usd(solution.bound)
    status, message = solution.status, solution.message
    gap = None if bound is None else max(bound - objective, 0.0) / max(abs(objective), LEAST_MONEY * model.money)
    solver_usd = None if held.objective is None else model.usd(held.objective)
    if (
        worst > ROW_TOLERANCE or solver_usd is None
        or abs(objective - solver_usd) > 1e-6 * max(abs(objective), model.money)
    ):
        message = f"levels do not hold: a row is broken by {worst:.2e}, objective {objective:.6e} against {solver_usd}"
        return Allocation(
            Status.ERROR, None, None, None, None, solver_usd, solution.solver, message, seconds, model, solution, None,
            worst,
        )
    if gap is not None:
        status = Status.OPTIMAL if gap <= options.gap else Status.FEASIBLE
    return Allocation(
        status, levels, objective, bound, gap, solver_usd, solution.solver, message, seconds, model, solution, held,
        worst
    )


def _no_answer(model: Model, solution: Solution, seconds: dict[str, float]) -> Allocation:
    bound = None if solution.bound is None else model.usd(solution.bound)
    return Allocation(
        solution.status, None, None, bound, None, None, solution.solver, solution.message, seconds, model, solution,
        None, 0.0,
    )

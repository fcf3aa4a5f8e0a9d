"""The search for whole decisions, its answer measured over all scenarios and the whole pool.

The tree holds the scenarios that the relaxation put into the tail: a model with fewer scenarios is never worth less, so
its bound holds for all. What the answer brings into the tail joins, and where a gap is left the search is made again.
With a pool, the bound of a tree over some bundles holds for nothing; then a second tree prices the whole pool in each
of its parts (see `branch_and_price`).
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

import numpy as np

from planner.arrays import Ints
from planner.risk.case_pool import CasePool
from planner.solver.column_generation.branch_and_price import BranchAndPrice, branch_and_price
from planner.solver.column_generation.columns import FixedPart, Pool
from planner.solver.column_generation.mean_cvar import MeanCvar, in_words
from planner.solver.column_generation.pricing_rounds import Generated, GenerationOptions, generate
from planner.solver.column_generation.tail_model import extended, with_pool_columns
from planner.solver.growing_lp import NoVertex
from planner.solver.model_arrays import ModelArrays
from planner.solver.options import SolverOptions
from planner.solver.solution import Solution
from planner.solver.solvers import make_solver, mip_solver
from planner.solver.status import Status

SEARCHES = 3
"""Searches at most: each but the first only where scenarios were missing from the one before."""
FIRST_SHARE = 0.4
"""Of a time limit, what the first search may take where a whole pool is to be priced after it."""
NO_WHOLE_PLAN = (
    "no whole plan out of the pool keeps every limit, which prices over the whole pool prove; add bundles that serve "
    "what must be served, "
    "or leave --pool out to see whether the case has a plan"
)
UNSETTLED = (
    "the tree over the pool ended without a plan and without proof that there is none; leave --pool out, or try "
    "another pool"
)


def scenarios_of_tail(measure: MeanCvar, relaxed: Generated) -> Ints:
    """The scenarios of the relaxation's master and of its tail: never less than a whole tail, without which eta has no
    bound."""
    return np.union1d(relaxed.scenarios, np.flatnonzero(measure.tail(relaxed.npv) > 0.0))


def seconds_of(options: SolverOptions) -> float | None:
    """Seconds for programmes kept in this process: a deadline can end none of them, but HiGHS keeps it as a limit of
    its own."""
    return min((given for given in (options.time_limit_s, options.deadline_s) if given is not None), default=None)


def left_of(options: SolverOptions, began: float, share: float = 1.0) -> float | None:
    """Seconds left of a share of the time limit, None without one."""
    return (
        None if options.time_limit_s is None else max(share * options.time_limit_s - (time.perf_counter() - began), 0.0)
    )


@dataclass
class IntegerSearch:
    """The search for whole decisions, over the scenarios and pool columns known so far."""

    fixed: FixedPart
    measure: MeanCvar
    limit: float | None
    options: SolverOptions
    relaxed: Generated
    made: CasePool | None = None

    @property
    def pool(self) -> Pool | None:
        """The pool, None without one."""
        return None if self.made is None else self.made.pool

    def relaxation(self) -> Found:
        """The relaxation as an answer: its vertex with duals."""
        arrays = replace(self.fixed.arrays, integer=np.zeros_like(self.fixed.arrays.integer))
        held = self._vertex(arrays, scenarios_of_tail(self.measure, self.relaxed), self.relaxed.in_master)
        return Found(replace(held, bound=self.relaxed.certificate.bound), held, self.relaxed.in_master)

    def run(self) -> Found:
        """Search with what the relaxation knew, and over the whole pool where that leaves a gap; then the programme
        with the decisions held."""
        began = time.perf_counter()
        first = self._first()
        proof: BranchAndPrice | None = None
        if (
            self.made is not None and not first.solution.interrupted
            and self._gap(first.best, first.bound) > self.options.gap
        ):
            left = self.options.deadline_s if self.options.time_limit_s is None else left_of(self.options, began)
            first, proof = self._over_the_pool(first, self.made, left)
        best, solution = first.best, first.solution
        if best is None:
            message = solution.message
            if solution.status is Status.INFEASIBLE and self.limit is not None and self._keeps_all_but_the_limit():
                message = (
                    "fractions of decisions could keep a CVaR of the loss of "
                    f"{in_words(self.limit * self.fixed.values.money)}, whole ones cannot; allow more, or see what "
                    "--risk-weight 1 reaches"
                )
            return Found(replace(solution, bound=first.bound, message=message), None, first.columns, proof)
        scenarios = np.union1d(best.scenarios, scenarios_of_tail(self.measure, best))
        held = self._vertex(first.arrays, scenarios, best.in_master)
        return Found(replace(solution, bound=first.bound), held, best.in_master, proof)

    def _keeps_all_but_the_limit(self) -> bool:
        """Whether integers keep everything but the limit on CVaR, so that this limit is what stops them."""
        options = replace(self.options, progress=None, log=None)
        return mip_solver(options).solve_arrays(self.fixed.arrays.without_objective()).status is not Status.INFEASIBLE

    def _gap(self, best: Generated | None, bound: float) -> float:
        return np.inf if best is None else (bound - best.certificate.value) / max(abs(best.certificate.value), 1e-9)

    def _first(self) -> _Best:
        """Search, measure over all scenarios and the whole pool, and without a pool again with what was missing."""
        began = time.perf_counter()
        count = self.fixed.arrays.columns
        scenarios, columns, bound = scenarios_of_tail(
            self.measure, self.relaxed
        ), self.relaxed.in_master, self.relaxed.certificate.bound
        best: Generated | None = None
        best_arrays, solution = self.fixed.arrays, None
        share = 1.0 if self.pool is None else FIRST_SHARE
        for _ in range(SEARCHES if self.pool is None or self.limit is not None else 1):
            options = replace(self.options, time_limit_s=left_of(self.options, began, share))
            part = self.fixed if self.pool is None else with_pool_columns(self.fixed, self.pool, self.measure, columns)
            found = mip_solver(options).solve_arrays(extended(part, self.measure, scenarios, self.limit))
            # With columns left out the tree bounds nothing: the bound of the relaxation over the whole pool stands.
            bound = bound if found.bound is None or self.pool is not None else min(bound, found.bound)
            solution = found if solution is None or found.values is not None else solution
            if found.values is None:
                break
            arrays = self.fixed.arrays.with_integers_fixed(found.values[:count])
            exact = self._measured(arrays, scenarios, columns)
            if exact is None:  # its tail was not known: CVaR is limited, and these decisions break the limit
                scenarios = np.union1d(
                    scenarios,
                    np.flatnonzero(self.measure.tail(part.values.npv(found.values[: part.arrays.columns])) > 0.0),
                )
                continue
            if best is None or exact.certificate.value > best.certificate.value:
                best, best_arrays, solution = exact, arrays, found
            more = np.union1d(scenarios, exact.scenarios)
            known = len(more) == len(scenarios)
            scenarios, columns = more, np.union1d(columns, exact.in_master)
            if known or self.pool is not None or self._gap(best, bound) <= self.options.gap or found.interrupted:
                break
        assert solution is not None
        return _Best(best, best_arrays, solution, bound, scenarios, columns)

    def _over_the_pool(self, first: _Best, made: CasePool, seconds: float | None) -> tuple[_Best, BranchAndPrice]:
        """The tree in which every part is priced over the whole pool, from the best plan so far."""
        value = -np.inf if first.best is None else first.best.certificate.value
        proof = branch_and_price(
            *made.tightened, self.measure, replace(self.options, time_limit_s=seconds), cvar_limit=self.limit,
            bound=first.bound, value=value,
            columns=first.columns, scenarios=first.scenarios,
        )
        found = replace(first, bound=min(first.bound, proof.bound))
        if proof.integers is not None:
            levels = np.zeros(self.fixed.arrays.columns)
            levels[self.fixed.arrays.integer] = proof.integers
            arrays = self.fixed.arrays.with_integers_fixed(levels)
            exact = self._measured(arrays, proof.scenarios, proof.columns)
            if exact is not None and exact.certificate.value > value:
                found = replace(found, best=exact, arrays=arrays)
        solution = first.solution
        if found.best is None:
            limited = proof.stopped not in ("", "solver")
            status = Status.INFEASIBLE if proof.infeasible else Status.TIME_LIMIT if limited else Status.ERROR
            solution = replace(
                solution, status=status,
                message=NO_WHOLE_PLAN if proof.infeasible else solution.message if limited else UNSETTLED,
            )
        elif proof.stopped == "Ctrl-C":
            solution = replace(solution, interrupted=True, message="stopped by Ctrl-C")
        return replace(found, solution=solution), proof

    def _measured(self, arrays: ModelArrays, scenarios: Ints, columns: Ints) -> Generated | None:
        """The best plan with these whole decisions over all scenarios and the whole pool; None where it cannot keep the
        limit on CVaR."""
        try:
            return generate(
                FixedPart(arrays, self.fixed.values), self.pool, self.measure, GenerationOptions(),
                cvar_limit=self.limit, start=columns, scenarios=scenarios
            )
        except NoVertex as stopped:
            if stopped.status is not Status.INFEASIBLE or self.limit is None:
                raise
            return None

    def _vertex(self, arrays: ModelArrays, scenarios: Ints, columns: Ints) -> Solution:
        """The programme with its integers fixed, solved to a vertex whose duals are checked.

        Of several best plans it may find another than the one that told the scenarios, with a tail of its own: what is
        missing joins.
        """
        part = FixedPart(arrays, self.fixed.values)
        if self.made is not None:
            full = self.made.full
            part = with_pool_columns(
                FixedPart(_with_bounds_of(full.arrays, arrays), full.values), self.made.pool, self.measure, columns
            )
        options = SolverOptions(extra={"solver": "ipx"}, deadline_s=self.options.deadline_s)
        while True:
            held = make_solver(options).solve_arrays(extended(part, self.measure, scenarios, self.limit))
            if held.values is None or (self.measure.weight == 0.0 and self.limit is None):
                return held
            tail = np.flatnonzero(self.measure.tail(part.values.npv(held.values[: part.arrays.columns])) > 0.0)
            more = np.union1d(scenarios, tail)
            if len(more) == len(scenarios):
                return held
            scenarios = more


@dataclass(frozen=True, eq=False)
class Found:
    """What a search found: the answer of the tree, the programme with its integers fixed, the pool columns in that, and
    what the whole pool proves."""

    solution: Solution
    held: Solution | None
    pool_columns: Ints
    proof: BranchAndPrice | None = None


@dataclass(frozen=True, eq=False)
class _Best:
    """The best plan so far with its integers fixed in `arrays`, the answer behind it, its bound, and what stood in the
    programme."""

    best: Generated | None
    arrays: ModelArrays
    solution: Solution
    bound: float
    scenarios: Ints
    columns: Ints


def _with_bounds_of(full: ModelArrays, part: ModelArrays) -> ModelArrays:
    """The bounds of `part`'s columns in a model that has them all."""
    at = np.array([full.column_of(variable) for variable in part.variables], dtype=np.int64)
    lower, upper, integer = full.col_lower.copy(), full.col_upper.copy(), full.integer.copy()
    lower[at], upper[at], integer[at] = part.col_lower, part.col_upper, part.integer
    return replace(full, col_lower=lower, col_upper=upper, integer=integer)

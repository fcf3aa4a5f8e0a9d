"""The near-optimal set: plans that are worth nearly as much as the best, and questions about them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from types import SimpleNamespace

import numpy as np

from planner.errors import PlannerError
from planner.formulation.allocate import Allocation
from planner.near_optimal.bounded_search import BoundedSearch
from planner.near_optimal.metrics import Metric
from planner.solver.highs import HighsSolver
from planner.solver.model_arrays import SMALLEST_COEFFICIENT, FloatArray, ModelArrays
from planner.solver.options import SolverOptions
from planner.solver.solution import TOLERANCE, verify
from planner.solver.solvers import make_solver
from planner.solver.status import Status


@dataclass(frozen=True, eq=False)
class Answer:
    """The best plan found for a question, and what no plan can beat.

    columns: of the model, None where no plan was found. bound: None where the question has no plan at all
    (`impossible`) or the search proved nothing.
    """

    value: float | None
    bound: float | None
    columns: FloatArray | None
    impossible: bool = False


@dataclass
class NearOptimalSet:
    """All plans of a model whose objective is at least `least` ($M); `plans` holds those found so far, the best first.

    effort: relaxations spent on a question, or on a target of one (see `target_search`). asked: questions and targets
    so far.
    """

    arrays: ModelArrays
    least: float
    options: SolverOptions
    effort: int
    plans: list[FloatArray] = field(default_factory=list)
    asked: int = field(default=0)

    @staticmethod
    def around(allocation: Allocation, within: float, options: SolverOptions, effort: int) -> NearOptimalSet:
        """The plans within a share of the best plan's objective."""
        lp = allocation.lp if allocation.lp is not None and allocation.lp.values is not None else allocation.solution
        columns = lp.usable()
        arrays = allocation.solution.arrays
        best = float(arrays.cost @ columns) + arrays.offset
        if not arrays.maximise:
            raise PlannerError("the model of a plan maximises; this one does not")
        return NearOptimalSet(arrays, best - within * abs(best), options, effort, [columns])

    def worth(self, columns: FloatArray) -> float:
        """Objective of a plan, $M."""
        return float(self.arrays.cost @ columns) + self.arrays.offset

    def best_without(self, metric: Metric) -> Answer:
        """The best plan that has nothing of a site or lease; value and bound in $M."""
        upper = np.where(metric.weights > 0.0, np.minimum(self.arrays.col_upper, 0.0), self.arrays.col_upper)
        if (upper < self.arrays.col_lower).any():
            return Answer(None, None, None, impossible=True)
        arrays = replace(self.arrays, col_upper=upper)
        known = [plan for plan in self.plans if not (plan[metric.weights > 0.0] > 0.0).any()]
        begin = max(known, key=self.worth) if known else None
        return self.answered(arrays, begin, self.options.gap, at_least=-np.inf if begin is not None else self.least)

    def improved(self, columns: FloatArray, metrics: list[Metric]) -> FloatArray:
        """A plan of the same whole decisions and the same size of every metric that is worth the most; itself if none
        is better."""
        arrays = self.arrays
        for metric in metrics:
            size = metric.size(columns)
            slack = 1e-6 * max(1.0, abs(size))
            arrays = with_row(arrays, metric.weights, size - slack, size + slack, f"same {metric.kind} {metric.name}")
        found = HighsSolver(SolverOptions()).solve_arrays(arrays.with_integers_fixed(columns)).values
        return found if found is not None and self.worth(found) > self.worth(columns) else columns

    def keep(self, columns: FloatArray) -> None:
        """Note a plan, if it is in the set."""
        if self.holds(columns):
            self.plans.append(columns)

    def holds(self, columns: FloatArray) -> bool:
        """Whether a plan is worth enough to be in the set."""
        return self.worth(columns) >= self.least - TOLERANCE * max(1.0, abs(self.least))

    def answered(
        self, arrays: ModelArrays, begin: FloatArray | None, gap: float, *, at_least: float = -np.inf,
        enough: float = np.inf,
    ) -> Answer:
        """The best plan of a modellike the set's own, or one worth `enough`; at_least: what it has to be worth
        ($M)."""
        self.asked += 1
        options = replace(self.options, gap=gap, start=None, progress=None, log=None)
        if (
            options.solver == "highs" and begin is not None and arrays.is_mip
            and verify(arrays, begin).within(TOLERANCE)
        ):
            options = replace(options, start=begin)
        if options.solver != "highs" or options.deadline_s is not None:
            solution = make_solver(options).solve_arrays(arrays)
        else:
            solution = BoundedSearch(
                options, most=self.effort, at_least=at_least, enough=enough, priced=enough == np.inf
            ).solve_arrays(arrays)
        if solution.interrupted:
            raise KeyboardInterrupt
        if solution.status is Status.INFEASIBLE:
            return Answer(None, None, None, impossible=True)
        return Answer(solution.objective, solution.bound, solution.values)


def with_column(arrays: ModelArrays, name: str) -> ModelArrays:
    """The model with one column more that stands in no row yet, unbounded, of cost 1."""
    return replace(
        arrays, cost=np.append(arrays.cost, 1.0), col_lower=np.append(arrays.col_lower, -np.inf),
        col_upper=np.append(arrays.col_upper, np.inf),
        integer=np.append(arrays.integer, False), variables=(*arrays.variables, SimpleNamespace(name=name)),
    )


def with_row(arrays: ModelArrays, coefficients: FloatArray, lower: float, upper: float, name: str) -> ModelArrays:
    """The model with one row more, lower <= coefficients @ columns <= upper."""
    at = np.flatnonzero(np.abs(coefficients) > SMALLEST_COEFFICIENT)
    return replace(
        arrays,
        start=np.append(arrays.start, arrays.start[-1] + len(at)).astype(arrays.start.dtype),
        index=np.concatenate([arrays.index, at.astype(arrays.index.dtype)]),
        value=np.concatenate([arrays.value, coefficients[at]]),
        row_lower=np.append(arrays.row_lower, lower),
        row_upper=np.append(arrays.row_upper, upper),
        row_names=(*arrays.row_names, name),
    )

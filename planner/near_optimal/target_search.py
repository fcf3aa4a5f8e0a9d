"""How high a near-optimal plan can reach in something other than money: the most MW of a site, the greatest distance.

A search that maximises MW knows nothing of money until it is nearly whole, and every relaxation is long. The question
is turned
round: of the plans that reach a target, is the best one worth enough to be in the set? That is a search like any other
for a plan, and ends at the first plan found or when none is left. Targets close in from both sides; near the end
the best plan found is improved as far as its integers, as they are, allow.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from planner.near_optimal.near_optimal_set import Answer, NearOptimalSet, with_column, with_row
from planner.solver.model_arrays import FloatArray, ModelArrays
from planner.solver.options import SolverOptions
from planner.solver.solvers import make_solver
from planner.solver.status import Status

NEAR = 1e-3
"""Difference of sizes (MW, GPUs) or distances at which a greatest or least one counts as proven, where they are
small."""
SIZE_GAP = 2e-3
"""The same as a share of a size."""
DISTANCE_GAP = 5e-2
"""The same as a share of a distance."""
NARROW = 0.05
"""Share of a ceiling that is left open when the best plan found is improved with its integers fixed."""
PROOF_GAP = 1e-6
"""Relative gap of the proof that no plan which reaches a target is in the set."""


@dataclass(frozen=True, eq=False)
class Height:
    """The least of several sums over the columns of the model: weights[k] @ columns + constants[k]; shapes (k,
    columns), (k,)."""

    weights: FloatArray
    constants: FloatArray

    def of(self, columns: FloatArray) -> float:
        """How high a plan reaches."""
        return float((self.weights @ columns + self.constants).min())

    def at_least(self, arrays: ModelArrays, target: float) -> ModelArrays:
        """The model of plans that reach a target."""
        for weights, constant in zip(self.weights, self.constants, strict=True):
            arrays = with_row(arrays, weights, target - float(constant), np.inf, "reaches")
        return arrays

    def maximised(self, near_optimal: NearOptimalSet, arrays: ModelArrays) -> ModelArrays:
        """The model whose best plan reaches highest among those worth enough, with the height as its last column."""
        arrays = with_row(
            arrays, near_optimal.arrays.cost, near_optimal.least - near_optimal.arrays.offset, np.inf, "worth at least"
        )
        arrays = with_column(replace(arrays, cost=np.zeros(arrays.columns), offset=0.0), "height")
        for weights, constant in zip(self.weights, self.constants, strict=True):
            arrays = with_row(arrays, np.append(weights, -1.0), -float(constant), np.inf, "height")
        return arrays


def extreme(near_optimal: NearOptimalSet, weights: FloatArray, limit: float, *, most: bool) -> Answer:
    """The plan of the set with the most (or least) of something, weights @ columns; value and bound in its unit.

    limit: no plan goes beyond it.
    """
    sign = 1.0 if most else -1.0
    answer = _highest(near_optimal, Height(sign * weights[None, :], np.zeros(1)), sign * limit, SIZE_GAP)
    assert answer.value is not None
    assert answer.bound is not None
    return replace(answer, value=sign * answer.value, bound=sign * answer.bound)


def farthest(near_optimal: NearOptimalSet, weights: FloatArray, constants: FloatArray) -> Answer:
    """The plan of the set whose least distance is greatest; distance k is weights[k] @ columns + constants[k]."""
    height = Height(weights, constants)
    limit = _relaxed(near_optimal, height, np.inf)
    if not np.isfinite(limit):  # the time did not suffice for it
        best = max(near_optimal.plans, key=height.of)
        return Answer(height.of(best), None, best)
    return _highest(near_optimal, height, limit, DISTANCE_GAP)


def _highest(near_optimal: NearOptimalSet, height: Height, limit: float, gap: float) -> Answer:
    """The plan of the set that reaches highest, and a bound of what any of them reaches; limit: none reaches
    further."""
    best = max(near_optimal.plans, key=height.of)
    known, bound, ceiling = height.of(best), limit, limit
    target, improved = limit, False
    while ceiling - known > near(known, gap):
        found = _reaching(near_optimal, height, target)
        if found.columns is not None:
            best, known = found.columns, height.of(found.columns)
            near_optimal.keep(best)
        else:
            if found.bound is None and found.impossible and bound == limit:  # out of reach whatever it costs
                bound = _relaxed(near_optimal, height, limit)
            ceiling = min(target, bound)
            bound = ceiling if found.impossible else bound
        target = (known + ceiling) / 2.0
        if not improved and near(known, gap) < ceiling - known < NARROW * abs(ceiling):
            # Once it has improved all it can, that may be the top: a short step beyond it tells.
            improved, best = True, _with_integers_fixed(near_optimal, height, best)
            near_optimal.keep(best)
            known = height.of(best)
            target = min(known + near(known, gap) / 2.0, ceiling)
    return Answer(known, max(bound, known), best)


def near(size: float, gap: float = SIZE_GAP) -> float:
    """How far from a size (or distance) another one counts as the same."""
    return max(NEAR, gap * abs(size))


def _reaching(near_optimal: NearOptimalSet, height: Height, target: float) -> Answer:
    """A plan of the set that reaches a target; `impossible` where it is proven that none does, neither where that
    stays open."""
    arrays = height.at_least(near_optimal.arrays, target)
    answer = near_optimal.answered(arrays, None, PROOF_GAP, at_least=near_optimal.least, enough=near_optimal.least)
    if answer.columns is not None and near_optimal.holds(answer.columns):
        return answer
    shut = answer.impossible or (
        answer.bound is not None and answer.bound <= near_optimal.least + 2.0 * PROOF_GAP * abs(near_optimal.least)
    )
    return Answer(None, answer.bound, None, impossible=shut)


def _with_integers_fixed(near_optimal: NearOptimalSet, height: Height, columns: FloatArray) -> FloatArray:
    """The plan of the same whole decisions that reaches highest within the set; itself if none is higher."""
    solver = make_solver(SolverOptions(time_limit_s=near_optimal.options.time_limit_s))
    higher = solver.solve_arrays(
        height.maximised(near_optimal, near_optimal.arrays.with_integers_fixed(columns))
    ).values
    return columns if higher is None or height.of(higher[:-1]) < height.of(columns) else higher[:-1]


def _relaxed(near_optimal: NearOptimalSet, height: Height, limit: float) -> float:
    """How high a plan with shares of its whole decisions could reach; `limit` where that is not found out."""
    arrays = height.maximised(near_optimal, near_optimal.arrays)
    options = SolverOptions(time_limit_s=near_optimal.options.time_limit_s, extra={"solver": "ipx"})
    found = make_solver(options).solve_arrays(replace(arrays, integer=np.zeros_like(arrays.integer)))
    return limit if found.status is not Status.OPTIMAL or found.objective is None else min(limit, found.objective)

"""Random feasible portfolios: vertices of the plan's limits that are best for NPVs drawn at random, and mixtures of
them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import scipy.sparse as sp

from kernels.reference.portfolio import portfolios_from_dense
from planner.arrays import Floats
from planner.candidates.build import CandidateSet
from planner.candidates.packages import Package
from planner.errors import PlannerError
from planner.formulation.allocate import ROW_TOLERANCE, clean, levels_of, worst_row
from planner.formulation.formulation import Formulation, make_formulation
from planner.formulation.model import make_model
from planner.scoring.items import Bunch, Items, items_of
from planner.solver.highs import HighsSolver
from planner.solver.model_arrays import ModelArrays, model_arrays
from planner.solver.options import SolverOptions
from planner.solver.status import Status

MOST_VERTICES = 16
"""Each is a linear program; portfolios beyond them are mixtures, which keep the limits too and cost next to nothing."""
EVENNESS = 0.3
"""Of the Dirichlet weights of a mixture: below 1, so that a few vertices make up most of each."""
BLOCK = 4096
"""Mixtures drawn from one stream: a portfolio does not depend on how many are asked for, or read at once."""
SPREAD = 1.0
"""Standard deviation of the logarithm by which each NPV is multiplied: one in three is off by a factor of e."""


@dataclass(frozen=True, eq=False)
class Mixtures:
    """`count` portfolios: first the vertices themselves, then mixtures of all of them with Dirichlet weights."""

    items: Items
    count: int
    seed: int

    def __len__(self) -> int:
        return self.count

    def pieces(self, most: int) -> Iterator[Bunch]:
        """The portfolios in order, at most `most` at a time."""
        vertices = len(self.items)
        for start in range(0, self.count, BLOCK):
            number = np.arange(start, min(start + BLOCK, self.count))
            random = np.random.default_rng([self.seed, start // BLOCK])
            weights = random.dirichlet(np.full(vertices, EVENNESS), size=BLOCK)[: len(number)]
            alone = number < vertices
            weights[alone] = np.eye(vertices)[number[alone]]
            names = tuple(
                self.items.names[at] if at < vertices else f"mixture {at - vertices + 1}" for at in number.tolist()
            )
            yield from Bunch(self.items, names, portfolios_from_dense(weights)).pieces(most)


def random_portfolios(candidates: CandidateSet, levels: Floats, count: int, *, seed: int) -> Mixtures:
    """`count` portfolios that keep every limit, whole decisions as in the plan that `levels` give.

    Limits are convex once whole decisions are held, so a mixture of portfolios that keep them keeps them. The same
    seed gives the same portfolios, and more of them do not change the first, beyond the first `MOST_VERTICES`.
    """
    if count < 1:
        raise PlannerError(f"--random {count}: ask for at least 1")
    return Mixtures(items_of(random_vertices(candidates, levels, min(count, MOST_VERTICES), seed=seed)), count, seed)


def random_vertices(candidates: CandidateSet, levels: Floats, count: int, *, seed: int) -> list[Package]:
    """`count` vertices of the limits of a candidate set, whole decisions as in the plan that `levels` give.

    Each maximises sum of NPV x exp(normal) x level over the rows of the plan's model. Costs stay costs, so the draws
    remain sensible; a draw that has no bound is drawn again. The same seed gives the same portfolios.

    Each is solved afresh, with presolve: another draw's best is so far away that the basis of the last one costs five
    times as much (12,000 steps in place of 5,000, without presolve).
    """
    formulation = make_formulation(candidates)
    model = make_model(formulation)
    arrays = _held(model_arrays(model.problem, variables=model.variables), formulation, candidates, levels)
    solver = HighsSolver(SolverOptions(threads=1))
    random = np.random.default_rng(seed)
    found: list[Package] = []
    refused = 0
    while len(found) < count:
        cost = arrays.cost * np.exp(SPREAD * random.standard_normal(arrays.columns))
        solution = solver.solve_arrays(replace(arrays, cost=cost))
        if solution.status is Status.INFEASIBLE:
            raise PlannerError("no portfolio keeps all limits with the whole decisions of this plan; plan again")
        if solution.values is None:
            refused += 1
            if refused > count + 20:
                raise PlannerError(
                    f"{refused} draws of NPVs found no portfolio ({solution.status}); use another --seed, or fewer "
                    "portfolios"
                )
            continue
        vertex = clean(candidates, levels_of(formulation, solution.values * formulation.unit))
        worst = worst_row(candidates, vertex)
        if worst > ROW_TOLERANCE:
            raise PlannerError(f"a random portfolio breaks a limit by {worst:.1e} of its size; use another --seed")
        numbers = np.flatnonzero(vertex)
        found.append(Package(f"random {len(found) + 1}", numbers, vertex[numbers]))
    return found


def _held(arrays: ModelArrays, formulation: Formulation, candidates: CandidateSet, levels: Floats) -> ModelArrays:
    """The LP with every whole decision at its level in the plan."""
    whole = candidates.table["integral"].to_numpy(bool)
    by_column = sp.csc_array(formulation.level_of)
    lower, upper = arrays.col_lower.copy(), arrays.col_upper.copy()
    for column in np.flatnonzero(arrays.integer).tolist():
        candidate = by_column.indices[by_column.indptr[column] : by_column.indptr[column + 1]]
        (number,) = candidate[whole[candidate]]
        lower[column] = upper[column] = round(levels[number]) / formulation.unit[column]
    return replace(arrays, col_lower=lower, col_upper=upper, integer=np.zeros_like(arrays.integer))

"""Whole portfolios out of a pool: columns taken in whole steps, every column left out proved unable to help.

With prices of the relaxation and the bound U that they prove, a plan that takes one step of a column with reduced value d < 0 is worth at most
U + d x step. Where that is no more than the plan at hand, the column can be left out of the search; all others are brought in before
anything is called proven. So the search itself is over some hundred columns of a million.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from planner.allocator.options import SolverOptions
from planner.allocator.tree_search import TreeSearch
from planner.candidates.outlook import Floats, Ints
from planner.case.faults import PlannerError
from planner.risk.allocate import extended, with_pool_columns
from planner.risk.columns import FixedPart, Pool
from planner.risk.generation import Generated, GenerationOptions, generate
from planner.risk.measure import MeanCvar

MOST_COLUMNS = 20_000
"""Columns in a search at most; where more could still help, the gap is that to the bound of the relaxation."""
ROUNDS = 20
ROUNDING = 1e-9
"""Share of the value by which sums may differ: a column this close to helping counts as helping."""


@dataclass(frozen=True, eq=False)
class WholeChoice:
    """The best whole portfolio. levels: of the fixed columns; steps: of the pool columns `columns`, whole numbers above 0.

    value, bound: $M; gap = (bound - value) / |value|. proven: within the gap asked, no column of the pool unaccounted for.
    searched: columns in the last search; could_help: those outside it that were not proved unable to help (0 when proven).
    """

    levels: Floats
    columns: Ints
    steps: Floats
    npv: Floats
    value: float
    bound: float
    gap: float
    proven: bool
    searched: int
    could_help: int
    relaxed: Generated


def choose_whole(
    fixed: FixedPart, pool: Pool, measure: MeanCvar, step: Floats, options: SolverOptions | None = None, *, most_columns: int = MOST_COLUMNS
) -> WholeChoice | None:
    """The best portfolio that takes pool columns in whole steps, (N,), each above 0; None where there is none within the limits of the solver.

    Whole decisions of the fixed part are kept too. Raises PlannerError for steps that are not above 0, NoVertex as `generate` does.
    """
    chosen = options or SolverOptions()
    if step.shape != (len(pool),) or not (np.isfinite(step).all() and (step > 0.0).all()):
        raise PlannerError("every column needs a step above 0 to be taken whole; give one per column")
    relaxed = generate(fixed, pool, measure, GenerationOptions(seconds=chosen.time_limit_s))
    search = _Search(fixed, pool, measure, step, chosen, relaxed, most_columns)
    return search.run()


@dataclass
class _Search:
    """Searches over more and more columns and scenarios."""

    fixed: FixedPart
    pool: Pool
    measure: MeanCvar
    step: Floats
    options: SolverOptions
    relaxed: Generated
    most: int

    def run(self) -> WholeChoice | None:
        """Search, measure, bring in what could still help, until nothing could."""
        bound = self.relaxed.certificate.bound
        reduced = self.pool.pricer.reduced(self.relaxed.prices.weights, self.pool.points @ self.relaxed.prices.rows)
        scenarios = np.union1d(self.relaxed.scenarios, np.flatnonzero(self.measure.tail(self.relaxed.npv) > 0.0))
        inside = np.zeros(len(self.pool), dtype=bool)
        inside[self.relaxed.in_master] = True
        best: WholeChoice | None = None
        for _ in range(ROUNDS):
            columns = np.flatnonzero(inside)
            part = self._whole_part(columns)
            found = TreeSearch(self.options).solve_arrays(extended(part, self.measure, scenarios, None))
            if found.values is None or found.bound is None:
                return best
            exact = generate(FixedPart(part.arrays.with_integers_held(found.values[: part.arrays.columns]), part.values), None, self.measure, scenarios=scenarios)
            value = exact.certificate.value
            if best is None or value > best.value:
                best = self._choice(columns, exact, bound)
            helpful = ~inside & (bound + np.minimum(reduced, 0.0) * self.step > best.value - ROUNDING * abs(best.value))
            known = len(exact.scenarios) == len(scenarios)
            if not helpful.any() and (known or found.bound - best.value <= self.options.gap * abs(best.value)):
                # Outside the search nothing beats the plan at hand, and inside it nothing beats the bound of its tree.
                return self._closed(best, max(found.bound, best.value), len(columns), 0)
            if int(helpful.sum()) + len(columns) > self.most:
                return self._closed(best, bound, len(columns), int(helpful.sum()))
            inside |= helpful
            scenarios = np.union1d(scenarios, exact.scenarios)
        assert best is not None
        return self._closed(best, bound, int(inside.sum()), int(helpful.sum()))

    def _whole_part(self, columns: Ints) -> FixedPart:
        """The fixed part with some pool columns, counted in steps."""
        part = with_pool_columns(self.fixed, self.pool, self.measure, columns)
        count = self.fixed.arrays.columns
        scale = np.concatenate([np.ones(count), self.step[columns]])
        arrays, values = part.arrays, part.values
        matrix = arrays.matrix.multiply(scale[None, :]).tocsr()
        upper = np.concatenate([arrays.col_upper[:count], np.floor(self._most(columns) / self.step[columns] + 1e-9)])
        stepped = replace(
            arrays, cost=arrays.cost * scale, start=matrix.indptr.astype(np.int32), index=matrix.indices.astype(np.int32), value=matrix.data,
            col_upper=upper, integer=np.concatenate([arrays.integer[:count], np.ones(len(columns), dtype=bool)]),
        )
        return FixedPart(stepped, replace(values, mean=values.mean * scale, deviation=values.deviation * scale[values.varying, None]))

    def _most(self, columns: Ints) -> Floats:
        """Greatest level of each column: its own bound, or what the limit of its group allows."""
        of_group = self.pool.limit[self.pool.group[columns]] / self.pool.share[columns]
        found: Floats = np.minimum(self.pool.upper[columns], of_group)
        return found

    def _choice(self, columns: Ints, exact: Generated, bound: float) -> WholeChoice:
        count = self.fixed.arrays.columns
        steps = np.round(exact.levels[count:])
        held = steps > 0.0
        value = exact.certificate.value
        return WholeChoice(
            exact.levels[:count], columns[held], steps[held], exact.npv, value, bound, max(bound - value, 0.0) / max(abs(value), 1e-9), False,
            len(columns), 0, self.relaxed,
        )

    def _closed(self, best: WholeChoice, bound: float, searched: int, could_help: int) -> WholeChoice:
        gap = max(bound - best.value, 0.0) / max(abs(best.value), 1e-9)
        return replace(best, bound=bound, gap=gap, proven=could_help == 0 and gap <= self.options.gap, searched=searched, could_help=could_help)


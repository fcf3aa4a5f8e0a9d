"""The proof that no plan is better than a bound, recomputed in float64 from prices alone.

For any scenario weights pi of the dual measure and any prices y >= 0 of the rows, a plan x has

    rho(x) <= y b + sum over columns of max over their bounds of (V pi - y A) x

(strong duality of the programme in `master`; Lagrange). So whoever has pi and y can check the bound without any solver:
weights that are not negative and add up, and the greatest reduced value of the pool.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from kernels.cpu.pool_pricing import Priced
from planner.arrays import Floats, Ints
from planner.solver.column_generation.columns import FixedPart, Pool
from planner.solver.column_generation.mean_cvar import MeanCvar
from planner.solver.column_generation.restricted_master import Prices


@dataclass(frozen=True)
class Certificate:
    """What was recomputed; money in $M.

    value: of the plan, from its levels. bound: no plan of the relaxation is better; gap = (bound - value) / |value|.
    largest_reduced_value: over the pool, per unit of a column's group limit; what it could add is in the bound.
    largest_fixed: over columns of the master that have no upper bound: 0 up to rounding, or nothing would be proven.
    least_weight, weight_sum: of the scenario weights, which are at least 0 and add to 1 (to 1 + price where CVaR is
    limited).
    weight_excess: how far a tail weight lies above p / (1 - alpha) x what the tail counts. columns, scenarios: all that
    were priced. capped: pool columns that count by an upper bound of their own, not by their group's limit.
    """

    value: float
    bound: float
    gap: float
    largest_reduced_value: float
    largest_fixed: float
    least_weight: float
    weight_sum: float
    weight_excess: float
    columns: int
    capped: int
    scenarios: int
    cvar_limit_price: float

    def record(self) -> dict[str, Any]:
        """For run.json: infinite numbers (an empty pool) as null."""
        return {
            name: None if isinstance(number, float) and not np.isfinite(number) else number
            for name, number in asdict(self).items()
        }


@dataclass(frozen=True, eq=False)
class Bound:
    """What prices alone prove: no plan of the relaxation is worth more than `value`, $M.

    priced: the pool at these prices, None without one. largest_fixed: greatest reduced value of a fixed column without
    a bound.
    """

    value: float
    priced: Priced | None
    largest_fixed: float


def bound_of(
    fixed: FixedPart, pool: Pool | None, prices: Prices, *, cvar_limit: float | None = None, capped: Ints | None = None,
    most: int = 1, exact: bool = True,
) -> Bound:
    """The bound at some prices, the pool priced in one pass.

    Of each group one column at most could fill the group's limit; columns `capped` (in ascending order) have an upper
    bound of their own and count by that instead. most: columns of each group that `priced` names. exact: in float64.
    """
    arrays = fixed.arrays
    # Lagrange: each row at the limit that its price pushes against, then each column at the better of its bounds. Any
    # prices give a valid bound, so errors of the solver that made them loosen it and never break it.
    limit = np.where(prices.rows > 0.0, arrays.row_upper, arrays.row_lower)
    rows = np.where(np.isfinite(limit), prices.rows, 0.0)  # a price that pushes against no limit is rounding
    bound = arrays.offset + float(rows @ np.where(np.isfinite(limit), limit, 0.0))
    if cvar_limit is not None:
        bound += prices.limit * cvar_limit
    reduced = fixed.values.at(prices.weights) - arrays.matrix.T @ rows
    edge = np.where(reduced > 0.0, arrays.col_upper, arrays.col_lower)
    bounded = np.isfinite(edge)
    bound += float(reduced[bounded] @ edge[bounded])
    largest_fixed = float(np.abs(reduced[~bounded]).max(initial=0.0))
    if pool is None or not len(pool):
        return Bound(bound, None, largest_fixed)
    if capped is not None and len(capped):
        values, use = pool.columns(capped)
        bound += float(np.maximum(values @ prices.weights - use.T @ rows, 0.0) @ pool.upper[capped])
    priced = pool.pricer.price(prices.weights, pool.points @ rows, most=most, exact=exact, without=capped)
    return Bound(bound + float(pool.limit @ np.maximum(priced.best, 0.0)), priced, largest_fixed)


def certify(
    fixed: FixedPart, pool: Pool | None, measure: MeanCvar, prices: Prices, npv: Floats, *,
    cvar_limit: float | None = None, capped: Ints | None = None,
) -> Certificate:
    """The certificate of a plan with NPV `npv` by scenario (S,) under some prices."""
    bound = bound_of(fixed, pool, prices, cvar_limit=cvar_limit, capped=capped)
    value = measure.value(npv)
    counted = float(prices.tail.sum())
    return Certificate(
        value=value,
        bound=bound.value,
        gap=max(bound.value - value, 0.0) / max(abs(value), 1e-9),
        largest_reduced_value=-np.inf if bound.priced is None else bound.priced.largest,
        largest_fixed=bound.largest_fixed,
        least_weight=float(prices.weights.min()),
        weight_sum=float(prices.weights.sum()),
        weight_excess=float((prices.tail - counted * measure.most).max()),
        columns=fixed.arrays.columns + (0 if pool is None else len(pool)),
        capped=0 if capped is None else len(capped),
        scenarios=measure.scenarios,
        cvar_limit_price=prices.limit,
    )

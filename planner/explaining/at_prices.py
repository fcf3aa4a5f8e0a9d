"""What a unit of something brings and uses at the plan's prices, whole decisions held."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from planner.arrays import Ints
from planner.candidates.build import CandidateSet
from planner.candidates.resources import Family
from planner.formulation.allocate import Allocation
from planner.formulation.formulation import Formulation

MOST_NAMED = 4
OWN_ROWS = (
    Family.VOLUME, Family.LEAST_VOLUME, Family.ACCEPTED_ONCE, Family.BLOCK, Family.LEAST_BLOCK, Family.TIER,
    Family.CLUSTER, Family.FABRIC,
    Family.OFFER, Family.LEAST_POWER, Family.FIXED, Family.RENEWAL,
)
"""Limits of the thing itself: whether and how much of it is taken, which is what is asked."""


@dataclass(frozen=True)
class Use:
    """A limit that a unit uses, with what the use is worth elsewhere in dollars (negative: it provides)."""

    what: str
    name: str
    usd: float


@dataclass(frozen=True)
class AtPrices:
    """A unit of the best way to have something: its own NPV, what it uses at the plan's prices, and the difference.

    reduced_usd: what one unit more would add to the plan if its own limits allowed it; uses: dearest first.
    """

    candidate_id: str
    unit: str
    npv_usd: float
    reduced_usd: float
    uses: tuple[Use, ...]


def at_prices(candidates: CandidateSet, allocation: Allocation, numbers: Ints, sizes: np.ndarray) -> AtPrices | None:
    """The best of some candidates at the plan's prices, per unit of `sizes`; None where the plan has no proven
    prices."""
    lp, formulation = allocation.lp, allocation.model.formulation
    if lp is None or lp.duals is None or not len(numbers):
        return None
    table = formulation.resources.table.iloc[allocation.model.resource_row]
    foreign = ~table["family"].isin([family.name for family in OWN_ROWS]).to_numpy()
    model = allocation.model
    dual = model.usd_per_limit(lp.duals)
    use = sp.csc_array(formulation.resources.use[allocation.model.resource_row])
    columns_of = _columns_of(formulation, numbers)
    spent: dict[int, np.ndarray] = {}
    rest = lp.duals[len(table) :]
    balance = sp.csc_array(lp.arrays.matrix[len(table) :])
    found: list[tuple[float, int, int]] = []
    for at, (number, size) in enumerate(zip(numbers.tolist(), sizes.tolist(), strict=True)):
        for column in columns_of[number]:
            cells = slice(use.indptr[column], use.indptr[column + 1])
            cost = np.zeros(len(table))
            cost[use.indices[cells]] = use.data[cells] * dual[use.indices[cells]]
            spent[column] = np.where(foreign, cost, 0.0) / size
            ties = slice(balance.indptr[column], balance.indptr[column + 1])
            stock = float(balance.data[ties] @ rest[balance.indices[ties]]) * model.money / formulation.unit[column]
            found.append(((float(formulation.npv_usd[column]) - stock) / size - spent[column].sum(), column, at))
    if not found:
        return None
    reduced, column, best = max(found, key=lambda one: one[0])
    number = int(numbers[best])
    grouped: dict[tuple[str, str], float] = {}
    for row in np.flatnonzero(spent[column]):
        key = Family[table["family"].iat[row]].value, str(table["name"].iat[row])
        grouped[key] = grouped.get(key, 0.0) + float(spent[column][row])
    uses = sorted((Use(what, name, usd) for (what, name), usd in grouped.items()), key=lambda one: -abs(one.usd))
    row = candidates.table.iloc[number]
    return AtPrices(
        str(row["candidate_id"]), str(row["unit"]), float(formulation.npv_usd[column]) / float(sizes[best]), reduced,
        tuple(uses[:MOST_NAMED])
    )


def _columns_of(formulation: Formulation, numbers: Ints) -> dict[int, list[int]]:
    """Columns of the model that hold each candidate: its own, or one for each way in which it ends."""
    held = sp.csr_array(formulation.level_of)
    return {int(number): held.indices[held.indptr[number] : held.indptr[number + 1]].tolist() for number in numbers}

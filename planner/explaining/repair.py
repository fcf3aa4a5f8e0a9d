"""The cheapest way to make room: which limits to loosen, by how much, at the prices of the case.

    minimise    sum of price x loosening + income lost by late starts
    subject to  every row with its loosening, whole decisions whole

Prices are discounted after-tax dollars: a MW of a phase at its own cost over its term (at that of the dearest phase
where it costs nothing), a MW of hall at its cost, a GPU beyond the supply at the cost of owning it, a dollar of capital
at a dollar, a unit of a commitment at the income it would have brought, a late start at the income lost and the
penalty. Limits without such a price (a substation, the pace of building, a date of power, a fabric) are not for sale,
and what the user has decided is taken back for nothing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from planner.candidates.tranches import part_names
from planner.explaining.elastic_model import ElasticModel, OutOfTime
from planner.explaining.limits import Kind, Limit
from planner.solver.status import Status

OWN_DECISION = 1e-3
"""Dollars per unit at which a decision of the user is taken back: nothing, but not without need."""
_MONEY = 1e6


@dataclass(frozen=True)
class Change:
    """One limit loosened: by how much in its unit (months of a late start), at what price, and the edits that do it."""

    limit: Limit
    by: float
    usd: float
    edits: tuple[str, ...]


@dataclass(frozen=True)
class Repair:
    """The cheapest changes after which all limits can be kept, and what they cost together."""

    changes: tuple[Change, ...]
    usd: float

    @property
    def edits(self) -> tuple[str, ...]:
        """All changes of the case, as `--set` takes them."""
        return tuple(edit for change in self.changes for edit in change.edits)

    @property
    def taken_back(self) -> tuple[str, ...]:
        """Decisions of the user that are given up."""
        return tuple(change.limit.name for change in self.changes if change.limit.kind in (Kind.FIX, Kind.EXCLUDE))


def cheapest_repair(model: ElasticModel) -> Repair | None:
    """The cheapest repair; None when nothing that has a price makes room, or time is out.

    model: of limits `with_later_starts`.
    """
    limits = model.stated.limits
    free = {number for number, limit in enumerate(limits) if _price(limit) is not None}
    cost = np.zeros(model.arrays.columns)
    for number in free:
        price, at = _price(limits[number]), model.slack[number]
        if at >= 0 and price is not None:
            cost[at] = price * model.unit[at] / _MONEY
    for number, candidate in model.stated.closed:
        column = model.column_of(candidate)
        if column is not None and number in free:
            cost[column] += max(model.stated.cost_usd[candidate], OWN_DECISION) * model.unit[column] / _MONEY
    try:
        found = model.solve(model.everything - free, cost=cost, at_once=True)
    except OutOfTime:
        return None
    if found.status is not Status.OPTIMAL:
        return None
    values = found.usable()
    changes = []
    for number, amount in sorted(model.violations(found).items()):
        limit = limits[number]
        if limit.kind is Kind.START:
            changes.append(_later(model, values, number))
        else:
            by = 0.0 if math.isinf(amount) else amount
            price = 0.0 if limit.kind in (Kind.FIX, Kind.EXCLUDE) else limit.usd_per_unit or 0.0
            if math.isinf(amount) or by > 1e-6 * max(abs(limit.value) if math.isfinite(limit.value) else 1.0, 1.0):
                changes.append(Change(limit, by, price * by, _edits(limit, by)))
    return Repair(tuple(changes), sum(change.usd for change in changes))


def _price(limit: Limit) -> float | None:
    if limit.kind in (Kind.FIX, Kind.EXCLUDE):
        return OWN_DECISION
    return 0.0 if limit.kind is Kind.START else limit.usd_per_unit


def _later(model: ElasticModel, values: np.ndarray, number: int) -> Change:
    """How many months later a lease starts, and what that costs."""
    limit, months, usd = model.stated.limits[number], 0, 0.0
    start = model.stated.candidates.table["from_month"].to_numpy(np.int64)
    for known, candidate in model.stated.closed:
        column = model.column_of(candidate)
        if known == number and column is not None and values[column] > 1e-9:
            months = max(months, int(start[candidate] - limit.value))
            usd += model.stated.cost_usd[candidate] * values[column] * model.unit[column]
    outlook = model.stated.candidates.outlook
    due = outlook.lease_parts["due"][part_names(outlook.tables, outlook.lease_parts).index(limit.name)]
    grace = int(limit.value) + months - max(int(due), 0)
    return Change(limit, float(months), float(usd), (limit.edit.format(value=grace),))


def _edits(limit: Limit, by: float) -> tuple[str, ...]:
    """The changes of the case, rounded outwards: GPUs to whole ones, the rest to the sixth digit."""
    if not limit.edit:
        return ()
    whole = limit.unit in ("GPUs", "units")
    more = float(math.ceil(by - 1e-6)) if whole else _up(by)
    value = float(math.floor(limit.value - by + 1e-6)) if whole else _up(by - limit.value, negative=True)
    return tuple(part.format(more=f"{more:.12g}", value=f"{max(value, 0.0):.12g}") for part in limit.edits)


def _up(amount: float, *, negative: bool = False) -> float:
    """The next number of six digits that is not smaller; with `negative` minus that of the amount."""
    if amount == 0.0:
        return 0.0
    step = 10.0 ** (math.floor(math.log10(abs(amount))) - 5)
    rounded = math.ceil(amount / step - 1e-6) * step
    return -rounded if negative else rounded

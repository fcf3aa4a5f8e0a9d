"""What is one MW more, or less, of each phase worth for its whole term?

Duals of single months say little: a lease needs its MW in every month, so the value of a month's MW depends on the
others. So the question is asked of the whole term, in two directions, by solving the plan's linear programme again from
its own basis with whole decisions held:

    gain   = NPV with one MW given free for the term - NPV          (shadow)
    loss   = NPV - NPV with one MW in use taken away for the term   (its fee still paid)
    net    the same with the MW's own fee: one MW more on offer, one MW less contracted

gain <= loss, since NPV is concave in the MW; between them the price is not unique.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from planner.allocator.allocate import Allocation
from planner.allocator.changes import Changes
from planner.allocator.highs import HighsDoor
from planner.allocator.matrix import IntArray, ModelArrays
from planner.allocator.model import MILLION
from planner.allocator.options import SolverOptions
from planner.candidates.build import CandidateSet
from planner.candidates.outlook import Floats
from planner.candidates.power import phase_table, unit_mw
from planner.candidates.resources import Family
from planner.case.faults import PlannerError

COLUMNS = (
    "site_id", "phase", "kind", "contracted_mw", "guaranteed_mw", "from", "to", "gain_usd_per_mw", "loss_usd_per_mw",
    "gain_holds_to_mw", "pay_up_to_usd_per_kw_month", "fee_usd_per_kw_month", "net_gain_usd_per_mw", "net_loss_usd_per_mw",
)
"""Columns of prices.csv; blank where a direction does not exist (nothing contracted, a phase taken whole)."""

STEP_MW = 1.0
RANGE_MW = (2.0, 5.0, 10.0, 25.0, 50.0)
RANGED = 5
"""Phases, dearest first, whose price is followed along RANGE_MW."""
SAME = 1e-6


@dataclass
class _Kept:
    """The plan's LP with whole decisions held, kept for re-solves from its own basis."""

    door: HighsDoor
    basis: object
    value: float
    duals: Floats
    reduced_costs: Floats

    def change_of(self, changes: Changes | None) -> float:
        """NPV gained by some changes, dollars; NaN where there are none to make, or no plan with them."""
        if changes is None:
            return np.nan
        found = self.door.resolve(changes, basis=self.basis, undo=True)
        return np.nan if found.objective is None or not found.status.has_values else (found.objective - self.value) * MILLION

    def gain_of(self, changes: Changes | None) -> float:
        """The same for limits that are only raised: without a price on any of them there is nothing to gain."""
        return 0.0 if changes is not None and not self._priced(changes) else self.change_of(changes)

    def _priced(self, changes: Changes) -> bool:
        """Whether any limit that changes has a price. NPV is concave in the limits, so prices bound every gain from above."""
        rows = np.zeros(0, dtype=np.int32) if changes.rows is None else changes.rows[0]
        columns = np.zeros(0, dtype=np.int32) if changes.columns is None else changes.columns[0]
        return bool(np.any(self.duals[rows] != 0.0) or np.any(self.reduced_costs[columns] > 0.0))


def phase_values(candidates: CandidateSet, allocation: Allocation) -> pd.DataFrame:
    """The two-sided value of a MW of every phase, with whole decisions held; see COLUMNS. Dollars of NPV after tax.

    `pay_up_to` turns the gain into the contract's own unit: gain / ((1 - tax) x sum of DF over the term). Empty without a plan.
    """
    if allocation.lp is None or allocation.lp.values is None or allocation.levels is None:
        return pd.DataFrame(columns=list(COLUMNS))
    outlook = candidates.outlook
    power = phase_table(outlook)
    number = np.flatnonzero(candidates.table["kind"].eq("power").to_numpy())
    contracted = allocation.levels[number] * unit_mw(power)
    arrays = allocation.lp.arrays
    kept = _kept(arrays)
    rows = [_Phase(allocation, arrays, str(name), int(at), float(size)) for name, at, size in zip(power["phase_name"], number, unit_mw(power), strict=True)]
    gain = np.array([kept.gain_of(phase.free(STEP_MW)) for phase in rows])
    net_gain = np.array([kept.gain_of(phase.offered(STEP_MW)) for phase in rows])
    held = list(zip(rows, contracted.tolist(), strict=True))
    loss = np.array([-kept.change_of(phase.free(-STEP_MW)) if mw >= STEP_MW else np.nan for phase, mw in held]) + 0.0
    net_loss = np.array([-kept.change_of(phase.withheld(mw - STEP_MW)) for phase, mw in held]) + 0.0
    end = power["end_month"].to_numpy(np.int64)
    return pd.DataFrame(
        {
            "site_id": power["site_id"],
            "phase": power["phase_name"],
            "kind": power["kind"],
            "contracted_mw": contracted,
            "guaranteed_mw": power["guaranteed_mw"],
            "from": power["energised_month"].map(outlook.calendar.written),
            "to": pd.Series(end - 1).map(outlook.calendar.written),
            "gain_usd_per_mw": gain,
            "loss_usd_per_mw": loss,
            "gain_holds_to_mw": _ranges(kept, rows, gain),
            "pay_up_to_usd_per_kw_month": gain / (1000.0 * _term_factor(candidates, power)),
            "fee_usd_per_kw_month": power["fee_usd_per_kw_month"],
            "net_gain_usd_per_mw": net_gain,
            "net_loss_usd_per_mw": net_loss,
        }
    )[list(COLUMNS)]


def _kept(arrays: ModelArrays) -> _Kept:
    door = HighsDoor(SolverOptions())
    found = door.solve_arrays(arrays)
    if found.objective is None or found.duals is None or found.reduced_costs is None:
        raise PlannerError(f"the plan's linear programme has no proven prices: {found.status}")
    return _Kept(door, door.basis(), found.objective, found.duals, found.reduced_costs)


class _Phase:
    """Rows and column of one phase in the model: where its MW are used, offered and contracted."""

    def __init__(self, allocation: Allocation, arrays: ModelArrays, name: str, number: int, unit: float) -> None:
        model = allocation.model
        table = model.compact.resources.table.iloc[model.resource_row]
        families, names = table["family"].to_numpy(), table["name"].to_numpy()
        self.arrays, self.scale, self.unit = arrays, model.row_scale, unit
        self.used: IntArray = np.flatnonzero((families == Family.PHASE.name) & (names == name)).astype(np.int32)
        offered = (families == Family.OFFER.name) & np.isin(names, [f"{name} if open", f"{name} if taken"])
        self.offers: IntArray = np.flatnonzero(offered).astype(np.int32)
        self.column: IntArray = np.flatnonzero(model.compact.candidate == number).astype(np.int32)
        self.divisible = not bool(allocation.model.compact.candidates.table["integral"].iat[number])

    def free(self, mw: float) -> Changes:
        """So many MW given (or taken) in every month of the term, nothing paid for them."""
        return Changes(rows=self._raised(self.used, mw))

    def offered(self, mw: float) -> Changes | None:
        """So many MW more on offer, at the phase's own fee; None where it is taken whole or in steps."""
        if not self.divisible or not len(self.column):
            return None
        upper = self.arrays.col_upper[self.column] + mw / self.unit
        columns = (self.column, self.arrays.col_lower[self.column], upper)
        return Changes(columns=columns, rows=self._raised(self.offers, mw) if len(self.offers) else None)

    def withheld(self, mw: float) -> Changes | None:
        """No more than so many MW contracted; None where that is less than nothing, or than what is committed."""
        lower = self.arrays.col_lower[self.column]
        if not self.divisible or not len(self.column) or mw < 0.0 or bool((lower > mw / self.unit).any()):
            return None
        return Changes(columns=(self.column, lower, np.full(1, mw / self.unit)))

    def _raised(self, rows: IntArray, mw: float) -> tuple[IntArray, Floats, Floats]:
        upper = self.arrays.row_upper[rows] + mw / self.scale[rows]
        return rows, self.arrays.row_lower[rows], upper


def _ranges(kept: _Kept, rows: list[_Phase], gain: Floats) -> Floats:
    """MW up to which each of the dearest gains holds, along RANGE_MW; NaN for the others."""
    found = np.full(len(rows), np.nan)
    for at in np.argsort(-np.nan_to_num(gain), kind="stable")[:RANGED]:
        if not gain[at] > 0.0:
            continue
        found[at] = STEP_MW
        for mw in RANGE_MW:
            total = kept.change_of(rows[at].free(mw))
            if not abs(total - mw * gain[at]) <= SAME * abs(mw * gain[at]):
                break
            found[at] = mw
    return found


def _term_factor(candidates: CandidateSet, power: pd.DataFrame) -> Floats:
    """(1 - tax) x sum of discount factors over each phase's term: what a dollar a month is worth."""
    outlook = candidates.outlook
    before = np.concatenate([[0.0], np.cumsum(outlook.discount)])
    term = before[power["end_month"].to_numpy(np.int64)] - before[power["energised_month"].to_numpy(np.int64)]
    kept: Floats = (1.0 - outlook.case.settings.tax_rate) * np.maximum(term, 1e-12)
    return kept



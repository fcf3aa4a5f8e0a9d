"""What binds most: limits ranked by what one per cent more of each would bring, at the prices of the plan with its
whole decisions held.

A limit may stand at several places: in rows (the size of a lease, for each site among its blocks), in rows that hold
only if something is decided, and as the bound of single candidates. One per cent more moves them all, so its worth is
the sum over its places of

    price x size / 100        size: the limit itself, or what the decisions made give it

Rows that only tie a plan to what it owns itself (GPUs at work, halls and contracted power in use) are no limits of the
case.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from planner.arrays import Floats
from planner.candidates.bounds import POWER, copied_bounds
from planner.candidates.build import CandidateSet
from planner.candidates.kinds import Kind
from planner.candidates.money_limits import greatest_shares
from planner.candidates.resources import Family
from planner.formulation.allocate import Allocation
from planner.storage.own_tables import no_rows

COLUMNS = ("what", "family", "name", "usd_per_percent")
DUST = 1e-9
"""A price below this is none, in units of the model's money for a unit of the limit."""
_DECIDED_ALONE = (Family.ACCEPTED_ONCE, Family.OPENED_ONCE, Family.FABRIC)
"""Limits among whole decisions, which are held: their prices say nothing."""
_COPIES = {
    Family.BLOCK: (Family.VOLUME.name, "lease_id"),
    Family.ON_FABRIC: (Family.VOLUME.name, "lease_id"),
    Family.OFFER: (POWER, "phase"),
    Family.OPEN: (Family.SITE.name, "site_id"),
}
"""Families whose limit is that of another one, once something is decided, and the column of its candidates that names
it."""
_WORDS = {member.name: member.value for member in Family} | {
    POWER: "guaranteed MW of the phase", Family.CAPITAL.name: "new capital raised"
}

SORTS = {
    "power": (
        POWER, Family.PHASE, Family.FIRM, Family.CURTAILABLE, Family.BACKUP, Family.OFFER, Family.LEAST_POWER,
        Family.GROUP, Family.MIN_TAKE,
    ),
    "capital": (Family.CAPITAL, Family.CASH_FLOOR),
    "demand": (
        Family.VOLUME, Family.LEAST_VOLUME, Family.TIER, Family.DEPTH, Family.REVENUE_SHARE, Family.YEARLY_SHARE,
        Family.BLOCK, Family.LEAST_BLOCK, Family.TRANCHE, Family.RENEWAL, Family.PLACED, Family.ON_FABRIC,
        Family.ACCEPTED_ONCE,
    ),
    "deliveries": (Family.SUPPLY,),
    "sites": (
        Family.SITE, Family.BUILD, Family.OPEN, Family.OPENED_ONCE, Family.CONVERTIBLE, Family.MINING, Family.HALL,
        Family.LIQUID, Family.CLUSTER, Family.FABRIC, Family.FLEET, Family.ENDED,
    ),
    "decisions of your own": (Family.FIXED,),
}
"""Sorts of what is scarce, and the families of limits of each."""


def scarce_by_sort(binding: pd.DataFrame) -> dict[str, float]:
    """What one per cent more of all limits of a sort would bring, dollars, the dearest first; sorts worth nothing are
    left out. binding: as `binding_table`."""
    of = {family if isinstance(family, str) else family.name: sort for sort, found in SORTS.items() for family in found}
    worth = binding.groupby(binding["family"].map(of))["usd_per_percent"].sum()
    ordered = worth[worth > 0.0].sort_values(ascending=False, kind="stable")
    return {str(sort): float(usd) for sort, usd in ordered.items()}


def binding_table(candidates: CandidateSet, allocation: Allocation) -> pd.DataFrame:
    """Limits of the plan with a price, dearest first: columns COLUMNS."""
    lp = allocation.lp
    if lp is None or lp.duals is None or lp.reduced_costs is None or lp.values is None:
        return no_rows(COLUMNS[:-1], COLUMNS[-1:])
    found = pd.concat(
        [_rows(candidates, allocation), _bounds(candidates, allocation), _capital(candidates, allocation)],
        ignore_index=True,
    )
    grouped = found[found["usd_per_percent"] > 0.0].groupby(["family", "name"], as_index=False)["usd_per_percent"].sum()
    ordered = grouped.sort_values(["usd_per_percent", "family", "name"], ascending=[False, True, True], kind="stable")
    return ordered.assign(what=ordered["family"].map(_WORDS)).reset_index(drop=True)[list(COLUMNS)]


def _rows(candidates: CandidateSet, allocation: Allocation) -> pd.DataFrame:
    """Limits that stand in rows."""
    lp, model = allocation.lp, allocation.model
    assert lp is not None
    assert lp.duals is not None
    rows = model.formulation.resources.table.iloc[model.resource_row]
    price = model.usd_per_limit(lp.duals)
    price = np.where(price > DUST * model.money / model.row_scale, price, 0.0)
    size = _sizes(candidates, allocation)
    families, names = rows["family"].to_numpy(dtype=object, copy=True), rows["name"].to_numpy(dtype=object, copy=True)
    alone = np.isin(families, [member.name for member in _DECIDED_ALONE])
    for member, (family, column) in _COPIES.items():
        for at in np.flatnonzero((families == member.name) & (price > 0.0)):
            families[at], names[at] = family, _named(candidates, allocation, int(at), column)
    return pd.DataFrame(
        {"family": families, "name": names, "usd_per_percent": np.where(alone, 0.0, price * size / 100.0)}
    )


def _named(candidates: CandidateSet, allocation: Allocation, row: int, column: str) -> str:
    """What the candidates of a row belong to."""
    use, formulation = allocation.model.formulation.resources.use, allocation.model.formulation
    at = int(allocation.model.resource_row[row])
    columns = use.indices[use.indptr[at] : use.indptr[at + 1]]
    named = candidates.table[column].to_numpy()[formulation.candidate[columns[columns < len(formulation.candidate)]]]
    return str(next(name for name in named if name))


def _sizes(candidates: CandidateSet, allocation: Allocation) -> Floats:
    """The limit of each row as it stands once the decisions are made, never below 0; 0 for rows that hold what the plan
    owns itself."""
    lp, model = allocation.lp, allocation.model
    assert lp is not None
    assert lp.values is not None
    formulation = model.formulation
    rows, use = formulation.resources.table.iloc[model.resource_row], formulation.resources.use[model.resource_row]
    # a plan after risk has columns of its own behind them
    levels = lp.values[: len(formulation.unit)] * formulation.unit
    decided = use @ np.where(formulation.integral, levels, 0.0)
    size: Floats = np.abs(rows["limit"].to_numpy(np.float64) - decided)
    family = rows["family"].to_numpy()
    gross = use.maximum(0.0) @ np.where(formulation.integral, 0.0, np.abs(levels))
    # A floor of nothing, and a share of what is earned, have no size of their own: they count as large as what runs up
    # against them.
    size = np.where((family == Family.CASH_FLOOR.name) & (size == 0.0), gross, size)
    shares = greatest_shares(candidates.outlook)
    share = np.array([shares.get(key, 1.0) for key in zip(family, rows["name"], strict=True)], dtype=np.float64)
    part = share < 1.0
    return np.where(part, gross / np.where(part, 1.0 - share, 1.0), size)


def _bounds(candidates: CandidateSet, allocation: Allocation) -> pd.DataFrame:
    """Limits that stand as bounds of candidates, and phases taken to the last unit of what they offer."""
    formulation, lp, model = allocation.model.formulation, allocation.lp, allocation.model
    assert lp is not None
    assert lp.reduced_costs is not None
    assert lp.values is not None
    count = len(formulation.candidate)
    price = model.usd_per_unit(lp.reduced_costs)[:count]
    price = np.where(price > DUST * model.money / formulation.unit[:count], price, 0.0)
    by_candidate = pd.Series(price, index=formulation.candidate)
    copied = copied_bounds(candidates)
    worth = copied["candidate"].map(by_candidate).fillna(0.0).to_numpy(np.float64)
    copied = copied.assign(
        usd_per_percent=worth * copied["per_unit"].to_numpy(np.float64) * copied["limit"].to_numpy(np.float64) / 100.0
    )
    table = candidates.table.iloc[formulation.candidate]
    upper, levels = table["upper"].to_numpy(np.float64), lp.values[:count] * formulation.unit[:count]
    whole = (
        table["kind"] == Kind.POWER
    ).to_numpy() & table["integral"].to_numpy(bool) & (levels >= upper) & (upper > 0.0)
    taken = pd.DataFrame(
        {
            "family": POWER, "name": table["phase"].to_numpy()[whole],
            "usd_per_percent": price[whole] * upper[whole] / 100.0,
        }
    )
    return pd.concat([copied[["family", "name", "usd_per_percent"]], taken], ignore_index=True)


def _capital(candidates: CandidateSet, allocation: Allocation) -> pd.DataFrame:
    """New capital raised, all quarters alike."""
    formulation, lp = allocation.model.formulation, allocation.lp
    assert lp is not None
    assert lp.reduced_costs is not None
    at = np.flatnonzero((candidates.table["candidate_id"] == "base:capital raised").to_numpy()[formulation.candidate])
    price = allocation.model.usd_per_unit(lp.reduced_costs)[at]
    return pd.DataFrame({"family": Family.CAPITAL.name, "name": "capital", "usd_per_percent": price / 100.0})

"""What binds most: limits ranked by what one per cent more of each would bring."""

from __future__ import annotations

import numpy as np
import pandas as pd

from planner.allocator.allocate import Allocation
from planner.candidates.build import CandidateSet
from planner.candidates.resources import Family
from planner.own_tables import no_rows

COLUMNS = ("what", "family", "name", "usd_per_percent")


def binding_table(candidates: CandidateSet, allocation: Allocation) -> pd.DataFrame:
    """Limits of the plan with a price, dearest first: columns COLUMNS.

    The value of one per cent more is price x limit / 100, with whole decisions held: prices of limits that stand in
    rows, and of the bounds of candidates (guaranteed MW of a phase, size of a lease, capital raised).
    """
    lp = allocation.lp
    if lp is None or lp.duals is None or lp.reduced_costs is None:
        return no_rows(COLUMNS[:-1], COLUMNS[-1:])
    model = allocation.model
    rows = model.compact.resources.table.iloc[model.resource_row]
    dual = model.usd_per_limit(lp.duals)
    limited = pd.DataFrame(
        {
            "what": [Family[name].value for name in rows["family"]],
            "family": rows["family"].to_numpy(),
            "name": rows["name"].to_numpy(),
            "usd_per_percent": dual * rows["limit"].to_numpy(np.float64) / 100.0,
        }
    )
    found = pd.concat([limited[limited["usd_per_percent"] > 0.0], _bounds(candidates, allocation)], ignore_index=True)
    grouped = found.groupby(["what", "family", "name"], as_index=False)["usd_per_percent"].sum()
    ordered = grouped[grouped["usd_per_percent"] > 1.0].sort_values("usd_per_percent", ascending=False, kind="stable")
    return ordered.reset_index(drop=True)[list(COLUMNS)]


def _bounds(candidates: CandidateSet, allocation: Allocation) -> pd.DataFrame:
    """Upper bounds of phases and the capital raised."""
    compact, lp = allocation.model.compact, allocation.lp
    assert lp is not None
    assert lp.reduced_costs is not None
    count = len(compact.candidate)
    table = candidates.table.iloc[compact.candidate]
    price = allocation.model.usd_per_unit(lp.reduced_costs)[:count]
    power = ((table["kind"] == "power") & ~table["integral"]).to_numpy() & (price > 0.0)
    capital = (table["candidate_id"] == "base:capital raised").to_numpy()
    chosen = power | capital
    upper = table["upper"].to_numpy(np.float64)[chosen]
    return pd.DataFrame(
        {
            "what": np.where(capital, "new capital raised", "guaranteed MW of the phase")[chosen],
            "family": np.where(capital, "CAPITAL", "POWER")[chosen],
            "name": np.where(capital, "capital", table["phase"].to_numpy())[chosen],
            "usd_per_percent": price[chosen] * upper / 100.0,
        }
    )

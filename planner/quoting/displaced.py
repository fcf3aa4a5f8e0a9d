"""What a lease displaces: what the plan with it does less of, and more of, than the plan without it."""

from __future__ import annotations

import numpy as np
import pandas as pd

from planner.arrays import Floats
from planner.candidates.build import CandidateSet
from planner.candidates.kinds import Kind
from planner.candidates.phases import phase_table, unit_mw
from planner.candidates.tranches import part_sizes

COLUMNS = ("what", "name", "unit", "without", "with", "change")
SMALL = 1e-3
"""Changes below this share of the greater of both are dust of a degenerate plan."""


def displaced_table(candidates: CandidateSet, without: Floats, with_it: Floats, inquiry: str) -> pd.DataFrame:
    """Leases, on-demand and mining GPU- or MW-months, GPUs bought, halls, power and sites of two plans, where they
    differ.

    Largest share of change first; the inquiry itself is left out. Columns COLUMNS.
    """
    both = pd.concat(
        [_amounts(candidates, without).rename("without"), _amounts(candidates, with_it).rename("with")], axis=1
    ).fillna(0.0)
    both = both[both.index.get_level_values("name") != inquiry].reset_index()
    both["change"] = both["with"] - both["without"]
    size = both[["without", "with"]].abs().max(axis=1)
    found = both[both["change"].abs() > SMALL * size.clip(lower=1.0)]
    order = {
        what: at for at, what in enumerate(("lease", "on demand", "mining", "site", "GPUs bought", "hall", "power"))
    }
    found = found.assign(
        at=found["what"].map(order), size=-found["change"].abs()
    ).sort_values(["at", "size", "name"], kind="stable")
    return found[list(COLUMNS)].reset_index(drop=True)


def _amounts(candidates: CandidateSet, levels: Floats) -> pd.Series:
    """Amounts by what, name and unit."""
    table = candidates.table.assign(
        level=levels, months=candidates.table["to_month"] - candidates.table["from_month"],
        most=part_sizes(candidates.outlook.tables, candidates.columns),
    )
    table = table[table["level"] != 0.0]
    leases = candidates.outlook.case.tables["leases"].set_index("lease_id")
    power = phase_table(candidates.outlook)
    mw = pd.Series(unit_mw(candidates.outlook), index=power["phase_name"])
    served = table[table["kind"].isin([Kind.SERVE, Kind.HOST]) & (table["lease_id"] != "")]
    unit = served["lease_id"].map(leases["size_unit"]).map({"gpus": "GPUs", "it_mw": "MW"})
    pieces = [
        _part(
            served, "lease", served["lease_id"], unit,
            served["level"] * served["most"] / served["upper"],
        ),
        _part(
            chosen := table[table["kind"] == Kind.SELL], "on demand", chosen["gpu_id"], "GPU-months",
            chosen["level"] * chosen["months"],
        ),
        _part(
            chosen := table[table["kind"] == Kind.MINE], "mining", chosen["site_id"], "MW-months",
            chosen["level"] * chosen["months"],
        ),
        _part(chosen := table[table["kind"] == Kind.OPEN], "site", chosen["site_id"], "opened", chosen["level"]),
        _part(chosen := table[table["kind"] == Kind.OWN], "GPUs bought", chosen["gpu_id"], "GPUs", chosen["level"]),
        _part(chosen := table[table["kind"] == Kind.SHELL], "hall", chosen["site_id"], "MW", chosen["level"]),
        _part(
            chosen := table[table["kind"] == Kind.POWER], "power", chosen["phase"], "MW",
            chosen["level"] * _number(chosen["phase"], mw),
        ),
    ]
    return pd.concat(pieces).groupby(["what", "name", "unit"])["amount"].sum()


def _number(names: pd.Series, number: pd.Series) -> pd.Series:
    """The number of each name; of no names none, as numbers too."""
    return names.map(number).astype(np.float64)


def _part(rows: pd.DataFrame, what: str, name: pd.Series, unit: pd.Series | str, amount: pd.Series) -> pd.DataFrame:
    return pd.DataFrame(
        {"what": what, "name": name, "unit": unit, "amount": np.asarray(amount, dtype=np.float64)}, index=rows.index
    )

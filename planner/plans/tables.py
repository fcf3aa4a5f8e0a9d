"""The tables of a plan in a planner's words: which cluster serves what where, and which power is contracted."""

from __future__ import annotations

import numpy as np
import pandas as pd

from kernels.lines import INCOME
from planner.arrays import Floats
from planner.candidates.build import CandidateSet
from planner.candidates.kinds import Kind
from planner.candidates.mining import mining_usd_per_mwh
from planner.candidates.phases import phase_table, unit_mw
from planner.plans.curtailed_power import curtailed_by_phase

ALLOCATION_COLUMNS = (
    "site_id", "power_path", "interruptible", "gpu_id", "use", "lease_id", "customer_id", "tier", "rate", "rate_unit",
    "gpus", "it_mw", "from", "to", "decide_by", "npv_usd", "income_pv_usd", "tranche",
)
"""Columns of allocation.csv. `use` is serve, renew, host, sell or mine; `to` is the last month; income is discounted,
before tax."""

POWER_COLUMNS = (
    "site_id", "phase", "kind", "contracted_mw", "ended_early_mw", "guaranteed_mw", "installed_mw", "promised",
    "energised", "to", "peak_use_mw", "firm_mw", "peak_curtailable_use_mw", "curtailed_mwh",
    "fee_usd_per_kw_month", "decide_by",
)
"""Columns of power.csv: contracted MW at energisation, how much of it is ended before `to`, the most ever in use, and
what of it may be curtailed."""

PORTFOLIO_COLUMNS = (
    "candidate_id", "kind", "level", "unit", "npv_usd", "decide_by",
    "site_id", "gpu_id", "lease_id", "phase", "then_phase", "interruptible", "tier", "from", "to",
    "of", "tranche",
)
"""Columns of portfolio.csv: `from` and `to` are its first and last month, `of` what it ends or goes on from (the
purchase of a sale)."""

PLACED = ("serve", "renew", "host", "sell", "mine")


def allocation_table(candidates: CandidateSet, levels: Floats) -> pd.DataFrame:
    """One row per cluster, hosted hall, on-demand window or mining window of a portfolio; see ALLOCATION_COLUMNS.

    Windows that follow one another with the same place, use and size are one row.
    """
    table = candidates.table
    held = np.flatnonzero(table["kind"].isin(PLACED).to_numpy() & (levels > 0.0))
    rows = table.iloc[held].assign(
        level=levels[held], npv_usd=candidates.npv_usd[held] * levels[held],
        income_pv_usd=_income_pv(candidates, levels)[held],
    )
    rows = _joined(rows.assign(rate=_rates(candidates, rows)))
    outlook = candidates.outlook
    it_kw = outlook.case.tables["gpus"].set_index("gpu_id")["it_kw"]
    per_it = _mw_per_it_mw(candidates)
    on_gpus = rows["unit"] == "GPU"
    mining = rows["kind"] == Kind.MINE
    gpu_mw = rows["gpu_id"].map(it_kw).astype(float).fillna(0.0) * rows["level"] / 1000.0
    hall_mw = rows["level"] / np.where(mining, rows["phase"].map(per_it).astype(float), 1.0)
    bridged = rows["then_phase"] != ""
    rate_unit = np.select([rows["kind"] == Kind.HOST, mining], ["usd_per_kw_month", "usd_per_mwh"], "usd_per_gpu_hour")
    found = pd.DataFrame(
        {
            "site_id": rows["site_id"],
            "power_path": rows["phase"].where(~bridged, rows["phase"] + " until " + rows["then_phase"]),
            "interruptible": rows["interruptible"],
            "gpu_id": rows["gpu_id"],
            "use": rows["kind"],
            "lease_id": rows["lease_id"],
            "customer_id": rows["customer_id"],
            "tier": rows["tier"],
            "rate": rows["rate"],
            "rate_unit": rate_unit,
            "gpus": rows["level"].where(on_gpus, 0.0),
            "it_mw": gpu_mw.where(on_gpus, hall_mw),
            "from": rows["from_month"].map(outlook.calendar.written),
            "to": (rows["to_month"] - 1).map(outlook.calendar.written),
            "decide_by": _decide_by(candidates, rows).map(outlook.calendar.written),
            "npv_usd": rows["npv_usd"],
            "income_pv_usd": rows["income_pv_usd"],
            "tranche": rows["tranche"],
        }
    )
    order = ["site_id", "from", "use", "lease_id", "gpu_id", "tier", "power_path", "interruptible", "to"]
    return found.sort_values(order, kind="stable").reset_index(drop=True)[list(ALLOCATION_COLUMNS)]


def _income_pv(candidates: CandidateSet, levels: Floats) -> Floats:
    """Discounted income before tax of each candidate that is placed, at its level, dollars, shape (candidates,)."""
    found = np.zeros(len(levels))
    for block in candidates.blocks:
        if block.kind in PLACED and levels[block.numbers].any():
            after_tax = candidates.valuation.npv(block, INCOME)[:, 0]
            found[block.numbers] = after_tax / (1.0 - candidates.outlook.case.settings.tax_rate) * levels[block.numbers]
    return found


def _joined(rows: pd.DataFrame) -> pd.DataFrame:
    """Windows of sells and mines that follow one another at the same level, joined; the rate is their mean by
    months."""
    rows = rows.assign(rounded=rows["level"].round(6), months=rows["to_month"] - rows["from_month"])
    keys = [
        "kind", "site_id", "gpu_id", "lease_id", "customer_id", "phase", "then_phase", "interruptible", "tier", "unit",
        "rounded", "tranche",
    ]
    rows = rows.sort_values([*keys, "from_month"], kind="stable")
    same = (rows[keys] == rows[keys].shift()).all(axis=1) & rows["kind"].isin([Kind.SELL, Kind.MINE])
    follows = same & (rows["from_month"] == rows["to_month"].shift())
    rows["run"] = (~follows).cumsum()
    rows["rate"] = rows["rate"] * rows["months"]
    whole = rows.groupby("run", sort=False).agg(
        {
            **dict.fromkeys(keys, "first"), "level": "first", "from_month": "first", "to_month": "last", "rate": "sum",
            "npv_usd": "sum", "income_pv_usd": "sum", "months": "sum", "decide_by": "first",
        }
    )
    return whole.assign(rate=whole["rate"] / whole["months"]).reset_index(drop=True)


def _rates(candidates: CandidateSet, rows: pd.DataFrame) -> Floats:
    """First rate of a lease, next-term rate of a renewal, mean price of a market window, mean income of mining."""
    outlook = candidates.outlook
    rates = outlook.case.tables["lease_rates"].astype({"tier": np.int64})
    by_tier = rates.set_index(["lease_id", "gpu_id", "tier"])["usd_per_gpu_hour"]
    leases = outlook.case.tables["leases"].set_index("lease_id")
    mines = outlook.tables["mining"].number_of("site_id")
    found = np.full(len(rows), np.nan)
    for at, row in enumerate(rows.itertuples()):
        window = slice(row.from_month, min(row.to_month, outlook.months))
        if row.kind == Kind.SELL:
            found[at] = outlook.market_price[row.gpu_id, row.tier][window].mean()
        elif row.kind == Kind.MINE:
            found[at] = mining_usd_per_mwh(outlook, mines[row.site_id])[window].mean()
        elif row.lease_id == "":
            found[at] = outlook.case.settings.tail_rent_usd_per_kw_month
        else:
            lease = leases.loc[row.lease_id]
            first = (
                float(lease["usd_per_kw_month"]) if lease["kind"] == "hosting"
                else float(by_tier[row.lease_id, row.gpu_id, row.tier])
            )
            if row.kind == Kind.RENEW:
                last = int(lease["term_months"]) - 1
                first *= (1.0 + float(lease["escalator"])) ** (last // 12) * float(lease["renewal_rate_share"])
            found[at] = first
    return found


def _mw_per_it_mw(candidates: CandidateSet) -> pd.Series:
    power = phase_table(candidates.outlook)
    return power.set_index("phase_name")["mw_per_it_mw"]


def _decide_by(candidates: CandidateSet, rows: pd.DataFrame) -> pd.Series:
    """Last month in which to commit to a row: its GPUs ordered, its power contracted, whichever is earlier.

    Power that is there from the start can be contracted until it is needed.
    """
    outlook = candidates.outlook
    lead = outlook.case.tables["gpus"].set_index("gpu_id")["order_lead_months"].astype(float)
    table = candidates.table
    power = table[table["kind"] == Kind.POWER].set_index("phase")
    ahead = power["decide_by"].where(power["from_month"] > 0).astype(float)
    order = rows["from_month"] - rows["gpu_id"].map(lead).astype(float).fillna(0.0)
    contract = rows["phase"].map(ahead).astype(float)
    return np.fmin(order, contract).clip(lower=0).astype(np.int64)


def power_table(candidates: CandidateSet, levels: Floats) -> pd.DataFrame:
    """One row per phase of the case, contracted or not; see POWER_COLUMNS."""
    outlook = candidates.outlook
    power = phase_table(outlook)
    table = candidates.table
    chosen = table["kind"] == Kind.POWER
    number = np.flatnonzero(chosen.to_numpy())
    found = pd.DataFrame(
        {
            "site_id": power["site_id"],
            "phase": power["phase_name"],
            "kind": power["kind"],
            "contracted_mw": levels[number] * unit_mw(outlook),
            "ended_early_mw": power["phase_name"].map(_ended_early(candidates, levels)).astype(float).fillna(0.0),
            "guaranteed_mw": power["guaranteed_mw"],
            "installed_mw": power["installed_mw"].fillna(power["guaranteed_mw"]),
            "promised": power["energised"],
            "energised": power["energised_month"].map(outlook.calendar.written),
            "to": (power["end_month"] - 1).map(outlook.calendar.written),
            "peak_use_mw": power["phase_name"].map(_peak_use(candidates, levels)).fillna(0.0),
            "firm_mw": levels[number] * unit_mw(outlook) * power["firm_share"].to_numpy(np.float64),
            **curtailed_by_phase(candidates, levels),
            "fee_usd_per_kw_month": power["fee_usd_per_kw_month"],
            "decide_by": table.loc[chosen, "decide_by"].map(outlook.calendar.written).to_numpy(),
        }
    )
    return found[list(POWER_COLUMNS)]


def _ended_early(candidates: CandidateSet, levels: Floats) -> pd.Series:
    """MW of contracts ended early, by phase."""
    exits = candidates.table["kind"].eq(Kind.EXIT).to_numpy()
    return pd.Series(levels[exits], index=candidates.table["phase"].to_numpy()[exits]).groupby(level=0).sum()


def _peak_use(candidates: CandidateSet, levels: Floats) -> pd.Series:
    """Most contracted power in use in any month, by phase: of what is placed, not of contracts that end early."""
    rows = candidates.rows
    chosen = np.flatnonzero((rows.table["family"] == "PHASE").to_numpy())
    placed = candidates.table["kind"].isin(PLACED).to_numpy()
    used = rows.use[chosen].maximum(0) @ np.where(placed, levels, 0.0)
    return pd.Series(used, index=rows.table["name"].to_numpy()[chosen]).groupby(level=0).max()


def portfolio_table(candidates: CandidateSet, levels: Floats) -> pd.DataFrame:
    """The candidates held, one a row, each with all that tells it from others; see PORTFOLIO_COLUMNS."""
    held = np.flatnonzero(levels)
    table, written = candidates.table, candidates.outlook.calendar.written
    rows = table.iloc[held]
    parent = rows["parent"].to_numpy()
    found = rows.assign(
        level=levels[held],
        npv_usd=candidates.npv_usd[held] * levels[held],
        decide_by=rows["decide_by"].map(written),
        of=np.where(parent >= 0, table["candidate_id"].to_numpy()[parent], ""),
        to=(rows["to_month"] - 1).map(written),
        **{"from": rows["from_month"].map(written)},
    )
    return found[list(PORTFOLIO_COLUMNS)].reset_index(drop=True)

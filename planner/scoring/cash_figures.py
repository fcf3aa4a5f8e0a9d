"""What the base-case cash of a unit of each candidate adds up to: costs, income, sources and uses of funds, EBITDA by
year."""

from __future__ import annotations

import numpy as np
import pandas as pd

from kernels.lines import INCOME, Line, taxable_weight
from planner.arrays import Floats, Ints
from planner.candidates.build import CandidateSet
from planner.candidates.kinds import Kind
from planner.candidates.outlook import Outlook

OPERATING = (Line.ENERGY, Line.FEES, Line.UPKEEP, Line.SITE_OPEX, Line.NETWORK, Line.PENALTIES)
COSTS = (*OPERATING, Line.OPENING, Line.CAPEX, Line.DEPOSITS, Line.RESALE, Line.CREDITS)
SITE = ("open", "shell", "close", "power", "take", "exit", "short", "back")
"""Kinds whose costs are all those of sites, halls and power."""
WORK = ("serve", "renew", "sell", "host")
DRAWN = (Line.ENERGY, Line.FEES, Line.SITE_OPEX)
"""Lines on which work costs what a hall and its power cost."""
CUSTOMER = "income_pv_usd of "
TAXABLE = "taxable_usd in part of a tax year "
UNTAXED = "untaxed_pv_usd"
LATER = "ebitda_later_usd"
AT_ONCE = 500
"""Candidates whose monthly lines are held at once: 20 MB in 250 months."""


def cash_figures(
    candidates: CandidateSet, held: Ints, customers: tuple[str, ...], tax_years: Ints
) -> dict[str, Floats]:
    """Figures by name, each (candidates held,); customers are told apart for the share of the largest.

    capex_usd, backlog_usd, uses_* and sources_* (undiscounted; see `footprint`), cost_pv_usd, site_cost_pv_usd and
    other_income_pv_usd (discounted), ebitda_<year>_usd by calendar year of the horizon and `LATER`, the rest for taxes
    and shares.
    """
    found: list[dict[str, Floats]] = []
    for block in candidates.blocks:
        first, last = np.searchsorted(held, [block.first, block.first + len(block)])
        for start in range(int(first), int(last), AT_ONCE):
            rows = held[start : min(start + AT_ONCE, int(last))] - block.first
            found.append(
                _of_block(
                    candidates.outlook, candidates.valuation.cash(block, rows), block.table.iloc[rows], customers,
                    tax_years,
                )
            )
    if not found:
        return _of_block(
            candidates.outlook, np.zeros((len(Line), 0, candidates.outlook.months)), candidates.table.iloc[:0],
            customers, tax_years,
        )
    return {name: np.concatenate([part[name] for part in found]) for name in found[0]}


def _of_block(
    outlook: Outlook, cash: Floats, table: pd.DataFrame, customers: tuple[str, ...], tax_years: Ints
) -> dict[str, Floats]:
    """Of candidates with their cash (lines, n, M)."""
    kind = table["kind"]
    contract = kind.isin([Kind.SERVE, Kind.HOST]).to_numpy() & (table["lease_id"] != "").to_numpy()
    income = _discounted(cash[list(INCOME)].sum(axis=0), outlook.discount)
    untaxed = sum(cash[line] for line in Line if line < Line.DEBT_DRAW and line is not Line.TAX)
    site = np.where(kind.isin(SITE).to_numpy(), 1.0, 0.0) * -_discounted(
        cash[list(COSTS)].sum(axis=0), outlook.discount
    )
    work = np.where(kind.isin(WORK).to_numpy(), 1.0, 0.0) * -_discounted(
        cash[list(DRAWN)].sum(axis=0), outlook.discount
    )
    found = {
        "capex_usd": -(cash[Line.CAPEX] + cash[Line.OPENING]).sum(axis=1),
        **_sources_and_uses(cash),
        "backlog_usd": np.where(contract, (cash[Line.REVENUE] + cash[Line.SERVICES]).sum(axis=1), 0.0),
        "cost_pv_usd": -_discounted(cash[list(COSTS)].sum(axis=0), outlook.discount),
        "site_cost_pv_usd": site + work,
        "other_income_pv_usd": np.where((table["gpu_id"] == "").to_numpy(), income, 0.0),
        UNTAXED: _discounted(np.asarray(untaxed), outlook.discount),
        **_ebitda(outlook, cash),
    }
    owner = table["customer_id"].to_numpy(dtype=object)
    found |= {CUSTOMER + name: np.where(owner == name, income, 0.0) for name in ("", *customers)}
    taxable = np.add.reduceat(sum(taxable_weight(line) * cash[line] for line in Line), tax_years, axis=1)
    return found | {f"{TAXABLE}{year}": taxable[:, year] for year in range(len(tax_years))}


def _sources_and_uses(cash: Floats) -> dict[str, Floats]:
    """What is invested, and what pays for it; own cash is the rest, so that sources add up to uses."""
    uses = {"uses_capex_usd": -cash[Line.CAPEX].sum(axis=1), "uses_opening_usd": -cash[Line.OPENING].sum(axis=1)}
    sources = {
        "sources_prepayments_usd": np.maximum(cash[Line.PREPAYMENT], 0.0).sum(axis=1),
        "sources_debt_usd": cash[Line.DEBT_DRAW].sum(axis=1),
        "sources_tax_credits_usd": cash[Line.CREDITS].sum(axis=1),
    }
    own = sum(uses.values()) - sum(sources.values())
    return {**uses, **sources, "sources_own_cash_usd": np.asarray(own)}


def _ebitda(outlook: Outlook, cash: Floats) -> dict[str, Floats]:
    """Income less operating costs by calendar year of the horizon, and of all that comes after it."""
    earned = cash[[*INCOME, *OPERATING]].sum(axis=0)
    number = outlook.calendar.start_number + np.arange(outlook.months)
    inside = np.arange(outlook.months) < outlook.horizon
    found = {
        f"ebitda_{year}_usd": earned[:, inside & (number // 12 == year)].sum(axis=1)
        for year in np.unique(number[inside] // 12)
    }
    return {**found, LATER: earned[:, ~inside].sum(axis=1)}


def _discounted(cash: Floats, discount: Floats) -> Floats:
    """Present value row by row: a product of matrices would depend on how many rows there are."""
    value: Floats = (cash * discount).sum(axis=1)
    return value

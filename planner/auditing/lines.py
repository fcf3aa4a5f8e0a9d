"""The lines of the books: what each one is, whether it is cash and whether it is taxed."""

from __future__ import annotations

TAXED = (
    "revenue", "services", "mining", "tail_rent", "energy", "fees", "upkeep", "site_opex", "network", "penalties",
    "opening", "resale",
)
"""Lines of cash that are income (positive) or cost (negative) for tax."""

UNTAXED = ("prepayment", "capex", "deposits", "credits")
"""Lines of cash that are neither: what is bought, deposited, lent by a customer, or credited by the state."""

OPERATING = (*TAXED, *UNTAXED, "tax")
"""Every line of cash before lenders: their discounted sum is the NPV."""

LENDING = ("debt_draw", "interest", "repayment")
WRITTEN_OFF = "depreciation"
LINES = (*OPERATING, *LENDING, WRITTEN_OFF)

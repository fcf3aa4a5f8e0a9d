"""What the contracts of a generated case say beyond size, dates and rate: services, goodput, tranches, shares of
customers."""

from __future__ import annotations

from planner.case.calendar import Calendar
from planner.case.made_up.dice import Dice, Row

_SHARES = ((0.5, 0.5), (0.25, 0.75), (0.25, 0.25, 0.5))
_APART_MONTHS = 3
"""Tranches come a quarter apart, so that all dates fall on quarter starts."""
_FROM_CUSTOMERS = 5
"""With fewer customers than this a greatest share of one is no limit but a refusal."""


def with_contract_terms(rows: dict[str, list[Row]], dice: Dice, calendar: Calendar) -> dict[str, list[Row]]:
    """The tables of a generated case with terms of contracts: the leases with more columns, `lease_tranches` and
    `customer_shares`."""
    leases, tranches = [], []
    for lease in rows["leases"]:
        gpu = lease["kind"] == "gpu"
        leases.append(lease | (_services(dice) | _goodput(dice) if gpu else {}))
        if dice.chance(0.3):
            tranches += _tranches(lease, dice, calendar)
    return rows | {
        "leases": leases, "lease_tranches": tranches, "customer_shares": _shares(rows["customers"], calendar)
    }


def _services(dice: Dice) -> Row:
    """Storage, network and support, some tens of dollars a GPU and month together."""
    return {
        "storage_usd_per_gpu_month": dice.pick((0.0, 20.0, 40.0)),
        "network_usd_per_gpu_month": dice.pick((0.0, 10.0)),
        "support_usd_per_gpu_month": dice.pick((0.0, 15.0, 25.0)),
    }


def _goodput(dice: Dice) -> Row:
    """Some customers are promised goodput, and some of those get less."""
    if not dice.chance(0.3):
        return {}
    return {
        "goodput_promised": 0.95, "goodput_expected": dice.pick((0.92, 0.94, 0.96)),
        "goodput_credit": dice.pick((1.0, 2.0)),
    }


def _tranches(lease: Row, dice: Dice, calendar: Calendar) -> list[Row]:
    """Two or three parts a quarter apart, where all of them are due within the horizon."""
    shares = dice.pick(_SHARES)
    if calendar.index(str(lease["start"])) + _APART_MONTHS * (len(shares) - 1) >= calendar.horizon:
        return []
    return [
        {
            "lease_id": lease["lease_id"], "tranche": f"T{at + 1}", "size_share": share,
            "starts_after_months": _APART_MONTHS * at,
        }
        for at, share in enumerate(shares)
    ]


def _shares(customers: list[Row], calendar: Calendar) -> list[Row]:
    """No customer more than half of a year's revenue, year by year of the horizon."""
    if len(customers) < _FROM_CUSTOMERS:
        return []
    first = calendar.start_number // 12
    years = range(first, (calendar.start_number + calendar.horizon) // 12)
    return [
        {"customer_id": customer["customer_id"], "year": year, "max_revenue_share": 0.5}
        for customer in customers for year in years
    ]

"""How much of its income a customer is expected to pay, by month: all of it until it defaults, what is recovered
after."""

from __future__ import annotations

from planner.auditing.published import Published, Row

YEARLY_DEFAULT = {"AAA": 0.0, "AA": 0.0002, "A": 0.0005, "BBB": 0.0016, "BB": 0.0063, "B": 0.034, "CCC": 0.28}
"""Yearly rate of default by rating, where a customer gives none."""

MIDDLE = 0.5
"""Cash moves, and is lost, at the middle of a month; what is paid on the first day of a term comes at its beginning."""


def alive(run: Published, customer_id: str, month: float) -> float:
    """Chance that a customer, or its guarantor, has not defaulted by a time in months from the start."""
    if run.base == "announced":
        return 1.0
    customer = run.row("customers", customer_id=customer_id)
    lost = 1.0 - _alone(customer, month)
    if customer["guarantor"]:
        lost *= 1.0 - _alone(run.row("customers", customer_id=customer["guarantor"]), month)
    return 1.0 - lost


def collected(run: Published, customer_id: str, month: int) -> float:
    """Share of what is billed in a month that is expected to be paid."""
    standing = alive(run, customer_id, month + MIDDLE)
    return standing + (1.0 - standing) * float(run.row("customers", customer_id=customer_id)["recovery"])


def _alone(customer: Row, month: float) -> float:
    rate = customer["default_rate_per_year"]
    yearly = YEARLY_DEFAULT[str(customer["rating"])] if rate is None else float(rate)
    return float((1.0 - yearly) ** (month / 12.0))

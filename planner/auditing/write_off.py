"""How a basis is written off: its schedule, and what is left when the asset goes."""

from __future__ import annotations

from typing import Any

MACRS_5 = (0.20, 0.32, 0.192, 0.1152, 0.1152, 0.0576)
"""Yearly shares of the five-year class, half-year convention; each is spread over the twelve months of its year."""


def schedule(rule: Any) -> list[float]:
    """Shares of a basis written off in each month from the first of service; they add to one."""
    bonus = float(rule.bonus_share)
    if rule.method == "macrs_5":
        monthly = [share / 12.0 for share in MACRS_5 for _ in range(12)]
    else:
        months = max(1, round(float(rule.years) * 12.0))
        monthly = [1.0 / months] * months
    shares = [(1.0 - bonus) * share for share in monthly]
    shares[0] += bonus
    return shares


def written_off(rule: Any, basis: float, service: int, gone: int | None) -> dict[int, float]:
    """Dollars written off by month: the schedule until the asset goes, then all that is left in its last month."""
    found: dict[int, float] = {}
    for age, share in enumerate(schedule(rule)):
        month = service + age
        if gone is not None and month >= gone:
            last = max(gone - 1, service)
            found[last] = found.get(last, 0.0) + basis - sum(found.values())
            return found
        found[month] = basis * share
    return found

"""How a basis is written off: its schedule, and what is left when the asset goes."""

from __future__ import annotations

from typing import Any

MACRS_5 = (0.20, 0.32, 0.192, 0.1152, 0.1152, 0.0576)
"""Yearly shares of the five-year class, half-year convention; each is spread over the twelve months of its year."""

NOTHING = 1e-12
"""Below it the rest of a schedule is dust of sums."""


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
    """Dollars written off by month: the schedule until the asset goes, then all that is left in its last month.

    What was never in service before all stops goes then too. What was in service before the start follows the rest of
    its schedule, or goes at once where none is left.
    """
    shares = schedule(rule)[max(-service, 0):]
    whole = sum(shares)
    if whole <= NOTHING:
        shares, whole = [1.0], 1.0
    found: dict[int, float] = {}
    first, left = max(service, 0), basis
    for month, share in enumerate(shares, start=first):
        if gone is not None and month >= gone - 1:
            break
        found[month] = basis * share / whole
        left -= found[month]
    if gone is not None and gone - 1 < first + len(shares):
        last = max(gone - 1, 0)
        found[last] = found.get(last, 0.0) + left
    return found

"""Loans: drawn on what is paid for an asset, paid at the end of each month after the draw until nothing is owed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from planner.auditing.published import Row


@dataclass(frozen=True)
class Payment:
    """One month of a loan: interest on what was owed, and what of it is paid back."""

    month: int
    interest: float
    repaid: float


def payments(terms: Row, draw: float, month: int, ends: int) -> Iterator[Payment]:
    """The payments of a loan drawn in a month on what is there until before `ends`: the last, or that of its last
    month, leaves nothing owed."""
    tenor, grace = int(terms["tenor_months"]), int(terms["grace_months"])
    rate = float(terms["interest_rate"]) / 12.0
    instalments = max(tenor - grace, 1)
    owed = draw
    if ends - 1 <= month:
        yield Payment(month, 0.0, owed)
        return
    for number in range(1, tenor + 1):
        interest = owed * rate
        at = number - (tenor - instalments)
        if number == tenor or month + number == ends - 1:
            repaid = owed
        elif at <= 0:
            repaid = 0.0
        elif terms["amortisation"] == "straight" or rate == 0.0:
            repaid = draw / instalments
        else:
            repaid = draw * rate / (1.0 - (1.0 + rate) ** -instalments) - interest
        owed -= repaid
        yield Payment(month + number, interest, repaid)
        if month + number == ends - 1:
            return

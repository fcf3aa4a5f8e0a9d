"""A cash-flow statement as a dictionary of lines, summed and discounted by plain loops."""

from __future__ import annotations

from collections import defaultdict

UNTAXED = ("PREPAYMENT", "CAPEX", "CREDITS")


class Statement:
    """Dollars by line and month; what falls outside the months that count is dropped."""

    def __init__(self, months: int) -> None:
        self.months = months
        self.lines: dict[str, list[float]] = defaultdict(lambda: [0.0] * months)

    def add(self, line: str, month: int, amount: float) -> None:
        if 0 <= month < self.months:
            self.lines[line][month] += amount

    def tax(self, rate: float) -> None:
        """Fill in the tax of each month: rate x (taxable lines - depreciation), losses used at once."""
        for month in range(self.months):
            income = sum(amounts[month] for line, amounts in self.lines.items() if line not in (*UNTAXED, "DEPRECIATION", "TAX"))
            self.lines["TAX"][month] = -rate * (income - self.lines["DEPRECIATION"][month])

    def cash(self, month: int) -> float:
        """Unlevered after-tax cash of a month."""
        return sum(amounts[month] for line, amounts in self.lines.items() if line != "DEPRECIATION")

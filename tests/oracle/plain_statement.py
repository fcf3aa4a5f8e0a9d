"""A cash-flow statement as a dictionary of lines, summed and discounted by plain loops."""

from __future__ import annotations

from collections import defaultdict

UNTAXED = ("PREPAYMENT", "CAPEX", "DEPOSITS", "CREDITS")


class Statement:
    """Dollars by line and month; what falls outside the months that count is dropped.

    `received` are the prepayments paid in, before any is credited. `running_end` is the month at which running cash
    ends: that of the last month, or the horizon where nothing counts after it but the sale of what is left.
    """

    def __init__(self, months: int, running_end: int) -> None:
        self.months = months
        self.running_end = running_end
        self.received = [0.0] * months
        self.lines: dict[str, list[float]] = defaultdict(lambda: [0.0] * months)

    def add(self, line: str, month: int, amount: float) -> None:
        if 0 <= month < self.months:
            self.lines[line][month] += amount

    def run(self, line: str, start: int, end: int, amount: float) -> None:
        """The same amount in every month from `start` to `end`."""
        for month in range(max(start, 0), min(end, self.running_end)):
            self.lines[line][month] += amount

    def tax(self, rate: float) -> None:
        """Fill in the tax of each month: rate x (taxable lines - depreciation), losses used at once."""
        for month in range(self.months):
            income = sum(
                amounts[month] for line, amounts in self.lines.items() if line not in (*UNTAXED, "DEPRECIATION", "TAX")
            )
            self.lines["TAX"][month] = -rate * (income - self.lines["DEPRECIATION"][month])

    def cash(self, month: int) -> float:
        """Unlevered after-tax cash of a month."""
        return sum(amounts[month] for line, amounts in self.lines.items() if line != "DEPRECIATION")

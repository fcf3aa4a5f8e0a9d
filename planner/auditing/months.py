"""Months of the books: hours of the calendar, when cash is discounted to, and the period in which a month is
published."""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass

Row = dict[str, object]


def month_number(written: str) -> int:
    """Months since the year 0 of a month written YYYY-MM, or of the first month of a quarter written YYYY-Qn."""
    year, _, part = written.partition("-")
    return int(year) * 12 + ((int(part[1:]) - 1) * 3 if part.startswith("Q") else int(part) - 1)


@dataclass(frozen=True)
class Months:
    """Month 0 is the start of the case; `horizon` months are published one by one, later ones by whole years."""

    start: int
    horizon: int

    def index(self, written: str) -> int:
        """The month or first month of a quarter as months from the start; negative before it."""
        return month_number(written) - self.start

    def written(self, month: int) -> str:
        """A month as YYYY-MM."""
        number = self.start + month
        return f"{number // 12:04d}-{number % 12 + 1:02d}"

    def year(self, month: int) -> int:
        """The calendar year of a month."""
        return (self.start + month) // 12

    def hours(self, month: int) -> float:
        """Hours of the calendar month."""
        number = self.start + month
        return 24.0 * monthrange(number // 12, number % 12 + 1)[1]

    def factor(self, month: int, rate: float) -> float:
        """What a dollar of the month is worth at the start: mid-month within the horizon, mid-year after it."""
        if month < self.horizon:
            return float((1.0 + rate) ** -((month + 0.5) / 12.0))
        return float((1.0 + rate) ** -(self.horizon / 12.0 + (month - self.horizon) // 12 + 0.5))

    def period(self, month: int) -> int:
        """The month itself, or the first month of the year of the tail that holds it."""
        return month if month < self.horizon else month - (month - self.horizon) % 12

    def quarter_start(self, month: int) -> int:
        """The first month of the calendar quarter that holds a month; may lie before the start."""
        return month - (self.start + month) % 3

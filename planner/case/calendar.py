"""Months of a case: month 0 is its start; hours are the real hours of each month."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from planner.case.written_dates import month_number, quarter_number, written_month, written_quarter


@dataclass(frozen=True)
class Calendar:
    """The months of a case: `horizon` months, then `tail_years` whole years counted month by month.

    Cash moves at mid-month; a month of the tail is discounted as the middle of its year.
    """

    start: str
    horizon: int
    tail_years: int = 0

    @property
    def months(self) -> int:
        """Months of the horizon and of the tail together."""
        return self.horizon + 12 * self.tail_years

    @property
    def start_number(self) -> int:
        """Months since the year 0 of month 0."""
        return month_number(self.start)

    def index(self, written: str) -> int:
        """Index of a month written YYYY-MM; negative before the start."""
        return month_number(written) - self.start_number

    def indices(self, written: Iterable[str], blank: int = 0) -> npt.NDArray[np.int64]:
        """Indices of months written YYYY-MM, `blank` for ""."""
        months = list(written)
        number = {month: self.index(month) if month else blank for month in set(months)}  # few are distinct
        return np.array([number[month] for month in months], dtype=np.int64)

    def quarter_index(self, written: str) -> int:
        """Index of the first month of a quarter written YYYY-Qn; negative before the start."""
        return quarter_number(written) - self.start_number

    def written(self, index: int) -> str:
        """The month of an index as YYYY-MM."""
        return written_month(self.start_number + int(index))

    def written_quarter(self, index: int) -> str:
        """The quarter of an index as YYYY-Qn."""
        return written_quarter(self.start_number + int(index))

    def quarter_of(self, index: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Index of the first month of the quarter of each month; negative where the quarter begins before the start."""
        return index - (self.start_number + index) % 3

    def in_year(self, year: int) -> npt.NDArray[np.bool_]:
        """Which months, those of the tail too, lie in a calendar year, shape (months,)."""
        found: npt.NDArray[np.bool_] = (self.start_number + np.arange(self.months)) // 12 == year
        return found

    @property
    def quarter_starts(self) -> npt.NDArray[np.int64]:
        """Indices of the first month of each calendar quarter within the horizon; month 0 opens the first."""
        numbers = self.start_number + np.arange(self.horizon)
        starts = np.flatnonzero(numbers % 3 == 0)
        return np.unique(np.concatenate([[0], starts])).astype(np.int64)

    @property
    def hours(self) -> npt.NDArray[np.float64]:
        """Real hours of each month, shape (months,)."""
        first = np.datetime64(self.start, "M")
        edges = (first + np.arange(self.months + 1)).astype("datetime64[D]")
        return np.asarray(np.diff(edges).astype(np.int64) * 24.0, dtype=np.float64)

    def discount_factors(self, rate: float) -> npt.NDArray[np.float64]:
        """DF_t = (1 + rate)^-((t + 0.5)/12), the middle of the year in the tail, shape (months,)."""
        month = np.arange(self.months)
        years = (month + 0.5) / 12.0
        tail = month >= self.horizon
        years[tail] = self.horizon / 12.0 + (month[tail] - self.horizon) // 12 + 0.5
        return np.asarray((1.0 + rate) ** -years, dtype=np.float64)

    @property
    def column_of_month(self) -> npt.NDArray[np.int64]:
        """The column of a cash-flow table that each month falls into: months, then years of the tail."""
        month = np.arange(self.months)
        return np.where(month < self.horizon, month, self.horizon + (month - self.horizon) // 12)

    @property
    def column_labels(self) -> list[str]:
        """YYYY-MM for each month of the horizon, then 'YYYY-MM+12' for each year of the tail."""
        labels = [self.written(month) for month in range(self.horizon)]
        labels += [self.written(self.horizon + 12 * year) + "+12" for year in range(self.tail_years)]
        return labels

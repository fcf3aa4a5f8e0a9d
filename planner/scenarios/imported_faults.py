"""What can be wrong with a table of imported futures, each fault at the first row that has it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from planner.case.calendar import Calendar
from planner.case.case import Case
from planner.case.factor_names import ONCE, OVERRUN, SHARES, SLIPS, once_names
from planner.case.offered_sizes import size_names
from planner.case.reading.frames import FIRST_ROW
from planner.did_you_mean import remedy_for
from planner.errors import Fault
from planner.scenarios.factors import table_factors

GREATEST = 1e9
"""Multipliers and weights beyond it are slips of a decimal point, and sums of them overflow."""
WEIGHT = "weight"
"""A column that may be left out: then all scenarios weigh the same."""


def moving_factors(case: Case) -> list[str]:
    """Factors that have a value by month."""
    return [factor.name for factor in table_factors(case) if not factor.single]


def table_faults(table: pd.DataFrame, file: str, case: Case, calendar: Calendar) -> Iterator[Fault]:
    """Each thing that is wrong with the table, at its first row, with how many more rows it is wrong in."""
    imported = _Imported(table, file, _Meaning.of(table, case))
    yield from imported.names(case)
    yield from imported.months()
    yield from imported.values()
    yield from imported.weights()
    yield from imported.gaps(calendar)


@dataclass(frozen=True)
class _Meaning:
    """What each row (rows,) is about: a factor by month, or something that happens once."""

    moving: pd.Series
    delay: pd.Series
    default: pd.Series
    happens: pd.Series
    """A renewal or an offer: it comes or not."""
    slips: pd.Series
    """A factor of late halls or deliveries."""
    shares: pd.Series
    """Capex paid of what was planned; the share of a lease that is offered."""

    @staticmethod
    def of(table: pd.DataFrame, case: Case) -> _Meaning:
        once = {word: table.factor_id.isin(once_names(case.tables, word)) for word in ONCE}
        return _Meaning(
            table.factor_id.isin(moving_factors(case)), once["delay"], once["default"],
            once["renewal"] | once["offer"], table.factor_id.isin(_drawn_once(case, *SLIPS)),
            table.factor_id.isin([*_drawn_once(case, OVERRUN, *SHARES), *size_names(case.tables)]),
        )

    @property
    def known(self) -> pd.Series:
        """Whether the case has such a factor."""
        return self.moving | self.delay | self.default | self.happens | self.slips | self.shares

    def good(self, value: pd.Series) -> pd.Series:
        """Whether the value (rows,) is one of its factor."""
        months = (value % 1.0 == 0.0) & (value.abs() <= GREATEST)
        positive = value >= 0.0
        return (
            ((self.moving | self.shares) & (value <= GREATEST) & positive)
            | (self.delay & months & positive)
            | (self.default & ((months & positive) | value.isna()))
            | (self.happens & value.isin([0.0, 1.0]))
            | (self.slips & months)
        )


def _drawn_once(case: Case, *words: str) -> list[str]:
    """Factors drawn once for a future that drive some words."""
    return [factor.name for factor in table_factors(case) if factor.target.word in words]


@dataclass(frozen=True)
class _Imported:
    """The table with what its rows are about."""

    table: pd.DataFrame
    file: str
    meaning: _Meaning

    def names(self, case: Case) -> Iterator[Fault]:
        """Factors and scenarios that have no name here."""
        unknown = ~self.meaning.known
        first = self.table.factor_id[unknown]
        names = [
            *(factor.name for factor in table_factors(case)),
            *(name for word in ONCE for name in once_names(case.tables, word)),
            *size_names(case.tables),
        ]
        yield from self._fault(
            unknown, "factor_id", "the case has no such factor", remedy_for(first.iloc[0] if len(first) else "", names)
        )
        yield from self._fault(self.table.scenario == "", "scenario", "blank", "name or number the scenario")

    def months(self) -> Iterator[Fault]:
        """Months that are none, or stand where there is none."""
        yield from self._fault(self.meaning.moving & ~self._dated, "month", "not a month", "write it as YYYY-MM")
        yield from self._fault(
            self.meaning.known & ~self.meaning.moving & (self.table.month != ""), "month",
            "this happens once, so it has no month", "leave the month blank",
        )

    def values(self) -> Iterator[Fault]:
        """Values that their factor cannot take, or that stand twice."""
        yield from self._fault(
            self.meaning.known & ~self.meaning.good(self.table.value), "value", "not a value of this factor",
            "give a multiplier of 0 or more, whole months late, whole months to the default (blank: never), 1 or 0 for "
            "a renewal or an offer, or a share of 0 or more of the capex or of the lease",
        )
        repeated = self.table.duplicated(["factor_id", "scenario", "month"])
        yield from self._fault(
            repeated, "scenario", "this factor, scenario and month stand above already", "keep one of the rows"
        )

    def weights(self) -> Iterator[Fault]:
        """Weights that are none, differ within a scenario, or add to nothing."""
        weight = self.table.weight
        yield from self._fault(
            ~((weight <= GREATEST) & (weight >= 0.0)), WEIGHT, "not a weight", "give a number of 0 or more"
        )
        differs = weight != self.table.groupby("scenario").weight.transform("first")
        yield from self._fault(
            differs & np.isfinite(weight), WEIGHT, "another weight than this scenario has above",
            "give a scenario one weight",
        )
        if not self.table.drop_duplicates("scenario").weight.sum() > 0.0:
            yield Fault(
                self.file, None, WEIGHT, "", "no scenario has a weight above 0", "give weights, or leave the column out"
            )

    def gaps(self, calendar: Calendar) -> Iterator[Fault]:
        """Factors without a scenario that others have, or without a value at the start."""
        scenarios = set(self.table.scenario)
        for name, rows in self.table.groupby("factor_id", sort=False):
            lacking = scenarios - set(rows.scenario)
            if lacking:
                more = f" and {len(lacking) - 1} more" if len(lacking) > 1 else ""
                yield Fault(
                    self.file, None, "scenario", min(lacking), f"{name} has no row for this scenario{more}",
                    "every factor needs every scenario",
                )
        for name, rows in self.table[self.meaning.moving & self._dated].groupby("factor_id", sort=False):
            begins = rows.groupby("scenario", sort=False).month.min()
            late = begins[begins > calendar.start]
            if len(late):
                yield Fault(
                    self.file, None, "month", late.iloc[0],
                    f"{name} in scenario {late.index[0]} begins after the start {calendar.start}",
                    "add a row for the start or before",
                )

    @property
    def _dated(self) -> pd.Series:
        """Whether a row's month is one."""
        return self.table.month.str.fullmatch(r"\d{4}-(0[1-9]|1[0-2])")

    def _fault(self, mask: pd.Series, column: str, why: str, remedy: str) -> Iterator[Fault]:
        rows = np.flatnonzero(mask.to_numpy(dtype=bool))
        if len(rows):
            more = f" (and so in {len(rows) - 1} more rows)" if len(rows) > 1 else ""
            value = str(self.table[column].iloc[rows[0]])
            yield Fault(self.file, int(rows[0]) + FIRST_ROW, column, value, why + more, remedy)

"""Portfolios from a long table of bundles: so many of a SKU, at a site, on a power path, for a lease and then the
market, from a month on.

Halls, power, openings and the taking of leases are derived once per site and portfolio, at the peak that its bundles
need, where the table does not state them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from planner.arrays import Floats
from planner.candidates.build import CandidateSet
from planner.candidates.packages import Package
from planner.candidates.power_paths import legs_of
from planner.case.written_dates import month_number
from planner.did_you_mean import remedy_for
from planner.errors import CaseError, Fault, PlannerError
from planner.scenarios.imported_table import imported_table
from planner.scoring.providers import add_providers

COLUMNS = ("portfolio", "site_id", "power_path", "gpu_id", "use", "start", "level")
MARKET, HALL, POWER = "market", "hall", "power"
FIRST_ROW = 2


class _Wrong(Exception):
    """What is wrong with a cell of a row: column, why, what to do."""


@dataclass(frozen=True)
class _Row:
    """A row as written: power paths as (phase, then_phase), month as an index, level in GPUs or MW."""

    number: int
    portfolio: str
    site_id: str
    path: tuple[str, str]
    gpu_id: str
    uses: tuple[str, ...]
    month: int
    level: float


@dataclass
class _Portfolio:
    """Levels of a portfolio while it is put together, and what the table itself states."""

    levels: Floats
    halls: set[str] = field(default_factory=set)
    phases: set[str] = field(default_factory=set)


def read_bundles(path: Path, candidates: CandidateSet) -> list[Package]:
    """Portfolios of the bundles in a CSV or Parquet file; see `bundles`."""
    return bundles(imported_table(path, "bundles"), candidates, file=path.name)


def bundles(table: pd.DataFrame, candidates: CandidateSet, *, file: str = "bundles") -> list[Package]:
    """Portfolios of bundles, a package each, in the order in which they are first named.

    Columns: portfolio; site_id; power_path, SOURCE:PHASE or `A:1 until B:1` for a bridge; gpu_id, blank for hosted MW;
    use: a lease (`lease` or `lease/tier`), `market` (or `market/tier`), or several in order parted by `;`; start
    (YYYY-MM), the month of delivery of GPUs; level, GPUs bought or MW hosted. The market fills the time before, between
    and after leases. Rows with use `hall` (level MW in service from start) or `power` (level MW contracted of
    power_path) state those for their site or phase, which are then not derived; a lease of such a name cannot be meant.

    What exists and is committed stands in every portfolio. A GPU works at its uses one after another, idles between,
    and is kept to its end of life; on the market to the horizon. Raises CaseError with every row that means nothing.
    """
    missing = [column for column in COLUMNS if column not in table]
    if missing:
        raise PlannerError(f"{file} lacks the column {', '.join(missing)}; its columns are {', '.join(COLUMNS)}")
    if table.empty:
        raise PlannerError(f"{file} has no rows; give at least one bundle")
    placing, faults = _Placing(candidates), []
    built: dict[str, _Portfolio] = {}
    least = candidates.table["lower"].to_numpy(np.float64)
    for number, cells in enumerate(table[list(COLUMNS)].itertuples(index=False, name=None)):
        written = dict(zip(COLUMNS, ("" if pd.isna(cell) else str(cell).strip() for cell in cells), strict=True))
        try:
            row = placing.parsed(number + FIRST_ROW, written)
            placing.place(row, built.setdefault(row.portfolio, _Portfolio(np.where(np.isfinite(least), least, 0.0))))
        except _Wrong as wrong:
            column, why, remedy = wrong.args
            faults.append(Fault(file, number + FIRST_ROW, column, written[column], why, remedy))
    if faults:
        raise CaseError(faults)
    found = []
    for name, portfolio in built.items():
        levels = add_providers(
            candidates, portfolio.levels, halls_stated=portfolio.halls, phases_stated=portfolio.phases
        )
        numbers = np.flatnonzero(levels)
        found.append(Package(name, numbers, levels[numbers]))
    return found


@dataclass
class _Placing:
    """Finds the candidates that a row of bundles means."""

    candidates: CandidateSet

    def __post_init__(self) -> None:
        self.table = self.candidates.table
        tables = self.candidates.outlook.case.tables
        self.sites = list(tables["sites"]["site_id"])
        self.gpus = tables["gpus"].set_index("gpu_id")
        self.leases = tables["leases"].set_index("lease_id")
        self.power = tables["power"].assign(
            phase_name=tables["power"]["source_id"] + ":" + tables["power"]["phase"]
        ).set_index("phase_name")
        self.energised = dict(zip(self.power.index, self.candidates.outlook.energised.tolist(), strict=True))
        # A bundle stands on the firm part of its power, and only where there is none on the other.
        part = ["kind", "site_id", "gpu_id", "lease_id", "phase", "then_phase", "tier", "from_month"]
        twice = (self.table["interruptible"] == 1) & self.table.duplicated(part)
        self.kinds: dict[str, pd.DataFrame] = {
            str(name): rows for name, rows in self.table[~twice].groupby("kind", sort=False)
        }

    def parsed(self, number: int, cells: dict[str, str]) -> _Row:
        """The row with its names known and its numbers read."""
        if not cells["portfolio"]:
            raise _Wrong("portfolio", "blank", "name the portfolio that the bundle belongs to")
        if cells["site_id"] not in self.sites:
            raise _Wrong("site_id", "the case has no such site", remedy_for(cells["site_id"], self.sites))
        try:
            level = float(cells["level"])
        except ValueError:
            level = np.nan
        if not (np.isfinite(level) and level > 0.0):
            raise _Wrong("level", "not a number above 0", "give GPUs, or MW of a hall, hosting or power")
        uses = tuple(part.strip() for part in cells["use"].split(";") if part.strip())
        if not uses:
            raise _Wrong("use", "blank", "name a lease, market, hall or power, or several uses parted by ;")
        if cells["gpu_id"] and cells["gpu_id"] not in self.gpus.index:
            raise _Wrong("gpu_id", "the case has no such SKU", remedy_for(cells["gpu_id"], list(self.gpus.index)))
        month = 0
        if uses != (POWER,):
            try:
                month = month_number(cells["start"]) - self.candidates.outlook.calendar.start_number
            except ValueError:
                raise _Wrong("start", "not a month", "write it as YYYY-MM") from None
        path = ("", "") if uses == (HALL,) else self._path(cells["power_path"], cells["site_id"])
        return _Row(number, cells["portfolio"], cells["site_id"], path, cells["gpu_id"], uses, month, level)

    def _path(self, written: str, site_id: str) -> tuple[str, str]:
        here = [name for name in self.power.index if self.power.at[name, "site_id"] == site_id]
        whole = legs_of(written, here)
        parts = (
            [part for part in whole if part] if whole[0] in here
            else [part.strip() for part in re.split(r"\s+until\s+|>", written)]
        )
        for part in parts:
            if part not in here:
                raise _Wrong("power_path", f"{site_id} has no phase {part!r}", remedy_for(part, here))
        if len(parts) > 2:
            raise _Wrong(
                "power_path", "a path has one phase, or one until another", "write SOURCE:PHASE, or A:1 until B:1"
            )
        return parts[0], parts[1] if len(parts) == 2 else ""

    def place(self, row: _Row, portfolio: _Portfolio) -> None:
        """Add what a row means to a portfolio."""
        if row.uses == (HALL,):
            self._hall(row, portfolio)
        elif row.uses == (POWER,):
            self._power(row, portfolio)
        elif row.gpu_id:
            self._gpus(row, portfolio)
        else:
            self._hosted(row, portfolio)

    def _hall(self, row: _Row, portfolio: _Portfolio) -> None:
        """MW in service from exactly a month on, standing before new before converted."""
        shells = self._of("shell")
        here = shells[(shells["site_id"] == row.site_id) & (shells["from_month"] == row.month)]
        if here.empty:
            raise _Wrong(
                "start", f"no hall comes into service at {row.site_id} in that month",
                self._months(shells[shells["site_id"] == row.site_id]),
            )
        left = row.level
        for number, most in zip(here.index, here["upper"], strict=True):
            taken = left if number == here.index[-1] else min(left, float(most))
            portfolio.levels[number] += taken
            left -= taken
        portfolio.halls.add(row.site_id)

    def _power(self, row: _Row, portfolio: _Portfolio) -> None:
        contracts = self._of("power")
        (number,) = contracts.index[contracts["phase"] == row.path[0]]
        size = {
            "MW": 1.0, "step": self.power.at[row.path[0], "step_mw"],
            "phase": self.power.at[row.path[0], "guaranteed_mw"],
        }
        units = row.level / float(size[str(contracts.at[number, "unit"])])
        if contracts.at[number, "integral"] and abs(units - round(units)) > 1e-9:
            raise _Wrong(
                "level", f"{row.path[0]} is contracted in whole {contracts.at[number, 'unit']}s",
                f"give a multiple of {row.level / units:g} MW",
            )
        stated = row.path[0] in portfolio.phases
        portfolio.levels[number] = units + (portfolio.levels[number] if stated else 0.0)
        portfolio.phases.add(row.path[0])

    def _gpus(self, row: _Row, portfolio: _Portfolio) -> None:
        owned = self._of("own")
        here = owned[(owned["site_id"] == row.site_id) & (owned["gpu_id"] == row.gpu_id)]
        bought = here.index[here["from_month"] == row.month]
        if not len(bought):
            raise _Wrong(
                "start", f"no {row.gpu_id} can be delivered to {row.site_id} in that month", self._months(here)
            )
        parts = self._work(row, int(here.at[bought[0], "to_month"]))
        portfolio.levels[bought[0]] += row.level
        portfolio.levels[parts] += row.level * (1.0 - float(self.gpus.at[row.gpu_id, "spare_fraction"]))

    def _work(self, row: _Row, end: int) -> list[int]:
        """Candidates of a GPU's uses: leases one after another, each as early as it can be; the market before, between
        and after."""
        let: dict[int, int] = {}
        at = row.month
        for place, use in enumerate(row.uses):
            if not _is_market(use):
                let[place] = self._let(row, use, at, end)
                at = int(self.table.at[let[place], "to_month"])
        parts = list(let.values())
        for place, use in enumerate(row.uses):
            if _is_market(use):
                if place + 1 < len(row.uses) and place + 1 not in let:
                    raise _Wrong("use", "the market twice in a row", "name it once, or give each tier a row of its own")
                begins = int(self.table.at[let[place - 1], "to_month"]) if place else row.month
                ends = int(self.table.at[let[place + 1], "from_month"]) if place + 1 in let else end
                parts += self._sold(row, use, begins, ends)
        return parts

    def _let(self, row: _Row, use: str, at: int, end: int) -> int:
        """The first way to serve a lease from a month on; of its tiers the one named, else the first."""
        name, tier = self._lease_and_tier(use)
        rows = self._contracts("serve", row, name)
        rows = rows[rows["gpu_id"] == row.gpu_id]
        if tier:
            rows = rows[rows["tier"].astype(str) == tier]
        rows = rows[
            (rows["phase"] == row.path[0]) & (rows["then_phase"] == row.path[1]) & (rows["from_month"] >= at)
            & (rows["to_month"] <= end)
        ]
        if rows.empty:
            raise _Wrong(
                "use", f"{row.gpu_id} at {row.site_id} cannot serve {use} on that path from {self._written(at)} on",
                self._ways("serve", row, name),
            )
        return int(rows.sort_values(["from_month", "tier"], kind="stable").index[0])

    def _lease_and_tier(self, use: str) -> tuple[str, str]:
        """LEASE or LEASE/TIER; the name of a lease may hold a stroke itself."""
        name, stroke, tier = use.rpartition("/")
        return (name, tier) if stroke and use not in self.leases.index else (use, "")

    def _hosted(self, row: _Row, portfolio: _Portfolio) -> None:
        if len(row.uses) != 1:
            raise _Wrong("use", "a hosted hall has one lease", "give each lease a row of its own")
        rows = self._contracts("host", row, row.uses[0])
        rows = rows[(rows["phase"] == row.path[0]) & (rows["then_phase"] == row.path[1])]
        here = rows.index[rows["from_month"] == row.month]
        if not len(here):
            raise _Wrong(
                "start", f"{row.uses[0]} cannot begin at {row.site_id} on that path in that month",
                self._ways("host", row, row.uses[0]),
            )
        portfolio.levels[here[0]] += row.level

    def _contracts(self, kind: str, row: _Row, lease_id: str) -> pd.DataFrame:
        if lease_id not in self.leases.index:
            raise _Wrong(
                "use", f"the case has no lease {lease_id!r}",
                remedy_for(lease_id, [*self.leases.index, MARKET, HALL, POWER]),
            )
        rows = self._of(kind)
        return rows[(rows["lease_id"] == lease_id) & (rows["site_id"] == row.site_id)]

    def _sold(self, row: _Row, use: str, at: int, end: int) -> list[int]:
        """On-demand windows from a month on, each on the phase that feeds it: the first until the second is
        energised."""
        rows = self._of("sell")
        rows = rows[(rows["site_id"] == row.site_id) & (rows["gpu_id"] == row.gpu_id)]
        tier = use.partition("/")[2] or (str(rows["tier"].min()) if len(rows) else "")
        second = rows["from_month"] >= self.energised[row.path[1]] if row.path[1] else np.zeros(len(rows), dtype=bool)
        feeding = np.where(second, row.path[1], row.path[0])
        rows = rows[
            (rows["phase"] == feeding) & (rows["tier"].astype(str) == tier) & (rows["from_month"] >= at)
            & (rows["to_month"] <= end)
        ]
        if rows.empty:
            raise _Wrong(
                "use", f"{row.gpu_id} at {row.site_id} has no {use} on that path from {self._written(at)} on",
                "choose a SKU with a market, a path with power, or an earlier start",
            )
        return [int(number) for number in rows.index]

    def _of(self, kind: str) -> pd.DataFrame:
        return self.kinds.get(kind, self.table.iloc[:0])

    def _written(self, month: int) -> str:
        return self.candidates.outlook.calendar.written(month)

    def _months(self, rows: pd.DataFrame) -> str:
        months = sorted(set(rows["from_month"]))
        return (
            f"choose one of {', '.join(map(self._written, months[:8]))}{', ...' if len(months) > 8 else ''}" if months
            else "choose another site or SKU"
        )

    def _ways(self, kind: str, row: _Row, lease_id: str) -> str:
        rows = self._contracts(kind, row, lease_id)
        rows = rows[rows["gpu_id"] == row.gpu_id]
        ways = dict.fromkeys(_ways_written(rows, self._written))
        return (
            f"choose one of {'; '.join(list(ways)[:4])}" if ways
            else "choose another site or SKU: none of its paths can"
        )


def _is_market(use: str) -> bool:
    return use.partition("/")[0] == MARKET


def _ways_written(rows: pd.DataFrame, written: object) -> Iterator[str]:
    assert callable(written)
    for row in rows.itertuples():
        yield (
            f"{row.phase}{f' until {row.then_phase}' if row.then_phase else ''} from {written(row.from_month)} to "
            f"{written(row.to_month - 1)}"
        )



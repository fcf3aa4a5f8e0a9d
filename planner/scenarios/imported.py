"""Paths and weights imported from elsewhere: a long table by factor, scenario and month, as Parquet or CSV."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from planner.case.calendar import Calendar
from planner.case.case import Case
from planner.case.written_dates import month_number
from planner.errors import CaseError, PlannerError
from planner.scenarios.imported_faults import WEIGHT, moving_factors, table_faults
from planner.scenarios.imported_table import imported_table

Floats = npt.NDArray[np.float64]

COLUMNS = ("factor_id", "scenario", "month", "value")


@dataclass(frozen=True)
class Imported:
    """Scenarios from elsewhere: names, weights (S,) that add to 1, multipliers by factor (S, M), what happens once by
    name (S,)."""

    names: tuple[str, ...]
    weights: Floats
    paths: dict[str, Floats]
    once: dict[str, Floats]

    def __len__(self) -> int:
        return len(self.names)

    @property
    def factors(self) -> frozenset[str]:
        """All that is imported."""
        return frozenset(self.paths) | frozenset(self.once)

    def piece(self, scenarios: slice) -> Imported:
        """Some of the scenarios."""
        return Imported(
            self.names[scenarios],
            self.weights[scenarios],
            {name: path[scenarios] for name, path in self.paths.items()},
            {name: value[scenarios] for name, value in self.once.items()},
        )


def read_imported(path: str | Path, case: Case, calendar: Calendar) -> Imported:
    """The paths in a file: columns factor_id, scenario, month, value and, if scenarios differ in it, weight.

    A factor of the case that moves by month: value multiplies its forward curve from that month (YYYY-MM) until the
    next one given, and the last goes on; it is taken as it stands, whatever its mean. What happens once has one row per
    scenario without a month: delay[SOURCE:PHASE] in whole months late, default[CUSTOMER] in whole months after the
    start (blank: never), renewal[LEASE] and offer[LEASE] as 1 or 0; a factor of late halls or deliveries in whole
    months (early below 0), one of capex as what is paid of the capex planned; one of an offered size, or
    offered_size[LEASE] where no factor drives it, as the share of the lease that is offered, above 1 as the whole.
    Every factor has every scenario; weights are scaled to add to 1.

    Raises CaseError with all faults of the table, PlannerError when the file cannot be read.
    """
    table = _table(Path(path))
    faults = list(table_faults(table, Path(path).name, case, calendar))
    if faults:
        raise CaseError(faults)
    scenarios = list(dict.fromkeys(table.scenario))
    weights = table.drop_duplicates("scenario").set_index("scenario")[WEIGHT].loc[scenarios].to_numpy(np.float64)
    moving = set(moving_factors(case))
    paths, once = {}, {}
    for name, rows in table.groupby("factor_id", sort=False):
        if name in moving:
            at = rows.month.map(lambda written: month_number(written) - calendar.start_number)
            paths[str(name)] = _by_month(rows.assign(at=at), scenarios, calendar.months)
        else:
            value = rows.set_index("scenario").value.loc[scenarios].to_numpy(np.float64)
            once[str(name)] = np.where(np.isnan(value), float(calendar.months), value)
    return Imported(tuple(scenarios), weights / weights.sum(), paths, once)


def _by_month(rows: pd.DataFrame, scenarios: list[str], months: int) -> Floats:
    """Values by scenario and month, each held until the next, shape (S, M)."""
    wide = rows.pivot(index="at", columns="scenario", values="value")[scenarios].sort_index().ffill()
    found = wide.reindex(range(min(int(wide.index.min()), 0), months)).ffill()
    return np.ascontiguousarray(found.loc[0:].to_numpy(np.float64).T)


def _table(path: Path) -> pd.DataFrame:
    """The table as text, but for numbers in value and weight; blank values are NaN."""
    table = imported_table(path, "paths and weights")
    missing = [column for column in COLUMNS if column not in table]
    unknown = [column for column in table if column not in (*COLUMNS, WEIGHT)]
    if missing or unknown or table.columns.duplicated().any():
        said = (
            f"lacks {', '.join(missing)}" if missing else f"has {', '.join(map(str, unknown))}" if unknown
            else "names a column twice"
        )
        raise PlannerError(f"{path}: the table {said}; its columns are {', '.join(COLUMNS)} and, if you like, {WEIGHT}")
    if table.empty:
        raise PlannerError(f"{path}: the table has no rows; bring at least one scenario")
    text = {
        column: table[column].map(lambda cell: "" if pd.isna(cell) else str(cell).strip())
        for column in ("factor_id", "scenario", "month")
    }
    numbers = {column: table[column] for column in ("value", WEIGHT) if column in table}
    return pd.DataFrame(text).assign(
        **{column: _numbers(cells) for column, cells in numbers.items()}
    ).assign(**({} if WEIGHT in table else {WEIGHT: 1.0}))


def _numbers(cells: pd.Series) -> pd.Series:
    """Numbers as float64; blanks are NaN, text that is no number is infinite, so that it is refused."""
    text = cells.map(lambda cell: "" if pd.isna(cell) else str(cell).strip())
    numbers = pd.to_numeric(text, errors="coerce").astype(np.float64)
    return numbers.where(~numbers.isna() | (text == ""), np.inf)

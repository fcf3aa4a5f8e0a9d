"""Paths and weights imported from elsewhere: a long table by factor, scenario and month, as Parquet or CSV."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from planner.case.calendar import Calendar
from planner.case.case import Case
from planner.case.factor_names import OFFERED_SIZE, ONCE, OVERRUN, SLIPS, once_names
from planner.case.offered_sizes import size_names
from planner.case.reading.frames import FIRST_ROW
from planner.case.written_dates import month_number
from planner.did_you_mean import remedy_for
from planner.errors import CaseError, Fault, PlannerError
from planner.scenarios.factors import table_factors
from planner.scenarios.imported_table import imported_table

Floats = npt.NDArray[np.float64]

COLUMNS = ("factor_id", "scenario", "month", "value")
GREATEST = 1e9
"""Multipliers and weights beyond it are slips of a decimal point, and sums of them overflow."""
WEIGHT = "weight"
"""A column that may be left out: then all scenarios weigh the same."""


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
    faults = list(_faults(table, Path(path).name, case, calendar))
    if faults:
        raise CaseError(faults)
    scenarios = list(dict.fromkeys(table.scenario))
    weights = table.drop_duplicates("scenario").set_index("scenario")[WEIGHT].loc[scenarios].to_numpy(np.float64)
    moving = set(_moving(case))
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


def _moving(case: Case) -> list[str]:
    return [factor.name for factor in table_factors(case) if not factor.single]


def _single(case: Case, *words: str) -> list[str]:
    """Factors drawn once for a future that drive some words."""
    return [factor.name for factor in table_factors(case) if factor.target.word in words]


def _faults(table: pd.DataFrame, file: str, case: Case, calendar: Calendar) -> Iterator[Fault]:
    """Each thing that is wrong with the table, at its first row, with how many more rows it is wrong in."""

    def fault(mask: pd.Series, column: str, why: str, remedy: str) -> Iterator[Fault]:
        rows = np.flatnonzero(mask.to_numpy(dtype=bool))
        if len(rows):
            more = f" (and so in {len(rows) - 1} more rows)" if len(rows) > 1 else ""
            yield Fault(file, int(rows[0]) + FIRST_ROW, column, str(table[column].iloc[rows[0]]), why + more, remedy)

    moving = table.factor_id.isin(_moving(case))
    words = {word: table.factor_id.isin(once_names(case.tables, word)) for word in ONCE}
    slips, paid = (table.factor_id.isin(_single(case, *chosen)) for chosen in (tuple(SLIPS), (OVERRUN,)))
    undriven = size_names(case.tables)
    sizes = table.factor_id.isin([*_single(case, OFFERED_SIZE), *undriven])
    happens = words["renewal"] | words["offer"]
    known = moving | words["delay"] | words["default"] | happens | slips | paid | sizes
    names = [
        *(factor.name for factor in table_factors(case)),
        *(name for word in ONCE for name in once_names(case.tables, word)),
        *undriven,
    ]
    first = table.factor_id[~known]
    yield from fault(
        ~known, "factor_id", "the case has no such factor", remedy_for(first.iloc[0] if len(first) else "", names)
    )
    yield from fault(table.scenario == "", "scenario", "blank", "name or number the scenario")
    written = table.month.str.fullmatch(r"\d{4}-(0[1-9]|1[0-2])")
    yield from fault(moving & ~written, "month", "not a month", "write it as YYYY-MM")
    yield from fault(
        known & ~moving & (table.month != ""), "month", "this happens once, so it has no month", "leave the month blank"
    )
    whole = (table.value % 1.0 == 0.0) & (table.value.abs() <= GREATEST)
    good = (
        (moving & (table.value <= GREATEST) & (table.value >= 0.0))
        | (words["delay"] & whole & (table.value >= 0.0))
        | (words["default"] & ((whole & (table.value >= 0.0)) | table.value.isna()))
        | (happens & table.value.isin([0.0, 1.0]))
        | (slips & whole)
        | ((paid | sizes) & (table.value <= GREATEST) & (table.value >= 0.0))
    )
    yield from fault(
        known & ~good, "value", "not a value of this factor",
        "give a multiplier of 0 or more, whole months late, whole months to the default (blank: never), 1 or 0 for a "
        "renewal or an offer, or a share of 0 or more of the capex or of the lease",
    )
    repeated = table.duplicated(["factor_id", "scenario", "month"])
    yield from fault(
        repeated, "scenario", "this factor, scenario and month stand above already", "keep one of the rows"
    )
    yield from fault(
        ~((table.weight <= GREATEST) & (table.weight >= 0.0)), WEIGHT, "not a weight", "give a number of 0 or more"
    )
    differs = table.weight != table.groupby("scenario").weight.transform("first")
    yield from fault(
        differs & np.isfinite(table.weight), WEIGHT, "another weight than this scenario has above",
        "give a scenario one weight",
    )
    if not table.drop_duplicates("scenario").weight.sum() > 0.0:
        yield Fault(file, None, WEIGHT, "", "no scenario has a weight above 0", "give weights, or leave the column out")
    scenarios = set(table.scenario)
    for name, rows in table.groupby("factor_id", sort=False):
        lacking = scenarios - set(rows.scenario)
        if lacking:
            yield Fault(
                file, None, "scenario", min(lacking),
                f"{name} has no row for this scenario" + (f" and {len(lacking) - 1} more" if len(lacking) > 1 else ""),
                "every factor needs every scenario",
            )
    dated = table[moving & written]
    for name, rows in dated.groupby("factor_id", sort=False):
        begins = rows.groupby("scenario", sort=False).month.min()
        late = begins[begins > calendar.start]
        if len(late):
            yield Fault(
                file, None, "month", late.iloc[0],
                f"{name} in scenario {late.index[0]} begins after the start {calendar.start}",
                "add a row for the start or before",
            )

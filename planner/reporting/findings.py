"""What a report is made from: the files of a run with the case that it planned, or a plan in memory."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from kernels.lines import UNLEVERED, Line
from planner.arrays import Floats
from planner.case.calendar import Calendar
from planner.case.case import Case
from planner.case.written_dates import month_number, written_month
from planner.errors import PlannerError
from planner.reporting.amounts import line_words
from planner.run_folder import TABLES, plan_summary, run_record
from planner.storage.own_tables import read_own_table
from planner.storage.run_case import case_of_run
from planner.storage.seals import refuse_changed, sealed_record

if TYPE_CHECKING:
    from planner.planning.plan import Plan

_TEXT = (
    "site_id", "gpu_id", "lease_id", "tranche", "customer_id", "phase", "power_path", "kind", "use", "rate_unit",
    "from", "to", "decide_by", "promised",
    "energised", "period", "line", "candidate_id", "unit", "what", "family", "name", "question", "resource", "pay_unit",
    "decisions", "decision",
    "then_phase", "of",
)
_AGAIN = "plan again"
FIRST_TAIL_MARK = "+12"
"""How the label of a year after the horizon ends."""
CANDIDATE_COLUMNS = (
    "candidate_id", "kind", "site_id", "gpu_id", "lease_id", "phase", "unit", "from_month", "to_month", "level"
)


@dataclass(frozen=True)
class Proof:
    """Who solved it, to which gap, and whether 0/1 decisions were relaxed."""

    solver: str
    gap_asked: float
    relaxed: bool


@dataclass(frozen=True)
class Findings:
    """A run: `summary` as in plan.json, `record` as in run.json, its tables by name, and the case as it was planned.

    `held` are the candidates with a level above zero: CANDIDATE_COLUMNS. Tables are empty where there is no plan.
    """

    case: Case
    summary: Mapping[str, Any]
    record: Mapping[str, Any]
    tables: Mapping[str, pd.DataFrame]
    held: pd.DataFrame
    name: str
    proof: Proof
    written: dt.datetime | None = None
    """When its files were written; None for a plan in memory."""

    @property
    def has_plan(self) -> bool:
        """Whether the run found levels."""
        return self.summary.get("npv_usd") is not None

    @cached_property
    def calendar(self) -> Calendar:
        """The months of the horizon."""
        return Calendar(self.case.settings.start, self.case.settings.months)

    @cached_property
    def periods(self) -> pd.DataFrame:
        """The columns of the statement in order: period (label), month (index of its first), months (1 or 12),
        discount."""
        found = self.tables["cashflow"][["period", "month"]].drop_duplicates("month").sort_values("month")
        settings = self.case.settings
        horizon = pd.DataFrame(
            {
                "period": [self.calendar.written(month) for month in range(settings.months)],
                "month": range(settings.months),
            }
        )
        after = found[found["month"] >= settings.months]
        last = int(after["month"].max()) if len(after) else None
        years = [] if last is None else list(range(settings.months, last + 1, 12))
        tail = pd.DataFrame(
            {
                "period": [written_month(self.calendar.start_number + month) + FIRST_TAIL_MARK for month in years],
                "month": years,
            }
        )
        whole = pd.concat([horizon, tail], ignore_index=True) if years else horizon
        length = np.where(whole["month"] >= settings.months, 12, 1)
        middle = whole["month"] + np.where(length == 12, 6.0, 0.5)
        return whole.assign(months=length, discount=(1.0 + settings.discount_rate) ** -(middle / 12.0))

    @cached_property
    def cash_by_line(self) -> pd.DataFrame:
        """Dollars by line (rows, in the order of `Line`, all of them) and period (columns)."""
        wide = self.tables["cashflow"].pivot_table(index="line", columns="period", values="usd", aggfunc="sum")
        return wide.reindex(index=[line.name.lower() for line in Line], columns=self.periods["period"]).fillna(0.0)

    @cached_property
    def net_usd(self) -> Floats:
        """Unlevered after-tax cash by period."""
        return np.asarray(
            self.cash_by_line.loc[[line.name.lower() for line in UNLEVERED]].sum(axis=0), dtype=np.float64
        )

    @cached_property
    def present_value_by_line(self) -> pd.Series:
        """Discounted dollars of each unlevered line; they add to the NPV."""
        lines = self.cash_by_line.loc[[line.name.lower() for line in UNLEVERED]]
        return lines @ self.periods["discount"].to_numpy()

    def line_words(self, line: str) -> str:
        """A line of the statement in words, as its amounts at the sites are: penalties paid, or damages received."""
        cash = self.tables["cashflow"]
        return line_words(line, cash.loc[cash["line"] == line, "usd"])

    @cached_property
    def windows(self) -> pd.DataFrame:
        """The allocation with its months as indices: from_month and to_month, the month after the last."""
        return self.dated(self.tables["allocation"])

    def dated(self, allocation: pd.DataFrame) -> pd.DataFrame:
        """An allocation of the case with its months as indices, as `windows` has them."""
        first = allocation["from"].map(self.index).astype("int64")
        return allocation.assign(from_month=first, to_month=allocation["to"].map(self.index).astype("int64") + 1)

    @cached_property
    def leases(self) -> pd.DataFrame:
        """The leases of the case."""
        return self.case.tables["leases"]

    def index(self, written: str) -> int:
        """Index of a month written YYYY-MM."""
        return month_number(written) - self.calendar.start_number

    def month(self, index: int) -> str:
        """The month of an index as YYYY-MM."""
        return self.calendar.written(index)


def findings_of_run(run: Path, case: Path | None = None) -> Findings:
    """Read a run's folder and the case that it planned, by default from where the run says it was read.

    Raises PlannerError for a folder that is no run of `planner plan`, and for a case that is not the one it planned.
    """
    record = _record(run)
    if record.get("command") != "plan":
        raise PlannerError(
            f"{run} was written by planner {record.get('command', '?')}, not by planner plan; give the folder of a plan"
        )
    for name in ("plan.json", "candidates.parquet", *(f"{table}.csv" for table in TABLES)):
        if not (run / name).is_file():
            raise PlannerError(f"{run / name} is missing from the run; {_AGAIN}")
        refuse_changed(run / name, record, remedy=_AGAIN)
    summary = json.loads((run / "plan.json").read_text(encoding="utf-8"))
    planned = case_of_run(run, record, case)
    tables = {
        name: read_own_table(run / f"{name}.csv", is_number=lambda column: column not in _TEXT) for name in TABLES
    }
    written = dt.datetime.fromtimestamp((run / "run.json").stat().st_mtime).astimezone()
    proof = Proof(str(record["solver"]), float(record["gap_asked"]), bool(record["options"]["relax"]))
    return Findings(planned, summary, record, tables, _held(run / "candidates.parquet"), run.name, proof, written)


def findings_of_plan(plan: Plan) -> Findings:
    """A plan as a report reads it."""
    levels = np.zeros(len(plan.candidates)) if plan.levels is None else plan.levels
    held = plan.candidates.table.assign(level=levels).loc[levels > 0.0, list(CANDIDATE_COLUMNS)]
    tables = _Made({name: partial(getattr, plan, name) for name in TABLES})
    record = _Later(lambda: run_record(plan, "cpu"))
    solver = plan.options.solver
    proof = Proof(plan.allocation_result.solver, solver.gap, solver.relax)
    return Findings(
        plan.case, plan_summary(plan), record, tables, held.reset_index(drop=True), plan.case.settings.name, proof
    )


class _Later(Mapping[str, Any]):
    """A mapping made when it is first read."""

    def __init__(self, maker: Callable[[], Mapping[str, Any]]) -> None:
        self._maker, self._made = maker, dict[str, Any]()

    def _whole(self) -> Mapping[str, Any]:
        if not self._made:
            self._made = dict(self._maker())
        return self._made

    def __getitem__(self, name: str) -> Any:
        return self._whole()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._whole())

    def __len__(self) -> int:
        return len(self._whole())


class _Made(Mapping[str, Any]):
    """Values made when they are first asked for: prices take time that a picture of the plan should not."""

    def __init__(self, makers: Mapping[str, Callable[[], Any]]) -> None:
        self._makers, self._made = makers, dict[str, Any]()

    def __getitem__(self, name: str) -> Any:
        if name not in self._made:
            self._made[name] = self._makers[name]()
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._makers)

    def __len__(self) -> int:
        return len(self._makers)


def _record(run: Path) -> dict[str, Any]:
    path = run / "run.json"
    if not path.is_file():
        raise PlannerError(f"{run} is not a run: it has no {path.name}; make one with planner plan CASE --out {run}")
    return sealed_record(path, remedy=_AGAIN)


def _held(path: Path) -> pd.DataFrame:
    return pd.read_parquet(path, columns=list(CANDIDATE_COLUMNS), filters=[("level", ">", 0.0)]).reset_index(drop=True)

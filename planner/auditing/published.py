"""What a run published and the case it stood on, as plain rows: all that the second set of books may know."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from planner.auditing.months import Months, month_number
from planner.case.case import Case
from planner.errors import PlannerError
from planner.storage.seals import refuse_changed, sealed_record

Row = dict[str, Any]
_AGAIN = "plan again with this version"
_NUMBERS = {
    "portfolio": ("level", "npv_usd", "tier", "interruptible"),
    "allocation": ("tier", "gpus", "it_mw", "npv_usd", "income_pv_usd"),
    "power": ("contracted_mw", "ended_early_mw", "peak_use_mw"),
    "cashflow": ("month", "usd"),
}


@dataclass(frozen=True)
class Holding:
    """A row of portfolio.csv: what is held, how much of it, where, and from which month until before which."""

    name: str
    kind: str
    level: float
    site: str
    gpu: str
    lease: str
    phase: str
    then: str
    interruptible: bool
    tier: int
    start: int
    end: int
    of: str
    unit: str
    tranche: str = ""

    @property
    def tail_of_name(self) -> str:
        """What follows the last colon of its name: for halls their kind and month."""
        return self.name.rpartition(":")[2]


@dataclass(frozen=True)
class Published:
    """A run's tables and settings beside the rows of its case."""

    case: dict[str, list[Row]]
    settings: Any
    months: Months
    base: str
    tail: str
    proven: bool
    gap_asked: float
    holdings: tuple[Holding, ...]
    allocation: list[Row]
    power: list[Row]
    cashflow: list[Row]
    summary: dict[str, Any]

    def held(self, *kinds: str) -> Iterator[Holding]:
        """Holdings of some kinds, in the order of the portfolio."""
        return (holding for holding in self.holdings if holding.kind in kinds)

    def row(self, table: str, **key: Any) -> Row:
        """The row of a table of the case with these values; raises PlannerError when there is none."""
        for row in self.case[table]:
            if all(row[name] == value for name, value in key.items()):
                return row
        named = ", ".join(f"{name} {value}" for name, value in key.items())
        raise PlannerError(
            f"the run holds something of {named}, of which {table} of the case has no row; give the case that was "
            "planned with --case"
        )

    def phase(self, written: str) -> Row:
        """The row of power of a phase written source:phase; neither name may hold a colon."""
        source, _, phase = written.partition(":")
        return self.row("power", source_id=source, phase=phase)


def read_run(folder: Path, case: Case) -> Published:
    """The tables of a run beside the rows of its case; raises PlannerError for what is no such run."""
    record = read_record(folder)
    tables = {name: _rows(folder / f"{name}.csv", numbers) for name, numbers in _NUMBERS.items()}
    options, settings = record["options"], case.settings
    months = Months(month_number(settings.start), settings.months)
    summary = json.loads((folder / "plan.json").read_text(encoding="utf-8"))
    return Published(
        case={name: plain_rows(frame) for name, frame in case.tables.items()},
        settings=settings, months=months, base=options["base"], tail=options["tail"],
        proven=record["status"] == "optimal" and "risk_weight" not in summary and not options["relax"],
        gap_asked=float(record["gap_asked"]),
        holdings=tuple(_holding(row, months) for row in tables["portfolio"]),
        allocation=tables["allocation"], power=tables["power"], cashflow=tables["cashflow"], summary=summary,
    )


def read_record(folder: Path) -> dict[str, Any]:
    """run.json of a plan; raises PlannerError when the folder holds none, or a table that is not as it was written."""
    path = folder / "run.json"
    if not path.is_file():
        raise PlannerError(f"{folder} is not a run: it has no run.json; make one with planner plan CASE --out {folder}")
    record = sealed_record(path, remedy=_AGAIN)
    if record.get("command") != "plan":
        raise PlannerError(
            f"{folder} was written by planner {record.get('command', '?')}, not by planner plan; give the folder of a "
            "plan"
        )
    for name in (*(f"{table}.csv" for table in _NUMBERS), "plan.json"):
        refuse_changed(folder / name, record, remedy=_AGAIN)
    return record


def plain_rows(frame: Any) -> list[Row]:
    """Rows of a typed table of the case, None where a cell is blank."""
    names = list(frame.columns)
    columns = [
        [
            None if missing else value
            for value, missing in zip(frame[name].tolist(), frame[name].isna().tolist(), strict=True)
        ]
        for name in names
    ]
    return [dict(zip(names, cells, strict=True)) for cells in zip(*columns, strict=True)]


def _rows(path: Path, numbers: tuple[str, ...]) -> list[Row]:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows: list[Row] = list(csv.DictReader(file))
        for row in rows:
            for name in numbers:
                row[name] = float(row[name])
    except (OSError, KeyError, ValueError) as error:
        raise PlannerError(f"{path} cannot be read ({type(error).__name__}: {error}); {_AGAIN}") from None
    return rows


def _holding(row: Row, months: Months) -> Holding:
    try:
        return Holding(
            row["candidate_id"], row["kind"], row["level"], row["site_id"], row["gpu_id"], row["lease_id"],
            row["phase"], row["then_phase"], bool(row["interruptible"]),
            int(row["tier"]), months.index(row["from"]), months.index(row["to"]) + 1, row["of"], row["unit"],
            row["tranche"],
        )
    except KeyError as error:
        raise PlannerError(f"portfolio.csv of the run has no column {error}; {_AGAIN}") from None

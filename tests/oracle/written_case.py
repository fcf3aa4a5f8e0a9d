"""Cases written as rows in a test: blank cells take their defaults, and what is wrong raises as it would in a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from planner.case.case import Case
from planner.case.checking.validate import validate
from planner.case.reading.frames import empty_frame, typed_table
from planner.case.reading.given import Given
from planner.case.reading.raw import RawTable
from planner.case.settings import Settings
from planner.case.tables import TABLES
from planner.errors import CaseError

Row = Mapping[str, Any]


def written_case(settings: Settings, **rows: Sequence[Row]) -> Case:
    """A checked case of the given rows by table; raises CaseError with every fault."""
    typed = {name: typed_table(TABLES[name], _raw(name, given)) for name, given in rows.items() if given}
    tables = {name: typed[name].frame if name in typed else empty_frame(TABLES[name]) for name in TABLES}
    faults = [fault for table in typed.values() for fault in table.faults]
    faults += validate(Given(settings, tables, {name: f"{name}.csv" for name in TABLES}))
    if faults:
        raise CaseError(faults)
    return Case(settings, tables)


def _raw(name: str, rows: Sequence[Row]) -> RawTable:
    header = tuple(dict.fromkeys(column for row in rows for column in row))
    cells = tuple(tuple(_written(row.get(column)) for column in header) for row in rows)
    return RawTable(name, f"{name}.csv", header, cells)


def _written(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return repr(float(value)) if isinstance(value, float) else str(value)

"""Inquiries from a CSV file, read as strictly as a case is."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from planner.case.reading.folder import read_table
from planner.case.reading.frames import FIRST_ROW, typed_table
from planner.case.schema import SOURCE, ColumnType, Table, flag, number, text
from planner.case.tables import LEASES
from planner.errors import CaseError, Fault, PlannerError
from planner.quoting.inquiry import LEASE_COLUMNS, Inquiry

INQUIRIES = Table(
    "inquiries",
    "Leases asked for, with everything but their rate.",
    "an inquiry",
    ("name",),
    (
        text("name", "short name", required=True),
        text(
            "gpu", "SKUs that may serve it, the first the unit: gb300, or gb300; b200=1.1 with GPUs per unit",
            default="",
        ),
        number("gpus", "GPUs", "size of a GPU inquiry", blank="a hosting inquiry"),
        number("mw", "MW of critical IT", "size of a hosting inquiry", blank="a GPU inquiry"),
        text("customer", "a customer of the case", default="", blank="one that never defaults"),
        flag("all_or_nothing", "taken whole or not at all"),
        *(LEASES.column(name) for name in LEASE_COLUMNS),
        SOURCE,
    ),
)
"""Columns of a file of inquiries; those of a lease have the names, units and defaults of the table `leases`."""


def read_inquiries(path: str | Path) -> list[Inquiry]:
    """The inquiries of a CSV file in their order; raises CaseError with every fault found."""
    raw = read_table("inquiries", Path(path))
    typed = typed_table(INQUIRIES, raw)
    faults = list(typed.faults)
    found = []
    for line, row in enumerate(typed.frame.to_dict("records")):
        if any(place == line for place, _ in typed.refused):
            continue
        try:
            cells = {name: _plain(name, row[name]) for name in INQUIRIES.column_names if name != SOURCE.name}
            found.append(Inquiry(**cells))  # type: ignore[arg-type]
        except PlannerError as error:
            why, _, remedy = str(error).partition("; ")
            faults.append(
                Fault(
                    raw.file, line + FIRST_ROW, None, str(row["name"]), why.partition(": ")[2] or why,
                    remedy or "correct the row",
                )
            )
    if faults or not found:
        raise CaseError(faults or [Fault(raw.file, None, None, "", "the file holds no inquiry", "add a row for each")])
    return found


def _plain(name: str, value: object) -> object:
    """A typed cell as a plain value; None for a blank one."""
    if value is None or value is pd.NA or (isinstance(value, float) and value != value):
        return None
    if INQUIRIES.column(name).type is ColumnType.WHOLE:
        return int(value)  # type: ignore[call-overload]
    return value

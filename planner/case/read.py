"""Reading a case: the one solver through which a folder or a workbook becomes a checked Case."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from planner.case.case import Case
from planner.case.checking.validate import check
from planner.case.content_hash import content_hash
from planner.case.edits import apply_edits, check_stresses
from planner.case.reading.folder import SETTINGS_FILE, read_folder
from planner.case.reading.frames import TypedTable, empty_frame, typed_table
from planner.case.reading.given import Given
from planner.case.reading.raw import RawCase
from planner.case.reading.settings_file import read_settings
from planner.case.reading.workbook import read_workbook
from planner.case.tables import TABLES
from planner.errors import CaseError, Fault, PlannerError


def read_case(path: str | Path, edits: Sequence[str] = ()) -> Case:
    """The case in a folder (`case.toml` and CSV files) or an .xlsx workbook, with edits applied.

    Nothing is guessed: the case comes back only if every cell reads as a careful person would read
    it. Raises CaseError with every fault found, each with file, row, column, value, reason and remedy.

    >>> import planner
    >>> planner.read("fixtures/tiny", ["case.months=24"])
    <Case 'Tiny' of 24 months from 2025-01: 1 in sites, 2 in power, 1 in gpus, 2 in leases>
    """
    raw = _read_raw(Path(path))
    settings, faults = read_settings(raw)
    faults = [*raw.faults, *faults]
    typed = {name: typed_table(TABLES[name], table) for name, table in raw.tables.items()}
    for table in typed.values():
        faults += table.faults
    given = Given(
        settings=settings,
        tables={name: _frame(typed, name) for name in TABLES},
        files={name: typed[name].file if name in typed else f"{name}.csv" for name in TABLES},
        refused={name: table.refused for name, table in typed.items()},
        missing={name: table.missing for name, table in typed.items()},
        unread=raw.unread,
        doubtful={name: table.doubtful for name, table in typed.items()},
    )
    checked = check(given)
    faults += checked.faults
    if settings is None or faults:
        raise CaseError(dict.fromkeys(faults))
    tables = dict(given.tables)
    case = Case(settings, tables, source=str(path), source_hash=content_hash(settings, tables), checked=checked)
    check_stresses(case)
    return apply_edits(case, edits) if edits else case


def as_case(given: Case | str | Path) -> Case:
    """A case, or the case at a path; raises PlannerError for anything else."""
    if isinstance(given, Case):
        return given
    if isinstance(given, (str, Path)):
        return read_case(given)
    raise PlannerError(f"{type(given).__name__} is no case; give a case, or the path of a folder or workbook")


def _read_raw(path: Path) -> RawCase:
    if path.is_dir():
        return read_folder(path)
    if not path.exists():
        raise _refused(
            path, "there is no such folder or workbook", "check the path; `planner new` writes a starting case"
        )
    if path.suffix.lower() == ".xlsx":
        return read_workbook(path)
    if path.name == SETTINGS_FILE or path.suffix.lower() == ".csv":
        raise _refused(path, "one file of a case, not a case", f"give the folder: {path.parent}")
    raise _refused(
        path, "neither a folder nor an .xlsx workbook", "give a folder with case.toml, or save the workbook as .xlsx"
    )


def _refused(path: Path, why: str, remedy: str) -> CaseError:
    return CaseError([Fault(str(path), None, None, "", why, remedy)])


def _frame(typed: dict[str, TypedTable], name: str) -> pd.DataFrame:
    return typed[name].frame if name in typed else empty_frame(TABLES[name])

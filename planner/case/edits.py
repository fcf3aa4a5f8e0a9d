"""Changes to a checked case: single cells, whole columns, settings and named stresses, checked anew afterwards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from planner.case.case import Case
from planner.case.checking.validate import check
from planner.case.content_hash import content_hash
from planner.case.edit_grammar import Edit, Operation, parse_change, parse_edit
from planner.case.reading.cells import CellRefused, Parsed, parse_text
from planner.case.reading.frames import FIRST_ROW, series
from planner.case.reading.given import Given, shown
from planner.case.reading.settings_file import flat_settings, out_of_range, setting_columns, settings_from
from planner.case.schema import Column, ColumnType, Table
from planner.case.table_arrays import TableArrays
from planner.case.tables import TABLES
from planner.case.written_dates import month_number, quarter_number, written_month, written_quarter
from planner.did_you_mean import remedy_for
from planner.errors import CaseError, Fault

SETTINGS_TABLE = "case"
_COUNTED = (ColumnType.NUMBER, ColumnType.WHOLE, ColumnType.MONTH, ColumnType.QUARTER)


class _EditRefused(Exception):
    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        super().__init__(str(fault))


def apply_edits(case: Case, edits: Sequence[str]) -> Case:
    """The case after the edits, applied in order and checked once at the end.

    `table.column[id]=value` sets, `*=` multiplies, `+=` adds (months to dates). `[id]` is the key of
    a row, its parts joined by `:`; leading parts alone address all rows that begin so
    (`curves.value[henry_hub]`: all its months); `[column=value]` selects by another column, no
    brackets all rows; `case.discount_rate=0.12` is a setting. Under `*=` and `+=` blank cells stay
    blank, whole numbers are rounded to the nearest, and phases of power that are energised already
    keep their month. Raises CaseError for an edit that names
    nothing, would change no cell, or leaves a case that does not hold together.
    """
    return _hashed(_changed(case, [parse_edit(written) for written in edits]))


def apply_stress(case: Case, name: str) -> Case:
    """The case with every row of `stresses` called `name` applied; raises CaseError as `apply_edits` does."""
    return _hashed(_changed(case, stress_edits(case, name)))


def changed_case(case: Case, edits: Sequence[str], stress: str | None) -> Case:
    """The case under a named stress and with edits applied."""
    stressed = case if stress is None else apply_stress(case, stress)
    return apply_edits(stressed, list(edits)) if edits else stressed


def stress_edits(case: Case, name: str) -> list[Edit]:
    """The edits that a named stress consists of; raises CaseError when there is no such stress."""
    stresses = case.tables["stresses"]
    names = list(dict.fromkeys(stresses.stress))
    if name not in names:
        remedy = remedy_for(name, names, none_known="the case has no table of stresses")
        raise CaseError([Fault("stress", None, None, name, "the case has no such stress", remedy)])
    file = file_of(case, "stresses")
    return [
        parse_change(target, Operation(change), value, file=file, row=line + FIRST_ROW)
        for line, (stress, target, change, value) in enumerate(
            zip(stresses.stress, stresses.target, stresses.change, stresses.value, strict=True)
        )
        if stress == name
    ]


def check_stresses(case: Case) -> None:
    """Raises CaseError with a fault for each row of `stresses` that cannot be applied to the case."""
    faults: list[Fault] = []
    stresses, file = case.tables["stresses"], file_of(case, "stresses")
    for name in dict.fromkeys(stresses.stress):
        try:
            _changed(case, stress_edits(case, name))
        except CaseError as error:
            row = list(stresses.stress).index(name) + FIRST_ROW
            faults += [
                fault if fault.file == file else Fault(
                    file, row, "stress", name,
                    f"leaves a case that is refused ({fault.file}, row {fault.row}, {fault.column}: {fault.why})",
                    fault.remedy,
                )
                for fault in error.faults
            ]
    if faults:
        raise CaseError(faults)


def file_of(case: Case, table: str) -> str:
    """How faults call the place of a table in the files of the case."""
    path = Path(case.source)
    return f"{path.name} sheet {table}" if path.suffix.lower() == ".xlsx" else f"{table}.csv"


def _changed(case: Case, edits: Sequence[Edit]) -> Case:
    """The case after some edits, checked where they can matter; raises CaseError."""
    faults: list[Fault] = []
    changed = case
    for edit in edits:
        try:
            changed = _setting_changed(changed, edit) if edit.table == SETTINGS_TABLE else _table_changed(changed, edit)
        except _EditRefused as refusal:
            faults.append(refusal.fault)
    if faults:
        raise CaseError(faults)
    files = {name: f"{file_of(case, name)} after the edits" for name in TABLES}
    given = Given(changed.settings, changed.tables, files)
    before = checked_case(case).checked if changed.settings == case.settings else None
    if before is None or before.faults:
        checked = check(given)
    else:
        checked = check(given, before, {(edit.table, edit.column) for edit in edits})
    faults = [
        Fault("settings after the edits", None, key, value, why, remedy)
        for key, value, why, remedy in out_of_range(flat_settings(changed.settings))
    ]
    faults += checked.faults
    if faults:
        raise CaseError(dict.fromkeys(faults))
    return replace(changed, checked=checked)


def checked_case(case: Case) -> Case:
    """The case with what its checks read; made up cases and those that were put together are checked when they are
    changed first."""
    if case.checked is None:
        given = Given(case.settings, case.tables, {name: file_of(case, name) for name in TABLES})
        case.__dict__["checked"] = check(given)
    return case


def _hashed(case: Case) -> Case:
    return replace(case, source_hash=content_hash(case.settings, case.tables))


def _setting_changed(case: Case, edit: Edit) -> Case:
    columns = setting_columns()
    column = columns.get(edit.column)
    if column is None:
        raise _EditRefused(edit.fault("there is no such setting", remedy_for(edit.column, columns)))
    if edit.select is not None:
        raise _EditRefused(edit.fault("a setting has no rows", f"write case.{edit.column} without brackets"))
    values: dict[str, Any] = flat_settings(case.settings)
    values[edit.column] = _new_value(edit, column, values[edit.column])
    return replace(case, settings=settings_from(values))


def _table_changed(case: Case, edit: Edit) -> Case:
    table = TABLES.get(edit.table)
    if table is None:
        raise _EditRefused(edit.fault("there is no such table", remedy_for(edit.table, [*TABLES, SETTINGS_TABLE])))
    if edit.column not in table.column_names:
        raise _EditRefused(
            edit.fault(f"table {table.name} has no such column", remedy_for(edit.column, table.column_names))
        )
    column = table.column(edit.column)
    frame = case.tables[table.name]
    lines = _selected_lines(edit, table, case.arrays[table.name])
    if edit.operation is not Operation.SET:
        _refuse_curves(edit, table, column, frame, lines)
    cells = frame[column.name].tolist()
    if edit.operation is not Operation.SET:
        lines = _still_to_come(
            edit, table, frame, [line for line in lines if not (pd.isna(cells[line]) or cells[line] == "")]
        )
        if not lines:
            raise _EditRefused(edit.fault(f"{edit.column} is blank in every row chosen", "set it to a value with ="))
        if edit.operation is Operation.MULTIPLY and all(cells[line] == 0 for line in lines):
            raise _EditRefused(
                edit.fault(
                    f"{edit.column} is 0 in every row chosen, so multiplying changes nothing",
                    "set it with =, or add with +=",
                )
            )
    values: list[Parsed] = [None if pd.isna(value) or value == "" else value for value in cells]
    new = {old: _new_value(edit, column, old) for old in dict.fromkeys(values[line] for line in lines)}
    for line in lines:
        values[line] = new[values[line]]
    return case.with_column(table.name, column.name, series(column, values))


def _selected_lines(edit: Edit, table: Table, arrays: TableArrays) -> list[int]:
    """Lines of the table that the brackets choose; none is a fault."""
    if not len(arrays):
        raise _EditRefused(edit.fault(f"table {table.name} of the case is empty", "choose a table that has rows"))
    if edit.select is None:
        return list(range(len(arrays)))
    name, equals, wanted = (part.strip() for part in edit.select.partition("="))
    if equals:
        if name not in table.column_names:
            raise _EditRefused(
                edit.fault(f"table {table.name} has no column {name}", remedy_for(name, table.column_names))
            )
        try:
            parsed = shown(parse_text(table.column(name), wanted))
        except CellRefused as refusal:
            raise _EditRefused(edit.fault(refusal.why, refusal.remedy)) from None
        written = arrays.written(name)
        lines = [line for line, value in enumerate(written) if value == parsed]
    else:
        parts = tuple(part.strip() for part in edit.select.split(":"))
        lines = [line for line, key in enumerate(arrays.written_keys) if key[: len(parts)] == parts]
    if not lines:
        known = written if equals else [
            ":".join(key[: max(1, min(len(parts), len(key)))]) for key in arrays.written_keys
        ]
        raise _EditRefused(
            edit.fault(
                f"no row of {table.name} is called so",
                remedy_for(wanted if equals else edit.select, list(dict.fromkeys(known))),
            )
        )
    return lines


def _still_to_come(edit: Edit, table: Table, frame: pd.DataFrame, lines: list[int]) -> list[int]:
    """The lines that a shift of dates may move: phases of power that are energised already cannot come late."""
    if (table.name, edit.column) != ("power", "energised") or not lines:
        return lines
    to_come = [line for line in lines if frame.status.iloc[line] != "energised"]
    if not to_come:
        raise _EditRefused(
            edit.fault(
                "every phase chosen is energised already",
                "choose phases still to come, or set the month and the status",
            )
        )
    return to_come


def _refuse_curves(edit: Edit, table: Table, column: Column, frame: pd.DataFrame, lines: Sequence[int]) -> None:
    """A row that takes its value from a curve cannot be changed through the blank scalar."""
    for twin in table.columns:
        if twin.scalar_of == column.name:
            used = list(dict.fromkeys(name for name in frame[twin.name].iloc[list(lines)] if name))
            if used:
                sign = "*=" if edit.operation is Operation.MULTIPLY else "+="
                instead = ", ".join(f"curves.value[{name}]{sign}{edit.value}" for name in used)
                raise _EditRefused(
                    edit.fault(
                        f"rows chosen take {column.name} from a curve",
                        f"change the curve: {instead}; choose the other rows by their ids",
                    )
                )


def _new_value(edit: Edit, column: Column, old: Any) -> Parsed:
    """The value of one cell after the edit."""
    try:
        if edit.operation is Operation.SET:
            value = parse_text(column, edit.value)
            if value is None and column.required:
                raise CellRefused("blank, but required", f"give {column.meaning}")
            return column.default if value is None else value
        if column.type not in _COUNTED or (edit.operation is Operation.MULTIPLY and column.type not in _COUNTED[:2]):
            raise CellRefused(
                f"{column.name} is {column.type.value}, which cannot {edit.operation.value}", "set it with ="
            )
        amount_type = ColumnType.NUMBER if column.type in _COUNTED[:2] else ColumnType.WHOLE
        amount = parse_text(Column("value", amount_type, ""), edit.value)
        if amount is None:
            raise CellRefused("no number is given", "write one after the sign")
        return _counted(column, old, edit.operation, float(amount))
    except CellRefused as refusal:
        raise _EditRefused(edit.fault(refusal.why, refusal.remedy)) from None


def _counted(column: Column, old: Any, operation: Operation, amount: float) -> Parsed:
    if column.type is ColumnType.MONTH:
        return written_month(month_number(old) + int(amount))
    if column.type is ColumnType.QUARTER:
        if amount % 3:
            raise CellRefused("not a whole number of quarters", "add months in multiples of 3")
        return written_quarter(quarter_number(old) + int(amount))
    value = float(old) * amount if operation is Operation.MULTIPLY else float(old) + amount
    if not np.isfinite(value):
        raise CellRefused("the result is not a finite number", "use a smaller number")
    return round(value) if column.type is ColumnType.WHOLE else value

"""A raw table turned into a typed DataFrame, cell by cell, with a fault for every cell that is refused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import pandas as pd

from planner.case.reading.cells import CellRefused, Parsed, parse_text, parse_value
from planner.case.reading.raw import RawTable
from planner.case.reading.sizes import MOST_FAULTS, first_faults, more_faults
from planner.case.schema import Column, ColumnType, Table
from planner.did_you_mean import remedy_for
from planner.errors import Fault

FIRST_ROW = 2
_TOTALS = {"total", "totals", "sum", "subtotal", "sub-total", "grand total"}


@dataclass(frozen=True)
class TypedTable:
    """A table with its cells understood: the frame, the file it stands in, and what could not be read.

    Line i of `frame` stands in row i + 2 of the file. `refused` holds (line, column) of refused
    cells, which stand as blanks; `missing` the required columns that the file lacks; `doubtful` the
    columns in which a cell was refused, so that a name may be lacking.
    """

    table: Table
    file: str
    frame: pd.DataFrame
    faults: tuple[Fault, ...] = ()
    refused: frozenset[tuple[int, str]] = frozenset()
    missing: frozenset[str] = frozenset()
    doubtful: frozenset[str] = frozenset()


def typed_array(column: Column, values: Sequence[Parsed]) -> np.ndarray | pd.api.extensions.ExtensionArray:
    """Parsed values as an array of the column's dtype; a None that has no default stays blank."""
    filled = [column.default if value is None else value for value in values]
    if column.type is ColumnType.NUMBER:
        return np.array([np.nan if value is None else value for value in filled], dtype=np.float64)
    if column.type is ColumnType.WHOLE:
        return pd.array(filled, dtype="Int64")
    if column.type is ColumnType.FLAG:
        return np.array([bool(value) for value in filled], dtype=np.bool_)
    return pd.array(["" if value is None else value for value in filled], dtype="str")


def series(column: Column, values: Sequence[Parsed]) -> pd.Series:
    """Parsed values as a Series of the column's dtype."""
    return pd.Series(typed_array(column, values))


def empty_frame(table: Table) -> pd.DataFrame:
    """The table without rows."""
    return _empty_frame(table, str(pd.get_option("mode.string_storage"))).copy()


@cache
def _empty_frame(table: Table, text_kept_in: str) -> pd.DataFrame:
    """Once for each way in which pandas was told to keep text, which is a part of the type of a column."""
    return pd.DataFrame({column.name: typed_array(column, []) for column in table.columns})


def typed_table(table: Table, raw: RawTable) -> TypedTable:
    """Every cell of `raw` parsed by its column's declaration, blanks filled with defaults."""
    faults, places = _columns(table, raw)
    refused: set[tuple[int, str]] = set()
    columns: dict[str, np.ndarray | pd.api.extensions.ExtensionArray] = {}
    totals = set(_totals(raw))
    total = (
        Fault(
            raw.file, line + FIRST_ROW, None, str(_label(raw, line)), "looks like a row of totals",
            "remove it; every row is one entry",
        )
        for line in sorted(totals)
    )
    faults += first_faults(total, len(faults))
    for column in table.columns:
        if len(faults) >= MOST_FAULTS:
            unknown = frozenset(table.column_names)
            return TypedTable(
                table, raw.file, empty_frame(table), (*faults, more_faults(raw.file)), frozenset(), unknown, unknown
            )
        place = places.get(column.name)
        cells = (
            [None] * len(raw.rows) if place is None
            else [None if line in totals else row[place] for line, row in enumerate(raw.rows)]
        )
        values, broken = _parsed(column, cells, place is not None, _native(raw))
        for line, refusal in broken:
            if line in totals:
                continue
            if len(faults) < MOST_FAULTS:
                shown = "" if cells[line] is None else str(cells[line])
                faults.append(Fault(raw.file, line + FIRST_ROW, column.name, shown, refusal.why, refusal.remedy))
            refused.add((line, column.name))
        columns[column.name] = typed_array(column, values)
    doubtful = frozenset(name for _, name in refused)
    refused |= {(line, name) for line in totals for name in table.column_names}
    missing = frozenset(column.name for column in table.columns if column.required and column.name not in places)
    return TypedTable(table, raw.file, pd.DataFrame(columns), tuple(faults), frozenset(refused), missing, doubtful)


def _parsed(
    column: Column, cells: Sequence[object], there: bool, native: bool
) -> tuple[list[Parsed], list[tuple[int, CellRefused]]]:
    """The values of a column's cells, None where blank or refused, and which lines are refused; equal cells are read
    once.

    there: whether the file has the column. native: whether its cells have types of their own.
    """
    known: dict[object, Parsed | CellRefused] = {}
    values: list[Parsed] = []
    refused: list[tuple[int, CellRefused]] = []
    for line, cell in enumerate(cells):
        key = (type(cell), cell) if native else cell
        if key not in known:
            known[key] = _read(column, cell, there, native)
        found = known[key]
        if isinstance(found, CellRefused):
            refused.append((line, found))
            found = None
        values.append(found)
    return values, refused


def _read(column: Column, cell: object, there: bool, native: bool) -> Parsed | CellRefused:
    try:
        value = parse_text(column, cell) if isinstance(cell, str) and not native else parse_value(column, cell)
        if value is None and column.required and there:
            raise CellRefused(
                "blank, but required", f"give {column.meaning}" + (f" ({column.unit})" if column.unit else "")
            )
    except CellRefused as refusal:
        return refusal
    return value


def _native(raw: RawTable) -> bool:
    """Whether the cells have types of their own, as those of a workbook have."""
    return not raw.file.endswith(".csv")


def _columns(table: Table, raw: RawTable) -> tuple[list[Fault], dict[str, int]]:
    """Where each declared column stands in the file, with the faults of the header."""
    faults: list[Fault] = []
    places: dict[str, int] = {}
    declared = set(table.column_names)
    left = [name for name in table.column_names if name not in set(raw.header)]
    for place, written in enumerate(raw.header):
        if not written:
            faults.append(
                Fault(
                    raw.file, 1, f"number {place + 1}", "", "a column without a name",
                    "name it, or remove it with its cells",
                )
            )
        elif written in places:
            faults.append(Fault(raw.file, 1, written, "", "this column stands twice", "remove one of the two"))
        elif written not in declared:
            faults.append(
                Fault(
                    raw.file, 1, written, "", f"table {table.name} has no such column",
                    remedy_for(written, left or table.column_names),
                )
            )
        else:
            places[written] = place
    for column in table.columns:
        if column.required and column.name not in places:
            faults.append(
                Fault(
                    raw.file, 1, column.name, "", "a required column is missing",
                    f"add it: {column.meaning}" + (f", in {column.unit}" if column.unit else ""),
                )
            )
    return faults, places


def _label(raw: RawTable, line: int) -> object:
    """The first cell of a row that is not blank."""
    return next((cell for cell in raw.rows[line] if cell is not None and str(cell).strip()), "")


def _totals(raw: RawTable) -> list[int]:
    """Rows whose first word is a word for a total."""
    return [line for line in range(len(raw.rows)) if str(_label(raw, line)).strip().rstrip(":").casefold() in _TOTALS]

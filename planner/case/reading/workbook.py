"""The sheets of an .xlsx workbook: a sheet per table, and a sheet `case` of settings."""

from __future__ import annotations

import re
import warnings
from pathlib import Path
from typing import cast

from openpyxl import load_workbook
from openpyxl.cell.cell import Cell, MergedCell
from openpyxl.cell.rich_text import CellRichText, TextBlock
from openpyxl.workbook import Workbook
from openpyxl.worksheet.worksheet import Worksheet

from planner.case.reading.raw import RawCase, RawSetting, RawTable
from planner.case.reading.sizes import TABLE_CELLS, WORKBOOK_BYTES, FileRefused, refuse_other_than_files
from planner.case.reading.workbook_parts import refuse_hostile_parts
from planner.case.tables import TABLES
from planner.did_you_mean import remedy_for
from planner.errors import CaseError, Fault

SETTINGS_SHEET = "case"
NOTES_SHEET = "notes"
RESULT_PREFIX = "result_"
_SETTINGS_HEADER = ("setting", "value")
_BROKEN = (AttributeError, IndexError, KeyError, TypeError)
"""What openpyxl raises for a cell whose style or value it does not find."""
_SCALED = re.compile(r"[0#?],+(?![0#?,])")


def read_workbook(path: Path) -> RawCase:
    """All sheets as raw cells; `notes` and `result_...` are passed over, any other unknown sheet is a fault."""
    written, values = _load(path)
    try:
        return _raw_case(path, written, values)
    except _BROKEN as error:
        raise CaseError([_unreadable(path, error)]) from None


def _raw_case(path: Path, written: Workbook, values: Workbook | None) -> RawCase:
    known = [SETTINGS_SHEET, *TABLES, NOTES_SHEET]
    faults: list[Fault] = []
    tables: dict[str, RawTable] = {}
    settings: tuple[RawSetting, ...] = ()
    settings_read = False
    unread: set[str] = set()
    for sheet in written.worksheets:
        title = sheet.title
        if title == NOTES_SHEET or title.startswith(RESULT_PREFIX):
            continue
        place = _place(path, title)
        if title not in known:
            faults.append(
                Fault(
                    place, None, None, "", "not a sheet of a case",
                    f"{remedy_for(title, known)} Otherwise remove it, or name it {RESULT_PREFIX}...",
                )
            )
            continue
        try:
            header, rows = _cells(place, sheet, values[title] if values is not None else None, faults)
            if title == SETTINGS_SHEET:
                settings, settings_read = _settings(place, header, rows), True
            else:
                tables[title] = RawTable(title, place, header, rows)
        except FileRefused as refusal:
            faults.append(refusal.fault)
            unread.add(title)
    if SETTINGS_SHEET not in written.sheetnames:
        faults.append(
            Fault(
                path.name, None, None, "", "the workbook has no sheet 'case'",
                "add one with the columns setting and value; `planner new case.xlsx` writes an example",
            )
        )
    return RawCase(
        str(path), _place(path, SETTINGS_SHEET), settings, tables, tuple(faults), settings_read, frozenset(unread)
    )


def _place(path: Path, sheet: str) -> str:
    return f"{path.name} sheet {sheet}"


def _load(path: Path) -> tuple[Workbook, Workbook | None]:
    """The workbook with its formulas and, when it has any, once more with their last computed values."""
    try:
        refuse_other_than_files(path, WORKBOOK_BYTES)
        refuse_hostile_parts(path)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # openpyxl warns of styles and extensions that hold no values
            written = _opened(path, values=False)
            for sheet in written.worksheets:
                _refuse_far_cells(_place(path, sheet.title), sheet)
            formulas = any(
                cell.data_type == "f" for sheet in written.worksheets for row in sheet.iter_rows() for cell in row
            )
            return written, _opened(path, values=True) if formulas else None
    except FileRefused as refusal:
        raise CaseError([refusal.fault]) from None
    except Exception as error:  # whatever broken XML makes openpyxl do: KeyError, TypeError, zlib.error, ...
        raise CaseError([_unreadable(path, error)]) from None


def _opened(path: Path, *, values: bool) -> Workbook:
    with path.open("rb") as file:  # openpyxl leaves a file open that it cannot read
        return load_workbook(file, data_only=values, rich_text=not values)


def _unreadable(path: Path, error: Exception) -> Fault:
    return Fault(
        path.name, None, None, "", f"not a readable .xlsx workbook ({type(error).__name__}: {str(error)[:200]})",
        "save it anew as .xlsx, without a password",
    )


def _refuse_far_cells(place: str, sheet: Worksheet) -> None:
    """Refuse a sheet that reaches far beyond its table: one cell at the end of a sheet makes thousands of millions in
    between."""
    area = sheet.max_row * sheet.max_column
    if area > TABLE_CELLS:
        why = f"reaches to row {sheet.max_row:,} and column {sheet.max_column:,}, {area:,} cells"
        raise FileRefused(
            Fault(
                place, None, None, "", why,
                "delete the rows and columns beyond the table, also those that only have a format",
            )
        )


def _cells(
    place: str, sheet: Worksheet, values: object, faults: list[Fault]
) -> tuple[tuple[str, ...], tuple[tuple[object, ...], ...]]:
    """Header and rows of a sheet without the empty rows and columns after the last; faults of single cells are
    added."""
    for merged in sheet.merged_cells.ranges:
        raise FileRefused(
            Fault(place, merged.min_row, None, str(merged), "merged cells", "unmerge them and fill each cell")
        )
    if sheet.sheet_state != "visible":
        raise FileRefused(Fault(place, None, None, "", "a hidden sheet", "show it, or remove it"))
    for number, dimension in sorted(sheet.row_dimensions.items()):
        if dimension.hidden and number <= sheet.max_row:
            raise FileRefused(
                Fault(place, number, None, "", "a hidden row", "show it (clear the filter), or remove it")
            )
    _refuse_hidden_columns(place, sheet)
    table = [[_value(place, sheet, cell, values, faults) for cell in row] for row in sheet.iter_rows()]
    while table and all(cell is None for cell in table[-1]):
        table.pop()
    if not table:
        raise FileRefused(
            Fault(place, None, None, "", "the sheet is empty", "write the header row, or remove the sheet")
        )
    width = max(index + 1 for row in table for index, cell in enumerate(row) if cell is not None)
    for number, row in enumerate(table, start=1):
        if all(cell is None for cell in row):
            raise FileRefused(Fault(place, number, None, "", "an empty row between rows", "remove it"))
    header = tuple("" if cell is None else str(cell).strip() for cell in table[0][:width])
    return header, tuple(tuple(row[:width]) for row in table[1:])


def _refuse_hidden_columns(place: str, sheet: Worksheet) -> None:
    """Refuse a column that nobody sees, by its name: its figures would change a plan unseen. A range of columns has one
    dimension."""
    for dimension in sheet.column_dimensions.values():
        if not dimension.hidden:
            continue
        for column in range(dimension.min or 1, min(dimension.max or 1, sheet.max_column) + 1):
            if any(sheet.cell(row, column).value is not None for row in range(1, sheet.max_row + 1)):
                name = _column_of(sheet, cast("Cell", sheet.cell(1, column)))
                raise FileRefused(
                    Fault(place, None, name, "", "a hidden column", "show it, or remove it with its cells")
                )


def _struck(cell: Cell) -> bool:
    """Whether any of the text is struck through, by the format of the cell or of a run within it."""
    if cell.font is not None and cell.font.strike:
        return True
    runs = cell.value if isinstance(cell.value, CellRichText) else ()
    return any(isinstance(run, TextBlock) and bool(run.font.strike) for run in runs)


def _value(place: str, sheet: Worksheet, cell: Cell | MergedCell, values: object, faults: list[Fault]) -> object:
    """The value of a cell as a person sees it; blank text is None. Formulas give their last computed value."""
    if isinstance(cell, MergedCell):
        return None
    value: object = str(cell.value) if isinstance(cell.value, CellRichText) else cell.value
    if value is not None and _struck(cell):
        faults.append(
            Fault(
                place, cell.row, _column_of(sheet, cell), str(value)[:60],
                "struck through, so that it reads as deleted", "remove it, or take the line through it away",
            )
        )
    if cell.data_type == "f":
        value = values[cell.coordinate].value  # type: ignore[index]
        if value is None:
            faults.append(
                Fault(
                    place, cell.row, _column_of(sheet, cell), str(cell.value)[:60],
                    "a formula without a computed value",
                    "open and save the workbook in a spreadsheet program, or paste the value",
                )
            )
            return None
    if isinstance(value, str):
        return value if value.strip() else None
    if isinstance(value, (int, float)) and not isinstance(value, bool) and _reads_otherwise(cell.number_format):
        faults.append(
            Fault(
                place, cell.row, _column_of(sheet, cell), str(value),
                f"a number shown in the format {cell.number_format}, so that it reads otherwise",
                "type it as text, or format the cell as General",
            )
        )
    return value


def _column_of(sheet: Worksheet, cell: Cell) -> str:
    """The name of the column in the header, or its letter where the header is blank."""
    header = sheet.cell(1, cell.column).value
    return cell.column_letter if header is None else str(header).strip()


def _reads_otherwise(number_format: str) -> bool:
    """Whether a format shows another number than the cell holds: 000 shows 7 as 007, and 0.0, shows 72000 as 72.0."""
    padded = len(number_format) > 1 and set(number_format) == {"0"}
    return padded or _SCALED.search(number_format) is not None


def _settings(place: str, header: tuple[str, ...], rows: tuple[tuple[object, ...], ...]) -> tuple[RawSetting, ...]:
    if header != _SETTINGS_HEADER:
        raise FileRefused(
            Fault(
                place, 1, None, ", ".join(header), "the columns of this sheet are setting and value",
                "name the two columns setting and value, and remove others",
            )
        )
    return tuple(
        RawSetting(str(key).strip() if key is not None else "", value, row)
        for row, (key, value) in enumerate(rows, start=2)
    )

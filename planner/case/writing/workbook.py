"""A case as an .xlsx workbook: a sheet per table with every column, its unit and meaning in a note on the header."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pandas as pd
import xlsxwriter  # type: ignore[import-untyped]
from xlsxwriter.format import Format  # type: ignore[import-untyped]
from xlsxwriter.worksheet import Worksheet  # type: ignore[import-untyped]

from planner.case.case import Case
from planner.case.reading.given import shown
from planner.case.reading.settings_file import flat_settings, setting_columns
from planner.case.reading.workbook import NOTES_SHEET, SETTINGS_SHEET
from planner.case.schema import Column, ColumnType
from planner.case.tables import TABLES
from planner.case.writing.format_page import column_note

_CREATED = dt.datetime(2026, 1, 1)  # a fixed date, so that the same case gives the same bytes
_NUMBERS = (ColumnType.NUMBER, ColumnType.WHOLE)
_BLANK_ROWS = 500


class _Exact(float):
    """A float that XlsxWriter writes with all its digits; its own format stops at 16, which loses the last bit of
    some."""

    def __format__(self, spec: str) -> str:
        return repr(float(self))


def write_workbook(case: Case, path: Path, *, notes: str = "") -> None:
    """Write all settings and tables, empty tables as bare headers; text is never taken for a formula."""
    book = new_workbook(case, path)
    write_case_sheets(book, case, notes=notes)
    book.close()


def new_workbook(case: Case, path: Path) -> xlsxwriter.Workbook:
    """A workbook without sheets that bears the name of the case; the caller closes it."""
    book = xlsxwriter.Workbook(str(path))
    book.set_properties({"title": case.settings.name, "created": _CREATED})
    return book


def write_case_sheets(book: xlsxwriter.Workbook, case: Case, *, notes: str = "") -> None:
    """Add the sheets of a case, from which it can be read again with the same hash."""
    bold = book.add_format({"bold": True, "bottom": 1, "num_format": "@"})
    as_text = book.add_format({"num_format": "@"})
    if notes:
        _notes(book.add_worksheet(NOTES_SHEET), notes, bold)
    _settings(book.add_worksheet(SETTINGS_SHEET), case, bold, as_text)
    for name, table in TABLES.items():
        sheet = book.add_worksheet(name)
        sheet.freeze_panes(1, 1)
        sheet.autofilter(0, 0, max(len(case.tables[name]), 1), len(table.columns) - 1)
        for place, column in enumerate(table.columns):
            _column(sheet, place, column, case.tables[name][column.name], bold, as_text)


def _column(sheet: Worksheet, place: int, column: Column, values: pd.Series, bold: Format, as_text: Format) -> None:
    sheet.write_string(0, place, column.name, bold)
    sheet.write_comment(0, place, column_note(column), {"x_scale": 2.0})
    sheet.set_column(place, place, max(10, len(column.name) + 2), None if column.type in _NUMBERS else as_text)
    for row, value in enumerate(values, start=1):
        _cell(sheet, row, place, column, value, as_text)
    choices = ("yes", "no") if column.type is ColumnType.FLAG else column.choices
    if choices:
        sheet.data_validation(1, place, len(values) + _BLANK_ROWS, place, {"validate": "list", "source": list(choices)})


def _cell(sheet: Worksheet, row: int, place: int, column: Column, value: Any, as_text: Format) -> None:
    written = shown(value)
    if not written:
        return
    if column.type in _NUMBERS:
        sheet.write_number(row, place, _Exact(value))
    else:
        sheet.write_string(row, place, written, as_text)


def _settings(sheet: Worksheet, case: Case, bold: Format, as_text: Format) -> None:
    sheet.freeze_panes(1, 0)
    sheet.set_column(0, 0, 32, as_text)
    sheet.set_column(1, 1, 24)
    sheet.write_string(0, 0, "setting", bold)
    sheet.write_string(0, 1, "value", bold)
    columns = setting_columns()
    for row, (key, value) in enumerate(flat_settings(case.settings).items(), start=1):
        sheet.write_string(row, 0, key, as_text)
        sheet.write_comment(row, 0, column_note(columns[key]), {"x_scale": 2.0})
        _cell(sheet, row, 1, columns[key], value, as_text)


def _notes(sheet: Worksheet, notes: str, bold: Format) -> None:
    sheet.set_column(0, 0, 140)
    for row, line in enumerate(notes.splitlines()):
        heading = line.startswith("#")
        sheet.write_string(row, 0, line.lstrip("# ") if heading else line, bold if heading else None)

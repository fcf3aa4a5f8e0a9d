"""Sheets of results: their formats, and a table as a sheet with frozen header and filter. Text is never a formula."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd
from xlsxwriter.workbook import Workbook  # type: ignore[import-untyped]
from xlsxwriter.worksheet import Worksheet  # type: ignore[import-untyped]

PREFIX = "result_"
"""With which the names of all sheets of results begin: the reader of a case passes over exactly those."""
MOST_ROWS = 100_000
WIDEST = 44
FORMATS = {
    "usd": "$#,##0;-$#,##0", "rate": "$#,##0.00;-$#,##0.00", "mw": "#,##0.0", "count": "#,##0", "share": "0.0%",
    "number": "#,##0.####", "factor": "0.000000", "plain": "0",
}


class Sheets:
    """The workbook's formats and its way to write a table."""

    def __init__(self, book: Workbook) -> None:
        self.book = book
        self.head = book.add_format(
            {"bold": True, "bottom": 1, "text_wrap": True, "valign": "top", "bg_color": "#EEF1F4", "num_format": "@"}
        )
        self.title = book.add_format({"bold": True, "font_size": 14})
        self.bold = book.add_format({"bold": True})
        self.text = book.add_format({"num_format": "@"})
        self.wrapped = book.add_format({"text_wrap": True, "valign": "top"})
        self.numbers = {name: book.add_format({"num_format": code}) for name, code in FORMATS.items()}
        self.strong = {
            name: book.add_format({"num_format": code, "bold": True, "top": 1}) for name, code in FORMATS.items()
        }

    def sheet(self, name: str) -> Worksheet:
        """A new sheet of results."""
        return self.book.add_worksheet(f"{PREFIX}{name}")

    def table(
        self, name: str, frame: pd.DataFrame, notes: Mapping[str, str] | None = None, *, endless: str = "never"
    ) -> Worksheet:
        """A sheet of a table: a header with notes, numbers in the format of their unit, filter, first row and column
        frozen. endless: what infinity is called."""
        sheet = self.sheet(name)
        shown = frame.head(MOST_ROWS)
        for place, column in enumerate(shown.columns):
            sheet.write_string(0, place, str(column), self.head)
            if notes and column in notes:
                sheet.write_comment(0, place, notes[column], {"x_scale": 2.0})
            numeric = shown[column].dtype.kind in "iuf"
            look = self.numbers[kind_of(str(column))] if numeric else self.text
            longest = max((len(_text(value)) for value in shown[column].head(500)), default=0) if not numeric else 12
            sheet.set_column(place, place, min(max(len(str(column)) * 0.6 + 3, longest + 2, 10), WIDEST))
            for row, value in enumerate(shown[column].tolist(), start=1):
                write_cell(sheet, row, place, value, look, endless=endless)
        sheet.freeze_panes(1, 1)
        if len(shown.columns):
            sheet.autofilter(0, 0, max(len(shown), 1), len(shown.columns) - 1)
        if len(frame) > len(shown):
            sheet.write_string(
                len(shown) + 1, 0, f"{len(frame) - len(shown):,} more rows stand in the files of the run", self.text
            )
        return sheet


def write_cell(sheet: Worksheet, row: int, place: int, value: Any, look: Any, *, endless: str = "never") -> None:
    """A number as a number, text as text whatever it begins with, a blank as nothing."""
    if isinstance(value, bool):
        sheet.write_string(row, place, "yes" if value else "no", look)
    elif isinstance(value, (int, float)):
        if math.isinf(value):
            sheet.write_string(row, place, endless if value > 0 else "-infinity", look)
        elif not math.isnan(value):
            sheet.write_number(row, place, value, look)
    elif value is not None and value is not pd.NA and str(value):
        sheet.write_string(row, place, str(value), look)


_SHARES = ("accuracy", "accuracy_in_tree", "sign_said_yes", "taken", "sign_was_right")
"""Columns of a policy and its replay that hold shares."""


def kind_of(column: str) -> str:
    """The format of a column of numbers, by the unit that its name carries."""
    if (
        "usd_per_gpu_hour" in column or "per_kw" in column
        or column in ("rate", "rate_low", "rate_high", "floor", "pay_up_to", "fee")
        or column.startswith(("usd_per", "levelised"))
    ):
        return "rate"
    if column.endswith(("_usd", "_usd_before", "_usd_after")) or column.startswith("usd") or "_usd_" in column:
        return "usd"
    if column.endswith(("_mw", "_mw_before", "_mw_after")) or column.startswith("contracted_mw"):
        return "mw"
    if column.endswith(("share", "probability", "per_year")) or column in _SHARES:
        return "share"
    if column in ("gpus", "gpus_bought", "rows", "gpus_before", "gpus_after", "limits_broken"):
        return "count"
    return "plain" if column in ("tier", "month", "from_month", "to_month", "months", "year") else "number"


def _text(value: Any) -> str:
    return "" if value is None or value is pd.NA or (isinstance(value, float) and math.isnan(value)) else str(value)

"""A case as `case.toml` and CSV files."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pandas as pd

from planner.case.case import Case
from planner.case.reading.folder import SETTINGS_FILE
from planner.case.reading.frames import series
from planner.case.reading.given import shown
from planner.case.schema import Column, Table
from planner.case.settings import ASSET_CLASSES, DEPRECIATION, SETTINGS, Settings
from planner.case.tables import TABLES


def write_folder(case: Case, folder: Path) -> None:
    """Write the files of a case; tables without rows and columns that hold nothing but defaults are left out."""
    (folder / SETTINGS_FILE).write_text(settings_text(case.settings), encoding="utf-8", newline="\n")
    for name, table in TABLES.items():
        frame = case.tables[name]
        if len(frame):
            (folder / f"{name}.csv").write_text(_table_text(table, frame), encoding="utf-8", newline="\n")


def settings_text(settings: Settings) -> str:
    """The settings as TOML, each with its unit and meaning."""
    lines = [_setting(column, getattr(settings, column.name)) for column in SETTINGS]
    for asset in ASSET_CLASSES:
        lines += ["", f"[depreciation.{asset}]"]
        lines += [_setting(column, getattr(settings.depreciation[asset], column.name)) for column in DEPRECIATION]
    return "\n".join(lines) + "\n"


def _setting(column: Column, value: Any) -> str:
    written = json.dumps(value, ensure_ascii=False) if isinstance(value, (str, bool)) else repr(value)
    unit = f"{column.unit}: " if column.unit else ""
    choices = (
        f" ({', '.join(column.choices)})"
        if column.choices and not all(choice in column.meaning for choice in column.choices) else ""
    )
    return f"{column.name} = {written}  # {unit}{column.meaning}{choices}"


def _table_text(table: Table, frame: pd.DataFrame) -> str:
    columns = [column for column in table.columns if column.required or not _all_default(column, frame[column.name])]
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow([column.name for column in columns])
    writer.writerows(zip(*([shown(value) for value in frame[column.name]] for column in columns), strict=True))
    return stream.getvalue()


def _all_default(column: Column, values: pd.Series) -> bool:
    """Whether every cell would come back the same if the column were left out."""
    default = shown(series(column, [None]).iloc[0])
    return all(shown(value) == default for value in values)

"""A hash over the content of a case, whatever files it came from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

import pandas as pd

from planner.case.reading.settings_file import flat_settings
from planner.case.schema import Column, ColumnType
from planner.case.settings import Settings
from planner.case.tables import TABLES


def content_hash(settings: Settings, tables: Mapping[str, pd.DataFrame]) -> str:
    """SHA-256 of the settings and of all rows as typed values, in order; empty tables count as absent.

    A folder and a workbook with the same content hash the same, and a default hashes the same
    whether it is written out or left blank. A column in which every row has the default counts as absent, as does such
    a setting, so that what a later version can be told besides does not make another case of this one.
    """
    given, usual = flat_settings(settings), flat_settings(Settings(name="", start="", months=0))
    content: dict[str, object] = {
        "case": {key: _plain(value) for key, value in given.items() if value != usual.get(key)}
    }
    for name, table in TABLES.items():
        frame = tables[name]
        if len(frame):
            columns = ((column, _cells(frame, column)) for column in table.columns)
            told = {
                column.name: cells for column, cells in columns
                if any(cell not in (None, "", column.default) for cell in cells)
            }
            content[name] = {"rows": len(frame), **told}
    written = json.dumps(content, ensure_ascii=True, allow_nan=False, sort_keys=False, separators=(",", ":"))
    return hashlib.sha256(written.encode("ascii")).hexdigest()


def _cells(frame: pd.DataFrame, column: Column) -> list[object]:
    number = column.type is ColumnType.NUMBER
    return [
        None if value is None or value is pd.NA or value != value else _plain(float(value) if number else value)
        for value in frame[column.name].tolist()
    ]


def _plain(value: object) -> object:
    """The value for JSON; -0.0 is 0.0, and a number setting is the same as 1 and as 1.0."""
    if isinstance(value, float) and value == 0.0:
        return 0.0
    return value

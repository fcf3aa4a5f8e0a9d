"""Rows of a generated case as a DataFrame in the declared dtypes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import pandas as pd

from planner.case.made_up.dice import Row
from planner.case.reading.cells import Parsed
from planner.case.reading.frames import typed_array
from planner.case.schema import Table


def declared_frame(table: Table, rows: Sequence[Row]) -> pd.DataFrame:
    """The rows as a DataFrame in declared column order and dtypes, defaults filled in.

    Raises KeyError when a row names a column that the table lacks, or leaves out a required one.
    """
    known = set(table.column_names)
    for row in rows:
        if not known.issuperset(row):
            raise KeyError(f"table {table.name} has no column {', '.join(sorted(set(row) - known))}")
        lacking = [column.name for column in table.columns if column.required and column.name not in row]
        if lacking:
            raise KeyError(f"a row of table {table.name} lacks {', '.join(lacking)}")
    return pd.DataFrame(
        {
            column.name: typed_array(column, [cast(Parsed, row.get(column.name)) for row in rows])
            for column in table.columns
        }
    )

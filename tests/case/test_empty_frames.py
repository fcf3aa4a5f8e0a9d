"""A table without rows holds text as the others do, also after pandas was told to hold it otherwise."""

from __future__ import annotations

import pandas as pd

from planner.case.reading.frames import empty_frame, typed_table
from planner.case.reading.raw import RawTable
from planner.case.tables import TABLES


def test_its_columns_are_those_of_a_table_with_rows() -> None:
    table = TABLES["customers"]
    for storage in ("python", "pyarrow", "python"):
        with pd.option_context("mode.string_storage", storage):
            some = typed_table(table, RawTable("customers", "customers.csv", ("customer_id",), (("acme",),))).frame
            pd.testing.assert_frame_equal(empty_frame(table), some.iloc[:0])


def test_a_change_of_one_changes_no_other() -> None:
    table = TABLES["customers"]
    changed = empty_frame(table)
    changed["more"] = 1.0
    assert tuple(empty_frame(table).columns) == table.column_names

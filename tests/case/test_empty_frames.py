"""A table without rows holds text as the others do, also after pandas was told to hold it otherwise."""

from __future__ import annotations

import pandas as pd
import pytest

from planner.case.reading.frames import empty_frame, typed_table
from planner.case.reading.raw import RawTable
from planner.case.tables import TABLES


@pytest.mark.parametrize("storage", ["python", "pyarrow", "python"])
def test_its_columns_are_those_of_a_table_with_rows(storage: str) -> None:
    table = TABLES["customers"]
    with pd.option_context("mode.string_storage", storage):
        some = typed_table(table, RawTable("customers", "customers.csv", ("customer_id",), (("acme",),))).frame
        pd.testing.assert_frame_equal(empty_frame(table), some.iloc[:0])


def test_a_change_of_one_changes_no_other() -> None:
    table = TABLES["customers"]
    empty_frame(table)["more"] = 1.0
    assert tuple(empty_frame(table).columns) == table.column_names

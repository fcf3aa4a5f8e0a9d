"""After a change only checks that read what changed are asked again, and all of them together say what a check of
everything says."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from at_length import AT_LENGTH
from example_company import company

from planner.case.case import Case
from planner.case.checking.validate import check
from planner.case.made_up.frame import declared_frame
from planner.case.read import read_case
from planner.case.reading.given import Given
from planner.case.schema import ColumnType
from planner.case.starting import starting_case
from planner.case.tables import TABLES

TINY = Path(__file__).parents[2] / "fixtures" / "tiny"


def given(case: Case, tables: dict[str, pd.DataFrame]) -> Given:
    return Given(case.settings, tables, {name: f"{name}.csv" for name in TABLES})


def spoilt(values: pd.Series, kind: ColumnType, how: str) -> pd.Series:
    """The column turned round, or with something in it that few checks bear."""
    if how == "turned round":
        return pd.Series(values.tolist()[::-1], index=values.index, dtype=values.dtype)
    cell = {
        ColumnType.NUMBER: -7e5, ColumnType.WHOLE: 10**9, ColumnType.FLAG: True, ColumnType.MONTH: "2199-12",
        ColumnType.QUARTER: "1970-Q1",
    }.get(kind, "nobody")
    return pd.Series([cell, *values.tolist()[1:]], index=values.index, dtype=values.dtype)


@pytest.mark.parametrize("how", ["turned round", "spoilt"])
@pytest.mark.parametrize(
    "name", ["starting", *(pytest.param(each, marks=pytest.mark.slow) for each in ("tiny", "neocloud"))]
)
def test_the_faults_of_every_changed_column(name: str, how: str) -> None:
    case = starting_case() if name == "starting" else company() if name == "neocloud" else read_case(TINY)
    before = check(given(case, case.tables))
    assert not before.faults
    broken = 0
    for table, declared in TABLES.items():
        for at, column in enumerate(declared.columns if len(case.tables[table]) else ()):
            if name == "neocloud" and not AT_LENGTH and at % 4 != 2 * (how == "spoilt"):
                continue  # half of the columns of the largest case, each one way or the other
            changed = case.tables[table].assign(
                **{column.name: spoilt(case.tables[table][column.name], column.type, how)}
            )
            tables = given(case, {**case.tables, table: changed})
            again = check(tables, before, {(table, column.name)})
            assert again.faults == check(tables).faults, (table, column.name)
            broken += bool(again.faults)
    assert broken > 5


def test_a_frame_that_was_replaced_counts_as_changed() -> None:
    case = starting_case()
    before = check(given(case, case.tables))
    sites = case.tables["sites"].assign(pue=0.5)
    tables = given(case, {**case.tables, "sites": sites})
    assert check(tables, before, ()).faults == check(tables).faults != ()


@pytest.mark.parametrize(
    ("row", "said"),
    [({"site_id": "nowhere", "lease_id": "lab_training"}, "nowhere"), ({"site_id": "river"}, "nothing")],
)
def test_rows_that_come_into_an_empty_table_are_checked(row: dict[str, str], said: str) -> None:
    case = starting_case()
    assert not len(case.tables["links"])
    before = check(given(case, case.tables))
    tables = given(case, {**case.tables, "links": declared_frame(TABLES["links"], [row])})
    again = check(tables, before, ())
    assert again.faults == check(tables).faults
    assert any(said in str(fault) for fault in again.faults)

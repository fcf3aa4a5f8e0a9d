"""Paths and weights from elsewhere: read, written and read again, used in place of draws, and refused with their
faults."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from cases.path_table import path_table
from scenarios.random_case import FACTORS, random_case

from planner.candidates.outlook import make_outlook
from planner.case.calendar import Calendar
from planner.errors import CaseError, PlannerError
from planner.scenarios.futures import make_futures
from planner.scenarios.imported import read_imported
from planner.scenarios.outlook import scenario_outlook

CALENDAR = Calendar("2027-01", 6, 1)
SPOT = {"factor_id": "spot", "model": "given", "drives": "curves[spot]"}


def written(folder: Path, *rows: str, header: str = "factor_id,scenario,month,value,weight") -> Path:
    path = folder / "paths.csv"
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return path


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_paths_survive_the_round_trip(tmp_path: Path, suffix: str) -> None:
    case = random_case()
    futures = make_futures(case, CALENDAR, scenarios=9)
    table = path_table(futures.names, futures.weights, futures.values.multipliers, CALENDAR)
    path = tmp_path / f"paths.{suffix}"
    if suffix == "csv":
        table.to_csv(path, index=False)
    else:
        table.to_parquet(path)
    imported = read_imported(path, case, CALENDAR)
    again = make_futures(case, CALENDAR, imported=imported)
    assert again.names == futures.names
    np.testing.assert_allclose(again.weights, futures.weights, rtol=1e-15)
    assert set(again.values.multipliers) == {str(row["factor_id"]) for row in FACTORS}
    for name, multipliers in futures.values.multipliers.items():
        np.testing.assert_array_equal(again.values.multipliers[name], multipliers)
    for name, late in futures.values.late_months.items():
        np.testing.assert_array_equal(again.values.late_months[name], late)  # drawn still, and the same
    piece = again.piece(slice(4, 6))
    np.testing.assert_array_equal(piece.values.multipliers["gas"], futures.values.multipliers["gas"][4:6])


def test_values_hold_until_the_next_and_weights_add_to_one(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        "spot,boom,2027-01,1.5,3", "spot,boom,2027-04,2,3", "spot,bust,2026-11,0.8,1", "spot,bust,2027-02,0,1",
        "delay[line:1],boom,,0,3", "delay[line:1],bust,,7,1",
        "default[lab],boom,,,3", "default[lab],bust,,4,1", "renewal[train],boom,,1,3", "renewal[train],bust,,0,1",
    )
    case = random_case(factors=(*FACTORS, SPOT))
    base = make_outlook(case)
    futures = make_futures(case, base.calendar, imported=read_imported(path, case, base.calendar))
    assert futures.names == ("boom", "bust")
    np.testing.assert_array_equal(futures.weights, [0.75, 0.25])
    spot = futures.values.multipliers["spot"]
    np.testing.assert_array_equal(spot[:, :5], [[1.5, 1.5, 1.5, 2, 2], [0.8, 0, 0, 0, 0]])
    assert (spot[0, 5:] == 2).all()
    outlook = scenario_outlook(base, futures)
    np.testing.assert_array_equal(outlook.curve("spot"), base.curve("spot") * spot)  # taken as it stands
    np.testing.assert_array_equal(outlook.energised_by_scenario[0], [9, 16])
    np.testing.assert_array_equal(futures.values.default_month["default[lab]"], [base.months, 4])
    np.testing.assert_array_equal(outlook.renewed["train"], [[1.0], [0.0]])


def test_without_weights_all_weigh_the_same(tmp_path: Path) -> None:
    path = written(
        tmp_path, "gas,1,2027-01,1", "gas,2,2027-01,2", "gas,3,2027-01,3", header="factor_id,scenario,month,value"
    )
    imported = read_imported(path, random_case(), CALENDAR)
    np.testing.assert_allclose(imported.weights, np.full(3, 1 / 3), rtol=1e-15)
    np.testing.assert_array_equal(imported.paths["gas"][:, 0], [1, 2, 3])


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (
            ["gaz,1,2027-01,1,1"],
            r"paths\.csv, row 2, column factor_id: 'gaz': the case has no such factor; did you mean \"gas\"",
        ),
        (["gas,1,2027-01,one,1"], "row 2, column value: .* not a value of this factor"),
        (["gas,1,2027-01,,1"], "row 2, column value"),
        (["gas,1,2027-01,-1,1"], "row 2, column value"),
        (["gas,1,2027-1,1,1"], "row 2, column month: '2027-1': not a month"),
        (["gas,1,2027-02,1,1"], "gas in scenario 1 begins after the start 2027-01"),
        (["gas,1,2027-01,1,1", "gas,1,2027-01,2,1"], "row 3, column scenario: .* stand above already"),
        (["gas,1,2027-01,1,1", "gas,1,2027-02,2,2"], "row 3, column weight: .* another weight"),
        (["gas,1,2027-01,1,0"], "no scenario has a weight above 0"),
        (["gas,1,2027-01,1,-1"], "row 2, column weight: .* not a weight"),
        (["gas,,2027-01,1,1"], "row 2, column scenario: blank"),
        (["gas,1,2027-01,1,1", "hash,2,2027-01,1,1"], "gas has no row for this scenario"),
        (["delay[line:1],1,,1.5,1"], "row 2, column value"),
        (["delay[line:1],1,2027-01,1,1"], "row 2, column month: .* this happens once"),
        (["renewal[train],1,,2,1"], "row 2, column value"),
        (["delay[line:9],1,,1,1"], "the case has no such factor"),
    ],
)
def test_faults_are_reported_where_they_stand(tmp_path: Path, rows: list[str], said: str) -> None:
    with pytest.raises(CaseError, match=said):
        read_imported(written(tmp_path, *rows), random_case(), CALENDAR)


def test_a_file_that_is_no_such_table_is_refused(tmp_path: Path) -> None:
    case = random_case()
    with pytest.raises(PlannerError, match="lacks value"):
        read_imported(written(tmp_path, "gas,1,2027-01", header="factor_id,scenario,month"), case, CALENDAR)
    with pytest.raises(PlannerError, match="has price"):
        read_imported(
            written(tmp_path, "gas,1,2027-01,1,1", header="factor_id,scenario,month,value,price"), case, CALENDAR
        )
    with pytest.raises(PlannerError, match="no rows"):
        read_imported(written(tmp_path), case, CALENDAR)
    with pytest.raises(PlannerError, match="cannot be read"):
        read_imported(tmp_path / "none.parquet", case, CALENDAR)


def test_what_is_brought_is_not_correlated_with_what_is_drawn(tmp_path: Path) -> None:
    case = random_case(correlations=[{"factor_a": "gas", "factor_b": "hash", "correlation": 0.5}])
    path = written(tmp_path, "gas,1,2027-01,1,1", "gas,2,2027-01,2,1")
    imported = read_imported(path, case, CALENDAR)
    with pytest.raises(PlannerError, match="gas is imported, so hash cannot be drawn"):
        make_futures(case, CALENDAR, imported=imported)
    with pytest.raises(PlannerError, match="5 scenarios asked for, but the paths imported hold 2"):
        make_futures(random_case(), CALENDAR, scenarios=5, imported=imported)


def test_an_empty_table_of_paths_has_the_columns() -> None:
    empty = path_table(("1",), np.ones(1), {}, CALENDAR)
    assert isinstance(empty, pd.DataFrame)
    assert list(empty) == ["factor_id", "scenario", "month", "value", "weight"]

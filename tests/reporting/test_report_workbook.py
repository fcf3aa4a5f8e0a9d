"""The workbook: the case in it is the case, its formulas give the plan's figures, text is text, LibreOffice agrees."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pytest
from at_length import in_tiers
from report_cases import FORMULA, HOSTILE

from planner.candidates.build import build_candidates
from planner.candidates.outlook import make_outlook
from planner.case.read import read_case
from planner.errors import CaseError
from planner.planning.make_plan import plan
from planner.reporting.findings import findings_of_run
from planner.reporting.workbook.book import write_report_workbook
from planner.scoring.long_table import from_table
from planner.scoring.score import ScoreOptions, score_portfolios

Made = Callable[..., tuple[Path, Path, Any]]
NAMES = ("starting", "one site", "no lease", "infeasible", "unicode", "harmful", "many sites")
NPV, PEAK, CAPEX, INCOME, COST = "B3", "B4", "B5", "B6", "B7"


@pytest.fixture(scope="module")
def written(made: Made, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    root = tmp_path_factory.mktemp("books")

    def of(name: str) -> Path:
        path = root / f"{name}.xlsx"
        if not path.exists():
            folder, run, _ = made(name)
            write_report_workbook(findings_of_run(run, folder), path, made=dt.datetime(2027, 1, 1, tzinfo=dt.UTC))
        return path

    return of


@pytest.mark.parametrize("name", NAMES)
def test_the_case_in_it_has_the_hash_of_the_case(written: Callable[[str], Path], made: Made, name: str) -> None:
    assert read_case(written(name)).source_hash == read_case(made(name)[0]).source_hash


def test_the_case_of_a_changed_run_is_the_changed_case(written: Callable[[str], Path], made: Made) -> None:
    assert read_case(written("changed")).source_hash == made("changed")[2].case.source_hash


def test_an_edited_case_is_planned_again(written: Callable[[str], Path], made: Made, tmp_path: Path) -> None:
    book = openpyxl.load_workbook(written("starting"))
    sheet = book["leases"]
    column = [cell.value for cell in sheet[1]].index("max_size") + 1
    sheet.cell(2, column).value = 4000
    book.save(tmp_path / "edited.xlsx")
    edited = plan(read_case(tmp_path / "edited.xlsx"), prices="none")
    asked = plan(read_case(made("starting")[0]), edits=["leases.max_size[lab_training]=4000"], prices="none")
    assert edited.npv_usd == pytest.approx(asked.npv_usd, rel=1e-12)
    assert edited.npv_usd != pytest.approx(made("starting")[2].npv_usd, rel=1e-6)


def test_a_sheet_that_is_neither_is_refused(written: Callable[[str], Path], tmp_path: Path) -> None:
    book = openpyxl.load_workbook(written("starting"))
    book.create_sheet("results of mine")
    book.save(tmp_path / "strange.xlsx")
    with pytest.raises(CaseError, match="not a sheet of a case"):
        read_case(tmp_path / "strange.xlsx")


@pytest.mark.parametrize("name", in_tiers(["starting", "one site", "no lease", "harmful", "many sites", "unicode"], 4))
def test_values_kept_with_the_formulas_are_the_plan(written: Callable[[str], Path], made: Made, name: str) -> None:
    found = made(name)[2]
    book = openpyxl.load_workbook(written(name), data_only=True)
    assert book["result_npv"][NPV].value == pytest.approx(found.npv_usd, rel=1e-9)
    assert book["result_npv"][PEAK].value == pytest.approx(found.statement.peak_funding_usd, rel=1e-9)
    formulas = openpyxl.load_workbook(written(name))
    for cell in (NPV, PEAK, CAPEX, INCOME, COST):
        assert str(formulas["result_npv"][cell].value).startswith("=")


def test_the_cost_of_a_gpu_hour_is_that_of_the_score(written: Callable[[str], Path], made: Made) -> None:
    folder, _, found = made("starting")
    candidates = build_candidates(make_outlook(read_case(folder)))
    scores = score_portfolios(
        candidates, from_table(candidates, found.portfolio), ScoreOptions(scenarios=1, paths=False, threads=1)
    ).table
    book = openpyxl.load_workbook(written("starting"), data_only=True)
    # The sheet spreads a year of the tail evenly over its months, the score counts the hours of each.
    assert book["result_npv"][COST].value == pytest.approx(
        float(scores["levelised_usd_per_gpu_hour"].iloc[0]), rel=1e-3
    )


def test_text_is_never_a_formula(written: Callable[[str], Path]) -> None:
    book = openpyxl.load_workbook(written("harmful"))
    texts = {
        cell.value: cell.data_type for sheet in book.worksheets for row in sheet.iter_rows() for cell in row
        if isinstance(cell.value, str)
    }
    assert texts[HOSTILE] == "s"
    assert texts[FORMULA] == "s"
    own = ("=SUM(", "=SUMIF(", "=SUMPRODUCT(", "=(1+", "=IF(", "=MAX(", "=-SUM(", "=result_npv!")
    for sheet in book.worksheets:
        for row in sheet.iter_rows():
            for cell in row:
                if cell.data_type == "f":
                    assert sheet.title.startswith("result_"), (sheet.title, cell.coordinate)
                    assert "cmd" not in str(cell.value)
                    assert "HYPERLINK" not in str(cell.value)
                    assert str(cell.value).startswith(own) or cell.column > 3 or sheet.title == "result_years", (
                        cell.value
                    )


def test_sheets_have_frozen_headers_filters_formats_and_charts(written: Callable[[str], Path]) -> None:
    book = openpyxl.load_workbook(written("starting"))
    for name in (
        "result_allocation", "result_sites", "result_leases", "result_power", "result_prices", "result_cashflow",
        "leases", "power",
    ):
        sheet = book[name]
        assert sheet.freeze_panes is not None, name
        assert sheet.auto_filter.ref, name
    heads = [cell.value for cell in book["result_sites"][1]]
    formats = {head: book["result_sites"].cell(2, place).number_format for place, head in enumerate(heads, start=1)}
    assert formats["npv_usd"].startswith("$#,##0")
    assert formats["contracted_mw"] == "#,##0.0"
    assert len(book["result_years"]._charts) == 2


def test_a_run_without_a_plan_makes_a_workbook(written: Callable[[str], Path]) -> None:
    book = openpyxl.load_workbook(written("infeasible"))
    assert "result_npv" not in book.sheetnames
    texts = [str(cell.value) for row in book["result_summary"].iter_rows() for cell in row if cell.value is not None]
    assert any("infeasible" in text for text in texts)


@pytest.mark.parametrize("name", ["starting", "harmful"])
def test_libreoffice_calculates_the_same(
    recalculated: Callable[[Path], Path], written: Callable[[str], Path], made: Made, name: str
) -> None:
    kept = openpyxl.load_workbook(written(name), data_only=True)
    formulas = openpyxl.load_workbook(written(name))
    anew = openpyxl.load_workbook(recalculated(written(name)), data_only=True)
    assert anew["result_npv"][NPV].value == pytest.approx(made(name)[2].npv_usd, rel=1e-9)
    compared = 0
    for sheet in formulas.worksheets:
        for row in sheet.iter_rows():
            for cell in row:
                if cell.data_type == "f":
                    assert anew[sheet.title][cell.coordinate].value == pytest.approx(
                        kept[sheet.title][cell.coordinate].value, rel=1e-9, abs=1e-2
                    ), (sheet.title, cell.coordinate)
                    compared += 1
    assert compared > 500


def test_libreoffice_follows_a_change(
    recalculated: Callable[[Path], Path], written: Callable[[str], Path], tmp_path: Path
) -> None:
    book = openpyxl.load_workbook(written("starting"))
    book["result_npv"]["B2"].value = 0.2
    book.save(tmp_path / "dearer.xlsx")
    anew = openpyxl.load_workbook(recalculated(tmp_path / "dearer.xlsx"), data_only=True)["result_npv"]
    rows = {row[0].value: [cell.value for cell in row[3:]] for row in anew.iter_rows(min_row=9)}
    flow = pd.DataFrame(
        {"net": rows["net, after tax"], "first": rows["first month"], "months": rows["months"]}
    ).astype(float)
    expected = float((flow["net"] * 1.2 ** -((flow["first"] + flow["months"] / 2.0) / 12.0)).sum())
    assert anew[NPV].value == pytest.approx(expected, rel=1e-9)

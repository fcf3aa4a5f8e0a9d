"""Every verb and the report on cases at the edge of nothing: no crash, no name lost, and plain words where there is
nothing to say."""

from __future__ import annotations

import json
from pathlib import Path

import openpyxl
import pytest
from command_line import Run
from odd_cases import CASES, write_odd_case


@pytest.fixture(
    params=[name if name == "nothing is worth doing" else pytest.param(name, marks=pytest.mark.slow) for name in CASES]
)
def odd(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return write_odd_case(request.param, tmp_path / "case")


def test_every_verb_answers(run: Run, odd: Path, tmp_path: Path) -> None:
    base, gpus = tmp_path / "run", (odd / "gpus.csv").exists()
    stresses = (odd / "stresses.csv").exists()
    assert run("check", odd).code == 0
    planned = run("plan", odd, "--out", base)
    assert planned.code == 0, planned
    assert "to be decided within two quarters" in planned.out
    assert "to be decided within two quarters" in run("plan", odd, "--prices", "none", "--details").out
    assert run(
        "plan", odd, "--prices", "full", "--risk-weight", "0.5", "--scenarios", "4", "--out", tmp_path / "careful"
    ).code == 0
    assert run("frontier", odd, "--weights", "0,1", "--scenarios", "4", "--out", tmp_path / "frontier").code == 0
    assert run("alternatives", odd, "--out", tmp_path / "alternatives").code == 0
    assert run("breakeven", odd).code == 0
    beside: list[object] = ["--frontier", tmp_path / "frontier"]
    if gpus:
        assert run(
            "quote", odd, "--gpu", "1e5", "--gpus", "10", "--start", "2027-07", "--term", "6", "--out",
            tmp_path / "quote",
        ).code == 0
        beside += ["--quotes", tmp_path / "quote"]
    if stresses:
        assert run("sweep", odd, "--stresses", "--workers", 1, "--out", tmp_path / "sweep").code == 0
        beside += ["--sweep", tmp_path / "sweep"]
    scored = run("score", odd, "--portfolios", base / "portfolio.csv", "--scenarios", "4", "--out", tmp_path / "scores")
    if (base / "portfolio.csv").read_text().count("\n") > 1:
        assert scored.code == 0, scored
        assert "all futures are alike" in scored.out or "no price moves" in scored.out
        beside += ["--scores", tmp_path / "scores"]
    else:
        assert scored.code == 2
        assert "the plan does nothing" in scored.err
    reported = run("report", base, *beside, "--compare", tmp_path / "careful", "--out", tmp_path / "page")
    assert reported.code == 0, reported
    assert run("report", tmp_path / "careful", "--out", tmp_path / "page2").code == 0


def test_names_that_look_like_blanks_stay_names(run: Run, tmp_path: Path) -> None:
    case, base = write_odd_case("no market", tmp_path / "case"), tmp_path / "run"
    planned = run("plan", case, "--set", "lease_rates.usd_per_gpu_hour=9", "--out", base, "--json")
    assert json.loads(planned.out)["leases_won"] == ["NA", "None"]
    assert run("report", base, "--out", tmp_path / "page").code == 0
    book = openpyxl.load_workbook(tmp_path / "page" / "report.xlsx")
    sheet = book["result_leases"]
    head = [cell.value for cell in sheet[1]]
    assert [sheet.cell(row, head.index("lease_id") + 1).value for row in (2, 3)] == ["NA", "None"]
    decisions = {(row[1].value, row[2].value, row[3].value) for row in book["result_decisions"].iter_rows(min_row=2)}
    assert {name for _, _, name in decisions} <= {"null:007", "TRUE:1e3", "1e5", "nan", None}
    assert {site for _, site, _ in decisions} <= {"NA", "None"}
    page = (tmp_path / "page" / "report.html").read_text(encoding="utf-8")
    assert page.index('id="decisions"') < page.index('id="answer"')

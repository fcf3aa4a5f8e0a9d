"""`planner plan` says how its plan fares over many futures: on the screen, in its files and on its page."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cases.falling_market import CAPEX, LET, MULTIPLIERS, ON_DEMAND, WEIGHTS, futures_file, market_case
from command_line import Run

from planner.case.write import write_case

NPV = ON_DEMAND * MULTIPLIERS - CAPEX
MEAN, WORST = float(WEIGHTS @ NPV), float(NPV.min())  # the worst 5 % are the future of least NPV: its weight
GAIN = (LET - CAPEX) / MEAN - 1


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A case whose prices are given from outside, one whose prices are drawn, and a file of futures."""
    root = tmp_path_factory.mktemp("futures")
    write_case(market_case(), root / "given")
    write_case(market_case("gbm", volatility_per_year=0.5), root / "drawn")
    futures_file(root)
    return root


def test_a_file_of_futures_is_told_on_the_screen_in_the_files_and_on_the_page(
    run: Run, folder: Path, tmp_path: Path
) -> None:
    code, out, err = run("plan", folder / "given", "--futures", folder / "prices.csv", "--out", tmp_path / "run")
    assert code == 0, err
    assert f"mean ${MEAN / 1e6:.1f}M over 10 futures of prices.csv, P(loss) 15.0%" in out
    assert f"the worst 5% lose ${-WORST / 1e6:.1f}M (CVaR ${-WORST / 1e6:.1f}M)" in out
    assert f"a plan has a mean of at least ${(LET - CAPEX) / 1e6:.1f}M ({GAIN:.1%} more)" in out
    record = json.loads((tmp_path / "run" / "run.json").read_text())["futures"]
    assert record["expected_npv_usd"] == pytest.approx(MEAN, rel=1e-9)
    assert record["better_mean_npv_usd"] == pytest.approx(LET - CAPEX, rel=1e-9)
    assert not record["made_for_them"]
    assert run("report", tmp_path / "run", "--out", tmp_path / "report").code == 0
    page = (tmp_path / "report" / "report.html").read_text(encoding="utf-8")
    for words in ("Mean NPV over futures", "10 futures of prices.csv", f"({GAIN:.1%} more)", "P(loss)", "15.0%"):
        assert words in page, words


def test_a_case_with_factors_is_measured_unless_told_not_to(run: Run, folder: Path) -> None:
    told = run("plan", folder / "drawn", "--prices", "none")
    assert "over 500 futures, P(loss)" in told.out
    assert len(told.out.splitlines()) <= 40
    assert "over 50 futures" in run("plan", folder / "drawn", "--prices", "none", "--scenarios", 50).out
    for quiet in (("drawn", "--futures", "none"), ("given",), ("drawn", "--why", "L")):
        ended = run("plan", folder / quiet[0], "--prices", "none", *quiet[1:])
        assert ended.code == 0, ended.err
        assert "P(loss)" not in ended.out, quiet


def test_a_plan_after_risk_says_once_that_its_futures_are_its_own(run: Run, folder: Path, tmp_path: Path) -> None:
    ended = run(
        "plan", folder / "given", "--risk-weight", 0, "--futures", folder / "prices.csv", "--out", tmp_path / "run"
    )
    assert ended.code == 0, ended.err
    assert ended.out.count("P(loss)") == 1
    assert "P(loss) 0.0%" in ended.out  # the lease pays in every future
    assert "was made for these futures" in ended.out
    record = json.loads((tmp_path / "run" / "run.json").read_text())["futures"]
    assert record["made_for_them"]
    assert record["expected_npv_usd"] == pytest.approx(LET - CAPEX, rel=1e-9)
    assert record["better_mean_npv_usd"] is None


@pytest.mark.parametrize("other", [("--risk-weight", 0.5), ("--scenarios", 20), ("--alpha", 0.9)])
def test_no_futures_and_some_are_not_asked_for_at_once(run: Run, folder: Path, other: tuple[object, ...]) -> None:
    ended = run("plan", folder / "drawn", "--futures", "none", *other)
    assert ended.code == 2
    assert "leave it out" in ended.err



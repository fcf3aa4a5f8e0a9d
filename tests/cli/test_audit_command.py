"""`planner audit`: what it prints, what it returns, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from auditing.altered import altered
from command_line import Run

import planner
from planner.planning.options import PlanOptions

TINY = Path(__file__).resolve().parents[2] / "fixtures" / "tiny"


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """A run of the case that is solved by hand."""
    return planner.write_run(planner.plan(planner.read(TINY), PlanOptions(prices="none")), tmp_path / "run")


def test_an_agreement_to_the_cent(run: Run, base: Path) -> None:
    code, said, _ = run("audit", base, "--case", TINY)
    assert code == 0
    assert "NPV: 58,360,320.00 published, 58,360,320.00 in the ledger: the same" in said
    assert "all agree to 1e-9" in said
    assert "every basis is written off exactly once" in said


def test_a_cent_too_much_is_a_disagreement_with_its_place(run: Run, base: Path) -> None:
    altered(
        base, "cashflow",
        lambda rows: [
            {**row, "usd": str(float(row["usd"]) + 1000)} if (row["line"], row["month"]) == ("revenue", "7") else row
            for row in rows
        ],
    )
    code, said, _ = run("audit", base, "--case", TINY)
    assert code == 1
    assert "quarry 2025-08" in said
    assert "DOES NOT AGREE" in said
    code, said, _ = run("audit", base, "--case", TINY, "--json")
    assert code == 1
    assert json.loads(said)["disagreements"] == ["line revenue"]


def test_json_holds_lines_limits_and_laws(run: Run, base: Path) -> None:
    code, said, _ = run("audit", base, "--case", TINY, "--json")
    told = json.loads(said)
    assert (code, told["agrees"]) == (0, True)
    assert {line["line"] for line in told["lines"]} >= {"revenue", "capex", "tax"}
    assert all(each["broken"] == 0 for each in [*told["limits"], *told["laws"]])


def test_edits_of_the_run_are_made_again(run: Run, tmp_path: Path) -> None:
    out = tmp_path / "edited"
    assert run(
        "plan", TINY, "--out", out, "--prices", "none", "--set", "leases.max_size[alpha]=3000", "--set",
        "case.discount_rate=0.1", "--tail", "none", "--json",
    )[0] == 0
    code, said, _ = run("audit", out, "--case", TINY)
    assert code == 0, said


def test_what_is_no_run_another_case_and_spoilt_tables_are_refused(run: Run, base: Path, tmp_path: Path) -> None:
    code, _, complained = run("audit", TINY)
    assert code == 2
    assert "is not a run" in complained
    other = planner.read(TINY, ["case.discount_rate=0.2"])
    planner.write_case(other, tmp_path / "other")
    code, _, complained = run("audit", base, "--case", tmp_path / "other")
    assert code == 2
    assert "has changed since" in complained
    (base / "power.csv").write_text("", encoding="utf-8")
    code, _, complained = run("audit", base, "--case", TINY)
    assert code == 2
    assert "not as it was written" in complained


def test_a_run_without_a_plan_has_no_books(run: Run, tmp_path: Path) -> None:
    out = tmp_path / "none"
    assert run(
        "plan", TINY, "--out", out, "--set", "leases.committed[alpha]=yes", "--set", "leases.min_size[alpha]=6000",
        "--json",
    )[0] == 3
    code, _, complained = run("audit", out, "--case", TINY)
    assert code == 2
    assert "holds no plan" in complained

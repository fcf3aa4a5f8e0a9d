"""The ledger of the fixtures agrees with their plans."""

from __future__ import annotations

from pathlib import Path

import pytest
from auditing.audited import audited, told
from example_company import company, company_plan
from oracle.rich_case import rich_case

import planner
from kernels.lines import Line
from planner.auditing.agreement import audit
from planner.case.generate import generate_case
from planner.case.starting import starting_case
from planner.solver.options import SolverOptions

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures"


def test_the_case_solved_by_hand(tmp_path: Path) -> None:
    plan, agreement = audited(planner.read(FIXTURES / "tiny"), tmp_path / "run")
    assert agreement.agrees, told(agreement)
    assert agreement.worths[0].books_usd == pytest.approx(58_360_320.0, abs=0.005)
    assert plan.npv_usd == pytest.approx(58_360_320.0, abs=0.005)


@pytest.mark.parametrize("tail", ["contracted", "rented", "none"])
def test_the_case_that_planner_new_writes(tail: str, tmp_path: Path) -> None:
    _, agreement = audited(starting_case(), tmp_path / "run", tail=tail)
    assert agreement.agrees, told(agreement)


@pytest.mark.parametrize("tail", ["contracted", "rented", "none"])
@pytest.mark.parametrize("seed", [0, 1])
def test_a_case_with_every_kind_of_candidate(seed: int, tail: str, tmp_path: Path) -> None:
    _, agreement = audited(rich_case(seed, tail=tail, limited=seed == 1), tmp_path / "run")
    assert agreement.agrees, told(agreement)


def test_a_made_up_case_with_terms_of_contracts(tmp_path: Path) -> None:
    case = generate_case(sites=3, leases=15, skus=2, months=36, seed=4, contracts=True)
    plan, agreement = audited(case, tmp_path / "run", solver=SolverOptions(gap=1e-2))
    assert agreement.agrees, told(agreement)
    held = plan.allocation[plan.allocation["use"] == "serve"]
    assert (held["tranche"] != "").any()
    assert plan.statement.line(Line.SERVICES).sum() > 0.0
    families = {check.family for check in agreement.checks}
    assert {"tranche of a lease", "share of a customer in a year"} <= families


def test_promised_dates_and_equity(tmp_path: Path) -> None:
    _, agreement = audited(rich_case(2), tmp_path / "run", base="announced", equity=True)
    assert agreement.agrees, told(agreement)


@pytest.mark.slow
def test_the_example_company(tmp_path: Path) -> None:
    plan = company_plan()
    planner.write_run(plan, tmp_path / "run")
    agreement = audit(tmp_path / "run", company())
    assert agreement.agrees, told(agreement)
    assert agreement.worths[0].books_usd == pytest.approx(plan.npv_usd, abs=0.05)

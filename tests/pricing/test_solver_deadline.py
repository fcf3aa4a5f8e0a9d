"""A deadline for the solver holds wherever whole decisions are searched for: quotes, plans near the best, plans made
again for a price."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from oracle.tiny_case import cluster, grid, rate, site, tiny_case

import planner
from planner.case.case import Case
from planner.near_optimal.alternatives import alternatives
from planner.planning.make_plan import plan
from planner.planning.options import PlanOptions
from planner.pricing.deadline import Deadline
from planner.pricing.free_plan import FreePlan
from planner.solver.highs import HighsSolver
from planner.solver.model_arrays import ModelArrays
from planner.solver.options import SolverOptions
from planner.solver.own_process import OwnProcessSolver
from planner.solver.solution import Solution

LATE = PlanOptions(solver=SolverOptions(deadline_s=60.0))


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Columns of each model that went to a process of its own, which is solved here to spare starting it."""
    seen: list[int] = []

    def here(self: OwnProcessSolver, arrays: ModelArrays) -> Solution:
        seen.append(arrays.columns)
        return HighsSolver(replace(self.choices, deadline_s=None)).solve_arrays(arrays)

    monkeypatch.setattr(OwnProcessSolver, "solve_arrays", here)
    return seen


@pytest.fixture(scope="module")
def case() -> Case:
    """Two sites, power to be had only whole, and a lease that is taken whole."""
    return tiny_case(
        sites=[site(mw=2.0), site("b", mw=1.0, opening_cost_usd=1e5)],
        power=[grid(mw=1.5), grid("b", mw=1.25, lumpy=True, fee_usd_per_kw_month=20, take_or_pay=1.0)],
        leases=[cluster("old", size=900), cluster("whole", size=300, all_or_nothing=True)],
        lease_rates=[rate("old", 2.4), rate("whole", 2.1)],
    )


def test_a_quote(case: Case, asked: list[int]) -> None:
    terms = {"name": "new", "gpu": "gpu", "gpus": 200.0, "start": "2027-01", "term_months": 24, "all_or_nothing": True}
    guarded = planner.quote(case, options=LATE, **terms)
    assert len(asked) >= 2  # the plan without it, and with it
    free = planner.quote(case, **terms)
    assert guarded.floor == pytest.approx(free.floor, rel=1e-3)
    assert guarded.low <= free.high * (1 + 1e-9)
    assert free.low <= guarded.high * (1 + 1e-9)


def test_plans_near_the_best(case: Case, asked: list[int]) -> None:
    found = alternatives(plan(case, LATE), within=0.05, count=1)
    assert len(asked) >= 3  # the plan, a site without, a plan that differs
    assert set(found.sites["site_id"]) == {"a", "b"}


def test_a_plan_made_again_for_a_price(case: Case, asked: list[int]) -> None:
    made = plan(case)
    assert made.levels is not None
    assert not asked
    again = FreePlan.of(made.candidates, made.levels, LATE.solver, Deadline(), limits_rise=False).again()
    assert len(asked) == 1
    assert again is not None
    assert made.objective_usd is not None
    assert np.isclose(again.npv_usd, made.objective_usd, rtol=1e-4)

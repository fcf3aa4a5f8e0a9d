"""Floors without whole decisions: a walk that is given up, what no rate can buy, and leases that are kept in part."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
from oracle.tiny_case import cluster, grid, rate, site, tiny_case
from scipy.optimize import brentq

from planner.case.case import Case
from planner.planning.make_plan import plan
from planner.planning.options import PlanOptions
from planner.quoting import rate_line
from planner.quoting.floor import Answer
from planner.quoting.quote import Quote, quote
from planner.solver.options import SolverOptions
from planner.solver.solution import Solution

RELAXED = SolverOptions(relax=True)


def case(leases: list[dict[str, Any]] | None = None, rates: list[dict[str, Any]] | None = None, **rows: Any) -> Case:
    """Power and halls for 1,400 GPUs, wanted by two leases and a market."""
    return tiny_case(**{
        "sites": [site(mw=2.0), site("b", mw=0.8)], "power": [grid(mw=2.5), grid("b", mw=1.0)],
        "leases": [cluster("old", size=900, all_or_nothing=True), cluster("older", size=300), *(leases or [])],
        "lease_rates": [rate("old", 2.4), rate("older", 1.9), *(rates or [])],
        "market": [{"gpu_id": "gpu", "usd_per_gpu_hour": 1.9, "depth_gpus": 200, "utilisation": 0.8}], **rows,
    })


def asked(given: Case, gpus: float = 500.0, **terms: Any) -> Quote:
    return quote(
        given, name="new", gpu="gpu", gpus=gpus, start="2027-01", term_months=24, options=PlanOptions(solver=RELAXED),
        **terms,
    )


def test_a_walk_that_is_given_up_begins_again(monkeypatch: pytest.MonkeyPatch) -> None:
    walked = asked(case(), gpus=180.0)
    monkeypatch.setattr(rate_line, "LONG_WALK", 0)
    monkeypatch.setattr(rate_line, "LONG_WALK_BY_ROW", 0.0)
    again = asked(case(), gpus=180.0)
    pd.testing.assert_frame_equal(walked.curve, again.curve, rtol=1e-8)
    assert again.keeping.rate == pytest.approx(walked.keeping.rate, rel=1e-8)
    assert walked.keeping.rate > 0.0


@pytest.mark.parametrize("terms", [{}, {"prepay_fraction": 0.3}], ids=["plain", "with a prepayment in the budget"])
def test_what_no_rate_can_buy_is_seen_at_the_first_rate(
    terms: dict[str, float], monkeypatch: pytest.MonkeyPatch
) -> None:
    solved: list[float] = []
    known = rate_line.RateLine._solution

    def counted(self: rate_line.RateLine, piece: Any, usd: float) -> Solution:
        solved.append(usd)
        return known(self, piece, usd)

    monkeypatch.setattr(rate_line.RateLine, "_solution", counted)
    found = asked(case(budget=[{"quarter": "2027-Q1", "new_capital_usd": 80e6}]), gpus=2_400.0, **terms)
    assert found.answer is Answer.NEVER
    assert found.curve["floor"].notna().tolist() == [True, True, False, False]
    assert len(solved) <= 12  # two sizes that can be had, and one rate for each that cannot


def test_leases_are_kept_as_far_as_a_relaxed_plan_serves_them() -> None:
    """Beside a better one a lease taken whole or not at all has room for a part: that is kept. Brute force fixes it and
    bisects the rate."""
    rows: dict[str, Any] = {"power": [grid(mw=2.5), grid("b", mw=0.5)], "market": []}
    held = {
        "leases": [cluster("old", size=900, all_or_nothing=True, sites="a"), cluster("rich", size=500, sites="a")],
        "lease_rates": [rate("old", 2.4), rate("rich", 3.0)],
    }
    found = asked(tiny_case(sites=[site(mw=2.0), site("b", mw=0.8)], **held, **rows), gpus=100.0)
    base = plan(tiny_case(sites=[site(mw=2.0), site("b", mw=0.8)], **held, **rows), solver=RELAXED)
    served = float(base.allocation.query("lease_id == 'old'")["gpus"].sum())
    assert served == pytest.approx(500.0, rel=1e-6)
    assert base.objective_usd is not None

    def worth(usd: float) -> float:
        both = {
            "leases": [*held["leases"], cluster("new", size=100)],
            "lease_rates": [*held["lease_rates"], rate("new", usd)],
        }
        at = tiny_case(sites=[site(mw=2.0), site("b", mw=0.8)], **both, **rows)
        made = plan(
            at, solver=RELAXED,
            fixes=[f"leases.size[old]={served * (1 - 1e-7)!r}", "leases.size[rich]=500", "leases.size[new]=100"],
        )
        assert made.objective_usd is not None
        return made.objective_usd - base.objective_usd

    assert found.keeping.rate == pytest.approx(brentq(worth, 0.1, 20.0, rtol=1e-7), rel=1e-5)

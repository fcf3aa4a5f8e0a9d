"""One flow, one rate: plans, scores and their words agree, whatever lies behind the last cash."""

from __future__ import annotations

import numpy as np
import pytest
from oracle.tiny_case import cluster, grid, hall, rate, site, sku, tiny_case
from scipy.optimize import brentq

import planner
from kernels.irr import IrrStatus
from planner.candidates.reach.within import BeyondReach
from planner.case.case import Case
from planner.case.edits import apply_edits
from planner.plans.rate_of_return import rates_of_return
from planner.wording import irr_text


def evergreen(term_months: int) -> Case:
    """GPUs bought at once that earn for two years, on power whose contract goes on for many."""
    return tiny_case(
        months=24, tail="contracted", sites=[site("s")], power=[grid("s", term_months=term_months)],
        gpus=[sku(capex_usd=8_000)],
        leases=[cluster("L", size=100)], lease_rates=[rate("L", 2.0)],
    )


def monthly(found: planner.Plan) -> np.ndarray:
    assert (found.statement.first_month[found.statement.net != 0.0] < 24).all()
    return found.statement.net[:24]


@pytest.mark.parametrize("term", [600, 999, 1200, 2400, 6000])
def test_the_rate_does_not_depend_on_how_long_an_idle_contract_runs(term: int) -> None:
    found = planner.plan(evergreen(term), prices="none")
    cash = monthly(found)
    expected = (1.0 + brentq(lambda r: float(cash @ (1.0 + r) ** -np.arange(24.0)), 1e-6, 1.0)) ** 12 - 1.0
    rate_found, status = found.statement.irr_per_year
    assert status is IrrStatus.ONE_ROOT
    assert rate_found == pytest.approx(expected, rel=1e-9)


def crossing() -> Case:
    """Halls let and power contracted far beyond the horizon: most of the cash lies in the years of the tail."""
    return tiny_case(
        months=24, tail="contracted",
        sites=[site("s", existing_it_mw=0.0, shell_capex_usd_per_kw=2500, build_lead_months=3)],
        power=[grid("s", term_months=101, fee_usd_per_kw_month=5)],
        leases=[hall("H", mw=1.5, rate=95.0, start="2027-06", term_months=84)],
    )


@pytest.mark.parametrize("case", [evergreen(1200), crossing()], ids=["evergreen", "crossing"])
def test_a_plan_scored_without_factors_has_the_rate_that_the_plan_says(case: Case) -> None:
    found = planner.plan(case, prices="none")
    scored = planner.score(case, found.portfolio, scenarios=3).table.iloc[0]
    assert scored["mean_npv_usd"] == pytest.approx(found.npv_usd, rel=1e-6)  # nothing moves: the same flow
    rate_found, status = found.statement.irr_per_year
    assert status is IrrStatus.ONE_ROOT
    assert scored["irr_status"] == status.name.lower()
    assert scored["irr_per_year"] == pytest.approx(rate_found, rel=1e-9)
    assert irr_text(scored["irr_per_year"], scored["irr_status"]) == irr_text(rate_found, status.name.lower())


def test_a_year_after_the_horizon_counts_at_its_middle() -> None:
    """Paid at the start, given back over a year of the tail: in all 1.1 times as much, 6 months after a horizon of
    12."""
    cash = np.zeros(24)
    cash[0], cash[12:] = -1000.0, 1100.0 / 12.0
    expected = brentq(lambda r: -1000.0 + 550.0 * ((1.0 + r) ** (-17 / 12) + (1.0 + r) ** (-18 / 12)), 0.0, 1.0)
    assert float(rates_of_return(cash, 12).rate) == pytest.approx(expected, rel=1e-12)
    together = rates_of_return(np.stack([cash, -cash, 0.0 * cash]), 12)
    assert [IrrStatus(int(status)) for status in together.status] == [
        IrrStatus.ONE_ROOT, IrrStatus.GAINS_FIRST, IrrStatus.ALL_ONE_SIGN
    ]


def test_what_sums_leave_of_nothing_is_no_root() -> None:
    flow = np.array([-1e9, *[3e7] * 60, 0.0, -1e-5])
    assert float(rates_of_return(flow, 100).rate) == pytest.approx(
        float(rates_of_return(flow[:-1], 100).rate), rel=1e-12
    )


def test_a_flow_that_gains_first_and_pays_late_has_no_return() -> None:
    found = rates_of_return(np.array([500.0, 400.0, 0.0, -0.001]), 4)
    assert IrrStatus(int(found.status)) is IrrStatus.GAINS_FIRST
    assert np.isnan(found.rate)
    assert irr_text(None, "gains_first") == "gains first"


def test_a_contract_without_end_in_sight_is_too_large_not_out_of_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLANNER_MEMORY", "2G")
    for term in (99_999, 999_999_999):
        with pytest.raises(BeyondReach, match="too large"):
            planner.plan(apply_edits(evergreen(600), [f"power.term_months[s_grid:1]={term}"]), prices="none")

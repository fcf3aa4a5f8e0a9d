"""Breakeven against a case worked out by hand, and against plans made at the rates that it names."""

from __future__ import annotations

from pathlib import Path

import numpy_financial as npf
import pytest
from oracle.tiny_case import cluster, grid, rate, site, sku, tiny_case

from kernels.lines import Line
from planner.case.faults import PlannerError
from planner.case.read import read_case
from planner.planning import Plan, plan
from planner.quoting.breakeven import COLUMNS, BreakevenOptions, breakeven

TINY = Path(__file__).parents[2] / "fixtures" / "tiny"
HOURS = 17_520


def test_the_case_solved_by_hand() -> None:
    """Per GPU of 1 kW: 20,000 less 2,000 of resale, 24 x 50 of upkeep, hall, energy, charge and fee; no discounting."""
    found = breakeven(read_case(TINY), BreakevenOptions(term_months=24, rate=2.0)).set_index("power_path")
    hall_2025, hall_from_2025 = 24 * 10, 36 * 10  # a standing hall is kept from the start of the case until it is closed
    on_grid = 18_000 + 1_200 + hall_2025 + HOURS / 1000 * 50 + 24 * 1.25 * 10
    on_cells = 18_000 + 1_200 + hall_from_2025 + HOURS / 1000 * 28 + 24 * 1.25 * 40
    assert found["rate_npv_zero"]["grid:p1"] == pytest.approx(on_grid / HOURS, rel=1e-12)
    assert found["rate_npv_zero"]["cells:p1"] == pytest.approx(on_cells / HOURS, rel=1e-12)
    assert found["npv_usd_per_gpu"]["grid:p1"] == pytest.approx(0.75 * (2.0 * HOURS - on_grid), rel=1e-12)
    assert found["breakeven_utilisation"]["grid:p1"] == pytest.approx(on_grid / HOURS / 2.0, rel=1e-12)
    assert found["breakeven_power_usd_per_mwh"]["grid:p1"] == pytest.approx((2.0 * HOURS - on_grid) / (HOURS / 1000), rel=1e-12)
    assert found["breakeven_residual_share"]["grid:p1"] == pytest.approx((2_000 - (2.0 * HOURS - on_grid)) / 20_000, rel=1e-9)
    assert found["rate_least_dscr"].isna().all()  # no debt


def planned(usd: float, **debt: object) -> Plan:
    """400 GPUs let for two years at a rate: all that the case can do, so the plan is the bundle 400 times."""
    rows = {
        "sites": [site(mw=2.0)], "power": [grid(mw=10.0, fee_usd_per_kw_month=12, take_or_pay=0.6, term_months=36)],
        "gpus": [sku(upkeep_usd_per_month=90)], "resale": [{"gpu_id": "gpu", "age_months": 0, "value_share": 0.6}, {"gpu_id": "gpu", "age_months": 24, "value_share": 0.2}],
        "leases": [cluster()], "lease_rates": [rate(usd=usd)], **debt,
    }
    return plan(tiny_case(**rows), fixes="leases.size[lease]=400")


def test_a_plan_at_the_rate_has_no_npv_and_earns_the_hurdle() -> None:
    (row,) = breakeven(planned(2.0).case, term_months=24, hurdle=0.25).to_dict("records")
    at_zero = planned(row["rate_npv_zero"])
    assert at_zero.npv_usd is not None
    assert abs(at_zero.npv_usd) < 1.0
    monthly = npf.irr(planned(row["rate_hurdle_irr"]).statement.net)
    assert (1.0 + monthly) ** 12 - 1.0 == pytest.approx(0.25, abs=1e-6)
    assert row["rate_hurdle_irr"] > row["rate_npv_zero"]


def test_cash_covers_debt_service_at_the_rate() -> None:
    debt = {"debt": [{"asset_class": "gpu", "advance_rate": 0.7, "interest_rate": 0.09, "tenor_months": 24}]}
    (row,) = breakeven(planned(2.0, **debt).case, term_months=24, least_dscr=1.4).to_dict("records")
    made = planned(row["rate_least_dscr"], **debt).statement
    resale = (1.0 - made.tax_rate) * made.line(Line.RESALE)
    running = made.net - made.line(Line.CAPEX) - resale
    service = -(made.line(Line.INTEREST) + made.line(Line.REPAYMENT))
    covers = [running[year : year + 12].sum() / service[year : year + 12].sum() for year in (0, 12)]
    assert min(covers) == pytest.approx(1.4, rel=1e-6)


def test_a_path_that_does_not_last_is_left_out() -> None:
    found = breakeven(read_case(TINY), term_months=60)
    assert found.empty
    assert list(found.columns) == list(COLUMNS)


def test_wrong_terms_are_refused() -> None:
    with pytest.raises(PlannerError, match="give 1 or more"):
        BreakevenOptions(term_months=0)

"""Breakeven against a case worked out by hand, and against plans made at the rates that it names."""

from __future__ import annotations

import math
from pathlib import Path

import numpy_financial as npf
import pytest
from oracle.tiny_case import cluster, grid, hall, rate, site, sku, tiny_case

from kernels.lines import Line
from planner.case.read import read_case
from planner.errors import PlannerError
from planner.planning.make_plan import plan
from planner.planning.plan import Plan
from planner.quoting.breakeven import COLUMNS, BreakevenOptions, breakeven

TINY = Path(__file__).parents[2] / "fixtures" / "tiny"
HOURS = 17_520


def test_the_case_solved_by_hand() -> None:
    """Per GPU of 1 kW: 20,000 less 2,000 of resale, 24 x 50 of upkeep, hall, energy, charge and fee; no discounting."""
    found = breakeven(read_case(TINY), BreakevenOptions(term_months=24, rate=2.0)).set_index("power_path")
    # a standing hall is kept from the start of the case until it is closed
    hall_2025, hall_from_2025 = 24 * 10, 36 * 10
    on_grid = 18_000 + 1_200 + hall_2025 + HOURS / 1000 * 50 + 24 * 1.25 * 10
    on_cells = 18_000 + 1_200 + hall_from_2025 + HOURS / 1000 * 28 + 24 * 1.25 * 40
    assert found["rate_npv_zero"]["grid:p1"] == pytest.approx(on_grid / HOURS, rel=1e-12)
    assert found["rate_npv_zero"]["cells:p1"] == pytest.approx(on_cells / HOURS, rel=1e-12)
    assert found["npv_usd_per_unit"]["grid:p1"] == pytest.approx(0.75 * (2.0 * HOURS - on_grid), rel=1e-12)
    assert found["breakeven_utilisation"]["grid:p1"] == pytest.approx(on_grid / HOURS / 2.0, rel=1e-12)
    assert found["breakeven_power_usd_per_mwh"]["grid:p1"] == pytest.approx(
        (2.0 * HOURS - on_grid) / (HOURS / 1000), rel=1e-12
    )
    assert found["breakeven_residual_share"]["grid:p1"] == pytest.approx(
        (2_000 - (2.0 * HOURS - on_grid)) / 20_000, rel=1e-9
    )
    assert found["rate_least_dscr"].isna().all()  # no debt


def planned(usd: float, **debt: object) -> Plan:
    """400 GPUs let for two years at a rate: all that the case can do, so the plan is the bundle 400 times."""
    rows = {
        "sites": [site(mw=2.0)], "power": [grid(mw=10.0, fee_usd_per_kw_month=12, take_or_pay=0.6, term_months=36)],
        "gpus": [sku(upkeep_usd_per_month=90)],
        "resale": [
            {"gpu_id": "gpu", "age_months": 0, "value_share": 0.6},
            {"gpu_id": "gpu", "age_months": 24, "value_share": 0.2},
        ],
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


def test_a_hall_let_solved_by_hand() -> None:
    """Per MW let for a year, half of it until June: a standing hall kept for it, energy, and 1.25 MW of power whose
    half fee runs for two years."""
    case = tiny_case(
        sites=[site(pue=1.2, load_factor=0.75, opex_usd_per_kw_month=10)],
        settings={"discount_rate": 0.0, "tax_rate": 0.25},
        power=[grid(fee_usd_per_kw_month=20, take_or_pay=0.5, term_months=36)],
        leases=[hall("tenant", rate=100.0, term_months=12, energy_by="landlord")],
        lease_ramp=[
            {"lease_id": "tenant", "month_of_term": month, "size_share": 0.5, "rate_share": 1.0} for month in range(6)
        ],
    )
    (row,) = breakeven(case).query("lease_id == 'tenant'").to_dict("records")
    hours = 181 * 24 * 0.5 + 184 * 24
    kept, mwh, due, used = 12 * 10_000, hours * 0.75 * 1.2, 24 * 0.5 * 25_000, 9 * 0.5 * 25_000
    cost, income = kept + mwh * 30 + due + used, 9 * 1_000
    assert (
        row["site_id"], row["power_path"], row["rate_unit"], row["from"], row["to"]
    ) == ("a", "a_grid:1", "$/kW-month", "2027-01", "2027-12")
    assert row["rate_npv_zero"] == pytest.approx(cost / income, rel=1e-12)
    assert row["rate_npv_zero_months_used"] == pytest.approx((cost - due / 2) / income, rel=1e-12)
    assert (row["at_rate"], row["npv_usd_per_unit"]) == (100.0, pytest.approx(0.75 * (100 * income - cost), rel=1e-12))
    assert row["breakeven_utilisation"] == pytest.approx(cost / income / 100, rel=1e-12)
    assert row["breakeven_power_usd_per_mwh"] == pytest.approx((100 * income - cost) / mwh, rel=1e-12)
    assert row["breakeven_fees_times"] == pytest.approx((100 * income - kept - mwh * 30) / (due + used), rel=1e-12)
    assert math.isnan(row["breakeven_residual_share"])


def test_a_tenant_who_pays_for_energy_leaves_no_price_of_power_to_break_even() -> None:
    case = tiny_case(sites=[site()], power=[grid()], leases=[hall("tenant")])
    (row,) = breakeven(case).query("lease_id == 'tenant'").to_dict("records")
    assert math.isnan(row["breakeven_power_usd_per_mwh"])


def hosted(usd: float, **rows: object) -> Plan:
    """1 MW of a new hall let for two years at a rate that rises, energy included: all that the case can do."""
    given = {
        "sites": [
            site(
                mw=1.0, existing_it_mw=0.0, build_lead_months=0, shell_capex_usd_per_kw=1_500, opex_usd_per_kw_month=8,
                pue=1.3, load_factor=0.8,
            )
        ],
        "power": [grid(fee_usd_per_kw_month=12, take_or_pay=0.6, term_months=36, capex_usd_per_kw=200)],
        "leases": [hall("tenant", rate=usd, energy_by="landlord", escalator=0.03)], **rows,
    }
    return plan(tiny_case(**given), fixes="leases.size[tenant]=1")


def let(found: Plan, **choices: float) -> dict[str, float]:
    (row,) = breakeven(found.case, **choices).query("lease_id == 'tenant'").to_dict("records")
    return row


def test_a_case_built_again_at_the_rate_of_a_hall() -> None:
    """A plan at each rate, at the dearer power and at the higher fees that the table names."""
    row = let(hosted(150.0), hurdle=0.3)
    assert hosted(row["rate_npv_zero"]).npv_usd == pytest.approx(0.0, abs=1.0)
    assert hosted(150.0).npv_usd == pytest.approx(row["npv_usd_per_unit"], rel=1e-9)
    monthly = npf.irr(hosted(row["rate_hurdle_irr"]).statement.net)
    assert (1.0 + monthly) ** 12 - 1.0 == pytest.approx(0.3, abs=1e-6)
    power = grid(fee_usd_per_kw_month=12, take_or_pay=0.6, term_months=36, capex_usd_per_kw=200)
    dearer = {**power, "energy_usd_per_mwh": power["energy_usd_per_mwh"] + row["breakeven_power_usd_per_mwh"]}
    assert hosted(150.0, power=[dearer]).npv_usd == pytest.approx(0.0, abs=1.0)
    higher = {**power, "fee_usd_per_kw_month": power["fee_usd_per_kw_month"] * row["breakeven_fees_times"]}
    assert hosted(150.0, power=[higher]).npv_usd == pytest.approx(0.0, abs=1.0)


def test_the_rent_of_a_hall_covers_its_debt_service() -> None:
    debt = {"debt": [{"asset_class": "shell", "advance_rate": 0.6, "interest_rate": 0.08, "tenor_months": 24}]}
    row = let(hosted(100.0, **debt), least_dscr=1.3)
    made = hosted(row["rate_least_dscr"], **debt).statement
    resale = (1.0 - made.tax_rate) * made.line(Line.RESALE)
    running = made.net - made.line(Line.CAPEX) - resale
    service = -(made.line(Line.INTEREST) + made.line(Line.REPAYMENT))
    covers = [running[year : year + 12].sum() / service[year : year + 12].sum() for year in (0, 12)]
    assert min(covers) == pytest.approx(1.3, rel=1e-6)


def test_a_path_that_does_not_last_is_left_out() -> None:
    found = breakeven(read_case(TINY), term_months=60)
    assert found.empty
    assert list(found.columns) == list(COLUMNS)


def test_wrong_terms_are_refused() -> None:
    with pytest.raises(PlannerError, match="give 1 or more"):
        BreakevenOptions(term_months=0)

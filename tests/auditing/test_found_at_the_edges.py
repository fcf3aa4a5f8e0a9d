"""What cases at the edges brought to light: figures by hand, and the ledger beside them."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from auditing.audited import audited, told
from auditing.small import small_case

from planner.case.settings import Depreciation

LATE = {
    "status": "approved", "energised": "2026-12", "delay_low_months": 0, "delay_mode_months": 0, "delay_high_months": 0,
    "delay_damages_usd_per_kw_month": 5,
}


def test_a_lead_that_is_past_earns_no_damages(tmp_path: Path) -> None:
    """Promised before the start and not signed, with five months of lead: it comes in month 5 because it is signed
    late, and nobody owes for that."""
    plan, agreement = audited(
        small_case(power={**LATE, "lead_months": 5}, leases=None, lease_rates=None, customers=None), tmp_path / "run"
    )
    assert plan.npv_usd == pytest.approx(0.0, abs=1e-6)
    assert agreement.agrees, told(agreement)


def test_damages_end_with_what_is_counted(tmp_path: Path) -> None:
    """Without a tail nothing is paid after the horizon: 1 MW that comes 12 months late and 8 after the horizon owes 4
    months at $5,000."""
    power = {
        **LATE, "energised": "2027-09", "delay_low_months": 12, "delay_mode_months": 12, "delay_high_months": 12,
        "committed_mw": 1, "guaranteed_mw": 1,
    }
    plan, agreement = audited(
        small_case(settings={"tail": "none", "months": 12}, power=power, leases=None, lease_rates=None, customers=None),
        tmp_path / "run",
    )
    assert plan.npv_usd == pytest.approx(4 * 5_000.0)
    assert agreement.agrees, told(agreement)


def test_the_fleets_write_off_does_not_depend_on_the_length_of_the_case(tmp_path: Path) -> None:
    """A basis of $480 a GPU, 12 of 60 months gone: $10 a month whatever is counted; 100 GPUs and 25 % of tax, 11 months
    of $250, then all that is left."""
    case = small_case(
        settings={
            "tail": "none", "months": 12, "tax_rate": 0.25,
            "depreciation": {
                "gpu": Depreciation("straight_line", 5.0, 0.0), "shell": Depreciation(), "power": Depreciation()
            },
        },
        fleet=[{"site_id": "s", "gpu_id": "g", "gpus": 100, "bought": "2026-01", "tax_basis_usd_per_gpu": 480}],
        gpus={"life_months": 60},
        leases=None, lease_rates=None, customers=None,
    )
    plan, agreement = audited(case, tmp_path / "run")
    monthly = [
        -cash for cash in sorted(-row["usd"] for row in plan.cashflow.to_dict("records") if row["line"] == "tax")
    ]
    assert agreement.agrees, told(agreement)
    assert sum(monthly) == pytest.approx(0.25 * 48_000)
    assert [usd for usd in monthly if usd == pytest.approx(250.0)] == pytest.approx([250.0] * 11)


def test_amounts_that_cancel_are_nothing_to_a_solver(tmp_path: Path) -> None:
    """A loan of the whole capex leaves no capital to raise: the budget of nothing is kept, and the case is no riddle of
    units."""
    case = small_case(
        gpus={"capex_usd": 1234567.89, "deposit_fraction": 0.3}, lease_rates={"usd_per_gpu_hour": 250.0},
        debt=[{"asset_class": "gpu", "advance_rate": 1, "interest_rate": 0.07, "tenor_months": 7}],
        budget=[{"quarter": "2027-Q1", "new_capital_usd": 0}, {"quarter": "2028-Q4", "cash_floor_usd": 0}],
    )
    plan, agreement = audited(case, tmp_path / "run")
    assert plan.npv_usd == pytest.approx(100 * (250 * 730 * 12 - 1234567.89))
    assert agreement.agrees, told(agreement)


@pytest.mark.parametrize("tax_rate", [0.0, 0.25])
def test_what_is_added_to_power_that_flows_already_is_bought_now(tax_rate: float, tmp_path: Path) -> None:
    """0.7 MW signed and powered since last month, 0.3 MW added at the start at $20 a kW: 30 % of $6,000 is credited
    now, and all of it written off from now on.

    With tax on it nothing changes in sum: income of 1,000 GPUs for a year less GPUs and plant, and the credit.
    """
    power = {
        **LATE, "committed_mw": 0.7, "guaranteed_mw": 1, "capex_usd_per_kw": 20, "tax_credit": 0.3,
        "delay_damages_usd_per_kw_month": 0,
    }
    slow = Depreciation("straight_line", 1.0, 0.0)
    case = small_case(
        settings={"tail": "none", "tax_rate": tax_rate, "depreciation": {"gpu": slow, "shell": slow, "power": slow}},
        power=power, leases={"max_size": 1000, "min_size": 1000},
    )
    plan, agreement = audited(case, tmp_path / "run")
    earned = 1000 * (730 * 12 - 1000) - 6_000
    assert plan.npv_usd == pytest.approx((1 - tax_rate) * earned + 1_800)
    assert agreement.agrees, told(agreement)


def test_no_more_minimum_take_is_paid_than_is_not_drawn(tmp_path: Path) -> None:
    """In fifty years a dollar at 100 % is worth nothing to a solver, but it is published: 7 of 10 MW are committed, 40
    % of them taken or paid."""
    power = {
        "term_months": 636, "min_take": 0.4, "energy_usd_per_mwh": 40.0, "committed_mw": 7, "status": "approved",
        "energised": "2027-01", "delay_low_months": 0, "delay_mode_months": 0, "delay_high_months": 0,
    }
    case = small_case(
        settings={"discount_rate": 1.0, "months": 12}, power=power, leases={"max_size": 1000, "min_size": 1000},
        gpus={"life_months": 12},
    )
    plan, agreement = audited(case, tmp_path / "run")
    assert agreement.agrees, told(agreement)
    energy = plan.cashflow[plan.cashflow["line"] == "energy"]["usd"].sum()
    hours = 24 * (date(2080, 1, 1) - date(2027, 1, 1)).days
    assert energy == pytest.approx(-40.0 * 2.8 * hours)


def test_an_empty_hall_is_charged_nothing(tmp_path: Path) -> None:
    """A hall of 1 MW offered by half and renewed by a quarter of that: energy and income of a year by a half, of the
    next by an eighth."""
    hall = {
        "lease_id": "l", "customer_id": "c", "kind": "hosting", "size_unit": "it_mw", "start": "2027-01",
        "term_months": 12, "max_size": 1, "usd_per_kw_month": 100, "energy_by": "landlord", "offer_probability": 0.5,
        "renewal_term_months": 12, "renewal_probability": 0.25,
    }
    plan, agreement = audited(
        small_case(power={"energy_usd_per_mwh": 50}, leases=[hall], lease_rates=None), tmp_path / "run"
    )
    year, next_year = 1_200_000 - 50 * 24 * 365, 1_200_000 - 50 * 24 * 366
    assert plan.npv_usd == pytest.approx(0.5 * year + 0.125 * next_year, rel=1e-12)
    assert agreement.agrees, told(agreement)


def test_an_offer_that_may_not_come_is_kept_by_the_ledger(tmp_path: Path) -> None:
    """A cluster with a prepayment, a ramp and a next term, offered by 0.6 and then in part, and let again else."""
    lease = {"offer_probability": 0.6, "prepay_fraction": 0.2, "renewal_term_months": 6, "renewal_probability": 0.5}
    market = [{"gpu_id": "g", "tier": 1, "usd_per_gpu_hour": 0.7, "utilisation": 0.8, "depth_gpus": 50}]
    ramp = [{"lease_id": "l", "month_of_term": 0, "size_share": 0.5, "rate_share": 0.8}]
    sizes = [
        {"factor_id": "size", "model": "triangular", "drives": "offered_size[l]", "low": 0.5, "mode": 0.9, "high": 1},
        {"factor_id": "more", "model": "discrete", "drives": "offered_size[l]", "outcomes": "0.5:0.25;1:0.75"},
    ]
    plan, agreement = audited(
        small_case(leases=lease, market=market, lease_ramp=ramp, factors=sizes), tmp_path / "run"
    )
    assert plan.npv_usd > 0.0
    assert agreement.agrees, told(agreement)

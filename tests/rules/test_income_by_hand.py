"""Income and limits on money by hand: on-demand windows, prepayments and defaults, networks, cash floors, tax years."""

from __future__ import annotations

import math

import pytest
from rules.hand_case import cash, gpu, hand_case, lease, once, phase, plan, rate

DEMAND = [{"gpu_id": "g", "usd_per_gpu_hour": 1, "utilisation": 1, "depth_gpus": 100}]
DAYS_2027 = 365
JANUARY, FEBRUARY = 31, 29


@pytest.mark.parametrize(
    ("term", "life", "days"),
    [(14, 24, DAYS_2027 + JANUARY + FEBRUARY), (24, 13, DAYS_2027 + JANUARY), (1, 24, 31), (24, 1, 31)]
)
def test_gpus_are_sold_on_demand_until_their_power_or_their_life_ends(term, life, days):
    found = plan(
        hand_case(
            power=[phase(term_months=term)], gpus=[gpu(life_months=life, capex_usd=500)], market=DEMAND,
            gpu_supply=once(),
        )
    )
    assert found.npv_usd == pytest.approx(100 * (24 * days - 500), rel=1e-12)


def test_a_lease_begun_late_frees_its_gpus_on_any_month():
    """No power before March: a lease due in January runs from delivery for 5 months, March to July; then the GPUs go on
    demand."""
    leases = [lease(term_from="delivery", term_months=5, late_grace_months=3, min_size=100, committed=True)]
    power = [
        phase(status="approved", energised="2027-03", delay_low_months=0, delay_mode_months=0, delay_high_months=0)
    ]
    found = plan(
        hand_case(
            months=12, power=power, leases=leases, lease_rates=[rate(usd=2.0)], market=DEMAND,
            gpus=[gpu(life_months=24, capex_usd=1)], gpu_supply=once(),
        )
    )
    rest = 31 + 30 + 31 + 30 + 31  # August to December
    assert found.npv_usd == pytest.approx(100 * (730 * 2 * 5 + 24 * rest - 1), rel=1e-12)


def test_mining_runs_until_its_power_ends():
    mining = [{"site_id": "s", "utility_mw": 10, "joules_per_th": 24, "uptime": 1, "hashprice_usd_per_ph_day": 57.6}]
    # $57.6 a PH/s and day at 24 J/TH: 57.6 / (0.024 x 24) = $100 per MWh.
    found = plan(hand_case(power=[phase(term_months=14)], mining=mining))
    assert found.npv_usd == pytest.approx(10 * 100 * 24 * (DAYS_2027 + JANUARY + FEBRUARY), rel=1e-12)


RISKY = [{"customer_id": "c", "default_rate_per_year": 0.5, "recovery": 0}]


def _alive(months: float) -> float:
    """Survival of a customer of whom half default in a year."""
    return 0.5 ** (months / 12)


def test_a_prepayment_stays_when_the_customer_defaults():
    """All of a year is in the bank on the first day."""
    leases = [lease(term_months=12, prepay_fraction=1)]
    found = plan(
        hand_case(
            months=12, customers=RISKY, leases=leases, lease_rates=[rate()], gpus=[gpu(capex_usd=1, life_months=12)]
        )
    )
    assert found.npv_usd == pytest.approx(100 * (730 * 12 - 1), rel=1e-12)
    unpaid = plan(
        hand_case(
            months=12, customers=RISKY, leases=[lease(term_months=12)], lease_rates=[rate()],
            gpus=[gpu(capex_usd=1, life_months=12)],
        )
    )
    assert unpaid.npv_usd == pytest.approx(100 * (sum(730 * _alive(month + 0.5) for month in range(12)) - 1), rel=1e-12)


@pytest.mark.parametrize(("share", "recovery"), [(0.25, 0.0), (0.5, 0.4), (1.0, 0.4)])
def test_what_is_recovered_counts_on_what_was_not_prepaid(share, recovery):
    customers = [{**RISKY[0], "recovery": recovery}]
    leases = [lease(start="2027-07", term_months=6, prepay_fraction=share, min_size=100, committed=True)]
    found = plan(
        hand_case(
            months=12, customers=customers, leases=leases, lease_rates=[rate()], gpus=[gpu(capex_usd=0, life_months=12)]
        )
    )
    month, paid_by = 73_000.0, _alive(6)
    prepaid = share * 6 * month * paid_by
    billed = sum((1 - share) * month * _alive(at + 0.5) for at in range(6, 12))
    # A customer that defaulted before the start owes all of a month, one that paid in advance only the rest.
    recovered = sum(
        recovery * month * (1 - paid_by + (1 - share) * (paid_by - _alive(at + 0.5))) for at in range(6, 12)
    )
    assert found.npv_usd == pytest.approx(prepaid + billed + recovered, rel=1e-12)
    assert sum(cash(found, "prepayment").values()) == pytest.approx(0.0, abs=1e-6)


def test_a_customer_that_surely_defaults_pays_what_is_recovered_from_the_first_month_on():
    customers = [{"customer_id": "c", "default_rate_per_year": 1, "recovery": 0.5}]
    found = plan(
        hand_case(
            months=12, customers=customers, leases=[lease(term_months=12)], lease_rates=[rate()],
            gpus=[gpu(capex_usd=1, life_months=12)],
        )
    )
    assert found.npv_usd == pytest.approx(100 * (0.5 * 730 * 12 - 1), rel=1e-12)


def test_a_prepayment_that_is_kept_is_taxed():
    settings = {"tax_rate": 0.25}
    leases = [lease(term_months=12, prepay_fraction=1)]
    found = plan(
        hand_case(
            months=12, customers=RISKY, leases=leases, lease_rates=[rate()], gpus=[gpu(capex_usd=1, life_months=12)],
            settings=settings,
        )
    )
    assert found.npv_usd == pytest.approx(0.75 * 100 * (730 * 12 - 1), rel=1e-12)


@pytest.mark.parametrize(("billing", "hours"), [("730", 730 * 12), ("actual", 8_760)])
def test_a_network_costs_the_hours_that_the_lease_bills(billing, hours):
    links = [{"site_id": "s", "lease_id": "L", "network_usd_per_gpu_hour": 0.25}]
    found = plan(
        hand_case(
            months=12, leases=[lease(term_months=12, billing_hours=billing)], lease_rates=[rate()], links=links,
            gpus=[gpu(capex_usd=1, life_months=12)],
        )
    )
    assert sum(cash(found, "network").values()) == pytest.approx(-0.25 * 100 * hours, rel=1e-12)


@pytest.mark.parametrize(
    ("quarter", "built"),
    [("2027-Q4", False), ("2028-Q4", False), ("2029-Q4", True), ("2035-Q4", True), ("2199-Q1", True)],
)
def test_a_cash_floor_binds_in_its_own_quarter_after_the_horizon_too(quarter, built):
    """100 GPUs for $100,000 that earn $3,650 a month have paid back after 28 months."""
    leases = [lease(term_months=36)]
    found = plan(
        hand_case(
            months=12, leases=leases, lease_rates=[rate(usd=0.05)], gpus=[gpu(life_months=36)],
            budget=[{"quarter": quarter, "cash_floor_usd": 0}],
        )
    )
    assert found.npv_usd == pytest.approx(31_400 if built else 0.0, rel=1e-9, abs=1e-6)


@pytest.mark.parametrize("horizon", [6, 12, 18, 30, 42])
def test_tax_years_are_twelve_months_from_the_start_whatever_the_horizon(horizon):
    """100 GPUs of $10,000 written off at once earn $73,000 a month for 42 months; tax of 50 % on what losses leave."""
    leases = [lease(term_months=42, min_size=100, committed=True)]
    settings = {"tax_rate": 0.5, "discount_rate": 0.1}
    found = plan(
        hand_case(
            months=horizon, leases=leases, lease_rates=[rate()], gpus=[gpu(capex_usd=10_000, life_months=42)],
            settings=settings,
        )
    )

    def factor(month: int) -> float:
        years = (month + 0.5) / 12 if month < horizon else horizon / 12 + (month - horizon) // 12 + 0.5
        return math.pow(1.1, -years)

    untaxed = sum(73_000 * factor(month) for month in range(42)) - 1_000_000 * factor(0)
    # The loss of 124,000 of the first year comes off the second; the last tax year is half a year.
    tax = 0.5 * (876_000 - 124_000) * factor(23) + 0.5 * 876_000 * factor(35) + 0.5 * 438_000 * factor(41)
    assert found.statement.npv_losses_carried_usd == pytest.approx(untaxed - tax, rel=1e-12)

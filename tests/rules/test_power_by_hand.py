"""Power by hand: what is paid, when it comes, how its fee rises, what is contracted already, what is not drawn."""

from __future__ import annotations

import pytest
from rules.hand_case import cash, coming, gpu, hand_case, lease, once, phase, place, plan, rate

DEMAND = [{"gpu_id": "g", "usd_per_gpu_hour": 1, "utilisation": 1, "depth_gpus": 100}]
YEAR_2027 = 8_760
YEAR_2028 = 8_784


@pytest.mark.parametrize("price", [-50, -0.01])
def test_minimum_take_that_nothing_draws_never_earns(price):
    found = plan(
        hand_case(
            months=12, power=[phase(energy_usd_per_mwh=price, min_take=0.8, fee_usd_per_kw_month=1_000, term_months=12)]
        )
    )
    assert found.npv_usd == 0.0


def test_minimum_take_costs_its_price_where_it_has_one():
    """1 MW contracted already, 0.8 MW of it paid all year at $50 though nothing draws it."""
    power = [phase(energy_usd_per_mwh=50, min_take=0.8, committed_mw=1, term_months=12)]
    assert plan(hand_case(months=12, power=power)).npv_usd == pytest.approx(-0.8 * 50 * YEAR_2027, rel=1e-12)


def test_energy_that_is_drawn_at_a_negative_price_earns_once():
    """100 GPUs draw the 0.1 MW contracted for them; its minimum take is used and earns nothing on top."""
    power = [phase(energy_usd_per_mwh=-50, min_take=0.8, fee_usd_per_kw_month=100, term_months=12)]
    leases = [lease(term_months=12, min_size=100, committed=True)]
    found = plan(hand_case(months=12, power=power, leases=leases, lease_rates=[rate()], gpus=[gpu(life_months=12)]))
    by_hand = 100 * (730 * 12 - 1_000) + 0.1 * (50 * YEAR_2027 - 100_000 * 12)
    assert found.npv_usd == pytest.approx(by_hand, rel=1e-12)


@pytest.mark.parametrize("energised", ["2026-12", "2027-01"])
@pytest.mark.parametrize(
    ("per_kw", "worth"), [(100_000, 0.0), (1_000, 100 * (YEAR_2027 + YEAR_2028 - 2_160) - 200_000)]
)
def test_a_plant_promised_just_before_the_start_is_paid_for(energised, per_kw, worth):
    """Ownership of 0.1 MW at $/kW, 100 GPUs at $1,000, sold on demand from first power three months after the
    promise."""
    power = [
        phase(
            energised=energised, status="announced", ownership="owned", capex_usd_per_kw=per_kw, delay_low_months=3,
            delay_mode_months=3, delay_high_months=3,
        )
    ]
    found = plan(hand_case(power=power, market=DEMAND, gpus=[gpu(life_months=48)]))
    late = 31 + 28 + (31 if energised == "2027-01" else 0)
    assert found.npv_usd == pytest.approx(worth and worth + 100 * (2_160 - 24 * late), rel=1e-12)


def test_a_phase_that_is_not_committed_comes_after_its_lead():
    """Promised for March 2027 but to be signed 18 months before: first power in July 2028, its charge spread before
    it."""
    power = [coming(energised="2027-03", lead_months=18, upfront_usd_per_kw=10)]
    found = plan(hand_case(power=power, market=DEMAND))
    gpus = next(month for month, usd in cash(found, "capex").items() if usd < -1_000)
    charges = {month: usd + 100_000 * (month == gpus) for month, usd in cash(found, "capex").items()}
    assert charges == pytest.approx(dict.fromkeys(range(18), -1_000 / 18))
    # 24 months of life, of which 6 lie before the horizon and the rest after it, where nothing is sold on demand.
    assert cash(found, "revenue") == pytest.approx(
        {month: 100 * 24 * days for month, days in zip(range(18, 24), (31, 31, 30, 31, 30, 31), strict=True)}
    )


def test_a_phase_that_is_committed_in_part_comes_on_its_date_and_the_rest_is_paid_until_then():
    power = [coming(energised="2027-03", lead_months=18, upfront_usd_per_kw=10, committed_mw=0.05)]
    found = plan(hand_case(power=power, market=DEMAND))
    assert min(cash(found, "revenue")) == 2
    # 0.05 of the 0.1 MW are paid for; 0.05 MW x $10/kW fall due in the two months left.
    gpus = next(month for month, usd in cash(found, "capex").items() if usd < -1_000)
    assert {
        month: usd + 100_000 * (month == gpus) for month, usd in cash(found, "capex").items()
    } == pytest.approx({0: -250, 1: -250})


def test_a_fee_rises_on_the_anniversaries_of_its_contract_past_ones_too():
    found = plan(
        hand_case(
            months=36,
            power=[
                phase(energised="2025-07", committed_mw=1, fee_usd_per_kw_month=100, fee_escalator=0.1, term_months=120)
            ],
        )
    )
    fees = cash(found, "fees")
    assert [fees[month] for month in (0, 5, 6, 17, 18)] == pytest.approx(
        [-110_000, -110_000, -121_000, -121_000, -133_100]
    )


def test_a_fee_from_a_contract_signed_before_the_start_rises_on_its_own_dates():
    power = [
        coming(
            energised="2028-01", fee_from="contract", contract_month="2026-04", committed_mw=1,
            fee_usd_per_kw_month=100, fee_escalator=0.5,
        )
    ]
    fees = cash(plan(hand_case(power=power)), "fees")
    assert [fees[month] for month in (0, 2, 3, 14, 15)] == pytest.approx(
        [-100_000, -100_000, -150_000, -150_000, -225_000]
    )


@pytest.mark.parametrize(
    ("energised", "later", "ends", "fee"),
    [
        ("2027-01", 10, 36, 50),  # in its fourth year: two years more would cost $48 a kW, and $10 at their end
        ("2027-01", 1, 60, 1),
        ("2024-01", 10, 24, 10),  # in its sixth year when the lease ends
    ],
)
def test_what_ending_a_contract_costs_falls_with_its_age(energised, later, ends, fee):
    """0.1 MW at $2 per kW-month serve a lease of 24 months; the contract runs on unless it is ended, for $50 per kW
    from its fourth year on, and less from its sixth."""
    fees = [
        {"source_id": "p", "phase": "1", "contract_year": year, "usd_per_kw": usd}
        for year, usd in ((4, 50), (6, later))
    ]
    case = hand_case(
        power=[phase(energised=energised, fee_usd_per_kw_month=2, term_months=180)], exit_fees=fees,
        leases=[lease(min_size=100, committed=True)], lease_rates=[rate()],
    )
    assert plan(case).npv_usd == pytest.approx(100 * 730 * 24 - 100_000 - 200 * ends - 100 * fee, rel=1e-12)


@pytest.mark.parametrize(
    ("terms", "back"),
    [
        ({}, 6), ({"delay_mode_months": 2, "delay_high_months": 4}, 8), ({"deposit_returned": "2028-03"}, 14),
        ({"deposit_returned": "2030-01"}, 36),
    ],
)
def test_a_deposit_is_paid_when_a_phase_is_signed_and_comes_back(terms, back):
    """0.1 MW promised for July 2027 and signed four months before, $30 a kW; late by its mean delay, so is what comes
    with first power. It is no cost that lowers taxes."""
    power = [coming(energised="2027-07", lead_months=4, deposit_usd_per_kw=30) | terms]
    found = plan(
        hand_case(power=power, leases=[lease(start="2027-09", min_size=100, committed=True)], lease_rates=[rate()])
    )
    assert cash(found, "deposits") == pytest.approx({2: -3_000, back: 3_000})
    taxed = plan(
        hand_case(
            power=power, leases=[lease(start="2027-09", min_size=100, committed=True)], lease_rates=[rate()],
            settings={"tax_rate": 0.25},
        )
    )
    assert cash(taxed, "tax").get(2, 0.0) == 0.0  # when nothing else is earned, spent or written off


def test_of_what_is_contracted_already_the_deposit_comes_back_alone():
    """0.05 MW were contracted before the start, of the 0.1 MW that the lease needs."""
    power = [coming(energised="2027-03", lead_months=18, deposit_usd_per_kw=30, committed_mw=0.05)]
    leases = [lease(start="2027-03", min_size=100, committed=True)]
    found = plan(hand_case(power=power, leases=leases, lease_rates=[rate()]))
    assert cash(found, "deposits") == pytest.approx({0: -1_500, 2: 3_000})


def test_a_deposit_takes_capital_until_it_is_back():
    """$80,000 pay for 100 GPUs at $500, but not for them and their deposit of as much: it is back before the quarter in
    which they come, or after it."""

    def npv(back: str) -> float:
        case = hand_case(
            power=[coming(energised="2027-07", deposit_usd_per_kw=500, deposit_returned=back)],
            gpus=[gpu(capex_usd=500)], gpu_supply=once("2027-Q4"), market=DEMAND,
            budget=[{"quarter": "2027-Q1", "new_capital_usd": 80_000}],
        )
        return plan(case).npv_usd

    whole, part = npv("2027-09"), npv("2028-01")
    assert part == pytest.approx(0.8 * whole, rel=1e-9)


@pytest.mark.parametrize("forfeits", [True, False])
def test_a_contract_ended_before_its_deposit_is_back_forfeits_it(forfeits):
    """The lease ends in 2029; at $2 per kW-month, $20 to be rid of it and $40 of deposit that comes back a month
    after that, or three years later."""
    power = [
        coming(
            fee_usd_per_kw_month=2, term_months=180, exit_fee_usd_per_kw=20, deposit_usd_per_kw=40,
            deposit_returned="2029-02" if forfeits else "2028-12", energised="2027-01",
        )
    ]
    found = plan(hand_case(power=power, leases=[lease(min_size=100, committed=True)], lease_rates=[rate()]))
    # A year of fees, $24 a kW, is less than the deposit: the contract is ended a year later, when it is back.
    ends = 36 if forfeits else 24
    assert found.npv_usd == pytest.approx(100 * 730 * 24 - 100_000 - 200 * ends - 2_000, rel=1e-12)


@pytest.mark.parametrize(("mw", "committed", "step"), [(12, 7, 3), (10, 10, 3), (12, 1, 5)])
def test_what_is_contracted_already_is_no_step(mw, committed, step):
    power = [phase(guaranteed_mw=mw, step_mw=step, committed_mw=committed, fee_usd_per_kw_month=1, term_months=12)]
    assert plan(hand_case(months=12, power=power)).npv_usd == pytest.approx(-committed * 1_000 * 12, rel=1e-12)


def test_more_than_what_is_contracted_comes_in_steps_on_top_of_it():
    """9 MW of GPUs pay for any power; 7 MW are contracted, 3 MW come at once: 10 MW are paid."""
    power = [phase(guaranteed_mw=12, step_mw=3, committed_mw=7, fee_usd_per_kw_month=1, term_months=24)]
    leases = [lease(max_size=9_000, min_size=9_000, committed=True)]
    found = plan(hand_case(power=power, leases=leases, lease_rates=[rate()]))
    assert cash(found, "fees")[0] == pytest.approx(-10_000)


def test_a_least_amount_asks_for_new_mw_only_beyond_what_is_contracted():
    power = [phase(min_mw=5, committed_mw=2, fee_usd_per_kw_month=1, term_months=12)]
    assert cash(plan(hand_case(months=12, power=power)), "fees")[0] == pytest.approx(-2_000)
    leases = [lease(max_size=3_000, min_size=3_000, committed=True, term_months=12)]
    more = plan(hand_case(months=12, power=power, leases=leases, lease_rates=[rate()]))
    assert cash(more, "fees")[0] == pytest.approx(-5_000)


def test_owned_power_is_written_off_by_the_end_of_its_contract():
    """0.1 MW at $10,000/kW over a contract of 24 months, written off over 15 years but for the rest in its last
    month."""
    power = [coming(energised="2027-01", ownership="owned", capex_usd_per_kw=10_000, term_months=24)]
    leases = [lease(min_size=100, committed=True)]
    found = plan(hand_case(power=power, leases=leases, lease_rates=[rate()], settings={"tax_rate": 0.25}))
    written = cash(found, "depreciation")
    assert written[23] == pytest.approx(1_000_000 * (1 - 23 / 180), rel=1e-9)
    assert found.npv_usd == pytest.approx(0.75 * (100 * 730 * 24 - 1_000_000 - 100_000), rel=1e-12)


def test_a_site_opens_with_its_first_commitment():
    """A hall of 18 months for a phase of January 2029 is ordered in July 2027, and the site is opened then."""
    sites = [place(existing_it_mw=0, opening_cost_usd=100_000, shell_capex_usd_per_kw=1_000, build_lead_months=18)]
    leases = [lease(start="2029-01", term_months=12, max_size=1_000, billing_hours="actual")]
    found = plan(
        hand_case(
            months=36, sites=sites, power=[coming(energised="2029-01", term_months=12)], leases=leases,
            lease_rates=[rate()], gpus=[gpu(capex_usd=1, life_months=12)], settings={"discount_rate": 0.1},
        )
    )
    assert cash(found, "opening") == {6: -100_000}


def test_a_site_opens_when_the_plan_commits_first_not_when_it_could():
    """The first phase could be signed at once but costs too much: the second, two years later, opens the site."""
    sites = [place(opening_cost_usd=1_000)]
    power = [
        coming(source="dear", energised="2027-01", fee_usd_per_kw_month=10_000),
        coming(source="cheap", energised="2029-01"),
    ]
    leases = [lease(start="2029-01", term_months=12)]
    found = plan(
        hand_case(
            months=36, sites=sites, power=power, leases=leases, lease_rates=[rate()], settings={"discount_rate": 0.1}
        )
    )
    assert cash(found, "opening") == {24: -1_000}

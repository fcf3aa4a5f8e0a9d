"""Storage, network and support billed by the GPU and month beside its hours, by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from rules.hand_case import cash, gpu, hand_case, lease, once, plan, rate
from rules.test_customers_by_hand import of_year, shared_case

import planner
from planner.candidates.outlook import make_outlook
from planner.case.case import Case
from planner.case.edits import apply_edits
from planner.errors import CaseError
from planner.explaining.contract_value import contract_value_usd
from planner.risk.worth import candidate_values
from planner.scenarios.futures import make_futures

BILLED = {"storage_usd_per_gpu_month": 40, "network_usd_per_gpu_month": 20, "support_usd_per_gpu_month": 13}
SERVICES = 73.0
MONTH = 730.0


def let(*, settings: dict[str, Any] | None = None, other: dict[str, Any] | None = None, **columns: Any) -> Case:
    """100 GPUs at a dollar each, let for two years at $1 an hour with $73 a month of services."""
    given = {"gpus": [gpu(capex_usd=1)], "leases": [lease(**{**BILLED, **columns})], "lease_rates": [rate()]}
    return hand_case(settings=settings, gpu_supply=once(), **{**given, **(other or {})})


def services(found: planner.Plan) -> list[float]:
    """The line by month of the horizon."""
    by_month = cash(found, "services")
    return [by_month.get(month, 0.0) for month in range(24)]


def test_they_are_billed_for_each_gpu_whatever_of_it_is_used() -> None:
    found = plan(let(take_or_pay=0.5, utilisation=0.5))
    assert services(found) == pytest.approx([100 * SERVICES] * 24, rel=1e-12)
    assert found.npv_usd == pytest.approx(100 * 24 * (0.5 * MONTH + SERVICES) - 100, rel=1e-12)


def test_each_of_the_three_counts_alone() -> None:
    for column, usd in BILLED.items():
        case = let(**{**dict.fromkeys(BILLED, 0), column: usd})
        assert services(plan(case)) == pytest.approx([100 * usd] * 24, rel=1e-12)


def test_they_are_taxed_and_stand_at_the_size_of_the_ramp_and_rise_with_the_rate() -> None:
    ramp = [{"lease_id": "L", "month_of_term": 0, "size_share": 0.25, "rate_share": 0.5}]
    found = plan(let(settings={"tax_rate": 0.25}, other={"lease_ramp": ramp}, escalator=0.1))
    expected = [25 * SERVICES, *[100 * SERVICES] * 11, *[110 * SERVICES] * 12]
    assert services(found) == pytest.approx(expected, rel=1e-12)
    hours = 100 * MONTH * (0.125 + 11 + 12 * 1.1)
    assert found.npv_usd == pytest.approx(0.75 * (sum(expected) + hours - 100), rel=1e-12)


def test_a_defaulted_customer_pays_what_is_recovered_of_them() -> None:
    customers = [{"customer_id": "c", "default_rate_per_year": 0.5, "recovery": 0.4}]
    found = plan(let(other={"customers": customers}))
    alive = [0.5 ** ((month + 0.5) / 12) for month in range(24)]
    assert services(found) == pytest.approx([100 * SERVICES * (each + 0.4 * (1 - each)) for each in alive], rel=1e-12)


def test_a_next_term_goes_on_at_what_they_had_risen_to() -> None:
    """A year that rose by 10 % in the second, renewed by a chance of 0.6 for 14 months, the last two risen again."""
    renewed = {"term_months": 12, "renewal_term_months": 12, "renewal_probability": 0.6, "renewal_rate_share": 0.5}
    found = plan(let(escalator=0.1, **renewed))
    assert services(found) == pytest.approx([100 * SERVICES] * 12 + [60 * SERVICES] * 12, rel=1e-12)
    longer = plan(let(escalator=0.1, **{**renewed, "term_months": 13, "renewal_term_months": 11}))
    expected = [100 * SERVICES] * 12 + [110 * SERVICES] + [66 * SERVICES] * 11
    assert services(longer) == pytest.approx(expected, rel=1e-12)


def test_they_end_when_the_customer_leaves_and_are_not_prepaid_nor_penalised() -> None:
    """The market falls below the rate at once: a month of notice after six months of protection."""
    other = {"market": [{"gpu_id": "g", "usd_per_gpu_hour": 0.5, "depth_gpus": 0}]}
    notice = {"notice_months": 1, "notice_from_month": 6}
    found = plan(let(settings={"relet_fraction": 0.0}, other=other, prepay_fraction=0.5, **notice))
    assert services(found) == pytest.approx([100 * SERVICES] * 7 + [0.0] * 17, rel=1e-12)
    received = cash(found, "prepayment")[0] + 0.5 * 100 * MONTH  # less what is credited in the first month
    assert received == pytest.approx(0.5 * 24 * 100 * MONTH, rel=1e-12)


def test_offers_bring_them_by_their_chance_and_in_a_future_whole_or_not() -> None:
    case = let(offer_probability=0.25)
    found = plan(case)
    assert services(found) == pytest.approx([25 * SERVICES] * 24, rel=1e-12)
    futures = make_futures(case, found.candidates.outlook.calendar, scenarios=64)
    assert found.levels is not None
    npv = found.levels @ candidate_values(found.candidates, futures)
    made = 100 * 24 * (MONTH + SERVICES) - 100
    assert sorted(set(np.round(npv, 3))) == pytest.approx([-100.0, made])
    assert np.mean(npv > 0.0) == pytest.approx(0.25, abs=0.15)


def test_they_count_in_the_share_of_a_customer() -> None:
    """Services of as much as its rate: 4 x = 0.5 (100 + 3 x) of 2028."""
    case = shared_case(shares=of_year(0.5))
    found = plan(apply_edits(case, [f"leases.support_usd_per_gpu_month[L]={2 * MONTH}"]))
    assert found.allocation.groupby("lease_id")["gpus"].sum()["L"] == pytest.approx(20.0, rel=1e-9)


def test_a_contract_is_worth_its_services_too() -> None:
    case = let(settings={"tax_rate": 0.25})
    assert contract_value_usd(make_outlook(case))["L"] == pytest.approx(0.75 * 24 * (MONTH + SERVICES), rel=1e-12)
    found = plan(case)
    assert found.allocation["income_pv_usd"].sum() == pytest.approx(100 * 24 * (MONTH + SERVICES), rel=1e-12)


def test_a_lease_with_services_may_be_signed_at_a_rate_that_is_lower_by_them() -> None:
    """$73 a month are 10 cents of 730 hours, off the floor, and off its costs alone."""
    case = hand_case(gpus=[gpu(capex_usd=1752)], market=[{"gpu_id": "g", "usd_per_gpu_hour": 0.5, "depth_gpus": 100}])
    plain = planner.Inquiry(start="2027-01", term_months=24, gpu="g", gpus=100, billing_hours="730")
    billed = planner.Inquiry(
        start="2027-01", term_months=24, gpu="g", gpus=100, billing_hours="730", **BILLED  # type: ignore[arg-type]
    )
    floors = [planner.quote(case, inquiry) for inquiry in (plain, billed)]
    assert floors[0].floor == pytest.approx(0.1, rel=1e-6)
    assert floors[1].floor == pytest.approx(0.0, abs=1e-6)
    half = planner.Inquiry(
        start="2027-01", term_months=24, gpu="g", gpus=100, billing_hours="730", support_usd_per_gpu_month=36.5
    )
    assert planner.quote(case, half).floor == pytest.approx(0.05, rel=1e-6)
    assert [found.standalone["other"].iat[0] for found in floors] == pytest.approx([0.0, -0.1])
    assert [found.standalone["rate"].iat[0] for found in floors] == pytest.approx([0.1, 0.0], abs=1e-12)


def test_a_hall_has_none() -> None:
    hall = {"kind": "hosting", "size_unit": "it_mw", "usd_per_kw_month": 90, "max_size": 1}
    with pytest.raises(CaseError, match="billed for each GPU of a cluster"):
        hand_case(leases=[lease(**{**hall, "billing_hours": None, "support_usd_per_gpu_month": 5})])

"""A quote against brute force: bracket the rate and plan again, with the lease fixed at its size, by `planner.plan`
alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from oracle.tiny_case import cluster, grid, hall, rate, site, sku, tiny_case
from scipy.optimize import brentq

from planner.case.case import Case
from planner.planning.make_plan import plan, solved
from planner.planning.options import PlanOptions
from planner.quoting.floor import Answer
from planner.quoting.inquiry import Inquiry
from planner.quoting.quote import quote
from planner.solver.options import SolverOptions

Rows = dict[str, list[dict[str, Any]]]


def asked(rows: Rows, lease: dict[str, Any], usd: float, gpus: tuple[tuple[str, float], ...] = (("gpu", 1.0),)) -> Case:
    """The case with the inquiry as a lease at a rate, written as a user would write it."""
    hosting = lease["kind"] == "hosting"
    rates = [] if hosting else [
        rate(lease["lease_id"], usd / units, gpu=name, gpus_per_unit=units) for name, units in gpus
    ]
    whole = {**lease, "usd_per_kw_month": usd} if hosting else lease
    return tiny_case(
        **{**rows, "leases": [*rows.get("leases", []), whole], "lease_rates": [*rows.get("lease_rates", []), *rates]}
    )


def bisected(case_at: Callable[[float], Case], lease_id: str, size: float, high: float) -> float:
    """The rate at which the plan with the lease fixed at its size is worth as much as the one without it, by Brent's
    bracketing."""
    without = solved(case_at(1.0), PlanOptions(excludes=(f"leases[{lease_id}]",))).objective_usd
    assert without is not None

    def worth(usd: float) -> float:
        found = solved(case_at(usd), PlanOptions(fixes=(f"leases.size[{lease_id}]={size!r}",))).objective_usd
        return -1e9 if found is None else found - without

    return float(brentq(worth, 0.0, high, xtol=1e-8, rtol=1e-8))


OTHERS: Rows = {
    "sites": [site(mw=2.0), site("b", mw=1.0)],
    "power": [
        grid(mw=2.5),
        grid(
            "b", mw=1.0, energised="2027-07", status="approved", delay_low_months=0, delay_mode_months=0,
            delay_high_months=0,
        ),
    ],
    "leases": [cluster("old", size=900), cluster("older", size=300)],
    "lease_rates": [rate("old", 2.4), rate("older", 1.9)],
    "market": [{"gpu_id": "gpu", "usd_per_gpu_hour": 1.6, "depth_gpus": 200, "utilisation": 0.8}],
}


def test_a_lease_that_displaces_others() -> None:
    lease = cluster("new", size=500.0)
    found = quote(tiny_case(**OTHERS), name="new", gpu="gpu", gpus=500.0, start="2027-01", term_months=24)
    assert found.answer is Answer.FLOOR
    assert found.floor == pytest.approx(bisected(lambda usd: asked(OTHERS, lease, usd), "new", 500.0, 10.0), rel=1e-6)
    assert found.low == found.high == found.floor


@pytest.mark.slow
def test_each_size_of_a_divisible_lease() -> None:
    found = quote(tiny_case(**OTHERS), name="new", gpu="gpu", gpus=800.0, start="2027-01", term_months=24)
    assert found.curve["size"].tolist() == [200.0, 400.0, 600.0, 800.0]
    lease = cluster("new", size=800.0)
    for row in found.curve.iloc[[0, 2, 3]].itertuples():
        brute = bisected(lambda usd: asked(OTHERS, lease, usd), "new", float(row.size), 10.0)  # type: ignore[arg-type]
        assert row.floor == pytest.approx(brute, rel=1e-6)
    assert found.curve["floor"].is_monotonic_increasing


def budgeted(capital: float) -> Rows:
    """Two SKUs that a budget cannot both pay for, so what a prepayment brings is worth more than its time value."""
    return {
        **OTHERS,
        "gpus": [sku(), sku("big", it_kw=4.0, capex_usd=50_000)],
        "lease_rates": [rate("old", 2.4), rate("older", 6.0, gpu="big")],
        "budget": [
            {"quarter": "2027-Q1", "new_capital_usd": capital}, {"quarter": "2027-Q4", "new_capital_usd": capital / 4.0}
        ],
    }


@pytest.mark.parametrize("capital", [9e6, pytest.param(14e6, marks=pytest.mark.slow)])
def test_a_prepayment_under_a_binding_budget(capital: float) -> None:
    """The rate stands in the budget, so one step from the slope of revenue alone would miss."""
    rows = budgeted(capital)
    lease = cluster("new", size=500.0, prepay_fraction=0.25)
    found = quote(
        tiny_case(**rows), name="new", gpu="gpu", gpus=500.0, start="2027-01", term_months=24, prepay_fraction=0.25
    )
    assert found.floor == pytest.approx(bisected(lambda usd: asked(rows, lease, usd), "new", 500.0, 40.0), rel=1e-6)
    plain = quote(tiny_case(**rows), name="new", gpu="gpu", gpus=500.0, start="2027-01", term_months=24)
    assert plain.answer is Answer.NEVER or plain.floor > found.floor


@pytest.mark.slow
def test_income_in_a_cash_floor() -> None:
    rows = {
        **OTHERS,
        "budget": [{"quarter": "2027-Q2", "cash_floor_usd": -14e6}, {"quarter": "2028-Q1", "cash_floor_usd": -9e6}],
    }
    lease = cluster("new", size=500.0)
    found = quote(tiny_case(**rows), name="new", gpu="gpu", gpus=500.0, start="2027-01", term_months=24)
    assert found.floor == pytest.approx(bisected(lambda usd: asked(rows, lease, usd), "new", 500.0, 40.0), rel=1e-6)


def test_ways_of_serving_of_different_length() -> None:
    """GPUs get cheaper in April: at a low rate it is better to begin late and lose months, at a high one it is not."""
    rows: Rows = {
        **OTHERS,
        "gpus": [sku(capex_usd=None, capex_curve="price")],
        "curves": [
            {"curve_id": "price", "month": month, "value": value, "unit": "$"}
            for month, value in (("2027-01", 26_000), ("2027-04", 19_000))
        ],
    }
    lease = cluster("new", size=500.0, late_grace_months=6, late_penalty=0.1)
    found = quote(
        tiny_case(**rows), name="new", gpu="gpu", gpus=500.0, start="2027-01", term_months=24, late_grace_months=6,
        late_penalty=0.1,
    )
    assert found.floor == pytest.approx(bisected(lambda usd: asked(rows, lease, usd), "new", 500.0, 20.0), rel=1e-6)


@pytest.mark.slow
def test_a_mix_of_skus_in_a_ratio() -> None:
    rows: Rows = {**OTHERS, "gpus": [sku(), sku("half", it_kw=0.9, capex_usd=8_000)]}
    lease = cluster("new", size=500.0)
    pair = (("gpu", 1.0), ("half", 2.2))
    found = quote(tiny_case(**rows), name="new", gpu="gpu; half=2.2", gpus=500.0, start="2027-01", term_months=24)
    assert found.floor == pytest.approx(
        bisected(lambda usd: asked(rows, lease, usd, pair), "new", 500.0, 20.0), rel=1e-6
    )


def test_a_hall_to_let() -> None:
    lease = hall("new", mw=0.7)
    found = quote(tiny_case(**OTHERS), name="new", mw=0.7, start="2027-01", term_months=24, energy_by="tenant")
    assert found.inquiry.rate_unit == "$/kW-month"
    assert found.floor == pytest.approx(bisected(lambda usd: asked(OTHERS, lease, usd), "new", 0.7, 2000.0), rel=1e-6)


@pytest.mark.slow
def test_notice_when_the_market_falls_below_the_rate() -> None:
    """The rate decides when the customer may leave, so V has steps; the floor is the lowest rate that pays."""
    rows: Rows = {
        **OTHERS,
        "market": [{"gpu_id": "gpu", "price_curve": "spot", "depth_gpus": 200, "utilisation": 0.8}],
        "curves": [
            {"curve_id": "spot", "month": month, "value": value, "unit": "$/GPU-hour"}
            for month, value in (("2027-01", 3.2), ("2027-10", 2.6), ("2028-04", 2.0), ("2028-10", 1.5))
        ],
    }
    terms = {"notice_months": 3, "notice_from_month": 6}
    found = quote(tiny_case(**rows), name="new", gpu="gpu", gpus=500.0, start="2027-01", term_months=24, **terms)
    case = tiny_case(**rows)
    without = plan(asked(rows, cluster("new", size=500.0, **terms), 1.0), excludes="leases[new]").objective_usd
    assert without is not None

    def worth(usd: float) -> float:
        made = plan(asked(rows, cluster("new", size=500.0, **terms), usd), fixes="leases.size[new]=500").objective_usd
        assert made is not None
        return made - without

    assert case is not None
    assert worth(found.floor * (1 + 1e-6)) >= 0.0
    assert worth(found.floor * (1 - 1e-6)) < 0.0
    # No lower rate pays either, whenever notice falls.
    assert all(worth(found.floor * share) < 0.0 for share in (0.4, 0.7, 0.9))


def lumpy(rows: Rows) -> Rows:
    """Power to be had only whole, and a lease that is taken whole."""
    phase = grid("b", mw=1.25, lumpy=True, fee_usd_per_kw_month=20, take_or_pay=1.0)
    return {
        **rows, "power": [grid(mw=1.5), phase],
        "leases": [cluster("old", size=900), cluster("whole", size=300, all_or_nothing=True)],
        "lease_rates": [rate("old", 2.4), rate("whole", 2.1)],
    }


@pytest.mark.parametrize("size", [200.0, pytest.param(450.0, marks=pytest.mark.slow)])
@pytest.mark.parametrize(
    "terms", [{}, {"single_fabric": True}, {"min_block": 150.0}], ids=["anywhere", "one fabric", "blocks"]
)
def test_all_or_nothing_with_whole_decisions(size: float, terms: dict[str, Any]) -> None:
    """The floor lies in the interval, and the plan flips there."""
    rows = lumpy(OTHERS)
    exact = PlanOptions(solver=SolverOptions(gap=1e-9))
    found = quote(
        tiny_case(**rows), name="new", gpu="gpu", gpus=size, start="2027-01", term_months=24, all_or_nothing=True,
        options=exact, **terms,
    )
    lease = cluster("new", size=size, all_or_nothing=True, **terms)
    biggest = 1.25 / 1.25 / 2e-3  # GPUs that the power of one site carries
    if terms.get("single_fabric") and size > 1.5 / 1.25 / 2e-3:
        assert size > biggest
        assert found.answer is Answer.NEVER
        return
    assert found.proven
    brute = bisected(lambda usd: asked(rows, lease, usd), "new", size, 30.0)
    assert found.low * (1 - 1e-6) <= brute <= found.high * (1 + 1e-6)
    step = max(2.0 * (found.high - found.low), 1e-3)
    for usd, taken in ((found.high + step, True), (found.low - step, False)):
        again = plan(asked(rows, lease, usd), prices="none")
        assert ("new" in set(again.allocation["lease_id"])) is taken


def test_what_no_site_can_hold() -> None:
    found = quote(tiny_case(**OTHERS), name="new", gpu="gpu", gpus=5_000.0, start="2027-01", term_months=24)
    assert found.answer is Answer.NEVER
    assert found.floor != found.floor
    late = quote(
        tiny_case(**OTHERS),
        Inquiry("2027-01", 24, name="new", gpu="gpu", gpus=10.0, max_co2_kg_per_mwh=0.0, regions="nowhere"),
    )
    assert late.answer is Answer.NEVER

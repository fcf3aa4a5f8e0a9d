"""Limits on what one customer may bring, by hand: two leases share 100 GPUs, one of them pays twice as much."""

from __future__ import annotations

import pytest
from oracle.tiny_case import Row
from rules.hand_case import gpu, hand_case, lease, once, plan, rate

import planner
from planner.case.case import Case
from planner.case.edits import apply_edits

YEAR_HOURS = 730 * 12
CUSTOMERS: list[Row] = [{"customer_id": name, "default_rate_per_year": 0} for name in ("c", "d")]


def shared_case(*, shares: list[Row] | None = None, most: float | None = None, tax_rate: float = 0.0) -> Case:
    """100 GPUs for two years, $2 an hour from `c` and $1 from `d`; a purchase of a dollar each."""
    first, second = CUSTOMERS
    return hand_case(
        settings={"tax_rate": tax_rate}, gpus=[gpu(capex_usd=1)], gpu_supply=once(),
        customers=[{**first, "max_revenue_share": most}, second],
        leases=[lease("L"), lease("M", customer_id="d")], lease_rates=[rate("L", 2.0), rate("M", 1.0)],
        customer_shares=shares or [],
    )


def of_year(share: float, year: int = 2028) -> list[Row]:
    return [{"customer_id": "c", "year": year, "max_revenue_share": share}]


@pytest.mark.parametrize(
    ("shares", "gpus"),
    [
        (of_year(0.5), 100 / 3),  # 2 x = 0.5 (100 + x)
        (of_year(0.6), 300 / 7),  # 2 x = 0.6 (100 + x)
        ([*of_year(0.6, 2027), *of_year(0.5)], 100 / 3),  # the tighter of two years, as its GPUs serve in both
        (of_year(0.0), 0.0),
        (of_year(1.0), 100.0),
        (of_year(0.5, 2029), 100.0),  # a year in which nobody pays anything
        ([], 100.0),
    ],
)
def test_a_customer_brings_no_more_of_a_year_than_its_share(shares: list[Row], gpus: float) -> None:
    found = plan(shared_case(shares=shares))
    served = found.allocation.groupby("lease_id")["gpus"].sum()
    assert served.get("L", 0.0) == pytest.approx(gpus, abs=1e-6)
    assert found.npv_usd == pytest.approx(2 * YEAR_HOURS * (100 + gpus) - 100, rel=1e-9)


def test_a_year_counts_as_it_is_billed_and_all_years_as_they_are_discounted() -> None:
    """The rate of `c` doubles after a year: half of all discounted revenue is more of 2028 and less of 2027."""
    case = shared_case(shares=of_year(0.5))
    found = plan(apply_edits(case, ["leases.escalator[L]=0.5", "case.discount_rate=0.3"]))
    # $3 an hour in 2028: 3 x = 0.5 (100 - x + 3 x).
    assert found.allocation.groupby("lease_id")["gpus"].sum()["L"] == pytest.approx(25.0, rel=1e-9)
    both = plan(apply_edits(shared_case(most=0.5), ["leases.escalator[L]=0.5", "case.discount_rate=0.3"]))
    worth = [sum(1.3 ** -((at + 0.5) / 12) for at in range(first, first + 12)) for first in (0, 12)]
    mean = (2 * worth[0] + 3 * worth[1]) / sum(worth)
    assert both.allocation.groupby("lease_id")["gpus"].sum()["L"] == pytest.approx(100 / (1 + mean), rel=1e-9)


@pytest.mark.parametrize(
    ("case", "name", "tax_rate", "years", "question"),
    [
        (shared_case(shares=of_year(0.5)), "c:2028", 0.0, 1, "within a year"),
        (shared_case(shares=of_year(0.5), tax_rate=0.25), "c:2028", 0.25, 1, "within a year"),
        (shared_case(most=0.5), "c", 0.0, 2, "whole term"),
        (shared_case(most=0.5, tax_rate=0.25), "c", 0.25, 2, "whole term"),
    ],
)
def test_a_dollar_more_than_the_share_is_worth_the_gpus_that_it_lets_change_hands(
    case: Case, name: str, tax_rate: float, years: int, question: str
) -> None:
    """A GPU that goes from `d` to `c` earns $2 in place of $1, and takes 2 (1 - 0.5) + 1 x 0.5 of the limit's room."""
    found = planner.plan(case, prices="full")
    (row,) = found.prices[found.prices["resource"] == "customer share"].to_dict("records")
    assert (row["name"], row["kind"], row["unit"], row["question"]) == (name, "c", "$", question)
    counted = years * YEAR_HOURS
    expected = (1.0 - tax_rate) * 2 * YEAR_HOURS / (counted * 1.5)
    for column in ("gain_usd", "gain_of_step_usd", "loss_usd", "loss_of_step_usd", "dual_usd"):
        assert row[column] == pytest.approx(expected, rel=1e-6), column
    assert row["in_plan"] == pytest.approx(counted * 2 * 100 / 3, rel=1e-6)
    assert row["limit"] == pytest.approx(counted * 2 * 100 / 3, rel=1e-6)
    assert row["step"] == pytest.approx(counted * 400 / 3 / 100, rel=1e-6)
    # A share that is 0.1 higher lets through 0.1 of what the plan then earns, and planning again says the same.
    column = f"customer_shares.max_revenue_share[{name}]" if ":" in name else f"customers.max_revenue_share[{name}]"
    again = planner.plan(apply_edits(case, [f"{column}=0.6"]), prices="none")
    let_through = 0.1 * counted * (100 + 300 / 7)
    assert again.npv_usd - found.npv_usd == pytest.approx(expected * let_through, rel=1e-6)
    (binding,) = found.binding[found.binding["name"] == name].to_dict("records")
    assert binding["usd_per_percent"] == pytest.approx(expected * row["limit"] / 100.0, rel=1e-6)


def test_a_share_with_room_has_no_price() -> None:
    shares: list[Row] = [{"customer_id": "d", "year": 2028, "max_revenue_share": 0.5}]
    found = planner.plan(shared_case(shares=shares), prices="full")
    (row,) = found.prices[found.prices["resource"] == "customer share"].to_dict("records")
    assert (row["gain_usd"], row["in_plan"]) == (0.0, 0.0)
    assert row["limit"] == pytest.approx(0.5 * YEAR_HOURS * 200, rel=1e-9)


def test_a_quote_for_a_customer_at_its_share_counts_what_its_own_rate_takes_of_it() -> None:
    """10 GPUs at r for `c`: 2 x + 10 r = 0.5 (90 + x + 10 r), worth 90 + x + 10 r = 120 + 20/3 r against 400/3."""
    inquiry = planner.Inquiry(start="2027-01", term_months=24, gpu="g", gpus=10, customer="c", billing_hours="730")
    found = planner.quote(shared_case(shares=of_year(0.5)), inquiry)
    assert found.floor == pytest.approx(2.0, rel=1e-6)

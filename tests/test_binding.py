"""What binds: the value of one per cent more is what planning again with one per cent more brings."""

from __future__ import annotations

from functools import cache

import pytest

from planner.candidates.bounds import POWER
from planner.candidates.resources import Family
from planner.case.case import Case
from planner.case.edits import apply_edits
from planner.case.generate import generate_case
from planner.case.starting import starting_case
from planner.planning.make_plan import plan
from planner.planning.plan import Plan
from planner.plans.binding import COLUMNS, SORTS, scarce_by_sort
from planner.solver.options import SolverOptions

SHARE = 1e-3
RELAXED = SolverOptions(relax=True)


@cache
def relaxed(name: str) -> Plan:
    return plan(case_called(name), solver=RELAXED)


def case_called(name: str) -> Case:
    if name == "starting":
        return starting_case()
    made = generate_case(sites=2, leases=3, skus=3, months=36, seed=1)
    return apply_edits(made, ["budget.new_capital_usd*=0.1"]) if name == "made, short of capital" else made


def change(name: str, edit: str, factor: float) -> float:
    """NPV gained per per cent when a column is multiplied by a factor near 1, everything else free to follow."""
    again = plan(apply_edits(case_called(name), [f"{edit}*={factor!r}"]), solver=RELAXED)
    return (again.npv_usd - relaxed(name).npv_usd) / ((factor - 1.0) * 100.0)


def assert_price_between(name: str, edit: str, price: float) -> None:
    """A concave optimum: gain of one step more <= price <= loss of one step less, per per cent."""
    gain, loss = change(name, edit, 1.0 + SHARE), change(name, edit, 1.0 - SHARE)
    slack = 1e-6 * abs(relaxed(name).npv_usd) + 1e-3 * abs(price)
    assert gain <= price + slack
    assert price <= loss + slack
    assert loss > 0.0


@pytest.mark.parametrize(
    ("tier", "edit"),
    [
        ("gb300:1", "market.depth_gpus[gb300:1]"),
        pytest.param("b300:1", "market.depth_gpus[b300:1]", marks=pytest.mark.slow),
    ],
)
def test_price_of_a_market_tier_is_what_more_of_it_brings(tier: str, edit: str) -> None:
    found = relaxed("starting").binding
    price = found.loc[(found["family"] == "DEPTH") & (found["name"] == tier), "usd_per_percent"]
    assert len(price) == 1
    assert_price_between("starting", edit, float(price.iloc[0]))


@pytest.mark.slow
def test_price_of_capital_is_what_more_of_it_brings() -> None:
    name = "made, short of capital"
    found = relaxed(name).binding
    assert found["family"].iloc[0] == "CAPITAL"
    price = found.loc[found["family"] == "CAPITAL", "usd_per_percent"].sum()
    assert_price_between(name, "budget.new_capital_usd", float(price))


@pytest.mark.slow
def test_price_of_supply_is_what_more_of_it_brings() -> None:
    found = relaxed("made").binding
    price = found.loc[found["family"] == "SUPPLY", "usd_per_percent"].sum()
    gain = change("made", "gpu_supply.max_gpus", 1.01)
    # Supply is in whole GPUs, so that one per cent more is a little more or less than that.
    assert gain <= price * 1.02 + 1e-6 * relaxed("made").npv_usd


def test_ranked_and_worth_something() -> None:
    found = relaxed("starting").binding
    assert tuple(found.columns) == COLUMNS
    assert len(found) > 0
    assert found["usd_per_percent"].is_monotonic_decreasing
    assert (found["usd_per_percent"] > 1.0).all()
    assert not found.duplicated(["family", "name"]).any()


def test_limits_that_do_not_bind_have_no_price() -> None:
    found = relaxed("starting")
    assert found.power.set_index("phase")["contracted_mw"]["mesa_cells:1"] == 0.0
    assert not found.binding["name"].str.startswith("mesa").any()


def test_whole_decisions_are_held_in_a_plan() -> None:
    """A plan has prices as well, those of the LP at its whole decisions; none is negative."""
    found = plan(generate_case(sites=2, leases=3, skus=3, months=36, seed=1))
    assert found.allocation_result.solution.arrays.is_mip
    assert len(found.binding) > 0


def test_every_family_of_limits_is_of_one_sort() -> None:
    sorted_ = [family if isinstance(family, str) else family.name for found in SORTS.values() for family in found]
    assert sorted(sorted_) == sorted([*(member.name for member in Family), POWER])


def test_what_is_scarce_by_sort_adds_to_all_limits() -> None:
    found = relaxed("starting")
    sorts = scarce_by_sort(found.binding)
    assert sum(sorts.values()) == pytest.approx(found.binding["usd_per_percent"].sum(), rel=1e-12)
    assert list(sorts.values()) == sorted(sorts.values(), reverse=True)
    demand = found.binding["family"].isin(["VOLUME", "DEPTH", "TIER", "REVENUE_SHARE"])
    assert sorts["demand"] == pytest.approx(found.binding.loc[demand, "usd_per_percent"].sum())

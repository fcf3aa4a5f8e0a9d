"""Dollars and billions solve alike: what a case is worth in another currency is worth the same."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from at_length import in_tiers
from oracle.rich_case import rich_case
from oracle.scaled_money import scaled_money
from oracle.tiny_case import grid, hall, site, tiny_case
from solver.test_brute_force import random_case

import planner
from planner.case.case import Case
from planner.formulation.money import MILLION, money_unit
from planner.solver.options import SolverOptions
from planner.solver.status import Status

FACTORS = (1e-6, 1e6)
OF_MONEY = [
    "gain_usd", "gain_of_step_usd", "loss_usd", "loss_of_step_usd", "net_gain_usd", "net_loss_usd", "pay_up_to", "fee"
]


def screening(periods: int) -> Case:
    """Two plants with a fee and a fuel each, and demand in blocks of one month: a screening curve of some thousand
    dollars.

    Every block is worth serving, so the best plan serves all: it is the cheapest way to meet a load duration curve.
    """
    draw = np.random.default_rng(periods)
    months = periods
    fuel = {"coal": 5e-5, "gas": 3.2e-4}
    curves = [
        {
            "curve_id": f"e_{name}", "month": f"{2027 + at // 12}-{at % 12 + 1:02d}",
            "value": float(base * (1.0 + 0.2 * draw.random())), "unit": "$ per MWh",
        }
        for name, base in fuel.items()
        for at in range(months)
    ]
    size = np.linspace(1000.0, 20.0, months - 1)
    leases = [
        hall(
            f"b{at}", mw=float(mw), rate=1.0 / periods, start=f"{2027 + at // 12}-{at % 12 + 1:02d}", term_months=1,
            energy_by="landlord",
        )
        for at, mw in enumerate(size)
    ]
    return tiny_case(
        months=months, sites=[site("s", mw=2000.0, pue=1, load_factor=1)], leases=leases, curves=curves,
        power=[
            grid(
                "s", source_id=name, mw=2000.0, mw_per_it_mw=1, fee_usd_per_kw_month=fee / periods,
                term_months=months + 12, energy_usd_per_mwh=None, energy_curve=f"e_{name}",
            )
            for name, fee in (("coal", 0.015), ("gas", 0.010))
        ],
        settings={"discount_rate": 0.0, "tax_rate": 0.0},
    )


def same_but_for_the_currency(case: Case, factor: float, **choices: Any) -> None:
    options = SolverOptions(gap=1e-9)
    here, there = planner.plan(case, solver=options, **choices), planner.plan(
        scaled_money(case, factor), solver=options, **choices
    )
    assert there.status is here.status
    assert here.levels is not None
    assert there.levels is not None
    np.testing.assert_allclose(there.levels, here.levels, rtol=1e-9, atol=1e-6)
    assert there.npv_usd == pytest.approx(here.npv_usd * factor, rel=1e-12)
    pd.testing.assert_frame_equal(there.prices[["question", "name", "from"]], here.prices[["question", "name", "from"]])
    for column in OF_MONEY:
        given, expected = there.prices[column].to_numpy(), here.prices[column].to_numpy() * factor
        size = np.nanmax(np.abs(expected), initial=0.0)
        np.testing.assert_allclose(given, expected, rtol=1e-6, atol=1e-9 * size)


@pytest.mark.parametrize("factor", FACTORS)
@pytest.mark.parametrize("seed", in_tiers([0, 1, 3, 4], 2))
def test_a_plan_with_whole_decisions_is_the_same_in_any_currency(seed: int, factor: float) -> None:
    same_but_for_the_currency(random_case(seed), factor)


@pytest.mark.parametrize("factor", FACTORS)
def test_a_case_with_every_kind_of_candidate_and_limits_in_money_too(factor: float) -> None:
    same_but_for_the_currency(rich_case(2, limited=True), factor)


@pytest.mark.parametrize("factor", [1e-6, 1e-3, 1.0, 1e9])
@pytest.mark.parametrize("periods", [51, 101])
def test_a_screening_curve_of_some_dollars_is_proven_to_the_cent_of_a_cent(periods: int, factor: float) -> None:
    """Against SciPy on the statement of the problem: capacity of each plant, and each block's load on the plants."""
    case = screening(periods)
    plan = planner.plan(scaled_money(case, factor), solver=SolverOptions(gap=1e-9))
    assert plan.status is Status.OPTIMAL, plan.allocation_result.message
    assert plan.gap is not None
    assert plan.gap <= 1e-9
    assert plan.npv_usd == pytest.approx(factor * least_cost_plan(case, periods), rel=1e-9)


def least_cost_plan(case: Case, periods: int) -> float:
    """Income less the least cost of the screening curve."""
    from scipy.optimize import linprog

    power, curves, leases = (case.tables[name] for name in ("power", "curves", "leases"))
    hours = [pd.Timestamp(2027 + at // 12, at % 12 + 1, 1).days_in_month * 24 for at in range(periods)]
    size = leases["max_size"].to_numpy(float)
    blocks, plants = len(size), len(power)
    price = np.array(
        [curves.loc[curves["curve_id"] == name, "value"].to_numpy(float) for name in power["energy_curve"]]
    )
    # columns: capacity by plant, then load by plant and block; a block may be left unserved
    margin = 1000.0 * leases[
        "usd_per_kw_month"
    ].to_numpy(float)[None, :] - price[:, :blocks] * np.array(hours)[None, :blocks]
    cost = np.concatenate([power["fee_usd_per_kw_month"].to_numpy(float) * 1000.0 * periods, -margin.ravel()])
    rows, limits = [], []
    for plant in range(plants):
        for block in range(blocks):
            row = np.zeros(len(cost))
            row[plants + plant * blocks + block], row[plant] = 1.0, -1.0
            rows.append(row)
            limits.append(0.0)
    for block in range(blocks):
        row = np.zeros(len(cost))
        row[[plants + plant * blocks + block for plant in range(plants)]] = 1.0
        rows.append(row)
        limits.append(size[block])
    found = linprog(
        cost, A_ub=np.array(rows), b_ub=limits, bounds=(0, None), method="highs-ds",
        options={"dual_feasibility_tolerance": 1e-10},
    )
    assert found.status == 0
    return -float(found.fun)


def test_the_unit_of_money_follows_a_typical_candidate() -> None:
    assert money_unit(np.zeros(4)) == MILLION
    assert money_unit(np.array([3.0, -5e7, 8e6, 9e8, 0.0])) == MILLION
    assert money_unit(np.array([-20.0, 15.0, 3e9])) == 1.0
    assert money_unit(np.array([4e-4, 5e-4])) == pytest.approx(1e-6)
    assert money_unit(np.array([7e9])) == 1e9


def test_what_fails_a_check_of_duals_is_what_its_message_names() -> None:
    from planner.solver.solution import DualResiduals

    failed = DualResiduals(stationarity=3e-4, sign=9e-17, complementarity=0.0, strong_duality=2e-12, dual_objective=1.0)
    assert failed.failing(1e-6) == "stationarity 0.0003"
    assert not failed.within(1e-6)
    assert DualResiduals(1e-9, 0.0, 0.0, 1e-8, 1.0).failing(1e-6) == ""
    assert "strong duality nan" in DualResiduals(0.0, 0.0, 0.0, float("nan"), 1.0).failing(1e-6)

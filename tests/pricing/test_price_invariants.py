"""Invariants of prices on cases made up from seeds and on degenerate ones; those of the whole fixture stand beside its
plan.

The dual programme proves the plan's; gain <= dual <= loss; and e units more or less change the NPV by e times the price
of that direction within its range, given free or with their own fee, as another road to the same optimum finds (see
`spelled_out`).
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from at_length import AT_LENGTH, many
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))

from spelled_out import raised, worth

from planner.case.case import Case
from planner.case.edits import apply_edits
from planner.case.generate import generate_case
from planner.case.written_dates import month_number
from planner.planning.make_plan import plan
from planner.planning.plan import Plan
from planner.pricing.fixed_plan import FixedPlan
from planner.solver.options import SolverOptions
from planner.solver.solution import verify_duals

SEEDS = settings(
    max_examples=many(2, 5), deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow],
    phases=[Phase.generate],
)
"""Seeds are not shrunk: a smaller seed is no simpler case."""
MOST_PHASES = 3
FULL = [pytest.param(seed, marks=pytest.mark.slow) for seed in ((2, 4) if AT_LENGTH else (2,))]
"""Seeds of cases that are priced in full."""


@cache
def planned(seed: int, prices: str = "headline") -> Plan:
    return plan(generate_case(sites=3, leases=5, skus=2, months=36, seed=seed), prices=prices)


def phases(found: Plan) -> pd.DataFrame:
    """The headline rows, and where the plan's contracts end early: there a MW stands for less than the term."""
    rows = found.prices
    rows = rows[(rows["question"] == "whole term") & (rows["resource"] == "phase")].reset_index(drop=True)
    return rows.assign(ended_early=rows["to"] < found.power["to"])


def close(found: Plan, gained: float | None, price: float, amount: float) -> bool:
    """Whether a change of NPV is so many times the price, up to what two solves of one model may differ by."""
    assert gained is not None
    assert found.npv_usd is not None
    return bool(abs(gained - price * amount) <= 2e-9 * abs(found.npv_usd) + 1e-5 * abs(price * amount) + 1.0)


def check_both_directions(found: Plan, rows: pd.DataFrame, base: float) -> None:
    for row in rows.itertuples():
        for amount in (0.5 * row.gain_holds_to, row.gain_holds_to):
            value = worth(found, limits=raised("PHASE", row.name, amount))
            assert value is not None
            assert close(found, value - base, row.gain_usd, amount), (row.name, amount)
        if np.isnan(row.loss_usd):
            continue
        for amount in (0.5 * row.loss_holds_to, row.loss_holds_to):
            value = worth(found, limits=raised("PHASE", row.name, -amount))
            assert value is not None
            assert close(found, base - value, row.loss_usd, amount), (row.name, -amount)


@SEEDS
@given(st.integers(1, 10_000))
def test_the_dual_programme_proves_the_plan(seed: int) -> None:
    found = planned(seed)
    lp = found.allocation_result.lp
    assert lp is not None
    held = FixedPlan.of(lp.arrays, basis=found.allocation_result.lp_basis)
    assert held is not None
    solution = held.solver.solution
    assert solution is not None
    residuals = verify_duals(lp.arrays, solution)
    assert residuals.within(1e-8)
    assert residuals.dual_objective == pytest.approx(solution.objective, rel=1e-9)
    assert solution.objective * 1e6 == pytest.approx(found.objective_usd, rel=1e-9)


@SEEDS
@given(st.integers(1, 10_000))
def test_gain_dual_and_loss_are_in_order(seed: int) -> None:
    in_order(planned(seed).prices)


def in_order(prices: pd.DataFrame) -> None:
    # A date moves candidates, not limits: what earlier brings and later costs need not be in order.
    held = prices[
        (prices["decisions"] == "held") & prices["gain_usd"].notna() & (prices["question"] != "months earlier")
    ]
    assert len(held)
    slack = 1e-6 * held[["gain_usd", "loss_usd", "dual_usd"]].abs().max(axis=1) + 1e-3
    with_dual = held["dual_usd"].notna()
    assert (held["gain_usd"] <= held["dual_usd"] + slack)[with_dual].all()
    lossy = held["loss_usd"].notna()
    assert (held["gain_usd"] <= held["loss_usd"] + slack)[lossy].all()
    assert (held["dual_usd"] <= held["loss_usd"] + slack)[lossy & with_dual].all()


@SEEDS
@given(st.integers(1, 10_000))
def test_a_megawatt_given_or_taken_changes_the_plan_by_its_price(seed: int) -> None:
    found = planned(seed)
    base = worth(found)
    assert base == pytest.approx(found.objective_usd, rel=1e-8)
    rows = phases(found)
    rows = rows[~rows["ended_early"]]
    check_both_directions(found, rows.nlargest(MOST_PHASES, "gain_usd"), base)


@SEEDS
@given(st.integers(1, 10_000))
def test_a_megawatt_offered_changes_the_plan_by_its_net_price(seed: int) -> None:
    found = planned(seed)
    base = worth(found)
    assert base is not None
    power = found.case.tables["power"].assign(
        name=lambda table: table["source_id"] + ":" + table["phase"]
    ).set_index("name")
    rows = phases(found).dropna(subset=["net_gain_usd"])
    for row in rows.nlargest(MOST_PHASES, "net_gain_usd").itertuples():
        for amount in (0.5 * row.net_gain_holds_to, row.net_gain_holds_to):
            before = power.loc[row.name]
            edits = [f"power.guaranteed_mw[{row.name}]={float(before.guaranteed_mw + amount)!r}"]
            if not pd.isna(before.installed_mw):  # plant grows with what it guarantees
                installed = float(before.installed_mw * (1 + amount / before.guaranteed_mw))
                edits.append(f"power.installed_mw[{row.name}]={installed!r}")
            value = worth(found, found.options.candidates(apply_edits(found.case, edits)))
            assert value is not None
            assert close(found, value - base, row.net_gain_usd, amount), (row.name, amount)


@SEEDS
@given(st.integers(1, 10_000))
def test_a_megawatt_given_back_changes_the_plan_by_its_net_price(seed: int) -> None:
    found = planned(seed)
    base = worth(found)
    assert base is not None
    numbers = dict(zip(found.candidates.table["candidate_id"], found.candidates.table.index, strict=True))
    for row in phases(found).dropna(subset=["net_loss_usd"]).nlargest(MOST_PHASES, "net_loss_usd").itertuples():
        number = numbers[f"power:{row.name}"]
        for amount in (0.5 * row.net_loss_holds_to, row.net_loss_holds_to):
            upper = found.candidates.upper.copy()
            upper[number] = row.in_plan - amount
            value = worth(found, replace(found.candidates, upper=upper))
            assert value is not None
            assert close(found, base - value, row.net_loss_usd, amount), (row.name, amount)


@SEEDS
@given(st.integers(1, 10_000))
def test_a_price_ends_where_it_says(seed: int) -> None:
    """Where the range ends at a corner, twice as much brings less than twice the price."""
    found = planned(seed)
    base = worth(found)
    assert base is not None
    rows = phases(found)
    corner = rows[~rows["ended_early"] & (rows["gain_usd"] > 1.0) & ~rows["gain_holds_to"].isin([1.0, 100.0])]
    for row in corner.itertuples():
        value = worth(found, limits=raised("PHASE", row.name, 2.0 * row.gain_holds_to))
        assert value is not None
        assert value - base < 2.0 * row.gain_holds_to * row.gain_usd


def full(seed: int) -> Plan:
    """All that the held plan answers; what would be planned again is left to tests of its own."""
    return planned(seed, "full")


@pytest.mark.parametrize("seed", FULL)
def test_every_price_of_the_full_table_is_in_order(seed: int) -> None:
    rows = full(seed).prices
    in_order(rows)
    assert {"phase", "delivery", "capital", "lease", "hall"} <= set(rows["resource"])
    assert {"whole term", "from a year on", "within a year", "block", "months earlier"} <= set(rows["question"])
    months = rows[rows["question"] == "dual of months"]
    assert months["gain_usd"].isna().all()
    assert months["loss_usd"].isna().all()


def _years(found: Plan) -> Iterator[Any]:
    rows = found.prices
    spans = rows[rows["question"].isin(["from a year on", "within a year"]) & (rows["gain_usd"].abs() > 1.0)]
    early = set(phases(found)[lambda table: table["ended_early"]]["name"])
    yield from spans[~spans["name"].isin(early)].nlargest(8, "gain_usd").itertuples()


@pytest.mark.parametrize("seed", FULL)
def test_a_megawatt_in_some_years_changes_the_plan_by_its_price(seed: int) -> None:
    found = full(seed)
    base = worth(found)
    assert base is not None
    calendar = found.candidates.outlook.calendar
    asked = list(_years(found))
    assert asked
    for row in asked:
        start = calendar.index(row[found.prices.columns.get_loc("from") + 1])
        end = 10**6 if row.question == "from a year on" else calendar.index(row.to) + 1
        value = worth(found, limits=raised("PHASE", row.name, row.gain_holds_to, start, end))
        assert value is not None
        assert close(found, value - base, row.gain_usd, row.gain_holds_to), (row.name, row.question, start)


@pytest.mark.parametrize("seed", FULL)
def test_supply_changes_the_plan_by_its_price(seed: int) -> None:
    """Delivery slots by their limit; capital, the size of leases and of sites by changing the case."""
    found = full(seed)
    base = worth(found)
    assert base is not None
    rows = found.prices
    checked = 0
    for row in rows[(rows["resource"] == "delivery") & (rows["gain_usd"] > 0.0)].nlargest(2, "gain_usd").itertuples():
        value = worth(found, limits=raised("SUPPLY", row.name, row.gain_holds_to))
        assert value is not None
        assert close(found, value - base, row.gain_usd, row.gain_holds_to), row.name
        checked += 1
    changes = []
    for row in rows[
        (rows["question"] == "from a quarter on") & (rows["gain_usd"] > 0.0)
    ].nlargest(1, "gain_usd").itertuples():
        changes.append(
            (row, row.gain_usd, row.gain_holds_to, f"budget.new_capital_usd[{row.name}]+={float(row.gain_holds_to)!r}")
        )
    for row in rows[
        (rows["resource"] == "lease") & (rows["gain_usd"].abs() > 1.0)
    ].nlargest(2, "gain_usd").itertuples():
        amount = float(np.floor(row.gain_holds_to))  # a lease is of whole GPUs
        if amount > 0.0:
            changes.append((row, row.gain_usd, amount, f"leases.max_size[{row.name}]+={amount!r}"))
    for row in rows[
        (rows["resource"] == "hall") & (rows["net_gain_usd"] > 1.0)
    ].nlargest(2, "net_gain_usd").itertuples():
        changes.append(
            (
                row, row.net_gain_usd, row.net_gain_holds_to,
                f"sites.critical_it_mw[{row.name}]+={float(row.net_gain_holds_to)!r}",
            )
        )
    for row, price, amount, edit in changes:
        value = worth(found, found.options.candidates(apply_edits(found.case, [edit])))
        assert value is not None
        assert close(found, value - base, price, amount), (row.resource, row.name)
        checked += 1
    assert checked


@pytest.mark.parametrize("seed", FULL)
def test_dates_are_what_planning_again_brings(seed: int) -> None:
    """With 0/1 decisions continuous the plan is one programme, so planning again holds nothing back."""
    found = plan(
        generate_case(sites=3, leases=4, skus=2, months=36, seed=seed), solver=SolverOptions(relax=True), prices="full"
    )
    rows = found.prices
    dates = rows[(rows["question"] == "months earlier") & (rows["decisions"] == "held")]
    assert len(dates)
    for row in dates.head(3).itertuples():
        months = int(row.step)
        source, _, phase = row.name.rpartition(":")
        power = found.case.tables["power"]
        (own,) = np.flatnonzero((power["source_id"] == source) & (power["phase"] == phase))
        comes = month_number(
            found.power.set_index("phase").loc[row.name, "energised"]
        ) - month_number(found.case.settings.start)
        lead = min(int(power["lead_months"].iloc[own]), comes - months)  # it cannot come before its lead
        edits = [
            f"power.energised[{row.name}]+={-months}", f"power.term_months[{row.name}]+={months}",
            f"power.lead_months[{row.name}]={lead}",
        ]
        moved = apply_edits(found.case, edits)
        again = plan(moved, solver=SolverOptions(relax=True))
        assert again.objective_usd is not None
        assert found.objective_usd is not None
        assert again.objective_usd - found.objective_usd == pytest.approx(row.gain_usd * months, rel=1e-5, abs=50.0)


@pytest.mark.parametrize("seed", FULL)
def test_blocks_bring_at_least_what_held_decisions_make_of_them(seed: int) -> None:
    found = full(seed)
    rows = found.prices
    blocks = rows[rows["question"] == "block"]
    assert len(blocks)
    for row in blocks.itertuples():
        value, base = worth(found, limits=raised("PHASE", row.name, row.step)), worth(found)
        assert value is not None
        assert base is not None
        assert row.gain_usd * row.step >= (value - base) * (1 - 1e-6) - 10.0
        assert row.gain_at_most_usd >= row.gain_usd
    for _, sizes in blocks.groupby("name"):
        total = (sizes["gain_usd"] * sizes["step"]).to_numpy()
        most = (sizes["gain_at_most_usd"] * sizes["step"]).to_numpy()
        assert (most[1:] >= total[:-1] - 1.0).all()  # a larger block holds the smaller one


@pytest.mark.parametrize("seed", FULL)
def test_whole_phases_are_what_fixing_them_brings(seed: int) -> None:
    found = full(seed)
    rows = found.prices
    whole = rows[(rows["question"] == "whole or not") & (rows["resource"] == "phase") & rows["net_gain_usd"].notna()]
    steps = whole[whole["in_plan"] == 0.0].head(2)
    for row in steps.itertuples():
        lumpy = bool((found.power.set_index("phase").loc[row.name, "guaranteed_mw"]) == row.step)
        if not lumpy:
            continue
        fixed = plan(found.case, fixes=[f"power.contracted_mw[{row.name}]={float(row.limit)!r}"])
        assert fixed.objective_usd is not None
        assert fixed.allocation_result.bound_usd is not None
        assert found.objective_usd is not None
        assert row.net_gain_usd * row.step <= fixed.allocation_result.bound_usd - found.objective_usd + 10.0
        assert row.gain_at_most_usd * row.step >= fixed.objective_usd - found.objective_usd - 10.0


# --- degenerate cases ------------------------------------------------------------------------------------------------


def twins(case: Case) -> Case:
    """Every phase split into two equal ones, so that each MW can come from either and duals are far from unique."""
    power = case.tables["power"]
    halves = power.assign(
        guaranteed_mw=power["guaranteed_mw"] / 2, installed_mw=power["installed_mw"] / 2,
        committed_mw=power["committed_mw"] / 2,
    )
    other = halves.assign(source_id=halves["source_id"] + "_twin")
    return replace(case, tables={**case.tables, "power": pd.concat([halves, other], ignore_index=True)})


@pytest.mark.parametrize("seed", FULL)
def test_twins_are_worth_the_same(seed: int) -> None:
    found = plan(twins(generate_case(sites=3, leases=5, skus=2, months=36, seed=seed)))
    rows = phases(found)
    in_order(found.prices)
    half = len(rows) // 2
    # Which of two equal phases a MW is given to makes no difference where neither contract is ended early.
    ours, theirs = rows.iloc[:half].reset_index(drop=True), rows.iloc[half:].reset_index(drop=True)
    same = ~(ours["ended_early"] | theirs["ended_early"])
    np.testing.assert_allclose(ours["gain_of_step_usd"][same], theirs["gain_of_step_usd"][same], rtol=1e-6, atol=1.0)
    base = worth(found)
    assert base is not None
    check_both_directions(found, rows[~rows["ended_early"]].nlargest(MOST_PHASES, "gain_usd"), base)


def test_a_case_without_income_has_prices_of_nothing() -> None:
    case = generate_case(sites=2, leases=3, skus=2, months=24, seed=1)
    rates = case.tables["lease_rates"].assign(usd_per_gpu_hour=0.0)
    leases = case.tables["leases"].assign(usd_per_kw_month=0.0)
    found = plan(
        replace(
            case,
            tables={
                **case.tables, "lease_rates": rates, "leases": leases, "market": case.tables["market"].iloc[:0],
                "mining": case.tables["mining"].iloc[:0],
            },
        )
    )
    rows = phases(found)
    assert (rows["gain_usd"] == 0.0).all()
    in_order(found.prices)

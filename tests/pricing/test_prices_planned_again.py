"""Each price against planning again with the unit given, where bounds of single candidates bind, and what binds most
against the prices.

The other road is SciPy on every candidate and row spelled out (`spelled_out`), the whole decisions held at the plan's:
the changed case is built anew, so whatever a limit stands for in it has moved.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest
from at_length import few
from auditing.small import small_case
from oracle.tiny_case import grid, hall, site, tiny_case
from pricing.edge_prices import edge_case, filled_case
from pricing.spelled_out import worth

import planner
from planner.case.edits import apply_edits
from planner.planning.plan import Plan

FEW = (1, 5, 11, 32)
MORE = (7, 12, 0, 2, 3, 4, 6, 8, 9, 10, 16, 25, 39, 40, 43, 44)
SEEDS = [*FEW, *(pytest.param(seed, marks=pytest.mark.slow) for seed in few(MORE, 6))]


@cache
def planned(seed: int) -> Plan:
    return planner.plan(edge_case(seed), prices="full")


def edit_of(row: Any, found: Plan) -> str | None:
    """The column of the case that the limit of a row stands in, without its change; None where no single cell is it."""
    tables = found.case.tables
    if row.resource == "lease":
        return f"leases.max_size[{row.name}]"
    if row.resource == "lease rate":
        return f"lease_rates.max_units[{row.name}]"
    if row.resource == "delivery":
        return f"gpu_supply.max_gpus[{row.name}]"
    if row.resource == "shared feed":
        return f"site_groups.max_contracted_mw[{row.name}]"
    if (
        row.resource == "capital" and row.question in ("from a quarter on", "one quarter")
        and row.name in set(tables["budget"]["quarter"])
    ):
        return f"budget.new_capital_usd[{row.name}]"
    return None


def after(found: Plan, edit: str, amount: float) -> float | None:
    return worth(found, found.options.candidates(apply_edits(found.case, [f"{edit}+={float(amount)!r}"])))


def close(found: Plan, gained: float, expected: float) -> bool:
    assert found.npv_usd is not None
    return bool(abs(gained - expected) <= 1e-8 * abs(found.npv_usd) + 1e-5 * abs(expected) + 0.1)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_unit_more_or_less_is_worth_its_price(seed: int) -> None:
    found = planned(seed)
    base = worth(found)
    assert base == pytest.approx(found.objective_usd, rel=1e-8, abs=0.1)
    asked = 0
    for row in found.prices[found.prices["decisions"] == "held"].itertuples():
        edit = edit_of(row, found)
        if edit is None:
            continue
        whole = row.unit == "GPU"  # a column of whole numbers
        for price, of_step, holds, sign in (
            (row.gain_usd, row.gain_of_step_usd, row.gain_holds_to, 1.0),
            (row.loss_usd, row.loss_of_step_usd, row.loss_holds_to, -1.0),
        ):
            if np.isnan(price):
                continue
            step = row.step if sign > 0 or np.isnan(row.limit) else min(row.step, row.limit)
            first = min(holds, step)
            if sign < 0 and step >= row.limit:  # a lease of nothing is none
                continue
            amounts = {step: of_step} if whole and first != np.floor(first) else {step: of_step, first: price}
            for amount, each in amounts.items():
                if whole and amount != np.floor(amount):
                    continue
                value = after(found, edit, sign * amount)
                assert value is not None, (row.question, row.name, sign * amount)
                assert close(found, sign * (value - base), each * amount), (
                    row.question, row.resource, row.name, sign * amount, sign * (value - base), each * amount
                )
                asked += 1
    assert asked >= 6


@pytest.mark.parametrize("seed", SEEDS)
def test_a_megawatt_on_offer_is_worth_its_net_price(seed: int) -> None:
    """A phase that guarantees more, at its own fee; a site that may hold more halls."""
    found = planned(seed)
    base = worth(found)
    assert base is not None
    rows = found.prices[(found.prices["question"] == "whole term") & found.prices["resource"].isin(["phase", "hall"])]
    for row in rows.dropna(subset=["net_gain_usd"]).itertuples():
        edit = f"power.guaranteed_mw[{row.name}]" if row.resource == "phase" else f"sites.critical_it_mw[{row.name}]"
        amount = min(row.net_gain_holds_to, row.step)
        value = after(found, edit, amount)
        assert value is not None
        assert close(found, value - base, row.net_gain_usd * amount), (
            row.resource, row.name, value - base, row.net_gain_usd * amount
        )


@pytest.mark.parametrize("seed", SEEDS)
def test_prices_lie_in_order_and_what_binds_has_all_of_them(seed: int) -> None:
    found = planned(seed)
    held = found.prices[
        (found.prices["decisions"] == "held") & found.prices["gain_usd"].notna()
        & (found.prices["question"] != "months earlier")
    ]
    slack = 1e-6 * held[["gain_usd", "loss_usd", "dual_usd"]].abs().max(axis=1) + 1e-6
    assert not (held["gain_usd"] > held["dual_usd"] + slack).any()
    assert not (held["dual_usd"] > held["loss_usd"] + slack).any()
    binding = found.binding
    assert (binding["usd_per_percent"] > 0.0).all()
    assert not binding.duplicated(["family", "name"]).any()
    for row in scarce(found).itertuples():
        assert ((binding["family"] == row.family) & (binding["name"] == row.name)).any(), (row.family, row.name)


FAMILIES = {
    "lease": "VOLUME", "lease rate": "TIER", "delivery": "SUPPLY", "shared feed": "GROUP", "cluster": "CLUSTER",
    "phase": "POWER", "hall": "SITE",
}


def scarce(found: Plan) -> pd.DataFrame:
    """Limits of which a unit more, at its own cost, brings something, by the family and name under which they bind."""
    rows = found.prices[
        (found.prices["decisions"] == "held") & (found.prices["question"].isin(["whole term", "one quarter"]))
    ]
    rows = rows[rows["resource"].isin(list(FAMILIES))]
    own = rows["net_gain_usd"].where(rows["resource"].isin(["phase", "hall"]), rows["gain_usd"])
    rows = rows[own > 1e-3]
    return rows.assign(family=rows["resource"].map(FAMILIES))[["family", "name"]]


def test_the_cases_have_prices_of_every_kind() -> None:
    """Else the tests above say nothing of them."""
    dear: dict[str, int] = {}
    for seed in FEW:
        for family in scarce(planned(seed))["family"]:
            dear[family] = dear.get(family, 0) + 1
    assert {family for family, count in dear.items() if count} >= {"VOLUME", "TIER", "SUPPLY", "POWER"}, dear


@pytest.mark.parametrize(("kind", "worth_usd", "size"), [("hosting", 90_000.0, 40.0), ("gpus", 10.0 * 744, 100.0)])
def test_a_lease_that_fits_wherever_it_likes_is_worth_what_one_more_pays(
    kind: str, worth_usd: float, size: float
) -> None:
    """By hand: $100/kW-month less a fee of $10, or $10 an hour in a January of 744 hours, nothing else being scarce."""
    case = filled_case(kind)
    found = planner.plan(case, prices="full")
    lease = found.prices[found.prices["resource"] == "lease"].iloc[0]
    for column in ("gain_usd", "gain_of_step_usd", "dual_usd", "loss_usd"):
        assert lease[column] == pytest.approx(worth_usd, rel=1e-9)
    assert found.binding[["family", "name"]].to_numpy().tolist() == [["VOLUME", "let"]]
    assert found.binding["usd_per_percent"].iat[0] == pytest.approx(worth_usd * size / 100.0, rel=1e-9)
    more = planner.plan(apply_edits(case, ["leases.max_size[let]+=1"]))
    assert more.npv_usd - found.npv_usd == pytest.approx(worth_usd, rel=1e-9)


def test_a_site_filled_with_new_halls_is_worth_what_one_more_megawatt_of_them_brings() -> None:
    """All that a site may still hold is built in one month, so that the bound of that month's halls binds beside the
    limit of the site."""
    case = tiny_case(
        months=18, sites=[site("a", mw=0.8, existing_it_mw=0.3, shell_capex_usd_per_kw=400, build_lead_months=0)],
        power=[grid("a", mw=20.0)],
        leases=[hall("room", mw=5.0, rate=150.0, term_months=18)],
    )
    found = planner.plan(case, prices="full")
    row = found.prices[found.prices["resource"] == "hall"].iloc[0]
    more = planner.plan(apply_edits(case, ["sites.critical_it_mw[a]+=1"]), prices="none")
    assert row["net_gain_usd"] == pytest.approx(more.npv_usd - found.npv_usd, rel=1e-9)
    assert row["net_gain_usd"] > 1e6
    assert found.binding[["family", "name"]].to_numpy().tolist() == [["SITE", "a"]]
    assert found.binding["usd_per_percent"].iat[0] == pytest.approx(row["net_gain_usd"] * 0.8 / 100.0, rel=1e-6)


def test_a_site_whose_halls_all_stand_holds_no_more_of_them_if_it_is_larger() -> None:
    case = tiny_case(
        months=18, sites=[site("a", mw=0.8)], power=[grid("a", mw=20.0)],
        leases=[hall("room", mw=5.0, rate=150.0, term_months=18)],
    )
    found = planner.plan(case, prices="full")
    assert planner.plan(
        apply_edits(case, ["sites.critical_it_mw[a]+=1"]), prices="none"
    ).npv_usd == pytest.approx(found.npv_usd, rel=1e-9)
    row = found.prices[found.prices["resource"] == "hall"].iloc[0]
    assert row["net_gain_usd"] == 0.0
    assert row["gain_usd"] > 1e6


def test_the_years_of_a_percent_more_of_what_binds_are_those_of_planning_again() -> None:
    """One per cent more of each lease that binds, planned again with decisions free in cases without any."""
    checked = 0
    for seed in FEW:
        found = planned(seed)
        base = worth(found)
        assert base is not None
        for row in found.binding[found.binding["family"] == "VOLUME"].itertuples():
            lease = found.case.tables["leases"].set_index("lease_id").loc[row.name]
            step = 1.0 if lease["kind"] == "gpu" else 1e-3 * float(lease["max_size"])
            percents = 100.0 * step / float(lease["max_size"])
            more, less = (after(found, f"leases.max_size[{row.name}]", sign * step) for sign in (1.0, -1.0))
            assert more is not None
            assert less is not None
            slack = 1e-5 * abs(row.usd_per_percent) + 1e-7 * abs(base) + 0.1
            assert (more - base) / percents <= row.usd_per_percent + slack
            assert row.usd_per_percent <= (base - less) / percents + slack
            checked += 1
    assert checked >= 3


def test_a_gpu_more_on_one_fabric_brings_what_it_earns() -> None:
    """60 GPUs fit on the fabric of a lease of 100 that wants one: each more brings 730 hours x 12 months x $1 less its
    $1,000."""
    case = small_case(sites={"max_cluster_gpus": 60}, leases={"single_fabric": True})
    found = planner.plan(case, prices="full")
    (row,) = found.prices[found.prices["resource"] == "cluster"].to_dict("records")
    assert (row["name"], row["in_plan"], row["limit"]) == ("l:s", 60.0, 60.0)
    assert [row["gain_usd"], row["loss_usd"]] == pytest.approx([730.0 * 12 - 1000.0] * 2)
    for sign, price in ((1, row["gain_of_step_usd"]), (-1, row["loss_of_step_usd"])):
        changed = planner.plan(apply_edits(case, [f"sites.max_cluster_gpus[s]+={sign}"]), prices="none")
        assert changed.npv_usd - found.npv_usd == pytest.approx(sign * price)


def test_a_dollar_for_a_year_brings_what_planning_again_with_it_brings() -> None:
    """$50,000 at first, plenty a year later: a dollar that goes back then buys a thousandth of a GPU, which earns
    $7,760."""
    budget = [{"quarter": "2027-Q1", "new_capital_usd": 50_000}, {"quarter": "2028-Q1", "new_capital_usd": 100_000}]
    case = small_case(settings={"budget_carries_over": True}, budget=budget)
    found = planner.plan(case, prices="full")
    rows = found.prices[
        (found.prices["resource"] == "capital") & (found.prices["name"] == "2027-Q1")
    ].set_index("question")
    assert rows["gain_usd"]["for one year"] == pytest.approx(7.76)
    assert rows["gain_holds_to"]["for one year"] == pytest.approx(50_000.0)
    for amount, expected in ((1_000.0, 7_760.0), (80_000.0, 50_000 * 7.76)):
        lent = apply_edits(
            case, [f"budget.new_capital_usd[2027-Q1]+={amount}", f"budget.new_capital_usd[2028-Q1]+={-amount}"]
        )
        assert planner.plan(lent, prices="none").npv_usd - found.npv_usd == pytest.approx(expected)
        kept = apply_edits(case, [f"budget.new_capital_usd[2027-Q1]+={amount}"])
        assert planner.plan(kept, prices="none").npv_usd - found.npv_usd == pytest.approx(expected)

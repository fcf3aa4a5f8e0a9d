"""The value of a MW: two directions in order, and equal to planning again with one MW more or less."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from planner.allocator.options import SolverOptions
from planner.case.edits import apply_edits
from planner.case.generate import generate_case
from planner.case.starting import starting_case
from planner.planning import Plan, plan
from planner.pricing.phase_values import COLUMNS

RELAXED = SolverOptions(relax=True)


def _planned(seed: int) -> Plan:
    return plan(generate_case(sites=4, leases=8, skus=3, months=48, seed=seed), solver=RELAXED)


@pytest.mark.parametrize("seed", [1, 2, 5])
def test_one_more_is_worth_no_more_than_one_less_costs(seed: int) -> None:
    prices = _planned(seed).prices
    scale = max(prices["gain_usd_per_mw"].max(), 1.0)
    assert (prices["gain_usd_per_mw"] >= -1e-6 * scale).all()
    both = prices.dropna(subset=["loss_usd_per_mw"])
    assert len(both)
    assert (both["gain_usd_per_mw"] <= both["loss_usd_per_mw"] + 1e-6 * scale).all()
    assert (prices["gain_usd_per_mw"] > 0).any()


@pytest.mark.parametrize("seed", [1, 2, 5])
def test_net_prices_are_what_planning_again_brings(seed: int) -> None:
    """With 0/1 decisions continuous the plan is one programme, so planning again holds nothing back.

    NPV is concave in the MW: a thousandth of a MW brings at least as much for each as a whole one.
    """
    free = ["sites.opening_cost_usd=0", "power.min_mw=0"]
    found = plan(apply_edits(_planned(seed).case, free), solver=RELAXED)
    installed = found.case.tables["power"].assign(phase_name=lambda rows: rows["source_id"] + ":" + rows["phase"]).set_index("phase_name")["installed_mw"]
    dear = found.prices.dropna(subset=["net_gain_usd_per_mw"]).nlargest(1, "net_gain_usd_per_mw")
    assert (dear["net_gain_usd_per_mw"] > 1.0).any()
    for row in dear.itertuples():
        columns = ["guaranteed_mw"] + ([] if pd.isna(installed[row.phase]) else ["installed_mw"])
        more = plan(apply_edits(found.case, [f"power.{column}[{row.phase}]+=0.001" for column in columns]), solver=RELAXED)
        gained = (more.objective_usd - found.objective_usd) / 0.001
        assert gained >= row.net_gain_usd_per_mw * (1 - 1e-4) - 1.0
        assert np.isnan(row.net_loss_usd_per_mw) or gained <= row.net_loss_usd_per_mw * (1 + 1e-4) + 1.0
        whole = plan(apply_edits(found.case, [f"power.{column}[{row.phase}]+=1" for column in columns]), solver=RELAXED)
        if len(columns) == 1:  # with plant that grows by one MW too, the fee and upkeep per contracted MW change
            assert whole.objective_usd - found.objective_usd == pytest.approx(row.net_gain_usd_per_mw, rel=1e-4)


def test_a_free_megawatt_is_worth_its_lease() -> None:
    """On a phase without fee or capex, what a MW brings given free is what it brings on offer."""
    found = plan(apply_edits(starting_case(), ["power.fee_usd_per_kw_month=0", "power.upfront_usd_per_kw=0"]), solver=RELAXED)
    plain = found.case.tables["power"]
    free = set((plain["source_id"] + ":" + plain["phase"])[(plain["capex_usd_per_kw"].fillna(0) == 0) & (plain["fixed_om_usd_per_kw_month"] == 0) & (plain["min_take"] == 0)])
    rows = found.prices[found.prices["phase"].isin(free) & (found.prices["net_gain_usd_per_mw"] > 1.0)]
    assert len(rows)
    np.testing.assert_allclose(rows["gain_usd_per_mw"], rows["net_gain_usd_per_mw"], rtol=1e-6)


def test_a_gain_holds_over_its_range() -> None:
    found = _planned(2)
    ranged = found.prices.dropna(subset=["gain_holds_to_mw"])
    assert len(ranged)
    assert (ranged["gain_holds_to_mw"] >= 1.0).all()


def test_an_infeasible_case_has_no_prices() -> None:
    case = starting_case()
    lease = case.tables["leases"]["lease_id"].iloc[0]
    found = plan(case, fixes=[f"leases.size[{lease}]={case.tables['leases']['max_size'].iloc[0]:g}"], excludes=[f"leases[{lease}]"])
    assert found.levels is None
    assert list(found.prices.columns) == list(COLUMNS)
    assert found.prices.empty
    assert isinstance(found.prices, pd.DataFrame)

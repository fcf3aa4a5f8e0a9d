"""How a plan fares over many futures, by hand: mean, tail, chance of a loss, and a plan made for them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from cases.falling_market import CAPEX, LET, MULTIPLIERS, ON_DEMAND, WEIGHTS, futures_file, market_case
from rules.hand_case import hand_case

import planner
from planner.errors import PlannerError
from planner.planning.over_futures import has_futures
from planner.run_folder import write_run


def worst_mean(npv: np.ndarray, weights: np.ndarray, share: float) -> float:
    """Mean of the worst share, taken future by future in order of NPV until the share is full."""
    left, total = share, 0.0
    for at in np.argsort(npv):
        taken = min(left, weights[at])
        total, left = total + taken * npv[at], left - taken
    return total / share


@pytest.mark.parametrize("alpha", [0.95, 0.8, 0.5])
def test_figures_are_those_of_the_futures_one_by_one(alpha: float, tmp_path: Path) -> None:
    asked = planner.FuturesOptions(alpha=alpha, imported=str(futures_file(tmp_path)))
    found = planner.plan(market_case(), futures=asked)
    npv = ON_DEMAND * MULTIPLIERS - CAPEX
    assert found.npv_usd == pytest.approx(ON_DEMAND - CAPEX, rel=1e-12)
    over = found.over_futures
    assert over is not None
    np.testing.assert_allclose(over.npv_usd, npv, rtol=1e-9)
    assert over.mean_usd == pytest.approx(WEIGHTS @ npv, rel=1e-9)
    assert over.cvar_usd == pytest.approx(-worst_mean(npv, WEIGHTS, 1 - alpha), rel=1e-9)
    assert over.loss_probability == pytest.approx(WEIGHTS[npv < 0].sum(), rel=1e-12)
    write_run(found, tmp_path / "run")
    record, summary = (json.loads((tmp_path / "run" / f"{name}.json").read_text()) for name in ("run", "plan"))
    for held in (record["futures"], summary):
        assert held["expected_npv_usd"] == over.mean_usd
        assert held["cvar_usd"] == over.cvar_usd
        assert held["loss_probability"] == over.loss_probability
        assert (held["alpha"], held["scenarios"]) == (alpha, 10)


def test_a_plan_made_for_all_of_them_lets_instead(tmp_path: Path) -> None:
    """On average the market pays less than the lease: a plan for the mean takes the lease, whatever the future."""
    found = planner.plan(market_case(), futures=planner.FuturesOptions(imported=str(futures_file(tmp_path))))
    assert found.over_futures is not None
    assert WEIGHTS @ MULTIPLIERS * ON_DEMAND < LET < ON_DEMAND
    assert found.over_futures.better_mean_usd == pytest.approx(LET - CAPEX, rel=1e-9)
    risky = planner.plan_after_risk(market_case(), risk=planner.RiskOptions(imported=str(tmp_path / "prices.csv")))
    assert risky.expected_npv_usd == pytest.approx(LET - CAPEX, rel=1e-9)
    own = risky.over_futures
    assert own is not None
    assert own.made_for
    assert own.mean_usd == pytest.approx(LET - CAPEX, rel=1e-9)


def test_no_other_plan_is_named_where_none_is_better(tmp_path: Path) -> None:
    path = futures_file(tmp_path)
    table = pd.read_csv(path)
    table.assign(value=table["value"] + 1.0).to_csv(path, index=False)
    found = planner.plan(market_case(), futures=planner.FuturesOptions(imported=str(path)))
    assert found.over_futures is not None
    assert found.over_futures.better_mean_usd is None


def test_futures_drawn_are_those_of_scores_and_the_seed_of_the_case() -> None:
    case = market_case("gbm", volatility_per_year=0.5)
    found = planner.plan(case, futures=planner.FuturesOptions(scenarios=200))
    scores = planner.score(case, found.portfolio, scenarios=200, float64=True, paths=False).table.iloc[0]
    over = found.over_futures
    assert over is not None
    assert over.mean_usd == pytest.approx(scores["mean_npv_usd"], rel=1e-9)
    assert over.standard_error_usd == pytest.approx(scores["standard_error_usd"], rel=1e-9)
    assert over.cvar_usd == pytest.approx(scores["cvar_usd"], rel=1e-9)
    assert over.loss_probability == pytest.approx(scores["loss_probability"], rel=1e-9)
    assert 0.0 < over.loss_probability < 1.0


def test_nothing_is_measured_unless_asked() -> None:
    case = market_case("gbm", volatility_per_year=0.5)
    found = planner.plan(case, prices="none")
    assert found.over_futures is None
    assert has_futures(case)
    assert not has_futures(market_case())  # its paths are given from outside
    assert not has_futures(hand_case())
    with pytest.raises(PlannerError, match="between 0 and 1"):
        planner.FuturesOptions(alpha=1.0)
    with pytest.raises(PlannerError, match=r"FuturesOptions\(scenarios=500\)"):
        planner.plan(case, futures=500)
    with pytest.raises(PlannerError, match="leave futures out"):
        planner.plan(case, adapt=True, futures=planner.FuturesOptions())
    with pytest.raises(PlannerError, match="leave futures out"):
        planner.plan_after_risk(case, planner.PlanOptions(futures=planner.FuturesOptions()))

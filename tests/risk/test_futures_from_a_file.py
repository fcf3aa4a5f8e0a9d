"""Plans after risk and frontiers over futures from a file: as over those that were written, by their weights."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from cases.path_table import path_table
from oracle.tiny_case import cluster, grid, rate, site, sku, tiny_case

import planner
from planner.case.case import Case
from planner.errors import CaseError, PlannerError
from planner.scenarios.futures import make_futures

WEIGHED = {"weight": 0.5, "alpha": 0.8}


@cache
def risky() -> Case:
    """A site that may sell on demand or sign a lease below the market's mean, and a market that moves."""
    return tiny_case(
        sites=[site()], power=[grid()], gpus=[sku()], leases=[cluster(size=300)], lease_rates=[rate(usd=2.2)],
        market=[{"gpu_id": "gpu", "usd_per_gpu_hour": 3.0, "depth_gpus": 300}],
        factors=[{"factor_id": "spot", "model": "gbm", "drives": "market", "volatility_per_year": 0.6}],
    )


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The futures that are drawn by default, as a file."""
    case = risky()
    calendar = planner.plan(case, prices="none").candidates.outlook.calendar
    path = tmp_path_factory.mktemp("futures") / "paths.csv"
    drawn = make_futures(case, calendar, scenarios=12)
    path_table(drawn.names, drawn.weights, drawn.values.multipliers, calendar).to_csv(path, index=False)
    return path


def test_drawn_futures_read_back_give_the_same_plan(written: Path) -> None:
    drawn, read = (
        planner.plan_after_risk(risky(), planner.PlanOptions(prices="none"), planner.RiskOptions(**WEIGHED, **how))
        for how in ({"scenarios": 12}, {"imported": str(written)})
    )
    assert len(read.futures) == 12
    assert read.objective_usd == pytest.approx(drawn.objective_usd, rel=1e-9)
    np.testing.assert_allclose(np.sort(read.npv_by_future), np.sort(drawn.npv_by_future), rtol=1e-9)
    ends = [
        planner.frontier(risky(), risk=planner.RiskOptions(alpha=0.8, **how), weights=(0, 1)).table
        for how in ({"scenarios": 12}, {"imported": str(written)})
    ]
    pd.testing.assert_frame_equal(*ends, rtol=1e-9)


def test_weights_of_a_file_are_the_probabilities(written: Path, tmp_path: Path) -> None:
    """All weight on one future: the plan that knows it, worth there what it is worth on average."""
    table = pd.read_csv(written, dtype={"scenario": str})
    chosen = table["scenario"].unique()[3]
    table["weight"] = (table["scenario"] == chosen).astype(float)
    table.to_csv(tmp_path / "one.csv", index=False)
    table[table["scenario"] == chosen].to_csv(tmp_path / "alone.csv", index=False)
    one, alone = (
        planner.plan_after_risk(
            risky(), planner.PlanOptions(prices="none"),
            planner.RiskOptions(**WEIGHED, imported=str(tmp_path / f"{name}.csv")),
        )
        for name in ("one", "alone")
    )
    assert one.expected_npv_usd == pytest.approx(alone.expected_npv_usd, rel=1e-9)
    assert one.expected_npv_usd == pytest.approx(-one.cvar_usd, rel=1e-9)


def test_a_file_that_is_no_future_of_the_case_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.csv"
    pd.DataFrame({"factor_id": ["gas"], "scenario": ["a"], "month": ["2027-01"], "value": [1.0]}).to_csv(
        path, index=False
    )
    with pytest.raises(CaseError, match="the case has no such factor"):
        planner.plan_after_risk(risky(), risk=planner.RiskOptions(imported=str(path)))
    with pytest.raises(PlannerError, match="cannot be read"):
        planner.plan_after_risk(risky(), risk=planner.RiskOptions(imported=str(tmp_path / "none.csv")))

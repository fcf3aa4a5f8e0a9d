from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from risky_case import RiskyCase

from planner.errors import PlannerError
from planner.planning.options import PlanOptions
from planner.risk.allocate import RiskAllocation
from planner.risk.frontier import Frontier, frontier, not_beaten, write_frontier
from planner.risk.planning import RiskOptions
from planner.scoring.long_table import from_table
from planner.scoring.score import ScoreOptions, score_portfolios
from planner.solver.options import SolverOptions

OPTIONS = PlanOptions(solver=SolverOptions(gap=1e-4))
RISK = RiskOptions(alpha=0.9, scenarios=60)


@pytest.fixture(scope="module")
def found(risky: RiskyCase) -> Frontier:
    return frontier(risky.case, OPTIONS, RISK, weights=(1.0, 0.0, 0.3, 0.6))


def test_the_points_are_ordered_and_concave(found: Frontier) -> None:
    mean, cvar = found.table["expected_npv_usd"].to_numpy(), found.table["cvar_usd"].to_numpy()
    assert len(mean) >= 3
    assert (np.diff(found.table["risk_weight"]) > 0).all()
    assert (np.diff(mean) < 0).all()
    assert (np.diff(cvar) < 0).all()
    slopes = np.diff(mean) / np.diff(cvar)  # mean given up for a dollar of CVaR: it rises along the frontier
    assert (np.diff(slopes) >= -1e-9).all()


def test_no_plan_of_the_set_beats_another_under_any_weight(found: Frontier) -> None:
    for row in found.table.itertuples():
        value = (1.0 - row.risk_weight) * found.table["expected_npv_usd"] - row.risk_weight * found.table["cvar_usd"]
        assert row.objective_usd == pytest.approx(value.max(), rel=1e-12)
        assert row.objective_usd <= row.bound_usd + 1.0
        assert row.gap <= 1e-3


def test_each_point_is_a_plan_that_scores_as_it_says(risky: RiskyCase, found: Frontier) -> None:
    candidates = risky.candidates
    scores = score_portfolios(
        candidates, from_table(candidates, found.plans[["portfolio", "candidate_id", "level"]]),
        ScoreOptions(scenarios=60, alpha=0.9, float64=True, paths=False, threads=1)
    ).table
    assert (scores["limits_broken"] == 0).all()
    np.testing.assert_allclose(scores["mean_npv_usd"], found.table["expected_npv_usd"], rtol=1e-9)
    np.testing.assert_allclose(scores["cvar_usd"], found.table["cvar_usd"], rtol=1e-9)
    np.testing.assert_allclose(scores["base_npv_usd"], found.table["base_npv_usd"], rtol=1e-9)


def test_each_end_is_the_plan_of_its_weight_alone(
    after_risk: Callable[[float], RiskAllocation], found: Frontier
) -> None:
    """Weights were given in no order; neither that nor what was known from the one before changes what is best."""
    for weight, row in ((0.0, found.table.iloc[0]), (1.0, found.table.iloc[-1])):
        assert row["risk_weight"] == weight
        assert row["objective_usd"] == pytest.approx(after_risk(weight).allocation.objective_usd, rel=3e-4)


def test_every_point_is_a_whole_plan(risky: RiskyCase, found: Frontier) -> None:
    """Openings, leases all or nothing, blocks, whole phases: no fraction of any of them; and everything that a plan
    holds is there."""
    table = risky.candidates.table.set_index("candidate_id")
    for name, plan in found.plans.groupby("portfolio"):
        held = table.loc[plan["candidate_id"]]
        whole = held["integral"].to_numpy(bool)
        assert whole.any()
        np.testing.assert_array_equal(plan["level"].to_numpy()[whole], np.round(plan["level"].to_numpy()[whole]))
        levels = table.assign(level=0.0)["level"]
        levels[plan["candidate_id"]] = plan["level"].to_numpy()
        rows = risky.candidates.rows
        used, limit = rows.use @ levels.to_numpy(), rows.table["limit"].to_numpy(np.float64)
        size = np.maximum(np.maximum(abs(rows.use) @ np.abs(levels.to_numpy()), np.abs(limit)), 1.0)
        assert ((used - limit) / size).max() <= 1e-6, name


def test_the_folder_appears_whole(found: Frontier, tmp_path: Path) -> None:
    write_frontier(found, tmp_path / "f")
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "f" / "frontier.parquet"), found.table)
    assert set(
        pd.read_parquet(tmp_path / "f" / "plans.parquet")["portfolio"]
    ) == {f"w{weight:g}" for weight in found.table["risk_weight"]}
    record = json.loads((tmp_path / "f" / "run.json").read_text())
    assert set(record["certificates"]) == {"0", "0.3", "0.6", "1"}
    assert all(one["gap"] <= 1e-6 for one in record["certificates"].values())
    with pytest.raises(PlannerError, match="exists already"):
        write_frontier(found, tmp_path / "f")


def test_beaten_points_are_found() -> None:
    mean, cvar = np.array([10.0, 9.0, 9.0, 8.0, 10.0]), np.array([5.0, 4.0, 4.5, 4.0, 5.0])
    assert not_beaten(mean, cvar).tolist() == [True, True, False, False, True]


@pytest.mark.parametrize("weights", [(), (0.5, 0.5), (2.0,)])
def test_what_makes_no_frontier(risky: RiskyCase, weights: tuple[float, ...]) -> None:
    with pytest.raises(PlannerError, match=r"weight"):
        frontier(risky.case, OPTIONS, RISK, weights=weights)

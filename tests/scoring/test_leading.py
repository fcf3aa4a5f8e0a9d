"""The leading portfolios future by future, and what moved in each future."""

from __future__ import annotations

import numpy as np
import pytest
from scoring_case import ScoringCase

from planner.candidates.packages import site_packages
from planner.scoring.leading import NPV_OF, Leading, futures_table
from planner.scoring.score import ScoreOptions, Scoring
from planner.scoring.subsets import Subsets

FEW = ScoreOptions(scenarios=40, float64=True, threads=1)


def test_npv_by_future_has_the_measures_of_the_score(planned: ScoringCase) -> None:
    plan = planned.plan
    assert plan.levels is not None
    scoring = Scoring(plan.candidates, FEW)
    (piece,) = scoring.pieces(Subsets(site_packages(plan.candidates, plan.levels)).whole())
    table = futures_table(piece.leading, scoring.futures)
    assert table["weight"].sum() == pytest.approx(1.0)
    scores = piece.table.set_index("portfolio")
    for name in piece.leading.names:
        npv = table[f"{NPV_OF}{name}"].to_numpy()
        assert float(npv @ table["weight"]) == pytest.approx(scores.loc[name, "mean_npv_usd"], rel=1e-9)
        assert npv.std() == pytest.approx(scores.loc[name, "standard_deviation_usd"], rel=1e-9)
    drawn = scoring.futures.values
    for name, path in drawn.multipliers.items():
        np.testing.assert_allclose(table[name], path[:, : scoring.futures.calendar.horizon].mean(axis=1))
    for name, months in drawn.late_months.items():
        np.testing.assert_array_equal(table[name], months)


def test_those_that_keep_every_limit_lead_and_then_the_best(planned: ScoringCase) -> None:
    plan = planned.plan
    assert plan.levels is not None
    (piece,) = Scoring(plan.candidates, FEW).pieces(Subsets(site_packages(plan.candidates, plan.levels)).whole())
    order = piece.table.assign(broken=piece.table["limits_broken"] > 0).sort_values(
        ["broken", "mean_npv_usd"], ascending=[True, False]
    )
    assert list(piece.leading.names) == order["portfolio"].tolist()[: len(piece.leading.names)]


def test_pieces_join_to_the_leading_of_all() -> None:
    draws = np.random.default_rng(3)
    mean, keeps = draws.normal(size=30), draws.random(30) < 0.5
    pieces = [
        Leading(
            tuple(map(str, rows)), tuple(bool(keeps[row]) for row in rows), tuple(float(mean[row]) for row in rows),
            mean[rows][:, None] * np.ones((1, 4)),
        )
        for rows in np.array_split(np.arange(30), 4)
    ]
    joined = Leading()
    for piece in pieces:
        joined = joined.joined(piece, 7)
    assert list(joined.names) == [
        str(row) for row in sorted(range(30), key=lambda row: (not keeps[row], -mean[row]))[:7]
    ]
    np.testing.assert_allclose(joined.npv_usd[:, 0], joined.mean_usd)

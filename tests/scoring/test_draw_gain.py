"""What antithetic and Sobol draws gain: known ratios, cover of the interval, and a score's own."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, replace

import numpy as np
import pytest
from at_length import many
from scoring_case import ScoringCase

from planner.candidates.packages import Package
from planner.scoring.draw_gain import gain_from_means
from planner.scoring.items import each_an_item
from planner.scoring.score import ScoreOptions, Scoring

OPTIONS = ScoreOptions(scenarios=64, paths=False, float64=True, threads=1, device="cpu")


def test_pairs_of_known_correlation_gain_what_they_must() -> None:
    """Var of a pair's mean = v (1 + rho) / 2, of two plain draws v / 2: the ratio is 1 / (1 + rho)."""
    rng = np.random.default_rng(3)
    for rho in (-0.75, 0.0, 0.5):
        covariance = np.array([[1.0, rho], [rho, 1.0]])
        pairs = rng.multivariate_normal([5.0, 5.0], covariance, size=200_000)
        assert gain_from_means(pairs)[0] == pytest.approx(1.0 / (1.0 + rho), rel=0.02)


def test_the_interval_covers_the_truth_as_often_as_it_says() -> None:
    rng = np.random.default_rng(4)
    found = [gain_from_means(rng.standard_normal((16, 64))) for _ in range(many(500, 2000))]
    cover = np.mean([low <= 1.0 <= high for _, low, high in found])
    assert abs(cover - 0.9) < 0.03


def test_means_that_do_not_differ_gain_without_end() -> None:
    assert gain_from_means(np.array([[1.0, -1.0], [2.0, -2.0], [0.5, -0.5]]))[0] == math.inf


def test_one_mean_has_no_variance() -> None:
    with pytest.raises(ValueError, match="at least two"):
        gain_from_means(np.ones((1, 4)))


def scored(planned: ScoringCase, draws: str) -> Scoring:
    held = np.flatnonzero(planned.levels)
    half = Package("half", held, planned.levels[held] / 2.0)
    scoring = Scoring(planned.candidates, replace(OPTIONS, draws=draws))
    list(scoring.pieces(each_an_item([half, Package("whole", held, planned.levels[held])])))
    return scoring


def test_plain_draws_have_no_gain(planned: ScoringCase) -> None:
    assert scored(planned, "independent").gain is None


@pytest.mark.parametrize("draws", ["antithetic", "sobol"])
def test_a_score_says_what_its_draws_gain_for_the_leading_portfolio(planned: ScoringCase, draws: str) -> None:
    gain = scored(planned, draws).gain
    assert gain is not None
    assert gain.portfolio in ("half", "whole")
    assert (gain.draws, gain.means) == ((2, 32) if draws == "antithetic" else (8, 16))
    assert 0.0 < gain.low < gain.ratio < gain.high
    assert json.loads(json.dumps(asdict(gain), allow_nan=False))["kind"] == draws
    assert f"{gain.ratio:.1f} times as many plain draws" in str(gain)


def test_antithetic_pairs_are_those_of_the_futures_scored(planned: ScoringCase) -> None:
    """The gain from the pairs, found again by scoring the plan alone."""
    scoring = scored(planned, "antithetic")
    assert scoring._lead is not None
    npv = scoring._lead.npv_usd
    pairs = npv.reshape(-1, 2).mean(axis=1)
    assert scoring.gain is not None
    assert scoring.gain.ratio == pytest.approx(npv.var(ddof=1) / 2.0 / pairs.var(ddof=1), rel=1e-12)
    assert scoring.gain.ratio > 1.0

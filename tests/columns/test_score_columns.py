"""Every column of factors and correlations moves a score in the direction that its economics say; the seed moves the
draws."""

from __future__ import annotations

import pytest
from columns.score_changes import SCORE_CHANGES, ScoreChange, scored

LEAST_MOVE = 0.01
"""Of the standard deviation: the same draws stand on both sides, so a hundredth is no accident."""
LEAST_MOVE_USD = 10_000.0


@pytest.mark.parametrize("change", SCORE_CHANGES, ids=lambda change: change.edit)
def test_column_moves_a_score(change: ScoreChange) -> None:
    measure, way = change.moves.value
    before, after = scored(change.given)[measure], scored((*change.given, change.edit, *change.also))[measure]
    least = LEAST_MOVE_USD if measure == "mean_npv_usd" else LEAST_MOVE * before
    assert (after - before) * way > least, f"{measure} from {before:,.0f} to {after:,.0f}: {change.why}"


def test_another_seed_draws_other_futures_of_the_same_case() -> None:
    one, other = scored(()), scored(("case.seed=7",))
    assert one["base_npv_usd"] == other["base_npv_usd"]
    assert one["mean_npv_usd"] != other["mean_npv_usd"]
    assert abs(one["mean_npv_usd"] - other["mean_npv_usd"]) < 5.0 * (
        one["standard_error_usd"] + other["standard_error_usd"]
    )


def test_what_the_scores_move_is_no_plan() -> None:
    """Factors act on the futures alone: the base case is the same under every change but that of a delay's own
    outcomes."""
    base = scored(())["base_npv_usd"]
    for change in SCORE_CHANGES:
        assert scored((*change.given, change.edit, *change.also))["base_npv_usd"] == base

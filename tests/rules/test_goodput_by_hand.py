"""Goodput promised and missed, by hand: 100 GPUs at a dollar each, let for two years at $1 an hour."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from rules.hand_case import cash, gpu, hand_case, lease, once, plan, rate

import planner
from planner.case.case import Case
from planner.case.goodput import expected_credits
from planner.errors import CaseError
from planner.risk.worth import candidate_values
from planner.scenarios.futures import make_futures
from planner.scenarios.imported import read_imported

FEE = 100 * 730.0
TRIANGLE = {"model": "triangular", "low": 0.8, "mode": 0.9, "high": 1.0}
EVEN = {"model": "discrete", "outcomes": "0.8:0.5;1:0.5"}


def let(*, factor: dict[str, Any] | None = None, **columns: Any) -> Case:
    """The lease with what it promises, and a factor that draws what is delivered."""
    given = {"goodput_promised": 0.95, **columns}
    factors = [] if factor is None else [{"factor_id": "runs", "drives": "goodput[L]", **factor}]
    return hand_case(
        gpus=[gpu(capex_usd=1)], gpu_supply=once(), leases=[lease(**given)], lease_rates=[rate()], factors=factors
    )


@pytest.mark.parametrize(
    ("expected", "credit", "share"),
    [(0.95, 1, 0.0), (0.97, 1, 0.0), (0.9, 1, 0.05), (0.9, 2, 0.1), (0.9, 0, 0.0), (0.5, 4, 1.0)],
)
def test_a_share_of_the_fee_is_credited_for_each_share_that_is_missed(
    expected: float, credit: float, share: float
) -> None:
    case = let(goodput_expected=expected, goodput_credit=credit, min_size=100, committed=True)
    found = plan(case)
    penalties = cash(found, "penalties")
    assert [penalties.get(month, 0.0) for month in range(24)] == pytest.approx([-share * FEE] * 24, abs=1e-9)
    assert found.npv_usd == pytest.approx(24 * FEE * (1 - share) - 100, rel=1e-12)


def test_it_is_a_share_of_what_is_billed_by_the_hour() -> None:
    """Half of the hours are paid, at 1.1 of the rate in the second year; support is billed beside them."""
    found = plan(
        let(goodput_expected=0.9, take_or_pay=0.5, utilisation=0.5, escalator=0.1, support_usd_per_gpu_month=10)
    )
    expected = [-0.05 * 0.5 * FEE] * 12 + [-0.055 * 0.5 * FEE] * 12
    penalties = cash(found, "penalties")
    assert [penalties[month] for month in range(24)] == pytest.approx(expected, rel=1e-12)


def test_announced_dates_keep_every_promise() -> None:
    found = planner.plan(let(goodput_expected=0.5), base="announced", prices="none")
    assert found.npv_usd == pytest.approx(24 * FEE - 100, rel=1e-12)


@pytest.mark.parametrize(
    ("factor", "promised", "credit", "share"),
    [
        (EVEN, 0.95, 2, 0.15),  # 2 x 0.15 in one of two futures
        (EVEN, 0.95, 10, 0.5),  # all of the fee in one of two
        (TRIANGLE, 0.9, 2, 1 / 30),  # E[max(0, 0.9 - X)] = 0.1^3 / (3 x 0.2 x 0.1) = 1/60
        (TRIANGLE, 1.0, 1, 0.1),  # 1 less the mean
        (TRIANGLE, 1.0, 10, 5 / 6),  # nothing at 1, all from 0.9 down: 10 x (1/10 - 1/60)
        (TRIANGLE, 0.8, 5, 0.0),
        ({"model": "triangular", "low": 0.9, "mode": 0.9, "high": 0.9}, 0.95, 2, 0.1),
    ],
)
def test_the_base_case_counts_the_mean_credit_and_not_the_credit_at_the_mean(
    factor: dict[str, Any], promised: float, credit: float, share: float
) -> None:
    case = let(factor=factor, goodput_promised=promised, goodput_credit=credit)
    assert expected_credits(case.arrays)["L"] == pytest.approx(share, rel=1e-12, abs=1e-15)
    assert plan(case).npv_usd == pytest.approx(24 * FEE * (1 - share) - 100, rel=1e-12)


def test_in_a_future_it_is_what_is_drawn_or_imported(tmp_path: Path) -> None:
    case = let(factor=EVEN, goodput_credit=2)
    found = plan(case)
    calendar = found.candidates.outlook.calendar
    assert found.levels is not None
    drawn = found.levels @ candidate_values(found.candidates, make_futures(case, calendar, scenarios=64))
    assert sorted(set(np.round(drawn, 3))) == pytest.approx([24 * FEE * 0.7 - 100, 24 * FEE - 100])
    rows = [("runs", name, "", value) for name, value in (("a", 0.9), ("b", 1.2), ("c", 0.0))]
    path = tmp_path / "futures.csv"
    pd.DataFrame(rows, columns=["factor_id", "scenario", "month", "value"]).to_csv(path, index=False)
    futures = make_futures(case, calendar, imported=read_imported(path, case, calendar))
    values = found.levels @ candidate_values(found.candidates, futures)
    assert values.tolist() == pytest.approx([24 * FEE * share - 100 for share in (0.9, 1.0, 0.0)], abs=1e-6)


def test_the_mean_over_drawn_futures_is_the_base_case() -> None:
    case = let(factor=TRIANGLE, goodput_credit=3)
    scores = planner.score(case, plan(case).portfolio, scenarios=4000).table.iloc[0]
    error = float(scores["standard_error_usd"])
    assert scores["mean_npv_usd"] == pytest.approx(scores["base_npv_usd"], abs=4 * error)
    assert error > 0.0


def test_a_floor_rises_by_what_is_credited() -> None:
    """Ten cents an hour are needed of which 5 % go back."""
    case = hand_case(gpus=[gpu(capex_usd=1752)], market=[{"gpu_id": "g", "usd_per_gpu_hour": 0.5, "depth_gpus": 100}])
    inquiry = planner.Inquiry(
        start="2027-01", term_months=24, gpu="g", gpus=100, billing_hours="730", goodput_promised=0.95,
        goodput_expected=0.9,
    )
    assert planner.quote(case, inquiry).floor == pytest.approx(0.1 / 0.95, rel=1e-6)


def test_what_says_nothing_is_refused() -> None:
    for case, said in (
        (lambda: let(goodput_promised=None, goodput_expected=0.9), "nothing is promised that it could fall short of"),
        (lambda: let(goodput_promised=None, factor=EVEN), "the lease promises no goodput"),
        (lambda: let(goodput_expected=0.9, factor=EVEN), "leases.goodput_expected says what is delivered"),
        (lambda: let(factor={**EVEN, "drives": "goodput[M]"}), "there is no such lease"),
        (lambda: let(factor={**EVEN, "outcomes": "0.5:0.5;1.5:0.5"}), "more than all of it"),
        (lambda: let(factor={**TRIANGLE, "high": 1.1}), "more than all of it"),
        (lambda: let(factor={"model": "gbm", "volatility_per_year": 0.1}), "a gbm cannot drive it"),
    ):
        with pytest.raises(CaseError, match=said):
            case()

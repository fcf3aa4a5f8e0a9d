"""Prices of the case solved by hand (`fixtures/tiny`), each worked out on paper and equal to the dollar.

After tax of 25 %, without discounting. 1 MW of contracted power carries 0.8 MW of critical IT, that is 800 GPUs.
"""

from __future__ import annotations

import math
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from planner.case.read import read_case
from planner.planning.make_plan import plan
from planner.planning.plan import Plan

ROOT = Path(__file__).parents[2]
KEPT = 0.75
"""What tax leaves of a dollar."""
ALPHA = 58_656_000 / 4_000
"""What one GPU of `alpha` brings before tax and halls."""
HALL_MONTH = 10_000.0
"""Opex of a MW of halls for a month."""
# Moving 0.8 MW of `alpha` from the grid to the cells in 2026 saves energy, $50 against $28 per MWh, and the demand
# charge.
TO_CELLS = 0.8 * 8_760 * (50 - 28) + 1_000 * 10 * 12


@cache
def priced() -> Plan:
    return plan(read_case(ROOT / "fixtures" / "tiny"), prices="full")


def asked(question: str, name: str, **also: Any) -> pd.Series:
    """The one row that answers a question."""
    rows = priced().prices
    chosen = rows[(rows["question"] == question) & (rows["name"] == name)]
    for column, value in also.items():
        chosen = chosen[chosen[column] == value]
    assert len(chosen) == 1, chosen
    return chosen.iloc[0]


def test_a_megawatt_of_the_grid() -> None:
    """Halls are full, so one more brings nothing; one less takes 800 GPUs of `alpha` and the halls they would have
    stood in."""
    row = asked("whole term", "grid:p1")
    lost = KEPT * (800 * ALPHA - 0.8 * HALL_MONTH * 24)
    assert row["gain_usd"] == 0.0
    assert row["loss_of_step_usd"] == pytest.approx(lost, abs=0.01)
    assert row["net_gain_usd"] == 0.0
    assert row["net_loss_usd"] == pytest.approx(lost, abs=0.01)
    assert row["gain_usd"] - 0.01 <= row["dual_usd"] <= row["loss_usd"] + 0.01


def test_a_free_megawatt_of_the_cells() -> None:
    """It takes over 0.8 MW of `alpha` in 2026, up to the 5 MW that the grid carries."""
    row = asked("whole term", "cells:p1")
    assert row["gain_usd"] == pytest.approx(KEPT * TO_CELLS, abs=0.01)
    assert row["gain_holds_to"] == pytest.approx(5.0, rel=1e-6)
    assert row["pay_up_to"] == pytest.approx(TO_CELLS / (24 * 1_000), rel=1e-9)
    assert row["fee"] == 40.0


def test_years_of_the_cells() -> None:
    """The gain is of 2026 alone; a MW less in that year costs as much of `alpha` as one less for the whole term."""
    within = asked("within a year", "cells:p1", **{"from": "2026-01"})
    after = asked("within a year", "cells:p1", **{"from": "2027-01"})
    assert within["gain_usd"] == pytest.approx(KEPT * TO_CELLS, abs=0.01)
    assert after["gain_usd"] == 0.0
    assert asked("from a year on", "cells:p1", **{"from": "2027-01"})["gain_usd"] == 0.0
    assert within["loss_of_step_usd"] == pytest.approx(asked("whole term", "cells:p1")["loss_of_step_usd"], abs=0.01)
    # `beta` is whole and must stand on the cells; the grid frees 0.8 MW of it by 800 GPUs of `alpha`.
    assert within["loss_of_step_usd"] > KEPT * 800 * ALPHA


def test_a_megawatt_of_halls() -> None:
    """One given saves the opex of one of `beta` for 36 months; one taken leaves 1,000 GPUs of `alpha` out and one more
    MW standing in 2027.

    All halls of the site stand: a site that held less would not hold them, so there is no net price.
    """
    row = asked("whole term", "quarry")
    assert row["gain_of_step_usd"] == pytest.approx(KEPT * HALL_MONTH * 36, abs=0.01)
    assert row["loss_of_step_usd"] == pytest.approx(KEPT * (1_000 * ALPHA + HALL_MONTH * 12), abs=0.01)
    assert math.isnan(row["net_loss_usd"])


def test_a_gpu_more_of_a_lease_that_is_all_or_nothing() -> None:
    """It must be served, on the grid as the cells are full, in the place of one of `alpha`; its hall stands 36 months,
    not 24."""
    beta = 1.50 * 17_520 - 0.001 * 17_520 * 50 - 1.25 * 10 * 24 - 50 * 24 - 20_000 + 2_000
    row = asked("whole term", "beta")
    assert row["gain_of_step_usd"] == pytest.approx(KEPT * (beta - ALPHA - HALL_MONTH / 1_000 * 12), abs=0.01)
    assert row["gain_usd"] <= row["dual_usd"] <= row["loss_usd"]


def test_a_lease_that_is_not_served_in_full_has_room() -> None:
    row = asked("whole term", "alpha")
    assert (row["in_plan"], row["limit"]) == (4_000.0, 6_000.0)
    assert (row["gain_usd"], row["loss_usd"], row["dual_usd"]) == (0.0, 0.0, 0.0)


@pytest.mark.parametrize("decisions", ["held", "free"])
@pytest.mark.parametrize("months", [3, 6])
def test_the_cells_earlier_only_cost_their_fee(decisions: str, months: int) -> None:
    """`beta` cannot begin before 2026, and what of `alpha` moved to the cells could not move back: a month earlier is a
    month of fee."""
    row = asked("months earlier", "cells:p1", decisions=decisions, step=float(months))
    assert row["gain_usd"] == pytest.approx(-KEPT * 40 * 5_000, abs=0.01)


@pytest.mark.parametrize("months", [3, 6])
def test_the_cells_later_cost_beta(months: int) -> None:
    """`beta` needs them in January 2026; without it the plan is worth 43,272,000 (see the README of the case)."""
    row = asked("months earlier", "cells:p1", decisions="free", step=float(months))
    assert row["loss_usd"] * months == pytest.approx(58_360_320 - 43_272_000, abs=0.01)
    assert row["loss_at_least_usd"] * months == pytest.approx(58_360_320 - 43_272_000, abs=0.01)


def test_the_cells_taken_or_left() -> None:
    row = asked("whole or not", "cells:p1")
    assert row["net_loss_usd"] * 5.0 == pytest.approx(58_360_320 - 43_272_000, abs=0.01)
    assert np.isnan(row["net_gain_usd"])


@pytest.mark.parametrize("mw", [10, 25, 50, 100])
def test_a_block_of_cells_given(mw: int) -> None:
    """It carries `beta`, so the plan contracts none of its own (fee saved), and all of `alpha` in 2026; more has
    nothing to do."""
    row = asked("block", "cells:p1", step=float(mw))
    assert row["gain_usd"] * mw == pytest.approx(KEPT * (40 * 5_000 * 24 + 5 * TO_CELLS), abs=0.01)
    assert row["decisions"] == "free"


def test_every_answer_has_both_ends_in_order() -> None:
    rows = priced().prices.dropna(subset=["gain_usd", "loss_usd"])
    held = rows[rows["decisions"] == "held"]
    assert len(held) > 10
    assert (held["gain_usd"] <= held["loss_usd"] + 0.01).all()

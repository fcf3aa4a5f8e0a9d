"""An order that can wait, worked out by hand: a price that doubles or halves once it is known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from oracle.tiny_case import grid, site, sku, tiny_case

import planner
from planner.adapting.decisions import Sort, Verdict
from planner.adapting.policy import Policy
from planner.case.case import Case

# 1,000 GPUs fill the site. One is bought for 20,000 $, in the month in which it is ordered, and works for 12 months to
# the end of the case: 8,760 hours in 2028 less a day of February that 2028 has more.
HOURS = 8784.0
GPUS, PRICE, CAPEX = 1000.0, 2.5, 20_000.0


def case() -> Case:
    """A site with power, and GPUs that may be bought at the start of 2028 alone: they stand for a year."""
    return tiny_case(
        months=24, settings={"discount_rate": 0.0, "tax_rate": 0.0},
        sites=[site(mw=2.0)],
        power=[
            grid(
                energy_usd_per_mwh=0, energised="2028-01", status="announced", lead_months=0, delay_low_months=0,
                delay_mode_months=0, delay_high_months=0,
            )
        ],
        gpus=[sku(capex_usd=CAPEX, life_months=12, order_lead_months=0)],
        market=[{"gpu_id": "gpu", "usd_per_gpu_hour": PRICE, "depth_gpus": GPUS, "utilisation": 1.0}],
        factors=[{"factor_id": "spot", "model": "given", "drives": "market"}],
    )


@pytest.fixture(scope="module")
def paths(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two futures, equally likely: from mid 2027 on the price is 1.6 or 0.4 of what was expected."""
    rows = [
        {
            "factor_id": "spot", "scenario": name, "month": f"{2027 + month // 12}-{month % 12 + 1:02d}",
            "value": 1.0 if month < 6 else level, "weight": 0.5,
        }
        for name, level in (("up", 1.6), ("down", 0.4)) for month in range(36)
    ]
    path = tmp_path_factory.mktemp("two") / "two.csv"
    pd.DataFrame(rows).to_csv(path, index=False)
    return path


def policy_of(paths: Path, review: str, **how: object) -> Policy:
    asked = planner.AdaptOptions(
        reviews=(review,), branches=(2,), imported=str(paths), information=2, **how,  # type: ignore[arg-type]
    )
    return planner.plan(case(), adapt=asked, gap=1e-9, prices="none")


def test_an_order_that_can_wait_is_worth_its_option(paths: Path) -> None:
    """Up: 1,000 x (1.6 x 2.5 x hours - 20,000); down: nothing is bought; without waiting: the mean of both."""
    found = policy_of(paths, "2027-10")
    up = GPUS * (1.6 * PRICE * HOURS - CAPEX)
    steady = GPUS * (PRICE * HOURS - CAPEX)
    assert found.best is not None
    assert found.steady is not None
    assert found.best.objective_usd == pytest.approx(0.5 * up, rel=1e-9)
    assert found.steady.objective_usd == pytest.approx(steady, rel=1e-9)
    assert found.value_of_adapting_usd == pytest.approx(0.5 * up - steady, rel=1e-9)
    (bought,) = (choice for choice in found.choices if choice.thing.sort is Sort.GPUS)
    assert bought.decision.verdict is Verdict.OPEN
    assert bought.decision.taken == pytest.approx(0.5)
    assert bought.sign is not None
    assert bought.sign.figure.name == "market[gpu]"
    assert bought.sign.above
    assert bought.sign.level == pytest.approx(1.0)
    assert bought.sign.accuracy == pytest.approx(1.0)


def test_before_anything_is_known_there_is_nothing_to_wait_for(paths: Path) -> None:
    found = policy_of(paths, "2027-04")
    assert len(found.tree.nodes) == 2
    assert found.value_of_adapting_usd == pytest.approx(0.0, abs=1e-3)
    assert found.foreseen is not None
    up = GPUS * (1.6 * PRICE * HOURS - CAPEX)
    assert np.sort(found.foreseen.known_usd) == pytest.approx([0.0, up], rel=1e-9, abs=1.0)

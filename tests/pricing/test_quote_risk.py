"""Floors over futures against plain loops: both plans valued month by month in every future, and the rate bisected."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest
from oracle.plain_case import PlainCase, Row
from oracle.plain_cash import plain_cash, plain_npv, plain_rows
from oracle.tiny_case import cluster, grid, rate, site, tiny_case
from scipy.optimize import brentq

from planner.candidates.build import CandidateSet
from planner.case.case import Case
from planner.quoting import quote as quoting
from planner.quoting.inquiry_case import inquiry_case
from planner.quoting.quote import Quote
from planner.quoting.risk import QuoteRisk
from planner.scenarios.futures import Futures, Values, make_futures

RISK = QuoteRisk(scenarios=6, alpha=0.6, weight=0.3, seed=11)
FACTORS = {"spot": "market", "power": "curves[power]"}


def _case() -> Case:
    """Power for 2 MW: a lease that stands, and an on-demand market whose price, like that of power, is anybody's
    guess."""
    return tiny_case(
        sites=[site(mw=2.0, pue=1.2, load_factor=0.9)],
        power=[grid(mw=2.5, energy_usd_per_mwh=None, energy_curve="power")],
        leases=[cluster("old", size=400)], lease_rates=[rate("old", 2.4)],
        market=[{"gpu_id": "gpu", "usd_per_gpu_hour": 1.9, "depth_gpus": 800, "utilisation": 0.8}],
        curves=[{"curve_id": "power", "month": "2027-01", "value": 60.0, "unit": "$"}],
        factors=[
            {"factor_id": name, "model": "gbm", "drives": drives, "volatility_per_year": 0.6}
            for name, drives in FACTORS.items()
        ],
    )


class _OneFuture(PlainCase):
    """A case in which prices are those of one future."""

    def __init__(self, case: Case, values: Values, scenario: int) -> None:
        super().__init__(case)
        self.path = {name: path[scenario].tolist() for name, path in values.multipliers.items()}

    def value(self, row: Row, scalar: str, curve: str, month: int) -> float | None:
        value = super().value(row, scalar, curve, month)
        return value if value is None or row[curve] != "power" else value * self.path["power"][month]

    def market_price(self, tier: Row, month: int) -> float:
        return super().market_price(tier, month) * self.path["spot"][month]


def _added(case: Case, units: list[Row], futures: Futures, change: np.ndarray) -> np.ndarray:
    """What a change of levels is worth in each future of a case, dollars."""
    found = []
    for scenario in range(len(futures)):
        one = _OneFuture(case, futures.values, scenario)
        worth = {
            at: plain_npv(one, plain_cash(one, units[at], units, futures.calendar.months, tail="none"))
            for at in np.flatnonzero(change)
        }
        found.append(sum(float(change[at]) * usd for at, usd in worth.items()))
    return np.array(found)


def _worst(values: np.ndarray, share: float) -> float:
    """Mean of the worst share of equally likely values, the one at its edge taken in part."""
    left, total, each = share, 0.0, 1.0 / len(values)
    for value in sorted(values.tolist()):
        taken = min(left, each)
        total, left = total + taken * value, left - taken
    return total / share


@pytest.fixture(scope="module")
def asked() -> tuple[Quote, dict[str, Any]]:
    """A quote over futures, and the two plans that it holds in them."""
    told: dict[str, Any] = {}
    known = quoting.risk_floor

    def noted(priced: Any, usd: float, without: np.ndarray, with_it: np.ndarray, options: QuoteRisk) -> Any:
        told.update(priced=priced, change=with_it - without)
        return known(priced, usd, without, with_it, options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(quoting, "risk_floor", noted)
        found = quoting.quote(_case(), name="new", gpu="gpu", gpus=500.0, start="2027-04", term_months=18, risk=RISK)
    return found, told


def test_floors_over_futures_are_where_the_plans_are_worth_the_same(asked: tuple[Quote, dict[str, Any]]) -> None:
    found, told = asked
    assert found.risk is not None

    built: CandidateSet = told["priced"](1.0)
    units = plain_rows(built.table)
    futures = make_futures(built.outlook.case, built.outlook.calendar, scenarios=RISK.scenarios, seed=RISK.seed)

    own = (built.table["lease_id"] == "new").to_numpy()
    others = _added(inquiry_case(_case(), [found.inquiry]), units, futures, told["change"] * ~own)

    @cache
    def added(usd: float) -> np.ndarray:
        return others + _added(
            inquiry_case(_case(), [found.inquiry], rates={"new": usd}), units, futures, told["change"] * own
        )

    def floor(weight: float) -> float:
        def worth(usd: float) -> float:
            return (1.0 - weight) * float(np.mean(added(usd))) + weight * _worst(added(usd), 1.0 - RISK.alpha)

        return float(brentq(worth, 0.5, 10.0, xtol=1e-9, rtol=1e-9))

    assert found.risk.mean_rate == pytest.approx(floor(0.0), rel=1e-7)
    assert found.risk.tail_rate == pytest.approx(floor(1.0), rel=1e-7)
    assert found.risk.rate == pytest.approx(floor(RISK.weight), rel=1e-7)
    at_floor = added(found.floor)
    assert found.risk.added_mean_usd == pytest.approx(np.mean(at_floor), rel=1e-7)
    assert found.risk.added_cvar_usd == pytest.approx(-_worst(at_floor, 1.0 - RISK.alpha), rel=1e-7)


def test_these_futures_are_not_the_base_case(asked: tuple[Quote, dict[str, Any]]) -> None:
    found, _ = asked
    assert found.risk is not None
    assert abs(found.risk.mean_rate - found.floor) > 0.005
    assert found.risk.tail_rate > found.risk.rate > found.risk.mean_rate + 0.01

"""Offers that may not be made, and rates that follow the market, by hand: in the base case and in given futures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from rules.hand_case import gpu, hand_case, lease, once, phase, plan, rate

import planner
from planner.case.case import Case
from planner.errors import CaseError
from planner.risk.worth import candidate_values
from planner.scenarios.futures import make_futures
from planner.scenarios.imported import read_imported

HOURS = 24 * (365 + 366)  # 2027 and 2028
RELET = {"relet_fraction": 0.5}
CHEAP = [gpu(capex_usd=1)]
MARKET = [{"gpu_id": "g", "tier": 1, "price_curve": "spot", "utilisation": 0.8, "depth_gpus": 0}]
CURVES = [{"curve_id": "spot", "month": "2027-01", "value": 3.0, "unit": "$"}]
FACTORS = [{"factor_id": "price", "model": "given", "drives": "market"}]


def offer_case(*, factors: list[dict[str, Any]] | None = None, **columns: Any) -> Case:
    """100 GPUs for 24 months at $2, a market at $3 of which 80 % is used, and let again at half of that."""
    return hand_case(
        settings=RELET, gpus=CHEAP, gpu_supply=once(), leases=[lease(**columns)], lease_rates=[rate(usd=2.0)],
        market=MARKET, curves=CURVES, factors=factors or [],
    )


def npv_in(case: Case, table: pd.DataFrame, folder: Path) -> list[float]:
    """NPV of the base plan of a case in futures given as a table, in their order."""
    path = folder / "futures.csv"
    table.to_csv(path, index=False)
    found = plan(case)
    assert found.levels is not None
    calendar = found.candidates.outlook.calendar
    futures = make_futures(case, calendar, imported=read_imported(path, case, calendar))
    return (found.levels @ candidate_values(found.candidates, futures)).tolist()


@pytest.mark.parametrize("chance", [0.4, 0.75, 1.0])
def test_what_is_not_offered_is_let_again(chance: float) -> None:
    """The contract by its chance; a half of 80 % of $3 an hour else."""
    found = plan(offer_case(offer_probability=chance))
    expected = 100 * (chance * 2.0 * 730 * 24 + (1 - chance) * 0.5 * 0.8 * 3.0 * HOURS - 1)
    assert found.npv_usd == pytest.approx(expected, rel=1e-12)


def test_announced_dates_take_an_offer_as_made() -> None:
    case = offer_case(offer_probability=0.4)
    found = planner.plan(case, base="announced", prices="none")
    assert found.npv_usd == pytest.approx(100 * (2.0 * 730 * 24 - 1), rel=1e-12)


def test_a_prepayment_comes_only_with_the_offer() -> None:
    """A fifth of $3,504,000 in January, by its chance, and earned by the month; in sum nothing is lost or won."""
    case = offer_case(offer_probability=0.5, prepay_fraction=0.2)
    found = plan(case)
    assert found.npv_usd == pytest.approx(plan(offer_case(offer_probability=0.5)).npv_usd, rel=1e-12)
    frame = found.statement.frame()
    prepaid = frame[frame["line"] == "prepayment"].set_index("month")["usd"]
    whole = 100 * 2.0 * 730 * 24
    assert prepaid.sum() == pytest.approx(0.0, abs=1e-6)
    assert prepaid.iloc[0] == pytest.approx(0.5 * 0.2 * whole * 23 / 24, rel=1e-9)


def test_an_empty_hall_draws_nothing() -> None:
    """1 MW at $100 a kW-month, energy at $50 a MWh by the landlord, demand at $2: all by the chance of the tenant."""
    hall = lease(
        kind="hosting", size_unit="it_mw", max_size=1, usd_per_kw_month=100, offer_probability=0.6,
        energy_by="landlord", billing_hours="",
    )
    found = plan(
        hand_case(power=[phase(energy_usd_per_mwh=50, demand_charge_usd_per_kw_month=2)], leases=[hall], gpus=[gpu()])
    )
    assert found.npv_usd == pytest.approx(0.6 * (1000 * 100 * 24 - 50 * HOURS - 1000 * 2 * 24), rel=1e-12)


def test_each_future_has_the_offer_or_not(tmp_path: Path) -> None:
    table = pd.DataFrame({"factor_id": "offer[L]", "scenario": ["made", "not"], "month": "", "value": [1, 0]})
    made, not_made = npv_in(offer_case(offer_probability=0.4), table, tmp_path)
    assert made == pytest.approx(100 * (2.0 * 730 * 24 - 1), rel=1e-12)
    assert not_made == pytest.approx(100 * (0.5 * 0.8 * 3.0 * HOURS - 1), rel=1e-12)


@pytest.mark.parametrize("answer", ["", "2027-01"])
@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_a_rate_follows_the_market_at_the_answer(answer: str, share: float, tmp_path: Path) -> None:
    """Halved in the month of the answer (January, the start, at the latest), tripled after it: the first counts."""
    rows = [("price", "a", "2027-01", 0.5), ("price", "a", "2027-02", 3.0), ("price", "b", "2027-01", 1.0)]
    table = pd.DataFrame(rows, columns=["factor_id", "scenario", "month", "value"])
    moved, still = npv_in(offer_case(answer_by=answer, rate_follows_market=share, factors=FACTORS), table, tmp_path)
    assert still == pytest.approx(100 * (2.0 * 730 * 24 - 1), rel=1e-12)
    assert moved == pytest.approx(100 * (2.0 * (1 + share * (0.5 - 1)) * 730 * 24 - 1), rel=1e-12)


def test_the_answer_is_due_half_a_year_ahead(tmp_path: Path) -> None:
    """A lease from 2027-10 is answered by April: the price of April counts, not that of March nor of May."""
    rows = [("price", "a", "2027-01", 1.0), ("price", "a", "2027-04", 2.0), ("price", "a", "2027-05", 1.0)]
    table = pd.DataFrame(rows, columns=["factor_id", "scenario", "month", "value"])
    case = hand_case(
        settings=RELET, gpus=[gpu(capex_usd=1, life_months=48)], gpu_supply=once("2027-Q4"),
        leases=[lease(start="2027-10", term_months=15, rate_follows_market=1)], lease_rates=[rate(usd=2.0)],
        market=MARKET, curves=CURVES, factors=FACTORS,
    )
    (npv,) = npv_in(case, table, tmp_path)
    assert npv == pytest.approx(100 * (2.0 * 2.0 * 730 * 15 - 1), rel=1e-12)


def test_the_mean_over_drawn_futures_is_the_base_case() -> None:
    """Offers are independent of prices, and prices of mean one: 4,000 futures come within four standard errors."""
    factors = [{"factor_id": "price", "model": "gbm", "drives": "market", "volatility_per_year": 0.4}]
    case = offer_case(offer_probability=0.6, rate_follows_market=0.7, factors=factors)
    found = plan(case)
    scores = planner.score(case, found.portfolio, scenarios=4000).table.iloc[0]
    error = float(scores["standard_error_usd"])
    assert scores["mean_npv_usd"] == pytest.approx(scores["base_npv_usd"], abs=4 * error)
    assert error > 0.0


def test_offers_join_the_copula() -> None:
    """With a correlation of 0.9 an offer comes in good markets; without one prices do not tell."""
    factors = [{"factor_id": "price", "model": "gbm", "drives": "market", "volatility_per_year": 0.4}]
    means = {}
    for value in (0.0, 0.9):
        case = hand_case(
            settings=RELET, gpus=CHEAP, leases=[lease(offer_probability=0.5)], lease_rates=[rate(usd=2.0)],
            market=MARKET, curves=CURVES, factors=factors,
            correlations=[{"factor_a": "price", "factor_b": "offer[L]", "correlation": value}] if value else [],
        )
        futures = make_futures(case, planner.plan(case, prices="none").candidates.outlook.calendar, scenarios=2000)
        made, price = futures.values.offered["offer[L]"], futures.values.multipliers["price"].mean(axis=1)
        assert made.mean() == pytest.approx(0.5, abs=0.05)
        means[value] = price[made].mean() / price[~made].mean()
    assert means[0.0] == pytest.approx(1.0, abs=0.06)
    assert means[0.9] > 1.2


@pytest.mark.parametrize(
    ("columns", "why"),
    [
        ({"answer_by": "2027-02"}, "after the start of the lease"),
        ({"offer_probability": 0.5, "committed": True}, "a lease signed or committed"),
        ({"offer_probability": 0.5, "signed": True}, "a lease signed or committed"),
        ({"rate_follows_market": 0.5, "committed": True}, "a lease signed or committed"),
    ],
)
def test_offers_that_contradict_themselves_are_refused(columns: dict[str, Any], why: str) -> None:
    with pytest.raises(CaseError, match=why):
        offer_case(**columns)


def test_a_rate_that_has_nothing_to_follow_is_refused() -> None:
    with pytest.raises(CaseError, match="the market has none of its SKUs"):
        hand_case(leases=[lease(rate_follows_market=0.5)], lease_rates=[rate()])
    hall = lease(kind="hosting", size_unit="it_mw", max_size=1, usd_per_kw_month=1, rate_follows_market=0.5)
    with pytest.raises(CaseError, match="a hosting lease"):
        hand_case(leases=[hall], market=MARKET, curves=CURVES)


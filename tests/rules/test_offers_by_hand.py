"""Offers that may not be made or are smaller, and rates that follow the market, by hand: in the base case and in given
futures."""

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


LET = 2.0 * 730 * 24
AGAIN = 0.5 * 0.8 * 3.0 * HOURS
"""What a GPU brings to the lease, and let again."""
TRIANGLE = {"model": "triangular", "low": 0.2, "mode": 0.5, "high": 0.8}  # mean 0.5
SHARES = {"model": "discrete", "outcomes": "0:0.2;0.5:0.4;1:0.4"}  # mean 0.6


def sizes(*factors: dict[str, Any], drives: str = "offered_size[L]") -> list[dict[str, Any]]:
    return [{"factor_id": f"size {number}", "drives": drives, **factor} for number, factor in enumerate(factors)]


def size_table(name: str, *shares: float) -> pd.DataFrame:
    return pd.DataFrame({"factor_id": name, "scenario": range(len(shares)), "month": "", "value": shares})


@pytest.mark.parametrize(
    ("factors", "chance", "mean"),
    [((TRIANGLE,), 1.0, 0.5), ((SHARES,), 1.0, 0.6), ((SHARES,), 0.4, 0.24), ((TRIANGLE, SHARES), 1.0, 0.3)],
)
def test_the_base_case_counts_the_mean_of_a_size(
    factors: tuple[dict[str, Any], ...], chance: float, mean: float
) -> None:
    case = offer_case(factors=sizes(*factors), offer_probability=chance)
    assert plan(case).npv_usd == pytest.approx(100 * (mean * LET + (1 - mean) * AGAIN - 1), rel=1e-12)
    announced = planner.plan(case, base="announced", prices="none")
    assert announced.npv_usd == pytest.approx(100 * (LET - 1), rel=1e-12)


def test_each_future_has_its_size(tmp_path: Path) -> None:
    """A quarter let, the rest let again; none is an offer not made; more than the plan sells is not in it."""
    shares = (0.0, 0.25, 1.0, 1.7)
    npv = npv_in(offer_case(), size_table("offered_size[L]", *shares), tmp_path)
    expected = [100 * (share * LET + (1 - share) * AGAIN - 1) for share in (0.0, 0.25, 1.0, 1.0)]
    assert npv == pytest.approx(expected, rel=1e-12)
    driven = offer_case(factors=sizes(TRIANGLE))
    assert npv_in(driven, size_table("size 0", *shares), tmp_path) == pytest.approx(expected, rel=1e-12)
    table = pd.concat([size_table("offered_size[L]", 0.5, 0.5), size_table("offer[L]", 1, 0)])
    npv = npv_in(offer_case(offer_probability=0.4), table, tmp_path)
    assert npv == pytest.approx([100 * (0.5 * LET + 0.5 * AGAIN - 1), 100 * (AGAIN - 1)], rel=1e-12)


def test_every_unit_sold_loses_its_share_also_of_a_lease_sold_in_part(tmp_path: Path) -> None:
    """40 of 100 GPUs are sold and half is offered: 20 are let, and 20 let again."""
    case = offer_case(max_size=40)
    found = plan(case)
    assert found.allocation["gpus"].sum() == pytest.approx(40)
    (npv,) = npv_in(case, size_table("offered_size[L]", 0.5), tmp_path)
    assert npv == pytest.approx(20 * LET + 20 * AGAIN - 40, rel=1e-12)


def test_a_hall_draws_by_the_share_that_is_let(tmp_path: Path) -> None:
    """1 MW at $100 a kW-month, energy at $50 a MWh by the landlord, demand at $2."""
    tenant = lease(
        kind="hosting", size_unit="it_mw", max_size=1, usd_per_kw_month=100, energy_by="landlord", billing_hours=""
    )
    case = hand_case(
        power=[phase(energy_usd_per_mwh=50, demand_charge_usd_per_kw_month=2)], leases=[tenant], gpus=[gpu()]
    )
    whole = 1000 * 100 * 24 - 50 * HOURS - 1000 * 2 * 24
    npv = npv_in(case, size_table("offered_size[L]", 0.3, 1.0), tmp_path)
    assert npv == pytest.approx([0.3 * whole, whole], rel=1e-12)


def test_a_next_term_and_a_prepayment_are_of_the_share(tmp_path: Path) -> None:
    """12 months, then 12 more at the same rate for who renews; a fifth of the first year is paid ahead."""
    case = offer_case(
        term_months=12, renewal_term_months=12, renewal_probability=0.5, renewal_rate_share=1, prepay_fraction=0.2
    )
    table = pd.concat([size_table("offered_size[L]", 0.4, 0.4), size_table("renewal[L]", 1, 0)])
    year, again = 2.0 * 730 * 12, 0.5 * 0.8 * 3.0 * 24
    first = 0.4 * year + 0.6 * again * 365
    npv = npv_in(case, table, tmp_path)
    assert npv == pytest.approx(
        [100 * (first + 0.4 * year + 0.6 * again * 366 - 1), 100 * (first + again * 366 - 1)], rel=1e-12
    )


def test_sizes_drawn_have_the_mean_of_the_base_case_and_join_the_copula() -> None:
    price = {"factor_id": "price", "model": "gbm", "drives": "market", "volatility_per_year": 0.4}
    means = {}
    for value in (0.0, 0.9):
        case = hand_case(
            settings=RELET, gpus=CHEAP, gpu_supply=once(), leases=[lease()], lease_rates=[rate(usd=2.0)],
            market=MARKET, curves=CURVES, factors=[price, *sizes(SHARES)],
            correlations=[{"factor_a": "price", "factor_b": "size 0", "correlation": value}] if value else [],
        )
        found = plan(case)
        drawn = make_futures(case, found.candidates.outlook.calendar, scenarios=2000).values
        share, level = drawn.sizes["size 0"], drawn.multipliers["price"][:, :24].mean(axis=1)
        assert [(share == size).mean() for size in (0.0, 0.5, 1.0)] == pytest.approx([0.2, 0.4, 0.4], abs=0.05)
        means[value] = level[share == 1.0].mean() / level[share == 0.0].mean()
        if not value:
            scores = planner.score(case, found.portfolio, scenarios=2000, paths=False).table.iloc[0]
            error = float(scores["standard_error_usd"])
            assert scores["mean_npv_usd"] == pytest.approx(scores["base_npv_usd"], abs=4 * error)
    assert means[0.0] == pytest.approx(1.0, abs=0.1)
    assert means[0.9] > 1.4


def test_a_plan_after_risk_leaves_a_lease_of_which_little_is_offered(tmp_path: Path) -> None:
    """The lease pays $2.5 where the market pays 80 % of $3: taken whole it is better, but in one of two futures a tenth
    of it is offered."""
    case = hand_case(
        settings=RELET, gpus=CHEAP, gpu_supply=once(), leases=[lease(billing_hours="actual")],
        lease_rates=[rate(usd=2.5)], market=[{**MARKET[0], "depth_gpus": 100}], curves=CURVES,
    )
    sold, let, again = (100 * usd * HOURS - 100 for usd in (0.8 * 3.0, 2.5, 0.5 * 0.8 * 3.0))
    path = tmp_path / "futures.csv"
    size_table("offered_size[L]", 1.0, 0.1).to_csv(path, index=False)
    found = planner.plan(case, futures=planner.FuturesOptions(imported=str(path)))
    assert found.npv_usd == pytest.approx(let, rel=1e-12)
    over = found.over_futures
    assert over is not None
    assert over.mean_usd == pytest.approx(0.5 * let + 0.5 * (0.1 * let + 0.9 * again), rel=1e-12)
    assert over.better_mean_usd == pytest.approx(sold, rel=1e-9)
    risky = planner.plan_after_risk(case, risk=planner.RiskOptions(weight=0.5, imported=str(path)))
    assert risky.expected_npv_usd == pytest.approx(sold, rel=1e-9)
    assert (risky.allocation["use"] == "sell").all()


@pytest.mark.parametrize(
    ("factor", "columns", "why"),
    [
        ({**TRIANGLE, "low": -0.1}, {}, "less than nothing"),
        ({**TRIANGLE, "high": 1.2}, {}, "more than all of it"),
        ({**SHARES, "outcomes": "0:0.5;1.5:0.5"}, {}, "more than all of it"),
        ({**SHARES, "outcomes": "half:1"}, {}, "not SHARES:PROBABILITY"),
        ({**SHARES, "outcomes": "0.5:0.5"}, {}, "add to 0.5"),
        ({"model": "gbm", "volatility_per_year": 0.2}, {}, "a gbm cannot drive it"),
        ({**SHARES, "drives": "market"}, {}, "a discrete cannot drive it"),
        ({**SHARES, "drives": "offered_size[M]"}, {}, "there is no such lease"),
        ({**SHARES, "drives": "offered_size"}, {}, "not a target"),
        (SHARES, {"committed": True}, "a lease signed or committed"),
    ],
)
def test_sizes_that_mean_nothing_are_refused(factor: dict[str, Any], columns: dict[str, Any], why: str) -> None:
    with pytest.raises(CaseError, match=why):
        offer_case(factors=sizes(factor), **columns)


@pytest.mark.parametrize(
    ("name", "share", "columns", "why"),
    [
        ("offered_size[L]", -0.5, {}, "not a value of this factor"),
        ("offered_size[L]", 0.5, {"committed": True}, "no such factor"),
        ("offered_size[L]", 0.5, {"factors": sizes(TRIANGLE)}, "no such factor"),  # its factor is called size 0
    ],
)
def test_futures_that_mean_nothing_are_refused(
    name: str, share: float, columns: dict[str, Any], why: str, tmp_path: Path
) -> None:
    with pytest.raises(CaseError, match=why):
        npv_in(offer_case(**columns), size_table(name, share), tmp_path)

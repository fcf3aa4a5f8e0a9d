"""NPV of a portfolio in each future against plain loops over units and months, fed with the future's prices, dates and
defaults."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from oracle.plain_case import PlainCase, Row
from oracle.plain_cash import plain_cash, plain_npv, plain_rows
from oracle.tiny_case import cluster, hall, rate, site, sku, tiny_case

from planner.candidates.build import CandidateSet, build_candidates
from planner.candidates.outlook import make_outlook
from planner.candidates.packages import Package
from planner.case.case import Case
from planner.scenarios.futures import Futures, Values, make_futures
from planner.scoring.items import each_an_item
from planner.scoring.values import item_values

MONTHS, SCENARIOS = 36, 14


def _case() -> Case:
    """A grid that is there, cells and an engine that come late, a lease with notice and one with a next term, a market
    in two tiers."""
    late = {
        "delay_low_months": 0, "delay_mode_months": 2, "delay_high_months": 8, "status": "announced",
        "term_months": 600, "mw_per_it_mw": 1.3, "guaranteed_mw": 4,
    }
    return tiny_case(
        months=MONTHS,
        sites=[site("a", mw=6, pue=1.2, load_factor=0.8, opex_usd_per_kw_month=10)],
        power=[
            {
                "source_id": "grid", "phase": "1", "site_id": "a", "kind": "grid", "energised": "2026-01",
                "status": "energised", "guaranteed_mw": 3, "mw_per_it_mw": 1.25,
             "term_months": 600, "energy_curve": "power", "demand_charge_usd_per_kw_month": 2},
            {
                "source_id": "cells", "phase": "1", "site_id": "a", "kind": "fuel_cell", "energised": "2027-04",
                "fee_usd_per_kw_month": 30, "take_or_pay": 0.7,
             "fee_from": "energised", "heat_rate_mmbtu_per_mwh": 7, "gas_curve": "gas",
             "delay_damages_usd_per_kw_month": 4, "min_take": 0.2, **late},
            {
                "source_id": "engine", "phase": "1", "site_id": "a", "kind": "gas_engine", "energised": "2027-07",
                "capex_usd_per_kw": 900, "lead_months": 4, "tax_credit": 0.1,
             "fixed_om_usd_per_kw_month": 3, "heat_rate_mmbtu_per_mwh": 9, "gas_curve": "gas", "availability": 0.97,
             **late},
        ],
        gpus=[sku(upkeep_usd_per_month=20, spare_fraction=0.04)],
        resale=[
            {"gpu_id": "gpu", "age_months": age, "value_share": share}
            for age, share in ((0, 0.9), (24, 0.4), (60, 0.1))
        ],
        customers=[
            {"customer_id": "solid", "default_rate_per_year": 0.3, "recovery": 0.2},
            {"customer_id": "child", "default_rate_per_year": 0.4, "guarantor": "solid"},
        ],
        leases=[
            cluster(
                "train", start="2027-07", term_months=18, notice_months=2, notice_margin=0.1, notice_from_month=3,
                late_penalty=0.2, sla_credit=0.05, take_or_pay=0.9, utilisation=0.5,
                offer_probability=0.7, rate_follows_market=0.6, answer_by="2027-03",
            ),
            cluster(
                "serve", customer_id="child", start="2027-04", term_months=21, renewal_term_months=9,
                renewal_probability=0.5, prepay_fraction=0.1, escalator=0.03, offer_probability=0.6,
                rate_follows_market=1,
            ),
            hall(
                "hall", start="2027-10", term_months=12, energy_by="landlord", renewal_term_months=6,
                renewal_probability=0.4, offer_probability=0.5,
            ),
        ],
        lease_rates=[rate("train", 3.0), rate("serve", 2.6)],
        market=[
            {"gpu_id": "gpu", "tier": 1, "price_curve": "spot", "utilisation": 0.8},
            {"gpu_id": "gpu", "tier": 2, "usd_per_gpu_hour": 0.16, "utilisation": 0.7},
        ],
        curves=[
            {"curve_id": "spot", "month": "2027-01", "value": 3.0, "unit": "$"},
            {"curve_id": "spot", "month": "2028-01", "value": 2.6, "unit": "$"},
            {"curve_id": "gas", "month": "2027-01", "value": 4.0, "unit": "$"},
            {"curve_id": "power", "month": "2027-01", "value": 40.0, "unit": "$"},
        ],
        factors=[
            {"factor_id": "gpus", "model": "gbm", "drives": "market", "volatility_per_year": 0.4},
            {
                "factor_id": "fuel", "model": "mean_reverting", "drives": "curves[gas]", "volatility_per_year": 0.6,
                "reversion_per_year": 2,
            },
            {"factor_id": "grid price", "model": "gbm", "drives": "curves[power]", "volatility_per_year": 0.3},
            {
                "factor_id": "less train", "model": "triangular", "drives": "offered_size[train]", "low": 0.2,
                "mode": 0.9, "high": 1,
            },
            {
                "factor_id": "less hall", "model": "discrete", "drives": "offered_size[hall]",
                "outcomes": "0.25:0.5;0.75:0.5",
            },
        ],
        correlations=[{"factor_a": "fuel", "factor_b": "grid price", "correlation": 0.5}],
    )


class _OneFuture(PlainCase):
    """A case in which what was expected is what happens in one future."""

    def __init__(self, case: Case, values: Values, scenario: int) -> None:
        super().__init__(case)
        self.path = {name: path[scenario].tolist() for name, path in values.multipliers.items()}
        self.months_late = {name: int(months[scenario]) for name, months in values.late_months.items()}
        self.default = {name: int(month[scenario]) for name, month in values.default_month.items()}
        self.made = {name: bool(made[scenario]) for name, made in values.offered.items()}
        self.size = {"train": "less train", "hall": "less hall"}
        self.shares = {name: float(share[scenario]) for name, share in values.sizes.items()}
        for name, lease in self.leases.items():
            lease["renewal_probability"] = float(values.renewed[f"renewal[{name}]"][scenario])

    def offered(self, lease: Row) -> float:
        name = lease["lease_id"]
        made = float(self.made.get(f"offer[{name}]", True))
        return made * self.shares[self.size[name]] if name in self.size else made

    def rate_change(self, lease: Row, gpu: str) -> float:
        tiers = self.market_tiers(gpu) if gpu else []
        if not tiers or not lease["rate_follows_market"]:
            return 1.0
        due = self.index(lease["start"])
        answer = max(self.index(lease["answer_by"]) if lease["answer_by"] else due - 6, 0)
        moved = self.market_price(tiers[0], answer) / super().market_price(tiers[0], answer)
        return float(1 + lease["rate_follows_market"] * (moved - 1))

    def late(self, phase: Row) -> int:
        return self.months_late[f"delay[{phase['source_id']}:{phase['phase']}]"]

    def value(self, row: Row, scalar: str, curve: str, month: int) -> float | None:
        value = super().value(row, scalar, curve, month)
        driver = {"gas": "fuel", "power": "grid price"}.get(row[curve])
        return value if value is None or driver is None else value * self.path[driver][month]

    def market_price(self, tier: Row, month: int) -> float:
        return super().market_price(tier, month) * self.path["gpus"][month]

    def alive(self, customer_id: str, months: float) -> float:
        """1 until the month of default, in which a customer is still there on the first day; with a guarantor, until
        both default."""
        customer = self.customers[customer_id]
        names = [customer_id, *([customer["guarantor"]] if customer["guarantor"] else [])]
        return float(any(months <= self.default[f"default[{name}]"] for name in names))


def _late_units(case: _OneFuture, units: list[Row]) -> list[Row]:
    """Units at work, each from the month in which the phase at its head is there; a window that is over by then is
    empty."""
    found = []
    for unit in units:
        start = unit["from_month"]
        if unit["kind"] in ("serve", "host", "sell", "renew"):
            start = min(max(start, case.energised(case.phases[unit["phase"]])), unit["to_month"])
        found.append({**unit, "from_month": start})
    return found


@pytest.fixture(scope="module")
def built() -> CandidateSet:
    return build_candidates(make_outlook(_case()))


@pytest.fixture(scope="module")
def futures(built: CandidateSet) -> Futures:
    return make_futures(built.outlook.case, built.outlook.calendar, scenarios=SCENARIOS, seed=4)


def _plain_npv(built: CandidateSet, futures: Futures, levels: np.ndarray, scenario: int) -> tuple[float, float]:
    """NPV in one future and the sum of the sizes of its parts."""
    case = _OneFuture(built.outlook.case, futures.values, scenario)
    units = _late_units(case, plain_rows(built.table))
    worth = [plain_npv(case, plain_cash(case, unit, units, built.outlook.months, tail="none")) for unit in units]
    return sum(level * value for level, value in zip(levels, worth, strict=True)), sum(
        abs(level * value) for level, value in zip(levels, worth, strict=True)
    )


def _kept(built: CandidateSet) -> np.ndarray:
    """All but what is fixed at the base case's dates: minimum take not used, and what is given up early."""
    return ~built.table["kind"].isin(["short", "retire", "close", "exit"]).to_numpy()


def test_npv_in_every_future_is_that_of_plain_loops(built: CandidateSet, futures: Futures) -> None:
    kept = _kept(built)
    levels = np.random.default_rng(3).uniform(0.0, 40.0, len(built)) * kept
    numbers = np.flatnonzero(levels)
    bunch = each_an_item([Package("any", numbers, levels[numbers]), Package("half", numbers, levels[numbers] / 2.0)])
    values = item_values(built, bunch.items, futures, {}, paths=True, threads=2)
    assert values.cash is not None
    for scenario in range(SCENARIOS):
        expected, size = _plain_npv(built, futures, levels, scenario)
        assert abs(values.npv[0, scenario] - expected) <= 1e-9 * size, f"future {scenario}"
        assert abs(values.npv[1, scenario] - expected / 2.0) <= 1e-9 * size
        assert abs(values.cash[0, scenario] @ built.outlook.discount - expected) <= 1e-9 * size


def test_the_futures_hold_what_is_hard(built: CandidateSet, futures: Futures) -> None:
    """Late heads, a second phase that comes while the first feeds, idle months, notice, defaults, renewals of both
    sorts."""
    values, table = futures.values, built.table
    assert len({int(month) for month in values.late_months["delay[cells:1]"]}) > 2
    assert {bool(flag) for flag in values.renewed["renewal[serve]"]} == {True, False}
    assert (values.default_month["default[child]"] < MONTHS).any()
    assert {"serve", "host", "sell", "renew", "power", "own", "shell"} <= set(table["kind"])
    assert (table["then_phase"] != "").any()
    ends: dict[str, set[Any]] = {"notice": set()}
    events = built.cash_tables.events.table(_outlook(built, futures))
    for block in built.blocks:
        rows = np.flatnonzero((block.table["lease_id"] == "train").to_numpy()) if block.kind == "serve" else []
        for row in rows:
            ends["notice"] |= set((events[block.terms[0].end[row]] < block.table["to_month"].iat[row]).tolist())  # type: ignore[union-attr]
    assert ends["notice"] == {True, False}


def _outlook(built: CandidateSet, futures: Futures) -> Any:
    from planner.scenarios.outlook import scenario_outlook

    return scenario_outlook(built.outlook, futures)

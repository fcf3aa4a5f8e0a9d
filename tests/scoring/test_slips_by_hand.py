"""Late halls, late GPUs and capex over budget, future by future, against plain loops."""

from __future__ import annotations

import numpy as np
import pytest
from oracle.plain_case import PlainCase, Row
from oracle.plain_cash import plain_cash, plain_npv, plain_rows
from oracle.tiny_case import cluster, grid, hall, rate, site, sku, tiny_case

from planner.candidates.build import CandidateSet, build_candidates
from planner.candidates.outlook import make_outlook
from planner.candidates.packages import Package
from planner.case.case import Case
from planner.scenarios.futures import Futures, Values, make_futures
from planner.scoring.items import each_an_item
from planner.scoring.values import item_values

MONTHS, SCENARIOS = 36, 12


def _case() -> Case:
    """A site where some halls and GPUs stand, one where nothing does; leases that begin at the start and later, a
    market."""
    engine = {
        "source_id": "engine", "phase": "1", "kind": "gas_engine", "status": "approved", "guaranteed_mw": 4,
        "mw_per_it_mw": 1.3, "term_months": 600, "capex_usd_per_kw": 900,
        "upfront_usd_per_kw": 20, "tax_credit": 0.1, "energy_usd_per_mwh": 60, "delay_low_months": 0,
        "delay_mode_months": 2, "delay_high_months": 4, "lead_months": 3,
    }
    return tiny_case(
        months=MONTHS,
        sites=[
            {
                **site("a", mw=6), "existing_it_mw": 2, "shell_capex_usd_per_kw": 9000, "build_lead_months": 3,
                "opex_usd_per_kw_month": 10,
            },
            {
                **site("b", mw=4), "existing_it_mw": 0, "shell_capex_usd_per_kw": 8000, "build_lead_months": 4,
                "opex_usd_per_kw_month": 8,
            },
        ],
        power=[
            grid("a"), {**engine, "site_id": "a", "energised": "2027-07"},
            {**grid("b"), "status": "approved", "energised": "2027-03", "committed_mw": 0.5, "capex_usd_per_kw": 100},
        ],
        gpus=[sku(upkeep_usd_per_month=20, order_lead_months=3, deposit_fraction=0.2, deposit_lead_months=3)],
        resale=[
            {"gpu_id": "gpu", "age_months": age, "value_share": share}
            for age, share in ((0, 0.9), (24, 0.4), (60, 0.1))
        ],
        fleet=[{"site_id": "a", "gpu_id": "gpu", "gpus": 300, "bought": "2026-06", "tax_basis_usd_per_gpu": 9000}],
        leases=[
            cluster("now", start="2027-01", term_months=12),
            cluster("next", start="2027-07", term_months=18, late_penalty=0.2, notice_months=2),
            hall("room", start="2027-10", term_months=20, energy_by="landlord"),
            cluster("last", start="2028-04", term_months=12, renewal_term_months=6, renewal_probability=0.5),
        ],
        lease_rates=[rate(lease, usd) for lease, usd in (("now", 2.2), ("next", 3.0), ("last", 2.5))],
        market=[{"gpu_id": "gpu", "tier": 1, "usd_per_gpu_hour": 2.4, "utilisation": 0.8}],
        factors=[
            {
                "factor_id": "builders", "model": "triangular", "drives": "construction", "low": -4, "mode": -1,
                "high": 5,
            },
            {"factor_id": "site a", "model": "discrete_delay", "drives": "construction[a]", "outcomes": "-3:0.5;3:0.5"},
            {
                "factor_id": "chips", "model": "discrete_delay", "drives": "delivery[gpu]",
                "outcomes": "-2:0.5;0:0.25;2:0.125;6:0.125",
            },
            {"factor_id": "inflation", "model": "triangular", "drives": "capex", "low": -0.1, "mode": 0, "high": 0.2},
            {
                "factor_id": "steel", "model": "triangular", "drives": "capex[shell]", "low": -0.2, "mode": -0.1,
                "high": 0.6,
            },
            {"factor_id": "spot", "model": "gbm", "drives": "market", "volatility_per_year": 0.3},
        ],
        correlations=[
            {"factor_a": "builders", "factor_b": "steel", "correlation": 0.7},
            {"factor_a": "chips", "factor_b": "spot", "correlation": 0.5},
        ],
    )


class _OneFuture(PlainCase):
    """What happens in one future in place of what was expected."""

    def __init__(self, case: Case, values: Values, scenario: int) -> None:
        super().__init__(case)
        self.months_late = {name: int(months[scenario]) for name, months in values.late_months.items()}
        self.slips = {name: int(months[scenario]) for name, months in values.slips.items()}
        self.paid = {name: float(share[scenario]) for name, share in values.overruns.items()}
        self.spot = values.multipliers["spot"][scenario].tolist()
        for name, lease in self.leases.items():
            lease["renewal_probability"] = float(values.renewed[f"renewal[{name}]"][scenario])

    def late(self, phase: Row) -> int:
        return self.months_late[f"delay[{phase['source_id']}:{phase['phase']}]"]

    def market_price(self, tier: Row, month: int) -> float:
        return super().market_price(tier, month) * self.spot[month]

    def slip(self, word: str, name: str) -> int:
        if word == "delivery":
            return self.slips["chips"]
        return self.slips["builders"] + (self.slips["site a"] if name == "a" else 0)

    def overrun(self, asset_class: str) -> float:
        return self.paid["inflation"] * (self.paid["steel"] if asset_class == "shell" else 1.0) - 1.0


def _starts(case: _OneFuture, expected: PlainCase, unit: Row, units: list[Row]) -> int:
    """The month in which a unit at work can begin, by the rules as the README states them."""
    month = unit["from_month"]
    if unit["kind"] not in ("serve", "host", "sell", "renew"):
        return int(month)
    start = max(month, case.energised(case.phases[unit["phase"]]))
    if unit["kind"] == "renew":
        return int(min(start, unit["to_month"]))
    head = max(expected.energised(expected.phases[unit["phase"]]), 0)

    def wait(word: str, name: str, new: list[Row], standing: bool) -> int:
        first = min((row["from_month"] for row in new), default=None)
        if first is None or first > month or (standing and head == 0):
            return 0
        due = month if unit["kind"] in ("serve", "host") else max(first, head)
        return due + case.slip(word, name) if due <= month else 0

    here = [row for row in units if row["site_id"] == unit["site_id"]]
    shells = [row for row in here if row["kind"] == "shell"]
    halls = wait(
        "construction", unit["site_id"], [row for row in shells if ":existing@" not in row["candidate_id"]],
        any(":existing@" in row["candidate_id"] for row in shells),
    )
    same = [row for row in here if row["gpu_id"] == unit["gpu_id"]]
    gpus = wait(
        "delivery", unit["gpu_id"], [row for row in same if row["kind"] == "own"],
        any(row["kind"] == "base" for row in same),
    ) if unit["kind"] != "host" else 0
    return int(min(max(start, halls, gpus), unit["to_month"]))


@pytest.fixture(scope="module")
def built() -> CandidateSet:
    return build_candidates(make_outlook(_case()))


@pytest.fixture(scope="module")
def futures(built: CandidateSet) -> Futures:
    return make_futures(built.outlook.case, built.outlook.calendar, scenarios=SCENARIOS, seed=2)


def test_npv_in_every_future_is_that_of_plain_loops(built: CandidateSet, futures: Futures) -> None:
    kept = ~built.table["kind"].isin(["short", "retire", "close", "exit"]).to_numpy()
    levels = np.random.default_rng(3).uniform(1.0, 40.0, len(built)) * kept
    numbers = np.flatnonzero(levels)
    names = [f"unit {number}" for number in numbers]
    bunch = each_an_item(
        [Package(name, np.array([number]), np.ones(1)) for name, number in zip(names, numbers, strict=True)]
    )
    values = item_values(built, bunch.items, futures, {}, paths=True, threads=2)
    assert values.cash is not None
    expected = PlainCase(built.outlook.case)
    for scenario in range(SCENARIOS):
        case = _OneFuture(built.outlook.case, futures.values, scenario)
        units = plain_rows(built.table)
        late = [{**unit, "from_month": _starts(case, expected, unit, units)} for unit in units]
        cash = values.cash[:, scenario] @ built.outlook.discount
        for at, number in enumerate(numbers):
            worth = plain_npv(case, plain_cash(case, late[number], late, built.outlook.months, tail="none"))
            size = max(1.0, abs(worth), abs(values.base_npv[at]))
            assert abs(values.npv[at, scenario] - worth) <= 1e-9 * size, (
                f"{built.table['candidate_id'][number]} in future {scenario}"
            )
            assert abs(cash[at] - worth) <= 1e-9 * size


def test_the_futures_hold_what_is_hard(built: CandidateSet, futures: Futures) -> None:
    values = futures.values
    for name in ("builders", "site a", "chips"):
        assert values.slips[name].min() < 0 < values.slips[name].max(), name
    for name in ("inflation", "steel"):
        assert values.overruns[name].min() < 1.0 < values.overruns[name].max(), name
    assert {"serve", "host", "sell", "renew", "power", "own", "shell", "base"} <= set(built.table["kind"])


def test_the_base_case_is_that_without_the_factors(built: CandidateSet) -> None:
    """Mean slips of nothing and a mean of what is budgeted: a factor moves no plan."""
    case = built.outlook.case
    without = case.with_table("factors", case.tables["factors"].iloc[:0]).with_table(
        "correlations", case.tables["correlations"].iloc[:0]
    )
    still = build_candidates(make_outlook(without))
    assert still.table.equals(built.table)
    np.testing.assert_allclose(still.npv_usd, built.npv_usd, rtol=1e-13)

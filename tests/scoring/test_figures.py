"""Figures beside NPV: capex, power by kind, energy, CO2, levelised cost, customers, carried losses, debt cover, MOIC,
IRR."""

from __future__ import annotations

import numpy as np
import numpy_financial as npf
import pytest
from oracle.tiny_case import cluster, grid, hall, rate, site, sku, tiny_case
from scoring_case import ScoringCase

from kernels.lines import FINANCING, INCOME, Line
from planner.candidates.build import CandidateSet
from planner.planning.make_plan import plan
from planner.planning.plan import Plan
from planner.scoring.long_table import from_table
from planner.scoring.score import IRR_EACH, ScoreOptions, score_portfolios
from planner.solver.options import SolverOptions

OPTIONS = ScoreOptions(scenarios=20, threads=1, float64=True)


def _row(planned: Plan, **changes: object) -> dict[str, object]:
    (row,) = score_portfolios(
        planned.candidates, from_table(planned.candidates, planned.portfolio), OPTIONS
    ).table.to_dict("records")
    return row


def test_figures_of_a_plan_are_those_of_its_statement(planned: ScoringCase) -> None:
    found, row = planned.plan, _row(planned.plan)
    statement = found.statement
    assert row["npv_losses_carried_usd"] == pytest.approx(statement.npv_losses_carried_usd, rel=1e-9)
    assert row["npv_losses_carried_usd"] != pytest.approx(statement.npv_usd, rel=1e-6)
    assert row["capex_usd"] == pytest.approx(
        -(statement.line(Line.CAPEX) + statement.line(Line.OPENING)).sum(), rel=1e-9
    )
    by_kind = found.power.groupby("kind")["contracted_mw"].sum()
    for kind, mw in by_kind.items():
        assert row[f"contracted_mw_{kind}"] == pytest.approx(mw, rel=1e-9, abs=1e-9)
    own = found.candidates.table["kind"].eq("own").to_numpy()
    assert row["gpus_bought"] == pytest.approx(planned.levels[own].sum(), rel=1e-12)


def _by_hand() -> Plan:
    """100 GPUs of 2 kW: 60 let to one customer, 40 to another, and 0.5 MW hosted; for a year, no randomness, on a
    loan."""
    case = tiny_case(
        months=12,
        settings={"tax_rate": 0.2},
        sites=[site("a", mw=0.7, pue=1.1, load_factor=0.9)],
        power=[grid("a", mw=10, co2_kg_per_mwh=300, availability=0.998)],
        gpus=[sku()],
        customers=[{"customer_id": "solid", "rating": "AAA"}, {"customer_id": "other", "rating": "AAA"}],
        leases=[
            cluster("big", size=60, term_months=12, all_or_nothing=True),
            cluster("small", size=40, customer_id="other", term_months=12, all_or_nothing=True),
            hall("hall", mw=0.5, rate=200.0, term_months=12),
        ],
        lease_rates=[rate("big", 3.0), rate("small", 2.5)],
        debt=[{"asset_class": "gpu", "advance_rate": 0.6, "interest_rate": 0.1, "tenor_months": 12}],
        resale=[
            {"gpu_id": "gpu", "age_months": age, "value_share": share}
            for age, share in ((0, 0.9), (12, 0.7), (60, 0.1))
        ],
    )
    found = plan(case, solver=SolverOptions(gap=0.0))
    assert found.candidates.table.loc[found.levels > 0, "kind"].tolist().count("serve") == 2  # type: ignore[operator]
    return found


@pytest.fixture(scope="module")
def small() -> Plan:
    return _by_hand()


def _lines(candidates: CandidateSet, levels: np.ndarray) -> np.ndarray:
    _, cash = candidates.cash(levels)
    return cash.sum(axis=1)


def test_energy_co2_and_levelised_cost_by_hand(small: Plan) -> None:
    row = _row(small)
    assert row["gpus_bought"] == pytest.approx(100.0)
    mwh = (0.2 + 0.5) * 0.9 * 1.1 * 0.998 * 8760  # 2027 has 365 days
    assert row["energy_mwh"] == pytest.approx(mwh, rel=1e-9)
    assert row["co2_tonnes"] == pytest.approx(0.3 * mwh, rel=1e-9)
    assert small.levels is not None
    cash = _lines(small.candidates, small.levels)
    outlook = small.candidates.outlook
    df = (
        [1.1 ** -((month + 0.5) / 12) for month in range(12)] if outlook.case.settings.discount_rate == 0.1
        else outlook.discount[:12].tolist()
    )
    hours = [24.0 * days for days in (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)]
    worked = sum(100 * hour * factor for hour, factor in zip(hours, df, strict=True))
    hosted = sum(0.5 * 200_000 * factor for factor in df)
    spent = sum(
        -cash[line][month] * outlook.discount[month]
        for line in Line if line < Line.TAX and line is not Line.PREPAYMENT and line not in INCOME
        for month in range(outlook.months)
    )
    assert row["levelised_usd_per_gpu_hour"] == pytest.approx((spent - hosted) / worked, rel=1e-9)
    big, other = (
        sum(count * usd * hour * factor for hour, factor in zip(hours, df, strict=True))
        for count, usd in ((60, 3.0), (40, 2.5))
    )
    assert row["largest_customer"] == "solid"
    assert row["largest_customer_share"] == pytest.approx((big + hosted) / (big + other + hosted), rel=1e-9)
    assert row["backlog_usd"] == pytest.approx(
        sum(60 * 3.0 * hour + 40 * 2.5 * hour + 0.5 * 200_000 for hour in hours), rel=1e-9
    )


def test_cover_moic_and_irr_of_a_case_without_randomness_by_hand(small: Plan) -> None:
    row = _row(small)
    assert small.levels is not None
    cash = _lines(small.candidates, small.levels)
    months = small.candidates.outlook.months
    net = [
        sum(cash[line][month] for line in Line if line not in (*FINANCING, Line.DEPRECIATION))
        for month in range(months)
    ]
    ratios = []
    for year in range(0, months, 12):
        span = range(year, min(year + 12, months))
        available = sum(net[month] - cash[Line.CAPEX][month] - cash[Line.OPENING][month] for month in span)
        due = -sum(cash[Line.INTEREST][month] + cash[Line.REPAYMENT][month] for month in span)
        ratios += [available / due] if due > 1.0 else []
    for name in ("mean", "median", "tail"):
        assert row[f"least_dscr_{name}"] == pytest.approx(min(ratios), rel=1e-9)
    total, deepest = 0.0, 0.0
    for flow in net:
        total += flow
        deepest = min(deepest, total)
    assert deepest < 0.0
    assert row["moic"] == pytest.approx((total - deepest) / -deepest, rel=1e-9)
    monthly = npf.irr(net)
    assert row["irr_status"] == "one_root"
    for name in ("irr_per_year", "irr_of_mean_flow_per_year", "irr_median_per_year", "irr_low_per_year"):
        assert row[name] == pytest.approx((1 + monthly) ** 12 - 1, rel=1e-6)
    assert row["irr_one_rate_share"] == pytest.approx(1.0)
    assert row["standard_deviation_usd"] == pytest.approx(0.0, abs=1e-3)


def test_without_paths_there_are_no_figures_of_paths_and_the_rest_is_the_same(planned: ScoringCase) -> None:
    source = from_table(planned.candidates, planned.plan.portfolio)
    full = score_portfolios(planned.candidates, source, OPTIONS).table
    short = score_portfolios(
        planned.candidates, source, ScoreOptions(scenarios=20, threads=1, float64=True, paths=False)
    ).table
    assert set(short.columns) < set(full.columns)
    assert not {"irr_per_year", "peak_funding_mean_usd", "moic"} & set(short.columns)
    assert full[list(short.columns)].equals(short)


def test_irr_of_every_future_is_for_few_portfolios(planned: ScoringCase) -> None:
    import pandas as pd

    names = [str(number) for number in range(IRR_EACH + 1)]
    table = pd.concat([planned.plan.portfolio.assign(portfolio=name) for name in names])
    many = score_portfolios(planned.candidates, from_table(planned.candidates, table), OPTIONS).table
    few = score_portfolios(
        planned.candidates, from_table(planned.candidates, table[table["portfolio"] != names[-1]]), OPTIONS
    ).table
    assert "irr_median_per_year" not in many
    spread = few.dropna(subset=["irr_median_per_year"])
    assert (spread["irr_low_per_year"] <= spread["irr_median_per_year"]).all()
    assert few["irr_one_rate_share"].between(0.0, 1.0).all()

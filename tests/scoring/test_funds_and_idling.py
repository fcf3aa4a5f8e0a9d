"""Figures by hand: sources and uses of funds, EBITDA by year, the levelised cost of a kW, and GPUs that idle."""

from __future__ import annotations

import numpy as np
import pytest
from oracle.tiny_case import cluster, grid, hall, rate, site, sku, tiny_case
from scoring_case import ScoringCase

from kernels.lines import Line
from planner.planning.make_plan import plan
from planner.planning.plan import Plan
from planner.scoring.cash_figures import INCOME, OPERATING
from planner.scoring.long_table import from_table
from planner.scoring.score import ScoreOptions, score_portfolios
from planner.solver.options import SolverOptions

OPTIONS = ScoreOptions(scenarios=4, threads=1, float64=True, paths=False, device="cpu")
HOURS = [24 * days for days in (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)]


def _row(found: Plan) -> dict[str, float]:
    (row,) = score_portfolios(
        found.candidates, from_table(found.candidates, found.portfolio), OPTIONS
    ).table.to_dict("records")
    return row


def test_ebitda_and_funds_of_a_plan_are_those_of_its_statement(planned: ScoringCase) -> None:
    statement, row = planned.plan.statement, _row(planned.plan)
    found = {name: value for name, value in row.items() if name.startswith("ebitda_")}
    expected = dict.fromkeys(found, 0.0)
    earned = sum(statement.line(line) for line in (*INCOME, *OPERATING))
    for label, first, usd in zip(statement.labels, statement.first_month, earned, strict=True):
        expected["ebitda_later_usd" if first >= statement.horizon else f"ebitda_{label[:4]}_usd"] += usd
    assert set(expected) == set(found)
    assert len(found) == 5
    for name, usd in expected.items():
        assert found[name] == pytest.approx(usd, rel=1e-9, abs=1e-3), name
    uses = [value for name, value in row.items() if name.startswith("uses_")]
    sources = [value for name, value in row.items() if name.startswith("sources_")]
    assert sum(uses) == pytest.approx(sum(sources), rel=1e-12)
    assert sum(uses) == pytest.approx(row["capex_usd"], rel=1e-12)
    assert row["sources_debt_usd"] == pytest.approx(statement.line(Line.DEBT_DRAW).sum(), rel=1e-9, abs=1e-3)


def test_funds_ebitda_and_the_rent_of_a_kw_by_hand() -> None:
    """100 GPUs let for a year with a fifth paid in advance and 0.5 MW hosted; half of each GPU on a loan, the phase
    with a credit."""
    case = tiny_case(
        months=12,
        settings={"tax_rate": 0.2},
        sites=[site("a", mw=0.7, pue=1.1, load_factor=0.9, opex_usd_per_kw_month=2.0, opening_cost_usd=5000.0)],
        power=[grid("a", mw=1.0, fee_usd_per_kw_month=4.0, take_or_pay=1.0, lumpy=True)],
        gpus=[sku()],
        leases=[
            cluster("work", size=100, term_months=12, all_or_nothing=True, prepay_fraction=0.2),
            hall("tenant", mw=0.5, rate=200.0, term_months=12),
        ],
        lease_rates=[rate("work", 3.0)],
        debt=[{"asset_class": "gpu", "advance_rate": 0.5, "interest_rate": 0.1, "tenor_months": 12}],
        resale=[{"gpu_id": "gpu", "age_months": age, "value_share": share} for age, share in ((0, 0.9), (60, 0.1))],
    )
    found = plan(case, solver=SolverOptions(gap=0.0))
    row = _row(found)
    assert row["gpus_bought"] == pytest.approx(100.0)
    assert row["uses_capex_usd"] == pytest.approx(100 * 20_000)
    assert row["uses_opening_usd"] == pytest.approx(5000.0)
    assert row["sources_debt_usd"] == pytest.approx(0.5 * 100 * 20_000)
    prepaid = 0.2 * 100 * 3.0 * (8760 - 31 * 24)  # January's credit is set off against what comes in
    assert row["sources_prepayments_usd"] == pytest.approx(prepaid, rel=1e-9)
    assert row["sources_tax_credits_usd"] == 0.0
    own = 100 * 20_000 + 5000.0 - 0.5 * 100 * 20_000 - prepaid
    assert row["sources_own_cash_usd"] == pytest.approx(own, rel=1e-9)

    # The landlord pays for the GPUs' energy; the tenant for its own. The hall stands whole, the phase is contracted
    # whole.
    energy = [30.0 * 0.2 * 0.9 * 1.1 * hours for hours in HOURS]
    hall_opex, fee = 700 * 2.0, 1000 * 4.0
    income = [100 * 3.0 * hours + 500 * 200.0 for hours in HOURS]
    assert row["ebitda_2027_usd"] == pytest.approx(sum(income) - sum(energy) - 12 * (hall_opex + fee), rel=1e-9)
    assert row["ebitda_later_usd"] == 0.0
    discount = [1.0 / (1.0 + case.settings.discount_rate) ** ((month + 0.5) / 12) for month in range(12)]
    paid = sum(
        (usd + hall_opex + fee) * factor for usd, factor in zip(energy, discount, strict=True)
    ) + 5000.0 * discount[0]
    let = sum(700.0 * factor for factor in discount)  # 0.2 MW of GPUs and 0.5 MW hosted
    assert row["levelised_usd_per_kw_month"] == pytest.approx(paid / let, rel=1e-9)


def test_gpus_that_idle_draw_nothing_and_are_not_at_work() -> None:
    """On demand at $3 per hour, but in May, the middle of a window, at a cent, which does not pay for energy."""
    prices = [("2027-01", 3.0), ("2027-05", 0.01), ("2027-06", 3.0)]
    case = tiny_case(
        months=12,
        sites=[site("a", mw=0.2)],
        power=[grid("a", mw=1.0, co2_kg_per_mwh=400)],
        gpus=[sku()],
        market=[{"gpu_id": "gpu", "price_curve": "spot", "utilisation": 0.8}],
        curves=[{"curve_id": "spot", "month": month, "value": value, "unit": "$"} for month, value in prices],
        resale=[{"gpu_id": "gpu", "age_months": age, "value_share": share} for age, share in ((0, 0.9), (60, 0.1))],
    )
    found = plan(case, solver=SolverOptions(gap=0.0))
    row = _row(found)
    sold = found.portfolio[found.portfolio["kind"] == "sell"]
    assert "2027-04" in set(sold["candidate_id"].str[-7:])  # the window that holds May
    assert row["gpus_bought"] == pytest.approx(100.0)
    load = case.tables["sites"].iloc[0]
    working = [hours for month, hours in enumerate(HOURS) if month != 4]
    mwh = 0.2 * float(load["load_factor"]) * float(load["pue"]) * float(
        case.tables["power"]["availability"].iloc[0]
    ) * sum(working)
    assert row["energy_mwh"] == pytest.approx(mwh, rel=1e-9)
    assert row["co2_tonnes"] == pytest.approx(0.4 * mwh, rel=1e-9)
    discount = found.candidates.outlook.discount[:12]
    worked = sum(
        100 * hours * factor for month, (hours, factor) in enumerate(zip(HOURS, discount, strict=True)) if month != 4
    )
    cash = found.candidates.cash(found.levels)[1].sum(axis=1)  # type: ignore[arg-type]
    spent = -sum(
        cash[line] @ found.candidates.outlook.discount
        for line in (Line.ENERGY, Line.FEES, Line.UPKEEP, Line.SITE_OPEX, Line.CAPEX, Line.RESALE)
    )
    assert row["levelised_usd_per_gpu_hour"] == pytest.approx(spent / worked, rel=1e-9)
    assert np.isfinite(row["levelised_usd_per_kw_month"])

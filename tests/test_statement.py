"""The cash-flow statement and what is read off it, on statements small enough to work out by hand."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from kernels.irr import IrrStatus
from kernels.lines import Line, taxable_weight
from planner.case.edits import apply_edits
from planner.case.generate import generate_case
from planner.case.starting import starting_case
from planner.planning.make_plan import plan
from planner.planning.plan import Plan
from planner.plans.statement import COMPANY, Statement, make_statement
from planner.plans.tax_years import TaxYears
from planner.run_folder import write_run

RATE = 0.10


def months(horizon: int, tail_years: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """First month of each column, and discount factors by the stated rule."""
    first = np.concatenate([np.arange(horizon), horizon + 12 * np.arange(tail_years)])
    years = np.where(first < horizon, (first + 0.5) / 12, first / 12 + 0.5)
    return first, (1 + RATE) ** -years


def statement(lines: dict[Line, list[float]], *, tail_years: int = 0, tax_rate: float = 0.25) -> Statement:
    """A statement of one site from cash by line."""
    width = len(next(iter(lines.values())))
    first, discount = months(width - tail_years, tail_years)
    usd = np.zeros((1, len(Line), width))
    for line, cash in lines.items():
        usd[0, line] = cash
    labels = tuple(f"{2027 + month // 12}-{month % 12 + 1:02d}" for month in first)
    taxable = usd[0].T @ np.array([taxable_weight(line) for line in Line])
    # Columns are months, and whole tax years in the tail: the statements below end their horizons with one.
    assert not tail_years or (width - tail_years) % 12 == 0
    starts = np.unique(first // 12, return_index=True)[1]
    years = TaxYears(first[starts], first[starts] // 12, discount[np.append(starts[1:], width) - 1])
    return Statement(
        ("here",), usd, discount, first, labels, width - tail_years, tax_rate, years, np.add.reduceat(taxable, starts)
    )


def test_npv_is_the_discounted_sum_of_unlevered_cash() -> None:
    found = statement(
        {
            Line.CAPEX: [-100.0, 0.0], Line.REVENUE: [0.0, 200.0], Line.TAX: [0.0, -50.0],
            Line.DEPRECIATION: [9.0, 9.0], Line.DEBT_DRAW: [70.0, 0.0],
        }
    )
    assert found.npv_usd == pytest.approx(-100 / 1.1 ** (0.5 / 12) + 150 / 1.1 ** (1.5 / 12), rel=1e-12)


def test_equity_takes_the_loan_and_the_tax_shield_of_its_interest() -> None:
    found = statement(
        {
            Line.CAPEX: [-100.0, 0.0], Line.DEBT_DRAW: [60.0, 0.0], Line.INTEREST: [0.0, -8.0],
            Line.REPAYMENT: [0.0, -60.0], Line.REVENUE: [0.0, 200.0],
        }
    )
    np.testing.assert_allclose(found.equity, [-40.0, 200.0 - 60.0 - 8.0 * 0.75])


def test_the_tail_is_what_falls_after_the_horizon_at_mid_year() -> None:
    found = statement({Line.REVENUE: [1.0] * 24 + [120.0]}, tail_years=1)
    assert found.tail_usd == pytest.approx(120 / 1.1**2.5, rel=1e-12)


@pytest.mark.parametrize(
    ("net", "peak", "payback"),
    [
        ([-5.0, -3.0, 4.0, 6.0], 8.0, 3),
        ([-5.0, 6.0, -3.0, 1.0, 2.0], 5.0, 4),
        ([-5.0, 1.0], 5.0, None),
        ([2.0, -1.0], 0.0, 0),
        ([0.0, 0.0], 0.0, 0),
        ([-5.0, 5.0], 5.0, 1),
    ],
)
def test_peak_funding_and_payback(net: list[float], peak: float, payback: int | None) -> None:
    found = statement({Line.REVENUE: net})
    assert found.peak_funding_usd == peak
    assert found.payback_month == payback


def test_irr_is_the_rate_at_which_the_npv_vanishes() -> None:
    # 100 paid in month 0 and 121 received in month 24: 10 % a year.
    found = statement({Line.REVENUE: [-100.0] + [0.0] * 23 + [121.0]})
    rate, status = found.irr_per_year
    assert status is IrrStatus.ONE_ROOT
    assert rate == pytest.approx(0.10, abs=1e-9)
    assert found.npv_usd == pytest.approx(0.0, abs=1e-9)


def test_irr_counts_the_tail_as_the_npv_does() -> None:
    """At the rate found, the statement's own discounting (middle of the year in the tail) gives nothing."""
    found = statement({Line.REVENUE: [-100.0] + [0.0] * 23 + [121.0 * 1.1**0.5 * 1.1 ** (-0.5 / 12)]}, tail_years=1)
    assert found.npv_usd == pytest.approx(0.0, abs=1e-9)
    assert found.irr_per_year[0] == pytest.approx(0.10, abs=2e-5)


@pytest.mark.parametrize(
    ("net", "status"),
    [
        ([1.0, 2.0], IrrStatus.ALL_ONE_SIGN), ([0.0, 0.0], IrrStatus.ALL_ONE_SIGN),
        ([-1.0, 2.5, -1.5], IrrStatus.SEVERAL),
    ],
)
def test_irr_without_one_answer_is_none_with_its_reason(net: list[float], status: IrrStatus) -> None:
    assert statement({Line.REVENUE: net}).irr_per_year == (None, status)


def test_losses_are_carried_into_later_years_up_to_four_fifths_of_a_profit() -> None:
    """A loss of 100 in the first year, profits of 90 and 80: 72 then 28 of it are used; tax 25 % of 18 and of 52."""
    revenue = [0.0] * 11 + [-100.0] + [0.0] * 11 + [90.0] + [0.0] * 11 + [80.0]
    found = statement({Line.REVENUE: revenue})
    _, discount = months(36)
    expected = -100 * discount[11] + (90 - 4.5) * discount[23] + (80 - 13.0) * discount[35]
    assert found.npv_losses_carried_usd == pytest.approx(expected, rel=1e-12)


def test_carried_losses_take_the_place_of_tax_at_once() -> None:
    at_once = statement({Line.REVENUE: [0.0] * 11 + [-100.0], Line.TAX: [0.0] * 11 + [25.0]})
    _, discount = months(12)
    assert at_once.npv_losses_carried_usd == pytest.approx(-100 * discount[11], rel=1e-12)


def test_yearly_sums_are_by_calendar_year_of_the_horizon() -> None:
    found = statement({Line.CAPEX: [-1.0] * 24 + [-50.0]}, tail_years=1)
    assert found.yearly(Line.CAPEX) == {"2027": -12.0, "2028": -12.0}


def test_the_table_leaves_zeros_out_and_adds_up() -> None:
    found = statement({Line.CAPEX: [-100.0, 0.0], Line.REVENUE: [0.0, 200.0]})
    table = found.frame()
    assert table[["site_id", "line", "month", "usd"]].to_numpy().tolist() == [
        ["here", "revenue", 1, 200.0], ["here", "capex", 0, -100.0]
    ]


# --- of a plan ---------------------------------------------------------------------------------------------------


@cache
def planned() -> Plan:
    return plan(starting_case())


def test_the_statement_of_two_portfolios_is_the_sum_of_theirs() -> None:
    found = planned()
    half = make_statement(found.candidates, found.levels * 0.5)
    np.testing.assert_allclose(half.usd * 2.0, found.statement.usd, rtol=1e-12, atol=1e-6)


def test_cash_stands_at_the_site_that_earns_it() -> None:
    found = planned()
    assert found.statement.sites == ("river", "mesa", COMPANY)
    assert not found.statement.usd[1].any()
    assert found.statement.usd[0].any()


def test_capex_of_the_statement_is_what_was_bought() -> None:
    """GPUs and halls at their prices, worked out from the portfolio and the tables of the case."""
    found = planned()
    gpus = found.case.tables["gpus"].set_index("gpu_id")["capex_usd"]
    halls = found.case.tables["sites"].set_index("site_id")["shell_capex_usd_per_kw"]
    spent = 0.0
    for name, level in zip(found.portfolio["candidate_id"], found.portfolio["level"], strict=True):
        kind, *parts = name.split("@")[0].split(":")
        if kind == "own":
            spent += level * gpus[parts[1]]
        elif kind == "shell" and parts[1] == "new":
            spent += level * 1000.0 * halls[parts[0]]
    assert -found.statement.line(Line.CAPEX).sum() == pytest.approx(spent, rel=1e-9)


@pytest.mark.parametrize("seed", [1, pytest.param(3, marks=pytest.mark.slow)])
def test_the_written_cash_flow_gives_the_npv_by_plain_arithmetic(tmp_path: Path, seed: int) -> None:
    found = plan(generate_case(sites=2, leases=3, skus=3, months=36, seed=seed))
    folder = write_run(found, tmp_path / "run")
    horizon, rate = found.case.settings.months, found.case.settings.discount_rate
    left_out = {"depreciation", "debt_draw", "interest", "repayment"}
    npv = tail = 0.0
    header, *rows = (folder / "cashflow.csv").read_text().splitlines()
    assert header == "site_id,line,period,month,usd"
    for row in rows:
        _, line, period, month, usd = row.split(",")
        if line in left_out:
            continue
        after = period.endswith("+12")
        assert after == (int(month) >= horizon)
        value = float(usd) * (1 + rate) ** -(int(month) / 12 + 0.5 if after else (int(month) + 0.5) / 12)
        npv += value
        tail += value * after
    written = json.loads((folder / "plan.json").read_text())
    assert npv == pytest.approx(written["npv_usd"], rel=1e-9)
    assert written["npv_usd"] == pytest.approx(written["objective_usd"], rel=1e-9)
    assert tail / npv == pytest.approx(written["tail_share"], rel=1e-6)


@pytest.mark.slow
def test_a_very_long_case_still_has_a_statement() -> None:
    """The longest horizon and contract that a case may have."""
    found = plan(
        apply_edits(
            starting_case(),
            [
                "case.months=600", "power.term_months[mesa_cells:1]=600", "leases.start[cloud_hall]=2070-01",
                "leases.term_months[cloud_hall]=600",
            ],
        )
    )
    rate, status = found.statement.irr_per_year
    assert (rate is None) == (status is not IrrStatus.ONE_ROOT)


def test_periods_of_the_table_follow_one_another() -> None:
    table = planned().cashflow
    periods = pd.Series(table["period"].to_numpy(), index=table["month"]).groupby(level=0).unique()
    assert periods.map(len).eq(1).all()
    assert periods.loc[0][0] == "2027-01"

"""Who uses what when: the resource rows against plain loops over units and months, for any levels and for a solved
plan."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from at_length import in_tiers
from oracle.plain_case import PlainCase
from oracle.plain_cash import plain_rows
from oracle.plain_usage import plain_excess, plain_money, plain_revenue, quarters
from oracle.rich_case import rich_case

from planner.candidates.build import CandidateSet, build_candidates
from planner.candidates.outlook import make_outlook
from planner.case.case import Case
from planner.formulation.allocate import allocate
from planner.solver.options import SolverOptions
from planner.solver.status import Status

MONEY = ("CAPITAL", "CASH_FLOOR", "YEARLY_SHARE")
VARIANTS = [(1, "contracted", True), (2, "none", False), (3, "rented", False)]


@cache
def _case(seed: int, tail: str, limited: bool = False, carries_over: bool = True) -> Case:
    return rich_case(seed, tail=tail, limited=limited, carries_over=carries_over)


@cache
def _candidates(seed: int, tail: str, limited: bool = False, carries_over: bool = True) -> CandidateSet:
    return build_candidates(make_outlook(_case(seed, tail, limited, carries_over)))


@cache
def _plan(seed: int, carries_over: bool = True) -> np.ndarray:
    """Levels of the best plan of a case with limits on deliveries and on money."""
    answer = allocate(_candidates(seed, "contracted", True, carries_over), SolverOptions(gap=1e-3))
    assert answer.status is Status.OPTIMAL
    assert answer.levels is not None
    return answer.levels


def _any_levels(candidates: CandidateSet) -> np.ndarray:
    """Levels that obey nothing: use is linear, so they show every coefficient."""
    draw = np.random.default_rng(5)
    levels = draw.uniform(0.5, 9.0, len(candidates)) * (draw.random(len(candidates)) < 0.8)
    return np.where(candidates.table["candidate_id"] == "base:capital raised", 1.0, levels)


@pytest.mark.parametrize(("seed", "tail", "limited"), VARIANTS)
def test_rows_state_what_the_loops_count_in_every_month(seed, tail, limited):
    candidates = _candidates(seed, tail, limited)
    levels = _any_levels(candidates)
    plain = plain_excess(PlainCase(_case(seed, tail, limited)), plain_rows(candidates.table), levels.tolist())
    rows = candidates.rows
    excess = rows.use @ levels - rows.table["limit"].to_numpy(np.float64)
    stated: set[tuple[str, str, int]] = set()
    wrong = []
    for row, value in zip(rows.table.itertuples(), excess, strict=True):
        if row.family in MONEY:
            continue
        for month in range(row.start, row.end):
            stated.add((row.family, row.name, month))
            expected = plain.get((row.family, row.name), {}).get(month)
            if expected is None or abs(expected - value) > 1e-9 * max(1.0, abs(value)):
                wrong.append(f"{row.family} {row.name} month {month}: {value:.9g}, expected {expected}")
    counted = {(*key, month) for key, by_month in plain.items() for month in by_month}
    assert not wrong, f"{len(wrong)} differences, among them:\n" + "\n".join(wrong[:: max(1, len(wrong) // 20)])
    assert stated == counted
    if limited:
        assert "SUPPLY" in set(rows.table["family"])


@pytest.mark.parametrize("seed", in_tiers([1, 2], 1))
def test_a_solved_plan_keeps_every_limit_in_every_month(seed):
    candidates, levels = _candidates(seed, "contracted", True), _plan(seed)
    case, units = PlainCase(_case(seed, "contracted", True)), plain_rows(candidates.table)
    plain = plain_excess(case, units, levels.tolist())
    size = plain_excess(case, units, [0.0] * len(units))
    for (family, name), by_month in plain.items():
        for month, excess in by_month.items():
            assert excess <= 1e-6 * max(1.0, abs(size[family, name][month])) + 1e-6, (
                f"{family} {name} month {month} is exceeded by {excess}"
            )
    held = set(candidates.table["kind"][levels > 0])
    assert {"open", "shell", "power", "own", "base", "retire", "serve", "host", "renew", "sell", "accept"} <= held
    tight = {
        family for (family, _), by_month in plain.items() if any(abs(excess) < 1e-6 for excess in by_month.values())
    }
    assert {"FLEET", "PHASE", "VOLUME", "DEPTH"} <= tight, "a plan that presses on nothing shows nothing"


@pytest.mark.parametrize("seed", in_tiers([1, 2], 1))
def test_whole_decisions_are_whole_and_levels_stand_within_their_bounds(seed):
    table, levels = _candidates(seed, "contracted", True).table, _plan(seed)
    whole = levels[table["integral"].to_numpy(bool)]
    assert whole.tolist() == np.round(whole).tolist()
    assert np.all(levels >= table["lower"])
    assert np.all(levels <= table["upper"])


@pytest.mark.parametrize("carries_over", [True, False], ids=["carried over", "quarter by quarter"])
def test_capital_is_drawn_quarter_by_quarter_as_the_loops_count_it(carries_over):
    candidates = _candidates(1, "contracted", True, carries_over)
    case = PlainCase(_case(1, "contracted", True, carries_over))
    levels = _any_levels(candidates)
    drawn, _ = plain_money(
        case, plain_rows(candidates.table), levels.tolist(), candidates.outlook.months, tail="contracted"
    )
    rows = candidates.rows
    capital = rows.table["family"] == "CAPITAL"
    excess = (rows.use @ levels - rows.table["limit"].to_numpy(np.float64))[capital]
    assert capital.sum() >= 12
    for row, value in zip(rows.table[capital].itertuples(), excess, strict=True):
        due = 0.0
        for _, start, end, budget in quarters(case):
            counts = start <= row.start if carries_over else start <= row.start < end
            if counts:
                due += sum(drawn[start:end]) - ((budget or {}).get("new_capital_usd") or 0.0)
        assert abs(value - due) <= 1e-9 * sum(abs(amount) for amount in drawn), (
            f"{row.name} from month {row.start}: {value:.9g}, expected {due:.9g}"
        )


def test_the_revenue_of_a_year_is_that_of_the_loops():
    candidates = _candidates(1, "contracted", True)
    case, levels, rows = PlainCase(_case(1, "contracted", True)), _any_levels(candidates), candidates.rows
    revenue = plain_revenue(
        case, plain_rows(candidates.table), levels.tolist(), candidates.outlook.months, tail="contracted"
    )
    excess = rows.use @ levels
    compared = 0
    for limit in case.rows["customer_shares"]:
        of = {
            name: sum(usd for month, usd in months.items() if case.year(month) == limit["year"])
            for name, months in revenue.items()
        }
        (row,) = np.flatnonzero(rows.table["name"] == f"{limit['customer_id']}:{limit['year']}")
        whole = sum(of.values())
        assert excess[row] == pytest.approx(
            of[limit["customer_id"]] - limit["max_revenue_share"] * whole, abs=1e-9 * whole
        )
        compared += 1
    assert compared == 2


@pytest.mark.parametrize("carries_over", [True, False], ids=["carried over", "quarter by quarter"])
def test_a_solved_plan_stays_within_its_capital_and_above_its_cash_floor(carries_over):
    candidates, levels = _candidates(1, "contracted", True, carries_over), _plan(1, carries_over)
    case = PlainCase(_case(1, "contracted", True, carries_over))
    drawn, cash = plain_money(
        case, plain_rows(candidates.table), levels.tolist(), candidates.outlook.months, tail="contracted"
    )
    left = floors = 0.0
    for name, start, end, budget in quarters(case):
        raised = (budget or {}).get("new_capital_usd") or 0.0
        left = (left if carries_over else 0.0) + raised - sum(drawn[start:end])
        assert left >= -1.0, f"{name}: {-left:.0f} dollars more than the capital raised"
        floor = (budget or {}).get("cash_floor_usd")
        if floor is not None:
            floors += 1
            assert sum(cash[:end]) >= floor - 1.0, name
    assert floors >= 8
    assert sum(drawn) > 1e7

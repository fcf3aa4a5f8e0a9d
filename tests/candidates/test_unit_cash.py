"""Cash of a unit of every candidate, line by line and month by month, against plain loops written from the rules."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest
from oracle.plain_case import PlainCase
from oracle.plain_cash import plain_cash, plain_npv, plain_rows
from oracle.plain_income import notice_end
from oracle.rich_case import rich_case

from kernels.lines import Line
from planner.candidates.build import CandidateSet, build_candidates
from planner.candidates.outlook import make_outlook

# (seed, tail, base): every tail rule, both bases
VARIANTS = [
    (1, "contracted", "expected"),
    (2, "none", "expected"),
    (3, "rented", "expected"),
    (4, "contracted", "announced"),
    (6, "rented", "announced"),
]
KINDS = {
    "open", "shell", "close", "power", "take", "short", "exit", "own", "retire", "base", "serve", "host", "renew",
    "sell", "mine", "fabric", "accept", "block", "back",
}


@cache
def _candidates(seed: int, tail: str, base: str) -> CandidateSet:
    return build_candidates(make_outlook(rich_case(seed, tail=tail), base=base))


@cache
def _statements(seed: int, tail: str, base: str) -> list[Any]:
    """The plain statement of a unit of each candidate."""
    candidates = _candidates(seed, tail, base)
    case = PlainCase(rich_case(seed, tail=tail), expected=base == "expected")
    units = plain_rows(candidates.table)
    months = candidates.outlook.months
    return [plain_cash(case, unit, units, months, tail=tail) for unit in units]


@pytest.mark.parametrize("variant", VARIANTS, ids=["-".join(map(str, variant)) for variant in VARIANTS])
def test_cash_of_every_candidate_by_line_and_month(variant):
    candidates = _candidates(*variant)
    numbers, dollars = candidates.cash(np.ones(len(candidates)))
    assert numbers.tolist() == list(range(len(candidates)))
    wrong = []
    for number, plain in enumerate(_statements(*variant)):
        scale = max(1.0, max((abs(amount) for amounts in plain.lines.values() for amount in amounts), default=0.0))
        for line in Line:
            expected = np.array(plain.lines[line.name]) if line.name in plain.lines else np.zeros(plain.months)
            off = np.flatnonzero(np.abs(dollars[line, number] - expected) > 1e-9 * scale)
            if len(off):
                month = int(off[0])
                name = candidates.table["candidate_id"].iat[number]
                wrong.append(
                    f"{name} {line.name} month {month}: {dollars[line, number, month]:.9g}, expected "
                    f"{expected[month]:.9g}"
                )
    assert not wrong, f"{len(wrong)} differences, among them:\n" + "\n".join(wrong[:: max(1, len(wrong) // 20)])


@pytest.mark.parametrize("variant", VARIANTS, ids=["-".join(map(str, variant)) for variant in VARIANTS])
def test_npv_of_every_candidate_is_its_cash_discounted_month_by_month(variant):
    candidates = _candidates(*variant)
    _, dollars = candidates.cash(np.ones(len(candidates)))
    case = PlainCase(rich_case(variant[0], tail=variant[1]))
    factors = np.array([case.discount(month) for month in range(candidates.outlook.months)])
    cash = dollars[: Line.DEBT_DRAW].sum(axis=0)
    size = np.abs(dollars).sum(axis=0) @ factors
    assert np.all(np.abs(candidates.npv_usd - cash @ factors) <= 1e-12 * np.maximum(size, 1.0))


@pytest.mark.parametrize("variant", VARIANTS[:2], ids=["contracted", "none"])
def test_npv_of_every_candidate_against_the_plain_statement(variant):
    candidates = _candidates(*variant)
    case = PlainCase(rich_case(variant[0], tail=variant[1]), expected=variant[2] == "expected")
    for number, plain in enumerate(_statements(*variant)):
        size = sum(abs(amount) for amounts in plain.lines.values() for amount in amounts)
        assert abs(candidates.npv_usd[number] - plain_npv(case, plain)) <= 1e-11 * max(size, 1.0), (
            candidates.table["candidate_id"].iat[number]
        )


def test_the_cases_hold_every_kind_and_what_is_hard_about_it():
    """Without this, a case that no longer idles, bridges or gives notice would pass unseen."""
    table = _candidates(1, "contracted", "expected").table
    assert set(table["kind"]) == KINDS
    names = "\n".join(table["candidate_id"])
    for part in (
        ":existing@", ":new@", ":conversion@", "retire:base:", "renew:host:", ">river_grid:2", "short:river_cells"
    ):
        assert part in names, part
    assert "host:tail:" in "\n".join(_candidates(3, "rented", "expected").table["candidate_id"])
    idle = noticed = credited = late = 0
    for variant in VARIANTS:
        case = PlainCase(rich_case(variant[0], tail=variant[1]), expected=variant[2] == "expected")
        for unit, plain in zip(plain_rows(_candidates(*variant).table), _statements(*variant), strict=True):
            window = range(unit["from_month"], unit["to_month"])
            if unit["kind"] == "sell":
                idle += any(plain.lines["REVENUE"][month] == 0.0 for month in window)
            if unit["kind"] == "serve":
                noticed += notice_end(case, unit) < unit["to_month"]
                credited += any(plain.lines["PENALTIES"][month] < 0 for month in window)
                late += any(plain.lines["PENALTIES"][month] < 0 for month in range(unit["from_month"]))
    assert min(idle, noticed, credited, late) > 12, (idle, noticed, credited, late)


def test_prepayments_of_a_lease_not_yet_signed_sum_to_nothing():
    candidates = _candidates(1, "contracted", "expected")
    table = candidates.table
    numbers = np.flatnonzero((table["lease_id"] == "train") & (table["kind"] == "serve"))
    levels = np.zeros(len(table))
    levels[numbers] = 1.0
    _, dollars = candidates.cash(levels, (Line.PREPAYMENT,))
    assert np.all(dollars[0].max(axis=1) > 100.0)
    assert np.all(np.abs(dollars[0].sum(axis=1)) < 1e-9 * np.abs(dollars[0]).sum(axis=1))

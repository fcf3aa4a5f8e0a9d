"""The fast twin of unit cash equals its specification on random terms."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from kernels.cpu.unit_cash import mix_net_cash
from kernels.lines import Line
from kernels.reference.unit_cash import unit_cash, unit_net_cash
from kernels.reference.unit_npv import discounted_prefix, schedule_values, unit_npv
from kernels.terms import ScheduleTerm, Term, WindowTerm

UNITS, PATHS, EVENTS, PROFILES, SCENARIOS, MONTHS = 7, 5, 9, 3, 4, 30


def _random(seed: int) -> tuple[list[Term], np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)

    def rows(count: int) -> np.ndarray:
        return rng.integers(0, count, UNITS)

    lines = [Line.REVENUE, Line.ENERGY, Line.CAPEX, Line.DEPRECIATION, Line.INTEREST, Line.REPAYMENT, Line.PREPAYMENT]
    terms: list[Term] = [
        WindowTerm(line, rng.normal(size=UNITS), rows(PATHS), rows(EVENTS), rows(EVENTS)) for line in lines
    ]
    terms += [ScheduleTerm(line, rng.normal(size=UNITS), rows(PROFILES), rows(EVENTS)) for line in lines]
    events = rng.integers(0, MONTHS + 1, (EVENTS, SCENARIOS))
    events[::2] = events[::2, :1]  # some events are the same in every scenario
    return terms, rng.normal(size=(PATHS, SCENARIOS, MONTHS)), events, rng.random((PROFILES, MONTHS))


@pytest.mark.parametrize("equity", [False, True])
@pytest.mark.parametrize("seed", range(6))
def test_mixes_equal_the_sum_of_their_units(seed: int, equity: bool) -> None:
    terms, paths, events, profiles = _random(seed)
    levels = np.random.default_rng(seed + 100).normal(size=(3, UNITS))
    levels[0, :4] = 0.0
    total = np.zeros((3, SCENARIOS, MONTHS))
    mix_net_cash(terms, sparse.csc_array(levels), paths, events, profiles, total, tax_rate=0.25, equity=equity)
    net = unit_net_cash(terms, paths, events, profiles, tax_rate=0.25, equity=equity)
    np.testing.assert_allclose(total, np.einsum("kn,nsm->ksm", levels, net), rtol=0, atol=1e-12)


@pytest.mark.parametrize("seed", range(6))
def test_net_cash_is_the_sum_of_its_lines_and_discounts_to_the_npv(seed: int) -> None:
    terms, paths, events, profiles = _random(seed)
    net = unit_net_cash(terms, paths, events, profiles, tax_rate=0.25)
    unlevered = [
        line for line in Line if line not in (Line.DEPRECIATION, Line.DEBT_DRAW, Line.INTEREST, Line.REPAYMENT)
    ]
    by_line = unit_cash(terms, paths, events, profiles, tax_rate=0.25, lines=unlevered)
    np.testing.assert_allclose(net, by_line.sum(axis=0), rtol=0, atol=1e-12)
    discount = 1.01 ** -np.arange(MONTHS)
    npv = unit_npv(
        terms, discounted_prefix(paths, discount), events, schedule_values(profiles, discount), tax_rate=0.25
    )
    np.testing.assert_allclose(npv, net @ discount, rtol=0, atol=1e-11)

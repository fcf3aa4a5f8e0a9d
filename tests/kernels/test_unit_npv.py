"""NPV and cash of units: one body over every library, and NPV as the discounted cash."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from kernels.lines import Line
from kernels.reference.unit_cash import unit_cash, unit_net_cash
from kernels.reference.unit_npv import discounted_prefix, schedule_values, unit_npv
from kernels.terms import ScheduleTerm, Term, WindowTerm

UNITS, SCENARIOS, MONTHS = 5, 4, 13


def _arrays(library: Any) -> tuple[list[Term], Any, Any, Any, Any]:
    rng = np.random.default_rng(6)

    def whole(*shape: int, most: int) -> Any:
        return library.array(rng.integers(0, most, shape), np.int64)

    terms: list[Term] = [
        WindowTerm(
            Line.REVENUE, library.array(rng.normal(size=UNITS)), whole(UNITS, most=3), whole(UNITS, most=4),
            whole(UNITS, most=4),
        ),
        ScheduleTerm(Line.DEPRECIATION, library.array(rng.random(UNITS)), whole(UNITS, most=2), whole(UNITS, most=4)),
        WindowTerm(
            Line.INTEREST, library.array(rng.normal(size=UNITS)), whole(UNITS, most=3), whole(UNITS, most=4),
            whole(UNITS, most=4),
        ),
    ]
    paths, profiles = library.array(rng.lognormal(size=(3, SCENARIOS, MONTHS))), library.array(rng.random((2, 5)))
    events = whole(4, SCENARIOS, most=MONTHS + 1)
    return terms, paths, events, profiles, library.array(1.1 ** -((np.arange(MONTHS) + 0.5) / 12))


@pytest.mark.parametrize("equity", [False, True])
def test_npv_is_the_discounted_cash_in_every_library(library: Any, equity: bool) -> None:
    terms, paths, events, profiles, discount = _arrays(library)
    npv = library.back(
        unit_npv(
            terms, discounted_prefix(paths, discount), events, schedule_values(profiles, discount), tax_rate=0.3,
            equity=equity,
        )
    )
    cash = library.back(unit_net_cash(terms, paths, events, profiles, tax_rate=0.3, equity=equity))
    assert cash.shape == (UNITS, SCENARIOS, MONTHS)
    np.testing.assert_allclose(npv, cash @ library.back(discount), rtol=1e-12, atol=1e-12)
    assert np.abs(npv).max() > 0.0


def test_lines_add_up_to_the_net_cash_in_every_library(library: Any) -> None:
    terms, paths, events, profiles, _ = _arrays(library)
    lines = library.back(unit_cash(terms, paths, events, profiles, tax_rate=0.3, lines=(Line.REVENUE, Line.TAX)))
    np.testing.assert_allclose(
        lines.sum(axis=0), library.back(unit_net_cash(terms, paths, events, profiles, tax_rate=0.3)), rtol=1e-12,
        atol=1e-12,
    )

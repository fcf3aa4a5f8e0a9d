"""The fast twin of unit NPV equals its specification."""

from __future__ import annotations

import numpy as np
import pytest
from test_unit_cash_engine import EVENTS, MONTHS, PATHS, PROFILES, SCENARIOS, UNITS, _random

from kernels.cpu import unit_npv as cpu_unit_npv
from kernels.lines import Line
from kernels.reference import unit_npv
from kernels.terms import WindowTerm

DISCOUNT = 1.01 ** -np.arange(MONTHS)


def _tables(seed: int):  # type: ignore[no-untyped-def]
    terms, paths, events, profiles = _random(seed)
    return terms, unit_npv.discounted_prefix(paths, DISCOUNT), events, unit_npv.schedule_values(profiles, DISCOUNT)


def test_prefix_sums_equal_their_specification_and_leave_the_paths_as_they_are() -> None:
    _, paths, _, _ = _random(1)
    before = paths.copy()
    np.testing.assert_array_equal(
        cpu_unit_npv.discounted_prefix(paths, DISCOUNT), unit_npv.discounted_prefix(paths, DISCOUNT)
    )
    np.testing.assert_array_equal(paths, before)


@pytest.mark.parametrize("equity", [False, True])
@pytest.mark.parametrize("seed", range(8))
def test_engine_equals_specification(seed: int, equity: bool) -> None:
    tables = _tables(seed)
    expected = unit_npv.unit_npv(*tables, tax_rate=0.3, equity=equity)
    found = cpu_unit_npv.unit_npv(*tables, tax_rate=0.3, equity=equity)
    assert found.shape == (UNITS, SCENARIOS)
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)


def test_some_lines_alone_and_none() -> None:
    tables = _tables(3)
    some = (Line.REVENUE, Line.CAPEX)
    expected = unit_npv.unit_npv(*tables, tax_rate=0.3, lines=some)
    np.testing.assert_allclose(
        cpu_unit_npv.unit_npv(*tables, tax_rate=0.3, lines=some), expected, rtol=1e-12, atol=1e-12
    )
    np.testing.assert_array_equal(
        cpu_unit_npv.unit_npv(*tables, tax_rate=0.3, lines=(Line.MINING,)), np.zeros((UNITS, SCENARIOS))
    )
    with pytest.raises(ValueError, match="at least one term"):
        cpu_unit_npv.unit_npv([], *tables[1:], tax_rate=0.3)


def test_a_unit_is_worth_the_same_alone_and_among_others() -> None:
    terms, *tables = _tables(5)
    whole = cpu_unit_npv.unit_npv(terms, *tables, tax_rate=0.3)
    for unit in range(UNITS):
        alone = [
            type(term)(
                *(
                    getattr(term, name) if name == "line" else getattr(term, name)[unit : unit + 1]
                    for name in term.__dataclass_fields__
                )
            )
            for term in terms
        ]
        np.testing.assert_array_equal(cpu_unit_npv.unit_npv(alone, *tables, tax_rate=0.3)[0], whole[unit])


def test_an_end_before_its_start_is_no_window() -> None:
    prefix = np.cumsum(np.ones((PATHS, SCENARIOS, MONTHS + 1)), axis=2)
    events = np.array([[9] * SCENARIOS, [4] * SCENARIOS])
    zero = np.zeros(1, dtype=np.int64)
    term = WindowTerm(Line.REVENUE, np.ones(1), zero, zero, zero + 1)
    np.testing.assert_array_equal(
        cpu_unit_npv.unit_npv([term], prefix, events, np.zeros((PROFILES, MONTHS + 1)), tax_rate=0.0),
        np.zeros((1, SCENARIOS)),
    )
    assert EVENTS > 2

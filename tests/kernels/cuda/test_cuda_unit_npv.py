from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from stand_in.cuda_on_cpu import Machine

from kernels.cuda.unit_npv import pack_terms, unit_npv, unit_npv_of_packed
from kernels.lines import Line
from kernels.reference import unit_npv as specification
from kernels.terms import ScheduleTerm, Term, WindowTerm

PATHS, SCENARIOS, MONTHS, EVENTS, PROFILES, AGES = 5, 300, 24, 6, 3, 30
LINES = (Line.REVENUE, Line.ENERGY, Line.CAPEX, Line.DEPRECIATION, Line.INTEREST)
"""Interest has no weight in unlevered cash, so its term is to be left out."""


def _terms(units: int, seed: int) -> list[Term]:
    rng = np.random.default_rng(seed)

    def event() -> np.ndarray:
        return rng.integers(0, EVENTS, units)

    windows = [
        WindowTerm(line, rng.normal(size=units), rng.integers(0, PATHS, units), event(), event()) for line in LINES
    ]
    schedules = [
        ScheduleTerm(line, rng.normal(size=units), rng.integers(0, PROFILES, units), event()) for line in LINES[2:]
    ]
    return [*windows, *schedules]


def _tables() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """prefix, events, values: months differ by scenario, and many windows end before they start."""
    rng = np.random.default_rng(0)
    discount = 0.99 ** np.arange(MONTHS)
    prefix = specification.discounted_prefix(rng.normal(size=(PATHS, SCENARIOS, MONTHS)), discount)
    return prefix, rng.integers(0, MONTHS + 1, (EVENTS, SCENARIOS)), specification.schedule_values(
        rng.random((PROFILES, AGES)), discount
    )


def _brought(machine: Machine, terms: list[Term]) -> list[Term]:
    def column(values: np.ndarray) -> object:
        return machine.array(values, np.float64 if values.dtype.kind == "f" else np.int64)

    return [
        replace(term, **{name: column(values) for name, values in vars(term).items() if name != "line"})
        for term in terms
    ]


@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-12), (np.float32, 1e-5)])
@pytest.mark.parametrize("lines", [tuple(Line), (Line.REVENUE, Line.DEPRECIATION), (Line.INTEREST,)])
def test_fused_npv_equals_the_specification(
    machine: Machine, lines: tuple[Line, ...], dtype: type, tolerance: float
) -> None:
    terms, (prefix, events, values) = _terms(4, seed=1), _tables()
    expected = specification.unit_npv(terms, prefix, events, values, tax_rate=0.25, lines=lines)
    found = unit_npv(
        _brought(machine, terms), machine.array(prefix, dtype), machine.array(events, np.int64),
        machine.array(values, dtype), tax_rate=0.25, lines=lines,
    )
    assert found.dtype == dtype
    np.testing.assert_allclose(machine.back(found), expected, rtol=tolerance, atol=tolerance * 30)
    assert (lines == (Line.INTEREST,)) == (not expected.any())


def test_one_window_by_hand(machine: Machine) -> None:
    paths = np.array([[[1.0, 2.0, 4.0, 8.0], [1.0, 2.0, 4.0, 8.0], [1.0, 2.0, 4.0, 8.0]]])
    prefix = machine.array(specification.discounted_prefix(paths, np.ones(4)))
    one = machine.array([0], np.int64)
    term = WindowTerm(Line.CAPEX, machine.array([10.0]), one, one, machine.array([1], np.int64))
    events = machine.array([[1, 0, 3], [3, 4, 1]], np.int64)  # months 1 and 2; all; none, as the end comes first
    found = unit_npv([term], prefix, events, machine.array(np.zeros((1, 5))), tax_rate=0.4)
    assert machine.back(found).tolist() == [[60.0, 150.0, 0.0]]


def test_a_prefix_with_months_before_scenarios_needs_no_copy(machine: Machine) -> None:
    terms, (prefix, events, values) = _brought(machine, _terms(3, seed=2)), _tables()
    tables = machine.array(events, np.int64), machine.array(values)
    plain = unit_npv(terms, machine.array(prefix), *tables, tax_rate=0.25)
    view = machine.array(np.ascontiguousarray(prefix.transpose(0, 2, 1))).transpose(0, 2, 1)
    assert not view.flags.c_contiguous
    np.testing.assert_array_equal(machine.back(unit_npv(terms, view, *tables, tax_rate=0.25)), machine.back(plain))


def test_blocks_of_several_kinds_in_one_launch(machine: Machine) -> None:
    first, second, (prefix, events, values) = _terms(3, seed=3), _terms(2, seed=4)[:2], _tables()
    unweighted = [term for term in _terms(2, seed=5) if term.line is Line.INTEREST]
    packed = pack_terms([_brought(machine, block) for block in (first, unweighted, second)], tax_rate=0.3)
    assert len(packed) == 7
    found = unit_npv_of_packed(packed, machine.array(prefix), machine.array(events, np.int64), machine.array(values))
    parts = [
        specification.unit_npv(block, prefix, events, values, tax_rate=0.3) for block in (first, unweighted, second)
    ]
    np.testing.assert_allclose(machine.back(found), np.concatenate(parts), rtol=1e-12, atol=1e-11)


def test_rows_and_months_that_do_not_exist_are_refused(machine: Machine) -> None:
    terms, (prefix, events, values) = _terms(3, seed=6), _tables()
    tables = machine.array(prefix), machine.array(events, np.int64), machine.array(values)

    def npv_of(term: Term) -> object:
        return unit_npv(_brought(machine, [term]), *tables, tax_rate=0.25)

    for wrong in ({"path": np.full(3, PATHS)}, {"start": np.full(3, EVENTS)}, {"end": np.full(3, -1)}):
        with pytest.raises(ValueError, match="a row that its table does not have"):
            npv_of(replace(terms[0], **wrong))
    with pytest.raises(ValueError, match="a row that its table does not have"):
        npv_of(replace(terms[-2], profile=np.full(3, PROFILES)))
    with pytest.raises(ValueError, match=r"outside months 0 .. 24"):
        unit_npv(_brought(machine, terms), tables[0], machine.array(events + 1, np.int64), tables[2], tax_rate=0.25)
    with pytest.raises(ValueError, match="tables disagree"):
        unit_npv(_brought(machine, terms), tables[0], machine.array(events[:, 1:], np.int64), tables[2], tax_rate=0.25)


def test_a_block_without_terms_is_refused() -> None:
    for blocks in ([], [[]]):
        with pytest.raises(ValueError, match="at least one term"):
            pack_terms(blocks, tax_rate=0.25)


def test_arrays_of_the_cpu_are_sent_to_the_specification() -> None:
    with pytest.raises(
        ValueError, match=r"array of CuPy expected, got one of numpy; on the CPU use kernels.reference.unit_npv"
    ):
        unit_npv(_terms(2, seed=7), *_tables(), tax_rate=0.25)

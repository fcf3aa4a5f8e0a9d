"""Prices of the bank of models known by hand: both directions, how far they hold, and the dual between them."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "allocator"))  # the bank stands with the solvers' tests

from cases.lp_bank import BANK, DIRECTIONS, Known, Moved

from planner.errors import PlannerError
from planner.pricing.deadline import Deadline
from planner.pricing.directions import Direction, together
from planner.pricing.fixed_plan import FixedPlan
from planner.solver.highs import HighsSolver
from planner.solver.model_arrays import ModelArrays, model_arrays
from planner.solver.solution import verify_duals

FAR = 40.0


def held_arrays(build: object) -> ModelArrays:
    """The model with its whole decisions held at the answer."""
    problem, variables = build()  # type: ignore[operator]
    arrays = model_arrays(problem, variables=variables)
    if not arrays.is_mip:
        return arrays
    found = HighsSolver().solve_arrays(arrays)
    return arrays.with_integers_fixed(found.usable())


def kept(build: object) -> FixedPlan:
    found = FixedPlan.of(held_arrays(build))
    assert found is not None
    return found


def direction(moved: Moved) -> Direction:
    rows, columns = np.array(moved.rows, dtype=np.int32), np.array(moved.columns, dtype=np.int32)
    return Direction(rows, np.ones(len(rows)), columns, np.ones(len(columns)))


@pytest.mark.parametrize("moved", DIRECTIONS, ids=lambda moved: moved.name)
def test_what_a_unit_more_brings(moved: Moved) -> None:
    price = kept(moved.build).price(direction(moved), 1.0, most=FAR)
    if moved.gain is None:
        assert price is None
        return
    assert price is not None
    assert price.per_unit == pytest.approx(moved.gain, abs=1e-9)
    assert price.holds_to == pytest.approx(min(moved.gain_to, FAR), rel=1e-6)


@pytest.mark.parametrize("moved", DIRECTIONS, ids=lambda moved: moved.name)
def test_what_a_unit_less_costs(moved: Moved) -> None:
    price = kept(moved.build).price(
        direction(moved).reversed(), 1.0, most=moved.loss_to if np.isfinite(moved.loss_to) else FAR
    )
    if moved.loss is None:
        assert price is None
        return
    assert price is not None
    assert price.per_unit == pytest.approx(-moved.loss, abs=1e-9)
    assert price.holds_to == pytest.approx(min(moved.loss_to, FAR), rel=1e-6)


@pytest.mark.parametrize(
    "moved", [moved for moved in DIRECTIONS if moved.gain is not None], ids=lambda moved: moved.name
)
def test_the_dual_lies_between(moved: Moved) -> None:
    held = kept(moved.build)
    assert moved.gain is not None
    assert moved.loss is not None
    assert moved.gain - 1e-9 <= held.dual(direction(moved)) <= moved.loss + 1e-9


@pytest.mark.parametrize(
    "known", [known for known in BANK if known.objective is not None], ids=lambda known: known.name
)
def test_its_duals_are_those_of_a_checked_vertex(known: Known) -> None:
    held = kept(known.build)
    sign = 1.0 if held.arrays.maximise else -1.0
    assert held.worth == pytest.approx(sign * float(known.objective or 0.0), abs=1e-9)
    solution = held.solver.solution
    assert solution is not None
    assert solution.basic
    residuals = verify_duals(held.arrays, solution)
    assert residuals.within(1e-9)
    assert residuals.dual_objective == pytest.approx(known.objective, abs=1e-9)


def test_answers_do_not_depend_on_what_was_asked_before() -> None:
    moved = [each for each in DIRECTIONS if each.build in (DIRECTIONS[0].build, DIRECTIONS[1].build)]
    held = kept(DIRECTIONS[0].build)
    forward = [held.price(direction(each), 1.0, most=FAR) for each in moved]
    backward = [held.price(direction(each), 1.0, most=FAR) for each in reversed(moved)]
    assert forward == list(reversed(backward))


def test_the_model_is_as_it_was_after_a_question() -> None:
    held = kept(DIRECTIONS[0].build)
    held.price(direction(DIRECTIONS[0]), 1.0, most=FAR)
    before = held_arrays(DIRECTIONS[0].build)
    assert held.solver.arrays is not None
    np.testing.assert_array_equal(held.solver.arrays.row_upper, before.row_upper)
    np.testing.assert_array_equal(held.solver.arrays.col_upper, before.col_upper)


def test_a_limit_in_two_directions_moves_by_both() -> None:
    rows = np.array([1], dtype=np.int32)
    both = together(Direction(rows, np.array([0.25])), Direction(rows, np.array([0.75])))
    held = kept(DIRECTIONS[0].build)
    assert held.price(both, 1.0, most=FAR) == held.price(Direction(rows, np.ones(1)), 1.0, most=FAR)


def test_a_model_without_an_answer_has_no_prices() -> None:
    infeasible = next(known for known in BANK if known.name == "infeasible")
    with pytest.raises(PlannerError, match="no proven prices"):
        FixedPlan.of(held_arrays(infeasible.build))


def test_no_question_is_begun_after_the_deadline() -> None:
    held = kept(DIRECTIONS[0].build)
    held.deadline = Deadline.after(0.0)
    assert held.price(direction(DIRECTIONS[0]), 1.0) is None
    assert held.solves == 0

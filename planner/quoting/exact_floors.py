"""Floors of an inquiry where nothing is decided whole: each is exact, and all of them lie on one walk.

The basis of the plan without the inquiry is a best one at size 0. From there the sizes come one after another from the
least to the whole, each some steps of the dual simplex from the one before; the limits that keep the leases of the plan
come last.
"""

from __future__ import annotations

import time
from dataclasses import replace

from planner.quoting.floor import Answer, Base, Floor
from planner.quoting.held_floor import HeldFloor
from planner.quoting.inquiry_model import InquiryProblem
from planner.quoting.rate_line import Point, RateLine, lowest_root
from planner.solver.model_arrays import ModelArrays

_BLANK = float("nan")


def exact_floors(problem: InquiryProblem, base: Base, start: float, kept: ModelArrays) -> tuple[list[Floor], HeldFloor]:
    """The floor at each size of the inquiry, least first, and at the whole size with the limits of `kept`.

    problem: without whole decisions. start: a first rate to try, where V bends with it.
    """
    sizes = problem.inquiry.sizes
    if not problem.served_anywhere:
        return [_floor(None, base, size, base.basis, 0.0) for size in sizes], HeldFloor(_BLANK, _BLANK)
    line = RateLine(problem, problem.forced(sizes[0]), basis=base.basis)
    floors: list[Floor] = []
    for size in sizes:
        began = time.perf_counter()
        line.becomes(problem.forced(size))
        point = lowest_root(line, base.value, start)
        floors.append(_floor(point, base, size, line.basis_now(), time.perf_counter() - began))
        start = start if point is None or point.stays else point.rate
    if floors[-1].answer is Answer.NEVER:
        return floors, HeldFloor(_BLANK, _BLANK)
    line.becomes(replace(problem, shut=kept).forced(sizes[-1]))
    point = lowest_root(line, base.value, start)
    return floors, HeldFloor(_BLANK, _BLANK) if point is None else HeldFloor(point.rate, point.rate)


def _floor(point: Point | None, base: Base, size: float, basis: object, seconds: float) -> Floor:
    if point is None:
        return Floor(
            Answer.NEVER, size, *(_BLANK,) * 4, True, None, None, basis, _BLANK, _BLANK, base.value, 0, seconds
        )
    answer = Answer.ALWAYS if point.rate <= 0.0 else Answer.FLOOR
    return Floor(
        answer, size, *(point.rate,) * 4, True, point.levels, point.levels, basis, point.value, point.slope, base.value,
        0, seconds,
    )

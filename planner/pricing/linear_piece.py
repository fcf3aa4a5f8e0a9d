"""The price of a direction, and how far it holds: the first linear piece of a concave function.

What a plan is worth is concave and piecewise linear in its limits. Wherever it is solved, the duals give a line that
touches it there and lies above it everywhere. A point on the line of the start lies on the same piece as the start;
where it does not, the lines of both ends cross below, and the crossing is tried next: if the function reaches it, it is
the corner between two pieces, exactly. Nothing is estimated from small steps.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

MOST_CROSSINGS = 12
"""Crossings tried before a range is given up; every one of them lies beyond at least one piece less."""
STRIDE = 5.0
"""Growth of the strides in which a price is followed; a short one takes the solver few steps."""
SAME = 1e-7
"""Distance from a line, relative to the step along it, that counts as none."""


@dataclass(frozen=True)
class Point:
    """What the plan is worth after so many units, and the worth of one unit more or less by the duals there."""

    amount: float
    worth: float
    slope: float


@dataclass(frozen=True)
class Price:
    """What a unit is worth in one direction.

    per_unit: change of worth for each of the first units; it holds up to `holds_to` units (not shown to hold further).
    step: units asked about first, of which `over_step` is the mean change each; the two differ where the price does not
    hold that far.
    """

    per_unit: float
    holds_to: float
    step: float
    over_step: float


Worth = Callable[[float], Point | None]
"""The point after so many units; None where nothing is possible there, or it could not be found out in time."""


def first_piece(
    worth: Worth, base: Point, step: float, *, most: float | None = None, noise: float = 0.0
) -> Price | None:
    """The price along a direction from `base`, asked about `step` units.

    most: follow the price up to so many units to see how far it holds; None to see only whether it holds over the step.
    noise: differences of worth that the solver's tolerances explain. None if nothing is possible in that direction.
    """
    asked = worth(step)
    if asked is None:
        return None
    line = _Line(base, noise)
    slope, right, exact = base.slope, asked, False
    for _ in range(MOST_CROSSINGS):
        if line.touches(right, slope):
            break
        if line.touches(right, right.slope):
            slope, exact = right.slope, False
            break
        crossed = line.crossing(slope, right)
        found = worth(crossed) if 0.0 < crossed < right.amount else None
        if found is None:
            slope, exact = (right.worth - base.worth) / right.amount, True
            break
        right, exact = found, True
    else:
        slope = (right.worth - base.worth) / right.amount
    holds, far = right.amount, step if most is None else max(step, most)
    if far > holds and not exact:
        holds = _range(worth, line, slope, holds, far)
    over_step = (asked.worth - base.worth) / step
    slope, over_step = (0.0 if abs(each) * step <= noise else each for each in (slope, over_step))
    return Price(slope, holds, step, over_step)


def _range(worth: Worth, line: _Line, slope: float, known: float, most: float) -> float:
    """Units up to which the line is followed, at least `known`: in growing strides until one misses it, then by
    crossings."""
    far = None
    while known < most:
        stride = min(STRIDE * known, most)
        found = worth(stride)
        if found is None or not line.touches(found, slope):
            far = found
            break
        known = stride
    for _ in range(MOST_CROSSINGS):
        if far is None:
            break
        crossed = line.crossing(slope, far)
        if crossed <= known * (1.0 + 1e-6) or crossed >= far.amount:
            break
        far = worth(crossed)
        if far is not None and line.touches(far, slope):
            return far.amount
    return known


@dataclass(frozen=True)
class _Line:
    base: Point
    noise: float

    def touches(self, point: Point, slope: float) -> bool:
        """Whether a point lies on the line from the start with this slope."""
        change = slope * point.amount
        return abs(point.worth - self.base.worth - change) <= self.noise + SAME * abs(change)

    def crossing(self, slope: float, far: Point) -> float:
        """Units at which that line meets the one that touches at `far`; 0 where they do not meet before it."""
        if not slope > far.slope:
            return 0.0
        return (far.worth - far.slope * far.amount - self.base.worth) / (slope - far.slope)

"""Small models whose optimum, levels and duals are known by hand.

Each is solved by every solver, and each answer checked for feasibility, signs, complementarity and strong duality.
A dual is d objective / d limit, a reduced cost d objective / d bound, both in the sense of the problem.
None where an answer is not unique, or does not exist.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pulp

MAXIMISE, MINIMISE = pulp.LpMaximize, pulp.LpMinimize


@dataclass(frozen=True)
class Known:
    """A model, built afresh by `build` as (problem, variables in column order), and what is known of it."""

    name: str
    build: Callable[[], tuple[Any, list[Any]]]
    status: str
    objective: float | None = None
    values: Sequence[float] | None = None
    duals: Sequence[float] | None = None
    reduced_costs: Sequence[float] | None = None
    mip: bool = False


def _model(sense: int, *variables: tuple[Any, ...]) -> tuple[Any, list[Any]]:
    """A problem and its variables, each given as (name, lower, upper[, category])."""
    problem = pulp.LpProblem("known", sense)
    return problem, [problem.add_variable(*variable) for variable in variables]


def two_products() -> tuple[Any, list[Any]]:
    problem, (x, y) = _model(MAXIMISE, ("x", 0), ("y", 0))
    problem += 3 * x + 5 * y
    problem += x <= 4
    problem += 2 * y <= 12
    problem += 3 * x + 2 * y <= 18
    return problem, [x, y]


def covering(sense: int) -> Callable[[], tuple[Any, list[Any]]]:
    """At least 4 of x + y and 6 of x + 3y at 2 and 3 each; the same model as a cost and as a negative gain."""

    def build() -> tuple[Any, list[Any]]:
        problem, (x, y) = _model(sense, ("x", 0), ("y", 0))
        problem += (2 * x + 3 * y) * (1 if sense == MINIMISE else -1)
        problem += x + y >= 4
        problem += x + 3 * y >= 6
        return problem, [x, y]

    return build


def merit_order() -> tuple[Any, list[Any]]:
    problem, (x, y, z) = _model(MINIMISE, ("x", 0, 4), ("y", 0, 3), ("z", 0))
    problem += x + 2 * y + 3 * z
    problem += x + y + z == 10
    return problem, [x, y, z]


def free_variables() -> tuple[Any, list[Any]]:
    problem, (x, y) = _model(MINIMISE, ("x",), ("y",))
    problem += x + y
    problem += x - y == 2
    problem += x + y >= -4
    return problem, [x, y]


def ranges() -> tuple[Any, list[Any]]:
    problem, (x, y) = _model(MAXIMISE, ("x", -3, -1), ("y", 2, 5))
    problem += x + y
    problem += x + 2 * y <= 7
    return problem, [x, y]


def only_upper_bound() -> tuple[Any, list[Any]]:
    """x has no lower bound and a negative upper one, which file formats like to turn into [0, ...]."""
    problem, (x, y) = _model(MAXIMISE, ("x", None, -2), ("y", None, None))
    problem += 2 * x - y
    problem += y - x >= 1
    return problem, [x, y]


def degenerate() -> tuple[Any, list[Any]]:
    problem, (x, y) = _model(MAXIMISE, ("x", 0), ("y", 0))
    problem += x + y
    problem += x <= 1
    problem += y <= 1
    problem += x + y <= 2
    return problem, [x, y]


def transport() -> tuple[Any, list[Any]]:
    problem, (a, b, c, d) = _model(MINIMISE, ("a", 0), ("b", 0), ("c", 0), ("d", 0))
    problem += 4 * a + 6 * b + 5 * c + 3 * d
    problem += a + b == 3
    problem += c + d == 4
    problem += a + c == 2
    problem += b + d == 5
    return problem, [a, b, c, d]


def constant_and_lone_variable() -> tuple[Any, list[Any]]:
    """A constant in the objective, an empty row, and w in no row at all."""
    problem, (x, w) = _model(MINIMISE, ("x", 0), ("w", 2, 5))
    problem += x + w + 100
    problem += x >= 1
    problem += pulp.LpConstraint(pulp.LpAffineExpression(), pulp.LpConstraintLE, rhs=5)
    return problem, [x, w]


def no_rows() -> tuple[Any, list[Any]]:
    problem, (x, y) = _model(MAXIMISE, ("x", 0, 3), ("y", 1, 9))
    problem += 2 * x - y
    return problem, [x, y]


def colliding_names() -> tuple[Any, list[Any]]:
    """Two variables named x, and two whose names are the same once PuLP has cleaned them."""
    problem, (x, x2, a, a2) = _model(MAXIMISE, ("x", 0), ("x", 0), ("x_A-1", 0), ("x_A_1", 0))
    problem += x + 2 * x2 + 3 * a + 4 * a2
    for row, variable in enumerate((x, x2, a, a2)):
        problem += variable <= row + 1
    return problem, [x, x2, a, a2]


def scarce_in_a_cost() -> tuple[Any, list[Any]]:
    problem, (x, y) = _model(MINIMISE, ("x", 0), ("y", 0))
    problem += 5 * y - x
    problem += x <= 4
    problem += y - x >= -3
    return problem, [x, y]


def infeasible() -> tuple[Any, list[Any]]:
    problem, (x, y) = _model(MAXIMISE, ("x", 0), ("y", 0, 3))
    problem += x + y
    problem += x + y <= 4
    problem += x - y >= 5
    return problem, [x, y]


def crossed_bounds() -> tuple[Any, list[Any]]:
    problem, (x, y) = _model(MINIMISE, ("x", 0), ("y", 5, 4))
    problem += x + y
    problem += x + y >= 1
    return problem, [x, y]


def unbounded() -> tuple[Any, list[Any]]:
    problem, (x, y) = _model(MAXIMISE, ("x", 0), ("y", 0))
    problem += x + y
    problem += x - y <= 1
    return problem, [x, y]


def unbounded_below() -> tuple[Any, list[Any]]:
    problem, (x,) = _model(MINIMISE, ("x",))
    problem += x
    problem += x <= 7
    return problem, [x]


def infeasible_with_an_unbounded_direction() -> tuple[Any, list[Any]]:
    """x could fall for ever, were it not that y is asked to be negative: infeasible."""
    problem, (x, y) = _model(MINIMISE, ("x",), ("y", 0))
    problem += x
    problem += x + y <= 1
    problem += y <= -1
    return problem, [x, y]


def knapsack() -> tuple[Any, list[Any]]:
    names = [(name, None, None, pulp.LpBinary) for name in "abc"]
    problem, (a, b, c) = _model(MAXIMISE, *names)
    problem += 10 * a + 13 * b + 7 * c
    problem += 3 * a + 4 * b + 2 * c <= 6
    return problem, [a, b, c]


def fixed_charge() -> tuple[Any, list[Any]]:
    problem, (x, opened) = _model(MAXIMISE, ("x", 0), ("opened", None, None, pulp.LpBinary))
    problem += 5 * x - 10 * opened
    problem += x - 8 * opened <= 0
    problem += x <= 6
    return problem, [x, opened]


def whole_units_as_cost() -> tuple[Any, list[Any]]:
    """At least 7 from units of 3 at 4 each and of 2 at 3 each: one 3 and two 2 cost 10, three 3 cost 12."""
    problem, (x, y) = _model(MINIMISE, ("x", 0, None, pulp.LpInteger), ("y", 0, None, pulp.LpInteger))
    problem += 4 * x + 3 * y + 1
    problem += 3 * x + 2 * y >= 7
    return problem, [x, y]


def no_whole_number() -> tuple[Any, list[Any]]:
    problem, (x,) = _model(MAXIMISE, ("x", 0, 3, pulp.LpInteger))
    problem += x
    problem += 2 * x == 3
    return problem, [x]


def unbounded_whole_number() -> tuple[Any, list[Any]]:
    problem, (x, y) = _model(MAXIMISE, ("x", 0, None, pulp.LpInteger), ("y", None, -2, pulp.LpInteger))
    problem += x + y
    problem += x + 2 * y <= -3
    return problem, [x, y]


def relaxation_unbounded_but_no_whole_number() -> tuple[Any, list[Any]]:
    problem, (x, y) = _model(MAXIMISE, ("x", 0, None, pulp.LpInteger), ("y", 0, None, pulp.LpInteger))
    problem += x
    problem += y - x <= 1
    problem += 2 * y == 3
    return problem, [x, y]


BANK = (
    Known("two products", two_products, "OPTIMAL", 36, [2, 6], [0, 1.5, 1], [0, 0]),
    Known("covering as cost", covering(MINIMISE), "OPTIMAL", 9, [3, 1], [1.5, 0.5], [0, 0]),
    Known("covering as negative gain", covering(MAXIMISE), "OPTIMAL", -9, [3, 1], [-1.5, -0.5], [0, 0]),
    Known("merit order", merit_order, "OPTIMAL", 19, [4, 3, 3], [3], [-2, -1, 0]),
    Known("free variables", free_variables, "OPTIMAL", -4, [-1, -3], [0, 1], [0, 0]),
    Known("ranges by bounds", ranges, "OPTIMAL", 3, [-1, 4], [0.5], [0.5, 0]),
    Known("only an upper bound", only_upper_bound, "OPTIMAL", -3, [-2, -1], [-1], [1, 0]),
    Known("degenerate", degenerate, "OPTIMAL", 2, [1, 1]),
    Known("transport", transport, "OPTIMAL", 26, [2, 1, 0, 4]),
    Known("constant, lone variable", constant_and_lone_variable, "OPTIMAL", 103, [1, 2], [1, 0], [0, 1]),
    Known("no rows", no_rows, "OPTIMAL", 5, [3, 1], [], [2, -1]),
    Known("colliding names", colliding_names, "OPTIMAL", 30, [1, 2, 3, 4], [1, 2, 3, 4], [0, 0, 0, 0]),
    Known("scarce in a cost", scarce_in_a_cost, "OPTIMAL", -3, [3, 0], [0, 1], [0, 4]),
    Known("infeasible", infeasible, "INFEASIBLE"),
    Known("crossed bounds", crossed_bounds, "INFEASIBLE"),
    Known("unbounded", unbounded, "UNBOUNDED"),
    Known("unbounded below", unbounded_below, "UNBOUNDED"),
    Known("infeasible, unbounded direction", infeasible_with_an_unbounded_direction, "INFEASIBLE"),
    Known("knapsack", knapsack, "OPTIMAL", 20, [0, 1, 1], mip=True),
    Known("fixed charge", fixed_charge, "OPTIMAL", 20, [6, 1], mip=True),
    Known("whole units as cost", whole_units_as_cost, "OPTIMAL", 11, [1, 2], mip=True),
    Known("no whole number", no_whole_number, "INFEASIBLE", mip=True),
    Known("unbounded whole number", unbounded_whole_number, "UNBOUNDED", mip=True),
    Known("relaxation unbounded", relaxation_unbounded_but_no_whole_number, "INFEASIBLE", mip=True),
)


@dataclass(frozen=True)
class Moved:
    """Limits of a model of the bank moved together, and what each of the first units is worth, known by hand.

    rows, columns: which move by one unit. gain: what each of the first units more brings (for a minimisation: what it
    saves), holding for gain_to units; loss: what each of the first units less costs, holding for loss_to. None: nothing
    is possible there.
    """

    name: str
    build: Callable[[], tuple[Any, list[Any]]]
    rows: Sequence[int] = ()
    columns: Sequence[int] = ()
    gain: float | None = None
    gain_to: float = float("inf")
    loss: float | None = None
    loss_to: float = float("inf")


DIRECTIONS = (
    # 3x + 2y <= 18 binds with 2y <= 12: more of y takes x down by a third, to 0 after six units; less lets it up to 4.
    Moved("two products, hours of the second", two_products, rows=[1], gain=1.5, gain_to=6, loss=1.5, loss_to=6),
    Moved("two products, shared hours", two_products, rows=[2], gain=1, gain_to=6, loss=1, loss_to=6),
    # x <= 4 is slack by two units.
    Moved("two products, a slack limit", two_products, rows=[0], gain=0, loss=0, loss_to=2),
    # One more to cover costs 1.5 until y is 0 (two units), one less saves 1.5 until x is 0.
    Moved("covering, one more to cover", covering(MINIMISE), rows=[0], gain=-1.5, gain_to=2, loss=-1.5, loss_to=2),
    # Demand beyond 10 is met at 3; the last three units are met at 3 as well, those before at 2.
    Moved("merit order, demand", merit_order, rows=[0], gain=-3, loss=-3, loss_to=3),
    # x <= 4 widened saves 2 a unit (x for z) until z is 0 after three units.
    Moved("merit order, the cheapest source", merit_order, columns=[0], gain=2, gain_to=3, loss=2, loss_to=4),
    Moved("ranges, the shared row", ranges, rows=[0], gain=0.5, gain_to=2, loss=0.5, loss_to=4),
    Moved("ranges, an upper bound", ranges, columns=[0], gain=0.5, gain_to=4, loss=0.5, loss_to=2),
    # Three limits meet at (1, 1), any two of which suffice: their duals are anything between the two sides.
    Moved("degenerate, one of three", degenerate, rows=[0], gain=0, loss=1, loss_to=1),
    Moved("degenerate, the shared one", degenerate, rows=[2], gain=0, loss=1, loss_to=2),
    Moved("degenerate, two together", degenerate, rows=[0, 2], gain=1, loss=1, loss_to=1),
    Moved("degenerate, all three", degenerate, rows=[0, 1, 2], gain=1, loss=2, loss_to=1),
    # Supply and demand of 2 and 4 must stay equal, so a unit of one alone is not possible.
    Moved("transport, supply alone", transport, rows=[0]),
    # A unit more at the first source and the first sink goes by a, at 4; one less takes it off a, twice.
    Moved("transport, source and sink", transport, rows=[0, 2], gain=-4, loss=-4, loss_to=2),
    # Whole decisions held: 5 a unit within the 8 that opening allows.
    Moved("fixed charge, open", fixed_charge, rows=[1], gain=5, gain_to=2, loss=5, loss_to=6),
)

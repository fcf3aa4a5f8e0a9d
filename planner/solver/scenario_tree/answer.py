"""What was found of a tree, by node and in the sense of the model; the measure is counted anew."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from planner.arrays import Floats
from planner.solver.scenario_tree.measure import MeanCvar
from planner.solver.scenario_tree.solution import Method, Pieces, TreeSolution, closed, gap_of
from planner.solver.scenario_tree.tree import ROOT, Tree
from planner.solver.scenario_tree.tree_model import TreeModel
from planner.solver.solution import TOLERANCE
from planner.solver.status import Status


@dataclass(frozen=True)
class Found:
    """What the work on a tree ended with. settled: what was proven instead of an answer; levels: by node, or None."""

    settled: Status | None
    levels: Mapping[int, Floats] | None
    bound: float | None
    message: str
    pieces: Pieces


def told(
    model: TreeModel, tree: Tree, measure: MeanCvar | None, found: Found, *, gap: float, method: Method
) -> TreeSolution:
    """The solution of a tree; `tree` without the columns of the measure, which the levels may have at their ends."""
    if found.levels is None or found.settled is Status.UNBOUNDED:
        status = found.settled or Status.TIME_LIMIT
        bound = found.bound if status is Status.TIME_LIMIT else None
        return _without_levels(status, bound, found, method)
    levels = tuple(found.levels[number][: node.columns] for number, node in enumerate(tree.nodes))
    outcomes = tree.outcomes(levels)
    expected = tree.expected(levels)
    objective = float(expected[ROOT]) if measure is None else measure.value(tree, outcomes)
    bound = found.bound
    if bound is not None and (objective > bound if tree.maximise else objective < bound):
        if abs(objective - bound) > TOLERANCE * _turnover(tree, levels):
            why = f"the answer {objective:.10g} is better than the bound {bound:.10g}: neither is believed"
            return _without_levels(Status.ERROR, None, found, method, why)
        bound = objective
    handles = model.nodes
    return TreeSolution(
        status=Status.OPTIMAL if closed(objective, bound, gap) else Status.FEASIBLE,
        objective=objective,
        bound=bound,
        gap=None if bound is None else gap_of(objective, bound),
        levels=dict(zip(handles, levels, strict=True)),
        node_value=dict(zip(handles, expected.tolist(), strict=True)),
        outcome={handles[leaf]: value for leaf, value in zip(tree.leaves, outcomes.tolist(), strict=True)},
        method=method,
        message=found.message,
        pieces=found.pieces,
    )


def _without_levels(status: Status, bound: float | None, found: Found, method: Method, why: str = "") -> TreeSolution:
    return TreeSolution(
        status=status, objective=None, bound=bound, gap=None, levels={}, node_value={}, outcome={},
        method=method, message=why or found.message, pieces=found.pieces,
    )


def _turnover(tree: Tree, levels: tuple[Floats, ...]) -> float:
    """What comes and goes in the worst path and on average: the size against which rounding counts, at least 1."""
    spent = np.array([float(np.abs(node.cost) @ np.abs(own)) for node, own in zip(tree.nodes, levels, strict=True)])
    worst = max(float(spent[list(tree.paths[leaf])].sum()) for leaf in tree.leaves)
    return max(1.0, worst)

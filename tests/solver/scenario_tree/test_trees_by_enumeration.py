"""Small random trees against enumeration: two and three stages, 0/1 and small integers, mean and CVaR, both senses,
both methods."""

from __future__ import annotations

import numpy as np
import pytest
from at_length import many
from enumerated_trees import Box, best, random_tree
from scipy import sparse

from planner.solver import MeanCvar, TreeModel, TreeNode, TreeSolution, solve_tree
from planner.solver.status import Status

SEEDS = range(many(20, 40))
MEASURES = [None, MeanCvar(0.6, 0.7), MeanCvar(1.0, 0.35)]
AS = (sparse.csr_array, sparse.csc_matrix, sparse.coo_array, np.asarray)


def put(tree: Box, sense: str) -> TreeModel:
    """The tree as a model; blocks come in another kind of array for each depth."""
    model = TreeModel(sense)

    def add(node: Box, path: list[TreeNode]) -> None:
        speaks = sorted({depth for cells, _, _ in node.rows for depth in cells})
        rows: dict[TreeNode | None, object] = {}
        for depth in speaks:
            width = len(next(cells[depth] for cells, _, _ in node.rows if depth in cells))
            block = np.array([cells.get(depth, [0.0] * width) for cells, _, _ in node.rows])
            rows[None if depth == len(path) else path[depth]] = AS[(depth + len(path)) % len(AS)](block)
        handle = model.node(
            path[-1] if path else None, node.chance, cost=np.array(node.cost), upper=np.array(node.most, dtype=float),
            integer=True,
            rows=rows, row_lower=np.array([least for _, least, _ in node.rows]),
            row_upper=np.array([most for _, _, most in node.rows]),
        )
        for child in node.children:
            add(child, [*path, handle])

    add(tree, [])
    return model


def bound_holds(found: TreeSolution, value: float, *, maximise: bool) -> bool:
    assert found.bound is not None
    beyond = value - found.bound if maximise else found.bound - value
    return beyond <= 1e-6 * max(1.0, abs(value))


def kept(model: TreeModel, tree: Box, found: TreeSolution) -> None:
    """Levels are whole, within their bounds and keep every row, counted without the solver."""
    nodes = iter(model.nodes)

    def walk(node: Box, path: list[np.ndarray]) -> None:
        own = found.levels[next(nodes)]
        assert own.shape == (len(node.most),)
        assert (own == np.round(own)).all()
        assert (own >= 0).all()
        assert (own <= node.most).all()
        path = [*path, own]
        for cells, least, most in node.rows:
            assert least - 1e-6 <= sum(np.dot(cells[depth], path[depth]) for depth in cells) <= most + 1e-6
        for child in node.children:
            walk(child, path)

    walk(tree, [])


@pytest.mark.parametrize("measure", MEASURES, ids=["mean", "mixed", "cvar"])
@pytest.mark.parametrize("sense", ["min", "max"])
@pytest.mark.parametrize("seed", SEEDS)
def test_the_best_by_enumeration(seed: int, sense: str, measure: MeanCvar | None) -> None:
    tree, maximise = random_tree(seed), sense == "max"
    weight, alpha = (measure.weight, measure.alpha) if measure else (0.0, 0.5)
    value = best(tree, maximise=maximise, weight=weight, alpha=alpha)
    model = put(tree, sense)
    for method in ("extensive", "paths"):
        found = solve_tree(model, measure=measure, method=method)
        if value is None:
            assert found.status is Status.INFEASIBLE
            assert (found.objective, found.bound, found.gap, dict(found.levels)) == (None, None, None, {})
            continue
        assert found.objective is not None
        assert bound_holds(found, value, maximise=maximise)
        kept(model, tree, found)
        if method == "whole":
            assert found.status is Status.OPTIMAL
            assert found.objective == pytest.approx(value, rel=1e-6, abs=1e-6)
        else:
            worse = value - found.objective if maximise else found.objective - value
            assert worse >= -1e-6
        root = model.nodes[0]
        mean = sum(chance * found.outcome[leaf] for leaf, chance in zip(found.outcome, _chances(tree), strict=True))
        assert found.node_value[root] == pytest.approx(mean, abs=1e-9)
        if measure is None:
            assert found.objective == pytest.approx(mean, abs=1e-9)


def _chances(tree: Box, before: float = 1.0) -> list[float]:
    here = before * tree.chance
    return [each for child in tree.children for each in _chances(child, here)] or [here]

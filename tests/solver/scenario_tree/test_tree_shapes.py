"""What trees must have in common with others: one child, equal children, a leaf in two; and measures worked by hand."""

from __future__ import annotations

import numpy as np
import pytest
from at_length import few
from capacity_tree import capacity_expansion
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, milp

from planner.solver import MeanCvar, TreeModel, TreeNode, TreeSolution, solve_tree
from planner.solver.status import Status

PRICES = [4.0, 9.0]
SIZES = np.array([[3.0, 5.0, 7.0]])


def chain_or_tree(shares: tuple[float, ...], leaves: tuple[float, ...] = (1.0,)) -> TreeModel:
    """Things are bought now or, dearer, later; a knapsack over both. Children and leaves differ in nothing but their
    chances."""
    model = TreeModel("max")
    now = model.node(None, 1.0, cost=[5.0, 8.5, 12.0], upper=1, integer=True, rows={None: SIZES}, row_upper=8)
    for share in shares:
        later = model.node(
            now, share, cost=[4.0, 8.0, 11.5, -3.0], upper=[2, 1, 1, 10], integer=[True, True, True, False],
            rows={now: SIZES, None: np.array([[3.0, 5.0, 7.0, -1.0]])}, row_upper=[15.5],
        )
        for leaf in leaves:
            model.node(
                later, leaf, cost=[2.5], upper=3,
                rows={now: np.array([[1.0, 0, 1]]), later: sparse.csr_array([[0.0, 1, 1, 0.1]]), None: np.ones((1, 1))},
                row_upper=4.25,
            )
    return model


def flat() -> float:
    """The chain as one model, by SciPy."""
    cost = np.array([5.0, 8.5, 12.0, 4.0, 8.0, 11.5, -3.0, 2.5])
    rows = np.array([[3, 5, 7, 0, 0, 0, 0, 0], [3, 5, 7, 3, 5, 7, -1, 0], [1, 0, 1, 0, 1, 1, 0.1, 1]])
    found = milp(
        -cost, constraints=LinearConstraint(rows, -np.inf, [8, 15.5, 4.25]),
        bounds=Bounds(0, [1, 1, 1, 2, 1, 1, 10, 3]),
        integrality=np.array([1, 1, 1, 1, 1, 1, 0, 0]), options={"mip_rel_gap": 0.0},
    )
    return -float(found.fun)


@pytest.mark.parametrize("method", ["extensive", "paths"])
def test_one_child_a_node_is_the_flat_model(method: str) -> None:
    found = solve_tree(chain_or_tree((1.0,)), method=method)
    assert found.status is Status.OPTIMAL
    assert found.objective == pytest.approx(flat(), rel=1e-9)


@pytest.mark.parametrize("shares", [(0.5, 0.5), (0.2, 0.3, 0.5), (1.0, 0.0), (1 / 3, 1 / 3, 1 / 3)])
@pytest.mark.parametrize("leaves", [(1.0,), (0.5, 0.5), (0.9, 0.1)])
@pytest.mark.parametrize("measure", [None, MeanCvar(0.7, 0.8)])
def test_equal_children_are_one_child(
    shares: tuple[float, ...], leaves: tuple[float, ...], measure: MeanCvar | None
) -> None:
    found = solve_tree(chain_or_tree(shares, leaves), measure=measure)
    assert found.objective == pytest.approx(flat(), rel=1e-7)


@pytest.mark.parametrize("method", ["extensive", "paths"])
def test_equal_children_by_both_methods(method: str) -> None:
    found = solve_tree(chain_or_tree((0.25, 0.75), (0.5, 0.5)), method=method)
    assert found.status is Status.OPTIMAL
    assert found.objective == pytest.approx(flat(), rel=1e-9)


def two_futures(
    sense: str, *, split: bool, demands: tuple[float, ...] = (10.0, 80.0, 100.0)
) -> tuple[TreeModel, list[TreeNode]]:
    """Papers at 5, sold at 8 as far as they are asked for; `split` halves the last future."""
    sign = 1.0 if sense == "max" else -1.0
    model = TreeModel(sense)
    root = model.node(None, 1.0, cost=[-5.0 * sign], upper=1000, integer=True)
    shares = [1 / 3, 1 / 3, *((1 / 6, 1 / 6) if split else (1 / 3,))]
    asked = [*demands, *([demands[-1]] if split else [])]
    leaves = [
        model.node(
            root, share, cost=[8.0 * sign], upper=[most], integer=True, rows={root: [[-1.0]], None: [[1.0]]},
            row_upper=0.0,
        )
        for share, most in zip(shares, asked, strict=True)
    ]
    return model, [root, *leaves]


@pytest.mark.parametrize("measure", [None, MeanCvar(0.5, 0.5), MeanCvar(1.0, 0.9)])
def test_a_leaf_in_two_halves_changes_nothing(measure: MeanCvar | None) -> None:
    one, two = (solve_tree(two_futures("max", split=split)[0], measure=measure) for split in (False, True))
    assert one.objective == pytest.approx(two.objective, rel=1e-9)


@pytest.mark.parametrize("method", ["extensive", "paths"])
@pytest.mark.parametrize("sense", ["min", "max"])
def test_cvar_by_hand(sense: str, method: str) -> None:
    """x papers, x <= 80: the worst third earns 80 - 5 x, the others 3 x; x in (80, 100]: 80 - 5 x, 640 - 5 x, 3 x.

    Mean for x <= 80: (80 + x) / 3, greatest at 80: 53.33. CVaR of the loss at 1/2: its worst half is the first third
    and a sixth of
    the next: (2/3)(5 x - 80) - (1/3) 3 x = (7 x - 160) / 3. Half of each: (80 + x - 7 x + 160) / 6 = 40 - x, best at x
    = 10: 30.
    """
    sign = 1.0 if sense == "max" else -1.0
    model, (root, *leaves) = two_futures(sense, split=False)
    found = solve_tree(model, method=method)
    assert found.objective == pytest.approx(sign * 160 / 3)
    assert found.levels[root].tolist() == [80.0]
    assert [found.outcome[leaf] for leaf in leaves] == pytest.approx([sign * value for value in (-320.0, 240.0, 240.0)])
    assert found.node_value[root] == pytest.approx(sign * 160 / 3)
    assert [found.node_value[leaf] for leaf in leaves] == pytest.approx(
        [sign * value for value in (80.0, 640.0, 640.0)]
    )
    found = solve_tree(model, measure=MeanCvar(0.5, 0.5), method=method)
    assert found.objective == pytest.approx(sign * 30.0)
    assert found.levels[root].tolist() == [10.0]
    assert found.node_value[root] == pytest.approx(sign * 30.0)


@pytest.mark.parametrize("sense", ["min", "max"])
def test_the_ends_of_a_measure(sense: str) -> None:
    model = capacity_expansion(2, 3, branches=(3,), seed=3)
    if sense == "max":
        model = turned(model)
    sign = 1.0 if sense == "max" else -1.0
    mean = solve_tree(model)
    assert solve_tree(model, measure=MeanCvar(0.0, 0.9)).objective == pytest.approx(mean.objective, rel=1e-9)
    worst = solve_tree(model, measure=MeanCvar(1.0, 0.999))
    assert worst.objective == pytest.approx(min(sign * value for value in worst.outcome.values()) * sign, rel=1e-7)
    assert sign * worst.objective >= sign * min(sign * value for value in mean.outcome.values()) * sign - 1e-6
    between = [sign * solve_tree(model, measure=MeanCvar(weight, 0.7)).objective for weight in (0.0, 0.5, 1.0)]
    assert between[0] >= between[1] - 1e-6 >= between[2] - 2e-6


def turned(model: TreeModel) -> TreeModel:
    """The same tree with what costs as what earns, for the other sense."""
    other = TreeModel("max" if model.sense == "min" else "min")
    for data in model.tree().nodes:
        handles = other.nodes
        other.node(
            handles[data.parent] if data.parent >= 0 else None, data.probability, cost=-data.cost, lower=data.lower,
            upper=data.upper, integer=data.integer,
            rows={(None if number == len(handles) else handles[number]): block for number, block in data.blocks},
            row_lower=data.row_lower, row_upper=data.row_upper,
        )
    return other


@pytest.mark.parametrize("method", ["extensive", "paths"])
@pytest.mark.parametrize("measure", [None, MeanCvar(0.4, 0.6)])
def test_the_other_sense_of_the_negative_is_the_same(method: str, measure: MeanCvar | None) -> None:
    model = capacity_expansion(2, 3, branches=(2, 2), seed=1)
    one, other = (solve_tree(each, measure=measure, method=method) for each in (model, turned(model)))
    assert one.objective == pytest.approx(-value(other), rel=2e-3 if method == "paths" else 1e-6)
    assert one.bound == pytest.approx(-value(other, bound=True), rel=2e-2 if method == "paths" else 1e-6)


def value(found: TreeSolution, *, bound: bool = False) -> float:
    told = found.bound if bound else found.objective
    assert told is not None
    return told


@pytest.mark.parametrize("seed", few(range(3), 2))
@pytest.mark.parametrize("measure", [None, MeanCvar(0.4, 0.6)])
def test_paths_on_trees_with_continuous_columns(seed: int, measure: MeanCvar | None) -> None:
    model = capacity_expansion(3, 4, branches=(2, 2), seed=seed)
    whole = solve_tree(model, measure=measure, method="extensive")
    paths = solve_tree(model, measure=measure, method="paths")
    assert whole.status is Status.OPTIMAL
    assert value(paths, bound=True) <= value(whole) + 1e-5
    assert value(paths) >= value(whole, bound=True) - 1e-5
    assert paths.pieces.relaxation is not None
    assert paths.pieces.passes[0] is not None
    assert paths.pieces.relaxation - 1e-6 <= paths.pieces.passes[0]
    assert value(paths) <= 1.02 * value(whole)


@pytest.mark.parametrize("method", ["extensive", "paths"])
def test_a_node_that_cannot_be_reached_binds_but_does_not_count(method: str) -> None:
    model = TreeModel("max")
    root = model.node(None, 1.0, cost=[1.0], upper=10, integer=True)
    model.node(root, 1.0, cost=[1.0], upper=1)
    model.node(root, 0.0, cost=[1e6], upper=1, rows={root: np.ones((1, 1)), None: np.ones((1, 1))}, row_upper=4.0)
    found = solve_tree(model, method=method)
    assert found.objective == pytest.approx(5.0)
    assert found.bound == pytest.approx(5.0)


def test_nodes_without_columns_and_without_rows() -> None:
    model = TreeModel("min")
    root = model.node(None, 1.0)
    bought = model.node(root, 1.0, cost=[2.0])
    empty = model.node(bought, 0.5, rows={bought: np.ones((1, 1))}, row_lower=[3.0])
    model.node(
        bought, 0.5, cost=np.zeros(0), lower=np.zeros(0), rows={bought: sparse.csr_array(np.ones((2, 1)))},
        row_lower=1.0,
    )
    for method in ("extensive", "paths", "auto"):
        found = solve_tree(model, method=method)
        assert found.objective == pytest.approx(6.0)
        assert found.levels[root].shape == found.levels[empty].shape == (0,)
        assert found.node_value[root] == pytest.approx(6.0)
        assert solve_tree(model, method=method, measure=MeanCvar(0.5, 0.9)).objective == pytest.approx(6.0)

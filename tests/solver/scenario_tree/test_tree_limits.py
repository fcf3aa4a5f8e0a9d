"""Malformed trees, trees without an answer, limits of time, starts, and other bounds on the same tree."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from capacity_tree import capacity_expansion
from scipy import sparse

from planner.errors import PlannerError
from planner.solver import MeanCvar, TreeModel, solve_tree
from planner.solver.status import Status

METHODS = ("extensive", "paths", "auto")
ONE = np.ones((1, 2))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"probability": 1.5}, r"probability = 1\.5; give one from 0 to 1"),
        ({"probability": float("nan")}, "give one from 0 to 1"),
        ({"probability": "half"}, "is no number"),
        ({"cost": [1.0, float("nan")]}, "node 1: cost holds NaN at 1"),
        ({"cost": [1.0, np.inf]}, "node 1: cost is inf at 1"),
        ({"cost": ["a", "b"]}, "holds no real numbers"),
        ({"cost": [1.0, 2.0], "lower": np.zeros(3)}, r"different numbers of columns \(cost 2, lower 3\)"),
        (
            {"cost": [1.0, 2.0], "rows": {None: np.ones((1, 3))}},
            r"different numbers of columns \(cost 2, rows of its own columns 3\)",
        ),
        ({"cost": np.ones((2, 2))}, r"shape \(2, 2\)"),
        (
            {"cost": [1.0, 1.0], "lower": [0.0, 3.0], "upper": [1.0, 2.0]},
            "node 1: lower 3 and node 1: upper 2 at 1 leave no number",
        ),
        ({"cost": [1.0, 1.0], "lower": [0.0, np.inf]}, "leave no number"),
        ({"cost": [1.0, 1.0], "upper": [0.0, np.nan]}, "upper holds NaN at 1"),
        ({"cost": [1.0, 1.0], "integer": [0, 2]}, "is no mask"),
        ({"cost": [1.0, 1.0], "integer": [True]}, "different numbers of columns"),
        (
            {"cost": [1.0, 1.0], "rows": {None: ONE}, "row_lower": [1.0, 2.0]},
            r"row_lower has shape \(2,\); \(1,\) is expected",
        ),
        (
            {"cost": [1.0, 1.0], "rows": {None: ONE}, "row_lower": 2.0, "row_upper": 1.0},
            "row_lower 2 and .*row_upper 1 at 0",
        ),
        ({"cost": [1.0, 1.0], "rows": {None: ONE}, "row_upper": np.nan}, "row_upper holds NaN"),
        ({"cost": [1.0, 1.0], "row_upper": [1.0]}, "limits of rows but no rows"),
        ({"cost": [1.0, 1.0], "rows": {None: np.ones(2)}}, "give rows x columns, also for a single row"),
        ({"cost": [1.0, 1.0], "rows": {None: [[1.0, np.nan]]}}, "holds NaN or an infinite coefficient"),
        ({"cost": [1.0, 1.0], "rows": {None: [[1.0, 1e-12]]}}, "which the solver reads as zero"),
        ({"cost": [1.0, 1.0], "rows": {None: [[1.0, 1e16]]}}, "which the solver refuses"),
        ({"cost": [1.0, 1.0], "rows": {None: sparse.csr_array([[1.0, 1j]])}}, "no real numbers|NaN"),
        ({"cost": [1.0, 1.0], "rows": {"root": np.ones((1, 3)), None: np.ones((2, 2))}}, "have 1 and 2 rows"),
        ({"cost": [1.0, 1.0], "rows": {"root": np.ones((1, 2))}}, "rows of node 0 have 2 columns; that node has 3"),
        ({"cost": [1.0, 1.0], "rows": {"sibling": ONE}}, "which is not among its ancestors"),
        ({"cost": [1.0, 1.0], "rows": {"stranger": ONE}}, "which is no node of this model"),
        ({"cost": [1.0, 1.0], "rows": {0: ONE}}, "which is no node of this model"),
        ({"cost": [1.0, 1.0], "rows": ONE}, "rows is a ndarray"),
        ({"parent": "stranger"}, "is no node of this model"),
        ({"parent": None}, "would be a second root"),
    ],
)
def test_a_malformed_node_is_refused(given: dict[str, Any], message: str) -> None:
    model = TreeModel("min")
    root = model.node(None, 1.0, cost=np.ones(3))
    handles = {"root": root, "stranger": TreeModel("max").node(None, 1.0, cost=[1.0, 1.0])}
    if "sibling" in str(given):
        handles["sibling"] = model.node(root, 0.5, cost=[1.0, 1.0])
        message = message.replace("node 1", "node 2")
    given = {"parent": root, "probability": 0.5, **given}
    if isinstance(given.get("rows"), dict):
        given["rows"] = {
            (handles.get(key, key) if isinstance(key, str) else key): block for key, block in given["rows"].items()
        }
    parent = handles.get(given.pop("parent")) if isinstance(given["parent"], str) else given.pop("parent")
    with pytest.raises(PlannerError, match=message):
        model.node(parent, given.pop("probability"), **given)


def test_a_malformed_model_is_refused() -> None:
    with pytest.raises(PlannerError, match="sense = 'most' is unknown"):
        TreeModel("most")
    model = TreeModel("min")
    with pytest.raises(PlannerError, match="the model is empty: it has no nodes"):
        solve_tree(model)
    with pytest.raises(PlannerError, match=r"is the root, whose probability is 1, not 0\.5"):
        model.node(None, 0.5)
    root = model.node(None, 1.0)
    with pytest.raises(PlannerError, match="the model is empty: no node has columns"):
        solve_tree(model)
    model.node(root, 0.5, cost=[1.0])
    model.node(root, 0.499, cost=[1.0])
    with pytest.raises(PlannerError, match=r"probabilities of the 2 children of node 0 add to 0\.999, not to 1"):
        solve_tree(model)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"gap": -1.0}, "gap = -1.0 is not a share"),
        ({"gap": float("nan")}, "is not a share"),
        ({"time_limit_s": -1.0}, "give seconds, 0 or more"),
        ({"method": "wholly"}, "method = 'wholly' is unknown; give 'auto', 'extensive', 'paths'"),
    ],
)
def test_a_malformed_option_is_refused(given: dict[str, Any], message: str) -> None:
    model = TreeModel("min")
    model.node(None, 1.0, cost=[1.0])
    with pytest.raises(PlannerError, match=message):
        solve_tree(model, **given)


@pytest.mark.parametrize(
    ("weight", "alpha", "message"),
    [(1.5, 0.9, "risk weight of 1.5"), (0.5, 1.0, "level between 0 and 1"), (0.5, 0.0, "level")],
)
def test_a_malformed_measure_is_refused(weight: float, alpha: float, message: str) -> None:
    with pytest.raises(PlannerError, match=message):
        MeanCvar(weight, alpha)


@pytest.mark.parametrize("measure", [None, MeanCvar(0.5, 0.8)])
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("integer", [True, False])
def test_infeasible_and_unbounded(integer: bool, method: str, measure: MeanCvar | None) -> None:
    for sense, cost, least, most, status in (
        ("min", 1.0, 3.0, 2.0, Status.INFEASIBLE), ("max", 1.0, 3.0, 2.0, Status.INFEASIBLE),
        ("max", 1.0, 1.0, np.inf, Status.UNBOUNDED), ("min", -1.0, 1.0, np.inf, Status.UNBOUNDED),
    ):
        model = TreeModel(sense)
        root = model.node(None, 1.0, cost=[cost], upper=most, integer=integer)
        for chance in (0.25, 0.75):
            model.node(
                root, chance, cost=[1.0], upper=5, integer=integer, rows={root: [[2.0]], None: [[-0.5]]},
                row_lower=least * 2.0,
            )
        found = solve_tree(model, method=method, measure=measure)
        assert found.status is status
        assert (found.objective, found.bound, found.gap) == (None, None, None)
        assert not found.levels
        assert not found.node_value
        assert not found.outcome


def test_unbounded_whatever_the_start() -> None:
    model = TreeModel("max")
    root = model.node(None, 1.0, cost=[1.0, 1.0], integer=[True, False])
    model.node(root, 1.0, cost=[1.0], upper=1.0)
    for method in METHODS:
        found = solve_tree(model, start={root: [1.0, 2.0]}, method=method)
        assert found.status is Status.UNBOUNDED
        assert found.objective is None


def test_infeasible_only_as_whole_numbers() -> None:
    model = TreeModel("min")
    root = model.node(None, 1.0, cost=[1.0], upper=10, integer=True)
    for chance in (0.5, 0.5):
        model.node(
            root, chance, cost=[1.0], upper=10, integer=True, rows={root: [[2.0]], None: [[4.0]]}, row_lower=3,
            row_upper=3,
        )
    for method in METHODS:
        assert solve_tree(model, method=method).status is Status.INFEASIBLE


@pytest.mark.parametrize("method", METHODS)
def test_no_time_at_all(method: str) -> None:
    model = capacity_expansion(8, 10)
    found = solve_tree(model, time_limit_s=0.0, method=method)
    assert found.status is Status.TIME_LIMIT
    assert found.objective is None
    assert found.gap is None
    assert not found.levels


@pytest.mark.parametrize("method", ["extensive", "paths"])
def test_little_time_leaves_an_answer_and_a_bound(method: str) -> None:
    model = capacity_expansion(8, 10, seed=2)
    found = solve_tree(model, time_limit_s=3.0, method=method, gap=1e-9)
    assert found.seconds.total < 6.0
    assert found.status is Status.FEASIBLE
    assert found.objective is not None
    assert found.bound is not None
    assert found.bound <= found.objective
    assert found.gap == pytest.approx((found.objective - found.bound) / found.objective)


def test_a_start_is_an_answer_and_other_bounds_keep_the_handles() -> None:
    model = capacity_expansion(3, 4, branches=(2, 2), seed=0)
    first = solve_tree(model, method="extensive")
    root = model.nodes[0]
    assert first.objective is not None
    for method in ("extensive", "paths"):
        again = solve_tree(model, start=first.levels, method=method)
        assert again.pieces.policies[0] == pytest.approx(first.objective)
        assert again.objective == pytest.approx(first.objective)
    at_once = solve_tree(model, start={root: first.levels[root]}, time_limit_s=20.0)
    assert at_once.pieces.policies[0] == pytest.approx(first.objective)
    low, up = model.bounds(root)
    flipped = 1.0 - np.round(first.levels[root][0])
    low[0] = up[0] = flipped
    other = model.with_bounds({root: (low, up)})
    forced = solve_tree(other, start=first.levels)
    assert forced.objective is not None
    assert forced.levels[root][0] == flipped
    assert forced.objective >= first.objective - 1e-6
    assert model.bounds(root)[1][0] == 1.0
    assert solve_tree(model.with_bounds({root: (0.0, np.inf)})).levels.keys() == first.levels.keys()


def test_bounds_and_starts_that_mean_nothing() -> None:
    model, other = capacity_expansion(2, 2, branches=(2,)), capacity_expansion(2, 2, branches=(2,))
    root = model.nodes[0]
    with pytest.raises(PlannerError, match="node 0 is no node of this model"):
        model.with_bounds({other.nodes[0]: (0.0, 1.0)})
    with pytest.raises(PlannerError, match="leave no number between them"):
        model.with_bounds({root: (2.0, 1.0)})
    with pytest.raises(PlannerError, match=r"start has shape \(1,\)"):
        solve_tree(model, start={root: [1.0]})
    with pytest.raises(PlannerError, match="start holds an infinite level"):
        solve_tree(model, start={root: np.full(10, np.inf)})
    wrong = solve_tree(
        model,
        start={
            node: np.full(10, 0.0) for node in model.nodes if node is not root
        } | {root: np.r_[0, 0, 4, 4, np.zeros(6)]},
    )
    assert wrong.status is Status.OPTIMAL


def test_names_are_imported_when_used() -> None:
    import planner.solver as room

    for name in room.__all__:
        assert getattr(room, name) is not None
    assert sorted(dir(room)) == room.__all__
    with pytest.raises(AttributeError, match="no attribute 'SolveTree'"):
        _ = room.SolveTree
    assert repr(TreeModel("max")) == "TreeModel('max'): 0 nodes, 0 columns"

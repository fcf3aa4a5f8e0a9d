"""Published multi-stage problems, put to `TreeModel`; data as figures from the repositories named."""

from __future__ import annotations

import numpy as np
import pytest

from planner.solver import MeanCvar, TreeModel, TreeNode, solve_tree
from planner.solver.status import Status


def generators(stages: int, penalty: float) -> TreeModel:
    """Problem 5.2 in docs/src/examples/StructDualDynProg.jl_prob5.2_{2,3}stages.jl of odow/SDDP.jl.

    Four kinds of capacity are bought (v) one stage ahead of their use; y serves three blocks of load; what is not
    served is paid for. From the second stage on the load is one of two, drawn anew at each stage. Columns of a node: v
    (4), y (4 x 3), penalty.
    """
    price, running = np.array([16, 5, 32, 2]), np.array([25, 80, 6.5, 160])
    hours = np.array([8760, 7000, 1500]) / 8760
    loads, chances = np.array([np.diff([0, 3919, 7329, 10315]), np.diff([0, 7086, 9004, 11169])]), (0.9, 0.1)
    own = np.zeros((7, 17))
    own[:4, 4:16] = np.kron(np.eye(4), np.ones(3))
    own[4:, 4:16] = np.kron(np.ones(4), np.eye(3))
    own[4:, 16] = 1.0
    bought = np.zeros((7, 17))
    bought[:4, :4] = -np.eye(4)
    model = TreeModel("min")

    def add(path: list[TreeNode], chance: float, load: np.ndarray) -> None:
        last = len(path) + 1 == stages
        node = model.node(
            path[-1] if path else None, chance,
            cost=np.concatenate([price, np.outer(running, hours).ravel(), [penalty]]),
            upper=np.concatenate([np.full(4, 0.0 if last else np.inf), np.full(13, np.inf)]),
            rows={None: own, **dict.fromkeys(path, bought)},
            row_lower=np.concatenate([np.full(4, -np.inf), load]),
            row_upper=np.concatenate([np.zeros(4), np.full(3, np.inf)]),
        )
        for each, share in zip(loads, () if last else chances, strict=False):
            add([*path, node], share, each)

    add([], 1.0, np.zeros(3))
    return model


@pytest.mark.parametrize("method", ["extensive", "paths"])
@pytest.mark.parametrize(("stages", "penalty", "value"), [(2, 1e6, 340315.52), (3, 1e5, 406712.49)])
def test_capacity_of_struct_dual_dyn_prog(stages: int, penalty: float, value: float, method: str) -> None:
    found = solve_tree(generators(stages, penalty), method=method)
    assert found.status is Status.OPTIMAL
    assert found.objective == pytest.approx(value, abs=0.1)
    assert found.bound == pytest.approx(value, abs=0.1)


def papers(depth: int, demands: tuple[int, ...]) -> TreeModel:
    """The multi-stage newsvendor in examples/newsvendor.jl of EPOC-NZ/JuDGE.jl: papers at 5 are ordered a stage ahead,
    sold at 8."""
    model = TreeModel("min")

    def add(parent: TreeNode | None, chance: float, demand: float, level: int) -> None:
        above = {} if parent is None else {parent: np.array([[-1.0, 0.0]])}
        node = model.node(
            parent, chance, cost=[5.0, -8.0], upper=[1000.0, demand], integer=[False, True],
            rows={None: np.array([[0.0, 1.0]]), **above}, row_upper=0.0,
        )
        for each in demands if level < depth else ():
            add(node, 1.0 / len(demands), each, level + 1)

    add(None, 1.0, 0.0, 0)
    return model


@pytest.mark.parametrize(
    ("depth", "demands", "risk", "value"),
    [
        (1, (10, 80, 100), None, -53.333),
        (1, (10, 80, 100), (0.5, 0.5), -30.0),
        (2, (10, 20, 30), (0.15, 0.5), -61.011),
        (3, (10, 20, 30), (0.15, 0.05), -90.526),
    ],
)
def test_newsvendor_of_judge(
    depth: int, demands: tuple[int, ...], risk: tuple[float, float] | None, value: float
) -> None:
    """test/runtests.jl of EPOC-NZ/JuDGE.jl; its Risk(weight, share of the tail) is MeanCvar(weight, 1 - share)."""
    measure = None if risk is None else MeanCvar(risk[0], 1.0 - risk[1])
    model = papers(depth, demands)
    found = solve_tree(model, measure=measure)
    assert found.status is Status.OPTIMAL
    assert found.objective == pytest.approx(value, abs=1e-3)
    paths = solve_tree(model, measure=measure, method="paths")
    assert paths.bound is not None
    assert paths.bound <= value + 1e-3
    assert paths.objective == pytest.approx(value, abs=1e-2)


def units(stages: int) -> TreeModel:
    """docs/src/examples/generation_expansion.jl of odow/SDDP.jl: five units of one, built in order; eight equal demands
    at each stage.

    A demand is known when units are built, and matters to nothing later: what is built at a stage depends on all
    demands so far.
    Columns of a node: invested (5, whole), generation, unmet.
    """
    demand = 0.5 * np.array([
        [5, 5, 5, 5, 5, 5, 5, 5], [4, 3, 1, 3, 0, 9, 8, 17], [0, 9, 4, 2, 19, 19, 13, 7], [25, 11, 4, 14, 4, 6, 15, 12],
        [6, 7, 5, 3, 8, 4, 17, 13],
    ])[:stages]
    own = np.zeros((11, 7))
    own[:5, :5] = np.eye(5)
    own[5, :6] = [1, 1, 1, 1, 1, -1]
    own[6, 5:] = 1.0
    own[7:11, :5] = np.eye(5)[1:] - np.eye(5)[:4]
    before = np.zeros((11, 7))
    before[:5, :5] = -np.eye(5)
    discount = 0.99 ** np.arange(stages + 1)
    model = TreeModel("min")

    def add(parent: TreeNode | None, stage: int, chance: float, asked: float) -> None:
        # what is held at a stage is paid for there and given back at the next, as if it were bought anew
        invested = 1e4 * (discount[stage] - (discount[stage + 1] if stage + 1 < stages else 0.0))
        node = model.node(
            parent, chance, cost=np.r_[np.full(5, invested), 4.0 * discount[stage], 5e5],
            upper=np.r_[np.ones(5), np.inf, np.inf],
            integer=np.r_[np.ones(5, dtype=bool), False, False],
            rows={None: own, **({} if parent is None else {parent: before})},
            row_lower=np.r_[np.zeros(6), asked, np.zeros(4)],
        )
        grouped = np.unique(demand[stage + 1], return_counts=True) if stage + 1 < stages else ((), ())
        for each, count in zip(*grouped, strict=True):
            add(node, stage + 1, count / 8.0, float(each))

    add(None, 0, 1.0, float(demand[0, 0]))
    return model


def test_three_stages_of_generation_expansion_by_both_methods() -> None:
    whole, paths = (solve_tree(units(3), method=method) for method in ("extensive", "paths"))
    assert whole.status is paths.status is Status.OPTIMAL
    assert whole.objective == pytest.approx(paths.objective, rel=1e-6)


@pytest.mark.slow
def test_generation_expansion_of_sddp() -> None:
    found = solve_tree(units(5), gap=1e-5)
    assert found.objective == pytest.approx(2.078860e6, abs=1e3)
    assert found.status is Status.OPTIMAL

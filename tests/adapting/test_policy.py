"""Policies against the same problem spelled out for another solver, and against plans that the planner makes
already."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from adapting.spelled_out import best_objective_usd
from adapting.waiting_case import adapted, waiting_case
from at_length import few

import planner
from planner.adapting.decisions import Sort, Verdict
from planner.adapting.policy import Policy
from planner.adapting.solving import solved
from planner.errors import PlannerError
from planner.risk.worth import candidate_values

EXACT = planner.SolverOptions(gap=1e-9)


def values_of(policy: Policy) -> np.ndarray:
    """NPV of a unit of each candidate in each future, dollars."""
    return candidate_values(policy.candidates, policy.futures)


@pytest.mark.parametrize("seed", few(range(6), 2))
@pytest.mark.parametrize("branches", [(2,), (2, 2)])
@pytest.mark.parametrize(("weight", "alpha"), [(0.0, 0.75), (0.4, 0.75), (0.7, 0.9)])
def test_a_policy_is_the_best_of_its_tree(seed: int, branches: tuple[int, ...], weight: float, alpha: float) -> None:
    """At 0.9 the edge of the tail lies within a future."""
    reviews = ("2027-10", "2028-07")[: len(branches)]
    found = adapted(waiting_case(seed), reviews=reviews, branches=branches, weight=weight, alpha=alpha)
    assert found.best is not None
    assert found.best.objective_usd == pytest.approx(best_objective_usd(found, values_of(found)), rel=1e-6, abs=1.0)


@pytest.mark.parametrize("weight", [0.0, 0.5])
@pytest.mark.parametrize("how", [{"reviews": ("2027-10",), "branches": (1,)}, {"reviews": ("2031-01",)}])
def test_who_learns_nothing_makes_the_plan_after_risk(weight: float, how: dict[str, Any]) -> None:
    """One node a stage, or no review within the horizon."""
    case = waiting_case(3)
    found = adapted(case, weight=weight, alpha=0.75, **how)
    other = planner.plan_after_risk(
        case, planner.PlanOptions(prices="none", solver=EXACT),
        planner.RiskOptions(weight=weight, alpha=0.75, scenarios=16),
    )
    assert found.best is not None
    assert found.steady is not None
    assert found.best.objective_usd == pytest.approx(other.objective_usd, rel=1e-9)
    assert found.steady.objective_usd == pytest.approx(other.objective_usd, rel=1e-9)
    assert found.value_of_adapting_usd == pytest.approx(0.0, abs=1.0)


@pytest.mark.parametrize("seed", few(range(6), 3))
def test_what_is_known_earlier_is_worth_no_less(seed: int) -> None:
    """Never changing <= adapting <= knowing; and the objective is that of the levels in every future."""
    found = adapted(waiting_case(seed), reviews=("2027-10",), branches=(3,), information=16)
    assert found.best is not None
    assert found.steady is not None
    assert found.base_held is not None
    assert found.foreseen is not None
    assert found.steady.objective_usd <= found.best.objective_usd + 1.0
    assert found.base_held.objective_usd <= found.best.objective_usd + 1.0
    assert (found.foreseen.known_usd >= found.foreseen.policy_usd - 1.0).all()
    values = values_of(found)
    for leaf, levels in found.levels.items():
        members = found.tree.nodes[leaf].futures
        np.testing.assert_allclose(levels @ values[:, members], found.best.npv_usd[members], rtol=1e-6, atol=100.0)
        used = found.candidates.rows.use @ levels
        assert (used <= found.candidates.rows.table["limit"] + 1e-4).all()


def test_what_is_decided_in_a_node_is_the_same_for_all_its_futures() -> None:
    found = adapted(waiting_case(1), reviews=("2027-10", "2028-07"), branches=(2, 2))
    stage = np.searchsorted(list(found.tree.reviews), found.candidates.columns["decide_by"], side="right")
    for number, node in enumerate(found.tree.nodes):
        below = [leaf for leaf in found.tree.leaves if number in found.tree.path(leaf)]
        own = np.flatnonzero(stage == node.stage)
        for leaf in below[1:]:
            np.testing.assert_allclose(found.levels[leaf][own], found.levels[below[0]][own], rtol=1e-9, atol=1e-6)


def test_what_happens_after_a_review_may_be_exchanged_within_a_node() -> None:
    """The decisions of a node rest on the mean of its futures: which of them is which does not matter."""
    found = adapted(waiting_case(2), reviews=("2027-10",), branches=(2,))
    problem = found.problem
    exchanged = problem.values.copy()
    late = problem.columns[1]
    for leaf in problem.tree.leaves:
        members = problem.tree.nodes[leaf].futures
        exchanged[np.ix_(late, members)] = exchanged[np.ix_(late, members[::-1])]
    again = solved(replace(problem, values=exchanged), gap=1e-9, seconds=None, start=None, usd=1.0).found
    assert again is not None
    assert found.best is not None
    assert again.objective_usd * problem.staged.formulation.money == pytest.approx(found.best.objective_usd, rel=1e-9)


def test_the_verdicts_are_told_by_the_amounts() -> None:
    found = adapted(waiting_case(4), reviews=("2027-10",), branches=(3,), worth=True)
    seen = {choice.decision.verdict for choice in found.choices}
    assert Verdict.NOW in seen
    for choice in found.choices:
        decision = choice.decision
        paths = [decision.amount[list(found.tree.path(leaf))].sum() for leaf in found.tree.leaves]
        assert (decision.now > 0.0) == (decision.verdict is Verdict.NOW)
        assert (max(paths) <= 0.0) == (decision.verdict is Verdict.NEVER)
        if choice.worth is not None:
            assert choice.worth.relaxed_usd >= choice.worth.least_usd >= 0.0


def test_leases_that_are_signed_now_stand_among_what_is_signed_now() -> None:
    found = adapted(waiting_case(4), reviews=("2028-03",), branches=(2,))
    signed = {
        choice.thing.name: choice.decision.now for choice in found.chosen(Verdict.NOW)
        if choice.thing.sort is Sort.LEASE
    }
    assert signed
    rows = found.commitments[found.commitments["decision"] == "sign lease"]
    assert dict(zip(rows["name"], rows["amount"], strict=True)) == signed
    assert found.commitments["decide_by"].is_monotonic_increasing


def test_what_the_user_fixes_is_decided_now() -> None:
    case = waiting_case(0)
    size = float(case.tables["power"].loc[1, "guaranteed_mw"])
    found = planner.plan(
        case, adapt=planner.AdaptOptions(scenarios=8, reviews=("2028-06",), branches=(2,), information=0),
        fixes=f"power.contracted_mw[b_grid:1]={size}", gap=1e-6,
    )
    (phase,) = (choice for choice in found.choices if choice.thing.label == "phase b_grid:1")
    assert phase.decision.now == pytest.approx(size)
    assert phase.decision.verdict is Verdict.NOW
    assert phase.worth is None  # it cannot be taken away


def test_equal_children_know_no_more_than_their_parent() -> None:
    """The futures of a tree once more, half in each of two nodes: worth what the plan that never changes is worth."""
    found = adapted(waiting_case(3), reviews=("2027-10",), branches=(1,), weight=0.3, alpha=0.75)
    (root, _), problem = found.tree.nodes, found.problem
    count = len(found.tree.weights)
    halves = [
        replace(root, name=name, parent=0, stage=1, probability=0.5, futures=first + np.arange(count))
        for name, first in (("n1", 0), ("n2", count))
    ]
    weights = np.concatenate([found.tree.weights, found.tree.weights]) / 2.0
    tree = replace(
        found.tree, nodes=(replace(root, futures=np.arange(2 * count)), *halves), weights=weights
    )
    twice = replace(
        problem, tree=tree, values=np.hstack([problem.values, problem.values]),
        measure=replace(problem.measure, probability=weights),
    )
    again = solved(twice, gap=1e-9, seconds=None, start=None, usd=found.grounds.usd).found
    assert again is not None
    assert found.steady is not None
    assert again.objective_usd == pytest.approx(found.steady.objective_usd, rel=1e-9)


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"reviews": "2028-01"}, "are no months"), ({"reviews": ("soon",)}, "is no month"),
        ({"branches": 3}, "give 1 or more groups"), ({"branches": (0,)}, "give 1 or more groups"),
        ({"information": -1}, "give 1 or more"), ({"weight": 2.0}, "risk weight"),
    ],
)
def test_options_say_what_is_wrong(asked: dict[str, Any], words: str) -> None:
    with pytest.raises(PlannerError, match=words):
        planner.AdaptOptions(**asked)


def test_what_a_policy_would_pass_over_is_refused() -> None:
    for options in ({"threads": 2}, {"prices": "full"}, {"futures": planner.FuturesOptions()}, {"why": "gpu"}):
        with pytest.raises(PlannerError, match="policy"):
            planner.plan(waiting_case(0), adapt=True, **options)

"""A policy tree solved, its tail made exact by cuts."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import scipy.sparse as sp

from planner.adapting.outcome import Outcome, outcome
from planner.adapting.policy_tree import PolicyTree, TailCut, value_at_risk
from planner.arrays import Floats
from planner.solver.growing_lp import GrowingLp, NoVertex
from planner.solver.scenario_tree.extensive import Extensive, extensive
from planner.solver.scenario_tree.solution import Pieces
from planner.solver.scenario_tree.solve import solve_tree
from planner.solver.status import Status

MOST_ROUNDS = 30
"""Rounds of cuts on the relaxation at most, and solves with whole decisions a fifth of that."""


@dataclass(frozen=True)
class Solved:
    """What became of a policy tree. found: None without an answer; pieces: of the solver's last work."""

    status: Status
    found: Outcome | None
    pieces: Pieces
    message: str
    problem: PolicyTree


def solved(
    problem: PolicyTree, *, gap: float, seconds: float | None, start: Sequence[Floats] | None, usd: float
) -> Solved:
    """The best levels of a policy tree within a gap. start: levels of each node that keep every limit. usd: dollars of
    one unit of the model's money.

    With a weight the solver sees some cuts of the tail; where its answer breaks others they are added, and it goes on
    from that answer. Its bound holds all the same, since cuts left out only loosen.
    """
    began = time.perf_counter()
    measure, best, bound = problem.measure, start, None
    value = -np.inf if start is None else measure.value(problem.npv(start))
    if problem.risky:
        # one for all futures of each leaf keeps t from below, whatever others are broken
        problem = replace(problem, cuts=tuple(
            TailCut(leaf, problem.tree.nodes[leaf].futures) for leaf in problem.tree.leaves
        ))
        problem = _cut_on_relaxation(problem, start, gap=gap, seconds=seconds)
    for _ in range(MOST_ROUNDS // 5):
        left = None if seconds is None else max(seconds - (time.perf_counter() - began), 0.0)
        given = None if best is None else problem.start(best)
        answer = solve_tree(problem.model, gap=gap / 2.0 if problem.risky else gap, time_limit_s=left, start=given)
        if answer.bound is not None:
            bound = answer.bound if bound is None else min(bound, answer.bound)
        if not answer.levels:
            break
        levels = problem.by_node(answer.levels)
        reached = measure.value(problem.npv(levels))
        if reached > value:
            best, value = levels, reached
        assert answer.objective is not None
        if not problem.risky or bound is None or bound - value <= gap * max(abs(value), 1.0) or left == 0.0:
            break
        cuts = _new(problem, problem.broken_cuts(levels, value_at_risk(problem.npv(levels), measure)))
        if not cuts:
            break
        problem = replace(problem, cuts=(*problem.cuts, *cuts))
    found = None
    if best is not None and (answer.levels or start is not None):
        npv = problem.npv(best) * usd
        found = outcome(list(best), npv, measure, None if bound is None else bound * usd, usd)
    status = answer.status
    if found is not None:
        status = Status.OPTIMAL if found.gap is not None and found.gap <= gap else Status.FEASIBLE
    return Solved(status, found, answer.pieces, answer.message, problem)


def _cut_on_relaxation(
    problem: PolicyTree, start: Sequence[Floats] | None, *, gap: float, seconds: float | None
) -> PolicyTree:
    """The problem with the cuts that its relaxation breaks, one round after another, as far as the time goes."""
    if start is not None:
        at_risk = value_at_risk(problem.npv(start), problem.measure)
        problem = replace(problem, cuts=(*problem.cuts, *_new(problem, problem.broken_cuts(start, at_risk))))
    model = extensive(problem.model.tree())
    lp = GrowingLp.of(model.arrays, seconds=seconds)
    for _ in range(MOST_ROUNDS):
        try:
            vertex = lp.solve()
        except NoVertex:  # no time, or no answer: the search with whole decisions says which
            break
        levels = problem.by_node(dict(zip(problem.model.nodes, model.split(vertex.levels).values(), strict=True)))
        npv = problem.npv(levels)
        if vertex.value - problem.measure.value(npv) <= gap / 4.0 * max(abs(vertex.value), 1.0):
            break
        at_risk = vertex.levels[model.column[0] + len(problem.columns[0])]
        cuts = _new(problem, problem.broken_cuts(levels, at_risk))
        if not cuts:
            break
        rows = _rows(replace(problem, cuts=cuts), model)
        lp.add_rows(np.zeros(rows.shape[0]), np.full(rows.shape[0], np.inf), rows)
        problem = replace(problem, cuts=(*problem.cuts, *cuts))
    return problem


def _new(problem: PolicyTree, cuts: Sequence[TailCut]) -> tuple[TailCut, ...]:
    known = {(cut.leaf, cut.futures.tobytes()) for cut in problem.cuts}
    return tuple(cut for cut in cuts if (cut.leaf, cut.futures.tobytes()) not in known)


def _rows(problem: PolicyTree, model: Extensive) -> sp.csr_array:
    """The rows of the cuts of a problem over the columns of its whole model."""
    leaves, value, row, column = set(problem.tree.leaves), [], [], []
    for at, cut in enumerate(problem.cuts):
        for number, block in problem.cut_rows([cut], problem.tree.path(cut.leaf), leaves).items():
            value.append(block.data)
            column.append(block.indices + model.of_node(number).start)
            row.append(np.full(block.nnz, at))
    cells = (np.concatenate(value), (np.concatenate(row), np.concatenate(column)))
    return sp.csr_array(cells, shape=(len(problem.cuts), model.column[-1]))

"""What it is worth to sign a thing now, and to keep another open: policies without that freedom, held against the best.

Signing now: the thing is taken out of the first decisions, and may be signed later or never. Keeping open: the thing is
decided alike in all nodes of its stage, so that nothing learnt before it can tell. Either way what the policy loses is
the answer; it is never negative, for each takes something away.

The loss lies between two figures: the relaxation of the policy so bound, solved from its last basis, whose value no
such policy exceeds; and the best that was found among those whose decisions the policy and that relaxation share
(Danna, Rothberg, Le Pape, Mathematical Programming 102 (2005), 71-90).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import scipy.sparse as sp

from planner.adapting.decisions import Decision, Sort, Verdict, stages_of
from planner.adapting.policy import Choice, Policy, Worth
from planner.adapting.policy_tree import PolicyTree
from planner.arrays import Floats, Ints
from planner.solver.growing_lp import GrowingLp, NoVertex
from planner.solver.model_arrays import ModelArrays
from planner.solver.scenario_tree.components import solved_in_pieces
from planner.solver.scenario_tree.engine import Clock
from planner.solver.scenario_tree.extensive import Extensive, extensive
from planner.solver.solution import TOLERANCE, cleaned, verify

MOST = 12
"""Things of each sort of answer that are looked at: those that commit most, or whose amount turns most."""
SECONDS = 20.0
"""Seconds for the answer found beside each bound."""
WHOLE = 1e-6


def worth_of_waiting(policy: Policy, say: Callable[[str], None]) -> dict[tuple[str, str], Worth]:
    """What signing now or keeping open is worth, by sort and name of the thing."""
    assert policy.best is not None
    looked = _Looked.of(policy)
    found = {}
    for choice in asked(policy):
        say(f"what {choice.thing.label} is worth")
        thing = choice.thing
        bounds = looked.without(choice.decision)
        found[str(thing.sort), thing.name] = looked.worth(bounds)
    return found


def asked(policy: Policy) -> list[Choice]:
    """The choices whose worth is looked at: sites, phases, leases and links, the greatest first."""
    single = [choice for choice in policy.choices if choice.thing.sort not in (Sort.HALLS, Sort.GPUS)]
    now = [choice for choice in single if choice.decision.verdict is Verdict.NOW]
    open_ = [choice for choice in single if choice.decision.verdict is Verdict.OPEN]
    return [*now[:MOST], *open_[:MOST]]


@dataclass(frozen=True)
class _Bounds:
    """What is taken away: columns of the whole model held at a level, and rows whose value must be 0."""

    columns: Ints
    level: Floats
    rows: sp.csr_array


@dataclass
class _Looked:
    """The whole model of a policy, its relaxation kept by HiGHS, and the policy's own levels.

    levels: of the policy, (columns,). usd: dollars of one unit of the model's money.
    """

    policy: Policy
    problem: PolicyTree
    whole: Extensive
    lp: GrowingLp
    levels: Floats
    usd: float

    @staticmethod
    def of(policy: Policy) -> _Looked:
        """The model with its relaxation solved once."""
        assert policy.best is not None
        problem = policy.problem
        whole = extensive(problem.model.tree())
        lp = GrowingLp.of(whole.arrays)
        lp.solve()
        start = problem.start(policy.best.levels)
        levels = np.concatenate([start[handle] for handle in problem.model.nodes])
        return _Looked(policy, problem, whole, lp, levels, problem.staged.formulation.money)

    def without(self, decision: Decision) -> _Bounds:
        """What takes the freedom of a decision away: signed now, it may not be; left open, it is decided alike."""
        none = np.zeros(0, dtype=np.int64)
        amounts = amounts_by_stage(self.policy, decision)
        if decision.verdict is Verdict.NOW:
            columns = np.flatnonzero(amounts[0])
            lower = self.problem.staged.arrays.col_lower[columns]
            at = self.whole.of_node(0).start + np.searchsorted(self.problem.columns[0], columns)
            return _Bounds(at, lower, sp.csr_array((0, self.whole.column[-1])))
        rows = []
        for stage, amount in amounts.items():
            nodes = self.policy.tree.of_stage(stage)
            own = amount[self.problem.columns[stage]]
            for one, other in pairwise(nodes):
                row = np.zeros(self.whole.column[-1])
                for number, sign in ((one, 1.0), (other, -1.0)):
                    first = self.whole.of_node(number).start
                    row[first : first + len(own)] = sign * own
                rows.append(sp.csr_array(row[None, :]))
        return _Bounds(none, np.zeros(0), sp.vstack(rows, format="csr"))

    def worth(self, bounds: _Bounds) -> Worth:
        """What the policy loses under some bounds."""
        arrays, lp = self.whole.arrays, self.lp
        lp.change_bounds(bounds.columns, bounds.level, bounds.level)
        first, zero = lp.rows, np.zeros(bounds.rows.shape[0])
        if len(zero):
            lp.add_rows(zero, zero, bounds.rows)
        best = self.policy.best
        assert best is not None
        worth = Worth(0.0, None)
        try:
            vertex = lp.solve()
            least = max(best.objective_usd - vertex.value * self.usd, 0.0)
            worth = Worth(least, self._found(bounds, vertex.levels, best.objective_usd))
        except NoVertex:
            worth = Worth(np.inf, None)  # nothing can be done without it
        lp.change_bounds(bounds.columns, arrays.col_lower[bounds.columns], arrays.col_upper[bounds.columns])
        lp.free_rows(first)
        return worth

    def _found(self, bounds: _Bounds, relaxed: Floats, objective_usd: float) -> float | None:
        """What the best loses that was found near policy and relaxation."""
        bounded = _bounded(self.whole.arrays, bounds)
        agreed = bounded.integer & (np.abs(self.levels - relaxed) <= WHOLE)
        level = np.where(agreed, np.round(self.levels), 0.0)
        lower = np.where(agreed, level, bounded.col_lower)
        upper = np.where(agreed, level, bounded.col_upper)
        near = replace(bounded, col_lower=lower, col_upper=upper)
        answer = solved_in_pieces(near, gap=1e-3, clock=Clock.of(SECONDS)).levels
        if answer is None:
            return None
        clean = cleaned(bounded, answer)
        if not verify(bounded, clean).within(TOLERANCE):
            return None
        npv = self.problem.npv(self.problem.by_node(dict(
            zip(self.problem.model.nodes, self.whole.split(clean).values(), strict=True)
        )))
        return max(objective_usd - self.problem.measure.value(npv) * self.usd, 0.0)


def amounts_by_stage(policy: Policy, decision: Decision) -> dict[int, Floats]:
    """How much of a thing a unit of each column of the staged model is, by the stage in which it is decided."""
    staged, thing, candidates = policy.problem.staged, decision.thing, policy.candidates
    stages = stages_of(thing, candidates, policy.tree.reviews)
    columns = len(staged.column_stage)
    found = {}
    for stage in np.unique(stages).tolist():
        amount = np.zeros(columns)
        own = stages == stage
        lease = candidates.columns["lease"][thing.members[0]]
        if thing.sort is Sort.LEASE and lease in staged.sold:
            amount[columns - len(staged.sold) + int(np.searchsorted(staged.sold, lease))] = 1.0
        else:
            units = np.zeros(len(candidates))
            units[thing.members[own]] = thing.units[own]
            formulation = staged.formulation
            amount[: len(formulation.unit)] = (formulation.level_of.T @ units) * formulation.unit
            amount[staged.column_stage != stage] = 0.0
        found[stage] = amount
    return found


def _bounded(arrays: ModelArrays, bounds: _Bounds) -> ModelArrays:
    """The model with what is taken away."""
    lower, upper = arrays.col_lower.copy(), arrays.col_upper.copy()
    lower[bounds.columns] = upper[bounds.columns] = bounds.level
    matrix = sp.vstack([arrays.matrix, bounds.rows], format="csr")
    zero = np.zeros(bounds.rows.shape[0])
    return replace(
        arrays, col_lower=lower, col_upper=upper, start=matrix.indptr.astype(np.int32),
        index=matrix.indices.astype(np.int32), value=matrix.data, row_lower=np.concatenate([arrays.row_lower, zero]),
        row_upper=np.concatenate([arrays.row_upper, zero]),
        row_names=(*arrays.row_names, *(f"alike {at}" for at in range(len(zero)))),
    )

"""What it is worth to sign a thing now, and to keep another open: policies without that freedom, held against the best.

Signing now: the thing is taken out of the first decisions, and may be signed later or never. Keeping open: the thing is
decided alike in all nodes of its stage, so that nothing learnt before it can tell. Either way what the policy loses is
the answer; it is never negative, for each takes something away.

All are compared on the relaxation, in which integers are continuous, each solved from the basis of the last.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise

import numpy as np
import scipy.sparse as sp

from planner.adapting.decisions import Decision, Sort, Verdict, stages_of
from planner.adapting.policy import Choice, Policy, Worth
from planner.adapting.policy_tree import PolicyTree
from planner.arrays import Floats, Ints
from planner.solver.growing_lp import GrowingLp, NoVertex
from planner.solver.scenario_tree.extensive import Extensive, extensive
from planner.solver.side_by_side import Stop, side_by_side
from planner.solver.status import Status
from planner.wording import counted

MOST = 5
"""Things signed now, and things left open, that are looked at: those with most at stake. Each is a relaxation of the
whole tree solved again, seconds to a minute."""


def worth_of_waiting(
    policy: Policy, say: Callable[[str], None], seconds: float | None
) -> dict[tuple[str, str], Worth]:
    """What signing now or keeping open is worth, by sort and name of the thing, as far as the time goes."""
    chosen = asked(policy)
    if not chosen:
        return {}
    say(f"what {counted(len(chosen), 'decision')} with most at stake are worth")
    try:
        looked = _Looked.of(policy, seconds)
    except NoVertex as stopped:
        if stopped.status is not Status.TIME_LIMIT:
            raise
        return {}
    # two rows of solves whatever the cores, each from the basis of its last: what is found does not depend on them
    rows = [(looked, chosen[0::2]), (looked.twin(), chosen[1::2])]
    found: dict[tuple[str, str], Worth] = {}
    for some in side_by_side([partial(one.worths, choices) for one, choices in rows]):
        found |= some
    return {key: found[key] for key in map(_key, chosen) if key in found}


def _key(choice: Choice) -> tuple[str, str]:
    return str(choice.thing.sort), choice.thing.name


def asked(policy: Policy) -> list[Choice]:
    """The choices whose worth is looked at: sites, phases, leases and links that nobody has fixed, those with most at
    stake."""
    candidates = policy.candidates
    fixed = candidates.lower == candidates.upper
    single = [
        choice for choice in policy.choices
        if choice.thing.sort not in (Sort.HALLS, Sort.GPUS) and not fixed[choice.thing.members].all()
    ]
    found = []
    for verdict in (Verdict.NOW, Verdict.OPEN):
        some = [choice for choice in single if choice.decision.verdict is verdict]
        found += sorted(some, key=lambda choice: -_at_stake(policy, choice))[:MOST]
    return found


def _at_stake(policy: Policy, choice: Choice) -> float:
    """Dollars of NPV, in the base case, of what is signed now; of what is left open, by how much they differ between
    paths."""
    members = choice.thing.members
    npv = [float(policy.candidates.npv_usd[members] @ levels[members]) for levels in policy.levels.values()]
    return abs(npv[0]) if choice.decision.verdict is Verdict.NOW else max(npv) - min(npv)


@dataclass(frozen=True)
class _Bounds:
    """What is taken away: columns of the whole model held at a level, and rows whose value must be 0."""

    columns: Ints
    level: Floats
    rows: sp.csr_array


@dataclass
class _Looked:
    """The whole model of a policy and its relaxation, kept by HiGHS; value: of that, in the model's money."""

    policy: Policy
    problem: PolicyTree
    extensive: Extensive
    lp: GrowingLp
    value: float

    @property
    def usd(self) -> float:
        """Dollars of one unit of the model's money."""
        return self.policy.grounds.usd

    @staticmethod
    def of(policy: Policy, seconds: float | None) -> _Looked:
        """The model with its relaxation solved once; seconds: for it and all that is solved from it."""
        problem = policy.problem
        model = extensive(problem.model.tree())
        lp = GrowingLp.of(model.arrays, seconds=seconds)
        return _Looked(policy, problem, model, lp, lp.solve().value)

    def twin(self) -> _Looked:
        """The same on a solver of its own."""
        return replace(self, lp=self.lp.twin())

    def worths(self, choices: Sequence[Choice], stop: Stop) -> dict[tuple[str, str], Worth]:
        """What some things are worth, by sort and name, as far as the time goes."""
        found = {}
        for choice in choices:
            stop()
            try:
                found[_key(choice)] = self.worth(self.without(choice.decision))
            except NoVertex as stopped:
                if stopped.status is not Status.TIME_LIMIT:
                    raise
                break
        return found

    def without(self, decision: Decision) -> _Bounds:
        """What takes the freedom of a decision away: signed now, it may not be; left open, it is decided alike."""
        none = np.zeros(0, dtype=np.int64)
        amounts = amounts_by_stage(self.policy, decision)
        if decision.verdict is Verdict.NOW:
            columns = np.flatnonzero(amounts[0])
            lower = self.problem.staged.arrays.col_lower[columns]
            at = self.extensive.of_node(0).start + np.searchsorted(self.problem.columns[0], columns)
            return _Bounds(at, lower, sp.csr_array((0, self.extensive.column[-1])))
        rows = []
        for stage, amount in amounts.items():
            nodes = self.policy.tree.of_stage(stage)
            own = amount[self.problem.columns[stage]]
            for one, other in pairwise(nodes):
                row = np.zeros(self.extensive.column[-1])
                for number, sign in ((one, 1.0), (other, -1.0)):
                    first = self.extensive.of_node(number).start
                    row[first : first + len(own)] = sign * own
                rows.append(sp.csr_array(row[None, :]))
        return _Bounds(none, np.zeros(0), sp.vstack(rows, format="csr"))

    def worth(self, bounds: _Bounds) -> Worth:
        """What the policy loses under some bounds."""
        arrays, lp = self.extensive.arrays, self.lp
        lp.change_bounds(bounds.columns, bounds.level, bounds.level)
        first, zero = lp.rows, np.zeros(bounds.rows.shape[0])
        if len(zero):
            lp.add_rows(zero, zero, bounds.rows)
        best = self.policy.best
        assert best is not None
        try:
            value = lp.solve().value
            worth = Worth(
                max(self.value - value, 0.0) * self.usd, max(best.objective_usd - value * self.usd, 0.0)
            )
        except NoVertex as stopped:
            if stopped.status is not Status.INFEASIBLE:
                raise
            worth = Worth(np.inf, np.inf)  # nothing can be done without it
        lp.change_bounds(bounds.columns, arrays.col_lower[bounds.columns], arrays.col_upper[bounds.columns])
        lp.free_rows(first)
        return worth


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

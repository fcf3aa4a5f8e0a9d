"""A future walked that no tree has seen: at each review what is known is known, the rest is planned again, and at the
end the cash is counted that the future really brought.

A re-plan at a review takes those futures of its node that are nearest to what is known (by the features that tell nodes
apart) for the futures that are still possible, and their mean for what each decision is worth. What was decided before
stays: contracts run to their end, and no window is cut.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from planner.adapting.decisions import Verdict
from planner.adapting.known import Known, known_at
from planner.adapting.nodes import shares
from planner.adapting.policy import Choice, Policy
from planner.adapting.waiting import amounts_by_stage
from planner.arrays import Flags, Floats, Ints
from planner.scenarios.futures import Futures
from planner.solver.growing_lp import GrowingLp
from planner.solver.scenario_tree.components import solved_in_pieces
from planner.solver.scenario_tree.engine import Clock
from planner.solver.solution import TOLERANCE, cleaned, verify

NEAREST = 0.1
"""Share of the tree's futures that a re-plan takes for those that are still possible."""
FEWEST = 20
"""Futures that it takes at least, where there are as many."""
GAP = 2e-3
"""Gap to which a re-plan is solved."""
SECONDS = 60.0
"""Seconds that a re-plan may take; then what was planned before goes on."""


@dataclass(frozen=True)
class Walked:
    """What each way of deciding brings in one future, dollars; known_usd: at most, a plan that knew the future (its
    relaxation).

    says, took: of each thing that the policy leaves open, whether its sign says yes in this future, and whether the
    policy, re-planned, then took it, (open things,). replans: how many were made, stopped: how many of them ended
    without an answer.
    """

    future: int
    policy_usd: float
    rule_usd: float
    steady_usd: float
    base_usd: float
    base_again_usd: float
    known_usd: float
    says: Flags
    took: Flags
    replans: int
    stopped: int


@dataclass(eq=False)
class Walker:
    """Walks futures. rule: follow the nodes of the policy, in place of planning again."""

    policy: Policy
    futures: Futures
    rule: bool

    def __post_init__(self) -> None:
        self.values = self.policy.grounds.values_in(self.futures)
        tree, outlook = self.policy.tree, self.policy.candidates.outlook
        self.known = [known_at(outlook, self.futures, month) for month in tree.reviews]
        self.features = [
            scale.features(known, len(self.futures)) for scale, known in zip(tree.scales, self.known, strict=True)
        ]
        self.nodes = self._nodes()
        self.open = [
            choice for choice in self.policy.chosen(Verdict.OPEN) if choice.sign is not None
        ]
        self.says = np.array([self._says(choice) for choice in self.open]).reshape(len(self.open), len(self.futures))
        self._lp: GrowingLp | None = None

    def _nodes(self) -> list[Ints]:
        """The node of each stage to which each future comes, (futures,) each."""
        found = [np.zeros(len(self.futures), dtype=np.int64)]
        for features in self.features:
            following = np.zeros(len(self.futures), dtype=np.int64)
            for number in np.unique(found[-1]).tolist():
                own = found[-1] == number
                following[own] = self.policy.tree.followed(number, features[own])
            found.append(following)
        return found

    def _says(self, choice: Choice) -> Flags:
        """Whether a sign says yes in each future, (futures,)."""
        stage = self.policy.sign_stage(choice.decision)
        assert stage is not None
        assert choice.sign is not None
        figures: list[Known] = self.known[stage - 1]
        level = {each.name: each.level for each in figures}.get(choice.sign.figure.name)
        if level is None:  # the same in all of these futures: as the tree's futures are on average
            level = np.full(len(self.futures), float(np.mean(choice.sign.figure.level)))
        return choice.sign.says(level)

    def __call__(self, future: int) -> Walked:
        """Walk one future, by its number."""
        policy = self.policy
        assert policy.best is not None
        assert policy.steady is not None
        assert policy.base is not None
        usd, value = policy.grounds.usd, self.values[:, future]
        leaf = int(self.nodes[-1][future])
        rule = policy.problem.path_columns(policy.best.levels, leaf)
        one = policy.grounds.never_changing
        steady, base = (
            one.path_columns(each.levels, one.tree.leaves[0]) for each in (policy.steady, policy.base)
        )
        again, base_again, made, stopped = rule, base, 0, 0
        if not self.rule:
            again, first, lost = self._walked(rule, future)
            base_again, second, also = self._walked(base, future)
            made, stopped = first + second, lost + also
        known = float("nan") if self.rule else self._known(value) * usd
        return Walked(
            future, float(again @ value) * usd, float(rule @ value) * usd, float(steady @ value) * usd,
            float(base @ value) * usd, float(base_again @ value) * usd, known, self.says[:, future], self._took(again),
            made, stopped,
        )

    def _walked(self, columns: Floats, future: int) -> tuple[Floats, int, int]:
        """Columns of a path, planned again at each review; how many re-plans were made, and how many gave none."""
        stopped = 0
        for stage, features in enumerate(self.features, start=1):
            node = self.policy.tree.nodes[int(self.nodes[stage][future])]
            found = self._planned_again(columns, stage, self._near(stage, node.futures, features[future]))
            stopped += int(found is None)
            columns = columns if found is None else found
        return columns, len(self.features), stopped

    def _planned_again(self, columns: Floats, stage: int, near: Ints) -> Floats | None:
        """The best columns from a stage on over some futures of the tree, what was decided before it held; None without
        an answer in time."""
        staged, tree = self.policy.problem.staged, self.policy.tree
        share = shares(tree.weights[near])
        held = staged.column_stage < stage
        arrays = staged.arrays
        cost = self.policy.problem.values[:, near] @ share
        again = replace(
            arrays, cost=cost, col_lower=np.where(held, columns, arrays.col_lower),
            col_upper=np.where(held, columns, arrays.col_upper),
        )
        answer = solved_in_pieces(again, gap=GAP, clock=Clock.of(SECONDS)).levels
        if answer is None:
            return None
        clean = cleaned(again, answer)
        if not verify(again, clean).within(TOLERANCE) or cost @ clean < cost @ columns:
            return None
        return clean

    def _near(self, stage: int, members: Ints, features: Floats) -> Ints:
        """Those of some futures of the tree that are nearest to some features at the review of a stage."""
        known = self._tree_features[stage - 1]
        count = max(int(NEAREST * len(known)), FEWEST)
        distance = ((known[members] - features) ** 2).sum(axis=1)
        return np.sort(members[np.argsort(distance, kind="stable")[:count]])

    @cached_property
    def _tree_features(self) -> list[Floats]:
        return [self.policy.tree.features(stage) for stage in range(1, len(self.features) + 1)]

    def _known(self, value: Floats) -> float:
        """What the best plan for one future alone is worth at most, in the model's money."""
        if self._lp is None:
            self._lp = GrowingLp.of(self.policy.problem.staged.arrays)
        self._lp.change_costs(np.arange(len(value)), np.ascontiguousarray(value))
        return self._lp.solve().value

    def _took(self, columns: Floats) -> Flags:
        """Whether each thing left open is taken by some columns, (open things,)."""
        return np.array([float(amount @ columns) > middle for amount, middle in self._measures], dtype=bool)

    @cached_property
    def _measures(self) -> list[tuple[Floats, float]]:
        """Of each thing left open, what of it each column is at the review of its sign, and the amount that counts as
        taken."""
        found = []
        for choice in self.open:
            stage = self.policy.sign_stage(choice.decision)
            assert stage is not None
            nodes = list(self.policy.tree.of_stage(stage))
            own = amounts_by_stage(self.policy, choice.decision)[stage]
            reached = np.array([
                own @ self.policy.problem.path_columns(self._levels, self._leaf_below(number)) for number in nodes
            ])
            found.append((own, float(reached.min() + reached.max()) / 2.0))
        return found

    @property
    def _levels(self) -> tuple[Floats, ...]:
        assert self.policy.best is not None
        return self.policy.best.levels

    def _leaf_below(self, number: int) -> int:
        tree = self.policy.tree
        return next(leaf for leaf in tree.leaves if number in tree.path(leaf))

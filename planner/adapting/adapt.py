"""The making of a policy: futures, what is known of them, the tree, its best levels, and what they are held against."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import numpy as np

from kernels.blas_threads import one_blas_thread
from planner.adapting.grounds import Grounds, Say
from planner.adapting.nodes import group_futures
from planner.adapting.options import AdaptOptions, refuse_what_no_policy_has
from planner.adapting.outcome import Outcome, outcome
from planner.adapting.policy import Foreseen, Policy
from planner.adapting.policy_tree import PolicyTree
from planner.adapting.solving import Solved, solved
from planner.adapting.waiting import worth_of_waiting
from planner.arrays import Floats, Ints
from planner.case.case import Case
from planner.case.edits import changed_case
from planner.case.read import as_case
from planner.errors import PlannerError
from planner.planning.options import PlanOptions
from planner.solver.growing_lp import GrowingLp, NoVertex
from planner.solver.side_by_side import Stop, side_by_side
from planner.solver.status import Status

STEADY_GAP = 1e-3
"""Gap of the plans of one node a stage, which the policy begins from and is held against."""
ROOM = 1e-9
"""Share of itself by which a value may fail the order of values through rounding."""


def adapted(
    case: Case | str | Path, options: PlanOptions | None = None, adapt: AdaptOptions | None = None, *,
    say: Say | None = None,
) -> Policy:
    """The best policy of a case: what to sign now, what to leave open, and what that is worth.

    say: called with what is being done. A policy whose solve fails or stops is an answer with that status. Raises
    PlannerError for another solver than HiGHS, and where the order of values fails, which would be a fault of ours.
    """
    chosen, asked = options or PlanOptions(), adapt or AdaptOptions()
    refuse_what_no_policy_has(chosen)
    tell = say or (lambda what: None)
    grounds = Grounds.of(changed_case(as_case(case), chosen.edits, chosen.stress), chosen, asked, tell)
    return _Making(grounds, tell, dict(grounds.seconds)).run()


@dataclass(eq=False)
class _Making:
    """A policy in the making. seconds: by stage."""

    grounds: Grounds
    say: Say
    seconds: dict[str, float]
    _last: float = field(default_factory=time.perf_counter)

    @property
    def gap(self) -> float:
        """Gap asked for."""
        return self.grounds.options.solver.gap

    @one_blas_thread()
    def run(self) -> Policy:
        """Base plan, grouping, plan that never changes, policy, and what it is held against."""
        grounds = self.grounds
        first = self._base()
        base = first.found
        if base is None:
            return self._without(first)
        problem = policy_problem(grounds, base.npv_usd)
        one = grounds.never_changing
        steady = self._solved("the plan that never changes", one, min(self.gap, STEADY_GAP), list(base.levels))
        if steady.found is None:
            return self._without(steady)
        same = problem.split(one.path_columns(steady.found.levels, one.tree.leaves[0]))
        best = self._solved("the policy", problem, self.gap, same)
        assert best.found is not None  # it begins from the plan that never changes
        held = self._base_held(problem, base)
        found = best.found
        if held is not None and held.objective_usd > found.objective_usd:
            # within the gap what the base plan leaves may be better than the best that was found: then it is the policy
            found = replace(held, bound_usd=found.bound_usd)
        policy = Policy(
            grounds, problem, best.status, best.message, found, steady.found, base, held, self._foreseen(found),
            best.pieces, self.seconds,
        )
        _check_order(policy)
        if grounds.adapt.worth:
            self._last = time.perf_counter()
            policy = policy.with_worth(worth_of_waiting(policy, self.say, self._left()))
            self._lap("worth")
        return policy

    def _lap(self, stage: str) -> None:
        now = time.perf_counter()
        self.seconds[stage] = self.seconds.get(stage, 0.0) + now - self._last
        self._last = now

    def _left(self) -> float | None:
        limit = self.grounds.options.solver.time_limit_s
        if limit is None:
            return None
        spent = sum(seconds for stage, seconds in self.seconds.items() if stage not in BUILT)
        return max(limit - spent, 0.0)

    def _solved(self, what: str, problem: PolicyTree, gap: float, start: list[Floats] | None) -> Solved:
        self.say(f"looking for {what}")
        self._last = time.perf_counter()
        found = solved(problem, gap=gap, seconds=self._left(), start=start, usd=self.grounds.usd)
        self._lap(what)
        return found

    def _base(self) -> Solved:
        """The plan of the base case; its outcome is over the futures."""
        grounds = self.grounds
        solved_ = self._solved("the base plan", grounds.of_base_case, min(self.gap, STEADY_GAP), None)
        if solved_.found is None:
            return solved_
        npv = grounds.never_changing.npv(solved_.found.levels) * grounds.usd
        return replace(solved_, found=outcome(list(solved_.found.levels), npv, grounds.measure, None, grounds.usd))

    def _base_held(self, problem: PolicyTree, base: Outcome) -> Outcome | None:
        """The base plan's first decisions held, and the rest adapted: what it is worth to plan for many. None without
        time."""
        if self._left() == 0.0:
            return None
        root = base.levels[0]
        held = problem.with_bounds({0: (root, root)})
        one = self.grounds.never_changing
        same = held.split(one.path_columns(base.levels, one.tree.leaves[0]))
        return self._solved("what the base plan's first decisions leave", held, self.gap, same).found

    def _foreseen(self, best: Outcome) -> Foreseen | None:
        """What plans that know their future are worth at most, over a sample of futures: each a relaxation. As many as
        the time allows, None without any."""
        grounds, futures = self.grounds, self.grounds.futures
        count = min(grounds.adapt.information, len(futures))
        if not count:
            return None
        self.say(f"planning for {count} futures known beforehand")
        self._last = time.perf_counter()
        count = min(count, int(np.count_nonzero(grounds.measure.probability)))
        chosen = np.random.default_rng(futures.seed).choice(
            len(futures), count, replace=False, p=grounds.measure.probability
        )
        # two rows of solves whatever the cores, each from the basis of its last: what is found does not depend on them
        halves = np.array_split(chosen, 2)
        known = side_by_side([partial(_known_usd, grounds, half, self._left()) for half in halves])
        self._lap("known futures")
        met = np.concatenate([half[: len(values)] for half, values in zip(halves, known, strict=True)])
        return Foreseen(met, np.concatenate(known), best.npv_usd[met]) if len(met) else None

    def _without(self, failed: Solved) -> Policy:
        return Policy(
            self.grounds, failed.problem, failed.status, failed.message, None, None, None, None, None, failed.pieces,
            self.seconds,
        )


def _known_usd(grounds: Grounds, futures: Ints, seconds: float | None, stop: Stop) -> Floats:
    """What plans that know their future are worth at most in some futures, as many as the time allows."""
    lp = GrowingLp.of(grounds.staged.arrays, seconds=seconds)
    every = np.arange(grounds.staged.arrays.columns)
    found: list[float] = []
    for future in futures.tolist():
        stop()
        lp.change_costs(every, np.ascontiguousarray(grounds.values[:, future]))
        try:
            found.append(lp.solve().value * grounds.usd)
        except NoVertex as stopped:
            if stopped.status is not Status.TIME_LIMIT:
                raise
            break
    return np.array(found)


def policy_problem(grounds: Grounds, base_npv_usd: Floats) -> PolicyTree:
    """The tree of a policy: futures grouped by what is known; base_npv_usd: of the base plan by future, (S,)."""
    groups = grounds.adapt.groups(len(grounds.reviews))
    tree = group_futures(
        grounds.candidates.outlook, grounds.futures, base_npv_usd, grounds.reviews, groups, grounds.futures.seed
    )
    return PolicyTree(grounds.staged, tree, grounds.values, grounds.measure)


BUILT = ("candidates", "values")
"""Stages that the time limit is not for."""


def _check_order(policy: Policy) -> None:
    """Best plan that never changes <= best policy <= plans that know their future; a breach is a fault of ours."""
    best, steady, foreseen = policy.best, policy.steady, policy.foreseen
    assert best is not None
    assert steady is not None
    room = ROOM * max(abs(best.objective_usd), 1.0)
    if steady.objective_usd > best.objective_usd + room:
        raise PlannerError(
            f"the plan that never changes is worth ${steady.objective_usd:,.0f} and the policy "
            f"${best.objective_usd:,.0f}: that cannot be; please report it with the case"
        )
    if foreseen is None:
        return
    if (foreseen.known_usd < foreseen.policy_usd - 1e-6 * np.abs(foreseen.known_usd) - 1.0).any():
        raise PlannerError(
            "in some future the policy is worth more than the best plan that knows it: that cannot be; please report "
            "it with the case"
        )


"""The making of a policy: futures, what is known of them, the tree, its best levels, and what they are held against."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from kernels.blas_threads import one_blas_thread
from planner.adapting.nodes import group_futures, one_node_each
from planner.adapting.options import AdaptOptions
from planner.adapting.outcome import Outcome, outcome
from planner.adapting.policy import Foreseen, Policy
from planner.adapting.policy_tree import PolicyTree
from planner.adapting.reviews import review_months
from planner.adapting.solving import Solved, solved
from planner.adapting.staged_model import StagedModel, stage_model
from planner.adapting.waiting import worth_of_waiting
from planner.arrays import Floats
from planner.candidates.build import CandidateSet
from planner.case.case import Case
from planner.case.edits import changed_case
from planner.case.read import as_case
from planner.errors import PlannerError
from planner.planning.options import PlanOptions
from planner.risk.worth import candidate_values, endings_are_certain
from planner.scenarios.futures import Futures
from planner.solver.column_generation.mean_cvar import MeanCvar
from planner.solver.growing_lp import GrowingLp

Say = Callable[[str], None]
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
    if chosen.solver.solver != "highs" or chosen.solver.relax or chosen.solver.deadline_s is not None:
        raise PlannerError(
            "a policy is made by HiGHS, its decisions whole; leave --solver, --relax and --solver-deadline out"
        )
    if chosen.why:
        raise PlannerError("--why explains a plan of greatest NPV, not a policy; leave it out, or leave --adapt out")
    return _Making.of(changed_case(as_case(case), chosen.edits, chosen.stress), chosen, asked, say).run()


@dataclass(eq=False)
class _Making:
    """A policy in the making. seconds: by stage."""

    case: Case
    options: PlanOptions
    adapt: AdaptOptions
    say: Say
    candidates: CandidateSet
    futures: Futures
    staged: StagedModel
    values: Floats
    measure: MeanCvar
    seconds: dict[str, float]
    _last: float = field(default_factory=time.perf_counter)

    @staticmethod
    def of(case: Case, options: PlanOptions, adapt: AdaptOptions, say: Say | None) -> _Making:
        """Candidates and futures of a case, and the model by stages."""
        began = time.perf_counter()
        tell = say or (lambda what: None)
        tell("building candidates")
        candidates = options.candidates(case)
        calendar = candidates.outlook.calendar
        reviews = review_months(adapt.reviews, calendar)
        adapt.groups(len(reviews))  # a wrong number is refused before the work, not after it
        futures = adapt.futures(case, calendar)
        built = time.perf_counter()
        tell(f"valuing candidates in {len(futures):,} futures")
        values = candidate_values(candidates, futures, equity=options.equity, threads=options.solver.threads)
        staged = stage_model(candidates, reviews, keep_equals=not endings_are_certain(candidates, values))
        made = staged.values(values)
        measure = MeanCvar(adapt.weight, adapt.alpha, futures.weights)
        seconds = {"candidates": built - began, "values": time.perf_counter() - built}
        return _Making(case, options, adapt, tell, candidates, futures, staged, made, measure, seconds)

    @property
    def usd(self) -> float:
        """Dollars of one unit of the model's money."""
        return self.staged.formulation.money

    @property
    def reviews(self) -> tuple[int, ...]:
        """Months of the reviews."""
        return review_months(self.adapt.reviews, self.candidates.outlook.calendar)

    @property
    def gap(self) -> float:
        """Gap asked for."""
        return self.options.solver.gap

    @one_blas_thread()
    def run(self) -> Policy:
        """Base plan, grouping, plan that never changes, policy, and what it is held against."""
        base = self._base()
        if base is None:
            return self._without(self._stopped)
        tree = group_futures(
            self.candidates.outlook, self.futures, base.npv_usd, self.reviews, self.adapt.groups(len(self.reviews)),
            self.futures.seed,
        )
        one = self._one_node_each()
        steady = self._solved("the plan that never changes", one, min(self.gap, STEADY_GAP), list(base.levels))
        if steady.found is None:
            return self._without(steady)
        problem = PolicyTree(self.staged, tree, self.values, self.measure)
        same = problem.split(one.path_columns(steady.found.levels, one.tree.leaves[0]))
        best = self._solved("the policy", problem, self.gap, same)
        assert best.found is not None  # it begins from the plan that never changes
        held = self._base_held(problem, base)
        foreseen = self._foreseen(problem, best.found)
        policy = Policy(
            self.case, self.options, self.adapt, self.candidates, self.futures, problem, best.status, best.message,
            best.found, steady.found, base, held, foreseen, best.pieces, self.seconds,
        )
        _check_order(policy)
        if self.adapt.worth:
            policy = policy.with_worth(worth_of_waiting(policy, self.say))
            self._lap("worth")
        return policy

    def _lap(self, stage: str) -> None:
        now = time.perf_counter()
        self.seconds[stage] = self.seconds.get(stage, 0.0) + now - self._last
        self._last = now

    def _left(self) -> float | None:
        limit = self.options.solver.time_limit_s
        if limit is None:
            return None
        return max(limit - sum(self.seconds.get(stage, 0.0) for stage in SOLVED), 0.0)

    def _solved(self, what: str, problem: PolicyTree, gap: float, start: list[Floats] | None) -> Solved:
        self.say(f"looking for {what}")
        self._last = time.perf_counter()
        found = solved(problem, gap=gap, seconds=self._left(), start=start, usd=self.usd)
        self._lap(what)
        return found

    def _one_node_each(self) -> PolicyTree:
        tree = one_node_each(self.reviews, np.asarray(self.futures.weights))
        return PolicyTree(self.staged, tree, self.values, self.measure)

    def _base(self) -> Outcome | None:
        """The plan of the base case, its levels as columns of the staged model; None where there is none."""
        formulation = self.staged.formulation
        worth = formulation.npv_usd * formulation.unit / formulation.money
        values = np.concatenate([worth, np.zeros(len(self.staged.sold))])[:, None]
        certain = MeanCvar(0.0, self.adapt.alpha, np.ones(1))
        problem = PolicyTree(self.staged, one_node_each(self.reviews, np.ones(1)), values, certain)
        found = self._solved("the base plan", problem, min(self.gap, STEADY_GAP), None)
        if found.found is None:
            self._stopped = found
            return None
        npv = self._one_node_each().npv(found.found.levels) * self.usd
        base_npv = found.found.objective_usd
        self.base_npv_usd = base_npv
        return outcome(list(found.found.levels), npv, self.measure, None)

    def _base_held(self, problem: PolicyTree, base: Outcome) -> Outcome:
        """The base plan's first decisions held, and the rest adapted: what it is worth to plan for many."""
        root = base.levels[0]
        held = problem.with_bounds({0: (root, root)})
        one = self._one_node_each()
        same = held.split(one.path_columns(base.levels, one.tree.leaves[0]))
        found = self._solved("what the base plan's first decisions leave", held, self.gap, same).found
        assert found is not None
        return found

    def _foreseen(self, problem: PolicyTree, best: Outcome) -> Foreseen | None:
        """What plans that know their future are worth at most, over a sample of futures: each a relaxation."""
        count = min(self.adapt.information, len(self.futures))
        if not count:
            return None
        self.say(f"planning for {count} futures known beforehand")
        self._last = time.perf_counter()
        chosen = np.sort(
            np.random.default_rng(self.futures.seed).choice(
                len(self.futures), count, replace=False, p=self.measure.probability
            )
        )
        lp = GrowingLp.of(self.staged.arrays)
        every = np.arange(self.staged.arrays.columns)
        known = []
        for future in chosen.tolist():
            lp.change_costs(every, np.ascontiguousarray(self.values[:, future]))
            known.append(lp.solve().value * self.usd)
        self._lap("known futures")
        return Foreseen(chosen, np.array(known), best.npv_usd[chosen])

    def _without(self, failed: Solved) -> Policy:
        problem = failed.problem
        return Policy(
            self.case, self.options, self.adapt, self.candidates, self.futures, problem, failed.status, failed.message,
            None, None, None, None, None, failed.pieces, self.seconds,
        )


SOLVED = ("the base plan", "the plan that never changes", "the policy")
"""Stages that the time limit is for."""


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


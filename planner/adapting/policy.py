"""The policy: levels of every node of a tree of futures, what they decide, and what they are held against."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import pandas as pd

from planner.adapting.decisions import Decision, Sort, Thing, Verdict, decide, things_of
from planner.adapting.grounds import Grounds
from planner.adapting.nodes import NodeTree
from planner.adapting.options import AdaptOptions
from planner.adapting.outcome import Outcome
from planner.adapting.policy_tree import PolicyTree
from planner.adapting.reviews import stage_of
from planner.adapting.signs import Sign, best_sign
from planner.arrays import Floats, Ints
from planner.candidates.build import CandidateSet
from planner.case.case import Case
from planner.formulation.allocate import clean
from planner.planning.options import PlanOptions
from planner.plans.commitments import decisions_table
from planner.scenarios.futures import Futures
from planner.solver.column_generation.mean_cvar import MeanCvar
from planner.solver.scenario_tree.solution import Pieces
from planner.solver.status import Status


@dataclass(frozen=True)
class Foreseen:
    """Some futures known beforehand: their numbers, what the best plan for each alone is worth at most (a relaxation),
    and what the policy is worth in it, dollars, (sample,)."""

    futures: Ints
    known_usd: Floats
    policy_usd: Floats

    @property
    def gain_usd(self) -> float:
        """Mean of what perfect knowledge would bring at most."""
        return float(np.mean(self.known_usd - self.policy_usd))

    @property
    def error_usd(self) -> float:
        """Its standard error."""
        gains = self.known_usd - self.policy_usd
        return float(np.std(gains, ddof=1) / np.sqrt(len(gains))) if len(gains) > 1 else float("inf")


@dataclass(frozen=True)
class Worth:
    """What a policy loses without a decision, in dollars of the objective; inf where there is none without it.

    relaxed_usd: relaxation less relaxation, whole decisions continuous in both. least_usd: no policy without the
    decision loses less: the policy less the second of them.
    """

    relaxed_usd: float
    least_usd: float


@dataclass(frozen=True)
class Choice:
    """A thing, what the policy does of it, and at which sign.

    sign: of what is left open, None where it is not, or no one figure tells. worth: of signing it now, or of keeping it
    open; None where that was not asked.
    """

    decision: Decision
    sign: Sign | None
    worth: Worth | None = None

    @property
    def thing(self) -> Thing:
        """What is decided."""
        return self.decision.thing


@dataclass(frozen=True, repr=False)
class Policy:
    """What to sign now and what to leave open, with what that is worth; where there is no answer `best` is None.

    grounds: what it rests on. problem: the tree and the model on it. best: the policy; steady: the best plan that never
    changes; base: the plan of the base case; base_held: that plan's first decisions, the rest adapted. foreseen: None
    where it was not asked.
    pieces: what each piece of the solver's work proved, and its seconds. seconds: by stage.
    """

    grounds: Grounds
    problem: PolicyTree
    status: Status
    message: str
    best: Outcome | None
    steady: Outcome | None
    base: Outcome | None
    base_held: Outcome | None
    foreseen: Foreseen | None
    pieces: Pieces
    seconds: dict[str, float]
    worths: dict[tuple[str, str], Worth] = field(default_factory=dict)

    def __repr__(self) -> str:
        name = f"<Policy of {self.case.settings.name}: {self.status.label}"
        if self.best is None:
            return f"{name}>"
        return f"{name}, {len(self.tree.nodes)} nodes, expected NPV ${self.measure.mean(self.best.npv_usd):,.0f}>"

    def with_worth(self, worths: dict[tuple[str, str], Worth]) -> Policy:
        """The policy with what its decisions are worth, by sort and name of the thing."""
        return replace(self, worths=worths)

    @property
    def case(self) -> Case:
        """The case that was planned."""
        return self.grounds.case

    @property
    def options(self) -> PlanOptions:
        """What it was planned under."""
        return self.grounds.options

    @property
    def adapt(self) -> AdaptOptions:
        """When the company decides again, and what is weighed."""
        return self.grounds.adapt

    @property
    def candidates(self) -> CandidateSet:
        """Everything the company could do."""
        return self.grounds.candidates

    @property
    def futures(self) -> Futures:
        """The futures of the tree."""
        return self.grounds.futures

    @property
    def tree(self) -> NodeTree:
        """The nodes."""
        return self.problem.tree

    @property
    def measure(self) -> MeanCvar:
        """Mean and CVaR over its futures."""
        return self.problem.measure

    @property
    def gap(self) -> float | None:
        """How far a better policy could be, relative to this one."""
        return None if self.best is None else self.best.gap

    @property
    def value_of_adapting_usd(self) -> float | None:
        """The policy less the best plan that never changes."""
        if self.best is None or self.steady is None:
            return None
        return self.best.objective_usd - self.steady.objective_usd

    @property
    def value_of_planning_for_many_usd(self) -> float | None:
        """The policy less the best that is left once the base plan's first decisions are taken: the value of the
        stochastic solution."""
        if self.best is None or self.base_held is None:
            return None
        return self.best.objective_usd - self.base_held.objective_usd

    @cached_property
    def levels(self) -> dict[int, Floats]:
        """Levels of all candidates on the path to each leaf, by its number, (candidates,)."""
        if self.best is None:
            return {}
        found = {}
        for leaf in self.tree.leaves:
            columns = self.problem.path_columns(self.best.levels, leaf)
            found[leaf] = clean(self.candidates, self.problem.staged.levels(columns))
        return found

    @cached_property
    def now(self) -> Floats:
        """Levels of what is decided now, (candidates,): those of the root's candidates, 0 elsewhere."""
        first = stage_of(self.candidates.columns["decide_by"], self.tree.reviews) == 0
        leaf = self.tree.leaves[0]
        return np.where(first, self.levels[leaf], 0.0) if self.best is not None else np.zeros(len(self.candidates))

    @cached_property
    def commitments(self) -> pd.DataFrame:
        """What is signed now, month by month, with the dollars that it commits (see `plans.commitments`), leases among
        it: of them the company owes what serves them, which is decided by itself."""
        signed = [choice for choice in self.chosen(Verdict.NOW) if choice.thing.sort is Sort.LEASE]
        if not signed:
            return decisions_table(self.candidates, self.now)
        outlook = self.candidates.outlook
        number = outlook.tables["leases"].number_of("lease_id")
        leases = pd.DataFrame({
            "decide_by": [
                outlook.calendar.written(int(outlook.answer_months[number[choice.thing.name]])) for choice in signed
            ],
            "decision": "sign lease", "site_id": "", "name": [choice.thing.name for choice in signed],
            "amount": [choice.decision.now for choice in signed], "unit": [choice.thing.unit for choice in signed],
            "commits_usd": 0.0,
        })
        built = decisions_table(self.candidates, self.now)
        return pd.concat([leases, built], ignore_index=True).sort_values("decide_by", kind="stable", ignore_index=True)

    @cached_property
    def choices(self) -> tuple[Choice, ...]:
        """What is done of each thing, sort by sort."""
        if self.best is None:
            return ()
        found = []
        for thing in things_of(self.candidates):
            decision = decide(thing, self.candidates, self.tree, self.levels)
            sign = self._sign(decision) if decision.verdict is Verdict.OPEN else None
            found.append(Choice(decision, sign, self.worths.get((str(thing.sort), thing.name))))
        return tuple(found)

    @cached_property
    def base_decisions(self) -> dict[str, Decision]:
        """What the plan of the base case does of each thing, by its label."""
        if self.base is None:
            return {}
        one = self.grounds.never_changing
        (leaf,) = one.tree.leaves
        columns = one.path_columns(self.base.levels, leaf)
        levels = {leaf: clean(self.candidates, self.problem.staged.levels(columns))}
        return {thing.label: decide(thing, self.candidates, one.tree, levels) for thing in things_of(self.candidates)}

    def _sign(self, decision: Decision) -> Sign | None:
        """The sign at the first review at which any of a thing is taken in some nodes and not, or less, in others."""
        amount = decision.amount
        for stage in range(1, len(self.tree.reviews) + 1):
            here = amount[list(self.tree.of_stage(stage))]
            if np.ptp(here) <= 0.0:
                continue
            nodes = self.tree.node_of(stage)
            done = amount[nodes] > (here.min() + here.max()) / 2.0
            return best_sign(self.tree.known[stage - 1], done, self.tree.weights)
        return None

    def sign_stage(self, decision: Decision) -> int | None:
        """The review of that sign, from 1; None where no review tells nodes apart."""
        for stage in range(1, len(self.tree.reviews) + 1):
            if np.ptp(decision.amount[list(self.tree.of_stage(stage))]) > 0.0:
                return stage
        return None

    def chosen(self, verdict: Verdict) -> list[Choice]:
        """The choices of one verdict."""
        return [choice for choice in self.choices if choice.decision.verdict is verdict]


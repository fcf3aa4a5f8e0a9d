"""What a policy rests on: the candidates of a case, the model by stages, and what its columns are worth in each
future."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from planner.adapting.nodes import one_node_each
from planner.adapting.options import AdaptOptions
from planner.adapting.policy_tree import PolicyTree
from planner.adapting.reviews import review_months
from planner.adapting.staged_model import StagedModel, stage_model
from planner.arrays import Floats
from planner.candidates.build import CandidateSet
from planner.case.case import Case
from planner.planning.options import PlanOptions
from planner.risk.worth import candidate_values, endings_are_certain
from planner.scenarios.futures import Futures
from planner.solver.column_generation.mean_cvar import MeanCvar

Say = Callable[[str], None]


@dataclass(frozen=True, eq=False)
class Grounds:
    """What a policy rests on.

    values: of a unit of each column in each future, (columns, S), in the model's money. seconds: by stage.
    """

    case: Case
    options: PlanOptions
    adapt: AdaptOptions
    candidates: CandidateSet
    futures: Futures
    staged: StagedModel
    values: Floats
    measure: MeanCvar
    reviews: tuple[int, ...]
    seconds: dict[str, float]

    @staticmethod
    def of(case: Case, options: PlanOptions, adapt: AdaptOptions, say: Say) -> Grounds:
        """Candidates and futures of a case as it is planned, and the model by stages."""
        began = time.perf_counter()
        say("building candidates")
        candidates = options.candidates(case)
        calendar = candidates.outlook.calendar
        reviews = review_months(adapt.reviews, calendar)
        adapt.groups(len(reviews))  # a wrong number is refused before the work, not after it
        futures = adapt.futures(case, calendar)
        built = time.perf_counter()
        say(f"valuing candidates in {len(futures):,} futures")
        values = candidate_values(candidates, futures, equity=options.equity, threads=options.solver.threads)
        staged = stage_model(candidates, reviews, keep_equals=not endings_are_certain(candidates, values))
        made = staged.values(values)
        measure = MeanCvar(adapt.weight, adapt.alpha, futures.weights)
        seconds = {"candidates": built - began, "values": time.perf_counter() - built}
        return Grounds(case, options, adapt, candidates, futures, staged, made, measure, reviews, seconds)

    @property
    def usd(self) -> float:
        """Dollars of one unit of the model's money."""
        return self.staged.formulation.money

    @property
    def never_changing(self) -> PolicyTree:
        """The problem of a plan that never changes: one node a stage."""
        tree = one_node_each(self.reviews, np.asarray(self.futures.weights))
        return PolicyTree(self.staged, tree, self.values, self.measure)

    @property
    def of_base_case(self) -> PolicyTree:
        """The problem of the plan of the base case, one future for certain."""
        formulation = self.staged.formulation
        worth = formulation.npv_usd * formulation.unit / formulation.money
        values = np.concatenate([worth, np.zeros(len(self.staged.sold))])[:, None]
        certain = MeanCvar(0.0, self.adapt.alpha, np.ones(1))
        return PolicyTree(self.staged, one_node_each(self.reviews, np.ones(1)), values, certain)

    def values_in(self, futures: Futures) -> Floats:
        """Values of the columns in other futures of the case, as `values`."""
        values = candidate_values(
            self.candidates, futures, equity=self.options.equity, threads=self.options.solver.threads
        )
        return self.staged.values(values)

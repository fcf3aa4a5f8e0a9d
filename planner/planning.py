"""The plan: the best expansion of a case, with what the solver proved and the cash behind every dollar."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

import planner
from kernels.blas_threads import one_blas_thread
from planner.arrays import Floats
from planner.candidates.build import CandidateSet, build_candidates
from planner.candidates.outlook import BASES, make_outlook
from planner.case.case import Case
from planner.case.edits import changed_case
from planner.case.read import as_case
from planner.case.settings import TAIL_RULES
from planner.choices import chosen_around
from planner.did_you_mean import remedy_for
from planner.errors import PlannerError
from planner.explaining.infeasible import Infeasible, explain_infeasible
from planner.explaining.target import targets_of
from planner.explaining.unbounded import UnboundedRay, unbounded_ray
from planner.explaining.why import Reason, why
from planner.explaining.world import Asked
from planner.formulation.allocate import Allocation, allocate
from planner.plans.binding import binding_table
from planner.plans.commitments import decisions_table
from planner.plans.decisions import apply_decisions
from planner.plans.statement import Statement, make_statement
from planner.plans.tables import allocation_table, portfolio_table, power_table
from planner.pricing.prices import DETAILS, Prices, PriceTask, price_plan
from planner.pricing.prices import Progress as PriceProgress
from planner.solver.options import SolverOptions
from planner.solver.solvers import make_solver
from planner.solver.status import Status

EXPLAINING_SECONDS = 300.0
"""Time for conflicts, and again for the repair, where no time limit is given."""


@dataclass(frozen=True)
class PlanOptions:
    """What to plan under.

    base: "expected" (mean delays, defaults) or "announced". tail: a tail rule, None for the case's own.
    equity: maximise NPV to equity, after debt service, instead of unlevered NPV.
    edits: changes of the case (`table.column[id]=value`). stress: a named stress of the case.
    fixes, excludes: decisions made by the user, see `decisions`. why: sites, leases, phases and SKUs to explain
        (`Plan.reasons`). solver: how to solve.
    prices: "headline" (each phase for its whole term), "full" or "none"; they take what the solver leaves of its time
        limit.
    """

    base: str = "expected"
    tail: str | None = None
    equity: bool = False
    edits: tuple[str, ...] = ()
    stress: str | None = None
    fixes: tuple[str, ...] = ()
    excludes: tuple[str, ...] = ()
    why: tuple[str, ...] = ()
    solver: SolverOptions = field(default_factory=SolverOptions)
    prices: str = "headline"

    def __post_init__(self) -> None:
        for what, given, known in (
            ("base", self.base, BASES), ("tail", self.tail, TAIL_RULES), ("prices", self.prices, DETAILS)
        ):
            if given is not None and given not in known:
                raise PlannerError(f"{what} {given!r} is not known; {remedy_for(given, known)}")


@dataclass(frozen=True, repr=False)
class Plan:
    """A plan with its tables; where there is no answer, `levels` is None and the tables are empty."""

    case: Case
    options: PlanOptions
    candidates: CandidateSet
    allocation_result: Allocation
    seconds: dict[str, float]

    @property
    def status(self) -> Status:
        """What the solver proved, checked against the levels."""
        return self.allocation_result.status

    @property
    def levels(self) -> Floats | None:
        """Level of every candidate, shape (candidates,)."""
        return self.allocation_result.levels

    @property
    def npv_usd(self) -> float | None:
        """Unlevered NPV of the plan: discounted after-tax cash of its statement."""
        return None if self.levels is None else self.statement.npv_usd

    @property
    def objective_usd(self) -> float | None:
        """The objective from the levels: sum of NPV x level, unlevered or to equity as the options say."""
        return self.allocation_result.objective_usd

    @property
    def gap(self) -> float | None:
        """How far a better plan could be, relative to this one."""
        return self.allocation_result.gap

    @cached_property
    def statement(self) -> Statement:
        """The cash-flow statement; raises PlannerError when there is no plan."""
        return make_statement(self.candidates, self._held())

    @cached_property
    def allocation(self) -> pd.DataFrame:
        """Clusters, hosted halls, on-demand and mining windows."""
        return allocation_table(self.candidates, self._levels_or_nothing())

    @cached_property
    def power(self) -> pd.DataFrame:
        """Phases contracted and in use."""
        return power_table(self.candidates, self._levels_or_nothing())

    @cached_property
    def decisions(self) -> pd.DataFrame:
        """What is to be decided, when, and the dollars that it commits; see `commitments.decisions_table`."""
        return decisions_table(self.candidates, self._levels_or_nothing())

    @cached_property
    def portfolio(self) -> pd.DataFrame:
        """The candidates held with their levels."""
        return portfolio_table(self.candidates, self._levels_or_nothing())

    @cached_property
    def cashflow(self) -> pd.DataFrame:
        """The statement as a table: site x line x period."""
        return make_statement(self.candidates, self._levels_or_nothing()).frame()

    @cached_property
    def binding(self) -> pd.DataFrame:
        """Limits by what one per cent more of each is worth."""
        return binding_table(self.candidates, self.allocation_result)

    @property
    def prices(self) -> pd.DataFrame:
        """What is scarce and what it is worth, each row a stated question answered both ways; see
        `price_table.COLUMNS`."""
        return self.priced.table

    @cached_property
    def priced(self) -> Prices:
        """The prices that the options ask for, and whether the time sufficed for all of them."""
        return self.price()

    @one_blas_thread()
    def price(self, progress: PriceProgress | None = None) -> Prices:
        """Answer the questions that the options ask, and keep the answers for `prices`.

        progress: called with what is being priced and the number of answers so far.
        """
        limit = self.options.solver.time_limit_s
        used = sum(spent for stage, spent in self.seconds.items() if stage != "candidates")
        task = PriceTask(
            self.candidates, self.allocation_result, self._candidates_of, self.options.solver,
            None if limit is None else max(limit - used, 0.0), progress,
        )
        found = price_plan(task, self.options.prices)
        self.__dict__["priced"] = found  # where the cached property looks
        return found

    def _candidates_of(self, case: Case) -> CandidateSet:
        """The candidates of a changed case under the plan's own options."""
        return candidates_of(case, self.options)

    @property
    def asked(self) -> Asked:
        """What was asked of the plan, for explaining it."""
        options = self.options
        return Asked(options.base, options.tail, options.equity, options.fixes, options.excludes)

    @cached_property
    def conflict(self) -> Infeasible | None:
        """Why there is no plan, and the cheapest repair; None unless the case is infeasible."""
        if self.status is not Status.INFEASIBLE:
            return None
        limit = self.options.solver.time_limit_s
        return explain_infeasible(self.case, self.asked, seconds=EXPLAINING_SECONDS if limit is None else limit)

    @cached_property
    def unbounded_ray(self) -> tuple[UnboundedRay, ...]:
        """What grows without end; empty unless the case is unbounded."""
        found = self.allocation_result
        return unbounded_ray(found.model, found.solution.arrays) if self.status is Status.UNBOUNDED else ()

    @property
    def more_summary(self) -> dict[str, Any]:
        """What plan.json holds beside the figures of any plan; a plan after risk has more."""
        return {}

    @property
    def more_record(self) -> dict[str, Any]:
        """What run.json holds beside the record of any plan."""
        return {}

    @property
    def more_tables(self) -> dict[str, pd.DataFrame]:
        """Tables beside those of any plan, by the name of their file: .csv, or .parquet for what is long."""
        return {}

    @cached_property
    def reasons(self) -> tuple[Reason, ...]:
        """Why each thing that the options ask about is in the plan or out of it; each answer is some plans of its
        own."""
        if self.levels is None:
            return ()
        asked = targets_of(self.case, self.options.why)
        return tuple(
            why(self.case, self.asked, self.candidates, self.allocation_result, target, self.options.solver)
            for target in asked
        )

    def __repr__(self) -> str:
        worth = "" if self.levels is None else f", NPV ${self.statement.npv_usd:,.0f}"
        return f"<Plan of {self.case.settings.name!r}: {self.status.label}{worth}>"

    def figures(self) -> dict[str, Any]:
        """The plan's figures by name as Altair charts; those that it has nothing to show in are left out."""
        return planner.figures(self)

    def _repr_html_(self) -> str:
        """The plan in a notebook: its headline figures, its sites and its cash by year."""
        return str(planner._plan_html(self))

    def _held(self) -> Floats:
        if self.levels is None:
            raise PlannerError(f"there is no plan: {self.status}")
        return self.levels

    def _levels_or_nothing(self) -> Floats:
        return self.candidates.npv_usd * 0.0 if self.levels is None else self.levels


LISTS = ("edits", "fixes", "excludes", "why")
"""Options that hold several texts."""


def price(found: Plan, detail: str = "full") -> pd.DataFrame:
    """What is scarce in a plan and what it is worth, each row a stated question; detail: headline or full.

    >>> import planner
    >>> rows = planner.price(planner.plan("fixtures/tiny", prices="none"), "headline")
    >>> float(rows.loc[rows["name"] == "cells:p1", "fee"].iloc[0])
    40.0
    """
    if not isinstance(found, Plan):
        raise PlannerError(f"{type(found).__name__} is no plan; planner.plan(case) makes one")
    return replace(found, options=replace(found.options, prices=detail)).prices


@one_blas_thread()
def plan(case: Case | str | Path, options: PlanOptions | None = None, **choices: object) -> Plan:
    """The best expansion of a case, or of the case at a path. `choices` are fields of `PlanOptions` and
    of its `SolverOptions` (gap, time_limit_s, threads ...), for short calls.

    A solve that is infeasible, unbounded or stopped is a plan with that status, not an exception.

    >>> import planner
    >>> found = planner.plan("fixtures/tiny", prices="none")
    >>> round(found.npv_usd)
    58360320
    """
    chosen = chosen_around(PlanOptions, "solver", SolverOptions, options, choices, verb="plan", lists=LISTS)
    began = time.perf_counter()
    case = as_case(case)
    make_solver(chosen.solver)  # an unknown solver is refused before the work, not after it
    changed = changed_case(case, chosen.edits, chosen.stress)
    targets_of(changed, chosen.why)  # a misspelt name too
    candidates = candidates_of(changed, chosen)
    built = time.perf_counter()
    allocation = allocate(candidates, chosen.solver)
    seconds = {"candidates": built - began, **allocation.seconds}
    return Plan(changed, chosen, candidates, allocation, seconds)


def candidates_of(case: Case, options: PlanOptions) -> CandidateSet:
    """The candidates of a case as it stands, with the user's decisions; its edits and stress are not applied again."""
    outlook = make_outlook(case, base=options.base, tail=options.tail)
    return apply_decisions(build_candidates(outlook, equity=options.equity), options.fixes, options.excludes)

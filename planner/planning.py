"""The plan: the best expansion of a case, with what the solver proved and the cash behind every dollar."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from functools import cached_property

import pandas as pd

from planner.allocator.allocate import Allocation, allocate
from planner.allocator.options import SolverOptions
from planner.allocator.solvers import open_door
from planner.allocator.status import Status
from planner.binding import binding_table
from planner.candidates.build import CandidateSet, build_candidates
from planner.candidates.outlook import BASES, Floats, make_outlook
from planner.case.case import Case
from planner.case.edits import apply_edits, apply_stress
from planner.case.faults import PlannerError
from planner.case.settings import TAIL_RULES
from planner.case.suggest import remedy_for
from planner.decisions import apply_decisions
from planner.plan_tables import allocation_table, portfolio_table, power_table
from planner.pricing.phase_values import phase_values
from planner.statement import Statement, make_statement


@dataclass(frozen=True)
class PlanOptions:
    """What to plan under.

    base: "expected" (mean delays, defaults) or "announced". tail: a tail rule, None for the case's own.
    equity: maximise NPV to equity, after debt service, instead of unlevered NPV.
    edits: changes of the case (`table.column[id]=value`). stress: a named stress of the case.
    fixes, excludes: decisions made by the user, see `decisions`. solver: how to solve.
    """

    base: str = "expected"
    tail: str | None = None
    equity: bool = False
    edits: tuple[str, ...] = ()
    stress: str | None = None
    fixes: tuple[str, ...] = ()
    excludes: tuple[str, ...] = ()
    solver: SolverOptions = field(default_factory=SolverOptions)

    def __post_init__(self) -> None:
        for what, given, known in (("base", self.base, BASES), ("tail", self.tail, TAIL_RULES)):
            if given is not None and given not in known:
                raise PlannerError(f"{what} {given!r} is not known; {remedy_for(given, known)}")


@dataclass(frozen=True)
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

    @cached_property
    def prices(self) -> pd.DataFrame:
        """What a MW more or less of each phase is worth for its whole term."""
        return phase_values(self.candidates, self.allocation_result)

    def _held(self) -> Floats:
        if self.levels is None:
            raise PlannerError(f"there is no plan: {self.status}")
        return self.levels

    def _levels_or_nothing(self) -> Floats:
        return self.candidates.npv_usd * 0.0 if self.levels is None else self.levels


def plan(case: Case, options: PlanOptions | None = None, **choices: object) -> Plan:
    """The best expansion of a case. `choices` are fields of `PlanOptions`, for short calls.

    A solve that is infeasible, unbounded or stopped is a plan with that status, not an exception.
    """
    chosen = _options(options, choices)
    began = time.perf_counter()
    open_door(chosen.solver)  # an unknown solver is refused before the work, not after it
    changed = changed_case(case, chosen.edits, chosen.stress)
    outlook = make_outlook(changed, base=chosen.base, tail=chosen.tail)
    candidates = apply_decisions(build_candidates(outlook, equity=chosen.equity), chosen.fixes, chosen.excludes)
    built = time.perf_counter()
    allocation = allocate(candidates, chosen.solver)
    seconds = {"candidates": built - began, **allocation.seconds}
    return Plan(changed, chosen, candidates, allocation, seconds)


def _options(options: PlanOptions | None, choices: dict[str, object]) -> PlanOptions:
    if options is not None and choices:
        raise PlannerError("give either options or single choices, not both")
    if options is not None:
        return options
    for name in ("edits", "fixes", "excludes"):
        if name in choices:
            choices[name] = _names(choices[name])
    known = [entry.name for entry in fields(PlanOptions)]
    for name in choices:
        if name not in known:
            raise PlannerError(f"plan has no option {name!r}; {remedy_for(name, known)}")
    return PlanOptions(**choices)  # type: ignore[arg-type]


def _names(given: object) -> tuple[str, ...]:
    if isinstance(given, str):
        return (given,)
    if not isinstance(given, Sequence):
        raise PlannerError(f"{given!r} is not a list of changes; give strings such as 'table.column[id]=value'")
    return tuple(str(entry) for entry in given)


def changed_case(case: Case, edits: Sequence[str], stress: str | None) -> Case:
    """The case under a named stress and with edits applied."""
    stressed = case if stress is None else apply_stress(case, stress)
    return apply_edits(stressed, list(edits)) if edits else stressed

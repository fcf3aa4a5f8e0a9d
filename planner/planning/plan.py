"""The plan: the best expansion of a case, with what the solver proved and the cash behind every dollar."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

import pandas as pd

import planner
from planner.arrays import Floats
from planner.candidates.build import CandidateSet
from planner.case.case import Case
from planner.errors import PlannerError
from planner.explaining.infeasible import Infeasible
from planner.explaining.unbounded import UnboundedRay
from planner.explaining.why import Reason
from planner.formulation.allocate import Allocation
from planner.planning.options import PlanOptions
from planner.plans.binding import binding_table
from planner.plans.commitments import decisions_table
from planner.plans.over_futures import OverFutures
from planner.plans.statement import Statement, make_statement
from planner.plans.tables import allocation_table, portfolio_table, power_table
from planner.pricing.prices import Prices, no_prices
from planner.solver.status import Status


@dataclass(frozen=True, repr=False)
class Plan:
    """A plan with its tables; where there is no answer, `levels` is None and the tables are empty.

    It solves nothing: what needs solves of its own was answered when the plan was made, and stands here.
    seconds: by stage. priced: the prices that the options ask for, and whether the time sufficed for all of them.
    reasons: why each thing that the options ask about is in the plan or out of it. conflict: why there is no plan, and
    the cheapest repair; None unless the case is infeasible. unbounded_ray: what grows without end; empty unless the
    case is unbounded. over_futures: how it fares over the futures that the options ask for; None where they ask for
    none.
    """

    case: Case
    options: PlanOptions
    candidates: CandidateSet
    allocation_result: Allocation
    seconds: dict[str, float]
    priced: Prices = field(default_factory=no_prices, kw_only=True)
    reasons: tuple[Reason, ...] = field(default=(), kw_only=True)
    conflict: Infeasible | None = field(default=None, kw_only=True)
    unbounded_ray: tuple[UnboundedRay, ...] = field(default=(), kw_only=True)
    over_futures: OverFutures | None = field(default=None, kw_only=True)

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
        `price_table.COLUMNS`. Empty where no prices were asked for."""
        return self.priced.table

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


AnyPlan = TypeVar("AnyPlan", bound=Plan)
"""A plan of any kind, which comes back as the same kind."""

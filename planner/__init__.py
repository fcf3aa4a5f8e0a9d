"""Capacity planning for GPU clouds: which sites, on which power, host which clusters for which leases.

    case = planner.read("fixtures/neocloud")
    plan = planner.plan(case)
    plan.npv_usd, plan.allocation, plan.power, plan.cashflow, plan.prices
    planner.score(case, planner.portfolios(plan, subsets="sites"), scenarios=1000)

Every verb takes a case or its path.

The parts are imported when they are first used, so that `import planner` takes no time.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from planner.adapting.options import AdaptOptions
    from planner.adapting.plan import plan
    from planner.adapting.policy import Policy
    from planner.adapting.policy_folder import read_policy, write_policy
    from planner.adapting.replay import Replay, ReplayOptions, replay
    from planner.auditing.agreement import Agreement, audit
    from planner.case.case import Case
    from planner.case.read import read_case as read
    from planner.case.write import write_case
    from planner.errors import CaseError, PlannerError
    from planner.explaining.case_check import CaseCheck, check
    from planner.near_optimal.alternatives import Alternatives, AlternativesOptions, alternatives
    from planner.planning.make_plan import price
    from planner.planning.options import FuturesOptions, PlanOptions
    from planner.planning.plan import Plan
    from planner.plans.over_futures import OverFutures
    from planner.quoting.breakeven import breakeven
    from planner.quoting.inquiry import Inquiry
    from planner.quoting.quote import Quote, quote, quote_many
    from planner.quoting.risk import QuoteRisk
    from planner.reporting.notebook import charts_of as figures
    from planner.reporting.report import Report, report
    from planner.risk.frontier import Frontier, frontier
    from planner.risk.planning import RiskOptions, RiskPlan, plan_after_risk
    from planner.run_folder import write_run
    from planner.scoring.around_plan import AroundPlan, portfolios
    from planner.scoring.score import ScoreOptions, Scores
    from planner.scoring.scored import score
    from planner.solver.options import SolverOptions
    from planner.solver.status import Status
    from planner.sweeping.result import Sweep, SweepOptions
    from planner.sweeping.sweep import sweep

__all__ = [
    "AdaptOptions",
    "Agreement",
    "Alternatives",
    "AlternativesOptions",
    "AroundPlan",
    "Case",
    "CaseCheck",
    "CaseError",
    "Frontier",
    "FuturesOptions",
    "Inquiry",
    "OverFutures",
    "Plan",
    "PlanOptions",
    "PlannerError",
    "Policy",
    "Quote",
    "QuoteRisk",
    "Replay",
    "ReplayOptions",
    "Report",
    "RiskOptions",
    "RiskPlan",
    "ScoreOptions",
    "Scores",
    "SolverOptions",
    "Status",
    "Sweep",
    "SweepOptions",
    "alternatives",
    "audit",
    "breakeven",
    "check",
    "figures",
    "frontier",
    "plan",
    "plan_after_risk",
    "portfolios",
    "price",
    "quote",
    "quote_many",
    "read",
    "read_policy",
    "replay",
    "report",
    "score",
    "sweep",
    "write_case",
    "write_policy",
    "write_run",
]

_HOMES = {
    "_plan_html": "planner.reporting.notebook",
    "AdaptOptions": "planner.adapting.options",
    "Agreement": "planner.auditing.agreement",
    "Alternatives": "planner.near_optimal.alternatives",
    "AlternativesOptions": "planner.near_optimal.alternatives",
    "AroundPlan": "planner.scoring.around_plan",
    "Case": "planner.case.case",
    "CaseCheck": "planner.explaining.case_check",
    "CaseError": "planner.errors",
    "Frontier": "planner.risk.frontier",
    "FuturesOptions": "planner.planning.options",
    "Inquiry": "planner.quoting.inquiry",
    "OverFutures": "planner.plans.over_futures",
    "Plan": "planner.planning.plan",
    "PlanOptions": "planner.planning.options",
    "PlannerError": "planner.errors",
    "Policy": "planner.adapting.policy",
    "Quote": "planner.quoting.quote",
    "QuoteRisk": "planner.quoting.risk",
    "Replay": "planner.adapting.replay",
    "ReplayOptions": "planner.adapting.replay",
    "Report": "planner.reporting.report",
    "RiskOptions": "planner.risk.planning",
    "RiskPlan": "planner.risk.planning",
    "ScoreOptions": "planner.scoring.score",
    "Scores": "planner.scoring.score",
    "SolverOptions": "planner.solver.options",
    "Status": "planner.solver.status",
    "Sweep": "planner.sweeping.result",
    "SweepOptions": "planner.sweeping.result",
    "alternatives": "planner.near_optimal.alternatives",
    "audit": "planner.auditing.agreement",
    "breakeven": "planner.quoting.breakeven",
    "check": "planner.explaining.case_check",
    "figures": "planner.reporting.notebook",
    "frontier": "planner.risk.frontier",
    "load_case": "planner.case.read",
    "plan": "planner.adapting.plan",
    "plan_after_risk": "planner.risk.planning",
    "portfolios": "planner.scoring.around_plan",
    "price": "planner.planning.make_plan",
    "quote": "planner.quoting.quote",
    "quote_many": "planner.quoting.quote",
    "read": "planner.case.read",
    "read_policy": "planner.adapting.policy_folder",
    "replay": "planner.adapting.replay",
    "report": "planner.reporting.report",
    "score": "planner.scoring.scored",
    "sweep": "planner.sweeping.sweep",
    "write_case": "planner.case.write",
    "write_policy": "planner.adapting.policy_folder",
    "write_run": "planner.run_folder",
}
_CALLED = {"_plan_html": "plan_html", "figures": "charts_of", "load_case": "read_case", "read": "read_case"}
"""Names that are others at home; `load_case` is what `read` was called in 0.1."""


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'planner' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), _CALLED.get(name, name))


def __dir__() -> list[str]:
    return __all__

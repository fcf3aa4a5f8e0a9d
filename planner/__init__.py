"""Capacity planning for GPU clouds: which sites, on which power, host which clusters for which leases.

    case = planner.load_case("fixtures/neocloud")
    plan = planner.plan(case)
    plan.npv_usd, plan.allocation, plan.power, plan.cashflow, plan.prices
    planner.score(case, plan.portfolio, scenarios=1000)

The parts are imported when they are first used, so that `import planner` takes no time.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from planner.allocator.options import SolverOptions
    from planner.allocator.status import Status
    from planner.auditing.agreement import Agreement, audit
    from planner.case.case import Case
    from planner.case.faults import CaseError, PlannerError
    from planner.case.read import read_case as load_case
    from planner.case.write import write_case
    from planner.near_best.alternatives import Alternatives, AlternativesOptions, alternatives
    from planner.planning import Plan, PlanOptions, plan
    from planner.quoting.breakeven import breakeven
    from planner.quoting.inquiry import Inquiry
    from planner.quoting.quote import Quote, quote, quote_many
    from planner.quoting.risk import QuoteRisk
    from planner.risk.frontier import Frontier, frontier
    from planner.risk.planning import RiskOptions, RiskPlan, plan_after_risk
    from planner.run_folder import write_run
    from planner.scoring.score import Scores
    from planner.scoring.scored import score
    from planner.sweeping.sweep import Sweep, SweepOptions, sweep

__all__ = [
    "Agreement",
    "Alternatives",
    "AlternativesOptions",
    "Case",
    "CaseError",
    "Frontier",
    "Inquiry",
    "Plan",
    "PlanOptions",
    "PlannerError",
    "Quote",
    "QuoteRisk",
    "RiskOptions",
    "RiskPlan",
    "Scores",
    "SolverOptions",
    "Status",
    "Sweep",
    "SweepOptions",
    "alternatives",
    "audit",
    "breakeven",
    "frontier",
    "load_case",
    "plan",
    "plan_after_risk",
    "quote",
    "quote_many",
    "score",
    "sweep",
    "write_case",
    "write_run",
]

_HOMES = {
    "Agreement": ("planner.auditing.agreement", "Agreement"),
    "Alternatives": ("planner.near_best.alternatives", "Alternatives"),
    "AlternativesOptions": ("planner.near_best.alternatives", "AlternativesOptions"),
    "Case": ("planner.case.case", "Case"),
    "CaseError": ("planner.case.faults", "CaseError"),
    "Frontier": ("planner.risk.frontier", "Frontier"),
    "Inquiry": ("planner.quoting.inquiry", "Inquiry"),
    "Plan": ("planner.planning", "Plan"),
    "PlanOptions": ("planner.planning", "PlanOptions"),
    "PlannerError": ("planner.case.faults", "PlannerError"),
    "Quote": ("planner.quoting.quote", "Quote"),
    "QuoteRisk": ("planner.quoting.risk", "QuoteRisk"),
    "RiskOptions": ("planner.risk.planning", "RiskOptions"),
    "RiskPlan": ("planner.risk.planning", "RiskPlan"),
    "Scores": ("planner.scoring.score", "Scores"),
    "SolverOptions": ("planner.allocator.options", "SolverOptions"),
    "Status": ("planner.allocator.status", "Status"),
    "Sweep": ("planner.sweeping.sweep", "Sweep"),
    "SweepOptions": ("planner.sweeping.sweep", "SweepOptions"),
    "alternatives": ("planner.near_best.alternatives", "alternatives"),
    "audit": ("planner.auditing.agreement", "audit"),
    "breakeven": ("planner.quoting.breakeven", "breakeven"),
    "frontier": ("planner.risk.frontier", "frontier"),
    "load_case": ("planner.case.read", "read_case"),
    "plan": ("planner.planning", "plan"),
    "plan_after_risk": ("planner.risk.planning", "plan_after_risk"),
    "quote": ("planner.quoting.quote", "quote"),
    "quote_many": ("planner.quoting.quote", "quote_many"),
    "score": ("planner.scoring.scored", "score"),
    "sweep": ("planner.sweeping.sweep", "sweep"),
    "write_case": ("planner.case.write", "write_case"),
    "write_run": ("planner.run_folder", "write_run"),
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'planner' has no attribute {name!r}")
    module, attribute = _HOMES[name]
    return getattr(import_module(module), attribute)

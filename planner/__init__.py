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
    from planner.case.case import Case
    from planner.case.faults import CaseError, PlannerError
    from planner.case.read import read_case as load_case
    from planner.case.write import write_case
    from planner.planning import Plan, PlanOptions, plan
    from planner.run_folder import write_run
    from planner.scoring.score import Scores
    from planner.scoring.scored import score

__all__ = [
    "Case",
    "CaseError",
    "Plan",
    "PlanOptions",
    "PlannerError",
    "Scores",
    "SolverOptions",
    "Status",
    "load_case",
    "plan",
    "score",
    "write_case",
    "write_run",
]

_HOMES = {
    "Case": ("planner.case.case", "Case"),
    "CaseError": ("planner.case.faults", "CaseError"),
    "Plan": ("planner.planning", "Plan"),
    "PlanOptions": ("planner.planning", "PlanOptions"),
    "PlannerError": ("planner.case.faults", "PlannerError"),
    "Scores": ("planner.scoring.score", "Scores"),
    "SolverOptions": ("planner.allocator.options", "SolverOptions"),
    "Status": ("planner.allocator.status", "Status"),
    "load_case": ("planner.case.read", "read_case"),
    "plan": ("planner.planning", "plan"),
    "score": ("planner.scoring.scored", "score"),
    "write_case": ("planner.case.write", "write_case"),
    "write_run": ("planner.run_folder", "write_run"),
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'planner' has no attribute {name!r}")
    module, attribute = _HOMES[name]
    return getattr(import_module(module), attribute)

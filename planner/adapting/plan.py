"""`planner.plan`: a plan that is made once, or one that adapts."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, overload

from planner.adapting.options import GAP, AdaptOptions
from planner.adapting.policy import Policy
from planner.case.case import Case
from planner.choices import chosen_around
from planner.errors import PlannerError
from planner.planning import make_plan
from planner.planning.options import LISTS, PlanOptions
from planner.planning.plan import Plan
from planner.solver.options import SolverOptions


@overload
def plan(
    case: Case | str | Path, options: PlanOptions | None = None, *, adapt: None = None, **choices: object
) -> Plan: ...


@overload
def plan(
    case: Case | str | Path, options: PlanOptions | None = None, *, adapt: AdaptOptions | Literal[True],
    **choices: object,
) -> Policy: ...


def plan(
    case: Case | str | Path, options: PlanOptions | None = None, *, adapt: AdaptOptions | bool | None = None,
    **choices: object,
) -> Plan | Policy:
    """The best expansion of a case, or of the case at a path, explained and priced as the options ask, and measured
    over futures where they ask for any. `choices` are fields of `PlanOptions` and of its `SolverOptions` (gap,
    time_limit_s, threads ...), for short calls.

    adapt: True, or `AdaptOptions(...)`, for a policy: what to sign now, what to leave open, and at which sign to act.
    A solve that is infeasible, unbounded or stopped is a plan with that status, not an exception.

    >>> import planner
    >>> found = planner.plan("fixtures/tiny", prices="none")
    >>> round(found.npv_usd)
    58360320
    """
    if not adapt:
        return make_plan.plan(case, options, **choices)
    if options is None:
        choices = {"gap": GAP, **choices}
    from planner.adapting.adapt import adapted  # heavy, and not needed for a plan

    chosen = chosen_around(PlanOptions, "solver", SolverOptions, options, choices, verb="plan", lists=LISTS)
    if chosen.futures is not None:
        raise PlannerError("a policy is measured over the futures that it is made for; leave futures out")
    return adapted(case, chosen, AdaptOptions() if adapt is True else adapt)

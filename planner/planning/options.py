"""What a plan is made under."""

from __future__ import annotations

from dataclasses import dataclass, field

from kernels.reference.measures import require_level
from planner.candidates.options import CandidateOptions
from planner.did_you_mean import remedy_for
from planner.errors import PlannerError
from planner.pricing.prices import DETAILS
from planner.solver.options import SolverOptions

LISTS = ("edits", "fixes", "excludes", "why")
"""Options that hold several texts."""


@dataclass(frozen=True)
class FuturesOptions:
    """Over which futures a plan is measured once it is made.

    scenarios: futures drawn, with the seed of the case. alpha: level of CVaR. imported: a file of paths and weights
    from elsewhere, whose scenarios stand in place of as many draws.
    """

    scenarios: int = 500
    alpha: float = 0.95
    imported: str | None = None

    def __post_init__(self) -> None:
        try:
            require_level(self.alpha)
        except ValueError as error:
            raise PlannerError(f"CVaR is not defined: {error}") from error


@dataclass(frozen=True)
class PlanOptions(CandidateOptions):
    """What to plan under: what candidates are made under, with equity for the objective, and:

    edits: changes of the case (`table.column[id]=value`). stress: a named stress of the case.
    why: sites, leases, phases and SKUs to explain (`Plan.reasons`). solver: how to solve.
    prices: "headline" (each phase for its whole term), "full" or "none"; they take what the solver leaves of its time
    limit. futures: those over which the plan is measured (`Plan.over_futures`), None for none.
    """

    edits: tuple[str, ...] = ()
    stress: str | None = None
    why: tuple[str, ...] = ()
    solver: SolverOptions = field(default_factory=SolverOptions)
    prices: str = "headline"
    futures: FuturesOptions | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.prices not in DETAILS:
            raise PlannerError(f"prices {self.prices!r} is not known; {remedy_for(self.prices, DETAILS)}")
        if self.futures is not None and not isinstance(self.futures, FuturesOptions):
            raise PlannerError(f"futures={self.futures!r} are no options; write futures=FuturesOptions(scenarios=500)")

"""How a plan adapts: when the company decides again, how finely futures are told apart, and what is weighed."""

from __future__ import annotations

from dataclasses import dataclass

from planner.case.written_dates import month_number
from planner.errors import PlannerError
from planner.planning.options import PlanOptions
from planner.risk.weighed import WeighedFutures

BRANCHES = 3
"""Groups into which the futures of a node fall at the next review, where nothing else is asked."""
GAP = 1e-2
"""Gap to which a policy is proven, where nothing else is asked."""


@dataclass(frozen=True)
class AdaptOptions(WeighedFutures):
    """What a policy is made under, over which futures (see `WeighedFutures`).

    reviews: months as YYYY-MM; None for months 12 and 30 after the start. branches: groups at each review, None for 3
    each. worth: whether to find what signing now and keeping open is worth, for the things with most at stake.
    """

    information: int = 20
    reviews: tuple[str, ...] | None = None
    branches: tuple[int, ...] | None = None
    worth: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.reviews is not None:
            if not isinstance(self.reviews, (list, tuple)):
                raise PlannerError(f"reviews={self.reviews!r} are no months; write reviews=('2028-01', '2029-07')")
            for review in self.reviews:
                try:
                    month_number(review)
                except (TypeError, ValueError) as error:
                    raise PlannerError(f"the review {review!r} is no month; write 2028-01") from error
        if self.branches is not None:
            whole = isinstance(self.branches, (list, tuple)) and all(isinstance(each, int) for each in self.branches)
            if not whole or any(count < 1 for count in self.branches):
                raise PlannerError(
                    f"branches={self.branches!r}: give 1 or more groups for each review, such as (3, 3)"
                )

    def groups(self, reviews: int) -> tuple[int, ...]:
        """Groups at each review, of which there are so many."""
        if self.branches is None:
            return (BRANCHES,) * reviews
        if len(self.branches) != reviews:
            asked = ",".join(map(str, self.branches))
            raise PlannerError(
                f"branches {asked} are for {len(self.branches)} reviews, but {reviews} lie within the horizon; give as "
                "many"
            )
        return tuple(self.branches)


def refuse_what_no_policy_has(options: PlanOptions) -> None:
    """Raise PlannerError for an option of a plan that a policy would pass over without a word."""
    solver = options.solver
    if solver.solver != "highs" or solver.relax or solver.deadline_s is not None:
        raise PlannerError(
            "a policy is made by HiGHS, its decisions whole; leave --solver, --relax and --solver-deadline out"
        )
    if options.why:
        raise PlannerError("--why explains a plan of greatest NPV, not a policy; leave it out, or leave --adapt out")
    told = {
        "--threads": solver.threads is not None, "--confirm-infeasible": solver.confirm_infeasible is not None,
        "the solver's seed": solver.seed is not None, "a start": solver.start is not None,
        "the solver's log": solver.log is not None, "extra": bool(solver.extra),
        "futures=FuturesOptions": options.futures is not None, "--prices full": options.prices == "full",
    }
    for name, given in told.items():
        if given:
            raise PlannerError(f"{name} is not for a policy; leave it out, or leave --adapt out")

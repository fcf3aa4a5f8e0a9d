"""What candidates are made under: the base, the tail rule, whose money, and the user's decisions."""

from __future__ import annotations

from dataclasses import dataclass

from planner.candidates.build import CandidateSet, build_candidates
from planner.candidates.decisions import apply_decisions
from planner.candidates.outlook import BASES, Outlook, make_outlook
from planner.case.case import Case
from planner.case.settings import TAIL_RULES
from planner.did_you_mean import remedy_for
from planner.errors import PlannerError


@dataclass(frozen=True)
class CandidateOptions:
    """What the candidates of a case are made under.

    base: "expected" (mean delays, defaults) or "announced". tail: a tail rule, None for the case's own.
    equity: NPV to equity, after debt service, instead of unlevered NPV. fixes, excludes: decisions made by the user,
    see `decisions`.
    """

    base: str = BASES[0]
    tail: str | None = None
    equity: bool = False
    fixes: tuple[str, ...] = ()
    excludes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for what, given, known in (("base", self.base, BASES), ("tail", self.tail, TAIL_RULES)):
            if given is not None and given not in known:
                raise PlannerError(f"{what} {given!r} is not known; {remedy_for(given, known)}")

    def outlook(self, case: Case) -> Outlook:
        """The case as it is seen under these options."""
        return make_outlook(case, base=self.base, tail=self.tail)

    def undecided(self, case: Case) -> CandidateSet:
        """The candidates of a case as it stands, before any decision."""
        return build_candidates(self.outlook(case), equity=self.equity)

    def candidates(self, case: Case) -> CandidateSet:
        """The candidates of a case as it stands, with the user's decisions."""
        return apply_decisions(self.undecided(case), self.fixes, self.excludes)

"""Why a case has no plan: the smallest sets of limits that cannot be kept together, and the cheapest way to make room.

    first       conflicts with all dates as they are
    then        where only commitments are left in one, what comes too late for them
    then        where nothing can ever serve a lease, the rules that keep it from every site
    at last     the cheapest repair, checked on the case with its changes made
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from planner.candidates.options import CandidateOptions
from planner.candidates.refusals.told import parts
from planner.candidates.refusals.what_stops import WhatStops
from planner.case.calendar import Calendar
from planner.case.case import Case
from planner.case.edits import apply_edits
from planner.errors import PlannerError
from planner.explaining.conflict import Conflict, find_conflicts
from planner.explaining.date_shortfall import with_months_short
from planner.explaining.dates import with_later_starts, with_sooner_dates
from planner.explaining.decided_limits import decided_limits
from planner.explaining.elastic_model import ElasticModel, OutOfTime
from planner.explaining.limits import Kind, Limit
from planner.explaining.repair import Repair, cheapest_repair


@dataclass(frozen=True)
class Member:
    """A limit of a conflict, and by how much it is short in its unit (None: it holds or it does not)."""

    limit: Limit
    short_by: float | None


@dataclass(frozen=True)
class InfeasibleSet:
    """Limits that cannot be kept together; see `conflict.Conflict`. first, last: months as written, blank where
    unknown."""

    members: tuple[Member, ...]
    first: str
    last: str
    whole: bool
    smallest: bool

    @property
    def scarce(self) -> str:
        """What there is too little of, in a word or two: of limits that hold back, not of those that ask."""
        back = [
            member.limit.kind for member in self.members
            if not member.limit.kind.is_demand and member.limit.kind not in (Kind.WHOLE, Kind.START)
        ]
        return (
            " and ".join(dict.fromkeys(kind.scarce for kind in back)) or ("whole decisions" if self.whole else "leases")
        )


@dataclass(frozen=True)
class Infeasible:
    """Why there is no plan: infeasible_sets that share no limit, smallest first found, and the cheapest repair of all
    of them.

    checked: whether the case was solved again with the changes of the repair and found to have a plan.
    """

    infeasible_sets: tuple[InfeasibleSet, ...]
    repair: Repair | None
    checked: bool


def explain_infeasible(case: Case, options: CandidateOptions, *, seconds: float | None = None) -> Infeasible:
    """Explain a case without a plan. `seconds`: time for the conflicts, and again for the repair.

    No infeasible_set is named when time runs out before the first is found.
    """
    later = with_later_starts(case, options)
    model = ElasticModel.of(later, seconds=seconds)
    dates = {number for number, limit in enumerate(later.limits) if limit.kind is Kind.START}
    conflicts = find_conflicts(model, model.everything - dates)
    if any(_only_asks(model, conflict) for conflict in conflicts):
        infeasible_sets = _too_late(case, options, model, conflicts, seconds)
    else:
        infeasible_sets = tuple(_infeasible_set(case, model, conflict) for conflict in conflicts)
    again = replace(model, until=ElasticModel.of(later, seconds=seconds).until)
    repair = cheapest_repair(again)
    repair, checked = _made_true(case, options, repair, seconds)
    return Infeasible(infeasible_sets, repair, checked)


def _only_asks(model: ElasticModel, conflict: Conflict) -> bool:
    """Whether nothing stands against what is asked but dates and the way things work."""
    kinds = [model.stated.limits[number].kind for number in conflict.limits]
    return all(kind.is_demand and kind is not Kind.FIX for kind in kinds)


def _too_late(
    case: Case, options: CandidateOptions, model: ElasticModel, known: list[Conflict], seconds: float | None
) -> tuple[InfeasibleSet, ...]:
    sooner = ElasticModel.of(with_sooner_dates(case, options), seconds=seconds)
    conflicts = find_conflicts(sooner, sooner.everything)
    found = [with_months_short(case, options, sooner, conflict) for conflict in conflicts]
    if not found:
        return tuple(_infeasible_set(case, model, conflict) for conflict in known)
    infeasible_sets = []
    for conflict in found:
        infeasible_set = _infeasible_set(case, sooner, conflict)
        if (
            _only_asks(sooner, conflict) and len(infeasible_set.members) == 1
            and infeasible_set.members[0].limit.kind is Kind.COMMITMENT
        ):
            infeasible_set = replace(
                infeasible_set,
                members=(*infeasible_set.members, *_stopped(case, options, infeasible_set.members[0].limit.name)),
            )
        infeasible_sets.append(infeasible_set)
    return tuple(infeasible_sets)


def _stopped(case: Case, options: CandidateOptions, lease_id: str) -> list[Member]:
    """What keeps a lease that nothing can serve from every site, as rules of the conflict."""
    found = WhatStops(options.outlook(case)).refusal(lease_id)
    return [Member(Limit(Kind.RULE, lease_id, words, edit="\n".join(edits)), None) for words, edits in parts(found)]


def _infeasible_set(case: Case, model: ElasticModel, conflict: Conflict) -> InfeasibleSet:
    calendar = Calendar(case.settings.start, case.settings.months)
    members = tuple(
        Member(model.stated.limits[number], short)
        for number, short in zip(conflict.limits, conflict.short, strict=True)
    )
    ordered = tuple(sorted(members, key=lambda member: not member.limit.kind.is_demand))
    first, last = (
        ("", "") if conflict.months is None
        else (calendar.written(conflict.months[0]), calendar.written(conflict.months[1] - 1))
    )
    return InfeasibleSet(ordered, first, last, conflict.whole, conflict.smallest)


def repaired(case: Case, options: CandidateOptions, repair: Repair) -> tuple[Case, CandidateOptions]:
    """The case with the changes of a repair made, and what is then asked of it."""
    gone = set(repair.taken_back)
    kept = replace(
        options, fixes=tuple(fix for fix in options.fixes if fix not in gone),
        excludes=tuple(exclude for exclude in options.excludes if exclude not in gone)
    )
    return (apply_edits(case, repair.edits) if repair.edits else case), kept


def _made_true(
    case: Case, options: CandidateOptions, repair: Repair | None, seconds: float | None
) -> tuple[Repair | None, bool]:
    """The repair, and whether the case has a plan once it is made."""
    if repair is None:
        return None, False
    try:
        stated = decided_limits(*repaired(case, options, repair))
        model = ElasticModel.of(stated, seconds=seconds)
        return repair, model.feasible(model.everything)
    except (OutOfTime, PlannerError):
        return repair, False

"""Why there is no plan, in sentences and as a record for files."""

from __future__ import annotations

import shlex
from typing import Any

from planner.candidates.refusals.told import MOST_EDITS, set_options
from planner.explaining.find_limits import sized
from planner.explaining.infeasible import Infeasible, InfeasibleSet, Member
from planner.explaining.limits import Kind, Limit
from planner.explaining.repair import Change
from planner.wording import counted

_MATTERS = {
    "dates": "too late", "whole decisions": "whole decisions do not fit", "decisions": "decided against each other",
    "rules": "allowed nowhere",
    "leases": "too much is committed",
}


def lines_of(found: Infeasible) -> list[str]:
    """The explanation, line by line."""
    lines: list[str] = []
    for infeasible_set in found.infeasible_sets:
        lines += _set_lines(infeasible_set)
    if not found.infeasible_sets:
        lines.append("no conflict was found in the time that there was; give it more with --time-limit")
    if found.repair is not None:
        lines += _repair_lines(found)
    elif found.infeasible_sets:
        lines.append("the case has no price for anything that makes room; loosen one of the limits above")
    return lines


def headline(infeasible_set: InfeasibleSet) -> str:
    """A infeasible_set in one sentence."""
    asked = "; ".join(_said(member) for member in infeasible_set.members if member.limit.kind.is_demand)
    back = "; ".join(_said(member) for member in infeasible_set.members if not member.limit.kind.is_demand)
    return f"{_matter(infeasible_set)}: " + ", but ".join(part for part in (asked, back) if part)


def _matter(infeasible_set: InfeasibleSet) -> str:
    """What is the matter, and when."""
    what = _MATTERS.get(infeasible_set.scarce, f"too little: {infeasible_set.scarce}")
    return (
        what if not infeasible_set.first else f"{what}, {infeasible_set.first} to {infeasible_set.last}"
        if infeasible_set.first != infeasible_set.last else f"{what}, {infeasible_set.first}"
    )


def _said(member: Member) -> str:
    short = _short(member)
    return member.limit.words + (f" ({short})" if short else "")


def _short(member: Member) -> str:
    """By how much a limit would have to be loosened, alone, for the others to be kept."""
    limit, amount = member.limit, member.short_by
    if amount is None:
        return ""
    if limit.kind.is_date:
        months = counted(round(amount), "month")
        return f"{months} too early" if limit.kind is Kind.START else f"{months} too late"
    if limit.kind in (Kind.COMMITMENT, Kind.PLACED, Kind.COMMITTED_MW, Kind.OWNED):
        return (
            f"{sized(amount, limit.unit)} too many" if limit.unit == "GPUs" else f"{sized(amount, limit.unit)} too much"
        )
    if limit.kind is Kind.FIX:
        return f"off by {sized(amount, limit.unit)}" if limit.unit else ""
    return f"short by {sized(amount, limit.unit)}"


def _set_lines(infeasible_set: InfeasibleSet) -> list[str]:
    rules = [member for member in infeasible_set.members if member.limit.kind is Kind.RULE]
    if rules:
        asked = next(member for member in infeasible_set.members if member.limit.kind is not Kind.RULE)
        ways = [
            f"  {_to(rule.limit)} {' '.join(set_options(rule.limit.edits))}" for rule in rules[:1]
            if 0 < len(rule.limit.edits) <= MOST_EDITS
        ]
        return [
            f"{_matter(infeasible_set)}: {_said(asked)}, and no site can serve it",
            *(f"  - {rule.limit.words}" for rule in rules), *ways,
        ]
    if len(infeasible_set.members) == 1:
        return [f"{_matter(infeasible_set)}: {_said(infeasible_set.members[0])}, and nothing in the case can serve it"]
    proof = "no smaller set is in conflict" if infeasible_set.smallest else "none can be left out of the conflict"
    return [
        f"{_matter(infeasible_set)}: these cannot all be kept",
        *(f"  - {_said(member)}" for member in infeasible_set.members),
        f"  give up any one of them and the others can be kept; {proof}",
    ]


def _repair_lines(found: Infeasible) -> list[str]:
    assert found.repair is not None
    many = f"{len(found.repair.changes)} changes" if len(found.repair.changes) > 1 else "one change"
    checked = (
        "the case has a plan with it" if found.checked else "not confirmed by a new solve; loosen it a little further"
    )
    lines = [f"cheapest repair: {_money(found.repair.usd)}, {many} ({checked})"]
    for change in found.repair.changes:
        edits = " ".join(set_options(change.edits)) or f"leave out {_option(change.limit)}"
        lines.append(f"  - {_done(change)}, {_money(change.usd)}: {edits}")
    return lines


def _option(limit: Limit) -> str:
    return f"--{'fix' if limit.kind is Kind.FIX else 'exclude'} {shlex.quote(limit.name)}"


def _to(limit: Limit) -> str:
    """Before the changes that lift a rule: 'at the first of these sites:'."""
    return "to let it stand there:" if limit.words.startswith("at ") else "to let it stand:"


def _done(change: Change) -> str:
    limit, by = change.limit, change.by
    match limit.kind:
        case Kind.START:
            return f"start lease {limit.name} {by:.0f} months later than its customer accepts"
        case Kind.PLACED:
            return f"free the {limit.name}"
        case Kind.COMMITMENT if limit.whole:
            return f"release lease {limit.name}"
        case Kind.COMMITMENT:
            return f"serve {sized(by, limit.unit)} of {limit.name} less"
        case Kind.COMMITTED_MW:
            return f"give up {sized(by, 'MW')} of {limit.name}"
        case Kind.FIX | Kind.EXCLUDE:
            return "take your decision back"
        case Kind.CAPITAL | Kind.CASH_FLOOR:
            return f"{sized(by, '$')} more money for {limit.name}"
        case Kind.SUPPLY:
            return f"{sized(by, 'GPUs')} more of {limit.name}"
        case _:
            return f"{sized(by, limit.unit)} more at {limit.name}"


def _money(usd: float) -> str:
    return f"${usd / 1e9:,.2f}B" if usd >= 9.995e8 else f"${usd / 1e6:,.1f}M" if usd >= 5e4 else f"${usd:,.0f}"


def record_of(found: Infeasible) -> dict[str, Any]:
    """The explanation for plan.json."""
    return {
        "sentence": headline(found.infeasible_sets[0]) if found.infeasible_sets else None,
        "conflicts": [
            {
                "scarce": infeasible_set.scarce, "from": infeasible_set.first or None,
                "to": infeasible_set.last or None, "by_whole_decisions": infeasible_set.whole,
                "smallest_proven": infeasible_set.smallest,
                "limits": [
                    {
                        "kind": member.limit.kind.label, "of": member.limit.name, "what": member.limit.words,
                        "short_by": member.short_by, "unit": member.limit.unit or None,
                    }
                    for member in infeasible_set.members
                ],
            }
            for infeasible_set in found.infeasible_sets
        ],
        "repair": None if found.repair is None else {
            "usd": found.repair.usd,
            "checked": found.checked,
            "changes": [
                {
                    "kind": change.limit.kind.label, "of": change.limit.name, "by": change.by,
                    "unit": change.limit.unit or None, "usd": change.usd, "set": list(change.edits),
                }
                for change in found.repair.changes
            ],
        },
    }

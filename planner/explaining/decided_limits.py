"""The candidates of a case with the user's decisions as limits beside the case's own."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import numpy as np

from planner.candidates.build import CandidateSet
from planner.candidates.decisions import apply_decisions
from planner.candidates.kinds import Kind as CandidateKind
from planner.candidates.options import CandidateOptions
from planner.candidates.phases import unit_mw
from planner.candidates.resources import Family
from planner.case.case import Case
from planner.case.edit_grammar import parse_edit
from planner.explaining.find_limits import find_limits
from planner.explaining.limits import Kind, Limit
from planner.explaining.stated_limits import StatedLimits


def decided_limits(case: Case, options: CandidateOptions, *, twins: Collection[str] = ()) -> StatedLimits:
    """All limits of a case and of what was decided; `twins` are phases that offer what other phases offer."""
    free = options.undecided(case)
    decided = apply_decisions(free, options.fixes, options.excludes)
    stated = find_limits(replace(decided, lower=free.lower, upper=free.upper), twins=twins)
    for written in options.excludes:
        closed = apply_decisions(free, (), (written,)).upper < free.upper
        number = stated.add(Limit(Kind.EXCLUDE, written, f"you exclude {written}"))
        stated.closed += [(number, int(candidate)) for candidate in np.flatnonzero(closed)]
    for written in options.fixes:
        _fix(stated, free, written)
    return stated


def _fix(stated: StatedLimits, free: CandidateSet, written: str) -> None:
    edit = parse_edit(written)
    value = float(edit.value)
    what = f"{edit.table}.{edit.column}"
    unit = {"power.contracted_mw": "MW", "leases.size": "GPUs"}.get(what, "")
    if what == "leases.size":
        leases = free.outlook.case.tables["leases"].set_index("lease_id")
        unit = "MW" if leases.loc[str(edit.select), "size_unit"] == "it_mw" else "GPUs"
    number = stated.add(Limit(Kind.FIX, written, f"you fix {written}", value, unit))
    if what == "leases.size":
        for label in ("at most", "at least"):
            stated.raise_rows(number, stated.rows_of(Family.FIXED, f"size of {edit.select} {label}"))
        return
    one = apply_decisions(free, (written,))
    sizes = np.ones(len(one))
    sizes[one.of_kind(CandidateKind.POWER)] = unit_mw(free.outlook)
    for candidate in np.flatnonzero((free.lower != one.lower) | (free.upper != one.upper)).tolist():
        size = float(sizes[candidate])
        lower, upper = float(one.lower[candidate]), float(one.upper[candidate])
        if upper == 0.0:
            stated.closed.append((number, int(candidate)))
        elif upper < float(free.upper[candidate]):
            stated.bound(number, int(candidate), size, size * upper)
        if lower > float(free.lower[candidate]):
            stated.bound(number, int(candidate), -size, -size * lower)

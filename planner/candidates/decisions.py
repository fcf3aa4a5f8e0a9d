"""Decisions that the user makes in place of the solver: `--fix` and `--exclude`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from planner.arrays import Floats, Ints
from planner.candidates.build import CandidateSet
from planner.candidates.kinds import Kind
from planner.candidates.phases import phase_names, step_mw, unit_mw
from planner.candidates.resources import Family, ResourceBook
from planner.candidates.tranches import part_sizes
from planner.case.edit_grammar import Operation, parse_edit
from planner.did_you_mean import remedy_for
from planner.errors import PlannerError

_EXCLUDED = re.compile(r"^\s*(sites|leases|power|gpus)\s*\[\s*([^\]]+?)\s*\]\s*$")
EXCLUDE_FORMS = "write sites[id], leases[id], gpus[id] or power[source:phase]"
FIX_FORMS = "write sites.open[id]=0 or 1, leases.size[id]=units, or power.contracted_mw[source:phase]=MW"
_COLUMN = {"sites": "site_id", "leases": "lease_id", "power": "phase", "gpus": "gpu_id"}
_BUILT = ("open", "shell", "power", "take", "own")
_KINDS = {
    "sites": (*_BUILT, "serve", "host", "renew", "sell", "mine"),
    "leases": ("serve", "host", "renew"),
    "power": ("power", "take"),
    "gpus": ("own",),
}


def apply_decisions(candidates: CandidateSet, fixes: Sequence[str] = (), excludes: Sequence[str] = ()) -> CandidateSet:
    """The candidates with their bounds changed by what the user has decided; the set given is left as it was.

    Raises PlannerError for a decision that names nothing, or that is written wrongly.
    """
    if not fixes and not excludes:
        return candidates
    made = _Made(candidates, candidates.lower.copy(), candidates.upper.copy(), candidates.book.copy())
    for written in excludes:
        _exclude(made, written)
    for written in fixes:
        _fix(made, written)
    return replace(candidates, lower=made.lower, upper=made.upper, book=made.book)


@dataclass
class _Made:
    """The candidates before any decision, and the bounds and limits that the decisions made so far leave."""

    candidates: CandidateSet
    lower: Floats
    upper: Floats
    book: ResourceBook

    def hold(self, which: pd.Series, level: float) -> None:
        """Hold some candidates at a level."""
        chosen = which.to_numpy(bool)
        self.lower[chosen] = self.upper[chosen] = level

    def limit(self, name: str, most: float, numbers: Ints, units: Floats | float) -> None:
        """units @ levels <= most."""
        self.book.uses.add(numbers, self.book.resource(Family.FIXED, name, most), units, 0, 1)


def _exclude(made: _Made, written: str) -> None:
    match = _EXCLUDED.match(written)
    if match is None:
        raise PlannerError(f"--exclude {written!r} is not understood; {EXCLUDE_FORMS}")
    kind, name = match[1], match[2]
    table = made.candidates.table
    here = _named(table, kind, name, written)
    signed = table.loc[
        here & table["kind"].isin(_KINDS[kind]) & (table["kind"] == Kind.POWER) & (table["lower"] > 0.0), "phase"
    ]
    if len(signed):
        raise PlannerError(
            f"{written!r}: MW of {', '.join(signed)} are committed already and cannot be left out; set its "
            "power.committed_mw to 0 to see what they cost"
        )
    owned = table.loc[here & (table["kind"] == Kind.BASE) & (table["gpu_id"] != ""), "candidate_id"]
    if kind == "sites" and len(owned):
        raise PlannerError(
            f"{written!r}: GPUs stand there at the start ({', '.join(owned)}); remove them from the fleet to see the "
            "case without the site"
        )
    made.hold(here & table["kind"].isin(_KINDS[kind]), 0.0)


def _named(table: pd.DataFrame, kind: str, name: str, written: str) -> pd.Series:
    column = table[_COLUMN[kind]]
    here = column == name
    if not here.any():
        known = sorted(set(column) - {""})
        raise PlannerError(
            f"{written!r}: no candidate of the case has {_COLUMN[kind]} {name!r}; {remedy_for(name, known)}"
        )
    return here


def _fix(made: _Made, written: str) -> None:
    edit = parse_edit(written)
    what = f"{edit.table}.{edit.column}"
    if edit.operation is not Operation.SET or edit.select is None:
        raise PlannerError(f"--fix {written!r} is not understood; {FIX_FORMS}")
    try:
        value = float(edit.value)
    except ValueError:
        raise PlannerError(f"--fix {written!r}: {edit.value!r} is not a number; {FIX_FORMS}") from None
    if not np.isfinite(value) or value < 0:
        raise PlannerError(f"--fix {written!r}: give a number of 0 or more")
    if what == "sites.open":
        _fix_opening(made, edit.select, value, written)
    elif what == "leases.size":
        _fix_lease(made, edit.select, value, written)
    elif what == "power.contracted_mw":
        _fix_power(made, edit.select, value, written)
    else:
        raise PlannerError(f"--fix {written!r} is not understood; {FIX_FORMS}")


def _fix_opening(made: _Made, site_id: str, value: float, written: str) -> None:
    if value not in (0.0, 1.0):
        raise PlannerError(f"--fix {written!r}: a site is open (1) or not (0)")
    if value == 0.0:
        _exclude(made, f"sites[{site_id}]")
        return
    table = made.candidates.table
    here = _named(table, "sites", site_id, written) & (table["kind"] == Kind.OPEN)
    if not here.any():
        raise PlannerError(
            f"--fix {written!r}: {site_id} has no opening cost, so nothing to decide; fix its power instead"
        )
    made.limit(f"opening of {site_id}", -1.0, np.flatnonzero(here.to_numpy()), -1.0)


def _fix_lease(made: _Made, lease_id: str, value: float, written: str) -> None:
    """Units served = the size asked, as two limits; units as they are before anything is excluded."""
    table = made.candidates.table
    here = _named(table, "leases", lease_id, written) & table["kind"].isin([Kind.SERVE, Kind.HOST])
    numbers = np.flatnonzero(here.to_numpy())
    leases = made.candidates.outlook.tables["leases"]
    size = float(leases.floats("max_size")[leases.number_of("lease_id")[lease_id]])
    if value > size:
        raise PlannerError(f"--fix {written!r}: the lease takes at most {size:g}")
    if made.book.find(Family.FIXED, f"size of {lease_id} at most") is not None:
        raise PlannerError(f"--fix {written!r}: the size of {lease_id} is fixed already; fix it once")
    served = made.candidates.columns.take(numbers)
    units: Floats = part_sizes(made.candidates.outlook.tables, served) / made.candidates.upper[numbers]
    for sign, label in ((1.0, "at most"), (-1.0, "at least")):
        made.limit(f"size of {lease_id} {label}", sign * value, numbers, sign * units)


def _fix_power(made: _Made, phase: str, value: float, written: str) -> None:
    table, outlook = made.candidates.table, made.candidates.outlook
    here = _named(table, "power", phase, written) & (table["kind"] == Kind.POWER)
    at = phase_names(outlook.case.tables["power"]).index(phase)
    row = outlook.tables["power"].records[at]
    committed, guaranteed = row["committed_mw"], row["guaranteed_mw"]
    step, size = float(step_mw(outlook)[at]), float(unit_mw(outlook)[at])
    steps = (value - committed) / step if step > 0.0 else 0.0
    if value > guaranteed + 1e-9 or (value > committed and abs(steps - round(steps)) > 1e-9):
        allowed = (
            f"{committed:g} or {guaranteed:g}" if row["lumpy"]
            else f"{committed:g} to {guaranteed:g}" + ("" if np.isnan(step) else f" in steps of {step:g}")
        )
        raise PlannerError(f"--fix {written!r}: {phase} can be contracted at {allowed} MW")
    if value < committed - 1e-9:
        raise PlannerError(
            f"--fix {written!r}: {committed:g} MW of {phase} are committed already; fix it at that or more"
        )
    made.hold(here, value / size)

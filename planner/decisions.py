"""Decisions that the user makes in place of the allocator: `--fix` and `--exclude`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from planner.candidates.build import CandidateSet
from planner.candidates.outlook import Floats
from planner.candidates.power import step_mw, unit_mw
from planner.candidates.resources import Family
from planner.case.edit_grammar import Operation, parse_edit
from planner.case.faults import PlannerError
from planner.case.suggest import remedy_for

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
    table = candidates.table.copy()
    for written in excludes:
        _exclude(table, written)
    changed = replace(candidates, table=table, book=candidates.book.copy())
    most = candidates.table["upper"].to_numpy(np.float64)
    for written in fixes:
        _fix(changed, most, written)
    return changed


def _exclude(table: pd.DataFrame, written: str) -> None:
    match = _EXCLUDED.match(written)
    if match is None:
        raise PlannerError(f"--exclude {written!r} is not understood; {EXCLUDE_FORMS}")
    kind, name = match[1], match[2]
    here = _named(table, kind, name, written)
    signed = table.loc[here & table["kind"].isin(_KINDS[kind]) & (table["kind"] == "power") & (table["lower"] > 0.0), "phase"]
    if len(signed):
        raise PlannerError(f"{written!r}: MW of {', '.join(signed)} are committed already and cannot be left out; set its power.committed_mw to 0 to see what they cost")
    owned = table.loc[here & (table["kind"] == "base") & (table["gpu_id"] != ""), "candidate_id"]
    if kind == "sites" and len(owned):
        raise PlannerError(f"{written!r}: GPUs stand there at the start ({', '.join(owned)}); remove them from the fleet to see the case without the site")
    table.loc[here & table["kind"].isin(_KINDS[kind]), ["lower", "upper"]] = 0.0


def _named(table: pd.DataFrame, kind: str, name: str, written: str) -> pd.Series:
    column = table[_COLUMN[kind]]
    here = column == name
    if not here.any():
        known = sorted(set(column) - {""})
        raise PlannerError(f"{written!r}: no candidate of the case has {_COLUMN[kind]} {name!r}; {remedy_for(name, known)}")
    return here


def _fix(candidates: CandidateSet, most: Floats, written: str) -> None:
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
        _fix_opening(candidates, edit.select, value, written)
    elif what == "leases.size":
        _fix_lease(candidates, most, edit.select, value, written)
    elif what == "power.contracted_mw":
        _fix_power(candidates, edit.select, value, written)
    else:
        raise PlannerError(f"--fix {written!r} is not understood; {FIX_FORMS}")


def _fix_opening(candidates: CandidateSet, site_id: str, value: float, written: str) -> None:
    if value not in (0.0, 1.0):
        raise PlannerError(f"--fix {written!r}: a site is open (1) or not (0)")
    if value == 0.0:
        _exclude(candidates.table, f"sites[{site_id}]")
        return
    table = candidates.table
    here = _named(table, "sites", site_id, written) & (table["kind"] == "open")
    if not here.any():
        raise PlannerError(f"--fix {written!r}: {site_id} has no opening cost, so nothing to decide; fix its power instead")
    last = np.flatnonzero(here.to_numpy())
    resource = candidates.book.resource(Family.FIXED, f"opening of {site_id}", -1.0)
    candidates.book.uses.add(last, np.full(len(last), resource), -1.0, 0, 1)


def _fix_lease(candidates: CandidateSet, most: Floats, lease_id: str, value: float, written: str) -> None:
    """Units served = the size asked, as two limits. most: upper levels before anything was excluded."""
    table = candidates.table
    here = _named(table, "leases", lease_id, written) & table["kind"].isin(["serve", "host"])
    numbers = np.flatnonzero(here.to_numpy())
    size = candidates.outlook.case.tables["leases"].set_index("lease_id")["max_size"]
    if value > float(size[lease_id]):
        raise PlannerError(f"--fix {written!r}: the lease takes at most {size[lease_id]:g}")
    units: Floats = float(size[lease_id]) / most[numbers]
    if candidates.book.find(Family.FIXED, f"size of {lease_id} at most") is not None:
        raise PlannerError(f"--fix {written!r}: the size of {lease_id} is fixed already; fix it once")
    zero = np.zeros(len(numbers), dtype=np.int64)
    for sign, label in ((1.0, "at most"), (-1.0, "at least")):
        resource = candidates.book.resource(Family.FIXED, f"size of {lease_id} {label}", sign * value)
        candidates.book.uses.add(numbers, np.full(len(numbers), resource), sign * units, zero, zero + 1)


def _fix_power(candidates: CandidateSet, phase: str, value: float, written: str) -> None:
    table = candidates.table
    here = _named(table, "power", phase, written) & (table["kind"] == "power")
    power = candidates.outlook.case.tables["power"]
    row = power[(power["source_id"] + ":" + power["phase"]) == phase].iloc[0]
    rows = power.loc[[row.name]]
    committed, step, size = float(row["committed_mw"]), float(step_mw(rows)[0]), float(unit_mw(rows)[0])
    steps = (value - committed) / step if step > 0.0 else 0.0
    if value > float(row["guaranteed_mw"]) + 1e-9 or (value > committed and abs(steps - round(steps)) > 1e-9):
        most = f"{row['guaranteed_mw']:g}"
        allowed = f"{committed:g} or {most}" if row["lumpy"] else f"{committed:g} to {most}" + ("" if np.isnan(step) else f" in steps of {step:g}")
        raise PlannerError(f"--fix {written!r}: {phase} can be contracted at {allowed} MW")
    if value < float(row["committed_mw"]) - 1e-9:
        raise PlannerError(f"--fix {written!r}: {row['committed_mw']:g} MW of {phase} are committed already; fix it at that or more")
    table.loc[here, ["lower", "upper"]] = value / size

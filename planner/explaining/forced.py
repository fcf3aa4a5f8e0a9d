"""The best plan with something forced in or left out, integers free, as an interval between what was found and what was
proved."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from planner.arrays import Floats
from planner.candidates.build import CandidateSet
from planner.candidates.decisions import apply_decisions
from planner.candidates.kinds import Kind
from planner.candidates.options import CandidateOptions
from planner.candidates.phases import unit_mw
from planner.candidates.resources import Family
from planner.case.case import Case
from planner.case.edits import apply_edits
from planner.errors import PlannerError
from planner.explaining.target import Sort, Target
from planner.formulation.allocate import allocate
from planner.solver.options import SolverOptions


@dataclass(frozen=True)
class Worth:
    """Objective of a plan in dollars: that of the best found, and the bound on all; None for both when there is no
    plan.

    levels, npv_usd: level and NPV per unit of every candidate, shape (candidates,).
    """

    found_usd: float | None
    bound_usd: float | None
    levels: Floats | None
    npv_usd: Floats

    def less(self, other: Worth) -> tuple[float, float, float] | None:
        """How much better than another: by what was found, at least, at most; None when one of the two has no plan."""
        if self.found_usd is None or other.found_usd is None or self.bound_usd is None or other.bound_usd is None:
            return None
        return self.found_usd - other.found_usd, self.found_usd - other.bound_usd, self.bound_usd - other.found_usd


@dataclass(frozen=True)
class Forcing:
    """Plans of one case with one thing forced."""

    case: Case
    options: CandidateOptions
    solver: SolverOptions

    def candidates(self, edits: tuple[str, ...] = ()) -> CandidateSet:
        """The candidates under what was asked, the case changed by some edits."""
        return self.options.candidates(apply_edits(self.case, edits) if edits else self.case)

    def without(self, target: Target) -> Worth:
        """The best plan without it. What binds it already is released: a commitment, MW contracted; a fleet is not."""
        released = tuple(_released(self.case, target))
        return self.solved(apply_decisions(self.candidates(released), (), (target.exclusion,)))

    def at_least(self, target: Target, amount: float, *, edits: tuple[str, ...] = ()) -> Worth:
        """The best plan with so much of it: units of a lease, contracted MW, or GPUs of a SKU bought."""
        return self.solved(forced(self.candidates(edits), target, amount))

    def solved(self, candidates: CandidateSet) -> Worth:
        """The best plan of some candidates."""
        answer = allocate(candidates, self.solver)
        return Worth(answer.objective_usd, answer.bound_usd, answer.levels, candidates.npv_usd)


def amounts(candidates: CandidateSet, target: Target) -> tuple[np.ndarray, Floats]:
    """Candidates that bring a thing in, and how much of it a unit of each is."""
    table = candidates.table
    if target.sort is Sort.LEASE:
        chosen = (table["lease_id"] == target.name) & table["kind"].isin([Kind.SERVE, Kind.HOST])
        size = float(candidates.outlook.case.tables["leases"].set_index("lease_id").loc[target.name, "max_size"])
        numbers = np.flatnonzero(chosen)
        most = _most(candidates, target.name)
        return numbers, size / most[numbers]
    if target.sort is Sort.SKU:
        numbers = np.flatnonzero((table["gpu_id"] == target.name) & (table["kind"] == Kind.OWN))
        return numbers, np.ones(len(numbers))
    column = "site_id" if target.sort is Sort.SITE else "phase"
    power = np.flatnonzero(table["kind"] == Kind.POWER)
    mine = (table[column] == target.name).to_numpy()[power]
    return power[mine], unit_mw(candidates.outlook)[mine]


def _most(candidates: CandidateSet, lease_id: str) -> Floats:
    """Upper levels of the ways to serve a lease as they are before decisions: all of its size."""
    lease = candidates.outlook.tables["leases"].number_of("lease_id")[lease_id]
    allowed = np.concatenate([block.columns["upper"] for block in candidates.blocks])
    return np.where(candidates.columns["lease"] == lease, allowed, candidates.upper)


def forced(candidates: CandidateSet, target: Target, amount: float) -> CandidateSet:
    """The candidates with a row that asks for at least so much of a thing."""
    numbers, sizes = amounts(candidates, target)
    if not len(numbers):
        raise PlannerError(f"nothing in the case could bring {target.name} into a plan")
    changed = replace(candidates, book=candidates.book.copy())
    resource = changed.book.resource(Family.FIXED, f"at least {amount:g} of {target.exclusion}", -amount)
    zero = np.zeros(len(numbers), dtype=np.int64)
    changed.book.uses.add(numbers, np.full(len(numbers), resource), -sizes, zero, zero + 1)
    return changed


def _released(case: Case, target: Target) -> tuple[str, ...]:
    if target.sort is Sort.LEASE:
        lease = case.tables["leases"].set_index("lease_id").loc[target.name]
        return (f"leases.committed[{target.name}]=no",) if lease["committed"] else ()
    power = phase_names_committed(case, target)
    return tuple(f"power.committed_mw[{name}]=0" for name in power)


def phase_names_committed(case: Case, target: Target) -> list[str]:
    """Phases of a target of which some MW are contracted already."""
    power = case.tables["power"]
    held = power[power["committed_mw"] > 0.0]
    names = held["source_id"].astype(str) + ":" + held["phase"].astype(str)
    if target.sort is Sort.SITE:
        return names[held["site_id"] == target.name].tolist()
    return names[names == target.name].tolist() if target.sort is Sort.PHASE else []

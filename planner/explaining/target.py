"""What a question is about: a site, a lease, a phase of power or a SKU, by its id."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from planner.candidates.phases import phase_names
from planner.case.case import Case
from planner.did_you_mean import remedy_for
from planner.errors import PlannerError

_LONG = re.compile(r"^\s*(sites|leases|power|gpus)\s*\[\s*([^\]]+?)\s*\]\s*$")


class Sort(Enum):
    """Sorts of things that a plan may hold; the value is the table that lists them."""

    SITE = "sites"
    LEASE = "leases"
    PHASE = "power"
    SKU = "gpus"


@dataclass(frozen=True)
class Target:
    """One thing of the case."""

    sort: Sort
    name: str

    @property
    def exclusion(self) -> str:
        """How it is left out: `--exclude`."""
        return f"{self.sort.value}[{self.name}]"


def targets_of(case: Case, written: Sequence[str]) -> tuple[Target, ...]:
    """What each question is about, from an id or from table[id].

    Raises PlannerError for an id that names nothing, or things in two tables.
    """
    names = _names(case)
    return tuple(_target(names, question) for question in written)


def _names(case: Case) -> dict[Sort, list[str]]:
    tables = case.tables
    return {
        Sort.SITE: [str(name) for name in tables["sites"]["site_id"]],
        Sort.LEASE: [str(name) for name in tables["leases"]["lease_id"]],
        Sort.PHASE: [str(name) for name in phase_names(tables["power"])],
        Sort.SKU: [str(name) for name in tables["gpus"]["gpu_id"]],
    }


def _target(names: dict[Sort, list[str]], written: str) -> Target:
    long = _LONG.match(written)
    sorts = [Sort(long[1])] if long else list(Sort)
    name = long[2] if long else written.strip()
    found = [sort for sort in sorts if name in names[sort]]
    if len(found) > 1:
        forms = " or ".join(f"{sort.value}[{name}]" for sort in found)
        raise PlannerError(f"--why {written!r} names {len(found)} things; write {forms}")
    if not found:
        known = [known for sort in sorts for known in names[sort]]
        raise PlannerError(
            f"--why {written!r}: no site, lease, phase (source:phase) or SKU is called so; {remedy_for(name, known)}"
        )
    return Target(found[0], name)

"""What a policy decides, thing by thing: sites, phases of power, leases, links, halls and GPUs, by node of the tree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from planner.adapting.nodes import NodeTree
from planner.adapting.reviews import stage_of
from planner.arrays import Floats, Ints
from planner.candidates.build import CandidateSet
from planner.candidates.hall_cohorts import EXISTING
from planner.candidates.kinds import Kind
from planner.candidates.phases import phase_names, unit_mw
from planner.candidates.tranches import part_sizes

DUST = 1e-6
"""Share of the most of a thing that counts as none of it."""
SAME = 0.01
"""Share of the most of a thing by which two nodes may differ and still decide the same."""


class Sort(StrEnum):
    """Sorts of things, as decisions.csv calls them, in the order in which they are listed."""

    SITE = "site"
    PHASE = "phase"
    LEASE = "lease"
    LINK = "link"
    HALLS = "halls"
    GPUS = "gpus"


UNIT = {Sort.SITE: "0/1", Sort.LINK: "0/1", Sort.PHASE: "MW", Sort.HALLS: "MW", Sort.GPUS: "GPU"}
LEASE_UNIT = {"it_mw": "MW", "gpus": "GPU"}
"""What each sort is counted in; leases by the unit of their size."""


class Verdict(StrEnum):
    """When a thing is decided."""

    NOW = "now"
    OPEN = "open"
    LATER = "later"
    NEVER = "never"


@dataclass(frozen=True)
class Thing:
    """One thing that can be decided. members: candidates, units: of it in a unit of each, standing: levels that are a
    fact of the case, (members,) each."""

    sort: Sort
    name: str
    unit: str
    members: Ints
    units: Floats
    standing: Floats

    @property
    def label(self) -> str:
        """As `phase ironwood:p1`."""
        return f"{self.sort} {self.name}"


@dataclass(frozen=True)
class Decision:
    """When and how much of a thing a policy takes.

    amount: by node of the tree, of what is decided in that node, (nodes,). now: what is taken at the root. taken: share
    of the probability in which any of it is taken. later: mean of
    what is taken after the root. least, most: of all of it, over the paths.
    """

    thing: Thing
    amount: Floats
    now: float
    taken: float
    later: float
    least: float
    most: float
    verdict: Verdict


def things_of(candidates: CandidateSet) -> list[Thing]:
    """Everything that can be decided and is not there already, sort by sort."""
    outlook, columns = candidates.outlook, candidates.columns
    found: list[Thing] = []
    tables = outlook.tables
    # bounds as the case has them: what the user fixes is a decision all the same
    stands, most = (
        np.concatenate([block.columns[bound] for block in candidates.blocks]) for bound in ("lower", "upper")
    )
    sizes = tables["leases"].texts("size_unit").tolist()

    def add(sort: Sort, keys: Ints, numbers: Ints, names: Sequence[str], units: Floats | float = 1.0) -> None:
        each = np.broadcast_to(np.asarray(units, dtype=np.float64), numbers.shape)
        for key in np.unique(keys).tolist():
            own = keys == key
            unit = LEASE_UNIT[str(sizes[key])] if sort is Sort.LEASE else UNIT[sort]
            found.append(Thing(sort, names[key], unit, numbers[own], each[own], stands[numbers[own]]))

    sites, leases, gpus = (
        tables[table].texts(column).tolist()
        for table, column in (("sites", "site_id"), ("leases", "lease_id"), ("gpus", "gpu_id"))
    )
    opened = candidates.of_kind(Kind.OPEN)
    opened = opened[~np.isin(columns["site"][opened], _begun(candidates))]
    add(Sort.SITE, columns["site"][opened], opened, sites)
    power = candidates.of_kind(Kind.POWER)
    phase = columns["phase"][power]
    add(Sort.PHASE, phase, power, phase_names(outlook.case.tables["power"]), unit_mw(outlook)[phase])
    served = candidates.of_kind(Kind.SERVE, Kind.HOST)
    lease = columns["lease"][served]
    chosen = (lease >= 0) & ~tables["leases"].flags("committed")[lease]
    served, lease = served[chosen], lease[chosen]
    add(Sort.LEASE, lease, served, leases, part_sizes(tables, columns.take(served)) / most[served])
    links = candidates.of_kind(Kind.FABRIC)
    add(Sort.LINK, np.arange(len(links)), links, [candidates.links[number] for number in links.tolist()])
    halls = candidates.of_kind(Kind.SHELL)
    halls = halls[columns["way"][halls] != EXISTING]
    add(Sort.HALLS, columns["site"][halls], halls, sites)
    owned = candidates.of_kind(Kind.OWN)
    add(Sort.GPUS, columns["gpu"][owned], owned, gpus)
    return found


def _begun(candidates: CandidateSet) -> Ints:
    """Sites on which something is contracted or owned already, by their rows."""
    tables = candidates.outlook.tables
    power = tables["power"]
    committed = power.rows_of("site_id")[power.floats("committed_mw") > 0.0]
    return np.unique(np.concatenate([committed, tables["fleet"].rows_of("site_id")]))


def stages_of(thing: Thing, candidates: CandidateSet, reviews: Sequence[int]) -> Ints:
    """The stage in which each member of a thing is decided, (members,): of a lease that of its answer."""
    if thing.sort is Sort.LEASE:
        lease = candidates.columns["lease"][thing.members]
        return stage_of(candidates.outlook.answer_months[lease], reviews)
    return stage_of(candidates.columns["decide_by"][thing.members], reviews)


def decide(
    thing: Thing, candidates: CandidateSet, tree: NodeTree, by_leaf: dict[int, Floats]
) -> Decision:
    """What a policy does of a thing; by_leaf: levels of all candidates on the path to each leaf, (candidates,)."""
    stages = stages_of(thing, candidates, tree.reviews)
    amount = np.zeros(len(tree.nodes))
    for leaf, levels in by_leaf.items():
        for number in tree.path(leaf):
            own = stages == tree.nodes[number].stage
            amount[number] = float(thing.units[own] @ (levels[thing.members[own]] - thing.standing[own]))
    most = max(float(np.abs(amount).max(initial=0.0)), 1.0)
    amount = np.where(amount > DUST * most, amount, 0.0)
    leaves = {leaf: float(amount[list(tree.path(leaf))].sum()) for leaf in tree.leaves}
    chance = {leaf: tree.nodes[leaf].probability for leaf in tree.leaves}
    taken = sum(chance[leaf] for leaf, total in leaves.items() if total > 0.0)
    later = sum(chance[leaf] * (total - amount[0]) for leaf, total in leaves.items())
    return Decision(
        thing, amount, float(amount[0]), taken, later, min(leaves.values()), max(leaves.values()),
        _verdict(amount, leaves),
    )


def _verdict(amount: Floats, leaves: dict[int, float]) -> Verdict:
    if amount[0] > 0.0:
        return Verdict.NOW
    totals = list(leaves.values())
    if max(totals, default=0.0) <= 0.0:
        return Verdict.NEVER
    return Verdict.LATER if max(totals) - min(totals) <= SAME * max(totals) else Verdict.OPEN

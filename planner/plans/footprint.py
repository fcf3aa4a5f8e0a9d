"""Where a plan stands and whom it serves: MW by site, size won by lease."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from planner.arrays import Floats
from planner.candidates.build import CandidateSet
from planner.candidates.kinds import Kind
from planner.candidates.phases import phase_table, unit_mw

SITE_IN_MW = 0.05
"""A site with less power contracted than this is not in a plan."""
LEASE_IN = 0.05
"""A lease of which less than this is won (GPUs, or MW of critical IT) is not in a plan."""


@dataclass(frozen=True)
class Footprint:
    """Contracted MW by site, and GPUs (hosting: MW of critical IT) won by lease, every site and lease of the case
    named."""

    site_mw: dict[str, float]
    lease_size: dict[str, float]

    @property
    def sites_in(self) -> frozenset[str]:
        """Sites with power contracted."""
        return frozenset(name for name, mw in self.site_mw.items() if mw > SITE_IN_MW)

    @property
    def leases_in(self) -> frozenset[str]:
        """Leases served."""
        return frozenset(name for name, size in self.lease_size.items() if size > LEASE_IN)


def footprint(candidates: CandidateSet, levels: Floats) -> Footprint:
    """Where a portfolio stands and whom it serves."""
    case, table = candidates.outlook.case, candidates.table
    power = phase_table(candidates.outlook)
    kind = table["kind"].to_numpy()
    contracted = levels[np.flatnonzero(kind == Kind.POWER)] * unit_mw(candidates.outlook)
    by_site = power.assign(mw=contracted).groupby("site_id")["mw"].sum()
    held = np.isin(kind, ["serve", "host"]) & (levels > 0.0)
    by_lease = table[["lease_id"]].assign(size=levels)[held].groupby("lease_id")["size"].sum()
    return Footprint(
        {str(name): float(by_site.get(name, 0.0)) for name in case.tables["sites"]["site_id"]},
        {str(name): float(by_lease.get(name, 0.0)) for name in case.tables["leases"]["lease_id"]},
    )

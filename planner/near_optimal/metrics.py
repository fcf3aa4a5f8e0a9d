"""What plans are compared by: contracted MW of sites and size won of leases, each a sum over the columns of the
model."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from planner.arrays import Floats
from planner.candidates.kinds import Kind
from planner.candidates.phases import phase_table, unit_mw
from planner.formulation.formulation import Formulation
from planner.plans.footprint import LEASE_IN, SITE_IN_MW


@dataclass(frozen=True, eq=False)
class Metric:
    """A site or a lease. weights: its size (contracted MW; GPUs or hosted MW) = weights @ columns of the model,
    (columns,).

    most: its size if everything on offer is taken. least_in: a plan with less of it is one without it.
    """

    kind: str
    name: str
    weights: Floats
    most: float
    least_in: float

    def size(self, columns: Floats) -> float:
        """Its size in a plan."""
        return float(self.weights @ columns)

    def is_in(self, columns: Floats) -> bool:
        """Whether a plan has it."""
        return self.size(columns) > self.least_in


def sites_and_leases(formulation: Formulation) -> list[Metric]:
    """Every site with power on offer and every lease with a candidate that serves it, in the order of the case."""
    candidates = formulation.candidates
    table, case = candidates.table, candidates.outlook.case
    kind = table["kind"].to_numpy()
    power = phase_table(candidates.outlook)
    mw = np.zeros(len(table))
    mw[np.flatnonzero(kind == Kind.POWER)] = unit_mw(candidates.outlook)
    served = np.isin(kind, ["serve", "host"])
    offered = power.groupby("site_id")["guaranteed_mw"].sum()
    upper = table["upper"].to_numpy(np.float64)
    found = []
    for name in case.tables["sites"]["site_id"]:
        weights = np.where(table["site_id"].to_numpy() == name, mw, 0.0)
        if weights.any():
            found.append(
                Metric("site", str(name), _over_columns(formulation, weights), float(offered[name]), SITE_IN_MW)
            )
    for name in case.tables["leases"]["lease_id"]:
        mine = served & (table["lease_id"].to_numpy() == name)
        if mine.any():
            # A candidate alone could serve the whole lease, so the largest upper level is its size in GPUs (or MW).
            found.append(
                Metric(
                    "lease", str(name), _over_columns(formulation, mine.astype(np.float64)), float(upper[mine].max()),
                    LEASE_IN,
                )
            )
    return found


def _over_columns(formulation: Formulation, weights: Floats) -> Floats:
    """Weights of candidates carried over to the columns of the model, in its units."""
    carried: Floats = np.asarray(formulation.level_of.T @ weights, dtype=np.float64) * formulation.unit
    return carried

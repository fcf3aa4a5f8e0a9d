"""Parts in which leases are delivered: at once, or in tranches with their own dates and their own right to walk away.

What is signed is a size of the whole lease; each tranche brings its share of it, so that the units of one, over its
share, are those of every other. A lease without rows of `lease_tranches` is one part, all of it.
"""

from __future__ import annotations

import numpy as np

from planner.arrays import Floats, Ints
from planner.candidates.columns import Columns
from planner.case.calendar import Calendar
from planner.case.table_arrays import NO_ROW, CaseArrays


def lease_parts(tables: CaseArrays, calendar: Calendar) -> Columns:
    """The parts of all leases, lease by lease: columns lease, tranche (its row, NO_ROW for a lease that comes at once),
    due (month of its start) and grace (months within which a plan may begin it late)."""
    leases, tranches = tables["leases"], tables["lease_tranches"]
    of, own = tranches.rows_of("lease_id"), tranches.floats("late_grace_months")
    whole = np.setdiff1d(np.arange(len(leases)), of)
    lease = np.concatenate([whole, of])
    later = np.concatenate([np.zeros(len(whole), dtype=np.int64), tranches.ints("starts_after_months")])
    stated = np.concatenate([np.full(len(whole), np.nan), own])
    grace = np.where(np.isnan(stated), leases.ints("late_grace_months")[lease], np.nan_to_num(stated)).astype(np.int64)
    parts = Columns(
        len(lease), lease=lease, tranche=np.concatenate([np.full(len(whole), NO_ROW), np.arange(len(of))]),
        due=calendar.indices(leases.texts("start"))[lease] + later, grace=grace,
    )
    return parts.sorted_by("lease")


def part_names(tables: CaseArrays, parts: Columns) -> list[str]:
    """LEASE, or LEASE:TRANCHE, of parts with lease and tranche."""
    leases, tranches = tables["leases"].texts("lease_id"), tables["lease_tranches"].texts("tranche")
    rows = zip(parts["lease"].tolist(), parts["tranche"].tolist(), strict=True)
    return [str(leases[at]) if of == NO_ROW else f"{leases[at]}:{tranches[of]}" for at, of in rows]


def part_shares(tables: CaseArrays, tranche: Ints) -> Floats:
    """Share of a lease's size that a part brings, 1 for NO_ROW; of the shape of `tranche`."""
    found: Floats = np.append(tables["lease_tranches"].floats("size_share"), 1.0)[tranche]
    return found


def part_sizes(tables: CaseArrays, parts: Columns) -> Floats:
    """Greatest size of parts with lease and tranche, in units of their leases, NaN for no lease (NO_ROW), (n,)."""
    of_lease = np.append(tables["leases"].floats("max_size"), np.nan)[parts["lease"]]
    size: Floats = of_lease * part_shares(tables, parts["tranche"])
    return size


def walking_grace(tables: CaseArrays, parts: Columns) -> Floats:
    """Months late after which the customer walks away from parts with lease and tranche, NaN for never, (n,)."""
    tranches = tables["lease_tranches"]
    of_lease = tables["leases"].floats("late_grace_months")[parts["lease"]]
    own = np.append(tranches.floats("late_grace_months"), np.nan)[parts["tranche"]]
    stays = np.append(~tranches.flags("may_terminate"), False)[parts["tranche"]]
    return np.where(stays, np.nan, np.where(np.isnan(own), of_lease, own))

"""Candidates that no plan can use: leases that no site, or no fabric, can hold at their least size.

What a site can hold for a lease is bounded by its halls, its liquid cooling, its power and its largest cluster, at a
month in which all ways to serve the lease there stand in full. Where that is less than the least size (of the lease, or
of a block of it on one site) the decision can only be no, and so can the candidates that need it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pandas as pd

from planner.arrays import Flags, Floats, Ints, Texts
from planner.candidates.accepting import least_sizes
from planner.candidates.columns import Columns, codes_of, greatest_by, least_by
from planner.candidates.firmness import backups
from planner.candidates.hall_cohorts import hall_cohorts
from planner.candidates.kinds import Kind
from planner.candidates.outlook import Outlook
from planner.candidates.refusals.room import hall_room, power_room
from planner.candidates.resources import Family, ResourceBook
from planner.case.table_arrays import NO_ROW

SLACK = 1e-6
"""What a bound must fall short of the least size by, as a share of it."""


REASONS = (
    "", "the site cannot hold the least block", "no site or fabric can hold the least size",
    "the lease cannot stand there",
)
_BLOCK, _SIZE, _IDLE = 1, 2, 3
NEVER = 1 << 40


class Listed(Protocol):
    """What is asked of a set of candidates (see `build.CandidateSet`)."""

    @property
    def outlook(self) -> Outlook: ...
    @property
    def book(self) -> ResourceBook: ...
    @property
    def lower(self) -> Floats: ...
    @property
    def upper(self) -> Floats: ...
    @property
    def kinds(self) -> Texts: ...
    @property
    def columns(self) -> Columns: ...
    def of_kind(self, *kinds: Kind) -> Ints: ...
    def __len__(self) -> int: ...


@dataclass(frozen=True)
class LeftOut:
    """mask: which candidates no plan can use, shape (candidates,); table: kind, count, reason."""

    mask: Flags
    table: pd.DataFrame


def leave_out(candidates: Listed) -> LeftOut:
    """Find the candidates that no plan can use."""
    reason = np.zeros(len(candidates), dtype=np.int64)
    served = _served(candidates)
    if len(served):
        most = _holdable(candidates, served)
        stands = _Standing.of(candidates, served)
        _blocks(reason, candidates, most)
        _accepts(reason, candidates, served, most, stands)
        _idle(reason, candidates, served, stands)
        reason[_demanded(candidates)] = 0
    found = pd.DataFrame({"kind": candidates.kinds, "reason": np.array(REASONS, dtype=object)[reason]})
    counted = found[reason > 0].groupby(["kind", "reason"]).size().rename("count").reset_index()
    return LeftOut(reason > 0, counted[["kind", "count", "reason"]])


def _demanded(candidates: Listed) -> Flags:
    """Candidates that some limit asks for: they stay, so that the limit shows that it cannot be kept."""
    uses = candidates.book.uses.columns()
    asked = np.asarray(candidates.book.limit, dtype=np.float64)[uses["resource"]] < 0.0
    found = candidates.lower > 0.0
    found[uses["candidate"][asked & (uses["coefficient"] < 0.0)]] = True
    return found


def _served(candidates: Listed) -> Columns:
    """Ways to serve leases: number, lease, site, units per GPU or MW, and the months in which all of it stands."""
    tables, book = candidates.outlook.tables, candidates.book
    numbers = candidates.of_kind(Kind.SERVE, Kind.HOST)
    rows = candidates.columns.take(numbers)
    # What must be served stays, so that its limits show that it cannot be; the rent of the tail serves no lease.
    must = np.append(tables["leases"].flags("committed"), True)
    must[tables["fleet"].rows_of("lease_id")] = True
    free = np.flatnonzero(~must[rows["lease"]])
    numbers, rows = numbers[free], rows.take(free)
    uses = book.uses.columns()
    volume = np.flatnonzero(_of_families(book.family, Family.VOLUME)[uses["resource"]])[::-1]
    units = np.full(len(candidates), np.nan)
    units[uses["candidate"][volume]] = uses["coefficient"][volume]
    gpus, gpu, cluster = tables["gpus"], rows["gpu"], rows["gpu"] != NO_ROW
    ramp = tables["lease_ramp"]
    ramped = greatest_by(ramp.rows_of("lease_id"), ramp.ints("month_of_term"), len(tables["leases"]), -1) + 1

    def of_gpu(column: Floats, without: float) -> Floats:
        return np.append(column, without)[gpu]

    return Columns(
        number=numbers, lease=rows["lease"], site=rows["site"], units=units[numbers], cluster=cluster,
        it_mw=of_gpu(gpus.floats("it_kw") / 1000.0, 1.0), working=of_gpu(1.0 - gpus.floats("spare_fraction"), 1.0),
        liquid=np.append(gpus.texts("cooling") == "liquid", False)[gpu],
        # The ramp ends within so many months of the start of the term, which is no later than this start.
        from_month=rows["from_month"] + ramped[rows["lease"]], to_month=rows["to_month"],
    )


def _of_families(family: list[Family], *members: Family) -> Flags:
    return np.array([each in members for each in family], dtype=bool)


def _holdable(candidates: Listed, served: Columns) -> Floats:
    """Units of each lease that each site can hold at most, NaN where nothing serves it there; (leases, sites)."""
    outlook = candidates.outlook
    sites, leases = outlook.tables["sites"], outlook.tables["leases"]
    halls, power = _halls_mw(candidates), _power_it_mw(candidates)
    per_mw = served["units"] / served["it_mw"]
    codes, first = codes_of([served["lease"], served["site"]])
    count, lease, site = len(first), served["lease"][first], served["site"][first]

    def greatest(values: Floats) -> Floats:
        found = np.full(count, -np.inf)
        np.maximum.at(found, codes, values)
        return found

    def all_are(flags: Flags) -> Flags:
        return np.bincount(codes[~flags], minlength=count) == 0

    start, end = greatest_by(codes, served["from_month"], count, 0), least_by(codes, served["to_month"], count, NEVER)
    units, most_per_mw, most_per_hall = greatest(served["units"]), greatest(per_mw), greatest(
        per_mw * served["working"]
    )
    liquid = np.where(
        all_are(served["liquid"]) & sites.given("liquid_cooled_it_mw")[site], sites.floats("liquid_cooled_it_mw")[site],
        np.inf,
    )
    most = np.full(count, np.inf)
    for at in np.flatnonzero(start < end).tolist():
        window = slice(int(start[at]), int(end[at]))
        hall_mw = min(float(halls[site[at], window].min()), liquid[at])
        most[at] = min(hall_mw * most_per_hall[at], float(power[site[at], window].min()) * most_per_mw[at])
    largest = sites.floats("max_cluster_gpus")[site]
    one_cluster = all_are(served["cluster"]) & leases.flags("single_fabric")[lease] & ~np.isnan(largest)
    found = np.full((len(leases), len(sites)), np.nan)
    found[lease, site] = np.minimum(most, np.where(one_cluster, largest * units, np.inf))
    return found


def _halls_mw(candidates: Listed) -> Floats:
    """Halls that can be in service at each site at most, by month: of the cohorts as they are after decisions, within
    the site's limit."""
    outlook, book = candidates.outlook, candidates.book
    halls = hall_cohorts(outlook)
    found = hall_room(halls.having(upper=candidates.upper[candidates.of_kind(Kind.SHELL)]), outlook)
    for site, name in enumerate(outlook.tables["sites"].texts("site_id").tolist()):
        limit = book.find(Family.SITE, name)
        found[site] = found[site] if limit is None else np.minimum(found[site], book.limit[limit])
    return found


def _power_it_mw(candidates: Listed) -> Floats:
    """Critical IT that the phases of each site can carry together, by month, (sites, M)."""
    outlook = candidates.outlook
    site = np.where(backups(outlook), NO_ROW, outlook.tables["power"].rows_of("site_id"))
    return np.array(
        [power_room(outlook, np.flatnonzero(site == at).tolist()) for at in range(len(outlook.tables["sites"]))]
    )


@dataclass(frozen=True)
class _Standing:
    """Uses of the rows that let a lease stand on a site only where a decision allows it, and the site of each such row.

    candidate, resource, coefficient: (uses,); site_of: by resource, NO_ROW for others.
    """

    candidate: Ints
    resource: Ints
    coefficient: Floats
    site_of: Ints

    @staticmethod
    def of(candidates: Listed, served: Columns) -> _Standing:
        uses = candidates.book.uses.columns()
        rows = np.flatnonzero(_of_families(candidates.book.family, Family.BLOCK, Family.ON_FABRIC)[uses["resource"]])
        candidate, resource = uses["candidate"][rows], uses["resource"][rows]
        site = np.full(len(candidates), NO_ROW)
        site[served["number"]] = served["site"]
        site_of = np.full(len(candidates.book.family), NO_ROW)
        serving = np.flatnonzero(site[candidate] != NO_ROW)
        site_of[resource[serving]] = site[candidate[serving]]
        return _Standing(candidate, resource, uses["coefficient"][rows], site_of)


def _blocks(reason: Ints, candidates: Listed, most: Floats) -> None:
    numbers = candidates.of_kind(Kind.BLOCK)
    rows = candidates.columns.take(numbers)
    least = candidates.outlook.tables["leases"].floats("min_block")[rows["lease"]]
    reason[numbers[most[rows["lease"], rows["site"]] < least * (1.0 - SLACK)]] = _BLOCK


def _accepts(reason: Ints, candidates: Listed, served: Columns, most: Floats, stands: _Standing) -> None:
    """A lease taken, on a fabric or anywhere: all its sites together must hold the least size."""
    least = least_sizes(candidates.outlook) * (1.0 - SLACK)
    numbers = candidates.of_kind(Kind.ACCEPT)
    lease = candidates.columns["lease"][numbers]
    known = np.flatnonzero(np.isin(lease, served["lease"]))
    numbers, lease = numbers[known], lease[known]
    place = np.full(len(candidates), -1)
    place[numbers] = np.arange(len(numbers))
    site = stands.site_of[stands.resource]
    mine = np.flatnonzero((place[stands.candidate] >= 0) & (site != NO_ROW))
    # On a fabric it may stand on the sites whose rows it opens; without one anywhere.
    on_fabric = np.zeros((len(numbers), most.shape[1]), dtype=bool)
    on_fabric[place[stands.candidate[mine]], site[mine]] = True
    on_fabric |= ~np.any(on_fabric, axis=1, keepdims=True)
    holdable = np.where(on_fabric, np.where(np.isnan(most), 0.0, most)[lease], 0.0).sum(axis=1)
    reason[numbers[holdable < least[lease]]] = _SIZE


def _idle(reason: Ints, candidates: Listed, served: Columns, stands: _Standing) -> None:
    """Ways to serve for which every decision that would allow them is left out, and their next terms."""
    columns = candidates.columns
    opens: Flags = stands.coefficient < 0.0
    left: Flags = reason > 0
    closed = _all_of(stands.resource[opens], left[stands.candidate[opens]], len(candidates.book.family))
    blocked = stands.candidate[~opens & closed[stands.resource]]
    accepts = candidates.of_kind(Kind.ACCEPT)
    never = _all_of(columns["lease"][accepts], left[accepts], len(candidates.outlook.tables["leases"]))
    idle = np.union1d(blocked, served["number"][never[served["lease"]]])
    reason[idle] = _IDLE
    renewed = candidates.of_kind(Kind.RENEW)
    reason[renewed[np.isin(columns["parent"][renewed], idle)]] = _IDLE


def _all_of(groups: Ints, flags: Flags, count: int) -> Flags:
    """Which of the groups 0..count - 1 have members, all of them flagged."""
    members, flagged = np.bincount(groups, minlength=count), np.bincount(groups[flags], minlength=count)
    found: Flags = (members > 0) & (members == flagged)
    return found

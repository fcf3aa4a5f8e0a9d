"""What stops a lease: at every site and on every SKU that it accepts, the fewest limits that have to be lifted for it
to stand there.

The limits are those under which candidates are made (`lease_offers`, `halls`, `gpus`, `power_paths`), and the sizes are
upper bounds (see `room`), as if nothing else wanted the site: a lease that is stopped here cannot be served by any
plan.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from planner.arrays import Floats
from planner.candidates.builder import CandidateBuilder
from planner.candidates.gpu_places import fits
from planner.candidates.lease_offers import delivered_shares, lease_windows, site_rules
from planner.candidates.lease_terms import LeaseTerms
from planner.candidates.named import named, rates_with_units
from planner.candidates.outlook import Outlook, make_outlook
from planner.candidates.refusals.power_stops import Need, PowerStops
from planner.candidates.refusals.site_stops import GpuStops, HallStops, Wanted
from planner.candidates.refusals.stops import HAVE, Stop, StopKind, figure
from planner.candidates.tranches import part_shares
from planner.case.case import Case
from planner.case.edits import apply_edits
from planner.case.table_arrays import NO_ROW

SLACK = 1e-6
"""Share of a size that counts as rounding."""
LEAST_PART = 1e-3
"""Share of a lease that has to fit where its sizes ask for no least one."""


@dataclass(frozen=True)
class Place:
    """A lease at a site on a SKU ("" for a hall): what stops it there, nothing where it can stand; units: how much of
    it at most."""

    site_id: str
    gpu_id: str
    stops: tuple[Stop, ...]
    units: float


@dataclass(frozen=True)
class Refusal:
    """Whether a lease can be served at its least size, were it alone, and where.

    stopped: it cannot. before: what stops it at every site alike, its dates and the supply of all sites together.
    places: where it is stopped each site, on the SKU with the fewest stops, else the sites that can hold some of it.
    least: units that must be served, 0 where any part will do. begins: the first month in which it can begin at its
    least size (None where it cannot). due: the month of its start.
    """

    lease_id: str
    stopped: bool
    before: tuple[Stop, ...]
    places: tuple[Place, ...]
    least: float
    unit: str
    due: int
    begins: int | None


class WhatStops:
    """The limits of a case, asked lease by lease."""

    def __init__(self, outlook: Outlook) -> None:
        self.outlook = outlook
        tables = outlook.case.tables
        self.leases: dict[str, dict[str, Any]] = {
            str(row["lease_id"]): row for row in tables["leases"].to_dict("records")
        }
        self.sites: list[str] = [str(site_id) for site_id in tables["sites"]["site_id"]]
        self.rules = {
            str(name): {str(row["site_id"]): row for row in rows.to_dict("records")}
            for name, rows in named(outlook, site_rules(outlook)).groupby("lease_id")
        }
        self.windows = {str(name): rows for name, rows in named(outlook, lease_windows(outlook)).groupby("lease_id")}
        self.units = {str(name): rows for name, rows in rates_with_units(outlook).groupby("lease_id")}
        pairs = named(outlook, fits(outlook)).merge(
            tables["sites"][["site_id", "max_rack_kw", "liquid_cooled_it_mw"]], on="site_id"
        )
        pairs = pairs.merge(tables["gpus"][["gpu_id", "it_kw", "cooling"]], on="gpu_id")
        self.fits: dict[tuple[str, str], dict[str, Any]] = {
            (str(row["site_id"]), str(row["gpu_id"])): row for row in pairs.to_dict("records")
        }
        self.terms = LeaseTerms(CandidateBuilder(outlook))
        self.cluster = tables["sites"].set_index("site_id")["max_cluster_gpus"].astype("float64").to_dict()
        self.regions = tables["sites"].set_index("site_id")["region"].to_dict()
        self.shares: dict[tuple[str, int], Floats] = {}
        self.delivered = dict(
            zip(outlook.tables["leases"].texts("lease_id"), delivered_shares(outlook).tolist(), strict=True)
        )
        self.halls, self.power, self.gpus = HallStops(outlook), PowerStops(outlook), GpuStops(outlook)
        gpus = tables["gpus"].set_index("gpu_id")
        self.it_kw: dict[str, float] = gpus["it_kw"].astype("float64").to_dict()
        self.spare: dict[str, float] = gpus["spare_fraction"].astype("float64").to_dict()
        self.units_of: dict[tuple[str, str], float] = {
            (name, str(gpu_id)): float(most) for name, rows in self.units.items()
            for gpu_id, most in rows.groupby("gpu_id")["units_per_gpu"].max().items()
        }
        self.offered: dict[tuple[str, str], float] = {
            (name, str(gpu_id)): float(most.astype("float64").sum(skipna=False)) for name, rows in self.units.items()
            for gpu_id, most in rows.groupby("gpu_id")["max_units"]
        }

    # --- one lease ------------------------------------------------------------------------------------------------

    def refusal(self, lease_id: str) -> Refusal:
        """What stops a lease, at every site."""
        lease = self.leases[lease_id]
        due = self.outlook.calendar.index(lease["start"])
        outside = self._outside(lease_id)
        if outside is not None:
            stop, again = outside
            # What else would stop it is asked as if its dates lay within the case.
            rest = WhatStops(again).refusal(lease_id)
            return Refusal(
                lease_id, True, (stop, *rest.before), rest.places if rest.stopped else (), rest.least, rest.unit, due,
                None,
            )
        least = self.least(lease_id)
        skus = self.skus(lease_id)
        if not skus:
            stop = Stop(StopKind.NOT_ACCEPTED, "it has no rate for any SKU in lease_rates")
            return Refusal(lease_id, True, (stop,), (), least, self.unit(lease_id), due, None)
        windows = self.windows[lease_id]
        held = {int(start): self._held(lease_id, rows) for start, rows in windows.groupby("from_month")}
        # Where a late start moves the end, parts begun in different months may each have phases to themselves; so may
        # tranches.
        parted = bool((windows["tranche"] != NO_ROW).any())
        most = sum if self.leases[lease_id]["term_from"] == "delivery" or parted else max
        here = {site_id: most(by_site[site_id] for by_site in held.values()) for site_id in self.sites}
        together = [] if parted else self._supplied_together(lease_id, least, skus, windows)
        if not together and self._enough(lease_id, here, least):
            begins = next((start for start, by_site in held.items() if self._enough(lease_id, by_site, least)), None)
            return Refusal(lease_id, False, (), self._places(lease_id, here), least, self.unit(lease_id), due, begins)
        places = self._short(lease_id, here, least, windows)
        known = {stop.kind for stop in together}
        places = [
            replace(place, stops=tuple(stop for stop in place.stops if stop.kind not in known)) for place in places
        ]
        return Refusal(lease_id, True, tuple(together), tuple(places), least, self.unit(lease_id), due, None)

    def _held(self, lease_id: str, windows: pd.DataFrame) -> dict[str, float]:
        """Units that each site can hold at most, 0 where it cannot hold what any site must."""
        least, found = self._at_a_site(lease_id), {}
        for site_id in self.sites:
            able = (
                [] if self._of_site(lease_id, site_id)
                else [gpu_id for gpu_id in self.skus(lease_id) if not self._of_fit(site_id, gpu_id)]
            )
            most = max(
                (
                    self._most_in(lease_id, site_id, gpu_id, window) for gpu_id in able
                    for window in windows.itertuples()
                ),
                default=0.0,
            )
            found[site_id] = most if most >= least * (1.0 - SLACK) else 0.0
        return found

    def _places(self, lease_id: str, here: dict[str, float]) -> tuple[Place, ...]:
        gpu_id = self.skus(lease_id)[0]
        return tuple(Place(site_id, gpu_id, (), units) for site_id, units in here.items() if units > 0.0)

    def at(self, lease_id: str, site_id: str, gpu_id: str, size: float | None = None) -> Place:
        """What stops so many units of a lease at a site on a SKU; by default as much as any site must hold."""
        return self._place(
            lease_id, site_id, gpu_id, self._at_a_site(lease_id) if size is None else size, self.windows[lease_id]
        )

    def barred(self, lease_id: str, site_id: str) -> list[Stop]:
        """What keeps a lease from a site whatever its dates and sizes: its own rules, racks and cooling; of the SKU
        with the fewest stops."""
        ways = [self._of_fit(site_id, gpu_id) for gpu_id in self.skus(lease_id)]
        lost = [Stop(StopKind.NOT_ACCEPTED, "it has no rate for any SKU in lease_rates")]
        return [*self._of_site(lease_id, site_id), *min(ways, key=len, default=lost)]

    def without_grace(self, lease_id: str) -> Case:
        """The case in which a lease begins on its date or not at all."""
        leases = self.outlook.case.tables["leases"]
        prompt = leases["late_grace_months"].where(leases["lease_id"] != lease_id)
        tranches = self.outlook.case.tables["lease_tranches"]
        as_lease = tranches["late_grace_months"].where(tranches["lease_id"] != lease_id)
        return self.outlook.case.with_table("leases", leases.assign(late_grace_months=prompt)).with_table(
            "lease_tranches", tranches.assign(late_grace_months=as_lease)
        )

    def least(self, lease_id: str) -> float:
        """Units that must be served if any are."""
        lease = self.leases[lease_id]
        least = float(lease["max_size"] if lease["all_or_nothing"] else lease["min_size"]) * self.delivered[lease_id]
        return least if lease["all_or_nothing"] else max(least, float(lease["min_block"]))

    def unit(self, lease_id: str) -> str:
        """What its sizes count."""
        return "MW" if self.leases[lease_id]["size_unit"] == "it_mw" else "GPUs"

    def skus(self, lease_id: str) -> list[str]:
        """SKUs that it accepts; "" for a hall."""
        if self.leases[lease_id]["kind"] == "hosting":
            return [""]
        return list(dict.fromkeys(self.units[lease_id]["gpu_id"])) if lease_id in self.units else []

    def _at_a_site(self, lease_id: str) -> float:
        lease, least = self.leases[lease_id], self.least(lease_id)
        part = (
            min(1.0, float(lease["max_size"])) if lease["size_unit"] == "gpus"
            else LEAST_PART * float(lease["max_size"])
        )
        return max(float(lease["min_block"]), min(part, least) if least > 0.0 else part)

    def _outside(self, lease_id: str) -> tuple[Stop, Outlook] | None:
        """What of its dates leaves it no window, and the case without that limit."""
        if lease_id in self.windows:
            return None
        lease, outlook = self.leases[lease_id], self.outlook
        due, horizon = outlook.calendar.index(lease["start"]), outlook.horizon
        if due >= horizon:
            words = (
                f"it begins in {lease['start']}, after the horizon, which ends in "
                f"{outlook.calendar.written(horizon - 1)}"
            )
            stop = Stop(StopKind.BEYOND_HORIZON, words, edits=(f"case.months={due + 1}",))
        else:
            last = outlook.calendar.written(due + int(lease["term_months"]) - 1)
            words = f"its last month is {last}, before the case starts in {outlook.calendar.start}"
            stop = Stop(StopKind.OVER, words, edits=(f"leases.start[{lease_id}]={outlook.calendar.start}",))
        changed = apply_edits(outlook.case, stop.edits)
        return stop, make_outlook(changed, base=outlook.base, tail=outlook.tail)

    # --- all sites together ---------------------------------------------------------------------------------------

    def _enough(self, lease_id: str, here: dict[str, float], least: float) -> bool:
        """Whether the sites, or one fabric of them, can hold the least size."""
        return any(
            sum(here[site_id] for site_id in members) >= max(least, 1e-12) * (1.0 - SLACK)
            for members in self._groups(lease_id)
        )

    def _groups(self, lease_id: str) -> list[list[str]]:
        """Sites on which a lease may stand together: all of them, or those of one fabric."""
        if not self.leases[lease_id]["single_fabric"]:
            return [self.sites]
        return [*([site_id] for site_id in self.sites), *self._linked()]

    def _linked(self) -> list[list[str]]:
        """Groups of sites that may be linked by fibre."""
        sites, links = self.outlook.case.tables["sites"], self.outlook.case.tables["links"]
        between = links[links["other_site_id"] != ""]
        found = []
        for _, members in sites[sites["fabric_group"] != ""].groupby("fabric_group"):
            inside = between["site_id"].isin(members["site_id"]) & between["other_site_id"].isin(members["site_id"])
            if len(members) > 1 and between["allowed"][inside].all():
                found.append([str(site_id) for site_id in members["site_id"]])
        return found

    def _short(self, lease_id: str, here: dict[str, float], least: float, windows: pd.DataFrame) -> list[Place]:
        """Each site with what stops it from holding what those beside it cannot."""
        found, groups = [], self._groups(lease_id)
        for site_id in self.sites:
            beside = max(
                (sum(here[other] for other in members if other != site_id) for members in groups if site_id in members),
                default=0.0,
            )
            size = max(least - beside, self._at_a_site(lease_id))
            found.append(self._best(lease_id, site_id, size, windows))
        return found

    def _supplied_together(self, lease_id: str, least: float, skus: list[str], windows: pd.DataFrame) -> list[Stop]:
        """Whether deliveries to all sites, and units at the rates offered, come to the least size."""
        if skus == [""] or least <= 0.0:
            return []
        made, offered, stop = 0.0, 0.0, None
        for gpu_id in skus:
            best = 0.0
            for window in windows.itertuples():
                wanted = self._gpus_wanted(lease_id, gpu_id, 1.0, window)
                room = self.gpus.rooms(gpu_id, frozenset()) + self.gpus.owned(gpu_id, "")
                best = max(best, _most(room, wanted))
                if stop is None and wanted.short(room / max(least, 1e-12)):
                    stop = next(
                        (
                            one
                            for one in self.gpus.stops(gpu_id, "", self._gpus_wanted(lease_id, gpu_id, least, window))
                            if one.kind is StopKind.SUPPLY
                        ),
                        None,
                    )
            made += best
            offered += self._tier(lease_id, gpu_id)
        found = [stop] if made < least * (1.0 - SLACK) and stop is not None else []
        if offered < least * (1.0 - SLACK):
            found.append(self._tier_stop(lease_id, skus, offered, least))
        return found

    # --- one place ------------------------------------------------------------------------------------------------

    def _best(self, lease_id: str, site_id: str, size: float, windows: pd.DataFrame) -> Place:
        """The SKU with the fewest stops, the most units among those."""
        places = [self._place(lease_id, site_id, gpu_id, size, windows) for gpu_id in self.skus(lease_id)]
        return min(places, key=lambda place: (len(place.stops), -place.units))

    def _place(self, lease_id: str, site_id: str, gpu_id: str, size: float, windows: pd.DataFrame) -> Place:
        fixed = [*self._of_site(lease_id, site_id), *self._of_fit(site_id, gpu_id)]
        ways = [self._in_window(lease_id, site_id, gpu_id, size, window) for window in windows.itertuples()]
        moving = min(ways, key=len)
        capped = self._of_size(lease_id, site_id, gpu_id, size)
        stops = (*fixed, *moving, *capped)
        most = 0.0 if stops else max(
            self._most_in(lease_id, site_id, gpu_id, window) for window in windows.itertuples()
        )
        return Place(site_id, gpu_id, stops, most)

    def _of_site(self, lease_id: str, site_id: str) -> list[Stop]:
        """What the lease says of the site."""
        lease, rule = self.leases[lease_id], self.rules[lease_id][site_id]
        found = []
        if not rule["in_region"]:
            region = self.regions[site_id] or "no region"
            words = f"it lies in {region}, the lease may stand in {str(lease['regions']).replace(';', ', ')} alone"
            found.append(
                Stop(StopKind.REGION, words, words.partition(", ")[2], edits=(f"leases.regions[{lease_id}]=",))
            )
        if not rule["listed"]:
            words = f"the lease may stand on {str(lease['sites']).replace(';', ', ')} alone"
            found.append(Stop(StopKind.SITE_LIST, words, edits=(f"leases.sites[{lease_id}]=",)))
        if not rule["linked"]:
            found.append(
                Stop(
                    StopKind.LINK, "links.csv keeps the lease from it",
                    edits=(f"links.allowed[{site_id}::{lease_id}]=yes",),
                )
            )
        return found

    def _of_fit(self, site_id: str, gpu_id: str) -> list[Stop]:
        """Racks and cooling, where the SKU does not fit at all."""
        if not gpu_id:
            return []
        pair, found = self.fits[site_id, gpu_id], []
        if pair["too_heavy"]:
            words = f"a rack may take {HAVE}, {gpu_id} needs {figure(float(pair['rack']), 'kW')}"
            found.append(
                Stop(
                    StopKind.RACK, words, "", float(pair["max_rack_kw"]), float(pair["rack"]), "kW",
                    (f"sites.max_rack_kw[{site_id}]={pair['rack']:.12g}",),
                )
            )
        if pair["too_hot"]:
            words = f"there is no liquid cooling, which {gpu_id} needs"
            found.append(
                Stop(
                    StopKind.NO_COOLING, words, "there is no liquid cooling",
                    edits=(f"sites.liquid_cooled_it_mw[{site_id}]=",),
                )
            )
        return found

    def _of_size(self, lease_id: str, site_id: str, gpu_id: str, size: float) -> list[Stop]:
        """Cooling, the largest cluster and what the rates take, where they are too small for so many units."""
        if not gpu_id:
            return []
        found = []
        pair, (working, owned) = self.fits[site_id, gpu_id], self._gpus_per_unit(lease_id, gpu_id)
        hot = size * owned * float(pair["it_kw"]) / 1000.0
        if (
            pair["cooling"] == "liquid" and not pair["too_hot"]
            and hot > float(np.nan_to_num(pair["liquid_cooled_it_mw"], nan=np.inf)) * (1.0 + SLACK)
        ):
            words = (
                f"{HAVE} can be cooled with liquid, it needs "
                f"{figure(hot, 'MW', beside=float(pair['liquid_cooled_it_mw']))}"
            )
            edits = (f"sites.liquid_cooled_it_mw[{site_id}]=",)
            found.append(
                Stop(
                    StopKind.COOLING_MW, words, f"{HAVE} can be cooled with liquid, too little",
                    float(pair["liquid_cooled_it_mw"]), hot, "MW", edits,
                )
            )
        largest = float(self.cluster[site_id])
        if (
            self.leases[lease_id]["single_fabric"]
            and size * working > np.nan_to_num(largest, nan=np.inf) * (1.0 + SLACK)
        ):
            words = (
                f"the largest cluster on one fabric is {HAVE}, it needs "
                f"{figure(size * working, 'GPUs', beside=largest)}"
            )
            edits = (f"sites.max_cluster_gpus[{site_id}]={int(np.ceil(size * working))}",)
            found.append(
                Stop(
                    StopKind.CLUSTER, words, f"the largest cluster on one fabric is {HAVE}, too small", largest,
                    size * working, "GPUs", edits,
                )
            )
        offered = self._tier(lease_id, gpu_id)
        if size > offered * (1.0 + SLACK):
            found.append(self._tier_stop(lease_id, [gpu_id], offered, size))
        return found

    def _tier_stop(self, lease_id: str, skus: list[str], offered: float, size: float) -> Stop:
        rates = self.units[lease_id]
        mine = rates[rates["gpu_id"].isin(skus) & rates["max_units"].notna()]
        words = (
            f"its rates take {HAVE} on {' and '.join(skus)}, it needs "
            f"{figure(size, self.unit(lease_id), beside=offered)}"
        )
        edits = tuple(f"lease_rates.max_units[{lease_id}:{row.gpu_id}:{row.tier}]=" for row in mine.itertuples())
        return Stop(
            StopKind.TIER, words, f"its rates take {HAVE}, too little", offered, size, self.unit(lease_id), edits
        )

    def _tier(self, lease_id: str, gpu_id: str) -> float:
        """Units that its rates for a SKU take."""
        offered = self.offered[lease_id, gpu_id]
        return float("inf") if np.isnan(offered) else offered

    def _in_window(self, lease_id: str, site_id: str, gpu_id: str, size: float, window: Any) -> list[Stop]:
        """What of power, halls and deliveries stops so many units of a lease, or what a tranche brings of them, in a
        window."""
        size = size * float(part_shares(self.outlook.tables, np.array([window.tranche]))[0])
        power, halls = self._it_mw(lease_id, gpu_id, size, window)
        start, end = int(window.from_month), int(window.to_month)
        found = self.power.stops(site_id, self._need(lease_id, start, end, power), lease_id)
        found += self.halls.stops(site_id, Wanted(start, end, halls))
        if gpu_id:
            found += self.gpus.stops(gpu_id, site_id, self._gpus_wanted(lease_id, gpu_id, size, window))
        return found

    def _need(self, lease_id: str, start: int, end: int, power: Floats) -> Need:
        """What of power it needs in a window."""
        lease = self.leases[lease_id]
        most_co2 = float(np.nan_to_num(lease["max_co2_kg_per_mwh"], nan=np.inf))
        return Need(
            start, end, power, most_co2, float(lease["curtailable_hours_per_year"]),
            float(lease["curtailment_notice_hours"]),
        )

    def _most_in(self, lease_id: str, site_id: str, gpu_id: str, window: Any) -> float:
        """Units that a site can hold at most in a window."""
        power, halls = self._it_mw(lease_id, gpu_id, 1.0, window)
        start, end = int(window.from_month), int(window.to_month)
        need = self._need(lease_id, start, end, power)
        found = min(
            _most(self.power.room(site_id, need), Wanted(start, end, power)),
            _most(self.halls.room(site_id), Wanted(start, end, halls)),
        )
        group = self.power.group.get(site_id)
        if group is not None:
            least = min((phase.per_it_mw for phase in self.power.phases[site_id]), default=1.0)
            found = min(found, self.power.group_mw[group] / (least * max(Wanted(start, end, power).most, 1e-12)))
        if not gpu_id:
            return min(found, float(self.leases[lease_id]["max_size"]))
        pair, (working, owned) = self.fits[site_id, gpu_id], self._gpus_per_unit(lease_id, gpu_id)
        found = min(
            found, _most(self.gpus.room(gpu_id, site_id), self._gpus_wanted(lease_id, gpu_id, 1.0, window)),
            self._tier(lease_id, gpu_id),
        )
        if pair["cooling"] == "liquid":
            found = min(
                found,
                float(np.nan_to_num(pair["liquid_cooled_it_mw"], nan=np.inf)) * 1000.0 / (owned * float(pair["it_kw"])),
            )
        if self.leases[lease_id]["single_fabric"]:
            found = min(found, float(np.nan_to_num(self.cluster[site_id], nan=np.inf)) / working)
        return min(found, float(self.leases[lease_id]["max_size"]))

    # --- what a unit needs ----------------------------------------------------------------------------------------

    def _gpus_per_unit(self, lease_id: str, gpu_id: str) -> tuple[float, float]:
        """GPUs at work, and owned with their spares, for a unit of a lease."""
        working = 1.0 / self.units_of[lease_id, gpu_id]
        return working, working / (1.0 - self.spare[gpu_id])

    def _share(self, lease_id: str, window: Any) -> Floats:
        """Share of the size that stands, by month."""
        key = lease_id, int(window.term_start)
        if key not in self.shares:
            number = self.outlook.tables["leases"].number_of("lease_id")[lease_id]
            self.shares[key] = self.terms.shares(number, int(window.term_start), "size_share")
        return self.shares[key]

    def _it_mw(self, lease_id: str, gpu_id: str, size: float, window: Any) -> tuple[Floats, Floats]:
        """Critical IT that works (for power) and that stands (for halls), by month."""
        share = self._share(lease_id, window)
        if not gpu_id:
            return size * share, size * share
        kilowatts = self.it_kw[gpu_id]
        working, owned = self._gpus_per_unit(lease_id, gpu_id)
        return size * working * kilowatts / 1000.0 * share, size * owned * kilowatts / 1000.0 * share

    def _gpus_wanted(self, lease_id: str, gpu_id: str, size: float, window: Any) -> Wanted:
        return Wanted(
            int(window.from_month), int(window.to_month),
            size * self._gpus_per_unit(lease_id, gpu_id)[1] * self._share(lease_id, window),
        )


def _most(room: Floats, wanted: Wanted) -> float:
    """How many times what is wanted the room holds, in the month that holds fewest."""
    inside = slice(wanted.start, wanted.end)
    needed = wanted.by_month[inside] > 0.0
    if not needed.any():
        return float("inf")
    return float((room[inside][needed] / wanted.by_month[inside][needed]).min())

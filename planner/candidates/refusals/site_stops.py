"""What of halls, cooling and GPUs stops a lease at a site in one of its windows, as the fewest limits that have to be
lifted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import combinations

import numpy as np
import pandas as pd

from planner.arrays import Floats
from planner.candidates.hall_cohorts import hall_cohorts
from planner.candidates.outlook import Outlook
from planner.candidates.refusals.power_stops import MORE
from planner.candidates.refusals.room import gpu_room, hall_room
from planner.candidates.refusals.stops import HAVE, Stop, StopKind, figure

SHORT = 1e-7
"""Share of a need that counts as rounding."""


@dataclass(frozen=True)
class Wanted:
    """Something needed by month, shape (M,), in the months [start, end) of a window."""

    start: int
    end: int
    by_month: Floats

    @property
    def most(self) -> float:
        """The most in any month."""
        return float(self.by_month[self.start : self.end].max(initial=0.0))

    def short(self, room: Floats | float) -> float:
        """What is missing in the month that misses most."""
        missing = (self.by_month - room)[self.start : self.end]
        found = float(missing.max(initial=0.0))
        return found if found > SHORT * max(self.most, 1e-12) else 0.0


def fewest(lifts: Sequence[StopKind], enough: Callable[[frozenset[StopKind]], bool]) -> frozenset[StopKind]:
    """The fewest limits that suffice if lifted, those listed first where several do; all of them where none suffice."""
    for count in range(len(lifts) + 1):
        for chosen in combinations(lifts, count):
            if enough(frozenset(chosen)):
                return frozenset(chosen)
    return frozenset(lifts)


class HallStops:
    """Halls of all sites, as they are and with their dates or their pace of building lifted."""

    def __init__(self, outlook: Outlook) -> None:
        self.outlook = outlook
        self.sites = outlook.case.tables["sites"].set_index("site_id", drop=False)
        mining = outlook.case.tables["mining"].set_index("site_id")
        self.stop = {str(site): str(month) for site, month in mining["earliest_stop"].items()}
        self.rooms = cache(self._rooms)

    def _rooms(self, by: int | None, pace: bool) -> dict[str, Floats]:
        """MW of halls by site and month; by: halls can stand by that month whatever their dates; pace: without that
        limit."""
        outlook = self.outlook
        sites, mining = outlook.case.tables["sites"], outlook.case.tables["mining"]
        if by is not None:
            late = pd.Series(
                [bool(month) and outlook.calendar.index(month) > by for month in sites["ready_month"]],
                index=sites.index, dtype=bool,
            )
            kept = pd.Series(
                [bool(month) and outlook.calendar.index(month) > by for month in mining["earliest_stop"]],
                index=mining.index, dtype=bool,
            )
            first = outlook.calendar.written(by)
            converted = self._converted_late(by)
            sites = sites.assign(
                ready_month=sites["ready_month"].where(~late, first),
                build_lead_months=sites["build_lead_months"].clip(upper=by),
                conversion_lead_months=sites["conversion_lead_months"].where(~sites["site_id"].isin(converted), 0),
            )
            mining = mining.assign(earliest_stop=mining["earliest_stop"].where(~kept, first))
        if pace:
            sites = sites.assign(
                build_mw_per_quarter=sites["build_mw_per_quarter"].where(sites["build_mw_per_quarter"].isna())
            )
        moved = replace(outlook, case=outlook.case.with_table("sites", sites).with_table("mining", mining))
        moved.__dict__["steps"] = outlook.steps  # the months of the case as it is
        return dict(zip(sites["site_id"].astype(str), hall_room(hall_cohorts(moved), moved), strict=True))

    def _converted_late(self, by: int) -> list[str]:
        """Sites whose mining halls can be converted after a month only."""
        return [site_id for site_id in self.stop if self._converted_first(site_id) > by]

    def _converted_first(self, site_id: str) -> int:
        stop = self.stop[site_id]
        return (
            max(self.outlook.calendar.index(stop), 0) if stop else 0
        ) + int(self.sites.loc[site_id]["conversion_lead_months"])

    def can_build(self, site_id: str) -> bool:
        """Whether new halls can be built or rented there."""
        site = self.sites.loc[site_id]
        return bool(pd.notna(site["shell_capex_usd_per_kw"]) or pd.notna(site["shell_rent_usd_per_kw_month"]))

    def room(self, site_id: str, lifted: frozenset[StopKind] = frozenset(), *, by: int = 0) -> Floats:
        """MW of halls by month, without some limits; without dates they can stand by a month."""
        site = self.sites.loc[site_id]
        found = self.rooms(by if StopKind.HALL_DATE in lifted else None, StopKind.HALL_PACE in lifted)[site_id]
        if StopKind.HALL_MW not in lifted:
            return np.minimum(found, float(site["critical_it_mw"]))
        if not self.can_build(site_id):
            return np.full(self.outlook.months, np.inf)
        # More critical IT is more that can be built: at the pace of the site, or at once where it has none.
        paced = pd.notna(site["build_mw_per_quarter"]) and StopKind.HALL_PACE not in lifted
        grown = found.copy()
        first = min(self.first(site_id), by if StopKind.HALL_DATE in lifted else self.outlook.months)
        if not paced:
            grown[first:] = np.inf
        elif not (self.rooms(None, False)[site_id] > float(site["existing_it_mw"])).any():
            starts = self.outlook.steps[self.outlook.steps >= first]
            for month in pd.Series(starts).groupby(
                [self.outlook.calendar.written_quarter(int(step)) for step in starts]
            ).min():
                grown[int(month) :] += float(site["build_mw_per_quarter"])
        return grown

    def first(self, site_id: str) -> int:
        """First month in which a new hall can stand."""
        site = self.sites.loc[site_id]
        ready = max(self.outlook.calendar.index(site["ready_month"]), 0) if site["ready_month"] else 0
        return max(ready, int(site["build_lead_months"]))

    def stops(self, site_id: str, wanted: Wanted) -> list[Stop]:
        """The fewest limits of halls to lift."""
        kinds = (StopKind.HALL_DATE, StopKind.HALL_PACE, StopKind.HALL_MW)
        lifted = fewest(kinds, lambda chosen: wanted.short(self.room(site_id, chosen, by=wanted.start)) == 0.0)
        return [self._stop(site_id, kind, wanted) for kind in kinds if kind in lifted]

    def _stop(self, site_id: str, kind: StopKind, wanted: Wanted) -> Stop:
        site, written = self.sites.loc[site_id], self.outlook.calendar.written
        most, critical = figure(wanted.most, "MW"), float(site["critical_it_mw"])
        if kind is StopKind.HALL_PACE:
            words = f"{HAVE} of halls can be built a quarter, it needs {most} in {written(wanted.start)}"
            return Stop(
                kind, words, f"{HAVE} of halls can be built a quarter, too little", float(site["build_mw_per_quarter"]),
                wanted.most, "MW", (f"sites.build_mw_per_quarter[{site_id}]=",),
            )
        if kind is StopKind.HALL_DATE:
            return self._date(site_id, wanted)
        if self.can_build(site_id):
            more = (wanted.most - critical) * MORE
            return Stop(
                kind, f"it holds {HAVE} of critical IT, the lease needs {figure(wanted.most, 'MW', beside=critical)}",
                f"halls hold {HAVE} of critical IT, too little", critical, wanted.most, "MW",
                (f"sites.critical_it_mw[{site_id}]+={more:.9g}",),
            )
        standing = float(self.room(site_id)[wanted.start : wanted.end].min(initial=np.inf))
        more = wanted.short(self.room(site_id)) * MORE
        edits = (f"sites.critical_it_mw[{site_id}]+={more:.9g}", f"sites.existing_it_mw[{site_id}]+={more:.9g}")
        if standing <= 0.0:
            return Stop(
                StopKind.NO_HALL, "there are no halls, and no price for new ones", "", 0.0, wanted.most, "MW", edits
            )
        return Stop(
            kind,
            f"there are {HAVE} of halls and no price for new ones, it needs "
            f"{figure(wanted.most, 'MW', beside=standing)}",
            f"halls hold {HAVE} of critical IT, too little", standing, wanted.most, "MW", edits,
        )

    def _date(self, site_id: str, wanted: Wanted) -> Stop:
        site, calendar = self.sites.loc[site_id], self.outlook.calendar
        edits: list[str] = []
        firsts: list[int] = []
        if self.can_build(site_id):
            firsts.append(self.first(site_id))
            if int(site["build_lead_months"]) > wanted.start:
                edits.append(f"sites.build_lead_months[{site_id}]={wanted.start}")
            if site["ready_month"] and calendar.index(site["ready_month"]) > wanted.start:
                edits.append(f"sites.ready_month[{site_id}]={calendar.written(wanted.start)}")
        if site_id in self.stop and pd.notna(site["conversion_capex_usd_per_kw"]):
            firsts.append(self._converted_first(site_id))
            if firsts[-1] > wanted.start:
                late = bool(self.stop[site_id]) and calendar.index(self.stop[site_id]) > wanted.start
                edits += [
                    f"sites.conversion_lead_months[{site_id}]=0",
                    *([f"mining.earliest_stop[{site_id}]={calendar.written(wanted.start)}"] if late else []),
                ]
        first = self._enough_from(site_id, wanted, firsts)
        words = f"halls can stand from {HAVE} only, the lease begins by {calendar.written(wanted.start)}"
        have, need = float(calendar.start_number + first), float(calendar.start_number + wanted.start)
        return Stop(StopKind.HALL_DATE, words, f"halls can stand from {HAVE} only", have, need, "month", tuple(edits))


    def _enough_from(self, site_id: str, wanted: Wanted, firsts: Sequence[int]) -> int:
        """First month in which there can be halls enough, else the first in which there are any that come too late."""
        room = self.room(site_id)[wanted.start : self.outlook.horizon]
        enough = np.flatnonzero(room >= wanted.most * (1.0 - SHORT))
        late = [month for month in firsts if month > wanted.start]
        return wanted.start + int(enough[0]) if len(enough) else min(late, default=wanted.start)


class GpuStops:
    """GPUs of every SKU: owned, and deliverable as they are or with a limit lifted."""

    def __init__(self, outlook: Outlook) -> None:
        self.outlook = outlook
        self.gpus = outlook.case.tables["gpus"]
        self.rooms = cache(self._rooms)

    def _rooms(self, gpu_id: str, lifted: frozenset[StopKind]) -> Floats:
        return gpu_room(
            self.outlook, self.outlook.tables["gpus"].number_of("gpu_id")[gpu_id],
            lead_months=0 if StopKind.ORDER_LEAD in lifted else None,
            life_months=self.outlook.months + 1 if StopKind.LIFE in lifted else None,
            unlimited=StopKind.SUPPLY in lifted,
        )

    @cache  # noqa: B019  # lives as long as one answer
    def owned(self, gpu_id: str, site_id: str) -> Floats:
        """GPUs owned at the start, by month; "" for all sites together."""
        fleet = self.outlook.case.tables["fleet"]
        fleet = fleet[(fleet["gpu_id"] == gpu_id) & ((fleet["site_id"] == site_id) | (site_id == ""))]
        found = np.zeros(self.outlook.months)
        life = int(self.gpus.loc[self.gpus["gpu_id"] == gpu_id, "life_months"].iat[0])
        for bought, count in zip(fleet["bought"], fleet["gpus"], strict=True):
            found[: max(self.outlook.calendar.index(bought) + life, 0)] += float(count)
        return found

    def room(self, gpu_id: str, site_id: str, lifted: frozenset[StopKind] = frozenset()) -> Floats:
        """GPUs that can be owned at a site, by month, without some limits."""
        found: Floats = self.rooms(gpu_id, lifted) + self.owned(gpu_id, site_id)
        return found

    def stops(self, gpu_id: str, site_id: str, wanted: Wanted) -> list[Stop]:
        """The fewest limits of deliveries to lift."""
        kinds = (StopKind.ORDER_LEAD, StopKind.SUPPLY, StopKind.LIFE)
        lifted = fewest(kinds, lambda chosen: wanted.short(self.room(gpu_id, site_id, chosen)) == 0.0)
        return [self._stop(gpu_id, site_id, kind, lifted, wanted) for kind in kinds if kind in lifted]

    def _stop(self, gpu_id: str, site_id: str, kind: StopKind, lifted: frozenset[StopKind], wanted: Wanted) -> Stop:
        row = self.gpus[self.gpus["gpu_id"] == gpu_id].iloc[0]
        written = self.outlook.calendar.written
        lead, life = int(row["order_lead_months"]), int(row["life_months"])
        if kind is StopKind.ORDER_LEAD:
            words = f"{gpu_id} ordered at the start comes after {lead} months, from {written(lead)}"
            return Stop(
                kind, words, f"{gpu_id} comes after {lead} months",
                edits=(f"gpus.order_lead_months[{gpu_id}]={wanted.start}",),
            )
        if kind is StopKind.LIFE:
            words = (
                f"{gpu_id} lives {life} months, and none can be delivered late enough for the end of the lease in "
                f"{written(wanted.end - 1)}"
            )
            return Stop(
                kind, words, f"{gpu_id} lives {life} months only",
                edits=(f"gpus.life_months[{gpu_id}]={wanted.end - wanted.start}",),
            )
        have = float(
            (
                self.room(gpu_id, site_id, lifted - {kind})
                / np.maximum(wanted.by_month / max(wanted.most, 1e-12), 1e-12)
            )[wanted.start : wanted.end].min(initial=np.inf)
        )
        words = f"{HAVE} of {gpu_id} can be delivered in time, it needs {wanted.most:,.0f}"
        return Stop(
            kind, words, f"{HAVE} of {gpu_id} can be delivered in time, too few", have, wanted.most, "GPUs",
            self._supplied(gpu_id, lead if StopKind.ORDER_LEAD not in lifted else 0, life, wanted),
        )

    def _supplied(self, gpu_id: str, lead: int, life: int, wanted: Wanted) -> tuple[str, ...]:
        """More deliveries in the quarters from which GPUs would last through the window, one life after another."""
        outlook = self.outlook
        supply = outlook.case.tables["gpu_supply"]
        listed = set(supply["quarter"][supply["gpu_id"] == gpu_id])
        found: list[str] = []
        at = wanted.start
        while at < wanted.end:
            steps = outlook.steps[(outlook.steps <= at) & (outlook.steps >= lead)]
            if not len(steps):
                break
            quarter = outlook.calendar.written_quarter(int(steps[-1]))
            edit = f"gpu_supply.max_gpus[{gpu_id}:{quarter}]+={int(np.ceil(wanted.most))}"
            if quarter in listed and edit not in found:
                found.append(edit)
            if int(steps[-1]) + life <= at:
                break
            at = int(steps[-1]) + life
        return tuple(found)

"""What keeps power from a lease at a site: no phase, its dates, its term, its CO2, its MW, the substation that it
shares."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from planner.arrays import Floats
from planner.candidates.firmness import backed_pairs, backups, firm_from
from planner.candidates.outlook import Outlook, delay_months
from planner.candidates.phases import more_power, phase_table
from planner.candidates.refusals.stops import HAVE, Stop, StopKind, figure

MORE = 1.0 + 1e-6
"""By how much more than what is short a limit is raised, for rounding."""


@dataclass(frozen=True)
class Curtailed:
    """What of a phase may be curtailed: all but its firm share before month `until`, for so many hours a year, after so
    many hours of warning."""

    firm_share: float
    until: int
    hours: float
    notice: float


@dataclass(frozen=True)
class Phase:
    """A phase of power as the plan sees it.

    first, end: months of its power. promised: the month in which it would come by its date and delay alone, negative
    before the start. term: months of its contract. leads: whether it may have to wait for its lead from the start.
    it_mw: critical IT that it carries.
    """

    name: str
    first: int
    end: int
    promised: int
    term: int
    leads: bool
    co2: float
    it_mw: float
    per_it_mw: float
    curtailed: Curtailed


@dataclass(frozen=True)
class Need:
    """What a lease needs of a site in one of its windows: months [start, end), critical IT in each of them at the size
    asked, shape (M,), and the hours of curtailment that it accepts after least_notice hours of warning."""

    start: int
    end: int
    it_mw: Floats
    most_co2: float
    curtailable_hours: float = 0.0
    least_notice: float = 0.0

    def accepts(self, cut: Curtailed) -> bool:
        """Whether the lease may stand on the part of a phase that may be curtailed."""
        return cut.hours <= self.curtailable_hours and cut.notice >= self.least_notice


def phases_by_site(outlook: Outlook) -> dict[str, list[Phase]]:
    """The phases of each site."""
    power = phase_table(outlook)
    found: dict[str, list[Phase]] = {str(site_id): [] for site_id in outlook.case.tables["sites"]["site_id"]}
    promised = outlook.promised + delay_months(outlook.case, outlook.base)
    until, backup, firm = firm_from(outlook), backups(outlook), _most_firm(outlook)
    for row in power[~backup].itertuples():
        found[str(row.site_id)].append(
            Phase(
                str(row.phase_name), int(row.energised_month), int(row.end_month), int(promised[row.phase_number]),
                int(row.term_months),
                bool(row.committed_mw == 0 and row.lead_months > 0), float(row.co2_kg_per_mwh),
                float(row.guaranteed_mw / row.mw_per_it_mw), float(row.mw_per_it_mw),
                Curtailed(
                    float(firm[row.phase_number]), int(until[row.phase_number]), float(row.curtailed_hours_per_year),
                    float(row.curtailment_notice_hours),
                ),
            )
        )
    return found


def _least_part(phase: Phase, need: Need) -> float:
    """Share of a MW more of a phase that the need can have in every month of it."""
    cut = phase.curtailed
    return cut.firm_share if need.start < cut.until and cut.firm_share > 0.0 and not need.accepts(cut) else 1.0


def _most_firm(outlook: Outlook) -> Floats:
    """Share of each phase that is firm with all the backup behind it that it can have, shape (phases,)."""
    power, pairs = outlook.tables["power"], backed_pairs(outlook)
    firmed = (power.floats("guaranteed_mw") * power.floats("firms_mw_per_mw"))[pairs["backup"]]
    found = power.floats("firm_share") * power.floats("guaranteed_mw")
    found = found + np.bincount(pairs["phase"], weights=firmed, minlength=len(power))
    return np.minimum(found / power.floats("guaranteed_mw"), 1.0)


class PowerStops:
    """What of power stops a lease, over the phases of a case."""

    def __init__(self, outlook: Outlook) -> None:
        self.outlook = outlook
        self.written = outlook.calendar.written
        self.phases = phases_by_site(outlook)
        self.rooms: dict[tuple[str, int, int, float, float, float], Floats] = {}
        sites = outlook.case.tables["sites"].set_index("site_id")
        groups = outlook.case.tables["site_groups"].set_index("site_group")[
            "max_contracted_mw"
        ].astype("float64").to_dict()
        self.group = {str(site_id): str(name) for site_id, name in sites["site_group"].items() if name}
        power = phase_table(outlook)
        self.rows: dict[str, Any] = {str(row.phase_name): row for row in power.itertuples()}
        self.group_mw = {name: float(most) for name, most in groups.items()}

    def room(self, site_id: str, need: Need) -> Floats:
        """Critical IT that phases with which the whole window can be served carry together, shape (M,); nothing where
        there are none."""
        key = site_id, need.start, need.end, need.most_co2, need.curtailable_hours, need.least_notice
        if key not in self.rooms:
            self.rooms[key] = self._carried(
                {
                    phase for path in self._every_path(site_id, need) if not self._lifted(path, need, "")
                    for phase in path
                },
                need,
            )
        return self.rooms[key]

    def stops(self, site_id: str, need: Need, lease_id: str) -> list[Stop]:
        """The fewest limits of power that have to be lifted for the need."""
        if not self.phases[site_id]:
            return [Stop(StopKind.NO_POWER, "there is no power at all")]
        ways = sorted(
            ((self._lifted(path, need, lease_id), path) for path in self._every_path(site_id, need)),
            key=lambda way: (len(way[0]), self._short(self._carried_lifted(way[1], need), need), len(way[1])),
        )
        lifted, path = ways[0]
        carried = self.room(site_id, need) if not lifted else self._carried_lifted(path, need)
        short = self._short(carried, need)
        found = list(lifted)
        if short > 0.0:
            have, most = self._most(need) - short, self._most(need)
            edits = tuple(
                edit for phase in path
                for edit in more_power(
                    self.rows[phase.name], f"{short * phase.per_it_mw * MORE / _least_part(phase, need):.9g}"
                )
            )
            found.append(Stop(
                StopKind.POWER_MW, f"power carries {HAVE} of critical IT, it needs {figure(most, 'MW', beside=have)}",
                f"power carries {HAVE} of critical IT, too little", have, most, "MW", edits,
            ))
        return found + self._group(site_id, need, path)

    def _group(self, site_id: str, need: Need, path: Sequence[Phase]) -> list[Stop]:
        name = self.group.get(site_id)
        if name is None:
            return []
        least = min(phase.per_it_mw for phase in (self.phases[site_id] if len(path) > 1 else path))
        asked, free = self._most(need) * least, self.group_mw[name]
        if asked <= free * (1.0 + 1e-9) + 1e-9:
            return []
        words = f"sites of group {name} may contract {HAVE} together, it needs {figure(asked, 'MW', beside=free)}"
        return [
            Stop(
                StopKind.GROUP, words,
                f"sites that share a substation or line may contract {HAVE} together, too little", free, asked, "MW",
                (f"site_groups.max_contracted_mw[{name}]+={(asked - free) * MORE:.9g}",),
            )
        ]

    def _every_path(self, site_id: str, need: Need) -> Iterator[tuple[Phase, ...]]:
        """Each phase alone, and each phase until another comes within the window."""
        phases = self.phases[site_id]
        yield from ((phase,) for phase in phases)
        for head in phases:
            yield from (
                (head, then) for then in phases
                if then is not head and need.start < then.first < need.end and then.first > head.first
            )

    def _lifted(self, path: Sequence[Phase], need: Need, lease_id: str) -> list[Stop]:
        """What would have to be lifted for a path to have power over the whole window, clean enough."""
        found: list[Stop] = []
        head, last = path[0], path[-1]
        dirtiest = max(phase.co2 for phase in path)
        if dirtiest > need.most_co2:
            words = f"its power emits {HAVE} of CO2 per MWh, the lease takes {figure(need.most_co2, 'kg')}"
            found.append(
                Stop(
                    StopKind.CO2, words, "", dirtiest, need.most_co2, "kg",
                    (f"leases.max_co2_kg_per_mwh[{lease_id}]={dirtiest:.12g}",),
                )
            )
        sooner = max(head.first - need.start, 0)
        if sooner:
            moved = max(head.promised - need.start, 0)
            edits = (
                *((f"power.energised[{head.name}]+=-{moved}",) if moved else ()),
                *((f"power.lead_months[{head.name}]=0",) if head.leads else ()),
            )
            words = f"{head.name} has power from {HAVE} only, the lease begins by {self.written(need.start)}"
            first, at = (float(self.outlook.calendar.start_number + month) for month in (head.first, need.start))
            found.append(Stop(StopKind.POWER_DATE, words, f"power comes from {HAVE} only", first, at, "month", edits))
        legs = [(head, need.end)] if len(path) == 1 else [(head, last.first), (last, need.end)]
        for phase, end in legs:
            # What comes sooner ends sooner.
            began = need.start if phase is head and sooner else phase.first if phase.first > 0 else phase.promised
            ends = began + phase.term
            if min(ends, self.outlook.last_month) < end:
                words = (
                    f"the contract of {phase.name} ends in {self.written(ends - 1)}, the lease needs it to "
                    f"{self.written(end - 1)}"
                )
                found.append(
                    Stop(
                        StopKind.POWER_TERM, words, "no power contract lasts to the end of the lease",
                        edits=(f"power.term_months[{phase.name}]+={end - ends}",),
                    )
                )
        return found + self._curtailed(legs, need, lease_id)

    def _curtailed(self, legs: Sequence[tuple[Phase, int]], need: Need, lease_id: str) -> list[Stop]:
        """Phases of which nothing is firm while they feed a lease that does not accept their hours."""
        found, start = [], need.start
        for phase, end in legs:
            cut = phase.curtailed
            if max(start, phase.first) < min(cut.until, end) and cut.firm_share == 0.0 and not need.accepts(cut):
                edits = [f"leases.curtailable_hours_per_year[{lease_id}]={max(cut.hours, need.curtailable_hours):.12g}"]
                if cut.notice < need.least_notice:
                    edits.append(f"leases.curtailment_notice_hours[{lease_id}]={cut.notice:.12g}")
                words = (
                    f"{phase.name} may be curtailed for {cut.hours:.4g} hours a year after {cut.notice:.4g} hours of "
                    f"warning, the lease accepts {need.curtailable_hours:.4g} after {need.least_notice:.4g}"
                )
                found.append(
                    Stop(
                        StopKind.CURTAILED, words, "power may be curtailed for longer than the lease accepts",
                        edits=tuple(edits),
                    )
                )
            start = end
        return found

    def _carried(self, phases: set[Phase], need: Need) -> Floats:
        room = np.zeros(self.outlook.months)
        for phase in phases:
            room[phase.first : phase.end] += self._of_phase(phase, need)[phase.first : phase.end]
        return room

    def _of_phase(self, phase: Phase, need: Need) -> Floats:
        """Critical IT of the need that a phase carries by month: of its firm part alone where the lease accepts no
        curtailment."""
        room, cut = np.full(self.outlook.months, phase.it_mw), phase.curtailed
        if not need.accepts(cut):
            room[: cut.until] *= cut.firm_share
        return room

    def _carried_lifted(self, path: Sequence[Phase], need: Need) -> Floats:
        """What a path carries once it has power over the whole window."""
        room = np.zeros(self.outlook.months)
        switch = need.end if len(path) == 1 else path[-1].first
        for phase, start, end in ((path[0], need.start, switch), (path[-1], switch, need.end)):
            lifted = phase.curtailed.firm_share == 0.0
            room[start:end] = phase.it_mw if lifted else self._of_phase(phase, need)[start:end]
        return room

    @staticmethod
    def _short(carried: Floats, need: Need) -> float:
        """Critical IT that is missing in the month that misses most."""
        missing = (need.it_mw - carried)[need.start : need.end]
        short = float(missing.max(initial=0.0))
        return short if short > 1e-7 * max(float(need.it_mw.max(initial=0.0)), 1e-9) else 0.0

    @staticmethod
    def _most(need: Need) -> float:
        return float(need.it_mw[need.start : need.end].max(initial=0.0))

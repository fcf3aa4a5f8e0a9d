"""Firm and curtailable power: what of a phase may be curtailed, until when, for how many hours, and who stands on it.

The rest of a phase beside its `firm_share` is curtailed for `curtailed_hours_per_year`, spread evenly over the hours of
the year, until `curtailed_until`. Whatever draws power stands either on the firm part or, interruptible, on the other,
for the whole of its power path: two candidates, of which the second loses those hours.
"""

from __future__ import annotations

import numpy as np

from planner.arrays import Flags, Floats, Ints
from planner.candidates.cash_tables import NO_PHASE
from planner.candidates.columns import Columns, stacked
from planner.candidates.outlook import Outlook
from planner.case.tables import BACKUP_KINDS

HOURS_PER_YEAR = 8760.0
NOTICE = "curtailment_notice_hours"
PART = np.array(["", ":interruptible"], dtype=object)
"""What follows the power path in an id: nothing on the firm part of it."""


def firm_from(outlook: Outlook) -> Ints:
    """Month from which each phase is firm as a whole: 0 where nothing of it is ever curtailed, shape (phases,)."""
    power = outlook.tables["power"]
    stated = power.texts("curtailed_until")
    upgrade = outlook.calendar.indices(np.where(stated == "", outlook.case.settings.start, stated))
    until = np.clip(np.where(stated == "", outlook.months, upgrade), 0, outlook.months)
    return np.where(_curtailable(outlook), until, 0)


def _curtailable(outlook: Outlook) -> Flags:
    power = outlook.tables["power"]
    found: Flags = (power.floats("curtailed_hours_per_year") > 0.0) & (power.floats("firm_share") < 1.0)
    return found


def curtailed_share(outlook: Outlook) -> Floats:
    """Share of the hours in which the curtailable part of each phase is curtailed while it may be, shape (phases,)."""
    hours = outlook.tables["power"].floats("curtailed_hours_per_year") / HOURS_PER_YEAR
    return np.where(_curtailable(outlook), hours, 0.0)


def share_served(outlook: Outlook, phase: int) -> Floats:
    """Share of the hours in which the curtailable part of a phase has power, by month, shape (M,)."""
    curtailed = np.arange(outlook.months) < firm_from(outlook)[phase]
    return np.where(curtailed, 1.0 - curtailed_share(outlook)[phase], 1.0)


def backups(outlook: Outlook) -> Flags:
    """Rows of `power` that stand behind others and feed nothing themselves, shape (phases,)."""
    return np.isin(outlook.tables["power"].texts("kind"), BACKUP_KINDS)


def backed_pairs(outlook: Outlook) -> Columns:
    """Phases that may be curtailed, each with the backups of its site that may run for its hours: columns phase,
    backup, and start and end of the months in which both are there and the phase may be curtailed."""
    power = outlook.tables["power"]
    number, site, backup = np.arange(len(power)), power.rows_of("site_id"), backups(outlook)
    until = np.minimum(firm_from(outlook), outlook.power_end)
    phases = Columns(site=site, phase=number, start=outlook.energised, end=until).take(~backup)
    others = Columns(site=site, backup=number, there=outlook.energised, gone=outlook.power_end).take(backup)
    pairs = phases.joined(others, "site")
    hours = power.floats("hours_per_year")[pairs["backup"]]
    enough = ~(hours < power.floats("curtailed_hours_per_year")[pairs["phase"]])  # blank: as many as are asked of it
    pairs = pairs.having(
        start=np.maximum(pairs["start"], pairs["there"]), end=np.minimum(pairs["end"], pairs["gone"])
    )
    return pairs.take(enough & (pairs["start"] < pairs["end"])).only("phase", "backup", "start", "end")


def has_firm_part(outlook: Outlook) -> Flags:
    """Phases of which something is firm while they may be curtailed, by themselves or by a backup, shape (phases,)."""
    found: Flags = outlook.tables["power"].floats("firm_share") > 0.0
    return found | np.isin(np.arange(len(found)), backed_pairs(outlook)["phase"])


def with_interruptible(outlook: Outlook, paths: Columns) -> Columns:
    """Power paths, and beside each of which a phase may be curtailed the same again as interruptible."""
    until = firm_from(outlook)
    bridged = paths["then"] != NO_PHASE
    may_be = until[paths["head"]] > paths["from_head"]
    may_be |= bridged & (until[np.where(bridged, paths["then"], 0)] > paths["from_then"])
    firm = paths.having(interruptible=0)
    return stacked([firm, firm.take(may_be).having(interruptible=1)]) if may_be.any() else firm


def curtailed_legs(outlook: Outlook, rows: Columns) -> tuple[Flags, Flags]:
    """Whether each leg of some paths (columns head, then, from_then, from_month, to_month) is curtailable while it
    feeds: twice (rows,)."""
    until, then, end = firm_from(outlook), rows["then"], rows["to_month"]
    bridged = then != NO_PHASE
    switch = np.where(bridged, rows["from_then"], end)
    return until[rows["head"]] > rows["from_month"], bridged & (until[np.where(bridged, then, 0)] > switch)


def on_its_part(outlook: Outlook, rows: Columns) -> Columns:
    """Rows (columns as `curtailed_legs`, and interruptible) whose part of their power there is: firm ones where every
    leg that is curtailable has a firm share, interruptible ones where a leg is curtailable."""
    head, then = curtailed_legs(outlook, rows)
    none_firm = ~has_firm_part(outlook)
    without = (head & none_firm[rows["head"]]) | (then & none_firm[np.where(then, rows["then"], 0)])
    return rows.take(np.where(rows["interruptible"] == 1, head | then, ~without))


def parts_of_phases(outlook: Outlook, starts: Ints) -> Ints:
    """How many parts, firm or curtailable, each phase has of its own in windows that begin in some months, (phases,
    windows)."""
    curtailed = firm_from(outlook)[:, None] > starts
    has_firm = ~curtailed | has_firm_part(outlook)[:, None]
    return (curtailed.astype(np.int64) + has_firm) * ~backups(outlook)[:, None]


def accepted(outlook: Outlook, rows: Columns) -> Flags:
    """Whether the lease of each row accepts the hours and the warning of every leg that is curtailable, or stands on
    firm power; rows have a column lease beside those of `on_its_part`."""
    power, leases = outlook.tables["power"], outlook.tables["leases"]
    most, least = (leases.floats(name)[rows["lease"]] for name in ("curtailable_hours_per_year", NOTICE))
    found = np.ones(len(rows), dtype=bool)
    for leg, phase in zip(curtailed_legs(outlook, rows), (rows["head"], rows["then"]), strict=True):
        at = np.where(leg, phase, 0)
        taken = (power.floats("curtailed_hours_per_year")[at] <= most) & (power.floats(NOTICE)[at] >= least)
        found &= ~leg | taken
    return (rows["interruptible"] == 0) | found



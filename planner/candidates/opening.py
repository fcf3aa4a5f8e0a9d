"""`open`: a site opened in a month, 0/1, with its cost; without it nothing can be built or contracted there."""

from __future__ import annotations

import numpy as np

from kernels.lines import Line
from planner.candidates.builder import CandidateBuilder
from planner.candidates.columns import Columns, codes_of, greatest_by, stacked
from planner.candidates.hall_cohorts import EXISTING, hall_cohorts
from planner.candidates.kinds import Kind
from planner.candidates.outlook import Outlook
from planner.candidates.phases import commit_months
from planner.candidates.resources import Family


def add_openings(builder: CandidateBuilder) -> None:
    """A candidate for each site that costs something to open, and each month in which its first commitment could
    fall."""
    outlook, names = builder.outlook, builder.names
    cost = outlook.tables["sites"].floats("opening_cost_usd")
    if not np.any(cost > 0.0):
        return
    chosen = Columns(site=np.flatnonzero(cost > 0.0)).joined(opening_months(outlook), "site")
    site, month = chosen["site"], chosen["month"]
    columns = Columns(
        site=site, from_month=month, to_month=outlook.horizon, unit="0/1", upper=1.0, integral=True, decide_by=month
    )

    def ids() -> list[str]:
        return [f"open:{name}@{when}" for name, when in zip(names.sites[site], names.months(month), strict=True)]

    block = builder.add(Kind.OPEN, ids, columns, [builder.lump(Line.OPENING, -cost[site], month)])
    once = builder.book.resources(Family.OPENED_ONCE, site, names.site, 1.0)
    builder.book.uses.add(block.numbers, once, 1.0, 0, 1)


def opening_months(outlook: Outlook) -> Columns:
    """Months in which the first commitment at each site could fall: columns site, month, in order.

    Commitments are a phase to sign and a hall to order; what stands already is none. A site is of no use without power,
    so a hall ordered when all of its phases should be signed is never the first. A site without any commitment opens at
    the start.
    """
    if outlook.stated_openings is not None:
        return outlook.stated_openings
    count = len(outlook.tables["sites"])
    signed = Columns(site=outlook.tables["power"].rows_of("site_id"), month=commit_months(outlook))
    signed = signed.take(signed["month"] < outlook.horizon)
    halls = hall_cohorts(outlook)
    halls = halls.take(halls["way"] != EXISTING)
    ordered = Columns(site=halls["site"], month=np.maximum(halls["month"] - halls["lead"], 0))
    latest = greatest_by(signed["site"], signed["month"], count, -1)
    latest = np.where(latest < 0, outlook.horizon, latest)
    ordered = ordered.take(ordered["month"] < latest[ordered["site"]])
    none = np.setdiff1d(np.arange(count), np.concatenate([signed["site"], ordered["site"]]))
    found = stacked([signed, ordered, Columns(site=none, month=np.zeros(len(none), dtype=np.int64))])
    _, first = codes_of([found["site"], found["month"]])
    return found.take(first).sorted_by("site", "month")

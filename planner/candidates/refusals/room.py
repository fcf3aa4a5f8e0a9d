"""What halls, power and deliveries can come to at most, month by month: upper bounds that no plan passes."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from planner.arrays import Floats
from planner.candidates.columns import Columns, codes_of
from planner.candidates.gpu_places import supply_limits
from planner.candidates.hall_cohorts import NEW
from planner.candidates.outlook import Outlook


def hall_room(halls: Columns, outlook: Outlook) -> Floats:
    """MW of halls that can be in service at each site, shape (sites, M): what stands, what was built by then, what was
    converted.

    halls: cohorts with columns site, way, month and upper, as halls are made. The critical IT of the site is not yet a
    limit.
    """
    pace = outlook.tables["sites"].floats("build_mw_per_quarter")
    found = np.zeros((len(pace), outlook.months))
    quarter = outlook.calendar.quarter_of(halls["month"])
    codes, first = codes_of([halls["site"], halls["way"]])
    for code, (site, way) in enumerate(zip(halls["site"][first].tolist(), halls["way"][first].tolist(), strict=True)):
        rows = np.flatnonzero(codes == code)
        by_month, most = np.zeros(outlook.months), float(halls["upper"][rows].max())
        limit = float(pace[site]) if way == NEW else np.nan
        for begins in (halls["month"][rows[quarter[rows] == each]].min() for each in np.unique(quarter[rows])):
            by_month[int(begins) :] += most if np.isnan(limit) else limit
        # A limit of its own holds what is converted together, and what stands is there once.
        found[site] += by_month if way == NEW else np.minimum(by_month, most)
    return found


def power_room(outlook: Outlook, phases: Iterable[int]) -> Floats:
    """Critical IT that some phases can carry together, shape (M,): guaranteed MW over mw_per_it_mw, from first power to
    the end of the term."""
    power = outlook.tables["power"]
    it_mw = power.floats("guaranteed_mw") / power.floats("mw_per_it_mw")
    found = np.zeros(outlook.months)
    for phase in phases:
        found[outlook.energised[phase] : outlook.power_end[phase]] += it_mw[phase]
    return found


def gpu_room(
    outlook: Outlook, gpu: int, *, lead_months: int | None = None, life_months: int | None = None,
    unlimited: bool = False,
) -> Floats:
    """GPUs of one SKU that can have been delivered and be alive, over all sites, shape (M,).

    lead_months, life_months: in place of its own; unlimited: whatever its supply.
    """
    gpus = outlook.tables["gpus"]
    lead = int(gpus.ints("order_lead_months")[gpu]) if lead_months is None else lead_months
    life = int(gpus.ints("life_months")[gpu]) if life_months is None else life_months
    found = np.zeros(outlook.months)
    steps = outlook.steps[outlook.steps >= lead]
    supply = np.full(len(steps), np.nan) if unlimited else supply_limits(outlook, np.full(len(steps), gpu), steps)
    quarter = outlook.calendar.quarter_of(steps)
    for each in np.unique(quarter[~(supply <= 0.0)]):
        here = np.flatnonzero(quarter == each)
        alive = np.zeros(outlook.months, dtype=bool)
        for month in steps[here].tolist():
            alive[month : min(month + life, outlook.last_month)] = True
        found[alive] += np.inf if np.isnan(supply[here[0]]) else float(supply[here[0]])
    return found

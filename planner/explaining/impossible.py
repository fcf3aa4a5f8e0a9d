"""Why something can be in no plan, in words: the limits that stop it, or those that what is committed leaves no room
beside."""

from __future__ import annotations

import numpy as np
import pandas as pd

from planner.candidates.columns import Columns
from planner.candidates.gpu_places import deliveries, fits
from planner.candidates.options import CandidateOptions
from planner.candidates.outlook import Outlook
from planner.candidates.phases import phase_table
from planner.candidates.refusals.stops import figure
from planner.candidates.refusals.told import remedy, why_stopped
from planner.candidates.refusals.what_stops import WhatStops
from planner.case.case import Case
from planner.errors import PlannerError
from planner.explaining.infeasible import explain_infeasible
from planner.explaining.sentences import headline
from planner.explaining.target import Sort, Target

SECONDS = 60.0
"""Time for the conflict with what is committed, where no time limit is given."""
NO_PLAN = "no plan with it keeps every limit"


def no_way(case: Case, options: CandidateOptions, target: Target) -> str:
    """Why no candidate of a case brings something in."""
    outlook = options.outlook(case)
    if target.sort is Sort.LEASE:
        found = WhatStops(outlook).refusal(target.name)
        way = remedy(found)
        return (
            f"nothing in the case can serve it: {why_stopped(found) or 'its dates leave no month in which it pays'}"
            + (f"; to let it stand {way}" if way else "")
        )
    return _no_sku(outlook, target.name) if target.sort is Sort.SKU else _no_power(outlook, target)


def no_plan_with(case: Case, options: CandidateOptions, target: Target, amount: float, seconds: float | None) -> str:
    """Why there is no plan with so much of something that candidates would bring in."""
    if target.sort is not Sort.LEASE:
        return NO_PLAN
    return lease_beside(case, options, target.name, amount, seconds)


def lease_beside(
    case: Case, options: CandidateOptions, lease_id: str, amount: float, seconds: float | None, *, own: bool = True
) -> str:
    """Why so much of a lease cannot be served: what stops it alone, or what it collides with beside all that is
    committed.

    own: it stands in the case, so that its rows can be changed.
    """
    must = with_least(case, lease_id, amount)
    found = WhatStops(options.outlook(must)).refusal(lease_id)
    if found.stopped:
        way = remedy(found, own=own)
        return f"no plan can serve {figure(amount, found.unit)} of it: {why_stopped(found)}" + (
            f"; to let it stand {way}" if way else ""
        )
    try:
        infeasible_sets = explain_infeasible(
            must, options, seconds=SECONDS if seconds is None else seconds
        ).infeasible_sets
    except PlannerError:
        infeasible_sets = ()
    return f"{NO_PLAN}: {headline(infeasible_sets[0])}" if infeasible_sets else NO_PLAN


def with_least(case: Case, lease_id: str, amount: float) -> Case:
    """The case in which so much of a lease must be served."""
    leases = case.tables["leases"]
    mine = leases["lease_id"] == lease_id
    least = np.maximum(leases["min_size"].to_numpy(np.float64), np.where(mine, amount, 0.0))
    return case.with_table(
        "leases",
        leases.assign(
            committed=leases["committed"] | mine, min_size=np.minimum(least, leases["max_size"].to_numpy(np.float64))
        ),
    )


def _no_sku(outlook: Outlook, gpu_id: str) -> str:
    """Why a SKU can be bought for no site."""
    gpus, number = outlook.tables["gpus"], outlook.tables["gpus"].number_of("gpu_id")[gpu_id]
    mine = fits(outlook)
    mine = mine.take(mine["gpu"] == number)
    heavy, hot = mine.take(mine["too_heavy"]), mine.take(mine["too_hot"])
    said = []
    if len(heavy):
        racks = outlook.tables["sites"].floats("max_rack_kw")[heavy["site"]]
        said.append(
            f"at {_sites(len(heavy))} a rack may take {racks.max():g} kW at most, it needs {heavy['rack'][0]:g}"
        )
    if len(hot):
        said.append(f"at {_sites(len(hot))} there is no liquid cooling, which it needs")
    if (mine["too_heavy"] | mine["too_hot"]).all() and said:
        return f"it fits on no site: {', and '.join(said)}"
    if not len(deliveries(outlook, Columns(gpu=np.array([number])))):
        lead = int(gpus.ints("order_lead_months")[number])
        if lead >= outlook.horizon or not (outlook.steps >= lead).any():
            return (
                f"ordered at the start it comes after {lead} months, in {outlook.calendar.written(lead)}, too late for "
                "the horizon"
            )
        return "gpu_supply has none of it in any quarter in which it could be delivered"
    return "it can be bought at no site"


def _sites(count: int) -> str:
    return f"{count} site{'' if count == 1 else 's'}"


def _no_power(outlook: Outlook, target: Target) -> str:
    """Why nothing can be contracted of a phase, or at a site."""
    power = phase_table(outlook)
    mine: pd.DataFrame = power[power["site_id" if target.sort is Sort.SITE else "phase_name"] == target.name]
    if mine.empty:
        return "no phase of power feeds it"
    first = int(mine["energised_month"].min())
    return (
        f"no power can be contracted there: it comes in {outlook.calendar.written(first)}, the horizon ends in "
        f"{outlook.calendar.written(outlook.horizon - 1)}"
    )

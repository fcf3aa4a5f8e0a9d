"""Why something is in the plan or out of it: what it is worth, at which prices, and where the answer turns.

    in the plan     worth = best plan - best plan without it
    out of it       loss = best plan - best plan with it

Both sides are solved with integers free and carry the interval that the gap leaves. The answer turns at the rate (of a
lease) or fee (of power) r at which the best plan with as much of it as now is no better than the best without it:

    V_with(r) = V_without        by Newton steps, each a plan of its own: V_with is convex in r
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from planner.candidates.build import CandidateSet
from planner.candidates.kinds import Kind
from planner.candidates.options import CandidateOptions
from planner.case.case import Case
from planner.errors import PlannerError
from planner.explaining.at_prices import AtPrices, at_prices
from planner.explaining.forced import Forcing, Worth, amounts
from planner.explaining.impossible import no_plan_with, no_way
from planner.explaining.target import Sort, Target
from planner.formulation.allocate import Allocation
from planner.solver.options import SolverOptions

STEPS = 4
"""Plans made at most to find where the answer turns."""
SHARES = (0.25, 0.5, 1.0)
"""Shares of its MW at which power that is out of the plan is tried."""
SKU_BLOCK = 1000.0
"""GPUs at which a SKU that is out of the plan is tried."""


@dataclass(frozen=True)
class Turn:
    """The rate or fee at which the answer turns, for `amount` of the thing, between `low` and `high` by the gaps.

    unit: what a rate in dollars is for. now: the rate or fee of the case (NaN where there are several; then the others
    are shifts of them). with_usd,
    without_usd: the two plans there. solved: whether both were solved at that rate and agree within their gaps.
    """

    unit: str
    now: float
    at: float
    low: float
    high: float
    with_usd: float
    without_usd: float
    solved: bool


@dataclass(frozen=True)
class Reason:
    """Why something is in or out.

    amount: how much of it the plan has, or was tried, in `unit`. worth_usd: what the plan gains by it (negative: what
    it would lose), as found, at least, at most; None when it can be neither forced in nor left out, and `note` says
    why.
    """

    target: Target
    inside: bool
    amount: float
    unit: str
    worth_usd: tuple[float, float, float] | None
    prices: AtPrices | None
    turn: Turn | None
    note: str


def why(
    case: Case, options: CandidateOptions, candidates: CandidateSet, allocation: Allocation, target: Target,
    solver: SolverOptions,
) -> Reason:
    """Why a thing is in the plan or out of it. `candidates`, `allocation`: those of the plan; each solve has the
    solver's time."""
    assert allocation.levels is not None
    forcing = Forcing(case, options, replace(solver, progress=None, start=None))
    plan = Worth(allocation.objective_usd, allocation.bound_usd, allocation.levels, candidates.npv_usd)
    numbers, sizes = amounts(candidates, target)
    held = float(sizes @ allocation.levels[numbers]) if len(numbers) else 0.0
    inside = held > 1e-6
    unit = _unit(case, target)
    if not len(numbers):
        return Reason(target, False, 0.0, unit, None, None, None, no_way(case, options, target))
    prices = (
        None if _decided_against(candidates, allocation.levels, target, held)
        else at_prices(candidates, allocation, numbers, sizes)
    )
    try:
        if inside:
            other = forcing.without(target)
            worth = plan.less(other)
            turn, note = (
                (None, "there is no plan without it") if worth is None else _turn(forcing, target, held, plan, other)
            )
            return Reason(target, True, held, unit, worth, prices, turn, note)
        tried = [(amount, forcing.at_least(target, amount)) for amount in _tries(case, candidates, target)]
    except PlannerError as error:
        return Reason(target, inside, held, unit, None, prices, None, str(error))
    possible = [(amount, found) for amount, found in tried if found.found_usd is not None]
    if not possible:
        return Reason(
            target, False, tried[0][0], unit, None, prices, None,
            no_plan_with(case, options, target, tried[0][0], solver.time_limit_s),
        )
    amount, best = max(possible, key=lambda pair: pair[1].found_usd or -np.inf)
    turn, note = _turn(forcing, target, amount, best, plan)
    return Reason(target, False, amount, unit, best.less(plan), prices, turn, note)


def _decided_against(candidates: CandidateSet, levels: np.ndarray, target: Target, held: float) -> bool:
    """Whether power is out by a whole decision: prices of what a site or phase would bring mean nothing while it is
    shut."""
    if held > 0.0 or target.sort not in (Sort.SITE, Sort.PHASE):
        return False
    table = candidates.table
    phases = set(
        table.loc[
            (table["kind"] == Kind.POWER) & ((table["site_id"] == target.name) | (table["phase"] == target.name)),
            "phase"
        ]
    )
    sites = set(table.loc[table["phase"].isin(phases) & (table["kind"] == Kind.POWER), "site_id"])
    taken = table["phase"].isin(phases) & table["kind"].isin([Kind.POWER, Kind.TAKE]) & table["integral"]
    opened = pd.Series(levels)[
        (table["site_id"].isin(sites) & (table["kind"] == Kind.OPEN)).to_numpy()
    ].groupby(table["site_id"]).max()
    return bool((taken & (levels < 0.5)).any() or (opened < 0.5).any())


def _unit(case: Case, target: Target) -> str:
    if target.sort is Sort.LEASE:
        return "MW" if case.tables["leases"].set_index("lease_id").loc[target.name, "size_unit"] == "it_mw" else "GPUs"
    return "GPUs" if target.sort is Sort.SKU else "MW"


def _tries(case: Case, candidates: CandidateSet, target: Target) -> list[float]:
    """Amounts at which something that is out of the plan is forced in."""
    if target.sort is Sort.LEASE:
        lease = case.tables["leases"].set_index("lease_id").loc[target.name]
        least = (
            float(lease["max_size"]) if lease["all_or_nothing"]
            else max(float(lease["min_size"]), float(lease["min_block"]))
        )
        return [least] if least > 0.0 else [float(lease["max_size"])]
    if target.sort is Sort.SKU:
        return [SKU_BLOCK]
    numbers, sizes = amounts(candidates, target)
    whole = float(sizes @ candidates.table["upper"].to_numpy(np.float64)[numbers])
    steps = float(sizes.min()) if candidates.table["integral"].to_numpy(bool)[numbers].all() else 0.0
    return sorted({max(whole * share, steps) for share in SHARES})


def _turn(forcing: Forcing, target: Target, amount: float, with_it: Worth, without: Worth) -> tuple[Turn | None, str]:
    """Where the plan with `amount` of a thing and the plan without it are worth the same; or why nowhere, in words."""
    rate = _rate(forcing.case, target)
    if rate is None:
        return None, ""
    edit, unit, now = rate
    what = "rate" if target.sort is Sort.LEASE else "fee"
    if now == 0.0 and target.sort is not Sort.LEASE and _surely_better(without, with_it):
        return None, "no fee turns the answer: it has none that could fall"
    shift, slope, solved = 0.0, _slope(forcing, f"{edit}+=1", with_it), False
    here, moved = with_it, 0
    while here.found_usd is not None and without.found_usd is not None and slope != 0.0:
        step = (without.found_usd - here.found_usd) / slope
        rounding = _uncertain(here, without) / abs(slope)
        solved = moved > 0 and abs(step) <= max(rounding, 1e-6 * max(abs(shift), 1e-3))
        if moved >= STEPS or solved:
            break
        # V_with is convex: its tangent may reach below zero where V_with itself turns above, so zero is tried before it
        # is ruled out.
        at_zero = now + shift + step < 0.0
        shift = -now if at_zero else shift + step
        moved += 1
        try:
            found = forcing.at_least(target, amount, edits=(f"{edit}=0" if at_zero else f"{edit}+={shift:.12g}",))
        except PlannerError:
            return None, ""  # several rates, of which one would be below zero
        if found.found_usd is None or found.levels is None:
            return None, ""
        # Let for nothing a lease still pays, or for nothing power still does not: then no rate lies between.
        if at_zero and _surely_better(*((found, without) if target.sort is Sort.LEASE else (without, found))):
            millions = abs(without.found_usd - found.found_usd) / 1e6
            return (
                None,
                f"no {what} turns the answer: at none at all the best plan with it is still worth ${millions:,.2f}M "
                f"{'more' if target.sort is Sort.LEASE else 'less'}"
            )
        here, slope = found, _slope(forcing, f"{edit}+={shift + 1.0:.12g}", found)
    if here.found_usd is None or without.found_usd is None or slope == 0.0:
        return None, ""
    apart = here.less(without)
    assert apart is not None
    edges = sorted(shift - usd / slope for usd in apart[1:])
    base = 0.0 if np.isnan(now) else now
    return Turn(
        unit, now, base + shift, base + min(edges[0], shift), base + max(edges[1], shift), here.found_usd,
        without.found_usd, solved,
    ), ""


def _surely_better(first: Worth, second: Worth) -> bool:
    """Whether one plan is better than another whatever their gaps leave open."""
    by = first.less(second)
    return by is not None and by[1] > 0.0


def _uncertain(first: Worth, second: Worth) -> float:
    """Dollars by which the difference of two plans may be off."""
    apart = first.less(second)
    return 0.0 if apart is None else apart[2] - apart[1]


def _slope(forcing: Forcing, dearer: str, here: Worth) -> float:
    """What a dollar more of the rate adds to a plan's objective, its levels held; `dearer` is the edit of that
    dollar."""
    assert here.levels is not None
    return float((forcing.candidates((dearer,)).npv_usd - here.npv_usd) @ here.levels)


def _rate(case: Case, target: Target) -> tuple[str, str, float] | None:
    """The cells that hold a thing's rate or fee, their unit, and what stands there (NaN for several)."""
    if target.sort is Sort.LEASE:
        lease = case.tables["leases"].set_index("lease_id").loc[target.name]
        if lease["kind"] == "hosting":
            return f"leases.usd_per_kw_month[{target.name}]", "kW-month", float(lease["usd_per_kw_month"])
        rates = case.tables["lease_rates"]
        found = rates.loc[rates["lease_id"] == target.name, "usd_per_gpu_hour"].astype(float).unique()
        return (
            f"lease_rates.usd_per_gpu_hour[{target.name}]", "GPU-hour",
            float(found[0]) if len(found) == 1 else float("nan")
        )
    if target.sort is Sort.SKU:
        return None
    power = case.tables["power"]
    if target.sort is Sort.PHASE:
        mine = power[(power["source_id"].astype(str) + ":" + power["phase"].astype(str)) == target.name]
        return f"power.fee_usd_per_kw_month[{target.name}]", "kW-month", float(mine["fee_usd_per_kw_month"].iat[0])
    fees = power.loc[power["site_id"] == target.name, "fee_usd_per_kw_month"].astype(float).unique()
    return (
        f"power.fee_usd_per_kw_month[site_id={target.name}]", "kW-month",
        float(fees[0]) if len(fees) == 1 else float("nan")
    )

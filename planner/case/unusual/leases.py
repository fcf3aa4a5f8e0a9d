"""What is unusual about leases: cut by the horizon, out of reach, too large for any site, far from the market."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np
import pandas as pd

from planner.case.calendar import Calendar
from planner.case.case import Case
from planner.case.edits import file_of
from planner.case.reading.frames import FIRST_ROW
from planner.case.unusual.oddity import Oddity, named
from planner.case.unusual.reach import Holding, cooled_it_mw, fabrics, holding, room_by, sites_allowed

_LEAST_OF_MARKET, _MOST_OF_MARKET = 0.4, 2.5


def cut_by_horizon(case: Case) -> Iterator[Oddity]:
    """Leases that run past the horizon or begin after it."""
    leases, settings = case.tables["leases"], case.settings
    calendar = Calendar(settings.start, settings.months)
    starts = np.array([calendar.index(text) for text in leases.start], dtype=np.int64)
    ends = starts + leases.term_months.to_numpy(dtype=np.int64)
    cut = (starts < settings.months) & (ends > settings.months)
    if cut.any():
        yield Oddity(
            file_of(case, "leases"), int(np.flatnonzero(cut)[0]) + FIRST_ROW, f"the horizon of {settings.months} months cuts {named(list(leases.lease_id[cut]))}",
            f"what comes after it is counted by the tail rule {settings.tail}", f"give months = {int(ends[cut].max())} to see them whole, or watch the share of NPV from the tail",
        )
    for line in np.flatnonzero(starts >= settings.months):
        yield Oddity(file_of(case, "leases"), int(line) + FIRST_ROW, f"lease {leases.lease_id.iloc[line]} begins after the horizon", "it cannot be served", "lengthen months, or remove the lease")
    for line in np.flatnonzero(ends <= 0):
        yield Oddity(file_of(case, "leases"), int(line) + FIRST_ROW, f"lease {leases.lease_id.iloc[line]} ends before the start of the case", "it earns nothing", "check its start and term, or remove it")


def sites_out_of_reach(case: Case) -> Iterator[Oddity]:
    """Sites on which no lease may stand, by regions, sites, links, or the cooling and racks of the SKUs that it accepts."""
    leases, gpus = case.tables["leases"], case.tables["gpus"]
    if not len(leases):
        return
    cooled = {gpu["gpu_id"]: cooled_it_mw(case, gpu) > 0 for _, gpu in gpus.iterrows()}
    reached = np.zeros(len(case.tables["sites"]), dtype=np.bool_)
    rates = case.tables["lease_rates"]
    for _, lease in leases.iterrows():
        fits = np.full(len(reached), lease["kind"] == "hosting")
        for gpu in rates.gpu_id[rates.lease_id == lease["lease_id"]]:
            fits |= cooled[gpu]
        reached |= fits & sites_allowed(case, lease)
    for line in np.flatnonzero(~reached):
        yield Oddity(
            file_of(case, "sites"), int(line) + FIRST_ROW, f"no lease can stand on site {case.tables['sites'].site_id.iloc[line]}",
            "it can live on the market alone", "check regions and sites of the leases, links, liquid_cooled_it_mw and max_rack_kw",
        )


def leases_that_fit_nowhere(case: Case) -> Iterator[Oddity]:
    """Leases that no site, or no fabric if they ask for one, can hold by their start, with the best place for each."""
    leases = case.tables["leases"]
    for place, (_, lease) in enumerate(leases.iterrows()):
        held = holding(case, lease)
        needed = float(lease["max_size"] if lease["all_or_nothing"] else max(lease["min_size"], lease["min_block"]))
        places = fabrics(case) if lease["single_fabric"] else fabrics(case)[: len(held.units)]
        totals = [float(held.units[list(members)].sum()) for _, members in places]
        best = int(np.argmax(totals)) if totals else 0
        if totals and totals[best] > 0 and totals[best] >= needed * (1.0 - 1e-9):
            continue
        spread = float(held.units[held.units >= lease["min_block"]].sum())
        if not lease["single_fabric"] and spread > 0 and spread >= needed * (1.0 - 1e-9):
            what, why = "fits on no single site", "it must be spread over several, which together can hold it"
        else:
            what, why = "fits nowhere by its start", "it will start late or not at all" if not lease["committed"] else "it is committed, so the case has no plan"
        yield Oddity(
            file_of(case, "leases"), place + FIRST_ROW,
            f"lease {lease['lease_id']} {what} ({lease['start']}): it needs {(needed or lease['max_size']) * held.it_mw_per_unit:.4g} MW of critical IT; {_best(case, lease, held, places, best)}",
            why, "check its size and start, the sites it allows, energised and delays of the power, build_mw_per_quarter and build_lead_months",
        )


def _best(case: Case, lease: pd.Series, held: Holding, places: list[tuple[str, Sequence[int]]], best: int) -> str:
    """The best place for a lease in words, with what its halls and its power come to."""
    if not places or not held.units.any():
        return "no site that it may stand on has both halls and power by then"
    name, members = places[best]
    calendar = Calendar(case.settings.start, case.settings.months)
    room = room_by(case, max(0, calendar.index(lease["start"])))
    chosen = list(members)
    return (
        f"the best place, {name}, can have {held.it_mw[chosen].sum():.4g} MW for it "
        f"(halls {room.halls_it_mw[chosen].sum():.4g}, power {room.powered_it_mw[chosen].sum():.4g})"
    )


def rates_far_from_market(case: Case) -> Iterator[Oddity]:
    """Rates below 40 % or above 250 % of the price of the SKU's first market tier at the lease's start."""
    rates, leases = case.tables["lease_rates"], case.tables["leases"]
    starts = dict(zip(leases.lease_id, leases.start, strict=True))
    for place, (lease, gpu, rate) in enumerate(zip(rates.lease_id, rates.gpu_id, rates.usd_per_gpu_hour, strict=True)):
        price = _market_price(case, gpu, starts[lease])
        if price is not None and not _LEAST_OF_MARKET * price <= rate <= _MOST_OF_MARKET * price:
            yield Oddity(
                file_of(case, "lease_rates"), place + FIRST_ROW, f"lease {lease} pays {rate:g} $/GPU-hour for {gpu}, the market {price:g} at its start",
                f"that is {rate / price:.0%} of the market" if price else "the market pays nothing", "check the rate and its unit",
            )


def _market_price(case: Case, gpu: str, month: str) -> float | None:
    """Price of the SKU's first tier in a month; None when there is no market for it."""
    market, curves = case.tables["market"], case.tables["curves"]
    tiers = market[market.gpu_id == gpu].sort_values("tier")
    if not len(tiers):
        return None
    if not tiers.price_curve.iloc[0]:
        return float(tiers.usd_per_gpu_hour.iloc[0])
    rows = curves[curves.curve_id == tiers.price_curve.iloc[0]].sort_values("month")
    return float(rows.value[rows.month <= max(month, case.settings.start)].iloc[-1])


def promises_of_nothing(case: Case) -> Iterator[Oddity]:
    """Committed leases without a least size, and tiers of rates that an unlimited tier before them leaves empty."""
    leases, rates = case.tables["leases"], case.tables["lease_rates"]
    for line in np.flatnonzero((leases.committed & ~leases.all_or_nothing & (leases.min_size == 0)).to_numpy()):
        yield Oddity(file_of(case, "leases"), int(line) + FIRST_ROW, f"lease {leases.lease_id.iloc[line]} is committed at a least size of 0", "nothing of it must be served", "give min_size, or all_or_nothing")
    open_tiers: dict[tuple[str, str], int] = {}
    for lease, gpu, tier, most in zip(rates.lease_id, rates.gpu_id, rates.tier, rates.max_units, strict=True):
        if np.isnan(most):
            open_tiers[lease, gpu] = min(int(tier), open_tiers.get((lease, gpu), int(tier)))
    for place, (lease, gpu, tier) in enumerate(zip(rates.lease_id, rates.gpu_id, rates.tier, strict=True)):
        if int(tier) > open_tiers.get((lease, gpu), int(tier)):
            yield Oddity(
                file_of(case, "lease_rates"), place + FIRST_ROW, f"tier {tier} of {lease} for {gpu} comes after a tier without max_units",
                "it is never reached", "give max_units on the tiers before it",
            )


LEASE_CHECKS: tuple[Callable[[Case], Iterable[Oddity]], ...] = (
    cut_by_horizon,
    sites_out_of_reach,
    leases_that_fit_nowhere,
    rates_far_from_market,
    promises_of_nothing,
)

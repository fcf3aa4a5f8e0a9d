"""What is unusual about leases: cut by the horizon, far from the market, promised at nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import numpy as np

from planner.case.calendar import Calendar
from planner.case.case import Case
from planner.case.edits import file_of
from planner.case.reading.frames import FIRST_ROW
from planner.case.tables import SERVICES
from planner.case.unusual.oddity import Oddity, named

_LEAST_OF_MARKET, _MOST_OF_MARKET = 0.4, 2.5
HOURS_OF_A_MONTH = 730.0


def cut_by_horizon(case: Case) -> Iterator[Oddity]:
    """Leases that run past the horizon or begin after it."""
    leases, settings = case.tables["leases"], case.settings
    calendar = Calendar(settings.start, settings.months)
    starts = np.array([calendar.index(text) for text in leases.start], dtype=np.int64)
    tranches = case.tables["lease_tranches"]
    last = tranches.groupby("lease_id").starts_after_months.max().reindex(leases.lease_id, fill_value=0)
    ends = starts + leases.term_months.to_numpy(dtype=np.int64) + last.to_numpy(dtype=np.int64)
    cut = (starts < settings.months) & (ends > settings.months)
    if cut.any():
        yield Oddity(
            file_of(case, "leases"), int(np.flatnonzero(cut)[0]) + FIRST_ROW,
            f"the horizon of {settings.months} months cuts {named(list(leases.lease_id[cut]))}",
            f"what comes after it is counted by the tail rule {settings.tail}",
            f"give months = {int(ends[cut].max())} to see them whole, or watch the share of NPV from the tail",
        )
    for line in np.flatnonzero(starts >= settings.months):
        yield Oddity(
            file_of(case, "leases"), int(line) + FIRST_ROW,
            f"lease {leases.lease_id.iloc[line]} begins after the horizon", "it cannot be served",
            "lengthen months, or remove the lease",
        )
    for line in np.flatnonzero(ends <= 0):
        yield Oddity(
            file_of(case, "leases"), int(line) + FIRST_ROW,
            f"lease {leases.lease_id.iloc[line]} ends before the start of the case", "it earns nothing",
            "check its start and term, or remove it",
        )


def tranches_after_horizon(case: Case) -> Iterator[Oddity]:
    """Tranches that are due after the horizon of a lease that begins within it."""
    leases, tranches, settings = case.tables["leases"], case.tables["lease_tranches"], case.settings
    calendar = Calendar(settings.start, settings.months)
    starts = {name: calendar.index(start) for name, start in zip(leases.lease_id, leases.start, strict=True)}
    columns = (tranches.lease_id, tranches.tranche, tranches.starts_after_months.tolist())
    for line, (lease, tranche, after) in enumerate(zip(*columns, strict=True)):
        due = starts[lease] + int(after)
        if starts[lease] < settings.months <= due:
            yield Oddity(
                file_of(case, "lease_tranches"), line + FIRST_ROW,
                f"tranche {tranche} of {lease} is due in {calendar.written(due)}, after the horizon",
                "neither its income nor what it needs is counted; the lease is taken by its other tranches",
                f"give months = {due + 1} or more, or remove the row and raise the shares of the others",
            )


def rates_far_from_market(case: Case) -> Iterator[Oddity]:
    """Rates below 40 % or above 250 % of the price of the SKU's first market tier at the lease's start."""
    rates, leases = case.tables["lease_rates"], case.tables["leases"]
    starts = dict(zip(leases.lease_id, leases.start, strict=True))
    for place, (lease, gpu, rate) in enumerate(zip(rates.lease_id, rates.gpu_id, rates.usd_per_gpu_hour, strict=True)):
        price = _market_price(case, gpu, starts[lease])
        if price is not None and not _LEAST_OF_MARKET * price <= rate <= _MOST_OF_MARKET * price:
            yield Oddity(
                file_of(case, "lease_rates"), place + FIRST_ROW,
                f"lease {lease} pays {rate:g} $/GPU-hour for {gpu}, the market {price:g} at its start",
                f"that is {rate / price:.0%} of the market" if price else "the market pays nothing",
                "check the rate and its unit",
            )


def services_beyond_hours(case: Case) -> Iterator[Oddity]:
    """Storage, network and support that bring more in a month than the hours of the dearest rate."""
    leases, rates = case.tables["leases"], case.tables["lease_rates"]
    dearest = rates.groupby("lease_id").usd_per_gpu_hour.max()
    for line, (lease, *billed) in enumerate(zip(leases.lease_id, *(leases[name] for name in SERVICES), strict=True)):
        hours = HOURS_OF_A_MONTH * float(dearest.get(lease, np.inf))
        if sum(billed) > hours:
            yield Oddity(
                file_of(case, "leases"), line + FIRST_ROW,
                f"lease {lease} is billed {sum(billed):g} $/GPU-month of storage, network and support, and "
                f"{hours:g} for its hours",
                "what stands beside the hours is more than they are", "check the figures and their unit",
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
        yield Oddity(
            file_of(case, "leases"), int(line) + FIRST_ROW,
            f"lease {leases.lease_id.iloc[line]} is committed at a least size of 0", "nothing of it must be served",
            "give min_size, or all_or_nothing",
        )
    open_tiers: dict[tuple[str, str], int] = {}
    for lease, gpu, tier, most in zip(rates.lease_id, rates.gpu_id, rates.tier, rates.max_units, strict=True):
        if np.isnan(most):
            open_tiers[lease, gpu] = min(int(tier), open_tiers.get((lease, gpu), int(tier)))
    for place, (lease, gpu, tier) in enumerate(zip(rates.lease_id, rates.gpu_id, rates.tier, strict=True)):
        if int(tier) > open_tiers.get((lease, gpu), int(tier)):
            yield Oddity(
                file_of(case, "lease_rates"), place + FIRST_ROW,
                f"tier {tier} of {lease} for {gpu} comes after a tier without max_units",
                "it is never reached", "give max_units on the tiers before it",
            )


def shares_of_the_tail(case: Case) -> Iterator[Oddity]:
    """Limits on a customer's revenue of a year that the horizon does not hold to its end."""
    shares, settings = case.tables["customer_shares"], case.settings
    calendar = Calendar(settings.start, settings.months)
    last = (calendar.start_number + settings.months - 1) // 12
    whole = (calendar.start_number + settings.months) // 12 - 1
    for line, (customer, year) in enumerate(zip(shares.customer_id, shares.year.tolist(), strict=True)):
        if year > whole:
            left = "all of it lies" if year > last else "a part of it lies"
            yield Oddity(
                file_of(case, "customer_shares"), line + FIRST_ROW,
                f"customer {customer} has a greatest share of the revenue of {year}, and {left} after the horizon",
                "there only contracts that run on earn, so that few customers bring all of it",
                f"give months = {12 * (year + 1) - calendar.start_number} to see the year whole, or remove the row",
            )


LEASE_CHECKS: tuple[Callable[[Case], Iterable[Oddity]], ...] = (
    cut_by_horizon,
    tranches_after_horizon,
    rates_far_from_market,
    services_beyond_hours,
    promises_of_nothing,
    shares_of_the_tail,
)

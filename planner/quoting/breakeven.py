"""Where a bundle breaks even: the rate, utilisation, power price and residual value at which its NPV is zero.

A bundle is the whole path of one GPU on a power path of a site: bought for the first month in which power and halls are
there, at work at one rate for its contract, then sold; its share of the hall, given up with it; and its contracted MW,
whose fee runs for the phase's whole term, or, in the second rate, only for the months in which the GPU works. A hosting
bundle is a MW of hall let to one of the hosting leases of the case, on its terms, with its contracted MW. All cash is
affine in the rate, so each breakeven follows from two bundles:

    rate at NPV 0        -NPV(0) / (NPV(1) - NPV(0))
    rate at a hurdle     the same, every month discounted at the hurdle: the IRR after tax is then the hurdle
rate at a DSCR       the greatest, over the years of the contract, of (floor x debt service - cash at rate 0) / cash per
dollar at a given rate      utilisation = rate at NPV 0 / rate; $/MWh on top of the price of power; fees of power times
so much;
                         share of the purchase price at resale
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from planner.candidates.build import CandidateSet, build_candidates
from planner.candidates.firmness import backups
from planner.candidates.kinds import Kind
from planner.candidates.outlook import Outlook, make_outlook
from planner.case.case import Case
from planner.case.edits import changed_case
from planner.case.read import as_case
from planner.choices import chosen as chosen_options
from planner.errors import PlannerError
from planner.quoting.bundle_worth import BundleWorth
from planner.quoting.inquiry import Inquiry
from planner.quoting.inquiry_case import inquiry_case
from planner.quoting.whole_bundles import bundle_alone

COLUMNS = (
    "site_id", "power_path", "gpu_id", "lease_id", "rate_unit", "from", "to", "rate_npv_zero",
    "rate_npv_zero_months_used", "rate_hurdle_irr",
    "rate_least_dscr", "at_rate", "npv_usd_per_unit", "breakeven_utilisation", "breakeven_power_usd_per_mwh",
    "breakeven_fees_times", "breakeven_residual_share",
)
"""Columns of the table: bundles of a GPU have a gpu_id, hosted MW a lease_id. Rates in rate_unit, npv_usd_per_unit for
a GPU or a MW, shares of 1; blank where it does not exist (no debt, no rate to compare with, power that the tenant pays,
no resale)."""


@dataclass(frozen=True)
class BreakevenOptions:
    """How to break even: months of the contract, the hurdle IRR, the least DSCR, and a rate to compare with.

    hurdle: IRR after tax, yearly. rate: $ per GPU-hour, None for the mean of the dearest on-demand tier
    of the SKU over the contract, times its utilisation. Hosting leases have their own terms and their own rate.
    """

    term_months: int = 48
    hurdle: float = 0.2
    least_dscr: float = 1.3
    rate: float | None = None
    base: str = "expected"
    edits: tuple[str, ...] = ()
    stress: str | None = None

    def __post_init__(self) -> None:
        if self.term_months < 1:
            raise PlannerError(f"a contract of {self.term_months} months is none: give 1 or more")
        if not -1.0 < self.hurdle < 10.0:
            raise PlannerError(f"hurdle {self.hurdle}: give a yearly rate such as 0.2")


def breakeven(case: Case | str | Path, options: BreakevenOptions | None = None, **choices: Any) -> pd.DataFrame:
    """One row per site, power path and SKU, and per site, power path and hosting lease, that fit together: columns
    COLUMNS.

    GPUs first, the cheapest of each first. `choices` are fields of `BreakevenOptions`. A path whose power does not last
    for the contract is left out.

    >>> import planner
    >>> rows = planner.breakeven("fixtures/tiny", term_months=12)
    >>> rows["power_path"].tolist(), round(float(rows["rate_npv_zero"].iloc[0]), 4)
    (['grid:p1', 'cells:p1'], 1.7475)
    """
    chosen = chosen_options(BreakevenOptions, options, choices, verb="breakeven", lists=("edits",))
    changed = changed_case(as_case(case), chosen.edits, chosen.stress)
    rows = [*_of_gpus(changed, chosen), *_of_halls(changed, chosen)]
    found = pd.DataFrame(rows, columns=list(COLUMNS))
    return found.sort_values(
        ["rate_unit", "rate_npv_zero", "site_id", "power_path"], kind="stable"
    ).reset_index(drop=True)


def _of_gpus(case: Case, options: BreakevenOptions) -> Iterator[tuple[Any, ...]]:
    inquiries = _contracts(case, options)
    if not inquiries:
        return
    # The contract's customer never defaults, so a rate here is what must be earned.
    asked = [inquiry_case(case, inquiries, rates={one.name: rate for one in inquiries}) for rate in (0.0, 1.0)]
    free, paid = (build_candidates(make_outlook(one, base=options.base)) for one in asked)
    for worth, path in _worths(free, paid, "serve", [inquiry.name for inquiry in inquiries]):
        rate = _compared(worth, options)
        yield worth.site_id, path, worth.gpu_id, "", "$/GPU-hour", *_figures(worth, rate, options)


def _of_halls(case: Case, options: BreakevenOptions) -> Iterator[tuple[Any, ...]]:
    leases = case.tables["leases"]
    hosting = leases["kind"] == "hosting"
    if not hosting.any():
        return
    asked = [
        replace(
            case,
            tables={
                **case.tables,
                "leases": leases.assign(usd_per_kw_month=leases["usd_per_kw_month"].where(~hosting, rate)),
            },
        )
        for rate in (0.0, 1.0)
    ]
    free, paid = (build_candidates(make_outlook(one, base=options.base)) for one in asked)
    rate_of = dict(zip(leases["lease_id"], leases["usd_per_kw_month"].astype(float), strict=True))
    for worth, path in _worths(free, paid, "host", leases["lease_id"][hosting].tolist()):
        yield worth.site_id, path, "", worth.lease_id, "$/kW-month", *_figures(worth, rate_of[worth.lease_id], options)


def _worths(free: CandidateSet, paid: CandidateSet, kind: str, names: list[str]) -> Iterator[tuple[BundleWorth, str]]:
    """The bundles of some leases, each path from the first month on in which it has power, with the path in words."""
    table = free.table
    ways = table[table["lease_id"].isin(names) & (table["kind"] == kind)]
    # Contracts of GPUs differ by site and month alone.
    apart = ["site_id", "gpu_id" if kind == Kind.SERVE else "lease_id", "phase", "then_phase"]
    ways = ways.sort_values("from_month", kind="stable").drop_duplicates(apart)
    for way in ways.to_dict("index").items():
        bundle = bundle_alone(free, int(way[0]))
        if bundle is not None:
            path = str(way[1]["phase"]) + (f" until {way[1]['then_phase']}" if way[1]["then_phase"] else "")
            yield BundleWorth(free, paid, bundle, int(way[0])), path


def _figures(worth: BundleWorth, rate: float, options: BreakevenOptions) -> tuple[Any, ...]:
    written = worth.outlook.calendar.written
    zero = worth.rate()
    rates = zero, worth.rate_months_used(), worth.rate_at_hurdle(options.hurdle), worth.rate_at_dscr(options.least_dscr)
    blank = float("nan")
    at_rate = (blank,) * 6
    if np.isfinite(rate):
        npv = worth.npv(rate)
        at_rate = (
            rate, npv, zero / rate if rate > 0.0 else blank, worth.power_price_room(npv), worth.fee_factor(npv),
            worth.residual_share(npv)
        )
    return written(worth.start), written(worth.end - 1), *rates, *at_rate


def _contracts(case: Case, options: BreakevenOptions) -> list[Inquiry]:
    """One contract per site and month in which a path of its power begins, for all SKUs, one GPU each."""
    outlook = make_outlook(case, base=options.base)
    gpus = "; ".join(f"{gpu_id}=1" for gpu_id in case.tables["gpus"]["gpu_id"])
    found: dict[str, Inquiry] = {}
    feeding = ~backups(outlook)
    for site_id, energised in zip(
        case.tables["power"]["site_id"][feeding], outlook.energised[feeding].tolist(), strict=True
    ):
        month = _first_month(outlook, str(site_id), int(energised)) if gpus else None
        if month is not None:
            start = outlook.calendar.written(month)
            name = f"breakeven {site_id} {start}"
            found[name] = Inquiry(start, options.term_months, name=name, gpu=gpus, gpus=1.0, sites=str(site_id))
    return list(found.values())


def _first_month(outlook: Outlook, site_id: str, energised: int) -> int | None:
    """The first quarter start from which power, a hall and the slowest GPU to order can be there; None after the
    horizon."""
    site = outlook.case.tables["sites"].set_index("site_id").loc[site_id]
    ready = outlook.calendar.index(str(site["ready_month"])) if site["ready_month"] else 0
    hall = 0 if float(site["existing_it_mw"]) > 0.0 else max(ready, int(site["build_lead_months"]))
    lead = int(outlook.case.tables["gpus"]["order_lead_months"].max())
    later = outlook.calendar.quarter_starts
    later = later[later >= max(energised, hall, lead)]
    return int(later[0]) if len(later) else None


def _compared(worth: BundleWorth, options: BreakevenOptions) -> float:
    """The rate to compare a GPU's with."""
    if options.rate is not None:
        return options.rate
    outlook = worth.outlook
    top = outlook.market_top.get(worth.gpu_id)
    if top is None:
        return float("nan")
    window = slice(worth.start, worth.end)
    hours = outlook.hours[window]
    return float((np.broadcast_to(top[0] * top[1], (outlook.months,))[window] * hours).sum() / hours.sum())

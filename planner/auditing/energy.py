"""What power costs by what draws it: energy, demand, fees on use, and the take that must be paid whether used or
not."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

from planner.auditing.book import Book
from planner.auditing.published import Published
from planner.auditing.usage import AtWork


@dataclass
class Drawn:
    """By phase and month: contracted MW in use, and MWh drawn."""

    mw: defaultdict[tuple[str, int], float] = field(default_factory=lambda: defaultdict(float))
    mwh: defaultdict[tuple[str, int], float] = field(default_factory=lambda: defaultdict(float))


def mwh(run: Published, use: AtWork) -> float:
    """Energy of a month: critical IT x load factor x PUE x hours, or the miners' hours, as far as there is power."""
    hours = run.months.hours(use.month) * float(use.phase.row["availability"]) * use.served
    site = run.row("sites", site_id=use.holding.site)
    if use.holding.kind == "mine":
        return use.contracted_mw * float(run.row("mining", site_id=use.holding.site)["uptime"]) * hours
    return use.it_mw * float(site["load_factor"]) * float(site["pue"]) * hours


def usd_per_mwh(use: AtWork, *, lease: bool) -> float:
    """What a MWh costs the company: without fuel where customers of leases pay it."""
    fuel = 0.0 if lease and use.phase.row["fuel_passed_to_tenant"] else use.phase.fuel_usd_per_mwh(use.month)
    return use.phase.other_usd_per_mwh(use.month) + fuel


def post_use(
    book: Book, run: Published, use: AtWork, drawn: Drawn, *, tenant_pays: bool, idle: bool, chance: float
) -> None:
    """Energy, demand charge and the part of the fee that falls on MW in use, for one month of one holding; chance: that
    the holding comes about."""
    phase, site, month = use.phase, use.holding.site, use.month
    energy = mwh(run, use)
    drawn.mw[phase.name, month] += use.contracted_mw
    lease = use.holding.kind in ("serve", "renew", "host")
    if not tenant_pays:
        taken = chance * energy * (float(phase.row["min_take"]) if idle else 1.0)
        book.post(site, "energy", month, -taken * usd_per_mwh(use, lease=lease))
        demand = 1000.0 * float(phase.row["demand_charge_usd_per_kw_month"])
        book.post(site, "energy", month, -chance * demand * use.contracted_mw)
    drawn.mwh[phase.name, month] += energy
    on_use = chance * (1.0 - float(phase.row["take_or_pay"]))
    book.post(site, "fees", month, -on_use * phase.fee_usd_per_mw(month) * use.contracted_mw)

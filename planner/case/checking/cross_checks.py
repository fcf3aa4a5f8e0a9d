"""What rows must obey together: within a row, between rows, between tables and against the start of the case."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise

import numpy as np
import pandas as pd

from planner.case.checking.contract_checks import CONTRACT_CHECKS
from planner.case.checking.factor_checks import FACTOR_CHECKS
from planner.case.checking.watched import about_rows_of
from planner.case.reading.given import Given, shown
from planner.case.tables import BACKUP_KINDS, TABLES
from planner.case.written_dates import month_number, quarter_number, written_month
from planner.errors import Fault


@about_rows_of("sites")
def check_site_sizes(given: Given) -> Iterator[Fault]:
    """existing_it_mw and liquid_cooled_it_mw <= critical_it_mw; a new hall is either built or rented."""
    sites = given.tables["sites"]
    for column in ("existing_it_mw", "liquid_cooled_it_mw"):
        yield from given.faults_where(
            "sites", sites[column] > sites.critical_it_mw, column, "more than critical_it_mw",
            "lower it, or raise critical_it_mw",
        )
    both = sites.shell_capex_usd_per_kw.notna() & sites.shell_rent_usd_per_kw_month.notna()
    yield from given.faults_where(
        "sites", both, "shell_rent_usd_per_kw_month", "both shell_capex_usd_per_kw and a rent in its place are given",
        "keep one of the two",
    )


@about_rows_of("power")
def check_power_sizes(given: Given) -> Iterator[Fault]:
    """installed >= guaranteed; min, step and committed MW within the phase; a lumpy phase is committed whole or not."""
    power = given.tables["power"]
    guaranteed = power.guaranteed_mw
    yield from given.faults_where(
        "power", power.installed_mw < guaranteed, "installed_mw", "less than guaranteed_mw",
        "plant must cover the guarantee; leave it blank when they are equal",
    )
    for column in ("min_mw", "step_mw", "committed_mw"):
        yield from given.faults_where(
            "power", power[column] > guaranteed, column, "more than guaranteed_mw", "lower it, or raise guaranteed_mw"
        )
    part = power.lumpy & (power.committed_mw > 0) & (power.committed_mw < guaranteed)
    yield from given.faults_where(
        "power", part, "committed_mw", "a part of a phase that is the whole or nothing",
        "commit guaranteed_mw or 0, or set lumpy to no",
    )


@about_rows_of("power")
def check_backups(given: Given) -> Iterator[Fault]:
    """A backup is paid for whether it runs or not and is never curtailed; nothing else has its columns."""
    power = given.tables["power"]
    backup = power.kind.isin(list(BACKUP_KINDS))
    for column, wrong in (
        ("min_take", power.min_take > 0), ("take_or_pay", power.take_or_pay < 1),
        ("demand_charge_usd_per_kw_month", power.demand_charge_usd_per_kw_month > 0),
        ("firm_share", power.firm_share < 1),
    ):
        yield from given.faults_where(
            "power", backup & wrong, column, "nothing draws on a backup but in the hours of others",
            "leave it blank, or give another kind",
        )
    for column, wrong in (
        ("firms_mw_per_mw", power.firms_mw_per_mw != 1), ("hours_per_year", power.hours_per_year.notna()),
    ):
        yield from given.faults_where(
            "power", ~backup & wrong, column, "of a backup alone",
            "leave it blank, or give kind battery or backup_engine",
        )


@about_rows_of("power")
def check_ownership(given: Given) -> Iterator[Fault]:
    """A service is paid by its fee, not by capex; a plant of the company's own has its cost, unless it is energised."""
    power = given.tables["power"]
    bought = (power.ownership == "service") & (power.capex_usd_per_kw > 0)
    yield from given.faults_where(
        "power", bought, "capex_usd_per_kw", "a service has no capex", "leave it blank, or set ownership to owned"
    )
    free = (power.ownership == "owned") & ~(power.capex_usd_per_kw > 0) & (power.status != "energised")
    yield from given.faults_where(
        "power", free, "ownership", "an owned plant without its cost",
        "give capex_usd_per_kw, or set ownership to service or utility",
    )


@about_rows_of("power")
def check_power_dates(given: Given) -> Iterator[Fault]:
    """Delays low <= mode <= high, all three or none; signed before energised; 'energised' means by the start."""
    power = given.tables["power"]
    low, mode, high = power.delay_low_months, power.delay_mode_months, power.delay_high_months
    some = low.notna() | mode.notna() | high.notna()
    for column in ("delay_low_months", "delay_mode_months", "delay_high_months"):
        yield from given.faults_where(
            "power", some & power[column].isna(), column, "blank while other delays are given",
            "give low, mode and high, or none of them",
        )
    yield from given.faults_where(
        "power", low > mode, "delay_mode_months", "less than delay_low_months", "give low <= mode <= high"
    )
    yield from given.faults_where(
        "power", mode > high, "delay_high_months", "less than delay_mode_months", "give low <= mode <= high"
    )
    late = (power.contract_month != "") & (power.energised != "") & (power.contract_month > power.energised)
    yield from given.faults_where(
        "power", late, "contract_month", "after its first power", "a contract is signed by the month of energisation"
    )
    if given.settings is not None:
        future = (power.status == "energised") & (power.energised > given.settings.start)
        yield from given.faults_where(
            "power", future, "status", f"energised already, yet its month is after the start {given.settings.start}",
            "say announced, studied or approved, or correct the month",
        )


@about_rows_of("power")
def check_fuel(given: Given) -> Iterator[Fault]:
    """A phase that burns gas has a price of gas."""
    power = given.tables["power"]
    unpriced = (power.heat_rate_mmbtu_per_mwh > 0) & power.gas_usd_per_mmbtu.isna() & (power.gas_curve == "")
    for line in np.flatnonzero(unpriced.to_numpy()):
        if not given.is_refused("power", int(line), "gas_usd_per_mmbtu", "gas_curve"):
            yield given.fault(
                "power", int(line), "heat_rate_mmbtu_per_mwh", "burns gas that has no price",
                "give gas_usd_per_mmbtu or gas_curve, or set the heat rate to 0",
            )


@about_rows_of("curves")
def check_curves(given: Given) -> Iterator[Fault]:
    """A curve begins by the start of the case, in one unit, and keeps within the range of what it replaces."""
    curves = given.tables["curves"]
    first: dict[str, tuple[str, int]] = {}
    unit_of: dict[str, str] = {}
    for place, (name, month, unit) in enumerate(zip(curves.curve_id, curves.month, curves.unit, strict=True)):
        if name and month:
            first[name] = min(first.get(name, (month, place)), (month, place))
        if name and unit and unit_of.setdefault(name, unit) != unit:
            yield given.fault(
                "curves", place, "unit", f"curve {name} is in {unit_of[name]} elsewhere",
                "give the whole curve in one unit",
            )
    for name, (month, place) in first.items():
        if given.settings is not None and month > given.settings.start:
            why = f"curve {name} begins after the start {given.settings.start}, so its first values are unknown"
            yield given.fault("curves", place, "month", why, f"add a row for {given.settings.start} or before")
    yield from _curve_ranges(given)


def _curve_ranges(given: Given) -> Iterator[Fault]:
    """Each value of a curve lies in the declared range of the scalar column that it replaces."""
    least: dict[str, tuple[float, str]] = {}
    for table in TABLES.values():
        for column in table.columns:
            minimum = None if column.scalar_of is None else table.column(column.scalar_of).minimum
            if minimum is not None:
                for name in set(given.tables[table.name][column.name]) - {""}:
                    least[name] = max(least.get(name, (minimum, "")), (minimum, f"{table.name}.{column.scalar_of}"))
    curves = given.tables["curves"]
    for place, (name, value) in enumerate(zip(curves.curve_id, curves.value, strict=True)):
        if name in least and value < least[name][0]:
            yield given.fault(
                "curves", place, "value", f"less than {least[name][0]:g}, the least that {least[name][1]} allows",
                "check the value and its sign",
            )


@about_rows_of("resale")
def check_resale(given: Given) -> Iterator[Fault]:
    """Resale of a SKU begins at age 0 and does not rise with age."""
    resale = given.tables["resale"]
    for gpu, rows in resale[resale.age_months.notna() & resale.value_share.notna()].groupby("gpu_id", sort=False):
        ordered = rows.sort_values("age_months")
        first = int(ordered.index[0])
        if ordered.age_months.iloc[0] != 0:
            yield given.fault(
                "resale", first, "age_months", f"what {gpu} fetches before this age is not stated",
                "add a row for age 0",
            )
        for line in ordered.index[(ordered.value_share.diff() > 0).to_numpy()]:
            yield given.fault(
                "resale", int(line), "value_share", f"{gpu} fetches more than at a younger age",
                "resale falls with age; check the row",
            )


@about_rows_of("market")
def check_market_tiers(given: Given) -> Iterator[Fault]:
    """Tier 1 is the dearest: prices given as numbers do not rise with the tier."""
    yield from _rising(given, "market", ["gpu_id"], "usd_per_gpu_hour")


@about_rows_of("lease_rates")
def check_rate_tiers(given: Given) -> Iterator[Fault]:
    """A lease's rates for a SKU do not rise with the tier."""
    yield from _rising(given, "lease_rates", ["lease_id", "gpu_id"], "usd_per_gpu_hour")


def _rising(given: Given, table: str, by: list[str], column: str) -> Iterator[Fault]:
    """Faults of rows whose value is above that of the next lower tier of the same names."""
    frame = given.tables[table]
    tiers: dict[tuple[str, ...], list[tuple[int, float, int]]] = {}
    for place, (tier, value, *names) in enumerate(
        zip(frame.tier, frame[column], *(frame[name] for name in by), strict=True)
    ):
        if not (pd.isna(tier) or np.isnan(value)):
            tiers.setdefault(tuple(names), []).append((int(tier), float(value), place))
    for rows in tiers.values():
        rows.sort()
        for (lower, before, _), (tier, value, place) in pairwise(rows):
            if tier > lower and value > before:
                yield given.fault(
                    table, place, column, "more than the tier before it",
                    "order the tiers from the dearest, tier 1, down",
                )


@about_rows_of("links")
def check_links(given: Given) -> Iterator[Fault]:
    """A link joins a site to a lease or to another site, once, with the cost that belongs to it."""
    links = given.tables["links"]
    to_site, to_lease = links.other_site_id != "", links.lease_id != ""
    yield from given.faults_where(
        "links", to_site & to_lease, "lease_id", "both another site and a lease are given", "use one row for each link"
    )
    for line in np.flatnonzero((~to_site & ~to_lease).to_numpy()):
        if not given.is_refused("links", int(line), "other_site_id", "lease_id"):
            yield given.fault(
                "links", int(line), "other_site_id", "the site is linked to nothing", "give other_site_id or lease_id"
            )
    yield from given.faults_where(
        "links", to_site & (links.other_site_id == links.site_id), "other_site_id", "a site linked to itself",
        "name another site",
    )
    yield from given.faults_where(
        "links", to_site & (links.network_usd_per_gpu_hour > 0), "network_usd_per_gpu_hour",
        "a network cost between two sites", "it belongs to a link to a lease; here use fibre_capex_usd",
    )
    yield from given.faults_where(
        "links", to_lease & (links.fibre_capex_usd > 0), "fibre_capex_usd", "fibre cost on a link to a lease",
        "it belongs to a link between sites; here use network_usd_per_gpu_hour",
    )
    hosting = set(given.tables["leases"].query("kind == 'hosting'").lease_id)
    hosted = to_lease & links.lease_id.isin(hosting) & (links.network_usd_per_gpu_hour > 0)
    yield from given.faults_where(
        "links", hosted, "network_usd_per_gpu_hour", "a cost per GPU-hour of a lease that brings its own GPUs",
        "leave it blank: the tenant of a hall pays its network",
    )
    first: dict[frozenset[str], int] = {}
    for place, (site, other) in enumerate(zip(links.site_id, links.other_site_id, strict=True)):
        pair = frozenset((site, other))
        if other and first.setdefault(pair, place) != place and site == links.other_site_id.iloc[first[pair]]:
            yield given.fault(
                "links", place, "other_site_id",
                f"these two sites are linked in row {first[pair] + 2} already, the other way round",
                "a link goes both ways; keep one row",
            )


@about_rows_of("budget", "gpu_supply")
def check_quarters(given: Given) -> Iterator[Fault]:
    """Quarters do not end before the start; a quarter of the budget says something."""
    budget = given.tables["budget"]
    empty = budget.new_capital_usd.isna() & budget.cash_floor_usd.isna()
    for line in np.flatnonzero(empty.to_numpy()):
        if not given.is_refused("budget", int(line), "new_capital_usd", "cash_floor_usd"):
            yield given.fault(
                "budget", int(line), "quarter", "neither new capital nor a floor is given",
                "give one of the two, or remove the row",
            )
    if given.settings is None:
        return
    start = month_number(given.settings.start)
    for table in ("budget", "gpu_supply"):
        for place, quarter in enumerate(given.tables[table].quarter):
            if quarter and quarter_number(quarter) + 2 < start:
                yield given.fault(
                    table, place, "quarter", f"ends before the start {given.settings.start}",
                    "remove the row, or correct the quarter",
                )


@about_rows_of("fleet")
def check_fleet(given: Given) -> Iterator[Fault]:
    """GPUs owned were bought before the start and live on after it, fit into the halls, and serve leases that accept
    them."""
    fleet, settings = given.tables["fleet"], given.settings
    if settings is not None:
        late = (fleet.bought != "") & (fleet.bought >= settings.start)
        yield from given.faults_where(
            "fleet", late, "bought", f"not before the start {settings.start}",
            f"the fleet is what is owned by {written_month(month_number(settings.start) - 1)}; later purchases are "
            "for the plan to choose",
        )
        yield from _fleet_lives(given, fleet, settings.start)
    yield from _fleet_leases(given, fleet)
    yield from _fleet_halls(given, fleet)


def _fleet_lives(given: Given, fleet: pd.DataFrame, start: str) -> Iterator[Fault]:
    """bought + life_months > start: GPUs past their life earn nothing and cannot be sold."""
    life = given.tables["gpus"].drop_duplicates("gpu_id").set_index("gpu_id").life_months
    for line, (gpu, bought) in enumerate(zip(fleet.gpu_id, fleet.bought, strict=True)):
        months = life.get(gpu)
        if not bought or months is None or pd.isna(months):
            continue
        end = month_number(bought) + int(months)
        if end <= month_number(start):
            why = (
                f"{gpu} bought in {bought} is past its life of {int(months)} months: the last one was "
                f"{written_month(end - 1)}, the case starts in {start}"
            )
            yield given.fault(
                "fleet", line, "bought", why, f"remove the row, correct its month, or raise gpus.life_months[{gpu}]"
            )


def _fleet_halls(given: Given, fleet: pd.DataFrame) -> Iterator[Fault]:
    """sum over the fleet of a site of gpus x it_kw <= its halls; each site is blamed at its first row of the fleet."""
    sites, gpus = given.tables["sites"], given.tables["gpus"]
    it_mw = dict(zip(gpus.gpu_id, gpus.it_kw / 1000.0, strict=True))
    load: dict[str, float] = {}
    first: dict[str, int] = {}
    for line, (site, gpu, count) in enumerate(zip(fleet.site_id, fleet.gpu_id, fleet.gpus, strict=True)):
        if gpu in it_mw and not pd.isna(count) and not np.isnan(it_mw[gpu]):
            load[site] = load.get(site, 0.0) + float(count) * it_mw[gpu]
            first.setdefault(site, line)
    for place, (site, hall) in enumerate(zip(sites.site_id, sites.existing_it_mw, strict=True)):
        if site in load and load[site] > hall + 1e-9 and not given.is_refused("sites", place, "existing_it_mw"):
            why = f"the fleet at {site} needs {load[site]:.6g} MW of critical IT, its halls hold {shown(hall)}"
            yield given.fault("fleet", first[site], "gpus", why, "correct gpus, it_kw, or existing_it_mw of the site")


def _fleet_leases(given: Given, fleet: pd.DataFrame) -> Iterator[Fault]:
    if not (given.known("lease_rates", "gpu_id") and given.known("leases", "kind")):
        return
    rates = given.tables["lease_rates"]
    accepted = set(zip(rates.lease_id, rates.gpu_id, strict=True))
    known = set(given.tables["leases"].lease_id)
    for line, (lease, gpu) in enumerate(zip(fleet.lease_id, fleet.gpu_id, strict=True)):
        if lease in known and gpu and (lease, gpu) not in accepted:
            yield given.fault(
                "fleet", line, "lease_id", f"lease {lease} has no rate for {gpu}",
                "add a row to lease_rates, or correct the lease",
            )


CROSS_CHECKS: tuple[Callable[[Given], Iterator[Fault]], ...] = (
    check_site_sizes,
    check_power_sizes,
    check_backups,
    check_ownership,
    check_power_dates,
    check_fuel,
    check_curves,
    check_resale,
    check_market_tiers,
    check_rate_tiers,
    check_links,
    check_quarters,
    check_fleet,
    *CONTRACT_CHECKS,
    *FACTOR_CHECKS,
)
"""All of them, with those of the contracts and of stochastic factors."""

"""What its tables show to be unusual in a case that is not wrong: worth a look before money is spent on its plan.

What its limits keep apart is in `explaining.unusual`, which has these too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import numpy as np
import pandas as pd

from planner.case.calendar import Calendar
from planner.case.case import Case
from planner.case.delays import first_power_months, mean_delay_months, uncommitted_phases
from planner.case.edits import file_of
from planner.case.reading.frames import FIRST_ROW
from planner.case.schema import Table
from planner.case.tables import BACKUP_KINDS, TABLES
from planner.case.unusual.leases import LEASE_CHECKS
from planner.case.unusual.oddity import Oddity, named
from planner.case.unusual.power import POWER_CHECKS
from planner.did_you_mean import closest

_CURVE_SHORT_MONTHS = 24
_ROUNDING = 0.01


def oddities(case: Case) -> list[Oddity]:
    """Everything unusual, in the order of the checks; a case without leases, power or market is looked at all the
    same."""
    found: list[Oddity] = []
    for check in (*LEASE_CHECKS, *POWER_CHECKS, *_CHECKS):
        found += check(case)
    return found


def halls_beyond_power(case: Case) -> Iterator[Oddity]:
    """critical_it_mw <= sum over phases of guaranteed_mw / mw_per_it_mw within 1 %, else some halls can never be
    powered."""
    power = case.tables["power"]
    power = power[~power.kind.isin(list(BACKUP_KINDS))]
    powered = (power.guaranteed_mw / power.mw_per_it_mw).groupby(power.site_id).sum()
    for place, (site, critical) in enumerate(
        zip(case.tables["sites"].site_id, case.tables["sites"].critical_it_mw, strict=True)
    ):
        reach = float(powered.get(site, 0.0))
        if reach < critical * (1.0 - _ROUNDING):
            yield Oddity(
                file_of(case, "sites"), place + FIRST_ROW,
                f"site {site}: its phases of power carry {reach:.4g} MW of critical IT, its halls {critical:.4g}",
                "the rest of the halls can never be used",
                "add the missing phases, or check guaranteed_mw and mw_per_it_mw",
            )


def exits_after_the_term(case: Case) -> Iterator[Oddity]:
    """Fees for ending a contract in years that it does not reach."""
    power, fees = case.tables["power"], case.tables["exit_fees"]
    terms = dict(zip(zip(power.source_id, power.phase, strict=True), power.term_months, strict=True))
    for place, (source, phase, year) in enumerate(zip(fees.source_id, fees.phase, fees.contract_year, strict=True)):
        if 12 * (int(year) - 1) >= int(terms[source, phase]):
            yield Oddity(
                file_of(case, "exit_fees"), place + FIRST_ROW,
                f"year {year} of {source}:{phase} begins after the {terms[source, phase]} months of its term",
                "this fee is never due", "check contract_year and term_months",
            )


def phases_without_use(case: Case) -> Iterator[Oddity]:
    """Phases that come after the horizon, or feed a site that never has a hall."""
    power, sites, mining = case.tables["power"], case.tables["sites"], case.tables["mining"]
    calendar = Calendar(case.settings.start, case.settings.months)
    phases = case.arrays["power"]
    months = first_power_months(phases, calendar, mean_delay_months(phases))
    converts = set(mining.site_id[mining.convertible_fraction > 0])
    converting = sites.site_id.isin(list(converts)) & sites.conversion_capex_usd_per_kw.notna()
    bare = set(sites.site_id[(sites.existing_it_mw == 0) & ~_can_build(sites) & ~converting]) - set(mining.site_id)
    for place, (source, phase, site, first) in enumerate(
        zip(power.source_id, power.phase, power.site_id, months.tolist(), strict=True)
    ):
        if first >= case.settings.months:
            yield Oddity(
                file_of(case, "power"), place + FIRST_ROW,
                f"{source}:{phase} is energised in {calendar.written(first)}, mean delay included, after the horizon",
                "no cluster can use it",
                "lengthen months, or remove the phase",
            )
        elif site in bare:
            yield Oddity(
                file_of(case, "power"), place + FIRST_ROW,
                f"{source}:{phase} feeds {site}, which has no hall and can build none",
                "no cluster can use it",
                "give the site shell_capex_usd_per_kw or shell_rent_usd_per_kw_month, or existing_it_mw",
            )


def leads_that_are_past(case: Case) -> Iterator[Oddity]:
    """lead_months before its promise lies before the start, and nothing is committed: the phase cannot come when it is
    promised."""
    power = case.tables["power"]
    calendar = Calendar(case.settings.start, case.settings.months)
    phases = case.arrays["power"]
    months = first_power_months(phases, calendar, np.zeros(len(power), dtype=np.int64))
    promised = power["energised"].map(calendar.index)
    columns = (
        power.source_id, power.phase, power.lead_months, power.energised, months.tolist(), promised,
        uncommitted_phases(phases),
    )
    for place, (source, phase, lead, energised, first, month, free) in enumerate(zip(*columns, strict=True)):
        if free and lead > 0 and first > month:
            signed = calendar.written(month - int(lead))
            yield Oddity(
                file_of(case, "power"), place + FIRST_ROW,
                f"{source}:{phase} is promised for {energised}, but had to be signed by {signed}, {lead} months "
                "earlier, and is not",
                f"it can come in {calendar.written(first)} at the earliest",
                "give committed_mw if it is signed, correct lead_months, or ask for a new date",
            )


def _can_build(sites: pd.DataFrame) -> pd.Series:
    """Whether new halls can be built or rented on each site."""
    return sites.shell_capex_usd_per_kw.notna() | sites.shell_rent_usd_per_kw_month.notna()


def supply_in_part(case: Case) -> Iterator[Oddity]:
    """A SKU with supply rows for some quarters of the horizon: the others have no limit."""
    supply = case.tables["gpu_supply"]
    calendar = Calendar(case.settings.start, case.settings.months)
    quarters = [calendar.written_quarter(int(first)) for first in calendar.quarter_starts]
    for gpu in dict.fromkeys(supply.gpu_id):
        listed = set(supply.quarter[supply.gpu_id == gpu])
        left = [quarter for quarter in quarters if quarter not in listed]
        if left:
            yield Oddity(
                file_of(case, "gpu_supply"), None, f"{gpu} has no supply row for {named(left)}",
                "deliveries in those quarters have no limit",
                "add the rows, with 0 where nothing can be had",
            )


def curves_that_end_early(case: Case) -> Iterator[Oddity]:
    """A curve whose last month lies long before the end of the horizon: its last value goes on. One row is a flat
    curve."""
    curves = case.tables["curves"]
    calendar = Calendar(case.settings.start, case.settings.months)
    for name in dict.fromkeys(curves.curve_id):
        months = [calendar.index(text) for text in curves.month[curves.curve_id == name]]
        if len(months) > 1 and max(months) + _CURVE_SHORT_MONTHS < case.settings.months:
            yield Oddity(
                file_of(case, "curves"), None, f"curve {name} ends in {calendar.written(max(months))}",
                f"its last value holds for the remaining {case.settings.months - 1 - max(months)} months",
                "extend it, if another path is expected",
            )


def curves_not_used(case: Case) -> Iterator[Oddity]:
    """Curves that no row refers to, and curves in another unit than the figure they replace."""
    used: dict[str, str] = {}
    for table in TABLES.values():
        for column in table.columns:
            if column.scalar_of is not None:
                used |= dict.fromkeys(
                    case.tables[table.name][column.name],
                    f"{table.name}.{column.scalar_of} in {table.column(column.scalar_of).unit}",
                )
    curves = case.tables["curves"].drop_duplicates("curve_id")
    for line, (name, unit) in zip(curves.index, zip(curves.curve_id, curves.unit, strict=True), strict=True):
        if name not in used:
            yield Oddity(
                file_of(case, "curves"), int(line) + FIRST_ROW, f"no row refers to curve {name}", "it moves nothing",
                "name it in a ..._curve column, or remove it",
            )
        elif _plain_unit(unit) != _plain_unit(used[name].partition(" in ")[2]):
            yield Oddity(
                file_of(case, "curves"), int(line) + FIRST_ROW,
                f"curve {name} is in {unit}, and stands for {used[name]}",
                "another unit would make a wrong price", "check the values, and write the unit as the column has it",
            )


def _plain_unit(unit: str) -> str:
    return " ".join(
        unit.casefold().replace("us$", "$").replace("usd", "$").replace("/", " per ").replace("-", " ").split()
    )


def customers_without_leases(case: Case) -> Iterator[Oddity]:
    """Customers that take no lease and guarantee nobody."""
    customers = case.tables["customers"]
    needed = {*case.tables["leases"].customer_id, *customers.guarantor}
    for place, customer in enumerate(customers.customer_id):
        if customer not in needed:
            yield Oddity(
                file_of(case, "customers"), place + FIRST_ROW, f"customer {customer} takes no lease",
                "it moves nothing", "check customer_id in leases, or remove the row",
            )


def gpus_without_demand(case: Case) -> Iterator[Oddity]:
    """SKUs that no lease accepts and no market takes."""
    wanted = {*case.tables["lease_rates"].gpu_id, *case.tables["market"].gpu_id}
    for place, gpu in enumerate(case.tables["gpus"].gpu_id):
        if gpu not in wanted:
            yield Oddity(
                file_of(case, "gpus"), place + FIRST_ROW, f"no lease and no market takes {gpu}", "it can earn nothing",
                "add rows to lease_rates or market, or remove the SKU",
            )


def budget_in_part(case: Case) -> Iterator[Oddity]:
    """A budget of new capital that leaves out quarters of the horizon: they bring none."""
    budget = case.tables["budget"]
    listed = set(budget.quarter[budget.new_capital_usd.notna()])
    calendar = Calendar(case.settings.start, case.settings.months)
    left = [
        quarter for quarter in map(calendar.written_quarter, map(int, calendar.quarter_starts)) if quarter not in listed
    ]
    if listed and left:
        yield Oddity(
            file_of(case, "budget"), None, f"no new capital is listed for {named(left)}", "those quarters bring none",
            "add the quarters, if capital is expected in them",
        )


def names_alike(case: Case) -> Iterator[Oddity]:
    """Names that differ in capitals alone, and regions of leases that no site has."""
    for table in TABLES.values():
        if len(table.key) == 1:
            yield from _alike(case, table)
    regions = [region for region in dict.fromkeys(case.tables["sites"].region) if region]
    for place, listed in enumerate(case.tables["leases"].regions):
        for region in (name for name in listed.split(";") if name and name not in regions):
            near = closest(region, regions)
            meant = f'did you mean "{near}"?' if near else "check the name, or add sites in that region"
            yield Oddity(
                file_of(case, "leases"), place + FIRST_ROW, f"no site lies in region {region}",
                "the lease cannot stand there", meant,
            )


def _alike(case: Case, table: Table) -> Iterator[Oddity]:
    first: dict[str, str] = {}
    for place, name in enumerate(case.tables[table.name][table.key[0]]):
        if first.setdefault(name.casefold(), name) != name:
            yield Oddity(
                file_of(case, table.name), place + FIRST_ROW,
                f"{name} and {first[name.casefold()]} differ in capitals alone",
                "they are two things to the planner", "rename one, if they are two; merge them, if they are one",
            )


_CHECKS: tuple[Callable[[Case], Iterable[Oddity]], ...] = (
    halls_beyond_power,
    exits_after_the_term,
    phases_without_use,
    leads_that_are_past,
    supply_in_part,
    curves_that_end_early,
    curves_not_used,
    customers_without_leases,
    gpus_without_demand,
    budget_in_part,
    names_alike,
)

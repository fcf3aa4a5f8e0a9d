"""Sites of a generated case: halls, phases of power, mining, and what they can hold by when."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from planner.case.calendar import Calendar
from planner.case.made_up.dice import Dice, Row
from planner.case.made_up.power import REGIONS, Phase, Region, grid_phase, onsite_kind, onsite_phase, second_phase
from planner.case.made_up.skus import Sku

_RACK_KW_AIR = 50.0
_MINING_SHARE, _EXISTING_SHARE, _GROUP_SHARE = 0.10, 0.15, 0.10


@dataclass(frozen=True)
class Halls:
    """Critical IT of a site's halls in MW; months count from the start of the case."""

    critical_it_mw: float
    existing_it_mw: float
    liquid_it_mw: float
    max_rack_kw: float
    build_mw_per_quarter: float
    first_month: int
    max_cluster_gpus: int | None

    def it_mw_by(self, month: int) -> float:
        """Halls that can stand by a month when they are built as fast as the site allows."""
        quarters = max(0, (month - self.first_month) // 3 + 1)
        return min(self.critical_it_mw, self.existing_it_mw + self.build_mw_per_quarter * quarters)


@dataclass(frozen=True)
class Site:
    """A site as drawn; `phases` in order of energisation, mining on the first, `terms` the other columns of its row."""

    site_id: str
    region: Region
    halls: Halls
    phases: tuple[Phase, ...]
    mining_utility_mw: float
    fleet_gpus: int
    fleet_it_mw: float
    terms: Row

    @property
    def guaranteed_mw(self) -> float:
        """Contracted power of all its phases."""
        return sum(phase.guaranteed_mw for phase in self.phases)

    def it_mw_by(self, month: int) -> float:
        """Critical IT that new leases could use in a month: halls and power both, mining and the fleet left alone."""
        power = sum(phase.it_mw for phase in self.phases if phase.expected_month <= month)
        power -= self.mining_utility_mw / self.phases[0].mw_per_it_mw
        return max(0.0, min(self.halls.it_mw_by(month), power) - self.fleet_it_mw)

    def liquid_it_mw_by(self, month: int) -> float:
        """The same, liquid-cooled."""
        return min(self.it_mw_by(month), self.halls.liquid_it_mw)

    def takes(self, sku: Sku) -> bool:
        """Whether its floor and cooling take the SKU's racks."""
        return sku.rack_kw <= self.halls.max_rack_kw and (sku.cooling == "air" or self.halls.liquid_it_mw > 0.0)


@dataclass(frozen=True)
class Campuses:
    """All sites with the rows of their tables; `it_mw` and `liquid_it_mw` have shape (sites, quarters)."""

    sites: tuple[Site, ...]
    rows: dict[str, list[Row]]
    it_mw: npt.NDArray[np.float64]
    liquid_it_mw: npt.NDArray[np.float64]

    @property
    def capacity_it_mw(self) -> float:
        """Critical IT that all sites hold at the end of the horizon."""
        return float(self.it_mw[:, -1].sum())


def draw_campuses(count: int, fleet_sku: Sku, dice: Dice, calendar: Calendar) -> Campuses:
    """`count` sites with their power, mining halls, fleet and groups."""
    order = [int(place) for place in dice.generator.permutation(count)]
    mining = set(order[: max(1, round(_MINING_SHARE * count))])
    existing = set(order[::-1][: max(1, round(_EXISTING_SHARE * count))])
    regions = dice.some(REGIONS, max(1, min(len(REGIONS), count // 2)))
    width = max(3, len(str(count)))
    sites = [
        _draw_site(
            f"S{number + 1:0{width}d}", dice.pick(regions), fleet_sku, dice, calendar.horizon,
            mines=number in mining, stands=number in existing,
        )
        for number in range(count)
    ]
    groups, fabrics = _substation_pairs(sites, dice), _fibre_pairs(sites, dice)
    rows = {
        "sites": [_site_row(site, groups, fabrics, calendar) for site in sites],
        "site_groups": _site_group_rows(sites, groups),
        "power": [phase.row(site.site_id, calendar) for site in sites for phase in site.phases],
        "mining": [_mining_row(site, dice, calendar) for site in sites if site.mining_utility_mw],
        "fleet": [_fleet_row(site, fleet_sku, dice, calendar) for site in sites if site.fleet_gpus],
        "links": _fibre_rows(fabrics, dice),
    }
    starts = [int(start) for start in calendar.quarter_starts]
    it_mw = np.array([[site.it_mw_by(month) for month in starts] for site in sites])
    liquid_it_mw = np.array([[site.liquid_it_mw_by(month) for month in starts] for site in sites])
    return Campuses(tuple(sites), rows, it_mw, liquid_it_mw)


def _draw_site(
    site_id: str, region: Region, fleet_sku: Sku, dice: Dice, months: int, *, mines: bool, stands: bool
) -> Site:
    """One site: `mines` has a mining hall, `stands` a GPU hall with a fleet, both a grid connection that is there."""
    critical = 5.0 * round(min(600.0, max(40.0, float(dice.generator.lognormal(math.log(120.0), 0.6)))) / 5.0)
    phases = _draw_phases(site_id, critical, region, dice, months, connected=mines or stands)
    scale = min(1.0, months / 60.0)
    lead = 3 * round(dice.pick((6, 9, 12, 15, 18)) * scale / 3)
    ready = lead + 3 * round(dice.pick((0, 0, 3, 6)) * scale / 3)
    cooling = dice.pick(("all", "part", "none"), (0.65, 0.25, 0.10))
    halls = Halls(
        critical_it_mw=critical,
        existing_it_mw=round(0.4 * phases[0].it_mw, 1) if stands else 0.0,
        liquid_it_mw={"all": critical, "part": round(critical * dice.between(0.4, 0.8, 2), 1), "none": 0.0}[cooling],
        max_rack_kw=_RACK_KW_AIR if cooling == "none" else dice.pick((160.0, 250.0)),
        build_mw_per_quarter=float(max(10, round(critical / dice.pick((2, 3, 4, 6)) / 5) * 5)),
        first_month=ready,
        max_cluster_gpus=int(critical * dice.between(200.0, 400.0, 0)) // 1000 * 1000 if dice.chance(0.5) else None,
    )
    mining_mw = round(phases[0].guaranteed_mw * (0.5 if stands else dice.between(0.5, 0.9, 2))) if mines else 0
    fleet = int(halls.existing_it_mw * dice.between(0.15, 0.35, 2) * 1000.0 / fleet_sku.it_kw) // 8 * 8
    terms = _site_terms(lead, region, dice)
    if mines:
        terms |= {
            "conversion_capex_usd_per_kw": dice.between(8_000.0, 11_000.0, -2),
            "conversion_lead_months": 12 if months < 36 else 15,
        }
    return Site(site_id, region, halls, phases, float(mining_mw), fleet, fleet * fleet_sku.it_kw / 1000.0, terms)


def _draw_phases(
    site_id: str, it_mw: float, region: Region, dice: Dice, months: int, *, connected: bool
) -> tuple[Phase, ...]:
    """Three phases: on-site power early and the grid late; a connected site has part of the grid already."""
    kind = onsite_kind(dice)
    if connected:
        return (
            grid_phase(f"{site_id}_grid", 1, it_mw * dice.between(0.35, 0.5, 2), region, dice, months, old=True),
            onsite_phase(f"{site_id}_{kind}", 1, it_mw * dice.between(0.25, 0.35, 2), kind, region, dice, months),
            grid_phase(f"{site_id}_grid", 2, it_mw * dice.between(0.4, 0.5, 2), region, dice, months, old=False),
        )
    first = onsite_phase(f"{site_id}_{kind}", 1, it_mw * dice.between(0.3, 0.45, 2), kind, region, dice, months)
    return (
        first,
        second_phase(first, it_mw * dice.between(0.2, 0.35, 2), dice, months),
        grid_phase(f"{site_id}_grid", 1, it_mw * dice.between(0.45, 0.7, 2), region, dice, months, old=False),
    )


def _site_terms(lead_months: int, region: Region, dice: Dice) -> Row:
    """Place, efficiency and cost of a site; one in seven rents its halls in place of building them."""
    terms: Row = {
        "latitude": round(region.latitude + dice.between(-1.5, 1.5, 2), 2),
        "longitude": round(region.longitude + dice.between(-1.5, 1.5, 2), 2),
        "pue": dice.between(1.12, 1.24, 2),
        "load_factor": dice.between(0.80, 0.90, 2),
        "build_lead_months": lead_months,
        "opex_usd_per_kw_month": round(dice.between(300.0, 650.0, -1) / 12.0, 1),
        "opening_cost_usd": dice.between(5e6, 25e6, -6),
    }
    if dice.chance(0.15):
        return terms | {"shell_rent_usd_per_kw_month": dice.between(110.0, 145.0, 0)}
    return terms | {
        "shell_capex_usd_per_kw": dice.between(8_500.0, 13_500.0, -2),
        "shell_residual": dice.pick((0.2, 0.3, 0.4)),
    }


def _site_row(site: Site, groups: dict[str, str], fabrics: dict[str, str], calendar: Calendar) -> Row:
    halls = site.halls
    row: Row = {
        "site_id": site.site_id,
        "name": f"{site.region.name} campus {site.site_id[1:]}",
        "region": site.region.name,
        "critical_it_mw": halls.critical_it_mw,
        "existing_it_mw": halls.existing_it_mw,
        "liquid_cooled_it_mw": halls.liquid_it_mw,
        "max_rack_kw": halls.max_rack_kw,
        "ready_month": calendar.written(halls.first_month),
        "build_mw_per_quarter": halls.build_mw_per_quarter,
        "site_group": groups.get(site.site_id, ""),
        "fabric_group": fabrics.get(site.site_id, ""),
        **site.terms,
    }
    if halls.max_cluster_gpus is not None:
        row["max_cluster_gpus"] = halls.max_cluster_gpus
    return row


def _mining_row(site: Site, dice: Dice, calendar: Calendar) -> Row:
    return {
        "site_id": site.site_id,
        "utility_mw": site.mining_utility_mw,
        "joules_per_th": dice.pick((15.0, 17.5, 20.0, 25.0)),
        "uptime": 0.95,
        "opex_usd_per_mwh": dice.between(5.0, 12.0, 1),
        "hashprice_curve": "hashprice",
        "convertible_fraction": dice.pick((0.2, 0.3, 0.5, 0.7)),
        "resale_usd_per_kw": dice.between(50.0, 150.0, -1),
        "earliest_stop": calendar.written(dice.pick((0, 3, 6))),
    }


def _fleet_row(site: Site, sku: Sku, dice: Dice, calendar: Calendar) -> Row:
    return {
        "site_id": site.site_id,
        "gpu_id": sku.gpu_id,
        "gpus": site.fleet_gpus,
        "bought": calendar.written(-dice.pick((9, 12, 15, 18))),
        "tax_basis_usd_per_gpu": dice.between(5_000.0, 15_000.0, -2),
    }


def _pairs(sites: list[Site]) -> int:
    """Pairs that hold a tenth of the sites, at least one."""
    return max(1, round(_GROUP_SHARE * len(sites) / 2))


def _substation_pairs(sites: list[Site], dice: Dice) -> dict[str, str]:
    """Group by site: pairs behind one substation."""
    grouped = dice.some(sites, 2 * _pairs(sites))
    return {site.site_id: f"G{place // 2 + 1:03d}" for place, site in enumerate(grouped)}


def _site_group_rows(sites: list[Site], groups: dict[str, str]) -> list[Row]:
    """Limits that take any one member at its full build-out, but not both."""
    rows: list[Row] = []
    for group in sorted(set(groups.values())):
        members = [site.guaranteed_mw for site in sites if groups.get(site.site_id) == group]
        limit = max(math.ceil(0.75 * sum(members)), *members, 0.0)
        rows.append({"site_group": group, "max_contracted_mw": float(limit)})
    return rows


def _fibre_pairs(sites: list[Site], dice: Dice) -> dict[str, str]:
    """Fabric group by site: pairs of one region that fibre can link."""
    near = sorted(dice.some(sites, len(sites)), key=lambda site: site.region.name)
    couples = [pair for pair in zip(near[::2], near[1::2], strict=False) if pair[0].region is pair[1].region]
    chosen = dice.some(couples, _pairs(sites))
    return {site.site_id: f"F{place + 1:03d}" for place, pair in enumerate(chosen) for site in pair}


def _fibre_rows(fabrics: dict[str, str], dice: Dice) -> list[Row]:
    """The cost of the fibre between the two members of each fabric group."""
    members: dict[str, list[str]] = {}
    for site_id, fabric in fabrics.items():
        members.setdefault(fabric, []).append(site_id)
    return [
        {"site_id": one, "other_site_id": other, "fibre_capex_usd": dice.between(5e6, 40e6, -6)}
        for one, other in members.values()
    ]

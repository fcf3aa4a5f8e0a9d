"""Leases of a generated case: who wants what, from when, at which rate, each holdable by one site."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from planner.case.calendar import Calendar
from planner.case.made_up.dice import Dice, Row
from planner.case.made_up.sites import Campuses, Site
from planner.case.made_up.skus import Sku

DEMAND_OVER_CAPACITY = 1.5
_MOST_OF_A_SITE = 0.95
_LEAST_IT_MW = 1.0  # a site with less is no host: a rack of the largest SKU must fit
_LAST_START = 0.75  # of the horizon
_TERM_FACTOR = {24: 1.08, 36: 1.0, 48: 0.96, 60: 0.93}
_RATINGS = ("AAA", "AA", "A", "BBB", "BB", "B")


@dataclass(frozen=True)
class Wish:
    """What a lease wants before its size is settled: `host` is a site that can hold up to `most_it_mw` at its start.

    `sku` is None for hosting.
    """

    lease_id: str
    host: Site
    start: int
    sku: Sku | None
    single_fabric: bool
    most_it_mw: float


@dataclass(frozen=True)
class Cluster:
    """A GPU lease with its size settled: `gpus` of its first SKU, `size` in GPUs or, `by_mw`, in MW of critical IT."""

    wish: Wish
    sku: Sku
    gpus: int
    size: float
    by_mw: bool
    term_months: int

    @property
    def step(self) -> float:
        """Smallest part of its size that a term may name."""
        return 0.001 if self.by_mw else 1.0


@dataclass(frozen=True)
class Demand:
    """Rows of the tables of leases, what they ask for in MW of critical IT, and (first SKU, GPUs, start) of each
    cluster."""

    rows: dict[str, list[Row]]
    it_mw: float
    needs: list[tuple[str, int, int]]


def draw_demand(count: int, campuses: Campuses, skus: tuple[Sku, ...], dice: Dice, calendar: Calendar) -> Demand:
    """`count` leases that together ask for about 1.5 times what the sites hold, as far as single sites allow."""
    width = max(3, len(str(count)))
    wishes = [_draw_wish(f"L{number + 1:0{width}d}", campuses, skus, dice, calendar) for number in range(count)]
    sizes = _sizes(wishes, DEMAND_OVER_CAPACITY * campuses.capacity_it_mw, dice)
    customers = _customer_rows(max(1, round(count / 3)), dice)
    rows: dict[str, list[Row]] = {
        "customers": customers, "leases": [], "lease_ramp": [], "lease_rates": [], "links": []
    }
    needs: list[tuple[str, int, int]] = []
    for wish, it_mw in zip(wishes, sizes, strict=True):
        customer = str(dice.pick(customers)["customer_id"])
        if wish.sku is None:
            lease = _hosting_row(wish, math.floor(it_mw * 10.0) / 10.0, customer, dice, calendar)
        else:
            cluster = _draw_cluster(wish, wish.sku, it_mw, dice)
            needs.append((cluster.sku.gpu_id, cluster.gpus, wish.start))
            lease = _gpu_row(cluster, customer, dice, calendar)
            rows["lease_rates"] += _rate_rows(cluster, skus, dice)
        rows["leases"].append(lease | _place_terms(wish, campuses, dice))
        rows["lease_ramp"] += _ramp_rows(wish, dice)
        rows["links"] += _network_rows(wish, campuses, dice)
    return Demand(rows, float(sizes.sum()), needs)


def _draw_wish(lease_id: str, campuses: Campuses, skus: tuple[Sku, ...], dice: Dice, calendar: Calendar) -> Wish:
    """A start, a product and a site that can hold it, larger sites more often."""
    starts = calendar.quarter_starts
    held = np.where(campuses.it_mw >= _LEAST_IT_MW, campuses.it_mw, 0.0).sum(axis=0)
    # Late starts are likelier, as there is more to hold them, but less than in proportion.
    chances = np.where(starts <= _LAST_START * calendar.horizon, np.sqrt(held), 0.0)
    place = dice.pick(range(len(starts)), chances.tolist())
    start = int(starts[place])
    hosting = dice.chance(0.15)
    fabric = not hosting and dice.chance(0.20)
    if hosting:
        host, most = _host(
            campuses, np.where(campuses.it_mw[:, place] >= _LEAST_IT_MW, campuses.it_mw[:, place], 0.0), dice
        )
        return Wish(lease_id, host, start, None, False, most)
    fitting = [sku for sku in skus if sku.first_month <= start and _holders(campuses, sku, place).any()]
    sku = dice.pick(fitting, [3.0 if sku.cooling == "liquid" else 2.0 for sku in fitting])
    host, most = _host(campuses, _holders(campuses, sku, place), dice)
    if fabric and host.halls.max_cluster_gpus is not None:
        most = min(most, host.halls.max_cluster_gpus * sku.it_kw / 1000.0)
    return Wish(lease_id, host, start, sku, fabric, most)


def _holders(campuses: Campuses, sku: Sku, place: int) -> npt.NDArray[np.float64]:
    """MW of the SKU that each site holds in a quarter, shape (sites,); 0 where its racks do not fit."""
    it_mw = campuses.it_mw if sku.cooling == "air" else campuses.liquid_it_mw
    fits = np.array([site.takes(sku) for site in campuses.sites])
    return np.where(fits & (it_mw[:, place] >= _LEAST_IT_MW), it_mw[:, place], 0.0)


def _host(campuses: Campuses, it_mw: npt.NDArray[np.float64], dice: Dice) -> tuple[Site, float]:
    """A site in proportion to the MW that it holds, with the most that one lease may ask of it."""
    place = dice.pick(range(len(it_mw)), it_mw.tolist())
    return campuses.sites[place], float(it_mw[place]) * _MOST_OF_A_SITE


def _sizes(wishes: list[Wish], target_it_mw: float, dice: Dice) -> npt.NDArray[np.float64]:
    """MW of each lease: a share of the most that its host holds, all moved alike so that they sum to the target.

    Where even the most of every lease stays below the target, each asks for nearly that.
    """
    most = np.array([wish.most_it_mw for wish in wishes])
    drawn = most * dice.generator.uniform(0.4, 0.9, len(wishes))
    if drawn.sum() >= target_it_mw:
        return np.asarray(drawn * (target_it_mw / drawn.sum()))
    room = most - drawn
    return np.asarray(drawn + room * min(1.0, (target_it_mw - drawn.sum()) / room.sum()))


def _common(wish: Wish, customer: str, term: int, dice: Dice, calendar: Calendar) -> Row:
    """Terms that leases of both kinds have."""
    row: Row = {
        "lease_id": wish.lease_id,
        "customer_id": customer,
        "start": calendar.written(wish.start),
        "term_months": term,
        "term_from": "delivery" if dice.chance(0.3) else "calendar",
        "take_or_pay": dice.pick((1.0, 0.95, 0.9)),
        "late_penalty": dice.pick((0.0, 0.05, 0.1)),
    }
    if dice.chance(0.4):
        row["late_grace_months"] = dice.pick((6, 9, 12))
    if dice.chance(0.2):
        row["sla_credit"] = dice.pick((0.1, 0.15, 0.25))
    return row


def _hosting_row(wish: Wish, it_mw: float, customer: str, dice: Dice, calendar: Calendar) -> Row:
    """A powered hall for a tenant who brings the GPUs; most tenants pay the energy."""
    it_mw = max(0.1, it_mw)
    tenant_pays = dice.chance(0.8)
    row = _common(wish, customer, dice.pick((60, 120, 144, 180)), dice, calendar) | {
        "kind": "hosting",
        "size_unit": "it_mw",
        "max_size": it_mw,
        "usd_per_kw_month": dice.between(110.0, 165.0, 1) + (0.0 if tenant_pays else 50.0),
        "energy_by": "tenant" if tenant_pays else "landlord",
        "escalator": dice.pick((0.0, 0.02, 0.025, 0.03)),
    }
    return row | _size_terms(it_mw, 0.1, dice)


def _draw_cluster(wish: Wish, sku: Sku, it_mw: float, dice: Dice) -> Cluster:
    """A cluster of whole nodes or racks of its first SKU; one in five is sized in MW of any SKU that it accepts."""
    gpus = sku.gpus_in(it_mw)
    by_mw = dice.chance(0.2)
    size = math.floor(gpus * sku.it_kw) / 1000.0 if by_mw else float(gpus)
    return Cluster(wish, sku, gpus, size, by_mw, dice.pick(tuple(_TERM_FACTOR), (2, 4, 2, 2)))


def _gpu_row(cluster: Cluster, customer: str, dice: Dice, calendar: Calendar) -> Row:
    """The lease of a cluster; some are prepaid, some can be ended, some may go on."""
    row = _common(cluster.wish, customer, cluster.term_months, dice, calendar) | {
        "kind": "gpu",
        "size_unit": "it_mw" if cluster.by_mw else "gpus",
        "max_size": cluster.size,
        "billing_hours": "730" if dice.chance(0.2) else "actual",
        "utilisation": dice.pick((1.0, 0.97, 0.95, 0.9)),
        "single_fabric": cluster.wish.single_fabric,
    }
    if dice.chance(0.10):
        row["prepay_fraction"] = dice.pick((0.15, 0.2, 0.25))
    if dice.chance(0.15):
        row |= {
            "notice_months": 3, "notice_from_month": dice.pick((3, 6, 12)), "notice_margin": dice.pick((0.1, 0.15, 0.2))
        }
    if dice.chance(0.4):
        row |= {
            "renewal_term_months": dice.pick((12, 24)),
            "renewal_probability": dice.pick((0.3, 0.5, 0.7)),
            "renewal_rate_share": dice.pick((0.7, 0.8, 0.9)),
        }
    return row | _size_terms(cluster.size, cluster.step, dice, one_cluster=cluster.wish.single_fabric)


def _size_terms(size: float, step: float, dice: Dice, *, one_cluster: bool = False) -> Row:
    """A quarter of leases all-or-nothing, a quarter with a least size; some with a least size on any site.

    Who asks for one cluster on one fabric has a job of that size: half take all or nothing, half a large part of it.
    """
    draw = dice.between(0.0, 1.0, 6) * (0.5 if one_cluster else 1.0)
    terms: Row = {}
    if draw < 0.25:
        terms["all_or_nothing"] = True
    elif draw < 0.5:
        terms["min_size"] = _rounded_down(size * dice.pick((0.3, 0.5, 0.7)), step)
    if dice.chance(0.3):
        terms["min_block"] = _rounded_down(size * dice.pick((0.1, 0.2, 0.25)), step)
    return terms


def _rounded_down(size: float, step: float) -> float:
    return round(math.floor(size / step + 1e-9) * step, 3)


def _place_terms(wish: Wish, campuses: Campuses, dice: Dice) -> Row:
    """Some leases ask for regions, sites or clean power; the host always qualifies."""
    terms: Row = {}
    draw = dice.between(0.0, 1.0, 6)
    if draw < 0.30:
        names = sorted({site.region.name for site in campuses.sites} - {wish.host.region.name})
        terms["regions"] = ";".join([wish.host.region.name, *dice.some(names, dice.whole(0, 2))])
    elif draw < 0.40:
        names = [site.site_id for site in campuses.sites if site is not wish.host]
        terms["sites"] = ";".join([wish.host.site_id, *dice.some(names, dice.whole(1, 3))])
    if dice.chance(0.10):
        dirtiest = max(phase.co2_kg_per_mwh for phase in wish.host.phases)
        terms["max_co2_kg_per_mwh"] = 50.0 * math.ceil(dirtiest / 50.0)
    return terms


def _rate_rows(cluster: Cluster, skus: tuple[Sku, ...], dice: Dice) -> list[Row]:
    """Rates of one to three SKUs, in one tier or in two of which the second pays less."""
    first = cluster.sku
    like = [
        sku
        for sku in skus
        if sku is not first
        and sku.first_month <= cluster.wish.start
        and 0.5 <= sku.performance / first.performance <= 2.0
    ]
    two_tiers = dice.chance(0.25)
    rows: list[Row] = []
    for sku in [first, *dice.some(like, dice.pick((0, 1, 2), (5, 3, 2)))]:
        rate = dice.between(sku.low_rate, sku.high_rate, 2) * _TERM_FACTOR[cluster.term_months]
        row: Row = {"lease_id": cluster.wish.lease_id, "gpu_id": sku.gpu_id}
        if not cluster.by_mw:
            row["gpus_per_unit"] = round(first.performance / sku.performance, 3)
        rows.append(row | {"tier": 1, "usd_per_gpu_hour": round(rate, 2)})
        if two_tiers:
            rows[-1]["max_units"] = _rounded_down(cluster.size * 0.6, cluster.step)
            rows.append(row | {"tier": 2, "usd_per_gpu_hour": round(rate * 0.9, 2)})
    return rows


def _ramp_rows(wish: Wish, dice: Dice) -> list[Row]:
    """Some leases start in two quarterly steps, some with a quarter at half the rate."""
    draw = dice.between(0.0, 1.0, 6)
    if draw < 0.10:
        shares = [(month, 0.34 if month < 3 else 0.67, 1.0) for month in range(6)]
    elif draw < 0.15:
        shares = [(month, 1.0, 0.5) for month in range(3)]
    else:
        return []
    return [
        {"lease_id": wish.lease_id, "month_of_term": month, "size_share": size, "rate_share": rate}
        for month, size, rate in shares
    ]


def _network_rows(wish: Wish, campuses: Campuses, dice: Dice) -> list[Row]:
    """Some leases pay for the network to a site, or cannot stand on one."""
    if wish.sku is None or not dice.chance(0.2):
        return []
    others = [site for site in campuses.sites if site is not wish.host]
    rows: list[Row] = [
        {"site_id": site.site_id, "lease_id": wish.lease_id, "network_usd_per_gpu_hour": dice.between(0.02, 0.08, 2)}
        for site in [wish.host, *dice.some(others, 2)]
    ]
    if len(rows) == 3 and dice.chance(0.3):
        rows[-1] = {"site_id": rows[-1]["site_id"], "lease_id": wish.lease_id, "allowed": False}
    return rows


def _customer_rows(count: int, dice: Dice) -> list[Row]:
    """Customers of mixed credit; some of the weaker are backed by the first of the strong, some are capped."""
    width = max(3, len(str(count)))
    rows: list[Row] = []
    for number in range(count):
        rating = dice.pick(_RATINGS, (1, 2, 3, 3, 2, 2))
        rows.append(
            {
                "customer_id": f"C{number + 1:0{width}d}",
                "name": f"Customer {number + 1}",
                "rating": rating,
                "recovery": dice.pick((0.2, 0.3, 0.4)),
            }
        )
    strong = [row for row in rows if row["rating"] in ("AAA", "AA")]
    for row in rows:
        if row["rating"] in ("BB", "B") and strong and dice.chance(0.5):
            row["guarantor"] = strong[0]["customer_id"]
        if count >= 5 and dice.chance(0.15):
            row["max_revenue_share"] = dice.pick((0.3, 0.4))
    return rows

"""Where, on what and when each lease could be served: one row per lease, rate, site, power path and start."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from planner.arrays import Floats, Ints
from planner.candidates.columns import Columns, stacked
from planner.candidates.firmness import accepted, on_its_part
from planner.candidates.gpu_places import places
from planner.candidates.outlook import Outlook
from planner.candidates.power_paths import powered
from planner.candidates.tranches import part_shares
from planner.case.table_arrays import NO_ROW


def lease_windows(outlook: Outlook) -> Columns:
    """Windows in which each lease, or each tranche of it, could be served: its term, or begun late at a step within its
    grace.

    Columns lease, tranche, due (month of its start), term_start, from_month, to_month.
    A calendar lease ends on its date however late it began; one whose term runs from delivery keeps its length.
    """
    leases, rows = outlook.tables["leases"], outlook.lease_parts
    late = rows.with_each(step=outlook.steps)
    late = late.take(
        (late["step"] > late["due"]) & (late["step"] <= late["due"] + late["grace"]) & (late["due"] >= 0)
    )
    windows = stacked([rows.having(step=rows["due"]), late])
    lease, step = windows["lease"], windows["step"]
    term_start = np.where((leases.texts("term_from") == "delivery")[lease], step, windows["due"])
    end = np.minimum(term_start + leases.ints("term_months")[lease], outlook.last_month)
    windows = windows.only("lease", "tranche", "due").having(
        term_start=term_start, from_month=np.maximum(step, 0), to_month=end
    )
    # Nothing can be begun after the horizon.
    return windows.take((windows["from_month"] < windows["to_month"]) & (windows["from_month"] < outlook.horizon))


def delivered_shares(outlook: Outlook) -> Floats:
    """Share of the size of each lease whose term has months in the case and begins within the horizon, (leases,): what
    of its sizes counts."""
    of = outlook.tables["lease_tranches"].rows_of("lease_id")
    live = np.isin(np.arange(len(of)), lease_windows(outlook)["tranche"])
    found = np.ones(len(outlook.tables["leases"]))
    cut = np.unique(of[~live])
    share = part_shares(outlook.tables, np.arange(len(of)))
    found[cut] = np.bincount(of[live], weights=share[live], minlength=len(found))[cut]
    return found


def site_rules(outlook: Outlook) -> Columns:
    """All pairs of lease and site with what the lease says of the site: columns lease, site, in_region, listed, linked,
    network_usd_per_gpu_hour."""
    leases, sites, links = (outlook.tables[name] for name in ("leases", "sites", "links"))
    regions, listed = ([split(cell) for cell in leases.texts(name)] for name in ("regions", "sites"))
    pairs = Columns(lease=np.arange(len(leases))).with_each(site=np.arange(len(sites)))
    region, name = sites.texts("region"), sites.texts("site_id")
    shape = (len(leases), len(sites))
    in_region = np.array([not names or each in names for names in regions for each in region], dtype=bool)
    among = np.array([not names or each in names for names in listed for each in name], dtype=bool)
    linked, network = np.ones(shape, dtype=bool), np.zeros(shape)
    rows = np.flatnonzero(links.rows_of("lease_id") != NO_ROW)
    at = (links.rows_of("lease_id")[rows], links.rows_of("site_id")[rows])
    linked[at], network[at] = links.flags("allowed")[rows], links.floats("network_usd_per_gpu_hour")[rows]
    return pairs.having(
        in_region=in_region, listed=among, linked=linked.reshape(-1), network_usd_per_gpu_hour=network.reshape(-1)
    )


def allowed_sites(outlook: Outlook) -> Columns:
    """Pairs of lease and site that region, list of sites and links allow, with the cost of the network."""
    pairs = site_rules(outlook)
    return pairs.take(
        pairs["in_region"] & pairs["listed"] & pairs["linked"]
    ).only("lease", "site", "network_usd_per_gpu_hour")


def split(names: str) -> set[str]:
    """The names of a list cell."""
    return {name.strip() for name in names.split(";") if name.strip()}


def units_per_gpu(outlook: Outlook) -> Floats:
    """Units of its lease's size that one GPU makes, for each row of `lease_rates`, (rates,).

    A blank `gpus_per_unit` is 1000 / it_kw for a lease in MW. For one in GPUs a unit is one GPU of the strongest SKU
    that
    it accepts: that SKU's performance over the other's.
    """
    rates, leases, gpus = (outlook.tables[name] for name in ("lease_rates", "leases", "gpus"))
    lease, gpu = rates.rows_of("lease_id"), rates.rows_of("gpu_id")
    performance = gpus.floats("performance")[gpu]
    strongest = np.full(len(leases), -np.inf)
    np.maximum.at(strongest, lease, performance)
    usual = np.where(
        (leases.texts("size_unit") == "it_mw")[lease], 1000.0 / gpus.floats("it_kw")[gpu],
        strongest[lease] / performance,
    )
    stated = rates.floats("gpus_per_unit")
    return 1.0 / np.where(np.isnan(stated), usual, stated)


def clean(outlook: Outlook, offers: Columns) -> npt.NDArray[np.bool_]:
    """Whether the power of each offer is as clean as its lease asks, from lease and the path's co2_kg_per_mwh."""
    most = outlook.tables["leases"].floats("max_co2_kg_per_mwh")[offers["lease"]]
    found: npt.NDArray[np.bool_] = np.isnan(most) | (offers["co2_kg_per_mwh"] <= most)
    return found


def lease_offers(outlook: Outlook, paths: Columns, *, only: Ints | None = None) -> Columns:
    """Every way to serve every lease that power, place and date allow.

    One row per lease, SKU and tier (NO_ROW and 0 for hosting), site, power path and start: columns lease, site, gpu,
    tier, network_usd_per_gpu_hour, rate_usd ($ per GPU-hour, or per MW-month), it_mw (per GPU, or 1), units of the
    lease's size per unit of the candidate, and those of windows and paths. only: leases, all by default.
    """
    offers = powered_offers(outlook, placed_leases(outlook, only=only), paths)
    ranks = {name: name_ranks(outlook, table, column)[offers[name]] for name, table, column in _NAMED}
    order = np.lexsort(
        [
            offers["interruptible"], offers["then"], offers["head"], offers["from_month"], offers["tier"],
            ranks["gpu"], ranks["site"], ranks["lease"],
        ]
    )
    return offers.take(order)


def placed_leases(outlook: Outlook, *, only: Ints | None = None) -> Columns:
    """Every SKU and tier on which each lease could stand at each site, and the halls of hosting: the columns of
    `lease_offers` but those of windows and paths."""
    leases, rates, gpus = (outlook.tables[name] for name in ("leases", "lease_rates", "gpus"))
    allowed, hosting = allowed_sites(outlook), leases.texts("kind") == "hosting"
    if only is not None:
        allowed = allowed.take(np.isin(allowed["lease"], only))
    gpu = rates.rows_of("gpu_id")
    rated = Columns(
        lease=rates.rows_of("lease_id"), gpu=gpu, tier=rates.ints("tier"), rate_usd=rates.floats("usd_per_gpu_hour"),
        it_mw=gpus.floats("it_kw")[gpu] / 1000.0, units=units_per_gpu(outlook),
    )
    rated = rated.take((rated["lease"] != NO_ROW) & ~hosting[rated["lease"]])
    clusters = rated.joined(allowed, "lease").joined(places(outlook), ("site", "gpu"))
    halls = allowed.take(hosting[allowed["lease"]])
    rate = leases.floats("usd_per_kw_month")[halls["lease"]] * 1000.0
    halls = halls.having(gpu=np.full(len(halls), NO_ROW), tier=0, rate_usd=rate, it_mw=1.0, units=1.0)
    return stacked([clusters, halls.only(*clusters.names)])


def powered_offers(outlook: Outlook, placed: Columns, paths: Columns) -> Columns:
    """Leases at sites (columns lease, site, and others that are kept) with every window and every path that has power
    throughout it, as clean as the lease asks and on the part of it that the lease accepts."""
    offers = placed.joined(lease_windows(outlook), "lease").joined(paths, "site")
    offers = on_its_part(outlook, offers.take(powered(offers)))
    return offers.take(clean(outlook, offers) & accepted(outlook, offers))


_NAMED = (("lease", "leases", "lease_id"), ("site", "sites", "site_id"), ("gpu", "gpus", "gpu_id"))


def name_ranks(outlook: Outlook, table: str, column: str) -> npt.NDArray[np.int64]:
    """Rank of each row of a table by its name, and -1 for NO_ROW at the end: offers come in the order of names."""
    names = outlook.tables[table].texts(column)
    order = sorted(range(len(names)), key=names.__getitem__)
    ranks = np.full(len(names) + 1, -1, dtype=np.int64)
    ranks[order] = np.arange(len(names))
    return ranks

"""`accept`: a lease taken, 0/1, on one fabric where it must be; `block`, a site among those it stands on;
`fabric`: a fibre link between campuses; and the limits on a lease's volume."""

from __future__ import annotations

import numpy as np
import pandas as pd

from kernels.lines import Line
from kernels.terms import Term, WindowTerm
from planner.candidates.lease_offers import lease_windows
from planner.candidates.outlook import Ints, Outlook
from planner.candidates.resources import Family
from planner.candidates.workshop import Workshop, joined


def add_accepting(shop: Workshop) -> None:
    """Volumes, tiers, all-or-nothing, least sizes, blocks and fabrics of all leases."""
    served = _served(shop)
    _refuse_unserved(shop, served)
    if served.empty:
        return
    links = _add_fabrics(shop)
    leases = shop.outlook.case.tables["leases"].set_index("lease_id", drop=False)
    fabrics = _fabrics(shop.outlook, links)
    options = _options(leases, served, fabrics)
    accepts = _add_accepts(shop, options)
    _volumes(shop, leases, served, accepts)
    _tiers(shop, served)
    _add_blocks(shop, leases, served)
    _stand_on_fabric(shop, leases, served, accepts, fabrics)
    _fleet_serves(shop, served)


def _served(shop: Workshop) -> pd.DataFrame:
    tables = [block.table.assign(number=block.numbers) for block in shop.of_kind("serve", "host")]
    if not tables:
        return pd.DataFrame()
    served = pd.concat(tables, ignore_index=True)
    leases = shop.outlook.case.tables["leases"].set_index("lease_id")
    size = served["lease_id"].map(leases["max_size"]).to_numpy(np.float64)
    return served.assign(units=size / served["upper"].to_numpy(np.float64))


def _least(lease: pd.Series) -> float:
    return float(lease["max_size"] if lease["all_or_nothing"] else lease["min_size"])


# --- fabrics -----------------------------------------------------------------------------------------------------


def _add_fabrics(shop: Workshop) -> dict[str, int]:
    """A link for each fabric group whose pairs of sites may all be linked; its number by group."""
    tables = shop.outlook.case.tables
    sites = tables["sites"]
    links = tables["links"]
    between = links[links["other_site_id"] != ""]
    rows = []
    for group, members in sites[sites["fabric_group"] != ""].groupby("fabric_group"):
        inside = between[between["site_id"].isin(members["site_id"]) & between["other_site_id"].isin(members["site_id"])]
        if len(members) > 1 and inside["allowed"].all():
            rows.append((str(group), float(inside["fibre_capex_usd"].sum())))
    if not rows:
        return {}
    frame = pd.DataFrame(
        {
            "candidate_id": ["fabric:" + group for group, _ in rows],
            "site_id": "",
            "unit": "0/1",
            "upper": 1.0,
            "integral": True,
        }
    )
    cost = np.array([cost for _, cost in rows])
    month = np.zeros(len(rows), dtype=np.int64)
    profile = shop.written_off_by("shell", np.full(len(rows), shop.outlook.last_month))
    terms: list[Term] = [shop.lump(Line.CAPEX, -cost, month), shop.schedule(Line.DEPRECIATION, cost, profile, month)]
    block = shop.add("fabric", frame, terms)
    return {group: int(number) for (group, _), number in zip(rows, block.numbers, strict=True)}


FIBRE = "fibre:"
"""Before the name of a group of linked campuses, so that no site is taken for one."""


def _fabrics(outlook: Outlook, links: dict[str, int]) -> pd.DataFrame:
    """Fabrics and the sites on them: each site alone, and each group that can be linked. Columns fabric, site_id, link."""
    sites = outlook.case.tables["sites"]
    alone = pd.DataFrame({"fabric": sites["site_id"], "site_id": sites["site_id"], "link": -1})
    linked = sites[sites["fabric_group"].isin(list(links))]
    groups = pd.DataFrame(
        {
            "fabric": FIBRE + linked["fabric_group"],
            "site_id": linked["site_id"],
            "link": linked["fabric_group"].map(links).fillna(-1).astype(np.int64),
        }
    )
    return pd.concat([alone, groups], ignore_index=True)


# --- taking a lease ----------------------------------------------------------------------------------------------


def _options(leases: pd.DataFrame, served: pd.DataFrame, fabrics: pd.DataFrame) -> pd.DataFrame:
    """One row per decision to take a lease: once, or once per fabric on which it could stand."""
    where = served[["lease_id", "site_id"]].drop_duplicates().merge(fabrics, on="site_id")
    fabric_of = where[["lease_id", "fabric", "link"]].drop_duplicates()
    chosen = leases[leases.index.isin(served["lease_id"].unique())]
    single = chosen["single_fabric"].to_numpy(bool)
    rows = [chosen.loc[single, ["lease_id"]].reset_index(drop=True).merge(fabric_of, on="lease_id")]
    decided = ~single & (chosen["all_or_nothing"].to_numpy(bool) | (chosen["min_size"] > 0).to_numpy())
    rows.append(chosen.loc[decided, ["lease_id"]].reset_index(drop=True).assign(fabric="", link=-1))
    options = pd.concat(rows, ignore_index=True)
    options["customer_id"] = options["lease_id"].map(leases["customer_id"])
    return options


def _add_accepts(shop: Workshop, options: pd.DataFrame) -> pd.DataFrame:
    """The decisions as candidates without cash of their own; returns the options with their numbers."""
    if options.empty:
        return options.assign(number=pd.Series(dtype=np.int64))
    name = options["lease_id"] + options["fabric"].where(options["fabric"] == "", ":" + options["fabric"])
    frame = pd.DataFrame(
        {
            "candidate_id": "accept:" + name,
            "lease_id": options["lease_id"],
            "customer_id": options["customer_id"],
            "unit": "0/1",
            "upper": 1.0,
            "integral": True,
        }
    )
    block = shop.add("accept", frame, [_no_cash(shop, len(frame))])
    options = options.assign(number=block.numbers)
    linked = options[options["link"] >= 0]
    if len(linked):
        resource = shop.book.resources(Family.FABRIC, joined(linked["lease_id"], linked["fabric"]))
        _once(shop, linked["number"], resource, 1.0)
        _once(shop, linked["link"], resource, -1.0)
    fabric = options[options["fabric"] != ""]
    if len(fabric):
        _once(shop, fabric["number"], shop.book.resources(Family.ACCEPTED_ONCE, fabric["lease_id"], 1.0), 1.0)
    return options


def _no_cash(shop: Workshop, count: int) -> WindowTerm:
    return shop.lump(Line.CAPEX, np.zeros(count), np.zeros(count, dtype=np.int64))


def _once(shop: Workshop, numbers: pd.Series, resource: Ints, coefficient: pd.Series | float) -> None:
    """Uses that do not depend on the month."""
    count = np.zeros(len(numbers), dtype=np.int64)
    values = np.broadcast_to(np.asarray(coefficient, dtype=np.float64), len(numbers))
    shop.book.uses.add(numbers.to_numpy(np.int64), resource, values, count, count + 1)


def _volumes(shop: Workshop, leases: pd.DataFrame, served: pd.DataFrame, accepts: pd.DataFrame) -> None:
    """least x accept <= units served <= size x accept; without a decision, units served <= size."""
    decided = set(accepts["lease_id"])
    size, committed = leases["max_size"], leases["committed"].astype(bool)
    least = leases.apply(_least, axis=1)
    free = served[~served["lease_id"].isin(decided)]
    if len(free):
        limit = free["lease_id"].map(size).to_numpy(np.float64)
        _once(shop, free["number"], shop.book.resources(Family.VOLUME, free["lease_id"], limit), free["units"])
    bound = served[served["lease_id"].isin(decided)]
    if len(bound):
        resource = shop.book.resources(Family.VOLUME, bound["lease_id"])
        _once(shop, bound["number"], resource, bound["units"])
        _once(shop, accepts["number"], shop.book.resources(Family.VOLUME, accepts["lease_id"]), -accepts["lease_id"].map(size))
        optional = bound[~bound["lease_id"].map(committed)]
        _once(shop, optional["number"], shop.book.resources(Family.LEAST_VOLUME, optional["lease_id"]), -optional["units"])
        taken = accepts[~accepts["lease_id"].map(committed)]
        _once(shop, taken["number"], shop.book.resources(Family.LEAST_VOLUME, taken["lease_id"]), taken["lease_id"].map(least))
    must = served[served["lease_id"].map(committed) & (served["lease_id"].map(least) > 0)]
    if len(must):
        limit = -must["lease_id"].map(least).to_numpy(np.float64)
        _once(shop, must["number"], shop.book.resources(Family.LEAST_VOLUME, must["lease_id"], limit), -must["units"])


def _refuse_unserved(shop: Workshop, served: pd.DataFrame) -> None:
    """A committed lease that nothing can serve: its least size is asked for all the same, so that no plan is one."""
    leases = shop.outlook.case.tables["leases"].set_index("lease_id", drop=False)
    due = lease_windows(shop.outlook)["lease_id"]
    known = [] if served.empty else served["lease_id"]
    lost = leases[leases["committed"].astype(bool) & leases.index.isin(due) & ~leases.index.isin(known)]
    lost = lost[lost.apply(_least, axis=1) > 0.0] if len(lost) else lost
    if lost.empty:
        return
    frame = pd.DataFrame(
        {
            "candidate_id": "accept:" + lost["lease_id"], "lease_id": lost["lease_id"], "customer_id": lost["customer_id"],
            "unit": "0/1", "upper": 0.0, "integral": True,
        }
    )
    block = shop.add("accept", frame, [_no_cash(shop, len(frame))])
    least = lost.apply(_least, axis=1).to_numpy(np.float64)
    resource = shop.book.resources(Family.LEAST_VOLUME, lost["lease_id"], -least)
    _once(shop, pd.Series(block.numbers), resource, pd.Series(-least))


def _tiers(shop: Workshop, served: pd.DataFrame) -> None:
    """Units served at a rate stay within what is offered at that rate."""
    rates = shop.outlook.case.tables["lease_rates"][["lease_id", "gpu_id", "tier", "max_units"]].dropna()
    tiered = served.merge(rates.astype({"tier": np.int64}), on=["lease_id", "gpu_id", "tier"])
    if len(tiered):
        names = joined(tiered["lease_id"], tiered["gpu_id"], tiered["tier"].astype(str))
        resource = shop.book.resources(Family.TIER, names, tiered["max_units"].to_numpy(np.float64))
        _once(shop, tiered["number"], resource, tiered["units"])


def _add_blocks(shop: Workshop, leases: pd.DataFrame, served: pd.DataFrame) -> None:
    """least block x block <= units of a lease on a site <= size x block."""
    chosen = served[served["lease_id"].map(leases["min_block"]) > 0]
    if chosen.empty:
        return
    pairs = chosen[["lease_id", "site_id", "customer_id"]].drop_duplicates().reset_index(drop=True)
    frame = pairs.assign(candidate_id="block:" + pairs["lease_id"] + ":" + pairs["site_id"], unit="0/1", upper=1.0, integral=True)
    block = shop.add("block", frame, [_no_cash(shop, len(frame))])
    for family, sign, bound in ((Family.BLOCK, 1.0, "max_size"), (Family.LEAST_BLOCK, -1.0, "min_block")):
        resource = shop.book.resources(family, joined(chosen["lease_id"], chosen["site_id"]))
        _once(shop, chosen["number"], resource, sign * chosen["units"])
        resource = shop.book.resources(family, joined(pairs["lease_id"], pairs["site_id"]))
        _once(shop, pd.Series(block.numbers), resource, -sign * pairs["lease_id"].map(leases[bound]))


def _stand_on_fabric(
    shop: Workshop, leases: pd.DataFrame, served: pd.DataFrame, accepts: pd.DataFrame, fabrics: pd.DataFrame
) -> None:
    """Units of a single-fabric lease on a site only on the fabric taken, and within the site's largest cluster."""
    chosen = served[served["lease_id"].map(leases["single_fabric"]).astype(bool)]
    if chosen.empty:
        return
    sites = shop.outlook.case.tables["sites"].set_index("site_id")
    names = joined(chosen["lease_id"], chosen["site_id"])
    _once(shop, chosen["number"], shop.book.resources(Family.ON_FABRIC, names), chosen["units"])
    on_site = accepts[accepts["fabric"] != ""].merge(fabrics[["fabric", "site_id"]], on="fabric")
    on_site = on_site.merge(chosen[["lease_id", "site_id"]].drop_duplicates(), on=["lease_id", "site_id"])
    names = joined(on_site["lease_id"], on_site["site_id"])
    _once(shop, on_site["number"], shop.book.resources(Family.ON_FABRIC, names), -on_site["lease_id"].map(leases["max_size"]))
    cluster = chosen["site_id"].map(sites["max_cluster_gpus"]).astype("float64")
    limited = chosen[cluster.notna() & (chosen["gpu_id"] != "")]
    if len(limited):
        limit = limited["site_id"].map(sites["max_cluster_gpus"]).to_numpy(np.float64)
        resource = shop.book.resources(Family.CLUSTER, joined(limited["lease_id"], limited["site_id"]), limit)
        _once(shop, limited["number"], resource, 1.0)


def placed_name(rows: pd.DataFrame) -> pd.Series:
    """The name of the limit that keeps GPUs of the fleet at the lease that they serve, from lease_id, site_id and gpu_id."""
    return joined(rows["lease_id"], rows["site_id"], rows["gpu_id"])


def _fleet_serves(shop: Workshop, served: pd.DataFrame) -> None:
    """GPUs owned at the start go on serving the lease that they serve."""
    fleet = shop.outlook.case.tables["fleet"]
    fleet = fleet[fleet["lease_id"] != ""]
    if fleet.empty:
        return
    serving = fleet.groupby(["site_id", "gpu_id", "lease_id"], as_index=False)["gpus"].sum()
    rows = served.merge(serving, on=["site_id", "gpu_id", "lease_id"])
    if rows.empty:
        return
    gpus = shop.outlook.case.tables["gpus"].set_index("gpu_id")
    serving["units"] = serving["gpus"] * (1.0 - serving["gpu_id"].map(gpus["spare_fraction"]))
    rows = rows.merge(serving[["site_id", "gpu_id", "lease_id", "units"]], on=["site_id", "gpu_id", "lease_id"], suffixes=("", "_owned"))
    # GPUs beyond the size of the lease are free.
    size = rows["lease_id"].map(shop.outlook.case.tables["leases"].set_index("lease_id")["max_size"])
    together = rows["lease_id"].map(serving.groupby("lease_id")["units"].sum())
    working = (rows["units_owned"] * np.minimum(1.0, size / (together * rows["units"]))).to_numpy(np.float64)
    _once(shop, rows["number"], shop.book.resources(Family.PLACED, placed_name(rows), -np.floor(working)), -1.0)


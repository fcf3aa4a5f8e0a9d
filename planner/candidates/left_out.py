"""Candidates that no plan can use: leases that no site, or no fabric, can hold at their least size.

What a site can hold for a lease is bounded by its halls, its liquid cooling, its power and its largest cluster, at a month
in which all ways to serve the lease there stand in full. Where that is less than the least size (of the lease, or of a
block of it on one site) the decision can only be no, and so can the candidates that need it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from planner.candidates.outlook import Floats, Ints, Outlook
from planner.candidates.power import phase_table
from planner.candidates.refusals.room import hall_room, power_room
from planner.candidates.resources import Family, ResourceBook

SLACK = 1e-6
"""What a bound must fall short of the least size by, as a share of it."""


@dataclass(frozen=True)
class LeftOut:
    """mask: which candidates no plan can use, shape (candidates,); table: kind, count, reason."""

    mask: npt.NDArray[np.bool_]
    table: pd.DataFrame


def leave_out(outlook: Outlook, table: pd.DataFrame, book: ResourceBook) -> LeftOut:
    """Find the candidates that no plan can use."""
    reason = np.full(len(table), "", dtype=object)
    served = _served(outlook, table, book)
    if len(served):
        served = served.merge(_holdable(outlook, table, book, served), on=["lease_id", "site_id"], how="left")
        leases = outlook.case.tables["leases"].set_index("lease_id")
        uses = _block_uses(book)
        _blocks(reason, table, leases, served)
        _accepts(reason, table, leases, served, uses)
        _idle(reason, table, served, uses)
        reason[_demanded(table, book)] = ""
    found = pd.DataFrame({"kind": table["kind"].to_numpy(), "reason": reason})
    counted = found[found["reason"] != ""].groupby(["kind", "reason"]).size().rename("count").reset_index()
    return LeftOut(reason != "", counted[["kind", "count", "reason"]])


def _demanded(table: pd.DataFrame, book: ResourceBook) -> npt.NDArray[np.bool_]:
    """Candidates that some limit asks for: they stay, so that the limit shows that it cannot be kept."""
    uses = book.uses.frame()
    asked = np.asarray(book.limit, dtype=np.float64)[uses["resource"].to_numpy(np.int64)] < 0.0
    found = table["lower"].to_numpy(np.float64) > 0.0
    found[uses["candidate"].to_numpy(np.int64)[asked & (uses["coefficient"] < 0.0).to_numpy()]] = True
    return found


def _served(outlook: Outlook, table: pd.DataFrame, book: ResourceBook) -> pd.DataFrame:
    """Ways to serve leases: number, units per GPU or MW, and the months in which all of it stands."""
    tables = outlook.case.tables
    leases, gpus = tables["leases"].set_index("lease_id"), tables["gpus"].set_index("gpu_id")
    # What must be served stays, so that its limits show that it cannot be; the rent of the tail serves no lease.
    must = {"", *leases.index[leases["committed"].astype(bool)], *tables["fleet"]["lease_id"]}
    served = table[table["kind"].isin(["serve", "host"]) & ~table["lease_id"].isin(must)]
    uses = book.uses.frame()
    volume = np.array([member is Family.VOLUME for member in book.family], dtype=bool)[uses["resource"].to_numpy(np.int64)]
    units = uses[volume].drop_duplicates("candidate").set_index("candidate")["coefficient"]
    cluster = (served["gpu_id"] != "").to_numpy()
    working = 1.0 - served["gpu_id"].map(gpus["spare_fraction"]).fillna(0.0).to_numpy(np.float64)
    ramp = tables["lease_ramp"].groupby("lease_id")["month_of_term"].max()
    ramped = served["lease_id"].map(ramp).fillna(-1).to_numpy(np.int64) + 1
    return pd.DataFrame(
        {
            "number": served.index.to_numpy(np.int64),
            "lease_id": served["lease_id"].to_numpy(),
            "site_id": served["site_id"].to_numpy(),
            "units": units.reindex(served.index).to_numpy(np.float64),
            "cluster": cluster,
            "it_mw": np.where(cluster, served["gpu_id"].map(gpus["it_kw"]).fillna(0.0).to_numpy(np.float64) / 1000.0, 1.0),
            "working": np.where(cluster, working, 1.0),
            "liquid": (served["gpu_id"].map(gpus["cooling"]) == "liquid").to_numpy(),
            # The ramp ends within so many months of the start of the term, which is no later than this start.
            "from_month": served["from_month"].to_numpy(np.int64) + ramped,
            "to_month": served["to_month"].to_numpy(np.int64),
        }
    )


def _holdable(outlook: Outlook, table: pd.DataFrame, book: ResourceBook, served: pd.DataFrame) -> pd.DataFrame:
    """Units of each lease that each site can hold at most: columns lease_id, site_id, most."""
    sites = outlook.case.tables["sites"].set_index("site_id")
    leases = outlook.case.tables["leases"].set_index("lease_id")
    halls, power = _halls_mw(outlook, table, book), _power_it_mw(outlook)
    per_mw = served["units"] / served["it_mw"]
    ways = served.assign(per_mw=per_mw, per_hall_mw=per_mw * served["working"]).groupby(["lease_id", "site_id"], as_index=False)
    places = ways.agg(
        start=("from_month", "max"), end=("to_month", "min"), units=("units", "max"), per_mw=("per_mw", "max"),
        per_hall_mw=("per_hall_mw", "max"), liquid=("liquid", "all"), cluster=("cluster", "all"),
    )
    liquid_mw = places["site_id"].map(sites["liquid_cooled_it_mw"]).astype("float64").where(places["liquid"]).fillna(np.inf)
    most = np.full(len(places), np.inf)
    for at, row in enumerate(places.assign(liquid_mw=liquid_mw).itertuples()):
        if row.start < row.end:
            hall_mw = min(float(halls[row.site_id][row.start : row.end].min()), row.liquid_mw)
            most[at] = min(hall_mw * row.per_hall_mw, float(power[row.site_id][row.start : row.end].min()) * row.per_mw)
    one_cluster = places["cluster"] & places["lease_id"].map(leases["single_fabric"]).astype(bool)
    largest = places["site_id"].map(sites["max_cluster_gpus"]).astype("float64").where(one_cluster).fillna(np.inf)
    places["most"] = np.minimum(most, (largest * places["units"]).to_numpy(np.float64))
    return places[["lease_id", "site_id", "most"]]


def _halls_mw(outlook: Outlook, table: pd.DataFrame, book: ResourceBook) -> dict[str, Floats]:
    """Halls that can be in service at each site at most, by month: of the cohorts as they are after decisions, within the site's limit."""
    shells = table.loc[table["kind"] == "shell", ["candidate_id", "site_id", "from_month", "upper"]].rename(columns={"from_month": "month"})
    ways = shells["candidate_id"].str.rsplit("@", n=1).str[0].str.rsplit(":", n=1).str[-1]
    found = hall_room(shells.assign(way=ways), outlook.case.tables["sites"], outlook)
    for site_id, by_month in found.items():
        limit = book.find(Family.SITE, site_id)
        found[site_id] = by_month if limit is None else np.minimum(by_month, book.limit[limit])
    return found


def _power_it_mw(outlook: Outlook) -> dict[str, Floats]:
    """Critical IT that the phases of each site can carry together, by month."""
    power = phase_table(outlook)
    return {str(site_id): power_room(power[power["site_id"] == site_id], outlook.months) for site_id in outlook.case.tables["sites"]["site_id"]}


def _block_uses(book: ResourceBook) -> pd.DataFrame:
    """Uses of the rows that let a lease stand on a site only where a decision allows it."""
    uses = book.uses.frame()
    family = np.array([member in (Family.BLOCK, Family.ON_FABRIC) for member in book.family], dtype=bool)
    return uses[family[uses["resource"].to_numpy(np.int64)]]


def _blocks(reason: np.ndarray, table: pd.DataFrame, leases: pd.DataFrame, served: pd.DataFrame) -> None:
    most = served.drop_duplicates(["lease_id", "site_id"]).set_index(["lease_id", "site_id"])["most"]
    blocks = table[table["kind"] == "block"]
    least = blocks["lease_id"].map(leases["min_block"]).to_numpy(np.float64)
    keys = pd.MultiIndex.from_arrays([blocks["lease_id"], blocks["site_id"]])
    short = most.reindex(keys).to_numpy(np.float64) < least * (1.0 - SLACK)
    reason[blocks.index.to_numpy()[short]] = "the site cannot hold the least block"


def _accepts(reason: np.ndarray, table: pd.DataFrame, leases: pd.DataFrame, served: pd.DataFrame, uses: pd.DataFrame) -> None:
    """A lease taken, on a fabric or anywhere: all its sites together must hold the least size."""
    places: dict[str, dict[str, float]] = {}
    for row in served.drop_duplicates(["lease_id", "site_id"]).itertuples():
        places.setdefault(str(row.lease_id), {})[str(row.site_id)] = float(row.most)
    least_of = leases["max_size"].where(leases["all_or_nothing"].astype(bool), leases["min_size"]).astype("float64").to_dict()
    site_of = served.set_index("number")["site_id"]
    accepts = table[(table["kind"] == "accept") & table["lease_id"].isin(served["lease_id"])]
    allowed = _allowed_sites(accepts.index.to_numpy(np.int64), uses, site_of)
    for number, lease_id in zip(accepts.index, accepts["lease_id"], strict=True):
        here = allowed.get(number, places[lease_id].keys())
        if sum(most for site_id, most in places[lease_id].items() if site_id in here) < least_of[lease_id] * (1.0 - SLACK):
            reason[number] = "no site or fabric can hold the least size"


def _allowed_sites(accepts: Ints, uses: pd.DataFrame, site_of: pd.Series) -> dict[int, set[str]]:
    """Sites on which a lease may stand, by the number of the decision that allows it; not for decisions without a fabric."""
    by_resource = uses[uses["candidate"].isin(site_of.index)].drop_duplicates("resource")
    site = by_resource.set_index("resource")["candidate"].map(site_of)
    mine = uses[uses["candidate"].isin(accepts)]
    mine = mine.assign(site_id=mine["resource"].map(site)).dropna(subset=["site_id"])
    return {int(number): set(rows["site_id"]) for number, rows in mine.groupby("candidate")}


def _idle(reason: np.ndarray, table: pd.DataFrame, served: pd.DataFrame, uses: pd.DataFrame) -> None:
    """Ways to serve for which every decision that would allow them is left out, and their next terms."""
    gives = uses[uses["coefficient"] < 0.0]
    left = pd.Series(reason[gives["candidate"].to_numpy(np.int64)] != "", dtype=bool).groupby(gives["resource"].to_numpy()).all()
    closed = left.index[left.to_numpy(bool)]
    blocked = uses[(uses["coefficient"] > 0.0) & uses["resource"].isin(closed)]["candidate"].unique()
    accepts = np.flatnonzero((table["kind"] == "accept").to_numpy())
    out = pd.Series(reason[accepts] != "", dtype=bool).groupby(table["lease_id"].to_numpy()[accepts]).all()
    never = out.index[out.to_numpy(bool)]
    hopeless = served["number"][served["lease_id"].isin(never)].to_numpy(np.int64)
    idle = np.union1d(blocked, hopeless).astype(np.int64)
    reason[idle] = "the lease cannot stand there"
    renewed = np.flatnonzero((table["kind"] == "renew").to_numpy() & np.isin(table["parent"].to_numpy(np.int64), idle))
    reason[renewed] = "the lease cannot stand there"

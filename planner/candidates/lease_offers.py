"""Where, on what and when each lease could be served: one row per lease, rate, site, power path and start."""

from __future__ import annotations

import numpy as np
import pandas as pd

from planner.candidates.gpus import places
from planner.candidates.outlook import Outlook
from planner.candidates.power_paths import powered


def lease_windows(outlook: Outlook) -> pd.DataFrame:
    """Windows in which each lease could be served: its term, or begun late at a step within its grace.

    Columns lease_id, due (month of its start), term_start, from_month, to_month.
    A calendar lease ends on its date however late it began; one whose term runs from delivery keeps its length.
    """
    leases = outlook.case.tables["leases"]
    due = leases["start"].map(outlook.calendar.index).to_numpy(np.int64)
    term = leases["term_months"].to_numpy(np.int64)
    frame = pd.DataFrame({"lease_id": leases["lease_id"], "due": due, "term": term})
    frame["grace"] = leases["late_grace_months"].fillna(0).to_numpy(np.int64)
    frame["moves"] = (leases["term_from"] == "delivery").to_numpy()
    late = frame.merge(pd.DataFrame({"step": outlook.steps}), how="cross")
    late = late[(late["step"] > late["due"]) & (late["step"] <= late["due"] + late["grace"]) & (late["due"] >= 0)]
    windows = pd.concat([frame.assign(step=frame["due"]), late], ignore_index=True)
    windows["term_start"] = np.where(windows["moves"], windows["step"], windows["due"])
    windows["from_month"] = windows["step"].clip(lower=0)
    windows["to_month"] = (windows["term_start"] + windows["term"]).clip(upper=outlook.last_month)
    # Nothing can be begun after the horizon.
    windows = windows[(windows["from_month"] < windows["to_month"]) & (windows["from_month"] < outlook.horizon)]
    return windows[["lease_id", "due", "term_start", "from_month", "to_month"]].reset_index(drop=True)


def site_rules(outlook: Outlook) -> pd.DataFrame:
    """All pairs of lease and site with what the lease says of the site: columns in_region, listed, linked, network_usd_per_gpu_hour."""
    tables = outlook.case.tables
    pairs = tables["leases"][["lease_id", "regions", "sites"]].merge(tables["sites"][["site_id", "region"]], how="cross")
    in_region = [not names or region in split(names) for names, region in zip(pairs["regions"], pairs["region"], strict=True)]
    listed = [not names or site in split(names) for names, site in zip(pairs["sites"], pairs["site_id"], strict=True)]
    pairs = pairs.assign(in_region=np.array(in_region, dtype=bool), listed=np.array(listed, dtype=bool))
    links = tables["links"]
    links = links[links["lease_id"] != ""][["site_id", "lease_id", "allowed", "network_usd_per_gpu_hour"]]
    pairs = pairs.merge(links, on=["site_id", "lease_id"], how="left")
    pairs["network_usd_per_gpu_hour"] = pairs["network_usd_per_gpu_hour"].fillna(0.0)
    return pairs.assign(linked=pairs["allowed"].astype("boolean").fillna(True).to_numpy(bool))


def allowed_sites(outlook: Outlook) -> pd.DataFrame:
    """Pairs of lease and site that region, list of sites and links allow, with the cost of the network."""
    pairs = site_rules(outlook)
    allowed = pairs["in_region"] & pairs["listed"] & pairs["linked"]
    return pairs.loc[allowed, ["lease_id", "site_id", "network_usd_per_gpu_hour"]].reset_index(drop=True)


def split(names: str) -> set[str]:
    """The names of a list cell."""
    return {name.strip() for name in names.split(";") if name.strip()}


def units(outlook: Outlook) -> pd.DataFrame:
    """Rows of `lease_rates` with `units_per_gpu`, the units of the lease's size that one GPU makes.

    A blank `gpus_per_unit` is 1000 / it_kw for a lease in MW. For one in GPUs a unit is one GPU of the strongest SKU that
    it accepts: that SKU's performance over the other's.
    """
    tables = outlook.case.tables
    rates = tables["lease_rates"].drop(columns=["source"]).merge(
        tables["leases"][["lease_id", "size_unit"]], on="lease_id"
    )
    gpus = tables["gpus"].set_index("gpu_id")
    performance = rates["gpu_id"].map(gpus["performance"]).to_numpy(np.float64)
    strongest = rates.assign(performance=performance).groupby("lease_id")["performance"].transform("max").to_numpy(np.float64)
    it_kw = rates["gpu_id"].map(gpus["it_kw"]).to_numpy(np.float64)
    usual = np.where((rates["size_unit"] == "it_mw").to_numpy(), 1000.0 / it_kw, strongest / performance)
    stated = rates["gpus_per_unit"].to_numpy(np.float64)
    return rates.assign(units_per_gpu=1.0 / np.where(np.isnan(stated), usual, stated))


def clean(offers: pd.DataFrame) -> pd.Series:
    """Whether the power of each offer is as clean as its lease asks, from max_co2_kg_per_mwh and the path's co2_kg_per_mwh."""
    return offers["max_co2_kg_per_mwh"].isna() | (offers["co2_kg_per_mwh"] <= offers["max_co2_kg_per_mwh"])


def lease_offers(outlook: Outlook, paths: pd.DataFrame) -> pd.DataFrame:
    """Every way to serve every lease that power, place and date allow.

    One row per lease, SKU and tier (none for hosting), site, power path and start, with the columns of the
    tables that it joins and `rate_usd` ($ per GPU-hour, or per MW-month), `it_mw` (per GPU, or 1),
    `units` of the lease's size per unit of the candidate.
    """
    leases = outlook.case.tables["leases"].drop(columns=["source", "sites", "regions"])
    sites = outlook.case.tables["sites"][["site_id", "pue", "load_factor"]]
    kilowatts = places(outlook)[["site_id", "gpu_id", "it_kw"]]
    clusters = leases[leases["kind"] == "gpu"].merge(units(outlook).drop(columns=["size_unit"]), on="lease_id")
    clusters = clusters.merge(allowed_sites(outlook), on="lease_id").merge(kilowatts, on=["site_id", "gpu_id"])
    clusters = clusters.assign(
        rate_usd=clusters["usd_per_gpu_hour"], it_mw=clusters["it_kw"] / 1000.0, units=clusters["units_per_gpu"]
    )
    halls = leases[leases["kind"] == "hosting"].merge(allowed_sites(outlook), on="lease_id")
    halls = halls.assign(
        rate_usd=halls["usd_per_kw_month"] * 1000.0, it_mw=1.0, units=1.0, gpu_id="", tier=0, max_units=np.nan
    )
    columns = [*leases.columns, "site_id", "gpu_id", "tier", "max_units", "network_usd_per_gpu_hour", "rate_usd", "it_mw", "units"]
    kinds = [frame[columns] for frame in (clusters, halls) if len(frame)]
    if not kinds:
        return pd.DataFrame(columns=[*columns, "pue", "load_factor"])
    offers = pd.concat(kinds, ignore_index=True).merge(sites, on="site_id").merge(lease_windows(outlook), on="lease_id")
    offers = offers.merge(paths, on="site_id")
    offers = offers[powered(offers, "from_month", "to_month")]
    order = ["lease_id", "site_id", "gpu_id", "tier", "from_month", "head", "then"]
    return offers[clean(offers)].sort_values(order, kind="stable").reset_index(drop=True)

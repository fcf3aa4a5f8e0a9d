"""What stands and what works by month: contracted power, halls and GPUs, with the limits that they stand under."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from planner.arrays import Floats
from planner.candidates.power_paths import legs_of
from planner.reporting.findings import Findings
from planner.storage.own_tables import no_rows

DUST = 1e-6


@dataclass(frozen=True)
class Power:
    """MW of contracted power by phase and month, each of shape (phases, months); `phases` has site_id, phase and
    kind."""

    phases: pd.DataFrame
    on_offer: Floats
    contracted: Floats
    in_use: Floats


def power_by_month(found: Findings) -> Power:
    """MW guaranteed, contracted and in use of each phase in the months of the horizon."""
    months = found.case.settings.months
    power, held = found.tables["power"].reset_index(drop=True), found.held
    offer, contracted, in_use = (np.zeros((len(power), months)) for _ in range(3))
    ends = held[held["kind"] == "exit"]
    energised = {}
    for at, row in enumerate(power.itertuples()):
        first, last = max(found.index(str(row.energised)), 0), found.index(str(row.to)) + 1
        energised[row.phase] = found.index(str(row.energised))
        offer[at, first:last] = row.guaranteed_mw
        contracted[at, first:last] = row.contracted_mw
        for early in ends[ends["phase"] == row.phase].itertuples():
            contracted[at, max(int(early.from_month), 0) : last] -= early.level
    place = {phase: at for at, phase in enumerate(power["phase"])}
    for phase, first, last, megawatts in _drawn(found, energised):
        in_use[place[phase], max(first, 0) : last] += megawatts
    return Power(power[["site_id", "phase", "kind"]], offer, np.maximum(contracted, 0.0), in_use)


def standing(found: Findings, windows: pd.DataFrame | None = None) -> pd.DataFrame:
    """The windows of the allocation at the size that stands: a lease that ramps up is cut where its size changes.

    windows: those of another allocation of the case, as `Findings.dated` makes them.
    """
    windows, ramps = found.windows if windows is None else windows, found.case.tables["lease_ramp"]
    growing = windows["use"].isin(["serve", "host"]) & windows["lease_id"].isin(ramps["lease_id"])
    if not growing.any():
        return windows
    leases = found.leases.set_index("lease_id")
    shares = {name: rows.sort_values("month_of_term") for name, rows in ramps.groupby("lease_id")}
    tranches = found.case.tables["lease_tranches"]
    after = dict(
        zip(
            zip(tranches["lease_id"], tranches["tranche"], strict=True),
            tranches["starts_after_months"].astype(int).tolist(), strict=True,
        )
    )
    cut = [windows[~growing]]
    for at, row in windows[growing].iterrows():
        lease, ramp = leases.loc[row["lease_id"]], shares[row["lease_id"]]
        later = after.get((row["lease_id"], row["tranche"]), 0)
        due = found.index(str(lease["start"])) + later
        first = int(row["from_month"]) if lease["term_from"] == "delivery" else due
        share = np.ones(int(row["to_month"]) - first)
        inside = ramp["month_of_term"] < len(share)
        share[ramp.loc[inside, "month_of_term"].astype(int)] = ramp.loc[inside, "size_share"]
        share = share[int(row["from_month"]) - first :]
        starts = np.flatnonzero(np.diff(share, prepend=np.nan) != 0.0)
        pieces = pd.DataFrame([row] * len(starts)).astype(windows.dtypes)
        pieces["from_month"] = int(row["from_month"]) + starts
        pieces["to_month"] = int(row["from_month"]) + np.append(starts[1:], len(share))
        for amount in ("gpus", "it_mw"):
            pieces[amount] = row[amount] * share[starts]
        pieces.index = pd.Index([at] * len(starts))
        cut.append(pieces)
    return pd.concat(cut).sort_index(kind="stable")


def _drawn(found: Findings, energised: dict[str, int]) -> list[tuple[str, int, int, float]]:
    """Phase, first month, month after the last and MW of contracted power of each window of the allocation."""
    declared = found.case.tables["power"]
    per_it = dict(zip(declared["source_id"] + ":" + declared["phase"], declared["mw_per_it_mw"], strict=True))
    windows = []
    for row in standing(found).itertuples():
        leading, then = legs_of(str(row.power_path), per_it)
        middle = min(max(energised[then], row.from_month), row.to_month) if then else row.to_month
        parts = ((leading, row.from_month, middle), (then, middle, row.to_month))
        windows += [(phase, first, after, row.it_mw * per_it[phase]) for phase, first, after in parts if first < after]
    return windows


def halls_by_month(found: Findings) -> pd.DataFrame:
    """MW of critical IT by site and month of the horizon: site_id, month, hall_mw in service, work_mw of GPUs and
    tenants."""
    months = found.case.settings.months
    halls: dict[str, Floats] = {}
    work: dict[str, Floats] = {}
    for row in found.held[found.held["kind"].isin(["shell", "close"])].itertuples():
        sign = 1.0 if row.kind == "shell" else -1.0
        halls.setdefault(row.site_id, np.zeros(months))[
            max(row.from_month, 0) : max(row.to_month, 0)
        ] += sign * row.level
    for row in standing(found).itertuples():
        if row.use != "mine":
            work.setdefault(row.site_id, np.zeros(months))[max(row.from_month, 0) : row.to_month] += row.it_mw
    zero = np.zeros(months)
    parts = [
        pd.DataFrame(
            {
                "site_id": site, "month": np.arange(months), "hall_mw": halls.get(site, zero),
                "work_mw": work.get(site, zero),
            }
        )
        for site in found.case.tables["sites"]["site_id"]
        if site in halls or site in work
    ]
    return pd.concat(parts, ignore_index=True) if parts else no_rows(["site_id"], ["month", "hall_mw", "work_mw"])


def gpus_by_month(found: Findings) -> pd.DataFrame:
    """GPUs at work in each month of the horizon by what they are used for: month, use, gpus."""
    months = found.case.settings.months
    counts: dict[str, Floats] = {}
    for row in standing(found).itertuples():
        if row.gpus > DUST:
            counts.setdefault(row.use, np.zeros(months))[max(row.from_month, 0) : row.to_month] += row.gpus
    parts = [pd.DataFrame({"month": np.arange(months), "use": name, "gpus": gpus}) for name, gpus in counts.items()]
    return pd.concat(parts, ignore_index=True) if parts else no_rows(["use"], ["month", "gpus"])


def site_table(found: Findings) -> pd.DataFrame:
    """A row per site of the case: name, region, MW contracted by kind and in all, peak in use, halls, GPUs, capex, NPV.

    capex_usd is positive and undiscounted; npv_usd is the discounted after-tax cash that the statement puts on the
    site.
    """
    sites = found.case.tables["sites"]
    power, held, cash = found.tables["power"], found.held, found.tables["cashflow"]
    discount = dict(zip(found.periods["month"], found.periods["discount"], strict=True))
    unlevered = cash[~cash["line"].isin(["debt_draw", "interest", "repayment", "depreciation"])]
    value = (unlevered["usd"] * unlevered["month"].map(discount)).groupby(unlevered["site_id"]).sum()
    spent = cash[cash["line"].isin(["capex", "opening"])].groupby("site_id")["usd"].sum()
    owned = held[held["kind"].isin(["own", "base"]) & (held["gpu_id"] != "")].groupby("site_id")["level"].sum()
    halls = halls_by_month(found).groupby("site_id")["hall_mw"].max() if len(held) else pd.Series(dtype=float)
    contracted = power.groupby("site_id")["contracted_mw"].sum() if len(power) else pd.Series(dtype=float)
    use = power_by_month(found)
    peak = {
        site: float(use.in_use[rows].sum(axis=0).max(initial=0.0))
        for site, rows in use.phases.groupby("site_id").indices.items()
    } if len(power) else {}
    table = pd.DataFrame({"site_id": sites["site_id"], "name": sites["name"], "region": sites["region"]})
    table["kinds"] = [_kinds(power, site) for site in table["site_id"]]
    for name, values in (
        ("contracted_mw", contracted), ("peak_use_mw", pd.Series(peak, dtype=float)), ("hall_mw", halls),
        ("gpus", owned), ("capex_usd", -spent), ("npv_usd", value),
    ):
        table[name] = table["site_id"].map(values).fillna(0.0).astype(float)
    table["latitude"], table["longitude"] = sites["latitude"].astype(float), sites["longitude"].astype(float)
    return table


def _kinds(power: pd.DataFrame, site: str) -> str:
    here = power[(power["site_id"] == site) & (power["contracted_mw"] > DUST)].groupby("kind")["contracted_mw"].sum()
    return ", ".join(
        f"{kind.replace('_', ' ')} {megawatts:,.0f}" for kind, megawatts in here.sort_values(ascending=False).items()
    )



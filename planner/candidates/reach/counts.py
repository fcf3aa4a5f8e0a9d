"""How many candidates of each kind a case has, and in how many rows they stand: counted from dates, without making
any."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from planner.arrays import Floats, Ints
from planner.candidates.cash_tables import NO_PHASE
from planner.candidates.columns import Columns
from planner.candidates.gpu_places import places
from planner.candidates.lease_offers import allowed_sites
from planner.candidates.outlook import Outlook
from planner.candidates.phases import commit_months, phase_table
from planner.candidates.power_paths import power_paths
from planner.candidates.reach.sample import COUNTED, Sample, sample_of

Mask = npt.NDArray[np.bool_]
QUIET = 0.3
"""Share of the steps that make a row of halls or power where there is no on-demand market."""
AFTER = 0.4
"""Rows of halls or power in a year after the horizon."""


@dataclass(frozen=True)
class Counts:
    """Candidates by kind. served_rows: places in rows of GPUs and of power that all ways to serve take together.

    pools: columns of the pooled on-demand market (place, let, draw; see `formulation.aggregated_market`). fleet_rows,
    hall_rows, phase_rows: rows of GPUs, halls and power by month; gpu_stocks: GPUs of a SKU at a site carried from one
    of them to the next.
    """

    kinds: dict[str, float]
    served_rows: float
    pools: tuple[float, float, float]
    fleet_rows: float
    hall_rows: float
    phase_rows: float
    gpu_stocks: float

    @property
    def candidates(self) -> float:
        """All of them."""
        return sum(self.kinds.values())


def count_candidates(outlook: Outlook, counted: Mapping[str, int] = COUNTED) -> Counts:
    """Count what `build_candidates` would make. Exact up to rare kinds, except in cases larger than `counted` (see
    `sample`)."""
    sample = sample_of(outlook, counted)
    grid = _Grid.of(sample)
    serving, rows = _serving(sample, grid)
    owned, halls = _owned(sample, grid), _halls(sample)
    power, market = _power(sample), _market(sample, grid)
    tables = sample.outlook.case.tables
    firsts = {
        "open": _openings(sample),
        "base": float(len(tables["fleet"]) + (tables["power"]["committed_mw"] > 0).sum()) * sample.sites,
        "mine": float(
            grid.single[tables["sites"]["site_id"].isin(tables["mining"]["site_id"]).to_numpy()].sum()
        ) * sample.sites,
    }
    kinds = {**firsts, **owned, **halls, **power, **serving, "sell": market[0]}
    return Counts(
        {name: number for name, number in kinds.items() if number > 0.0}, rows, market[1], *_monthly(sample, grid)
    )


def _monthly(sample: Sample, grid: _Grid) -> tuple[float, float, float, float]:
    """Rows of GPUs, halls and power by month, and GPUs carried from one to the next.

    On-demand windows make every step a row; without a market only the starts and ends of leases do. After the horizon
    only ends are left.
    """
    outlook = sample.outlook
    years = max((outlook.last_month - outlook.horizon) / 12.0, 0.0)
    busy = 1.0 if len(outlook.case.tables["market"]) else QUIET
    held, steps = float(grid.fits.sum()), float((grid.fits * grid.owned_steps.sum(axis=1)).sum())
    fleet = busy * steps if busy == 1.0 else 3.0 * held
    halls = len(grid.site) * (busy * len(sample.windows[0]) + AFTER * years)
    power = busy * float(grid.single.sum()) + AFTER * years * len(outlook.case.tables["power"])
    gpus = max(fleet + 2.0 * held, held * halls / max(len(grid.site), 1))
    return (fleet + 2.0 * held) * sample.sites, halls * sample.sites, power * sample.sites, gpus * sample.sites


@dataclass(frozen=True)
class _Grid:
    """What stands where and when, over the sites counted.

    fits: (sites, SKUs). owned_steps: steps at which a GPU of a SKU may stand, (SKUs, steps). bought: steps at which one
    may come, (SKUs, steps). single: phases with power throughout each window, (sites, windows). alive: the windows,
    from and to month.
    """

    site: pd.Index
    gpu: pd.Index
    fits: Mask
    owned_steps: Mask
    bought: Mask
    single: Ints
    windows: tuple[Ints, Ints]

    @staticmethod
    def of(sample: Sample) -> _Grid:
        tables = sample.outlook.case.tables
        site, gpu = pd.Index(tables["sites"]["site_id"]), pd.Index(tables["gpus"]["gpu_id"])
        fits = np.zeros((len(site), len(gpu)), dtype=bool)
        placed = places(sample.outlook)
        fits[placed["site"], placed["gpu"]] = True
        bought = _deliveries(sample, gpu)
        life = tables["gpus"]["life_months"].to_numpy(np.int64)
        some = bought.any(axis=1)
        first = np.where(some, sample.steps[bought.argmax(axis=1)], sample.outlook.months)
        last = np.where(some, sample.steps[bought.shape[1] - 1 - bought[:, ::-1].argmax(axis=1)] + life, 0)
        starts, ends = sample.windows
        owned = (starts >= first[:, None]) & (starts < last[:, None])
        power = phase_table(sample.outlook)
        live = (
            starts >= power["energised_month"].to_numpy(np.int64)[:, None]
        ) & (ends <= power["end_month"].to_numpy(np.int64)[:, None])
        single = np.zeros((len(site), len(starts)), dtype=np.int64)
        np.add.at(single, site.get_indexer(power["site_id"]), live)
        return _Grid(site, gpu, fits, owned, bought, single, (starts, ends))


def _deliveries(sample: Sample, gpu: pd.Index) -> Mask:
    """Steps at which a GPU of each SKU can be had, (SKUs, steps)."""
    tables, calendar = sample.outlook.case.tables, sample.outlook.calendar
    had = sample.steps >= tables["gpus"]["order_lead_months"].fillna(0).to_numpy(np.int64)[:, None]
    none = tables["gpu_supply"][(tables["gpu_supply"]["max_gpus"] <= 0).to_numpy(bool)]
    quarter = np.array([calendar.written_quarter(int(month)) for month in sample.steps], dtype=object)
    for name, rows in none.groupby("gpu_id"):
        had[gpu.get_indexer([name])] &= ~np.isin(quarter, rows["quarter"].to_numpy(dtype=object))
    return had


def _owned(sample: Sample, grid: _Grid) -> dict[str, float]:
    """GPUs bought, and their sales before the end of life."""
    life = sample.outlook.case.tables["gpus"]["life_months"].to_numpy(np.int64)
    each = grid.bought.sum(axis=1)
    age = sample.endings[None, :] - sample.steps[:, None]
    sold = np.array(
        [float(((age >= 12) & (age < months))[row].sum()) for months, row in zip(life, grid.bought, strict=True)]
    )
    sites = grid.fits.sum(axis=0) * sample.sites
    fleet = len(sample.outlook.case.tables["fleet"]) * sample.sites * float(np.mean(life) if len(life) else 0.0) / 12.0
    return {"own": float(sites @ each), "retire": float(sites @ sold) + fleet}


def _openings(sample: Sample) -> float:
    """Months in which sites that cost something to open may be opened: those of their phases, and of halls ordered
    before the last."""
    sites, power = sample.outlook.case.tables["sites"], phase_table(sample.outlook)
    signed = pd.DataFrame({"site_id": power["site_id"], "month": commit_months(sample.outlook)}).drop_duplicates()
    by_site = signed.groupby("site_id")["month"].agg(["max", "size"]).reindex(sites["site_id"]).fillna(0)
    latest, phases = by_site["max"].to_numpy(np.int64), by_site["size"].to_numpy(np.float64)
    lead = sites["build_lead_months"].fillna(0).to_numpy(np.int64)
    ordered = sample.steps - lead[:, None]
    halls = ((ordered >= 0) & (ordered < latest[:, None])).sum(axis=1)
    costly = (sites["opening_cost_usd"] > 0).to_numpy(bool)
    return float(np.maximum(phases, halls)[costly].sum()) * sample.sites


def _halls(sample: Sample) -> dict[str, float]:
    """Halls by the step from which they stand, and the years in which they may be given up."""
    sites, calendar = sample.outlook.case.tables["sites"], sample.outlook.calendar
    ready = sites["ready_month"].map(lambda written: calendar.index(written) if written else 0).to_numpy(np.int64)
    first = np.maximum(ready, sites["build_lead_months"].fillna(0).to_numpy(np.int64))
    priced = (sites["shell_capex_usd_per_kw"].notna() | sites["shell_rent_usd_per_kw_month"].notna()).to_numpy()
    new = priced & (sites["critical_it_mw"] > sites["existing_it_mw"]).to_numpy(bool)
    begins = (sample.steps >= first[:, None]) & new[:, None]
    standing = (sites["existing_it_mw"] > 0).to_numpy(bool)
    begins = np.concatenate([begins, _converted(sample, sites)])
    later = len(sample.endings) - np.searchsorted(sample.endings, sample.steps + 12)
    first_later = len(sample.endings) - int(np.searchsorted(sample.endings, 12))
    shells, closings = begins.sum() + standing.sum(), (begins @ later).sum() + standing.sum() * first_later
    return {"shell": float(shells) * sample.sites, "close": float(closings) * sample.sites}


def _converted(sample: Sample, sites: pd.DataFrame) -> Mask:
    """Steps from which converted mining halls may stand, (mining halls, steps)."""
    mining, calendar = sample.outlook.case.tables["mining"], sample.outlook.calendar
    halls = mining[(mining["convertible_fraction"] > 0).to_numpy(bool)].merge(
        sites[["site_id", "conversion_capex_usd_per_kw", "conversion_lead_months"]], on="site_id"
    )
    halls = halls[halls["conversion_capex_usd_per_kw"].notna()]
    stop = halls["earliest_stop"].map(
        lambda written: max(calendar.index(written), 0) if written else 0
    ).astype(np.int64)
    found: Mask = sample.steps >= (
        stop + halls["conversion_lead_months"].fillna(0).astype(np.int64)
    ).to_numpy(np.int64)[:, None]
    return found


def _power(sample: Sample) -> dict[str, float]:
    """Phases, those with a least amount, contracts ended early, and minimum takes not used."""
    power = phase_table(sample.outlook)
    start, end = (power[name].to_numpy(np.int64)[:, None] for name in ("energised_month", "end_month"))
    exits = (sample.endings > start) & (sample.endings < end) & power["exit_fee_usd_per_kw"].notna().to_numpy()[:, None]
    starts, ends = sample.windows
    yearly = np.arange(sample.outlook.horizon, sample.outlook.last_month, 12)
    starts, ends = np.append(starts, yearly), np.append(ends, yearly + 12)
    short = (starts < end) & (ends > start) & (power["min_take"] > 0).to_numpy(bool)[:, None]
    takes = (power["min_mw"] > power["committed_mw"]).to_numpy(bool) & ~power["lumpy"].to_numpy(bool)
    takes = takes + (
        power["step_mw"].notna() & (power["committed_mw"] > 0) & (power["committed_mw"] < power["guaranteed_mw"])
    ).to_numpy(np.int64)
    found = {
        "power": len(power), "take": takes.sum(), "exit": exits.sum() if sample.outlook.tail != "none" else 0,
        "short": short.sum(),
    }
    return {name: float(number) * sample.sites for name, number in found.items()}


def _market(sample: Sample, grid: _Grid) -> tuple[float, tuple[float, float, float]]:
    """Ways to sell on demand, and the columns that they are pooled into: places, tiers, phases."""
    market = sample.outlook.case.tables["market"]
    tiers = market["gpu_id"].value_counts().reindex(grid.gpu).fillna(0).to_numpy(np.float64)
    per_sku = grid.single @ grid.owned_steps.T  # (sites, SKUs): phases over the windows in which the SKU may stand
    sells = float((per_sku * grid.fits * tiers).sum()) * sample.sites
    powered = (grid.single > 0).astype(np.int64)
    place = float(((powered @ grid.owned_steps.T) * grid.fits * (tiers > 0)).sum()) * sample.sites
    let = float((grid.owned_steps.sum(axis=1) * tiers).sum())
    wanted = (grid.fits * (tiers > 0)).any(axis=1)
    return sells, (place, let, float(grid.single[wanted].sum()) * sample.sites if sells else 0.0)


def _serving(sample: Sample, grid: _Grid) -> tuple[dict[str, float], float]:
    """Ways to serve leases, next terms, decisions to accept; and the rows of GPUs and power in which all of those
    stand."""
    leases = sample.outlook.case.tables["leases"]
    if leases.empty:
        return {}, 0.0
    ways = _ways(sample, grid)
    window = _LeaseWindows.of(sample)
    hosting = (leases["kind"] == "hosting").to_numpy()
    paths = power_paths(sample.outlook)
    served, renewed, rows = np.zeros(len(leases)), np.zeros(len(leases)), 0.0
    reached = np.zeros(len(leases))
    for number in range(len(grid.site)):
        own = paths.take(paths["site"] == number)
        if not len(own):
            continue
        fits, again = window.on(own)
        by_window = ways[window.lease, number]
        here = np.bincount(window.lease, weights=fits * by_window, minlength=len(leases))
        served += here
        reached += here > 0.0
        renewed += np.bincount(window.lease, weights=again * by_window, minlength=len(leases))
        rows += float((fits * by_window * window.steps).sum())
    scale = sample.sites * sample.leases
    least = (leases["min_size"] > 0).to_numpy(bool) | leases["all_or_nothing"].to_numpy(bool)
    fabric = leases["single_fabric"].to_numpy(bool)
    blocks = (leases["min_block"] > 0).to_numpy(bool)
    accepts = (least & ~fabric & (served > 0)).sum() * sample.leases + reached[fabric].sum() * scale
    return {
        "serve": served[~hosting].sum() * scale, "host": served[hosting].sum() * scale, "renew": renewed.sum() * scale,
        "accept": float(accepts), "block": reached[blocks].sum() * scale,
    }, 2.0 * rows * scale


def _ways(sample: Sample, grid: _Grid) -> Floats:
    """Rates at which each lease may be served at each site, (leases, sites): of each SKU that fits there, 1 for a
    hall."""
    tables = sample.outlook.case.tables
    lease = pd.Index(tables["leases"]["lease_id"])
    rates = np.zeros((len(lease), len(grid.gpu)))
    row, column = lease.get_indexer(
        tables["lease_rates"]["lease_id"]
    ), grid.gpu.get_indexer(tables["lease_rates"]["gpu_id"])
    known = (row >= 0) & (column >= 0)
    np.add.at(rates, (row[known], column[known]), 1.0)
    found: Floats = rates @ grid.fits.T
    found[(tables["leases"]["kind"] == "hosting").to_numpy()] = 1.0
    pairs = allowed_sites(sample.outlook)
    allowed = np.zeros(found.shape, dtype=bool)
    allowed[pairs["lease"], pairs["site"]] = True
    return found * allowed


@dataclass(frozen=True)
class _LeaseWindows:
    """Windows in which each lease could be served (see `lease_offers.lease_windows`): lease, from and to month, and the
    steps within.

    cleanest: most CO2 that the lease bears, infinite where it does not say. again: length of its next term, 0 for none.
    """

    lease: Ints
    start: Ints
    end: Ints
    steps: Ints
    cleanest: Floats
    again: Ints
    last_month: int

    @staticmethod
    def of(sample: Sample) -> _LeaseWindows:
        outlook, leases = sample.outlook, sample.outlook.case.tables["leases"]
        due = leases["start"].map(outlook.calendar.index).to_numpy(np.int64)
        grace = leases["late_grace_months"].fillna(0).to_numpy(np.int64)
        first = np.searchsorted(sample.steps, due, side="right")
        late = np.where(due >= 0, np.searchsorted(sample.steps, due + grace, side="right") - first, 0)
        lease = np.repeat(np.arange(len(leases)), late + 1)
        turn = np.arange(len(lease)) - np.repeat(np.cumsum(late + 1) - late - 1, late + 1)
        at = np.minimum(first[lease] + turn - 1, len(sample.steps) - 1)
        step = np.where(turn == 0, due[lease], sample.steps[np.maximum(at, 0)])
        moves = (leases["term_from"] == "delivery").to_numpy()
        begun = np.where(moves[lease], step, due[lease])
        start = np.maximum(step, 0)
        end = np.minimum(begun + leases["term_months"].to_numpy(np.int64)[lease], outlook.last_month)
        good = (start < end) & (start < outlook.horizon)
        lease, start, end = lease[good], start[good], end[good]
        within = np.searchsorted(sample.steps, end) - np.searchsorted(sample.steps, start)
        cleanest = leases["max_co2_kg_per_mwh"].fillna(np.inf).to_numpy(np.float64)
        hopeful = (leases["renewal_term_months"] > 0).to_numpy(bool) & (
            leases["renewal_probability"] > 0
        ).to_numpy(bool)
        again = np.where(hopeful, leases["renewal_term_months"].fillna(0).to_numpy(np.int64), 0)
        return _LeaseWindows(
            lease, start, end, np.maximum(within, 1), cleanest[lease], again[lease], outlook.last_month
        )

    def on(self, paths: Columns) -> tuple[Floats, Floats]:
        """Paths of a site that have power throughout each window, and those of them that have it for the next term
        too."""
        head, until, then, after = (paths[name] for name in ("from_head", "end_head", "from_then", "end_then"))
        alone = paths["then"] == NO_PHASE
        start, end = self.start[:, None], self.end[:, None]
        fits = (head <= start) & np.where(alone, until >= end, (then > start) & (then < end) & (after >= end))
        fits &= paths["co2_kg_per_mwh"] <= self.cleanest[:, None]
        term = np.minimum(self.end + self.again, self.last_month)[:, None]
        again = fits & np.where(alone, until, after).__ge__(term) & (
            (self.again > 0) & (self.end < self.last_month)
        )[:, None]
        return fits.sum(axis=1).astype(np.float64), again.sum(axis=1).astype(np.float64)

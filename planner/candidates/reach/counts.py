"""How many candidates of each kind a case has, and in how many rows they stand: the rows of each kind, without what
they are worth and what they use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from planner.arrays import Flags, Floats
from planner.candidates.accepting import accept_options
from planner.candidates.columns import Columns, codes_of, greatest_by, least_by, stacked
from planner.candidates.fabrics import Fabrics
from planner.candidates.firmness import backed_pairs, parts_of_phases
from planner.candidates.gpu_places import deliveries, places
from planner.candidates.gpus import early_sales, fleet_lives
from planner.candidates.hall_cohorts import hall_cohorts
from planner.candidates.halls import closings
from planner.candidates.kinds import Kind
from planner.candidates.lease_offers import placed_leases, powered_offers
from planner.candidates.money_limits import budgeted
from planner.candidates.opening import opening_months
from planner.candidates.outlook import Outlook
from planner.candidates.phase_exits import exit_months
from planner.candidates.phases import to_be_paid
from planner.candidates.power_paths import firm_paths, power_paths, single_paths
from planner.candidates.reach.sample import COUNTED, Sample, sample_of
from planner.candidates.serving import next_terms
from planner.candidates.tail_rent import rented_years
from planner.candidates.unused_take import take_windows
from planner.candidates.waits import NEVER

QUIET = 0.3
"""Share of the steps that make a row of halls or power where there is no on-demand market."""
AFTER = 0.4
"""Rows of halls or power in a year after the horizon."""


@dataclass(frozen=True)
class Counts:
    """Candidates by kind. served_rows: places in rows of GPUs and of power that all ways to serve take together.

    pools: columns of the aggregated on-demand market (place, tier, phase; see `formulation.aggregated_market`).
    fleet_rows, hall_rows, phase_rows: rows of GPUs, halls and power by month. gpu_stocks: GPUs of a SKU at a site
    carried from one of them to the next.
    """

    kinds: dict[Kind, float]
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
    """Count what `build_candidates` would make. Exact, except in cases larger than `counted` (see `sample`)."""
    sample = sample_of(outlook, counted)
    windows = _Windows.of(sample.outlook)
    at_sites = {**_assets(sample.outlook), **_power(sample.outlook), **windows.used(sample.outlook)}
    kinds = {kind: sample.sites * number for kind, number in at_sites.items()}
    leased, served_rows = _leased(sample)
    for kind, number in leased.items():
        kinds[kind] = kinds.get(kind, 0.0) + number
    place, tier, phase = windows.pools
    rows = (sample.sites * number for number in _monthly(sample.outlook, windows))
    return Counts(
        {kind: number for kind, number in kinds.items() if number}, served_rows,
        (sample.sites * place, tier, sample.sites * phase), *rows,
    )


@dataclass(frozen=True)
class _Windows:
    """What may stand in each window of on-demand sales.

    stands: SKUs at sites, where they fit and may be owned at its start, (sites, SKUs, windows). live: phases of each
    site with power throughout, (sites, windows). tiers: of the market of each SKU, (SKUs,).
    """

    stands: Flags
    live: Floats
    tiers: Floats

    @staticmethod
    def of(outlook: Outlook) -> _Windows:
        gpus, sites = len(outlook.tables["gpus"]), len(outlook.tables["sites"])
        starts, ends = outlook.windows["from_month"], outlook.windows["to_month"]
        bought = places(outlook).joined(_deliveries(outlook), "gpu")
        owned = stacked([bought, fleet_lives(outlook).only(*bought.names)])
        place = owned["site"] * gpus + owned["gpu"]
        first = least_by(place, owned["month"], sites * gpus, NEVER)[:, None]
        last = greatest_by(place, owned["end"], sites * gpus, 0)[:, None]
        stands = ((starts >= first) & (starts < last)).reshape(sites, gpus, len(starts))
        fits = np.zeros((sites, gpus, 1), dtype=bool)
        fits[places(outlook)["site"], places(outlook)["gpu"]] = True
        live = np.zeros((sites, len(starts)))
        powered = (starts >= outlook.energised[:, None]) & (ends <= outlook.power_end[:, None])
        np.add.at(live, outlook.tables["power"].rows_of("site_id"), powered * parts_of_phases(outlook, starts))
        tiers = np.bincount(outlook.tables["market"].rows_of("gpu_id"), minlength=gpus)
        return _Windows(stands & fits, live, tiers.astype(np.float64))

    def used(self, outlook: Outlook) -> dict[Kind, float]:
        """Ways to sell on demand, and to mine."""
        mined = self.live[outlook.tables["mining"].rows_of("site_id")]
        sold = np.einsum("sw,sgw,g->", self.live, self.stands, self.tiers, optimize=True)
        return {Kind.SELL: float(sold), Kind.MINE: float(mined.sum())}

    @property
    def pools(self) -> tuple[float, float, float]:
        """Columns that sales on demand are aggregated into: places, tiers, phases."""
        wanted = self.stands & (self.tiers > 0.0)[:, None]
        place = wanted & (self.live > 0.0)[:, None, :]
        phase = self.live[wanted.any(axis=(1, 2))].sum() if place.any() else 0.0
        return float(place.sum()), float(self.tiers @ self.stands.any(axis=0).sum(axis=1)), float(phase)


def _deliveries(outlook: Outlook) -> Columns:
    """GPUs that can be bought, wherever they fit: columns gpu, month, end."""
    life = outlook.tables["gpus"].ints("life_months")
    found = deliveries(outlook, Columns(gpu=np.arange(len(life)))).only("gpu", "month")
    return found.having(end=np.minimum(found["month"] + life[found["gpu"]], outlook.last_month))


def _assets(outlook: Outlook) -> dict[Kind, float]:
    """Sites opened, halls and GPUs, and what of them is given up early."""
    bought, owned = _deliveries(outlook), fleet_lives(outlook)
    sites = np.bincount(places(outlook)["gpu"], minlength=len(outlook.tables["gpus"]))
    halls = hall_cohorts(outlook).only("month")
    costly = outlook.tables["sites"].floats("opening_cost_usd") > 0.0
    committed = outlook.tables["power"].floats("committed_mw") > 0.0
    return {
        Kind.OPEN: float(costly[opening_months(outlook)["site"]].sum()) if costly.any() else 0.0,
        Kind.BASE: float(len(owned) + (committed & to_be_paid(outlook)).sum() + budgeted(outlook)),
        Kind.OWN: float(sites[bought["gpu"]].sum()),
        Kind.RETIRE: float(sites[early_sales(outlook, bought)["gpu"]].sum() + len(early_sales(outlook, owned))),
        Kind.SHELL: float(len(halls)), Kind.CLOSE: float(len(closings(outlook, halls))),
    }


def _power(outlook: Outlook) -> dict[Kind, float]:
    """Phases, those with a least amount, contracts ended early, minimum takes not used, and MW rented in the tail."""
    power, stepped = outlook.tables["power"], outlook.tables["power"].given("step_mw")
    committed, guaranteed = power.floats("committed_mw"), power.floats("guaranteed_mw")
    least = (power.floats("min_mw") > committed) & ~power.flags("lumpy")
    takes = least.sum() + (stepped & (committed > 0.0) & (committed < guaranteed)).sum()
    rented = rented_years(outlook, firm_paths(single_paths(power_paths(outlook))))
    return {
        Kind.POWER: float(len(power)), Kind.TAKE: float(takes), Kind.EXIT: float(len(exit_months(outlook))),
        Kind.SHORT: float(len(take_windows(outlook))), Kind.BACK: float(len(backed_pairs(outlook))),
        Kind.HOST: float(len(rented)),
    }


def _leased(sample: Sample) -> tuple[dict[Kind, float], float]:
    """Ways to serve leases, next terms, decisions to accept; and the rows of GPUs and power in which all of those
    stand."""
    outlook, leases = sample.outlook, sample.outlook.tables["leases"]
    placed = placed_leases(outlook).only("lease", "site")
    code, first = codes_of([placed["lease"], placed["site"]])
    # One row for all SKUs and tiers of a lease at a site, which have the same windows and paths.
    pairs = placed.take(first).having(ways=np.bincount(code, minlength=len(first)))
    offers = powered_offers(outlook, pairs, power_paths(outlook))
    ways = offers["ways"] * sample.sites * sample.leases
    hosting = (leases.texts("kind") == "hosting")[offers["lease"]]
    steps = np.searchsorted(outlook.steps, offers["to_month"]) - np.searchsorted(outlook.steps, offers["from_month"])
    served = offers.take(codes_of([offers["lease"], offers["site"]])[1])
    options, fabrics = accept_options(outlook, served, Fabrics.of(outlook)), Fabrics.of(outlook)
    single = leases.flags("single_fabric")[options["lease"]].sum()
    blocks = (leases.floats("min_block")[served["lease"]] > 0.0).sum()
    return {
        Kind.SERVE: float(ways[~hosting].sum()), Kind.HOST: float(ways[hosting].sum()),
        Kind.RENEW: float(next_terms(outlook, offers)["ways"].sum()) * sample.sites * sample.leases,
        Kind.ACCEPT: float(single * sample.sites + len(options) - single) * sample.leases,
        Kind.BLOCK: float(blocks) * sample.sites * sample.leases,
        Kind.FABRIC: float(len(fabrics.groups)) if len(served) else 0.0,
    }, 2.0 * float((ways * np.maximum(steps, 1)).sum())


def _monthly(outlook: Outlook, windows: _Windows) -> tuple[float, float, float, float]:
    """Rows of GPUs, halls and power by month, and GPUs carried from one to the next.

    On-demand windows make every step a row; without a market only the starts and ends of leases do. After the horizon
    only ends are left.
    """
    years = max((outlook.last_month - outlook.horizon) / 12.0, 0.0)
    busy = 1.0 if len(outlook.tables["market"]) else QUIET
    held, sites = float(windows.stands.any(axis=2).sum()), len(windows.live)
    fleet = float(windows.stands.sum()) if busy == 1.0 else 3.0 * held
    halls = sites * (busy * windows.live.shape[1] + AFTER * years)
    power = busy * float(windows.live.sum()) + AFTER * years * len(outlook.tables["power"])
    gpus = max(fleet + 2.0 * held, held * halls / max(sites, 1))
    return fleet + 2.0 * held, halls, power, gpus

"""`sell`: an owned GPU on the on-demand market, per tier, over a step; it idles when income no longer covers energy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from kernels.lines import Line
from kernels.terms import Term, WindowTerm
from planner.arrays import Floats, Ints
from planner.candidates.builder import CandidateBuilder
from planner.candidates.cash_tables import Recipe
from planner.candidates.columns import Columns, codes_of, greatest_by, least_by, stacked
from planner.candidates.firmness import PART, on_its_part, share_served
from planner.candidates.gpu_places import places
from planner.candidates.kinds import Kind
from planner.candidates.lease_offers import name_ranks
from planner.candidates.load import energy_terms, legs, power_uses, whole_units
from planner.candidates.outlook import Outlook
from planner.candidates.resources import Family
from planner.candidates.waits import NEVER, work_waits


def add_market(builder: CandidateBuilder, phases: Columns, paths: Columns) -> None:
    """GPUs on demand, wherever a SKU may stand on a live phase and may be owned by then; paths of one phase alone."""
    rows = _offers(builder, paths)
    if not len(rows):
        return
    outlook, names = builder.outlook, builder.names
    sites, gpus = outlook.tables["sites"], outlook.tables["gpus"]
    site, gpu, start, end = rows["site"], rows["gpu"], rows["from_month"], rows["to_month"]
    head, _ = legs(builder, rows, work_waits(builder, rows, for_contract=False))
    it_mw = gpus.floats("it_kw")[gpu] / 1000.0
    drawn = it_mw * (sites.floats("load_factor") * sites.floats("pue"))[site]
    price, energy = _paths(builder, rows, phases, drawn)
    one, fee = np.full(len(rows), builder.one()), phases["fee_path"][head.phase]
    terms: list[Term] = [
        WindowTerm(Line.REVENUE, np.ones(len(rows)), price, head.start_event, builder.events.at(end)),
        *energy_terms(phases, head, drawn, it_mw, energy, one, fee),
    ]
    depth, cut = rows["depth_gpus"], rows["interruptible"]
    columns = Columns(
        site=site, gpu=gpu, phase=rows["head"], tier=rows["tier"], interruptible=cut, from_month=start, to_month=end,
        unit="GPU", upper=np.where(np.isnan(depth), np.inf, depth), decide_by=start,
    )

    def ids() -> Sequence[str]:
        parts = zip(
            names.sites[site], names.gpus[gpu], rows["tier"].tolist(), names.phases[rows["head"]],
            PART[cut].tolist(), names.months(start), strict=True,
        )
        return [f"sell:{at}:{sku}/{tier}:{phase}{part}@{when}" for at, sku, tier, phase, part, when in parts]

    numbers = builder.add(Kind.SELL, ids, columns, terms).numbers
    builder.book.uses.add(numbers, builder.book.resources(Family.FLEET, (site, gpu), names.place), 1.0, start, end)
    share = _share_drawn(builder, rows, energy, full_energy(phases, head.phase, cut))
    power_uses(builder, phases, head, numbers, it_mw, drawn * share, whole_units(start, end), cut)
    limited = np.flatnonzero(~np.isnan(depth))
    tiers = (gpu[limited], rows["tier"][limited])
    resource = builder.book.resources(
        Family.DEPTH, tiers, lambda sku, tier: f"{names.gpus[sku]}:{tier}", depth[limited]
    )
    builder.book.uses.add(numbers[limited], resource, 1.0, start[limited], end[limited])


def _offers(builder: CandidateBuilder, paths: Columns) -> Columns:
    outlook, market = builder.outlook, builder.outlook.tables["market"]
    rows = Columns(
        gpu=market.rows_of("gpu_id"), tier=market.ints("tier"), depth_gpus=market.floats("depth_gpus"),
        utilisation=market.floats("utilisation")
    )
    rows = rows.joined(places(outlook), "gpu").joined(_owned(builder), ("site", "gpu")).joined(paths, "site")
    rows = rows.with_each(from_month=outlook.windows["from_month"], to_month=outlook.windows["to_month"])
    live = (rows["from_month"] >= rows["from_head"]) & (rows["to_month"] <= rows["end_head"])
    owned = (rows["from_month"] >= rows["first_owned"]) & (rows["from_month"] < rows["last_owned"])
    rows = on_its_part(outlook, rows.take(live & owned))
    site, gpu = name_ranks(
        outlook, "sites", "site_id"
    )[rows["site"]], name_ranks(outlook, "gpus", "gpu_id")[rows["gpu"]]
    return rows.take(np.lexsort([rows["interruptible"], rows["head"], rows["from_month"], rows["tier"], gpu, site]))


def _owned(builder: CandidateBuilder) -> Columns:
    """Months between which a GPU of a SKU may stand at a site: columns site, gpu, first_owned, last_owned."""
    blocks = [
        block.columns.only("site", "gpu", "from_month", "to_month") for block in builder.of_kind(Kind.OWN, Kind.BASE)
    ]
    if not blocks:
        none = np.zeros(0, dtype=np.int64)
        return Columns(site=none, gpu=none, first_owned=none, last_owned=none)
    owned = stacked(blocks)
    codes, first = codes_of([owned["site"], owned["gpu"]])
    return owned.take(first).only("site", "gpu").having(
        first_owned=least_by(codes, owned["from_month"], len(first), NEVER),
        last_owned=greatest_by(codes, owned["to_month"], len(first), 0)
    )


def _paths(builder: CandidateBuilder, rows: Columns, phases: Columns, drawn: Floats) -> tuple[Ints, Ints]:
    """Paths of income and of energy by row. A unit idles in months whose income is less than the energy it would
    save."""
    columns = (rows["gpu"], rows["tier"], rows["utilisation"], rows["head"], drawn, rows["interruptible"])
    codes, first = codes_of(columns)
    price, energy = np.zeros(len(first), dtype=np.int64), np.zeros(len(first), dtype=np.int64)
    for code, key in enumerate(zip(*(column[first].tolist() for column in columns), strict=True)):
        gpu, tier, utilisation, head, drawn_mw, cut = key
        full = builder.paths.recipe(int(phases["curtailed_energy_path" if cut else "energy_path"][head]))
        served = share_served(builder.outlook, head) if cut else None
        work = _Work(
            str(builder.names.gpus[gpu]), tier, utilisation, drawn_mw, float(phases["min_take"][head]), full, served
        )
        price[code] = builder.paths.number(("market", *key), work.income)
        energy[code] = builder.paths.number(("market energy", *key), work.energy)
    return price[codes], energy[codes]


@dataclass(frozen=True)
class _Work:
    """A GPU on a tier and a phase: when it works, what it earns, what energy it pays for.

    full_energy: of a MW in the hours with power. served: share of the hours that have it, (M,); None for all of them.
    """

    gpu_id: str
    tier: int
    utilisation: float
    drawn_mw: float
    min_take: float
    full_energy: Recipe
    served: Floats | None

    def income(self, outlook: Outlook) -> Floats:
        """Income by month: price x utilisation x hours while it works."""
        return self._full_income(outlook) * self._works(outlook)

    def energy(self, outlook: Outlook) -> Floats:
        """Energy by month for one MW: all of it while it works, the minimum take of it while it idles."""
        return self.full_energy(outlook) * np.where(self._works(outlook), 1.0, self.min_take)

    def _full_income(self, outlook: Outlook) -> Floats:
        income: Floats = outlook.market_price[self.gpu_id, self.tier] * self.utilisation * outlook.hours
        return income if self.served is None else income * self.served

    def _works(self, outlook: Outlook) -> npt.NDArray[np.bool_]:
        saved = self.full_energy(outlook) * self.drawn_mw * (1.0 - self.min_take)
        return np.asarray(self._full_income(outlook) >= saved)


def full_energy(phases: Columns, phase: Ints, interruptible: Ints) -> Ints:
    """Path of the energy of a MW drawn from a phase in all hours in which its part has power, row by row."""
    return np.where(interruptible == 1, phases["curtailed_energy_path"][phase], phases["energy_path"][phase])


def _share_drawn(builder: CandidateBuilder, rows: Columns, energy: Ints, full: Ints) -> Floats:
    """Share of its full energy that a unit pays for in its window, over windows in which it idles at times.

    Months in which energy costs nothing or earns do not count: a unit works in them, and minimum take never earns.
    """
    share = np.ones(len(rows))
    codes, first = codes_of([energy, full])
    pairs = zip(energy[first].tolist(), full[first].tolist(), strict=True)
    idles = np.array(
        [not np.array_equal(builder.paths.row(paid), builder.paths.row(whole)) for paid, whole in pairs], dtype=bool
    )
    for at in np.flatnonzero(idles[codes]).tolist():
        window = slice(int(rows["from_month"][at]), int(rows["to_month"][at]))
        whole = np.maximum(builder.paths.row(int(full[at]))[window], 0.0).sum()
        if whole:
            share[at] = np.maximum(builder.paths.row(int(energy[at]))[window], 0.0).sum() / whole
    return share

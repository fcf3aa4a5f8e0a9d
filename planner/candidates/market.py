"""`sell`: an owned GPU on the on-demand market, per tier, over a step; it idles when income no longer covers energy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from kernels.lines import Line
from kernels.terms import Term, WindowTerm
from planner.candidates.books import NO_PHASE, Recipe
from planner.candidates.distinct import distinct
from planner.candidates.gpus import place_name, places
from planner.candidates.load import Leg, energy_terms, legs, power_uses
from planner.candidates.outlook import Floats, Ints, Outlook
from planner.candidates.resources import Family
from planner.candidates.valuation import Valuation
from planner.candidates.waits import work_waits
from planner.candidates.workshop import Block, Workshop, joined


def add_market(shop: Workshop, phases: pd.DataFrame, single_paths: pd.DataFrame) -> None:
    """GPUs on demand, wherever a SKU may stand on a live phase and may be owned by then."""
    rows = _offers(shop, single_paths)
    if rows.empty:
        return
    outlook = shop.outlook
    head, none = legs(shop, rows, work_waits(shop, rows, for_contract=False))
    it_mw = rows["it_kw"].to_numpy(np.float64) / 1000.0
    drawn = it_mw * (rows["load_factor"] * rows["pue"]).to_numpy(np.float64)
    price, energy = _paths(shop, rows, phases, drawn)
    one = np.full(len(rows), shop.one())
    fee = phases["fee_path"].to_numpy(np.int64)[head.phase]
    end = shop.events.at(rows["to_month"].to_numpy(np.int64))
    terms: list[Term] = [
        WindowTerm(Line.REVENUE, np.ones(len(rows)), price, head.start_event, end),
        *energy_terms(phases, head, drawn, it_mw, energy, one, fee),
    ]
    when = rows["from_month"].map(outlook.calendar.written)
    table = pd.DataFrame(
        {
            "candidate_id": "sell:" + rows["site_id"] + ":" + rows["gpu_id"] + "/" + rows["tier"].astype(str) + ":" + rows["phase"] + "@" + when,
            "site_id": rows["site_id"],
            "gpu_id": rows["gpu_id"],
            "phase": rows["phase"],
            "tier": rows["tier"],
            "from_month": rows["from_month"],
            "to_month": rows["to_month"],
            "unit": "GPU",
            "upper": rows["depth_gpus"].fillna(np.inf),
            "decide_by": rows["from_month"],
        }
    )
    block = shop.add("sell", table, terms)
    full = phases["energy_path"].to_numpy(np.int64)[head.phase]
    _use(shop, rows, block.numbers, phases, head, it_mw, drawn * _share_drawn(shop, rows, energy, full))
    assert not none.used.any()


def _offers(shop: Workshop, single_paths: pd.DataFrame) -> pd.DataFrame:
    outlook = shop.outlook
    market = outlook.case.tables["market"][["gpu_id", "tier", "depth_gpus", "utilisation"]]
    rows = market.merge(places(outlook)[["site_id", "gpu_id", "it_kw", "pue", "load_factor"]], on="gpu_id")
    rows = rows.merge(_first_owned(shop), on=["site_id", "gpu_id"]).merge(single_paths, on="site_id")
    rows = rows.merge(outlook.windows, how="cross")
    live = (rows["from_month"] >= rows["from_head"]) & (rows["to_month"] <= rows["end_head"])
    owned = (rows["from_month"] >= rows["first_owned"]) & (rows["from_month"] < rows["last_owned"])
    order = ["site_id", "gpu_id", "tier", "from_month", "head"]
    return rows[live & owned].sort_values(order, kind="stable").reset_index(drop=True)


def _first_owned(shop: Workshop) -> pd.DataFrame:
    """Months between which a GPU of a SKU may stand at a site."""
    tables = [block.table for block in shop.of_kind("own", "base")]
    if not tables:
        return pd.DataFrame({"site_id": pd.Series(dtype=str), "gpu_id": pd.Series(dtype=str), "first_owned": [], "last_owned": []})
    owned = pd.concat(tables)
    grouped = owned.groupby(["site_id", "gpu_id"], as_index=False)
    return grouped.agg(first_owned=("from_month", "min"), last_owned=("to_month", "max"))


def _paths(shop: Workshop, rows: pd.DataFrame, phases: pd.DataFrame, drawn: Floats) -> tuple[Ints, Ints]:
    """Paths of income and of energy by row. A unit idles in months whose income is less than the energy it would save."""
    codes, keys = distinct(rows.assign(drawn=drawn), ["gpu_id", "tier", "utilisation", "head", "drawn"])
    price, energy = np.zeros(len(keys), dtype=np.int64), np.zeros(len(keys), dtype=np.int64)
    for code, (gpu_id, tier, utilisation, head, drawn_mw) in enumerate(keys):
        work = _Work(
            str(gpu_id), int(tier), float(utilisation), float(drawn_mw), float(phases["min_take"].iat[head]),
            shop.paths.recipe(int(phases["energy_path"].iat[head])),
        )
        price[code] = shop.paths.number(("market", *keys[code]), work.income)
        energy[code] = shop.paths.number(("market energy", *keys[code]), work.energy)
    return price[codes], energy[codes]


@dataclass(frozen=True)
class _Work:
    """A GPU on a tier and a phase: when it works, what it earns, what energy it pays for."""

    gpu_id: str
    tier: int
    utilisation: float
    drawn_mw: float
    min_take: float
    full_energy: Recipe

    def income(self, outlook: Outlook) -> Floats:
        """Income by month: price x utilisation x hours while it works."""
        return self._full_income(outlook) * self._works(outlook)

    def energy(self, outlook: Outlook) -> Floats:
        """Energy by month for one MW: all of it while it works, the minimum take of it while it idles."""
        return self.full_energy(outlook) * np.where(self._works(outlook), 1.0, self.min_take)

    def _full_income(self, outlook: Outlook) -> Floats:
        return outlook.market_price[self.gpu_id, self.tier] * self.utilisation * outlook.hours

    def _works(self, outlook: Outlook) -> npt.NDArray[np.bool_]:
        saved = self.full_energy(outlook) * self.drawn_mw * (1.0 - self.min_take)
        return np.asarray(self._full_income(outlook) >= saved)


def _share_drawn(shop: Workshop, rows: pd.DataFrame, energy: Ints, full: Ints) -> Floats:
    """Share of its full energy that a unit pays for in its window, over windows in which it idles at times.

    Months in which energy costs nothing or earns do not count: a unit works in them, and minimum take never earns.
    """
    share = np.ones(len(rows))
    pairs, which = np.unique(np.stack([energy, full]), axis=1, return_inverse=True)
    idles = np.array([not np.array_equal(shop.paths.row(paid), shop.paths.row(whole)) for paid, whole in pairs.T], dtype=bool)
    for at in np.flatnonzero(idles[which.reshape(-1)]):
        window = slice(int(rows["from_month"].iat[at]), int(rows["to_month"].iat[at]))
        whole = np.maximum(shop.paths.row(int(full[at]))[window], 0.0).sum()
        if whole:
            share[at] = np.maximum(shop.paths.row(int(energy[at]))[window], 0.0).sum() / whole
    return share


def _use(
    shop: Workshop, rows: pd.DataFrame, numbers: Ints, phases: pd.DataFrame, head: Leg, it_mw: Floats, drawn: Floats
) -> None:
    start, end = rows["from_month"].to_numpy(np.int64), rows["to_month"].to_numpy(np.int64)
    fleet = shop.book.resources(Family.FLEET, place_name(rows))
    shop.book.uses.add(numbers, fleet, np.ones(len(rows)), start, end)
    whole = pd.DataFrame({"row": np.arange(len(rows)), "start": start, "end": end, "share": 1.0})
    power_uses(shop, phases, head, numbers, it_mw, drawn, whole)
    depth = rows["depth_gpus"].to_numpy(np.float64)
    limited = ~np.isnan(depth)
    names = joined(rows["gpu_id"], rows["tier"].astype(str))
    resource = shop.book.resources(Family.DEPTH, names[limited], depth[limited])
    shop.book.uses.add(numbers[limited], resource, np.ones(int(limited.sum())), start[limited], end[limited])


def single(paths: pd.DataFrame) -> pd.DataFrame:
    """Paths of one phase alone."""
    return paths[paths["then"] == NO_PHASE].reset_index(drop=True)


@dataclass(frozen=True)
class SellParts:
    """What each sell candidate is made of: its place, its tier and its phase in its step, with the value of each part.

    income_usd: NPV of what the tier pays; cost_usd: NPV of energy, charges and fees of the phase; per GPU, shape (N,).
    """

    number: Ints
    place: pd.DataFrame
    let: pd.DataFrame
    draw: pd.DataFrame
    income_usd: Floats
    cost_usd: Floats
    it_mw: Floats


def sell_parts(blocks: Sequence[Block], valuation: Valuation, outlook: Outlook) -> SellParts | None:
    """The parts of all sell candidates; None when there are none."""
    sells = [block for block in blocks if block.kind == "sell"]
    if not sells:
        return None
    (block,) = sells
    table = block.table
    it_kw = outlook.case.tables["gpus"].set_index("gpu_id")["it_kw"]
    return SellParts(
        number=block.numbers,
        place=table[["site_id", "gpu_id", "from_month"]],
        let=table[["gpu_id", "tier", "from_month"]],
        draw=table[["site_id", "phase", "from_month"]],
        income_usd=valuation.npv(block, (Line.REVENUE,))[:, 0],
        cost_usd=valuation.npv(block, (Line.ENERGY, Line.FEES))[:, 0],
        it_mw=table["gpu_id"].map(it_kw).to_numpy(np.float64) / 1000.0,
    )

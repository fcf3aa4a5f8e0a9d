"""`own`: a GPU of a SKU delivered to a site at a step, there until its end of life (under tail = none, the horizon);
`base`: one owned at the start; `retire`: one sold earlier at the resale curve, which frees hall and power."""

from __future__ import annotations

from functools import partial

import numpy as np
import numpy.typing as npt
import pandas as pd

from kernels.lines import Line
from kernels.profiles import until
from kernels.terms import ScheduleTerm, Term, WindowTerm
from planner.candidates.outlook import Floats, Ints, Outlook
from planner.candidates.overruns import overrun_terms
from planner.candidates.resources import Family, Stock
from planner.candidates.waits import provider_waits
from planner.candidates.workshop import Block, Workshop, joined


def fits(outlook: Outlook) -> pd.DataFrame:
    """All pairs of site and SKU, with what keeps them apart: columns rack (kW of a full rack), too_heavy, too_hot."""
    sites, gpus = outlook.case.tables["sites"], outlook.case.tables["gpus"]
    columns = ["site_id", "max_rack_kw", "liquid_cooled_it_mw", "pue", "load_factor"]
    pairs = sites[columns].merge(gpus.drop(columns=["source"]), how="cross")
    rack = pairs["rack_kw"].fillna(pairs["it_kw"] * pairs["gpus_per_rack"].astype("float64"))
    too_hot = (pairs["cooling"] == "liquid") & (pairs["liquid_cooled_it_mw"] == 0)
    return pairs.assign(rack=rack, too_heavy=rack > pairs["max_rack_kw"], too_hot=too_hot)


def places(outlook: Outlook) -> pd.DataFrame:
    """Pairs of site and SKU that fit: racks within the site's limit, liquid cooling where the SKU needs it."""
    pairs = fits(outlook)
    return pairs[~(pairs["too_heavy"] | pairs["too_hot"])].drop(columns=["rack", "too_heavy", "too_hot"]).reset_index(drop=True)


def deliveries(outlook: Outlook, ordered: pd.DataFrame) -> pd.DataFrame:
    """Months in which GPUs can be delivered, one row for each row of `ordered` (a SKU, or one at a site) and month.

    Columns as `ordered` with month and supply, the most of the SKU over all sites in the quarter (NaN where there is no limit).
    """
    pairs = ordered.merge(pd.DataFrame({"month": outlook.steps}), how="cross")
    pairs = pairs[pairs["month"] >= pairs["order_lead_months"].astype(np.int64)]
    pairs = pairs.assign(supply=_supply_limits(outlook, pairs))
    return pairs[~(pairs["supply"] <= 0)].reset_index(drop=True)


def place_name(frame: pd.DataFrame) -> pd.Series:
    """SITE:GPU, the name of the stock of GPUs of a SKU at a site."""
    return joined(frame["site_id"], frame["gpu_id"])


def resale_share(outlook: Outlook, gpu_id: pd.Series, age: Ints) -> Floats:
    """Share of its capex that a GPU of some age fetches: linear between rows, constant after, nothing without rows."""
    table = outlook.case.tables["resale"]
    shares = np.zeros(len(age))
    names = gpu_id.to_numpy()
    for name in pd.unique(names):
        rows = table[table["gpu_id"] == name].sort_values("age_months")
        if len(rows):
            here = names == name
            ages = rows["age_months"].to_numpy(np.float64)
            shares[here] = np.interp(age[here], ages, rows["value_share"].to_numpy(np.float64))
    return shares


def add_gpus(shop: Workshop) -> None:
    """GPUs that could be bought and GPUs that are owned, their stocks, and their sale before the end of life."""
    fitting = places(shop.outlook)
    owned = [frame for frame in (_add_base(shop), _add_own(shop, fitting)) if frame is not None]
    if not owned:
        return
    frame = pd.concat(owned, ignore_index=True)
    _needs(shop, frame)
    _add_retirements(shop, frame)


def _capex(outlook: Outlook, gpus: pd.DataFrame) -> dict[str, Floats]:
    found = {}
    for _, row in gpus.iterrows():
        price = outlook.by_month(row, "capex_usd", "capex_curve")
        assert price is not None, "the reader refuses a SKU without a price"
        found[str(row["gpu_id"])] = price
    return found


def _add_own(shop: Workshop, fitting: pd.DataFrame) -> pd.DataFrame | None:
    outlook = shop.outlook
    pairs = deliveries(outlook, fitting)
    if pairs.empty:
        return None
    month = pairs["month"].to_numpy(np.int64)
    life = pairs["life_months"].to_numpy(np.int64)
    price = _capex(outlook, outlook.case.tables["gpus"])
    capex = np.array([price[name][at] for name, at in zip(pairs["gpu_id"], month, strict=True)])
    end = np.minimum(month + life, outlook.last_month)
    table = pd.DataFrame(
        {
            "candidate_id": "own:" + pairs["site_id"] + ":" + pairs["gpu_id"] + "@" + pairs["month"].map(outlook.calendar.written),
            "site_id": pairs["site_id"],
            "gpu_id": pairs["gpu_id"],
            "from_month": month,
            "to_month": end,
            "unit": "GPU",
            "decide_by": np.maximum(month - pairs["order_lead_months"].to_numpy(np.int64), 0),
        }
    )
    deposit = pairs["deposit_fraction"].to_numpy(np.float64)
    paid_early = np.maximum(month - pairs["deposit_lead_months"].to_numpy(np.int64), 0)
    stands = end - month
    old = resale_share(outlook, pairs["gpu_id"], stands) * capex
    waits = provider_waits(shop, "delivery", pairs["gpu_id"], month)
    begins, one = shop.beginning(month, waits), np.full(len(pairs), shop.one())
    after = shop.beginning(month + 1, provider_waits(shop, "delivery", pairs["gpu_id"], month + 1))
    terms = [
        shop.lump(Line.CAPEX, -capex * deposit, paid_early),
        WindowTerm(Line.CAPEX, -capex * (1.0 - deposit), one, begins, after),
        ScheduleTerm(Line.DEPRECIATION, capex, shop.written_off_by("gpu", stands), begins),
        WindowTerm(Line.UPKEEP, -pairs["upkeep_usd_per_month"].to_numpy(np.float64), one, begins, shop.events.at(end)),
        *overrun_terms(shop, "gpu", capex, month, np.zeros(len(pairs), dtype=np.int64), waits, end),
        shop.lump(Line.RESALE, old, end - 1),
        *shop.loan("gpu", capex, month, stands),
    ]
    block = shop.add("own", table, terms)
    _deliveries(shop, pairs, block)
    return _owned(pairs, block, month, end, capex, capex)


def _owned(pairs: pd.DataFrame, block: Block, month: Ints, end: Ints, capex: Floats, basis: Floats) -> pd.DataFrame:
    frame = pairs[["site_id", "gpu_id", "it_kw", "cooling", "spare_fraction", "upkeep_usd_per_month", "liquid_cooled_it_mw"]]
    return frame.assign(
        candidate=block.numbers, candidate_id=block.table["candidate_id"].to_numpy(), kind=block.kind,
        month=month, end=end, capex=capex, basis=basis,
    )


def _supply_limits(outlook: Outlook, pairs: pd.DataFrame) -> Floats:
    """Deliveries of the SKU in the quarter of each delivery; NaN where there is no limit."""
    supply = outlook.case.tables["gpu_supply"].set_index(["gpu_id", "quarter"])["max_gpus"].astype("float64")
    quarter = pairs["month"].map(outlook.calendar.written_quarter)
    keys = pd.MultiIndex.from_arrays([pairs["gpu_id"], quarter])
    return supply.reindex(keys).to_numpy(np.float64)


def _deliveries(shop: Workshop, pairs: pd.DataFrame, block: Block) -> None:
    """Deliveries of a SKU in a quarter over all sites stay within its supply."""
    limited = pairs["supply"].notna().to_numpy()
    chosen = pairs[limited]
    if chosen.empty:
        return
    names = joined(chosen["gpu_id"], chosen["month"].map(shop.outlook.calendar.written_quarter))
    resource = shop.book.resources(Family.SUPPLY, names, chosen["supply"].to_numpy(np.float64))
    ones = np.ones(len(chosen), dtype=np.int64)
    shop.book.uses.add(block.numbers[limited], resource, 1.0 * ones, 0 * ones, ones)


def _add_base(shop: Workshop) -> pd.DataFrame | None:
    outlook = shop.outlook
    columns = [column for column in outlook.case.tables["gpus"] if column != "source"]
    fleet = outlook.case.tables["fleet"].merge(outlook.case.tables["gpus"][columns], on="gpu_id", how="left")
    sites = outlook.case.tables["sites"][["site_id", "liquid_cooled_it_mw"]]
    fleet = fleet.merge(sites, on="site_id", how="left")
    bought = fleet["bought"].map(outlook.calendar.index).to_numpy(np.int64) if len(fleet) else np.zeros(0, np.int64)
    if fleet.empty:
        return None
    # The reader refuses GPUs that are past their life.
    end = np.minimum(bought + fleet["life_months"].to_numpy(np.int64), outlook.last_month)
    price = _capex(outlook, outlook.case.tables["gpus"])
    # The resale curve is a share of what the SKU costs new at the start of the case.
    capex = np.array([price[name][0] for name in fleet["gpu_id"]])
    basis = fleet["tax_basis_usd_per_gpu"].to_numpy(np.float64)
    count = fleet["gpus"].to_numpy(np.float64)
    table = pd.DataFrame(
        {
            "candidate_id": "base:" + fleet["site_id"] + ":" + fleet["gpu_id"] + "@" + fleet["bought"],
            "site_id": fleet["site_id"],
            "gpu_id": fleet["gpu_id"],
            "from_month": 0,
            "to_month": end,
            "unit": "GPU",
            "lower": count,
            "upper": count,
        }
    )
    zero = np.zeros(len(fleet), dtype=np.int64)
    terms: list[Term] = [
        shop.schedule(Line.DEPRECIATION, basis, _rest_of_write_off(shop, bought, end), zero),
        shop.running(Line.UPKEEP, -fleet["upkeep_usd_per_month"].to_numpy(np.float64), zero, end),
        shop.lump(Line.RESALE, resale_share(outlook, fleet["gpu_id"], end - bought) * capex, end - 1),
    ]
    block = shop.add("base", table, terms)
    return _owned(fleet, block, bought, end, capex, basis)


def _rest_of_write_off(shop: Workshop, bought: Ints, end: Ints) -> Ints:
    """Profiles that write the remaining basis off in proportion to the rest of the schedule, or at once if none is left."""
    def rest(age: int, last: int) -> Floats:
        # The whole schedule counts, also what lies beyond the months of the case: the rest is a share of it, not of what is seen.
        full = shop.written_off("gpu", shop.outlook.months + age)
        left, total = full[age:], 1.0 - float(full[:age].sum())
        if total <= 1e-12:
            left, total = np.eye(1, shop.outlook.months)[0], 1.0
        return until(left / total, last)

    pairs = [(int(-month), int(last)) for month, last in zip(bought, end, strict=True)]
    return np.array([shop.profiles.number(("rest", *pair), partial(rest, *pair)) for pair in pairs])


def _needs(shop: Workshop, frame: pd.DataFrame) -> None:
    """Each GPU owned stands in the stock of its place; one of the stock works (less spares), fills hall and liquid MW."""
    month, end = frame["month"].to_numpy(np.int64), frame["end"].to_numpy(np.int64)
    stocks = shop.book.stocks(Stock.GPUS, place_name(frame))
    shop.book.stock_uses.add(frame["candidate"].to_numpy(), stocks, np.ones(len(frame)), np.maximum(month, 0), end)
    for row in frame.assign(place=place_name(frame)).drop_duplicates("place").itertuples():
        stock = shop.book.stock(Stock.GPUS, str(row.place))
        fleet = shop.book.resource(Family.FLEET, str(row.place))
        shop.book.stock_needs(stock, fleet, -(1.0 - float(row.spare_fraction)))
        shop.book.stock_needs(stock, shop.book.resource(Family.HALL, str(row.site_id)), row.it_kw / 1000.0)
        if row.cooling == "liquid" and not np.isnan(row.liquid_cooled_it_mw):
            liquid = shop.book.resource(Family.LIQUID, str(row.site_id), float(row.liquid_cooled_it_mw))
            shop.book.stock_needs(stock, liquid, row.it_kw / 1000.0)


def _add_retirements(shop: Workshop, owned: pd.DataFrame) -> None:
    outlook = shop.outlook
    pairs = owned.merge(pd.DataFrame({"ending": outlook.endings}), how="cross")
    age = pairs["ending"] - pairs["month"]
    pairs = pairs[(pairs["ending"] > 0) & (age >= 12) & (pairs["ending"] < pairs["end"])].reset_index(drop=True)
    if pairs.empty:
        return
    ending = pairs["ending"].to_numpy(np.int64)
    month, end = pairs["month"].to_numpy(np.int64), pairs["end"].to_numpy(np.int64)
    age, stands = ending - month, end - month
    capex, basis = pairs["capex"].to_numpy(np.float64), pairs["basis"].to_numpy(np.float64)
    table = pd.DataFrame(
        {
            "candidate_id": "retire:" + pairs["candidate_id"].str.removeprefix("own:") + "#" + pd.Series(ending).map(outlook.calendar.written),
            "site_id": pairs["site_id"],
            "gpu_id": pairs["gpu_id"],
            "from_month": ending,
            "to_month": end,
            "unit": "GPU",
            "decide_by": np.minimum(ending, outlook.horizon),
            "parent": pairs["candidate"],
        }
    )
    new = (pairs["kind"] == "own").to_numpy()
    terms = [
        shop.lump(Line.RESALE, resale_share(outlook, pairs["gpu_id"], age) * capex, ending - 1),
        shop.lump(Line.RESALE, -resale_share(outlook, pairs["gpu_id"], stands) * capex, end - 1),
        shop.running(Line.UPKEEP, pairs["upkeep_usd_per_month"].to_numpy(np.float64), ending, end),
        shop.schedule(Line.DEPRECIATION, basis, _write_off_ended(shop, month, end, age, new), ending - 1),
        *shop.loan_ended("gpu", capex * new, stands, age, ending - 1),
    ]
    block = shop.add("retire", table, terms)
    stocks = shop.book.stocks(Stock.GPUS, place_name(pairs))
    shop.book.stock_uses.add(block.numbers, stocks, -np.ones(len(pairs)), ending, end)
    ended = shop.book.resources(Family.ENDED, pairs["candidate_id"])
    ones = np.ones(len(pairs), dtype=np.int64)
    shop.book.uses.add(block.numbers, ended, 1.0 * ones, 0 * ones, ones)
    parent = pairs["candidate"].to_numpy(np.int64)
    held, first = np.unique(parent, return_index=True)
    shop.book.uses.add(held, ended[first], -np.ones(len(held)), 0 * held, 0 * held + 1)


def _write_off_ended(shop: Workshop, month: Ints, end: Ints, age: Ints, new: npt.NDArray[np.bool_]) -> Ints:
    """Profiles of the write-off changed by a sale: by age for GPUs bought, by the rest of the schedule for the fleet."""
    profiles = shop.write_off_ended("gpu", end - month, age)
    for i in np.flatnonzero(~new):
        rest = int(_rest_of_write_off(shop, month[i : i + 1], end[i : i + 1])[0])
        profiles[i] = shop.profile_ended(rest, int(age[i] + month[i]))
    return profiles

"""`own`: a GPU bought for a site, delivered in a month; `base`: one owned at the start; `retire`: one sold before its
end of life."""

from __future__ import annotations

from functools import partial

import numpy as np
import numpy.typing as npt

from kernels.lines import Line
from kernels.profiles import until
from kernels.terms import ScheduleTerm, Term, WindowTerm
from planner.arrays import Floats, Ints
from planner.candidates.builder import Block, CandidateBuilder
from planner.candidates.columns import Columns, codes_of, stacked
from planner.candidates.gpu_places import capex_usd, deliveries, places, resale_share
from planner.candidates.kinds import Kind
from planner.candidates.names import joined
from planner.candidates.outlook import Outlook
from planner.candidates.overruns import overrun_terms
from planner.candidates.resources import Family, Stock
from planner.candidates.waits import provider_waits


def add_gpus(builder: CandidateBuilder) -> None:
    """GPUs that could be bought and GPUs that are owned, their stocks, and their sale before the end of life."""
    parts = [part for part in (_add_base(builder), _add_own(builder)) if part is not None]
    if not parts:
        return
    owned = stacked([columns for _, columns in parts])
    _needs(builder, owned)
    _add_retirements(builder, owned, [block for block, _ in parts])


def _add_own(builder: CandidateBuilder) -> tuple[Block, Columns] | None:
    outlook, gpus = builder.outlook, builder.outlook.tables["gpus"]
    pairs = deliveries(outlook, places(outlook))
    if not len(pairs):
        return None
    site, gpu, month = pairs["site"], pairs["gpu"], pairs["month"]
    capex = capex_usd(outlook)[gpu, month]
    end = np.minimum(month + gpus.ints("life_months")[gpu], outlook.last_month)
    stands = end - month
    columns = Columns(
        site=site, gpu=gpu, from_month=month, to_month=end, unit="GPU",
        decide_by=np.maximum(month - gpus.ints("order_lead_months")[gpu], 0)
    )
    deposit = gpus.floats("deposit_fraction")[gpu]
    paid_early = np.maximum(month - gpus.ints("deposit_lead_months")[gpu], 0)
    waits = provider_waits(builder, "delivery", gpu, builder.names.gpus, month)
    begins, one = builder.beginning(month, waits), np.full(len(pairs), builder.one())
    after = builder.beginning(month + 1, provider_waits(builder, "delivery", gpu, builder.names.gpus, month + 1))
    terms = [
        builder.lump(Line.CAPEX, -capex * deposit, paid_early),
        WindowTerm(Line.CAPEX, -capex * (1.0 - deposit), one, begins, after),
        ScheduleTerm(Line.DEPRECIATION, capex, builder.written_off_by("gpu", stands), begins),
        WindowTerm(Line.UPKEEP, -gpus.floats("upkeep_usd_per_month")[gpu], one, begins, builder.events.at(end)),
        *overrun_terms(builder, "gpu", capex, month, np.zeros(len(pairs), dtype=np.int64), waits, end),
        builder.lump(Line.RESALE, resale_share(outlook, gpu, stands) * capex, end - 1),
        *builder.loan("gpu", capex, month, stands),
    ]
    block = builder.add(
        Kind.OWN,
        lambda: [
            f"own:{place}@{when}"
            for place, when in zip(_placed(builder, pairs), builder.names.months(month), strict=True)
        ],
        columns, terms,
    )
    _limit_deliveries(builder, pairs, block)
    return block, _owned(pairs, block, month, end, capex, capex)


def _placed(builder: CandidateBuilder, rows: Columns) -> list[str]:
    """SITE:GPU of each row."""
    return joined(builder.names.sites[rows["site"]], builder.names.gpus[rows["gpu"]])


def _owned(rows: Columns, block: Block, month: Ints, end: Ints, capex: Floats, basis: Floats) -> Columns:
    return rows.only("site", "gpu").having(
        candidate=block.numbers, new=block.kind is Kind.OWN, month=month, end=end, capex=capex, basis=basis
    )


def _limit_deliveries(builder: CandidateBuilder, pairs: Columns, block: Block) -> None:
    """Deliveries of a SKU in a quarter over all sites stay within its supply."""
    limited = np.flatnonzero(~np.isnan(pairs["supply"]))
    if not len(limited):
        return
    calendar, gpus = builder.outlook.calendar, builder.names.gpus
    keys = (pairs["gpu"][limited], calendar.quarter_of(pairs["month"][limited]))
    resource = builder.book.resources(
        Family.SUPPLY, keys, lambda gpu, month: (str(gpus[gpu]), calendar.written_quarter(month)),
        pairs["supply"][limited],
    )
    builder.book.uses.add(block.numbers[limited], resource, 1.0, 0, 1)


def _add_base(builder: CandidateBuilder) -> tuple[Block, Columns] | None:
    outlook, fleet, gpus = builder.outlook, builder.outlook.tables["fleet"], builder.outlook.tables["gpus"]
    if not len(fleet):
        return None
    rows = fleet_lives(outlook)
    gpu, bought, end = rows["gpu"], rows["month"], rows["end"]
    # The resale curve is a share of what the SKU costs new at the start of the case.
    capex = capex_usd(outlook)[gpu, 0]
    basis, count = fleet.floats("tax_basis_usd_per_gpu"), fleet.floats("gpus")
    zero = np.zeros(len(fleet), dtype=np.int64)
    terms: list[Term] = [
        builder.schedule(Line.DEPRECIATION, basis, _rest_of_write_off(builder, bought, end), zero),
        builder.running(Line.UPKEEP, -gpus.floats("upkeep_usd_per_month")[gpu], zero, end),
        builder.lump(Line.RESALE, resale_share(outlook, gpu, end - bought) * capex, end - 1),
    ]
    columns = rows.only("site", "gpu").having(from_month=0, to_month=end, unit="GPU", lower=count, upper=count)
    block = builder.add(
        Kind.BASE,
        lambda: [
            f"base:{place}@{when}" for place, when in zip(_placed(builder, rows), fleet.texts("bought"), strict=True)
        ],
        columns, terms,
    )
    return block, _owned(rows, block, bought, end, capex, basis)


def fleet_lives(outlook: Outlook) -> Columns:
    """GPUs owned at the start, a row for each of the table `fleet`: columns site, gpu, month (bought, negative) and
    end."""
    fleet, life = outlook.tables["fleet"], outlook.tables["gpus"].ints("life_months")
    rows = Columns(site=fleet.rows_of("site_id"), gpu=fleet.rows_of("gpu_id"))
    bought = outlook.calendar.indices(fleet.texts("bought"))
    # The reader refuses GPUs that are past their life.
    return rows.having(month=bought, end=np.minimum(bought + life[rows["gpu"]], outlook.last_month))


def _rest_of_write_off(builder: CandidateBuilder, bought: Ints, end: Ints) -> Ints:
    """Profiles that write the remaining basis off in proportion to the rest of the schedule, or at once if none is
    left."""

    def rest(age: int, last: int) -> Floats:
        # The whole schedule counts, also what lies beyond the months of the case: the rest is a share of it, not of
        # what is seen.
        full = builder.written_off("gpu", builder.outlook.months + age)
        left, total = full[age:], 1.0 - float(full[:age].sum())
        if total <= 1e-12:
            left, total = np.eye(1, builder.outlook.months)[0], 1.0
        return until(left / total, last)

    pairs = [(-month, last) for month, last in zip(bought.tolist(), end.tolist(), strict=True)]
    return np.array([builder.profiles.number(("rest", *pair), partial(rest, *pair)) for pair in pairs], dtype=np.int64)


def _needs(builder: CandidateBuilder, owned: Columns) -> None:
    """Each GPU owned stands in the stock of its place; one of the stock works (less spares), fills hall and liquid
    MW."""
    tables, names, book = builder.outlook.tables, builder.names, builder.book
    site, gpu = owned["site"], owned["gpu"]
    stocks = book.stocks(Stock.GPUS, (site, gpu), names.place)
    book.stock_uses.add(owned["candidate"], stocks, 1.0, np.maximum(owned["month"], 0), owned["end"])
    spare, it_kw = tables["gpus"].floats("spare_fraction"), tables["gpus"].floats("it_kw")
    liquid, liquid_mw = tables["gpus"].texts("cooling") == "liquid", tables["sites"].floats("liquid_cooled_it_mw")
    _, first = codes_of([site, gpu])
    for stock, at, sku in zip(stocks[first].tolist(), site[first].tolist(), gpu[first].tolist(), strict=True):
        book.stock_needs(stock, book.resource(Family.FLEET, names.place(at, sku)), -(1.0 - float(spare[sku])))
        book.stock_needs(stock, book.resource(Family.HALL, names.sites[at]), float(it_kw[sku]) / 1000.0)
        if liquid[sku] and not np.isnan(liquid_mw[at]):
            book.stock_needs(
                stock, book.resource(Family.LIQUID, names.sites[at], float(liquid_mw[at])), float(it_kw[sku]) / 1000.0
            )


def _add_retirements(builder: CandidateBuilder, owned: Columns, blocks: list[Block]) -> None:
    """Sales before the end of life: resale comes earlier, upkeep stops, what is not yet written off is written off."""
    outlook = builder.outlook
    pairs = early_sales(outlook, owned)
    if not len(pairs):
        return
    gpu, ending, month, end, parent = (pairs[name] for name in ("gpu", "ending", "month", "end", "candidate"))
    age, stands, capex, new = ending - month, end - month, pairs["capex"], pairs["new"]
    columns = Columns(
        site=pairs["site"], gpu=gpu, from_month=ending, to_month=end, unit="GPU",
        decide_by=np.minimum(ending, outlook.horizon), parent=parent
    )
    terms = [
        builder.lump(Line.RESALE, resale_share(outlook, gpu, age) * capex, ending - 1),
        builder.lump(Line.RESALE, -resale_share(outlook, gpu, stands) * capex, end - 1),
        builder.running(Line.UPKEEP, outlook.tables["gpus"].floats("upkeep_usd_per_month")[gpu], ending, end),
        builder.schedule(
            Line.DEPRECIATION, pairs["basis"], _write_off_ended(builder, month, end, age, new), ending - 1
        ),
        *builder.loan_ended("gpu", capex * new, stands, age, ending - 1),
    ]

    def ids() -> list[str]:
        known, when = builder.ids_of(blocks), builder.names.months(ending)
        return [
            f"retire:{known[at].removeprefix('own:')}#{month}" for at, month in zip(parent.tolist(), when, strict=True)
        ]

    block = builder.add(Kind.RETIRE, ids, columns, terms)
    builder.book.stock_uses.add(
        block.numbers, builder.book.stocks(Stock.GPUS, (pairs["site"], gpu), builder.names.place), -1.0, ending, end
    )
    builder.end_early(block, blocks)


def early_sales(outlook: Outlook, owned: Columns) -> Columns:
    """What is owned (columns month and end of life, and others that are kept) with each ending at which it may be
    sold: column ending, a year old at the least."""
    pairs = owned.with_each(ending=outlook.endings)
    ending = pairs["ending"]
    return pairs.take((ending > 0) & (ending - pairs["month"] >= 12) & (ending < pairs["end"]))


def _write_off_ended(builder: CandidateBuilder, month: Ints, end: Ints, age: Ints, new: npt.NDArray[np.bool_]) -> Ints:
    """Profiles of the write-off changed by a sale: by age for GPUs bought, by the rest of the schedule for the
    fleet."""
    profiles = builder.write_off_ended("gpu", end - month, age)
    for i in np.flatnonzero(~new):
        rest = int(_rest_of_write_off(builder, month[i : i + 1], end[i : i + 1])[0])
        profiles[i] = builder.profile_ended(rest, int(age[i] + month[i]))
    return profiles

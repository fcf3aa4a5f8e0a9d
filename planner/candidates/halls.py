"""`shell`: a MW of critical IT in service from a month to the end of the statement: standing, new, or converted from
mining; `close`, a MW given up earlier, with its residual."""

from __future__ import annotations

import numpy as np

from kernels.lines import Line
from kernels.terms import ScheduleTerm, WindowTerm
from planner.candidates.builder import Block, CandidateBuilder
from planner.candidates.columns import Columns, greatest_by
from planner.candidates.hall_cohorts import CONVERSION, EXISTING, NEW, hall_cohorts, ways_of
from planner.candidates.kinds import Kind
from planner.candidates.names import joined
from planner.candidates.outlook import Outlook
from planner.candidates.overruns import overrun_terms
from planner.candidates.resources import Family, Stock
from planner.candidates.waits import provider_waits
from planner.case.table_arrays import NO_ROW


def add_halls(builder: CandidateBuilder) -> None:
    """All halls of all sites, and their closing."""
    halls = hall_cohorts(builder.outlook)
    builder.halls = halls
    if not len(halls):
        return
    block = _add_shells(builder, halls)
    _limits(builder, halls, block)
    _add_closings(builder, halls, block)


def _shell_names(builder: CandidateBuilder, halls: Columns) -> list[str]:
    """SITE:WAY@MONTH."""
    return [
        f"{name}@{when}"
        for name, when in zip(
            joined(builder.names.sites[halls["site"]], ways_of(halls)), builder.names.months(halls["month"]),
            strict=True,
        )
    ]


def _add_shells(builder: CandidateBuilder, halls: Columns) -> Block:
    outlook, names = builder.outlook, builder.names
    site, month, lead, capex = halls["site"], halls["month"], halls["lead"], halls["capex_usd_per_mw"]
    last = np.full(len(halls), outlook.last_month)
    ordered = np.maximum(month - lead, 0)
    columns = Columns(
        site=site, from_month=month, to_month=last, unit="MW", upper=halls["upper"], decide_by=ordered,
        way=halls["way"],
    )
    mining = outlook.tables["mining"]
    resale = np.zeros(len(outlook.tables["sites"]))
    resale[mining.rows_of("site_id")] = mining.floats("resale_usd_per_kw")
    stands = last - month
    # What stands already is not late.
    waits = provider_waits(
        builder, "construction", np.where(halls["way"] == EXISTING, NO_ROW, site), names.sites, month
    )
    begins = builder.beginning(month, waits)
    running = halls["opex_usd_per_mw"] + halls["rent_usd_per_mw"]
    terms = [
        builder.spread(Line.CAPEX, -capex, month, lead),
        ScheduleTerm(Line.DEPRECIATION, capex, builder.written_off_by("shell", stands), begins),
        WindowTerm(Line.SITE_OPEX, -running, np.full(len(halls), builder.one()), begins, builder.events.at(last)),
        *overrun_terms(builder, "shell", capex, month, lead, waits, last),
        # The miners of a hall are sold when its conversion begins.
        builder.lump(Line.RESALE, resale[site] * 1000.0 * halls["utility_mw"], ordered),
        builder.lump(Line.RESALE, halls["residual"] * capex, last - 1),
        *builder.loan("shell", capex, month, stands),
    ]
    block = builder.add(Kind.SHELL, lambda: [f"shell:{name}" for name in _shell_names(builder, halls)], columns, terms)
    stocks = builder.book.stocks(Stock.HALLS, site, names.site)
    builder.book.stock_uses.add(block.numbers, stocks, 1.0, month, last)
    for name in dict.fromkeys(names.sites[site].tolist()):
        builder.book.stock_needs(builder.book.stock(Stock.HALLS, name), builder.book.resource(Family.HALL, name), -1.0)
    return block


def _limits(builder: CandidateBuilder, halls: Columns, block: Block) -> None:
    """Halls within the site's critical IT (if open), within the pace of building, within what mining leaves."""
    outlook, name, book = builder.outlook, builder.names.site, builder.book
    sites, site, numbers = outlook.tables["sites"], halls["site"], block.numbers

    book.uses.add(numbers, book.resources(Family.SITE, site, name, sites.floats("critical_it_mw")[site]), 1.0, 0, 1)
    for openings in builder.of_kind(Kind.OPEN):
        _open_first(builder, halls, block, openings)
    pace = sites.floats("build_mw_per_quarter")[site]
    paced = np.flatnonzero((halls["way"] == NEW) & ~np.isnan(pace))
    if len(paced):
        written = outlook.calendar.written_quarter
        quarter = outlook.calendar.quarter_of(halls["month"][paced])
        resource = book.resources(
            Family.BUILD, (site[paced], quarter), lambda at, month: (name(at), written(month)), pace[paced]
        )
        book.uses.add(numbers[paced], resource, 1.0, 0, 1)
    converted = np.flatnonzero(halls["way"] == CONVERSION)
    if len(converted):
        chosen = halls.take(converted)
        book.uses.add(
            numbers[converted], book.resources(Family.CONVERTIBLE, chosen["site"], name, chosen["upper"]), 1.0, 0, 1
        )
        # A hall stops mining when its conversion begins.
        mining = outlook.tables["mining"]
        load = np.zeros(len(sites))
        load[mining.rows_of("site_id")] = mining.floats("utility_mw")
        resource = book.resources(Family.MINING, chosen["site"], name, load[chosen["site"]])
        book.uses.add(
            numbers[converted], resource, chosen["utility_mw"], chosen["month"] - chosen["lead"], outlook.horizon
        )


def _open_first(builder: CandidateBuilder, halls: Columns, block: Block, openings: Block) -> None:
    """Halls ordered by a month <= critical IT of the site, if it is open by then; what stands needs it open at any
    time."""
    opened, sites, end, name = (
        openings.columns, builder.outlook.tables["sites"], builder.outlook.horizon, builder.names.site
    )
    last = greatest_by(opened["site"], opened["from_month"], len(sites), -1)
    inside = np.flatnonzero(last[halls["site"]] >= 0)
    chosen = halls.take(inside)
    ordered = np.where(chosen["way"] == EXISTING, end, np.maximum(chosen["month"] - chosen["lead"], 0))
    needed = np.minimum(ordered, last[chosen["site"]])

    builder.book.uses.add(
        block.numbers[inside], builder.book.resources(Family.OPEN, chosen["site"], name), 1.0, needed, end
    )
    known = np.flatnonzero(np.isin(opened["site"], chosen["site"]))
    site = opened["site"][known]
    resource = builder.book.resources(Family.OPEN, site, name)
    builder.book.uses.add(
        openings.numbers[known], resource, -sites.floats("critical_it_mw")[site], opened["from_month"][known], end
    )


def _add_closings(builder: CandidateBuilder, halls: Columns, shells: Block) -> None:
    """A MW given up: its residual is recovered, its opex stops, what is not yet written off is written off."""
    outlook = builder.outlook
    pairs = closings(outlook, halls.having(row=np.arange(len(halls))))
    if not len(pairs):
        return
    ending, month, capex, row = pairs["ending"], pairs["month"], pairs["capex_usd_per_mw"], pairs["row"]
    parent = shells.first + row
    last = np.full(len(pairs), outlook.last_month)
    stands, age = last - month, ending - month
    residual = pairs["residual"] * capex
    columns = Columns(
        site=pairs["site"], from_month=ending, to_month=last, unit="MW", upper=pairs["upper"],
        decide_by=np.minimum(ending, outlook.horizon), parent=parent
    )
    running = pairs["opex_usd_per_mw"] + pairs["rent_usd_per_mw"]
    terms = [
        builder.lump(Line.RESALE, residual, ending - 1),
        builder.lump(Line.RESALE, -residual, last - 1),
        builder.schedule(Line.DEPRECIATION, capex, builder.write_off_ended("shell", stands, age), ending - 1),
        builder.running(Line.SITE_OPEX, running, ending, last),
        *builder.loan_ended("shell", capex, stands, age, ending - 1),
    ]

    def ids() -> list[str]:
        names = _shell_names(builder, halls)
        return [
            f"close:{names[at]}#{when}" for at, when in zip(row.tolist(), builder.names.months(ending), strict=True)
        ]

    block = builder.add(Kind.CLOSE, ids, columns, terms)
    builder.book.stock_uses.add(
        block.numbers, builder.book.stocks(Stock.HALLS, pairs["site"], builder.names.site), -1.0, ending, last
    )
    builder.end_early(block, [shells])


def closings(outlook: Outlook, halls: Columns) -> Columns:
    """Halls (column month, and others that are kept) with each ending at which they may be given up: column ending, a
    year old at the least."""
    pairs = halls.with_each(ending=outlook.endings)
    return pairs.take((pairs["ending"] >= pairs["month"] + 12) & (pairs["ending"] < outlook.last_month))

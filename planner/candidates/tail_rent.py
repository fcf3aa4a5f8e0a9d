"""`host` in the tail: a powered MW without a contract after the horizon, rented year by year under tail = rented."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from kernels.lines import Line
from kernels.terms import Term
from planner.candidates.builder import CandidateBuilder
from planner.candidates.columns import Columns
from planner.candidates.firmness import on_its_part
from planner.candidates.kinds import Kind
from planner.candidates.load import energy_terms, legs, power_uses, whole_units
from planner.candidates.outlook import Outlook
from planner.candidates.resources import Family


def add_tail_rent(builder: CandidateBuilder, phases: Columns, paths: Columns) -> None:
    """A MW of hall on each phase, rented in each year after the horizon; the tenant pays energy and demand charges."""
    outlook, sites, names = builder.outlook, builder.outlook.tables["sites"], builder.names
    rows, rent = rented_years(outlook, paths), outlook.case.settings.tail_rent_usd_per_kw_month * 1000.0
    if not len(rows):
        return
    site, start, end = rows["site"], rows["from_month"], rows["to_month"]
    head, _ = legs(builder, rows)
    one, fee = np.full(len(rows), builder.one()), phases["fee_path"][head.phase]
    costs = energy_terms(phases, head, np.zeros(len(rows)), np.ones(len(rows)), one, one, fee)
    terms: list[Term] = [builder.running(Line.TAIL_RENT, np.full(len(rows), rent), start, end)]
    terms += [term for term in costs if term.line is Line.FEES]
    columns = Columns(
        site=site, phase=rows["head"], from_month=start, to_month=end, unit="MW",
        upper=sites.floats("critical_it_mw")[site], decide_by=outlook.horizon
    )

    def ids() -> Sequence[str]:
        parts = zip(names.sites[site], names.phases[rows["head"]], names.months(start), strict=True)
        return [f"host:tail:{at}:{phase}@{when}" for at, phase, when in parts]

    numbers = builder.add(Kind.HOST, ids, columns, terms).numbers
    builder.book.uses.add(numbers, builder.book.resources(Family.HALL, site, names.site), 1.0, start, end)
    drawn = sites.floats("load_factor")[site] * sites.floats("pue")[site]
    firm = np.zeros(len(rows), dtype=np.int64)
    power_uses(builder, phases, head, numbers, np.ones(len(rows)), drawn, whole_units(start, end), firm)


def rented_years(outlook: Outlook, paths: Columns) -> Columns:
    """Paths (of one phase alone, on its firm part) with each year after the horizon in which they have power: columns
    from_month, to_month; none where the tail is not rented."""
    rented = outlook.tail == "rented" and outlook.case.settings.tail_rent_usd_per_kw_month > 0.0
    rows = paths.with_each(from_month=np.arange(outlook.horizon, outlook.months if rented else outlook.horizon, 12))
    # A contract that ends within the year is rented up to its end.
    rows = rows.having(to_month=np.minimum(rows["from_month"] + 12, rows["end_head"]))
    rows = rows.take((rows["from_month"] >= rows["from_head"]) & (rows["from_month"] < rows["to_month"]))
    return on_its_part(outlook, rows)

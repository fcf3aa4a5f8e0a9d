"""`mine`: a MW of mining load kept running over a step, drawing on a phase of its site."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np

from kernels.lines import Line
from kernels.terms import Term, WindowTerm
from planner.arrays import Floats, Ints
from planner.candidates.builder import CandidateBuilder
from planner.candidates.columns import Columns
from planner.candidates.firmness import PART, on_its_part
from planner.candidates.kinds import Kind
from planner.candidates.lease_terms import path_by_row
from planner.candidates.load import energy_terms, legs, power_uses, whole_units
from planner.candidates.market import full_energy
from planner.candidates.outlook import Outlook
from planner.candidates.power_paths import served_path
from planner.candidates.resources import Family


def usd_per_mwh(hashprice_usd_per_ph_day: Floats, joules_per_th: float) -> Floats:
    """Mining income per MWh: one MW runs 1e6 / J-per-TH TH/s = 1e3 / J-per-TH PH/s, paid per day of 24 hours."""
    return hashprice_usd_per_ph_day / (0.024 * joules_per_th)


def add_mining(builder: CandidateBuilder, phases: Columns, paths: Columns) -> None:
    """Mining load on each live phase of its site, step by step; it stops with the horizon. Paths of one phase alone."""
    outlook, mining, names = builder.outlook, builder.outlook.tables["mining"], builder.names
    mines = Columns(mine=np.arange(len(mining)), site=mining.rows_of("site_id"))
    rows = mines.joined(paths, "site").with_each(
        from_month=outlook.windows["from_month"], to_month=outlook.windows["to_month"]
    )
    rows = rows.take((rows["from_month"] >= rows["from_head"]) & (rows["to_month"] <= rows["end_head"]))
    rows = on_its_part(outlook, rows)
    if not len(rows):
        return
    mine, site, start, stop = rows["mine"], rows["site"], rows["from_month"], rows["to_month"]
    cut = rows["interruptible"]
    head, _ = legs(builder, rows)
    uptime, most = mining.floats("uptime")[mine], mining.floats("utility_mw")[mine]
    income = np.array([_income_path(builder, row) for row in range(len(mining))], dtype=np.int64)[mine]
    income, hours = (_served(builder, rows, path) for path in (income, np.full(len(rows), builder.hours())))
    end = builder.events.at(stop)
    # A mining MW is contracted power, not critical IT: it needs one MW of its phase whatever the phase's ratio.
    it_mw = 1.0 / phases["mw_per_it_mw"][head.phase]
    one, fee = np.full(len(rows), builder.one()), phases["fee_path"][head.phase]
    energy = full_energy(phases, head.phase, cut)
    terms: list[Term] = [
        WindowTerm(Line.MINING, uptime, income, head.start_event, end),
        WindowTerm(
            Line.UPKEEP, -uptime * mining.floats("opex_usd_per_mwh")[mine], hours, head.start_event, end,
        ),
        *energy_terms(phases, head, uptime, it_mw, energy, one, fee),
    ]
    columns = Columns(
        site=site, phase=rows["head"], interruptible=cut, from_month=start, to_month=stop, unit="MW", upper=most,
        decide_by=start,
    )

    def ids() -> Sequence[str]:
        parts = zip(
            names.sites[site], names.phases[rows["head"]], PART[cut].tolist(), names.months(start), strict=True
        )
        return [f"mine:{at}:{phase}{part}@{when}" for at, phase, part, when in parts]

    numbers = builder.add(Kind.MINE, ids, columns, terms).numbers
    load = builder.book.resources(Family.MINING, site, names.site, most)
    builder.book.uses.add(numbers, load, 1.0, start, stop)
    power_uses(builder, phases, head, numbers, it_mw, uptime, whole_units(start, stop), cut)


def _served(builder: CandidateBuilder, rows: Columns, paths: Ints) -> Ints:
    """The path of each row in the hours in which its part of its phase has power."""
    cut, found = np.flatnonzero(rows["interruptible"]), paths.copy()
    found[cut] = path_by_row([rows["head"][cut], paths[cut]], partial(served_path, builder))
    return found


def _income_path(builder: CandidateBuilder, row: int) -> int:
    return builder.paths.number(("mining", row), lambda outlook: mining_usd_per_mwh(outlook, row) * outlook.hours)


def mining_usd_per_mwh(outlook: Outlook, mine: int) -> Floats:
    """Income of a mining hall, by its row in the table `mining`, by month, $ per MWh, shape (M,)."""
    row = outlook.tables["mining"].records[mine]
    hashprice = outlook.by_month(row, "hashprice_usd_per_ph_day", "hashprice_curve")
    assert hashprice is not None, "the reader refuses a mining hall without a hashprice"
    return usd_per_mwh(hashprice, row["joules_per_th"])

"""`back`: a MW of a curtailable phase with a battery or an engine behind it, which makes it firm.

A backup stands behind a phase of its site for as long as both are there and the phase may be curtailed, if it may run
for the hours in which that is curtailed. In these hours its energy costs what it is dearer than the phase's; energy
that is cheaper saves nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from kernels.lines import Line
from kernels.terms import WindowTerm
from planner.arrays import Floats, Ints
from planner.candidates.builder import CandidateBuilder
from planner.candidates.columns import Columns, codes_of
from planner.candidates.firmness import backed_pairs, curtailed_share
from planner.candidates.kinds import Kind
from planner.candidates.outlook import Outlook
from planner.candidates.phases import sign_months
from planner.candidates.power_costs import energy_path
from planner.candidates.resources import Family, Stock


def add_backing(builder: CandidateBuilder) -> None:
    """Every phase that may be curtailed with every backup of its site that can stand behind it."""
    outlook, book, names = builder.outlook, builder.book, builder.names
    power = outlook.tables["power"]
    rows = backed_pairs(outlook)
    if not len(rows):
        return
    phase, backup, start, end = (rows[name] for name in ("phase", "backup", "start", "end"))
    columns = Columns(
        site=power.rows_of("site_id")[phase], phase=phase, then=backup, from_month=start, to_month=end, unit="MW",
        upper=((1.0 - power.floats("firm_share")) * power.floats("guaranteed_mw"))[phase],
        decide_by=sign_months(outlook)[backup],
    )

    def ids() -> Sequence[str]:
        return [f"back:{names.phases[of]}>{names.phases[by]}" for of, by in zip(phase, backup, strict=True)]

    begins = builder.events.after(start, phase, backup, end)
    block = builder.add(
        Kind.BACK, ids, columns,
        [WindowTerm(Line.ENERGY, -_drawn(outlook, phase), _paths(builder, rows), begins, builder.events.at(end))],
    )
    for family, sign in ((Family.FIRM, -1.0), (Family.CURTAILABLE, 1.0)):
        book.uses.add(block.numbers, book.resources(family, phase, names.phase), sign, start, end)
    book.uses.add(block.numbers, book.resources(Family.BACKUP, backup, names.phase), 1.0, start, end)
    for number in np.unique(backup).tolist():
        stands = book.resource(Family.BACKUP, names.phase(number))
        firms = float(power.floats("firms_mw_per_mw")[number])
        book.stock_needs(book.stock(Stock.POWER, names.phase(number)), stands, -firms)


def _drawn(outlook: Outlook, phase: Ints) -> Floats:
    """Mean MW drawn by a contracted MW in use of some phases."""
    power, sites = outlook.tables["power"], outlook.tables["sites"]
    site = power.rows_of("site_id")[phase]
    drawn: Floats = (sites.floats("load_factor") * sites.floats("pue"))[site] / power.floats("mw_per_it_mw")[phase]
    return drawn


def _paths(builder: CandidateBuilder, rows: Columns) -> Ints:
    """Path of what the energy of a MW drawn costs in curtailed hours beyond that of the phase."""
    codes, first = codes_of([rows["phase"], rows["backup"]])
    pairs = zip(rows["phase"][first].tolist(), rows["backup"][first].tolist(), strict=True)
    return np.array([_dearer(builder, *pair) for pair in pairs], dtype=np.int64)[codes]


def _dearer(builder: CandidateBuilder, phase: int, backup: int) -> int:
    own, other = (
        builder.paths.recipe(energy_path(builder, at, tenant_pays_fuel=False)) for at in (phase, backup)
    )
    share = float(curtailed_share(builder.outlook)[phase])
    return builder.paths.number(
        ("dearer", phase, backup), lambda outlook: share * np.maximum(other(outlook) - own(outlook), 0.0)
    )



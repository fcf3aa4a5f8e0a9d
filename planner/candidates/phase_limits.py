"""What MW of a phase may be contracted: if its site is open, from a least amount on, in whole steps; and `take`, which decides that."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from kernels.lines import Line
from planner.arrays import Floats, Ints
from planner.candidates.columns import Columns, stacked
from planner.candidates.kinds import Kind
from planner.candidates.phases import commit_months, step_mw, unit_mw
from planner.candidates.resources import Family
from planner.candidates.workshop import Block, Workshop

IF_OPEN, IF_TAKEN, IN_STEPS = " if open", " if taken", " in steps"
"""What a limit on a phase depends on, after its name."""
STEPS = ":steps"
"""After the name of a phase, the whole steps contracted beyond what was contracted before the start."""


def add_offers(shop: Workshop, phases: Block) -> None:
    """contracted[p] <= guaranteed[p] x opened by its signing[site], where the site has an opening decision."""
    openings = [block.columns.only("site", "from_month").having(number=block.numbers) for block in shop.of_kind(Kind.OPEN)]
    if not openings:
        return
    opened, power = stacked(openings), shop.outlook.tables["power"]
    site = power.rows_of("site_id")
    rows = np.flatnonzero(np.isin(site, opened["site"]))

    def offers(phase: Ints) -> Ints:
        return shop.book.resources(Family.OFFER, phase, _named(shop, IF_OPEN))

    shop.book.uses.add(phases.numbers[rows], offers(rows), unit_mw(shop.outlook)[rows], 0, 1)
    # A phase is signed at a site that is open by then.
    pairs = Columns(site=site[rows], phase=rows, signed=commit_months(shop.outlook)[rows]).joined(opened, "site")
    pairs = pairs.take(pairs["from_month"] <= pairs["signed"])
    shop.book.uses.add(pairs["number"], offers(pairs["phase"]), -power.floats("guaranteed_mw")[pairs["phase"]], 0, 1)


def add_takes(shop: Workshop, phases: Block) -> None:
    """Least amounts, and steps beyond what is contracted already; what is contracted already is a fact of its own."""
    _add_least(shop, phases)
    _add_steps(shop, phases)


def _named(shop: Workshop, tied: str = "") -> Callable[[int], str]:
    return lambda phase: shop.names.phase(phase) + tied


def _add_least(shop: Workshop, phases: Block) -> None:
    """(min[p] - committed[p]) x take[p] <= contracted[p] - committed[p] <= (guaranteed[p] - committed[p]) x take[p]."""
    power = shop.outlook.tables["power"]
    short_of_least = power.floats("min_mw") - power.floats("committed_mw")
    rows = np.flatnonzero((short_of_least > 0.0) & ~power.flags("lumpy"))
    if not len(rows):
        return
    committed, size = power.floats("committed_mw")[rows], unit_mw(shop.outlook)[rows]
    takes = _whole(shop, rows, np.ones(len(rows)), "")
    most = shop.book.resources(Family.OFFER, rows, _named(shop, IF_TAKEN), committed)
    least = shop.book.resources(Family.LEAST_POWER, rows, _named(shop), -committed)
    for resource, sign, bound in ((most, 1.0, power.floats("guaranteed_mw")[rows] - committed), (least, -1.0, short_of_least[rows])):
        shop.book.uses.add(phases.numbers[rows], resource, sign * size, 0, 1)
        shop.book.uses.add(takes.numbers, resource, -sign * bound, 0, 1)


def _add_steps(shop: Workshop, phases: Block) -> None:
    """contracted[p] - committed[p] = step[p] x steps[p], a whole number, where something is contracted already."""
    power, step = shop.outlook.tables["power"], step_mw(shop.outlook)
    committed, guaranteed = power.floats("committed_mw"), power.floats("guaranteed_mw")
    rows = np.flatnonzero(~np.isnan(step) & (committed > 0.0) & (committed < guaranteed))
    if not len(rows):
        return
    step, committed = step[rows], committed[rows]
    most = np.floor((guaranteed[rows] - committed) / step + 1e-9)
    steps = _whole(shop, rows, most, STEPS)
    above = shop.book.resources(Family.OFFER, rows, _named(shop, IN_STEPS), committed)
    below = shop.book.resources(Family.LEAST_POWER, rows, _named(shop, IN_STEPS), -committed)
    for resource, sign in ((above, 1.0), (below, -1.0)):
        shop.book.uses.add(phases.numbers[rows], resource, np.full(len(rows), sign), 0, 1)
        shop.book.uses.add(steps.numbers, resource, -sign * step, 0, 1)


def _whole(shop: Workshop, phases: Ints, most: Floats, after_name: str) -> Block:
    """Whole decisions about phases, without cash of their own."""
    columns = Columns(site=shop.outlook.tables["power"].rows_of("site_id")[phases], phase=phases, unit="0/1", upper=most, integral=True)

    def ids() -> Sequence[str]:
        return [f"take:{shop.names.phases[phase]}{after_name}" for phase in phases]

    return shop.add(Kind.TAKE, ids, columns, [shop.lump(Line.CAPEX, np.zeros(len(phases)), np.zeros(len(phases), dtype=np.int64))])

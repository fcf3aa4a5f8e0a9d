"""What MW of a phase may be contracted: if its site is open, from a least amount on, in whole steps; and `take`, which
decides that."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from kernels.lines import Line
from planner.arrays import Floats, Ints
from planner.candidates.builder import Block, CandidateBuilder
from planner.candidates.columns import Columns, stacked
from planner.candidates.kinds import Kind
from planner.candidates.phases import commit_months, sign_months, step_mw, unit_mw
from planner.candidates.resources import Family

IF_OPEN, IF_TAKEN, IN_STEPS = " if open", " if taken", " in steps"
"""What a limit on a phase depends on, after its name."""
STEPS = ":steps"
"""After the name of a phase, the whole steps contracted beyond what was contracted before the start."""


def add_offers(builder: CandidateBuilder, phases: Block) -> None:
    """contracted[p] <= guaranteed[p] x opened by its signing[site], where the site has an opening decision."""
    openings = [
        block.columns.only("site", "from_month").having(number=block.numbers) for block in builder.of_kind(Kind.OPEN)
    ]
    if not openings:
        return
    opened, power = stacked(openings), builder.outlook.tables["power"]
    site = power.rows_of("site_id")
    rows = np.flatnonzero(np.isin(site, opened["site"]))

    def offers(phase: Ints) -> Ints:
        return builder.book.resources(Family.OFFER, phase, _named(builder, IF_OPEN))

    builder.book.uses.add(phases.numbers[rows], offers(rows), unit_mw(builder.outlook)[rows], 0, 1)
    # A phase is signed at a site that is open by then.
    pairs = Columns(site=site[rows], phase=rows, signed=commit_months(builder.outlook)[rows]).joined(opened, "site")
    pairs = pairs.take(pairs["from_month"] <= pairs["signed"])
    builder.book.uses.add(pairs["number"], offers(pairs["phase"]), -power.floats("guaranteed_mw")[pairs["phase"]], 0, 1)


def add_takes(builder: CandidateBuilder, phases: Block) -> None:
    """Least amounts, and steps beyond what is contracted already; what is contracted already is a fact of its own."""
    _add_least(builder, phases)
    _add_steps(builder, phases)


def _named(builder: CandidateBuilder, tied: str = "") -> Callable[[int], str]:
    return lambda phase: builder.names.phase(phase) + tied


def _add_least(builder: CandidateBuilder, phases: Block) -> None:
    """(min[p] - committed[p]) x take[p] <= contracted[p] - committed[p] <= (guaranteed[p] - committed[p]) x take[p]."""
    power = builder.outlook.tables["power"]
    short_of_least = power.floats("min_mw") - power.floats("committed_mw")
    rows = np.flatnonzero((short_of_least > 0.0) & ~power.flags("lumpy"))
    if not len(rows):
        return
    committed, size = power.floats("committed_mw")[rows], unit_mw(builder.outlook)[rows]
    takes = _whole(builder, rows, np.ones(len(rows)), "")
    most = builder.book.resources(Family.OFFER, rows, _named(builder, IF_TAKEN), committed)
    least = builder.book.resources(Family.LEAST_POWER, rows, _named(builder), -committed)
    for resource, sign, bound in (
        (most, 1.0, power.floats("guaranteed_mw")[rows] - committed), (least, -1.0, short_of_least[rows])
    ):
        builder.book.uses.add(phases.numbers[rows], resource, sign * size, 0, 1)
        builder.book.uses.add(takes.numbers, resource, -sign * bound, 0, 1)


def _add_steps(builder: CandidateBuilder, phases: Block) -> None:
    """contracted[p] - committed[p] = step[p] x steps[p], a whole number, where something is contracted already."""
    power, step = builder.outlook.tables["power"], step_mw(builder.outlook)
    committed, guaranteed = power.floats("committed_mw"), power.floats("guaranteed_mw")
    rows = np.flatnonzero(~np.isnan(step) & (committed > 0.0) & (committed < guaranteed))
    if not len(rows):
        return
    step, committed = step[rows], committed[rows]
    most = np.floor((guaranteed[rows] - committed) / step + 1e-9)
    steps = _whole(builder, rows, most, STEPS)
    above = builder.book.resources(Family.OFFER, rows, _named(builder, IN_STEPS), committed)
    below = builder.book.resources(Family.LEAST_POWER, rows, _named(builder, IN_STEPS), -committed)
    for resource, sign in ((above, 1.0), (below, -1.0)):
        builder.book.uses.add(phases.numbers[rows], resource, np.full(len(rows), sign), 0, 1)
        builder.book.uses.add(steps.numbers, resource, -sign * step, 0, 1)


def _whole(builder: CandidateBuilder, phases: Ints, most: Floats, after_name: str) -> Block:
    """Whole decisions about phases, without cash of their own."""
    columns = Columns(
        site=builder.outlook.tables["power"].rows_of("site_id")[phases], phase=phases, unit="0/1", upper=most,
        integral=True, steps=int(after_name == STEPS), decide_by=sign_months(builder.outlook)[phases],
    )

    def ids() -> Sequence[str]:
        return [f"take:{builder.names.phases[phase]}{after_name}" for phase in phases]

    return builder.add(
        Kind.TAKE, ids, columns,
        [builder.lump(Line.CAPEX, np.zeros(len(phases)), np.zeros(len(phases), dtype=np.int64))],
    )

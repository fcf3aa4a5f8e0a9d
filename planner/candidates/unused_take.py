"""`short`: MW of a phase's minimum take that are paid for and not drawn."""

from __future__ import annotations

import numpy as np

from kernels.lines import Line
from planner.candidates.builder import CandidateBuilder
from planner.candidates.columns import Columns
from planner.candidates.kinds import Kind
from planner.candidates.outlook import Outlook
from planner.candidates.power_costs import unused_energy_path
from planner.candidates.resources import Family, Stock


def add_unused_takes(builder: CandidateBuilder) -> None:
    """Minimum take: min_take x contracted - drawn <= short, in mean MW of each window; short MW pay their energy.

    What is not drawn never earns: where the price is negative, it costs nothing.
    """
    outlook, power, names = builder.outlook, builder.outlook.tables["power"], builder.names.phases
    share = power.floats("min_take")
    chosen = np.flatnonzero(share > 0.0)
    for at in chosen.tolist():
        least = builder.book.resource(Family.MIN_TAKE, names[at])
        builder.book.stock_needs(builder.book.stock(Stock.POWER, names[at]), least, float(share[at]))
    pairs = take_windows(outlook)
    if not len(pairs):
        return
    phase, start, end = pairs["phase"], pairs["start"], pairs["end"]
    columns = Columns(
        site=power.rows_of("site_id")[phase], phase=phase, from_month=start, to_month=end, unit="MW",
        upper=(share * power.floats("guaranteed_mw"))[phase], decide_by=start,
    )
    energy = np.zeros(len(power), dtype=np.int64)
    energy[chosen] = [unused_energy_path(builder, at) for at in chosen.tolist()]
    written = builder.names.months
    block = builder.add(
        Kind.SHORT, lambda: [f"short:{names[at]}@{when}" for at, when in zip(phase, written(start), strict=True)],
        columns,
        [builder.running(Line.ENERGY, np.full(len(pairs), -1.0), start, end, energy[phase])],
    )
    builder.book.uses.add(
        block.numbers, builder.book.resources(Family.MIN_TAKE, phase, builder.names.phase), -1.0, start, end
    )


def take_windows(outlook: Outlook) -> Columns:
    """Windows in which each phase with a minimum take has power, yearly after the horizon: columns phase, start,
    end."""
    phases = np.flatnonzero(outlook.tables["power"].floats("min_take") > 0.0)
    yearly = np.arange(outlook.horizon, outlook.last_month, 12)
    starts = np.concatenate([outlook.windows["from_month"], yearly])
    ends = np.concatenate([outlook.windows["to_month"], np.minimum(yearly + 12, outlook.last_month)])
    pairs = Columns(phase=phases).with_each(start=starts, end=ends)
    start = np.maximum(pairs["start"], outlook.energised[pairs["phase"]])
    end = np.minimum(pairs["end"], outlook.power_end[pairs["phase"]])
    return pairs.having(start=start, end=end).take(start < end)

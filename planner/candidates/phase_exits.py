"""`exit`: a MW whose contract of power is ended early: the exit fee is paid, fees and upkeep stop, the MW are gone."""

from __future__ import annotations

import numpy as np

from kernels.lines import Line
from kernels.terms import Term, WindowTerm
from planner.arrays import Floats, Ints
from planner.candidates.builder import Block, CandidateBuilder
from planner.candidates.columns import Columns
from planner.candidates.kinds import Kind
from planner.candidates.outlook import Outlook
from planner.candidates.phases import fee_usd_per_mw_month, installed_share, to_be_paid, unit_mw
from planner.candidates.power_costs import fee_paths
from planner.candidates.resources import Family, Stock
from planner.candidates.write_offs import phase_write_off_ended
from planner.case.delays import uncommitted_phases


def exit_months(outlook: Outlook) -> Columns:
    """Months in which the contract of each phase may be ended early: columns phase, month; none without a tail."""
    phases = np.flatnonzero(outlook.tables["power"].given("exit_fee_usd_per_kw") & (outlook.tail != "none"))
    pairs = Columns(phase=phases).with_each(month=outlook.endings)
    month = pairs["month"]
    return pairs.take((month > outlook.energised[pairs["phase"]]) & (month < outlook.power_end[pairs["phase"]]))


def add_exits(builder: CandidateBuilder, phases: Block) -> None:
    """An end at each month in which something may be given up, for each phase that has an exit fee."""
    outlook, power = builder.outlook, builder.outlook.tables["power"]
    pairs = exit_months(outlook)
    if not len(pairs):
        return
    month, phase = pairs["month"], pairs["phase"]
    end, size = outlook.power_end[phase], unit_mw(outlook)
    columns = Columns(
        site=power.rows_of("site_id")[phase], phase=phase, from_month=month, to_month=end, unit="MW", decide_by=month,
        parent=phases.numbers[phase], upper=power.floats("guaranteed_mw")[phase],
    )
    fee = (fee_usd_per_mw_month(outlook) * power.floats("take_or_pay"))[phase]
    installed = installed_share(outlook)
    upkeep = (installed * power.floats("fixed_om_usd_per_kw_month") * 1000.0)[phase]
    cost = (installed * power.floats("capex_usd_per_kw") + power.floats("upfront_usd_per_kw")) * 1000.0
    # Which MW of a phase contracted in part before the start are given up is not known: their write-off runs on.
    ahead = (to_be_paid(outlook) & uncommitted_phases(power)).astype(np.float64)
    terms = [
        builder.lump(Line.FEES, -power.floats("exit_fee_usd_per_kw")[phase] * 1000.0, month - 1),
        *_write_offs(builder, phase, end, month, (cost * ahead)[phase]),
        builder.running(Line.FEES, fee, month, end, fee_paths(builder)[phase]),
        builder.running(Line.UPKEEP, upkeep, month, end),
    ]
    names, written = builder.names.phases, builder.names.months
    block = builder.add(
        Kind.EXIT, lambda: [f"exit:{names[at]}@{when}" for at, when in zip(phase, written(month), strict=True)],
        columns, terms,
    )
    stocks = builder.book.stocks(Stock.POWER, phase, builder.names.phase)
    builder.book.stock_uses.add(block.numbers, stocks, -1.0, month, end)
    ended = builder.book.resources(Family.ENDED, phase, lambda at: f"power {names[at]}")
    builder.book.uses.add(block.numbers, ended, 1.0, 0, 1)
    held, first = np.unique(phase, return_index=True)
    builder.book.uses.add(phases.numbers[held], ended[first], -size[held], 0, 1)


def _write_offs(builder: CandidateBuilder, phase: Ints, end: Ints, month: Ints, cost: Floats) -> list[Term]:
    """What is left of the cost of the MW given up is written off in the last month of their contract."""
    if not np.any(cost):
        return []
    rows = zip(phase.tolist(), end.tolist(), month.tolist(), cost.tolist(), strict=True)
    paths = [phase_write_off_ended(builder, at, last, ends) if usd else builder.one() for at, last, ends, usd in rows]
    none, whole = np.zeros(len(phase), dtype=np.int64), np.full(len(phase), builder.outlook.months)
    return [
        WindowTerm(
            Line.DEPRECIATION, cost, np.array(paths, dtype=np.int64), builder.events.at(none), builder.events.at(whole)
        )
    ]

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
from planner.candidates.phases import deposit_return_months, fee_usd_per_mw_month, installed_share, to_be_paid, unit_mw
from planner.candidates.power_costs import fee_paths
from planner.candidates.resources import Family, Stock
from planner.candidates.write_offs import phase_write_off_ended
from planner.case.delays import uncommitted_phases


def exit_fees_usd_per_mw(outlook: Outlook) -> Floats:
    """What ending a MW of each phase's contract costs in each month, NaN where it cannot be ended, shape (phases, M).

    By the age of the contract where `exit_fees` says so: a fee holds from the first month of its year on, until the
    next. Years are counted from first power in the base case, as the term is.
    """
    power, fees = outlook.tables["power"], outlook.tables["exit_fees"]
    found = np.repeat(power.floats("exit_fee_usd_per_kw")[:, None], outlook.months, axis=1)
    numbers = {phase: at for at, phase in enumerate(zip(power.texts("source_id"), power.texts("phase"), strict=True))}
    years = fees.ints("contract_year")
    for row in np.argsort(years, kind="stable").tolist():
        phase = numbers[fees.texts("source_id")[row], fees.texts("phase")[row]]
        begins = int(outlook.first_power[phase]) + 12 * (int(years[row]) - 1)
        found[phase, max(begins, 0) :] = fees.floats("usd_per_kw")[row]
    return 1000.0 * found


def exit_months(outlook: Outlook) -> Columns:
    """Months in which the contract of each phase may be ended early: columns phase, month; none without a tail."""
    fee = exit_fees_usd_per_mw(outlook)
    phases = np.flatnonzero(~np.isnan(fee).all(axis=1) & (outlook.tail != "none"))
    pairs = Columns(phase=phases).with_each(month=outlook.endings)
    phase, month = pairs["phase"], pairs["month"]
    within = (month > outlook.energised[phase]) & (month < outlook.power_end[phase])
    return pairs.take(within & ~np.isnan(fee[phase, np.minimum(month, outlook.months - 1)]))


def add_exits(builder: CandidateBuilder, phases: Block) -> None:
    """An end at each month in which something may be given up, for each phase that has an exit fee then."""
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
        builder.lump(Line.FEES, -exit_fees_usd_per_mw(outlook)[phase, month], month - 1),
        *_forfeited(builder, phase, month),
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


def _forfeited(builder: CandidateBuilder, phase: Ints, month: Ints) -> list[Term]:
    """The deposit of a MW whose contract ends before it would have come back."""
    outlook = builder.outlook
    returned = deposit_return_months(outlook)[phase]
    late = (returned >= month) & (returned < outlook.last_month)
    usd = 1000.0 * outlook.tables["power"].floats("deposit_usd_per_kw")[phase] * late
    return [builder.lump(Line.DEPOSITS, -usd, np.where(late, returned, 0))] if np.any(usd) else []


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

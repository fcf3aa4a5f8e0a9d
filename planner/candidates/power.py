"""`power`: a MW (or the whole phase, or a step) of a source contracted, and what was paid of it before the start."""

from __future__ import annotations

import numpy as np

from kernels.lines import Line
from kernels.terms import ScheduleTerm, Term, WindowTerm
from planner.arrays import Floats, Ints
from planner.candidates.backup import add_backing
from planner.candidates.builder import Block, CandidateBuilder
from planner.candidates.cash_tables import NO_PHASE
from planner.candidates.columns import Columns
from planner.candidates.firmness import backups, firm_from, has_firm_part
from planner.candidates.kinds import Kind
from planner.candidates.outlook import Outlook
from planner.candidates.overruns import phase_overrun_terms
from planner.candidates.phase_exits import add_exits
from planner.candidates.phase_limits import add_offers, add_takes
from planner.candidates.phases import (
    WITH_FIRST_POWER,
    charges,
    counted_in_steps,
    deposit_return_months,
    fee_start,
    fee_usd_per_mw_month,
    installed_share,
    sign_months,
    to_be_paid,
    unit_mw,
)
from planner.candidates.power_costs import fee_paths
from planner.candidates.resources import Family, Stock
from planner.candidates.unused_take import add_unused_takes
from planner.candidates.write_offs import phase_write_offs


def add_power(builder: CandidateBuilder) -> None:
    """All phases, with what they offer and what they cost."""
    if not len(builder.outlook.tables["power"]):
        return
    phases = _add_phases(builder)
    _add_paid(builder)
    add_offers(builder, phases)
    add_takes(builder, phases)
    add_exits(builder, phases)
    add_unused_takes(builder)
    add_backing(builder)


def _add_phases(builder: CandidateBuilder) -> Block:
    outlook = builder.outlook
    power, count = outlook.tables["power"], len(outlook.tables["power"])
    number, size, integral = np.arange(count), unit_mw(outlook), counted_in_steps(outlook)
    units = power.floats("guaranteed_mw") / size
    start, end = outlook.energised, outlook.power_end
    paid, lead = charges(outlook)
    columns = Columns(
        site=power.rows_of("site_id"),
        phase=number,
        from_month=start,
        to_month=end,
        unit=np.where(integral, np.where(power.flags("lumpy"), "phase", "step"), "MW").astype(object),
        lower=power.floats("committed_mw"),
        upper=np.where(integral, np.floor(units + 1e-9), units),
        integral=integral,
        decide_by=sign_months(outlook),
    )
    # What is energised was paid for before the start; of the rest, what is contracted already (see _add_paid).
    ahead = to_be_paid(outlook)
    installed = installed_share(outlook) * size
    capex = installed * power.floats("capex_usd_per_kw") * 1000.0 * ahead
    upfront = size * power.floats("upfront_usd_per_kw") * 1000.0 * ahead
    fee = fee_usd_per_mw_month(outlook) * size * power.floats("take_or_pay")
    upkeep = installed * power.floats("fixed_om_usd_per_kw_month") * 1000.0
    damages = size * power.floats("delay_damages_usd_per_kw_month") * 1000.0
    credit = capex * power.floats("tax_credit")
    energised = _energised(builder, number)
    # In a scenario what begins with first power begins when it comes; the contract ends when the plan said.
    ends, begins = builder.events.at(end), builder.events.at(np.zeros(count, dtype=np.int64))
    from_contract = power.texts("fee_from") == "contract"
    fee_begins = np.where(from_contract, builder.events.at(np.maximum(fee_start(outlook), 0)), energised)
    last = builder.events.at(np.full(count, outlook.months))
    terms = [
        builder.spread(Line.CAPEX, -(capex + upfront), paid, lead),
        ScheduleTerm(Line.CREDITS, credit, np.full(count, builder.at_once()), energised),
        WindowTerm(
            Line.DEPRECIATION, capex + upfront, phase_write_offs(builder, number, capex + upfront), begins, last
        ),
        *_deposits(builder, number, size, size * ahead),
        WindowTerm(Line.FEES, -fee, fee_paths(builder), fee_begins, ends),
        WindowTerm(Line.UPKEEP, -upkeep, np.full(count, builder.one()), energised, ends),
        # A phase that its lead makes late is not its supplier's to pay for, and nothing is paid after what is counted.
        WindowTerm(Line.PENALTIES, damages, np.full(count, _counted(builder)), builder.events.at(paid), energised),
        *phase_overrun_terms(builder, number, capex + upfront, credit, paid, lead),
        *builder.loan("power", capex, paid, np.maximum(end - paid, 1)),
    ]
    name = builder.names.phases
    block = builder.add(Kind.POWER, lambda: [f"power:{name[at]}" for at in range(count)], columns, terms)
    stocks = builder.book.stocks(Stock.POWER, number, builder.names.phase)
    builder.book.stock_uses.add(block.numbers, stocks, size, start, end)
    # A phase of which nothing is firm, and nothing can be made so, offers one part alone: all of it.
    parted, backup = (firm_from(outlook) > 0) & has_firm_part(outlook), backups(outlook)
    numbered = zip(stocks.tolist(), name[:-1].tolist(), power.floats("firm_share").tolist(), strict=True)
    for (stock, phase, firm), in_parts, behind in zip(numbered, parted.tolist(), backup.tolist(), strict=True):
        if behind:
            continue
        builder.book.stock_needs(stock, builder.book.resource(Family.PHASE, phase), -1.0)
        if in_parts:
            builder.book.stock_needs(stock, builder.book.resource(Family.FIRM, phase), -firm)
            builder.book.stock_needs(stock, builder.book.resource(Family.CURTAILABLE, phase), firm - 1.0)
    _group_limits(builder, stocks[~backup], power.rows_of("site_id")[~backup])
    return block


def _deposits(builder: CandidateBuilder, phase: Ints, mw: Floats, new_mw: Floats) -> list[Term]:
    """Deposits of some MW of phases: paid for new MW when they are signed, back in their month or with first power."""
    outlook = builder.outlook
    usd = 1000.0 * outlook.tables["power"].floats("deposit_usd_per_kw")[phase]
    if not np.any(usd):
        return []
    returned = deposit_return_months(outlook)[phase]
    # Without a tail nothing comes back after the horizon.
    dated = (returned >= 0) & (returned < outlook.last_month)
    with_power = (returned == WITH_FIRST_POWER) & (outlook.energised[phase] < outlook.last_month)
    return [
        builder.lump(Line.DEPOSITS, -usd * new_mw, sign_months(outlook)[phase]),
        builder.lump(Line.DEPOSITS, usd * mw * dated, np.where(dated, returned, 0)),
        ScheduleTerm(
            Line.DEPOSITS, usd * new_mw * with_power, np.full(len(phase), builder.at_once()),
            _energised(builder, phase),
        ),
    ]


def _energised(builder: CandidateBuilder, phase: Ints) -> Ints:
    """Events of first power, not before what was promised."""
    none = np.full(len(phase), NO_PHASE)
    return builder.events.after(
        np.maximum(builder.outlook.promised[phase], 0), phase, none, np.full(len(phase), builder.outlook.months)
    )


def _counted(builder: CandidateBuilder) -> int:
    """The path that is 1 in the months that are counted: without a tail, those of the horizon."""

    def recipe(outlook: Outlook) -> Floats:
        return (np.arange(outlook.months) < outlook.last_month).astype(np.float64)

    return builder.paths.number("counted", recipe)


def _add_paid(builder: CandidateBuilder) -> None:
    """`base`, level 1: capex and upfront of the MW contracted before the start were paid then, so they come off."""
    outlook, power = builder.outlook, builder.outlook.tables["power"]
    rows = np.flatnonzero((power.floats("committed_mw") > 0.0) & to_be_paid(outlook))
    if not len(rows):
        return
    mw = power.floats("committed_mw")[rows]
    capex = mw * installed_share(outlook)[rows] * power.floats("capex_usd_per_kw")[rows] * 1000.0
    paid = capex + mw * power.floats("upfront_usd_per_kw")[rows] * 1000.0
    credit = -capex * power.floats("tax_credit")[rows]
    month, lead = (each[rows] for each in charges(outlook))
    none, months = np.zeros(len(rows), dtype=np.int64), np.full(len(rows), outlook.months)
    stands = np.maximum(outlook.power_end[rows] - month, 1)
    terms: list[Term] = [
        *phase_overrun_terms(builder, rows, -paid, credit, month, lead),
        builder.spread(Line.CAPEX, paid, month, lead),
        builder.lump(Line.DEPOSITS, 1000.0 * mw * power.floats("deposit_usd_per_kw")[rows], sign_months(outlook)[rows]),
        # Written off and credited when the phase comes, as what it comes off.
        ScheduleTerm(Line.CREDITS, credit, np.full(len(rows), builder.at_once()), _energised(builder, rows)),
        WindowTerm(
            Line.DEPRECIATION, -paid, phase_write_offs(builder, rows, paid), builder.events.at(none),
            builder.events.at(months),
        ),
        *builder.loan("power", -capex, month, stands),
    ]
    columns = Columns(site=power.rows_of("site_id")[rows], phase=rows, unit="0/1", lower=1.0, upper=1.0)
    name = builder.names.phases
    builder.add(Kind.BASE, lambda: [f"base:paid {name[at]}" for at in rows], columns, terms)


def _group_limits(builder: CandidateBuilder, stocks: Ints, sites: Ints) -> None:
    """Contracted power behind a feed that sites share; backups stand behind the meter."""
    tables = builder.outlook.tables
    limit, group_of = tables["site_groups"].floats("max_contracted_mw"), tables["sites"].rows_of("site_group")
    names = tables["site_groups"].texts("site_group")
    for stock, group in zip(stocks.tolist(), group_of[sites].tolist(), strict=True):
        if group >= 0:
            resource = builder.book.resource(Family.GROUP, names[group], float(limit[group]))
            builder.book.stock_needs(stock, resource, 1.0)

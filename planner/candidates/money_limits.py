"""Limits in money: new capital by quarter, a floor under cumulative cash, the largest share of a customer."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from kernels.lines import INCOME, Line
from planner.arrays import Floats, Ints
from planner.candidates.builder import Block, CandidateBuilder
from planner.candidates.columns import Columns
from planner.candidates.kinds import Kind
from planner.candidates.names import joined
from planner.candidates.outlook import Outlook
from planner.candidates.resources import Family, Stock
from planner.candidates.valuation import Valuation, cash_tables_of

CAPITAL_KINDS = (Kind.OPEN, Kind.SHELL, Kind.POWER, Kind.OWN, Kind.SERVE, Kind.HOST, Kind.FABRIC, Kind.BASE)


def add_raised_capital(builder: CandidateBuilder) -> None:
    """`base`: the capital raised quarter by quarter, level 1; nothing without a budget."""
    if not budgeted(builder.outlook):
        return
    columns = Columns(1, unit="0/1", lower=1.0, upper=1.0)
    block = builder.add(
        Kind.BASE, lambda: ["base:capital raised"], columns,
        [builder.lump(Line.CAPEX, np.zeros(1), np.zeros(1, dtype=np.int64))],
    )
    starts, ends, raised = _quarters(builder.outlook)
    _draw(builder, np.full(len(starts), block.first), -raised, starts, ends)


def add_money_limits(builder: CandidateBuilder) -> Valuation:
    """Enter the limits in money, once every candidate is known; returns the valuation they rest on."""
    valuation = cash_tables_of(builder).under(builder.outlook)
    if budgeted(builder.outlook):
        for block in builder.of_kind(*CAPITAL_KINDS):
            _draw_capital(builder, block, valuation)
    _floor_cash(builder, valuation)
    _limit_customers(builder, valuation)
    return valuation


def budgeted(outlook: Outlook) -> bool:
    """Whether new capital is limited in any quarter."""
    return bool(outlook.tables["budget"].given("new_capital_usd").any())


def _quarters(outlook: Outlook) -> tuple[Ints, Ints, Floats]:
    """First month, end and new capital of each quarter of the horizon."""
    starts = outlook.calendar.quarter_starts
    ends = np.append(starts[1:], outlook.horizon)
    budget = outlook.tables["budget"]
    raised = dict(zip(budget.texts("quarter"), np.nan_to_num(budget.floats("new_capital_usd")).tolist(), strict=True))
    amounts = [raised.get(outlook.calendar.written_quarter(month), 0.0) for month in starts.tolist()]
    return starts, ends, np.array(amounts, dtype=np.float64)


def _draw(builder: CandidateBuilder, candidate: Ints, amount: Floats, start: Ints, end: Ints) -> None:
    """Capital drawn in a quarter: it stays drawn to the horizon, or counts in that quarter alone if nothing carries
    over."""
    if builder.outlook.case.settings.budget_carries_over:
        stock = builder.book.stock(Stock.CAPITAL, "capital")
        if not any(known == stock for known, _, _ in builder.book.per_stock):
            builder.book.stock_needs(stock, builder.book.resource(Family.CAPITAL, "capital"), 1.0)
        stocks = np.full(len(candidate), stock)
        builder.book.stock_uses.add(candidate, stocks, amount, start, np.full(len(candidate), builder.outlook.horizon))
    else:
        resource = builder.book.resource(Family.CAPITAL, "capital of the quarter")
        builder.book.uses.add(candidate, np.full(len(candidate), resource), amount, start, end)


def _draw_capital(builder: CandidateBuilder, block: Block, valuation: Valuation) -> None:
    """Capex, deposits less what of them is back, upfront and opening costs, less prepayments received and debt drawn,
    by quarter."""
    lines = (Line.CAPEX, Line.DEPOSITS, Line.OPENING, Line.PREPAYMENT, Line.DEBT_DRAW)
    if not any(term.line in lines for term in block.terms):
        return
    starts, ends, _ = _quarters(builder.outlook)
    # Prepayments as they are received; what is credited of them month by month is operating cash.
    terms = tuple(
        term for term in block.terms if term.line is not Line.PREPAYMENT or np.all(np.asarray(term.amount) >= 0.0)
    )
    cash = valuation.cash(replace(block, terms=terms), np.arange(len(block)), lines)
    need, moved = -cash.sum(axis=0), np.abs(cash).sum(axis=0)
    by_quarter, gross = (np.add.reduceat(each[:, : builder.outlook.horizon], starts, axis=1) for each in (need, moved))
    by_quarter = without_dust(by_quarter, gross)
    row, quarter = np.nonzero(by_quarter)
    _draw(builder, block.numbers[row], by_quarter[row, quarter], starts[quarter], ends[quarter])


DUST = 1e-12
"""Share of what moved below which a sum is what rounding leaves of amounts that cancel."""


def without_dust(sums: Floats, moved: Floats) -> Floats:
    """Sums with nothing in place of what rounding leaves, so that a solver is not asked to tell it from nothing; any
    shape."""
    return np.where(np.abs(sums) <= DUST * moved, 0.0, sums)


EQUITY = tuple(line for line in Line if line is not Line.DEPRECIATION)


def _floor_cash(builder: CandidateBuilder, valuation: Valuation) -> None:
    """Cumulative after-tax cash with debt service, interest deductible, at the end of each quarter that has a floor.

    A quarter of the tail counts like any other, one beyond it at its end.
    """
    outlook, budget = builder.outlook, builder.outlook.tables["budget"]
    rows = np.flatnonzero(budget.given("cash_floor_usd"))
    if not len(rows):
        return
    quarter = budget.texts("quarter")
    starts = np.array([outlook.calendar.quarter_index(quarter[row]) for row in rows], dtype=np.int64)
    ends = np.minimum(starts + 3, outlook.months)
    resource = builder.book.resources(
        Family.CASH_FLOOR, rows, lambda row: str(quarter[row]), -budget.floats("cash_floor_usd")[rows]
    )
    for block in builder.blocks:
        cash = valuation.cash(block, np.arange(len(block)), EQUITY)
        shield = -outlook.case.settings.tax_rate * cash[EQUITY.index(Line.INTEREST)]
        moved = np.cumsum(np.abs(cash).sum(axis=0), axis=1)[:, ends - 1]
        cumulative = without_dust(np.cumsum(cash.sum(axis=0) + shield, axis=1)[:, ends - 1], moved)
        row, floor = np.nonzero(cumulative)
        builder.book.uses.add(block.numbers[row], resource[floor], -cumulative[row, floor], 0, 1)


def _limit_customers(builder: CandidateBuilder, valuation: Valuation) -> None:
    """Discounted revenue of a customer <= share x discounted revenue of the plan; and of a calendar year, not
    discounted, revenue of the customer <= share x revenue of the plan."""
    customers, yearly = builder.outlook.tables["customers"], builder.outlook.tables["customer_shares"]
    rows = np.flatnonzero(customers.given("max_revenue_share"))
    resource = builder.book.resources(Family.REVENUE_SHARE, rows, builder.names.customer)
    _limit_shares(builder, valuation, resource, rows, customers.floats("max_revenue_share")[rows])
    year, customer, share = yearly.ints("year"), yearly.rows_of("customer_id"), yearly.floats("max_revenue_share")
    for each in np.unique(year).tolist():
        rows = np.flatnonzero(year == each)
        resource = builder.book.resources(
            Family.YEARLY_SHARE, (customer[rows], year[rows]), lambda at, of: (builder.names.customer(at), str(of))
        )
        # Each dollar of its months counts as one, as accounts have it.
        counted = replace(
            valuation, discount=builder.outlook.calendar.in_year(each).astype(np.float64), tax_rate=0.0
        )
        _limit_shares(builder, counted, resource, customer[rows], share[rows])


def greatest_shares(outlook: Outlook) -> dict[tuple[str, str], float]:
    """The greatest share of each limit on a customer's revenue, by the name of its family and its own."""
    customers, yearly = outlook.tables["customers"], outlook.tables["customer_shares"]
    found = {
        (Family.REVENUE_SHARE.name, name): share
        for name, share in zip(
            customers.texts("customer_id"), customers.floats("max_revenue_share").tolist(), strict=True
        )
        if not math.isnan(share)
    }
    shares = zip(
        joined(yearly.texts("customer_id"), yearly.written("year")), yearly.floats("max_revenue_share").tolist(),
        strict=True,
    )
    return found | {(Family.YEARLY_SHARE.name, name): share for name, share in shares}


def _limit_shares(
    builder: CandidateBuilder, counted: Valuation, resource: Ints, customer: Ints, share: Floats
) -> None:
    """Revenue of customers, as a valuation counts it, within their shares of that of the plan; all of shape (n,)."""
    if not len(customer):
        return
    for block in builder.of_kind(Kind.SERVE, Kind.HOST, Kind.RENEW, Kind.SELL, Kind.MINE):
        value = counted.npv(block, INCOME)[:, 0]
        for each, row, most in zip(resource.tolist(), customer.tolist(), share.tolist(), strict=True):
            own = block.columns["customer"] == row
            builder.book.uses.add(block.numbers, each, value * (own - most), 0, 1)

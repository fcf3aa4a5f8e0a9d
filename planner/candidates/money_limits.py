"""Limits in money: new capital by quarter, a floor under cumulative cash, the largest share of a customer."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from kernels.lines import Line
from planner.candidates.outlook import Floats, Ints, Outlook
from planner.candidates.resources import Family, Stock
from planner.candidates.valuation import Valuation, books_of
from planner.candidates.workshop import Block, Workshop

CAPITAL_KINDS = ("open", "shell", "power", "own", "serve", "host", "fabric", "base")


def add_raised_capital(shop: Workshop) -> None:
    """`base`: the capital raised quarter by quarter, level 1; nothing without a budget."""
    if not _budgeted(shop.outlook):
        return
    frame = pd.DataFrame({"candidate_id": ["base:capital raised"], "unit": "0/1", "lower": 1.0, "upper": 1.0})
    block = shop.add("base", frame, [shop.lump(Line.CAPEX, np.zeros(1), np.zeros(1, dtype=np.int64))])
    starts, ends, raised = _quarters(shop.outlook)
    _draw(shop, np.full(len(starts), block.first), -raised, starts, ends)


def add_money_limits(shop: Workshop) -> Valuation:
    """Enter the limits in money, once every candidate is known; returns the valuation they rest on."""
    valuation = books_of(shop).under(shop.outlook)
    if _budgeted(shop.outlook):
        for block in shop.of_kind(*CAPITAL_KINDS):
            _draw_capital(shop, block, valuation)
    _floor_cash(shop, valuation)
    _limit_customers(shop, valuation)
    return valuation


def _budgeted(outlook: Outlook) -> bool:
    return bool(outlook.case.tables["budget"]["new_capital_usd"].notna().any())


def _quarters(outlook: Outlook) -> tuple[Ints, Ints, Floats]:
    """First month, end and new capital of each quarter of the horizon."""
    starts = outlook.calendar.quarter_starts
    ends = np.append(starts[1:], outlook.horizon)
    budget = outlook.case.tables["budget"].dropna(subset=["new_capital_usd"])
    raised = dict(zip(budget["quarter"], budget["new_capital_usd"], strict=True))
    amounts = [float(raised.get(outlook.calendar.written_quarter(int(month)), 0.0)) for month in starts]
    return starts, ends, np.array(amounts)


def _draw(shop: Workshop, candidate: Ints, amount: Floats, start: Ints, end: Ints) -> None:
    """Capital drawn in a quarter: it stays drawn to the horizon, or counts in that quarter alone if nothing carries over."""
    if shop.outlook.case.settings.budget_carries_over:
        stock = shop.book.stock(Stock.CAPITAL, "capital")
        if not any(known == stock for known, _, _ in shop.book.per_stock):
            shop.book.stock_needs(stock, shop.book.resource(Family.CAPITAL, "capital"), 1.0)
        stocks = np.full(len(candidate), stock)
        shop.book.stock_uses.add(candidate, stocks, amount, start, np.full(len(candidate), shop.outlook.horizon))
    else:
        resource = shop.book.resource(Family.CAPITAL, "capital of the quarter")
        shop.book.uses.add(candidate, np.full(len(candidate), resource), amount, start, end)


def _draw_capital(shop: Workshop, block: Block, valuation: Valuation) -> None:
    """Capex, deposits, upfront and opening costs, less prepayments received and debt drawn, by quarter."""
    lines = (Line.CAPEX, Line.OPENING, Line.PREPAYMENT, Line.DEBT_DRAW)
    if not any(term.line in lines for term in block.terms):
        return
    starts, ends, _ = _quarters(shop.outlook)
    # Prepayments as they are received; what is credited of them month by month is operating cash.
    terms = tuple(term for term in block.terms if term.line is not Line.PREPAYMENT or np.all(np.asarray(term.amount) >= 0.0))
    capex, opening, prepaid, drawn = valuation.cash(replace(block, terms=terms), np.arange(len(block)), lines)
    need = -(capex + opening) - prepaid - drawn
    moved = np.abs(capex) + np.abs(opening) + np.abs(prepaid) + np.abs(drawn)
    by_quarter, gross = (np.add.reduceat(each[:, : shop.outlook.horizon], starts, axis=1) for each in (need, moved))
    by_quarter = without_dust(by_quarter, gross)
    row, quarter = np.nonzero(by_quarter)
    _draw(shop, block.numbers[row], by_quarter[row, quarter], starts[quarter], ends[quarter])


DUST = 1e-12
"""Share of what moved below which a sum is what rounding leaves of amounts that cancel."""


def without_dust(sums: Floats, moved: Floats) -> Floats:
    """Sums with nothing in place of what rounding leaves, so that a solver is not asked to tell it from nothing; any shape."""
    return np.where(np.abs(sums) <= DUST * moved, 0.0, sums)


EQUITY = tuple(line for line in Line if line is not Line.DEPRECIATION)


def _floor_cash(shop: Workshop, valuation: Valuation) -> None:
    """Cumulative after-tax cash with debt service, interest deductible, at the end of each quarter that has a floor.

    A quarter of the tail counts like any other, one beyond it at its end.
    """
    outlook = shop.outlook
    floors = outlook.case.tables["budget"].dropna(subset=["cash_floor_usd"])
    if floors.empty:
        return
    starts = floors["quarter"].map(outlook.calendar.quarter_index).to_numpy(np.int64)
    ends = np.minimum(starts + 3, outlook.months)
    names = floors["quarter"]
    resource = shop.book.resources(Family.CASH_FLOOR, names, -floors["cash_floor_usd"].to_numpy(np.float64))
    for block in shop.blocks:
        cash = valuation.cash(block, np.arange(len(block)), EQUITY)
        shield = -outlook.case.settings.tax_rate * cash[EQUITY.index(Line.INTEREST)]
        moved = np.cumsum(np.abs(cash).sum(axis=0), axis=1)[:, ends - 1]
        cumulative = without_dust(np.cumsum(cash.sum(axis=0) + shield, axis=1)[:, ends - 1], moved)
        row, quarter = np.nonzero(cumulative)
        zero = np.zeros(len(row), dtype=np.int64)
        shop.book.uses.add(block.numbers[row], resource[quarter], -cumulative[row, quarter], zero, zero + 1)


INCOME = (Line.REVENUE, Line.MINING, Line.TAIL_RENT)


def _limit_customers(shop: Workshop, valuation: Valuation) -> None:
    """Discounted revenue of a customer <= share x discounted revenue of the plan."""
    customers = shop.outlook.case.tables["customers"].dropna(subset=["max_revenue_share"])
    if customers.empty:
        return
    for block in shop.of_kind("serve", "host", "renew", "sell", "mine"):
        value = valuation.npv(block, INCOME)[:, 0]
        zero = np.zeros(len(block), dtype=np.int64)
        for customer_id, limit in zip(customers["customer_id"], customers["max_revenue_share"], strict=True):
            resource = np.full(len(block), shop.book.resource(Family.REVENUE_SHARE, str(customer_id)))
            own = (block.table["customer_id"] == customer_id).to_numpy()
            shop.book.uses.add(block.numbers, resource, value * (own - float(limit)), zero, zero + 1)

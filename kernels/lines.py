"""The lines of a cash-flow statement, and how each enters cash and tax."""

from __future__ import annotations

from enum import IntEnum


class Line(IntEnum):
    """A line of the statement; money in is positive, money out negative.

    `DEPRECIATION` is no cash: it is the positive write-off that lowers taxable income.
    `DEBT_DRAW`, `INTEREST` and `REPAYMENT` belong to the equity view and to the cash floor alone.
    """

    REVENUE = 0
    PREPAYMENT = 1
    MINING = 2
    TAIL_RENT = 3
    ENERGY = 4
    FEES = 5
    UPKEEP = 6
    SITE_OPEX = 7
    NETWORK = 8
    PENALTIES = 9
    OPENING = 10
    CAPEX = 11
    RESALE = 12
    CREDITS = 13
    TAX = 14
    DEBT_DRAW = 15
    INTEREST = 16
    REPAYMENT = 17
    DEPRECIATION = 18


FINANCING = (Line.DEBT_DRAW, Line.INTEREST, Line.REPAYMENT)
UNTAXED = (Line.PREPAYMENT, Line.CAPEX, Line.CREDITS, Line.TAX, *FINANCING)
UNLEVERED = tuple(line for line in Line if line not in (*FINANCING, Line.DEPRECIATION))
"""Lines whose sum is the unlevered after-tax cash flow."""


def taxable_weight(line: Line) -> float:
    """Share of a line's amount that is taxable income: 1, 0, or -1 for depreciation."""
    if line is Line.DEPRECIATION:
        return -1.0
    return 0.0 if line in UNTAXED else 1.0


def cash_weight(line: Line) -> float:
    """1 for lines of unlevered cash, 0 for depreciation and financing."""
    return 1.0 if line in UNLEVERED else 0.0


def after_tax_weight(line: Line, tax_rate: float, *, equity: bool = False) -> float:
    """What a dollar on the line adds to after-tax cash in the same month, losses used at once.

    Unlevered cash, or with `equity` the cash left after draws, interest (deductible) and repayment.
    """
    if equity and line in FINANCING:
        return 1.0 - tax_rate if line is Line.INTEREST else 1.0
    return cash_weight(line) - tax_rate * taxable_weight(line)

"""The lines of a cash-flow statement, and how each enters cash and tax."""

from __future__ import annotations

from enum import IntEnum


class Line(IntEnum):
    """A line of the statement; money in is positive, money out negative.

    `DEPRECIATION` is no cash: it is the positive write-off that lowers taxable income.
    `DEBT_DRAW`, `INTEREST` and `REPAYMENT` belong to the equity view and to the cash floor alone.
    """

    REVENUE = 0
    SERVICES = 1
    PREPAYMENT = 2
    MINING = 3
    TAIL_RENT = 4
    ENERGY = 5
    FEES = 6
    UPKEEP = 7
    SITE_OPEX = 8
    NETWORK = 9
    PENALTIES = 10
    OPENING = 11
    CAPEX = 12
    DEPOSITS = 13
    RESALE = 14
    CREDITS = 15
    TAX = 16
    DEBT_DRAW = 17
    INTEREST = 18
    REPAYMENT = 19
    DEPRECIATION = 20


INCOME = (Line.REVENUE, Line.SERVICES, Line.MINING, Line.TAIL_RENT)
"""What is earned."""
FINANCING = (Line.DEBT_DRAW, Line.INTEREST, Line.REPAYMENT)
UNTAXED = (Line.PREPAYMENT, Line.CAPEX, Line.DEPOSITS, Line.CREDITS, Line.TAX, *FINANCING)
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

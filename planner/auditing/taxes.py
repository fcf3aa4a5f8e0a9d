"""Tax: on income less cost less what is written off, losses used at once; and with losses carried forward, year by year."""

from __future__ import annotations

from collections import defaultdict

from planner.auditing.book import Book
from planner.auditing.lines import LENDING, OPERATING, TAXED, WRITTEN_OFF
from planner.auditing.months import Months

CARRIED_SHARE = 0.8
"""Share of a year's income that losses of earlier years may offset."""


def post_tax(book: Book, rate: float) -> None:
    """Tax of each site and month; a loss is worth its tax at once."""
    taxable: defaultdict[tuple[str, int], float] = defaultdict(float)
    for (site, line, month), usd in list(book.usd.items()):
        if line in TAXED:
            taxable[site, month] += usd
        elif line == WRITTEN_OFF:
            taxable[site, month] -= usd
    for (site, month), usd in taxable.items():
        book.post(site, "tax", month, -rate * usd)
    for (site, line, month), usd in list(book.gross.items()):
        if line in (*TAXED, WRITTEN_OFF):
            book.gross[site, "tax", month] += rate * usd


def npv(book: Book, months: Months, rate: float) -> float:
    """Discounted sum of all cash before lenders."""
    return sum(usd * months.factor(month, rate) for month, usd in sorted(book.by_month(OPERATING).items()))


def npv_losses_carried(book: Book, months: Months, rate: float, tax_rate: float) -> float:
    """NPV when losses are carried forward: years of twelve months from the start, tax in the last month of each."""
    before_tax = book.by_month(tuple(line for line in OPERATING if line != "tax"))
    income = book.by_month(TAXED)
    for month, usd in book.by_month((WRITTEN_OFF,)).items():
        income[month] = income.get(month, 0.0) - usd
    found = sum(usd * months.factor(month, rate) for month, usd in sorted(before_tax.items()))
    losses = 0.0
    last = max(income, default=-1)
    for first in range(0, last + 1, 12):
        year = sum(income.get(month, 0.0) for month in range(first, first + 12))
        used = min(losses, CARRIED_SHARE * max(year, 0.0))
        losses += max(-year, 0.0) - used
        found -= tax_rate * (max(year, 0.0) - used) * months.factor(first + 11, rate)
    return found


def npv_to_equity(book: Book, months: Months, rate: float, tax_rate: float) -> float:
    """Discounted cash after lenders: draws, repayments and interest, which is deducted for tax."""
    cash = book.by_month((*OPERATING, *LENDING))
    for month, usd in book.by_month(("interest",)).items():
        cash[month] -= tax_rate * usd
    return sum(usd * months.factor(month, rate) for month, usd in sorted(cash.items()))

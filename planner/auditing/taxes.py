"""Tax: on income less cost less what is written off, losses used at once; and with losses carried forward, year by
year."""

from __future__ import annotations

from collections import defaultdict

from planner.auditing.book import Book
from planner.auditing.lines import LENDING, OPERATING, TAXED, WRITTEN_OFF
from planner.auditing.months import Months

CARRIED_SHARE = 0.8
"""Share of a year's income that losses of earlier years may offset."""

NOTHING = 1e-9
"""Share of a tax year's largest part below which another part of it holds what rounding leaves."""


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
    """NPV when losses are carried forward, in tax years of twelve months from the start; see `_tax_month` for when each
    is paid."""
    before_tax = book.by_month(tuple(line for line in OPERATING if line != "tax"))
    income = book.by_month(TAXED)
    for month, usd in book.by_month((WRITTEN_OFF,)).items():
        income[month] = income.get(month, 0.0) - usd
    found = sum(usd * months.factor(month, rate) for month, usd in sorted(before_tax.items()))
    losses = 0.0
    for first in range(0, max(income, default=-1) + 1, 12):
        year = sum(income.get(month, 0.0) for month in range(first, first + 12))
        used = min(losses, CARRIED_SHARE * max(year, 0.0))
        losses += max(-year, 0.0) - used
        found -= tax_rate * (max(year, 0.0) - used) * months.factor(_tax_month(income, months, first), rate)
    return found


def _tax_month(income: dict[int, float], months: Months, first: int) -> int:
    """Month in which the tax of a year falls: its last, or where it reaches into the tail, whose years are discounted
    at their middles, the last of those parts that has any income."""
    parts: dict[int, float] = {}
    ends: dict[int, int] = {}
    for month in range(first, first + 12):
        part = -1 if month < months.horizon else months.period(month)
        parts[part] = parts.get(part, 0.0) + income.get(month, 0.0)
        ends[part] = month
    most = max(abs(usd) for usd in parts.values())
    with_any = [part for part, usd in parts.items() if abs(usd) > NOTHING * most]
    return ends[max(with_any)] if with_any else first + 11


def npv_to_equity(book: Book, months: Months, rate: float, tax_rate: float) -> float:
    """Discounted cash after lenders: draws, repayments and interest, which is deducted for tax."""
    cash = book.by_month((*OPERATING, *LENDING))
    for month, usd in book.by_month(("interest",)).items():
        cash[month] -= tax_rate * usd
    return sum(usd * months.factor(month, rate) for month, usd in sorted(cash.items()))

"""Limits of money: new capital by quarter, floors under cumulative cash, the share of one customer."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from planner.auditing.book import Book
from planner.auditing.books import Books
from planner.auditing.limits.check import Check
from planner.auditing.lines import LENDING, OPERATING
from planner.auditing.published import Published

DUST = 1e-6
"""Share of what moved that the scale of a difference is at least: below the tolerance of it sums cancel to rounding."""


def money_checks(run: Published, books: Books) -> Iterator[Check]:
    """Every limit of the budget and of the customers."""
    yield from _capital(run, books)
    yield from _floors(run, books)
    yield from _shares(run, books)


def _capital(run: Published, books: Books) -> Iterator[Check]:
    """Capex, deposits, upfront and opening costs, less prepayments received and debt drawn, out of what is raised, up
    to the horizon."""
    raised = {
        run.months.index(row["quarter"]): float(row["new_capital_usd"]) for row in run.case["budget"]
        if row["new_capital_usd"] is not None
    }
    if not raised:
        return
    needed: defaultdict[int, float] = defaultdict(float)
    moved: defaultdict[int, float] = defaultdict(float)  # against which what is left of sums that cancel is dust
    for (site, line, month), usd in books.book.usd.items():
        if line in ("capex", "deposits", "opening", "debt_draw") and month < run.settings.months:
            needed[run.months.quarter_start(month)] -= usd
            moved[run.months.quarter_start(month)] += books.book.gross[site, line, month]
    for account in books.accounts.values():
        if account.received_month < run.settings.months:
            needed[run.months.quarter_start(account.received_month)] -= account.received
            moved[run.months.quarter_start(account.received_month)] += abs(account.received)
    if run.settings.budget_carries_over:
        used = pot = 0.0
        for quarter in sorted({*needed, *raised}):
            used, pot = used + needed[quarter], pot + raised.get(quarter, 0.0)
            yield Check("new capital", "carried over", quarter, used, pot)
    else:
        for quarter in sorted(needed):
            limit = raised.get(quarter, 0.0)
            yield Check("new capital", "of its quarter", quarter, needed[quarter], limit, of=DUST * moved[quarter])


def cumulative_cash(book: Book, tax_rate: float) -> dict[int, float]:
    """After-tax cash with lenders, interest deducted for tax, summed up to each month that has any."""
    cash = book.by_month((*OPERATING, *LENDING))
    for month, usd in book.by_month(("interest",)).items():
        cash[month] -= tax_rate * usd
    found, total = {}, 0.0
    for month in sorted(cash):
        total += cash[month]
        found[month] = total
    return found


def _floors(run: Published, books: Books) -> Iterator[Check]:
    cash = cumulative_cash(books.book, run.settings.tax_rate)
    months = sorted(cash)
    for row in run.case["budget"]:
        if row["cash_floor_usd"] is None:
            continue
        quarter = run.months.index(row["quarter"])
        before = [month for month in months if month <= quarter + 2]
        held = cash[before[-1]] if before else 0.0
        yield Check("cash floor", str(row["quarter"]), quarter, held, float(row["cash_floor_usd"]), least=True)


def _shares(run: Published, books: Books) -> Iterator[Check]:
    """Discounted revenue of a customer against that of the plan, and its revenue of a calendar year against the plan's
    of that year."""
    of: defaultdict[tuple[str, int], float] = defaultdict(float)
    whole: defaultdict[int, float] = defaultdict(float)
    for contract in books.contracts:
        account = books.accounts[contract.holding.name]
        for month, usd in (*account.earned.items(), *account.services.items()):
            of[str(contract.lease["customer_id"]), month] += usd
    for (_, line, month), usd in books.book.usd.items():
        if line in ("revenue", "services", "mining", "tail_rent"):
            whole[month] += usd
    worth = {month: run.months.factor(month, run.settings.discount_rate) for month in whole}
    for row in run.case["customers"]:
        name = str(row["customer_id"])
        own = sum(usd * worth[month] for (customer, month), usd in of.items() if customer == name)
        if row["max_revenue_share"] is not None and own:
            earned = sum(usd * worth[month] for month, usd in whole.items())
            yield Check("share of a customer", name, None, own, float(row["max_revenue_share"]) * earned)
    for row in run.case["customer_shares"]:
        name, year = str(row["customer_id"]), int(row["year"])
        own = sum(usd for (customer, month), usd in of.items() if customer == name and run.months.year(month) == year)
        if own:
            earned = sum(usd for month, usd in whole.items() if run.months.year(month) == year)
            yield Check(
                "share of a customer in a year", f"{name} {year}", None, own, float(row["max_revenue_share"]) * earned
            )

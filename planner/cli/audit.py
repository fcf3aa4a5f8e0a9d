"""`planner audit`: whether a run's money and limits hold by a ledger that does not share the planner's code."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import typer

from planner.cli.options import AsJson, PlannedCase, RunFolder
from planner.cli.terminal import show, table_of

if TYPE_CHECKING:
    from rich.console import Console

    from planner.auditing.agreement import Agreement
    from planner.auditing.limits.check import Check

DISAGREES = 1
WORTHS = {
    "npv_usd": "NPV", "npv_losses_carried_usd": "NPV with losses carried forward", "equity_npv_usd": "NPV to equity"
}


def audit(
    run: RunFolder,
    case: PlannedCase = None,
    as_json: AsJson = False,
) -> None:
    """Keep the books of a run a second time, from its tables and its case alone, and say whether they agree.

    Every line of cash at every site in every month, the NPVs, every limit and what can neither be made nor lost
    (write-offs, loans, prepayments) are computed by code that shares nothing with the planner's. Exit code 0 if all
    agrees, 1 if not.

    Example: planner audit runs/base
    """
    from planner.auditing.agreement import audit as audited
    from planner.auditing.summary import record_of
    from planner.cli.terminal import output

    found = audited(run, case)
    if as_json:
        typer.echo(json.dumps(record_of(found), indent=2, allow_nan=False))
    else:
        _print(found, output())
    if not found.agrees:
        raise typer.Exit(DISAGREES)


def _print(found: Agreement, console: Console) -> None:
    _print_lines(found, console)
    _print_limits(found, console)
    _print_laws(found, console)
    for worth in found.worths:
        same = "the same" if worth.agrees else "NOT THE SAME"
        console.print(
            f"{WORTHS[worth.name]}: {_cents(worth.published_usd)} published, {_cents(worth.books_usd)} in the ledger: "
            f"{same}",
            highlight=False, markup=False,
        )
    cells, checks, laws = (len(each) for each in (found.cells, found.checks, found.laws))
    looked = f"{cells:,} amounts of cash, {checks:,} limits and {laws:,} balances were kept a second time"
    if found.agrees:
        console.print(f"agrees: {looked}, and all agree to 1e-9", highlight=False, markup=False)
    else:
        console.print(
            f"DOES NOT AGREE: {looked}; apart are {', '.join(found.disagreements)}", highlight=False, markup=False
        )


def _print_lines(found: Agreement, console: Console) -> None:
    from planner.auditing.summary import line_totals

    rows = (
        (
            total.line, _cents(total.published_usd), _cents(total.books_usd), f"{total.cells:,}", _any(total.apart),
            f"{abs(total.furthest.difference_usd):,.2f}",
            f"{total.furthest.site} {found.run.months.written(total.furthest.month)}" if total.apart else "",
        )
        for total in line_totals(found)
    )
    names = ("line", "as published", "in the ledger", "amounts", "apart", "furthest apart", "at")
    show(console, table_of("cash by line over the whole plan, $", names, rows, text=("line", "at")))


def _print_limits(found: Agreement, console: Console) -> None:
    from planner.auditing.summary import family_totals

    def where(check: Check) -> str:
        return check.name if check.month is None else f"{check.name} {found.run.months.written(check.month)}"

    rows = (
        (
            total.family, f"{total.checked:,}", _any(total.broken), f"{total.tightest.use:,.6g}",
            ">=" if total.tightest.least else "<=", f"{total.tightest.limit:,.6g}", where(total.tightest),
        )
        for total in family_totals(found)
    )
    names = ("limit", "checked", "broken", "use", "", "of", "where")
    show(console, table_of("limits, each at its tightest", names, rows, text=("limit", "", "where")))


def _print_laws(found: Agreement, console: Console) -> None:
    from planner.auditing.summary import law_totals

    rows = (
        (
            total.law, f"{total.checked:,}", _any(total.broken),
            f"{law.place}: {law.found:,.2f} for {law.due:,.2f}" if total.broken else "",
        )
        for total, law in ((total, total.furthest) for total in law_totals(found))
    )
    names = ("law", "checked", "broken", "furthest off, at")
    show(console, table_of("what can neither be made nor lost", names, rows, text=("law", "furthest off, at")))


def _any(count: int) -> str:
    return f"{count:,}" if count else ""


def _cents(usd: float) -> str:
    return f"{usd if abs(usd) >= 0.005 else 0.0:,.2f}"

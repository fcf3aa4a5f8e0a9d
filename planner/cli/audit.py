"""`planner audit`: whether a run's money and limits hold by a ledger that does not share the planner's code."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import typer

from planner.cli.options import AsJson, PlannedCase, RunFolder
from planner.cli.terminal import show

if TYPE_CHECKING:
    from rich.console import Console

    from planner.auditing.agreement import Agreement

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
    from rich.table import Table

    from planner.auditing.summary import line_totals

    table = Table(title="cash by line over the whole plan, $", title_justify="left")
    for at, name in enumerate(("line", "as published", "in the ledger", "amounts", "apart", "furthest apart", "at")):
        table.add_column(name, justify="left" if at in (0, 6) else "right", overflow="fold")
    for total in line_totals(found):
        cell = total.furthest
        where = f"{cell.site} {found.run.months.written(cell.month)}" if total.apart else ""
        table.add_row(
            total.line, _cents(total.published_usd), _cents(total.books_usd), f"{total.cells:,}",
            f"{total.apart:,}" if total.apart else "",
            f"{abs(cell.difference_usd):,.2f}", where,
        )
    show(console, table)


def _print_limits(found: Agreement, console: Console) -> None:
    from rich.table import Table

    from planner.auditing.summary import family_totals

    table = Table(title="limits, each at its tightest", title_justify="left")
    for at, name in enumerate(("limit", "checked", "broken", "use", "", "of", "where")):
        table.add_column(name, justify="left" if at in (0, 4, 6) else "right", overflow="fold")
    for total in family_totals(found):
        check = total.tightest
        where = check.name if check.month is None else f"{check.name} {found.run.months.written(check.month)}"
        table.add_row(
            total.family, f"{total.checked:,}", f"{total.broken:,}" if total.broken else "", f"{check.use:,.6g}",
            ">=" if check.least else "<=", f"{check.limit:,.6g}", where,
        )
    show(console, table)


def _print_laws(found: Agreement, console: Console) -> None:
    from rich.table import Table

    from planner.auditing.summary import law_totals

    table = Table(title="what can neither be made nor lost", title_justify="left")
    for at, name in enumerate(("law", "checked", "broken", "furthest off, at")):
        table.add_column(name, justify="left" if at in (0, 3) else "right", overflow="fold")
    for total in law_totals(found):
        law = total.furthest
        table.add_row(
            total.law, f"{total.checked:,}", f"{total.broken:,}" if total.broken else "",
            f"{law.place}: {law.found:,.2f} for {law.due:,.2f}" if total.broken else "",
        )
    show(console, table)


def _cents(usd: float) -> str:
    return f"{usd if abs(usd) >= 0.005 else 0.0:,.2f}"

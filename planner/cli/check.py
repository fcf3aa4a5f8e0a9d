"""`planner check`: all that is wrong with a case, or else what is unusual about it."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

import typer

from planner.cli.options import AsJson, CasePath, Edits

if TYPE_CHECKING:
    from rich.table import Table

    from planner.case.unusual.oddity import Oddity
    from planner.errors import Fault

_BAD_INPUT = 2


def check(
    path: CasePath,
    edits: Edits = None,
    as_json: AsJson = False,
) -> None:
    """Say all that is wrong with a case (exit code 2), or else how large its model becomes and what is unusual about it (exit code 0).

    Example: planner check fixtures/neocloud
    """
    from planner.candidates.outlook import make_outlook
    from planner.candidates.reach.size import estimate
    from planner.candidates.reach.within import written
    from planner.case.read import read_case
    from planner.cli.terminal import output, show
    from planner.errors import CaseError
    from planner.explaining.unusual import unusual
    from planner.runtime.memory import free_memory, written_size

    console = output()
    try:
        case = read_case(path, edits or ())
    except CaseError as error:
        if as_json:
            typer.echo(json.dumps({"faults": [asdict(fault) for fault in error.faults], "oddities": []}))
        else:
            show(console, _fault_table(error.faults))
            console.print(f"{len(error.faults)} to mend in {path}", highlight=False, markup=False, soft_wrap=True)
        raise typer.Exit(_BAD_INPUT) from None
    found = unusual(case)
    size = estimate(make_outlook(case))
    if as_json:
        typer.echo(json.dumps({"faults": [], "oddities": [asdict(oddity) for oddity in found], "source_hash": case.source_hash, "size": size.record()}))
        return
    rows = ", ".join(f"{name} {len(table)}" for name, table in case.tables.items() if len(table))
    console.print(f"{case.settings.name}: nothing wrong (rows: {rows})", highlight=False, markup=False)
    console.print(f"to plan it takes {written(size)}; {written_size(free_memory())} may be used", highlight=False, markup=False)
    if found:
        show(console, _oddity_table(found))


def _fault_table(faults: tuple[Fault, ...]) -> Table:
    table = _table("what is wrong", ("where", "value", "why", "what to do"))
    for fault in faults:
        where = " ".join([fault.file, *([f"row {fault.row}"] if fault.row is not None else []), *([fault.column] if fault.column else [])])
        table.add_row(*(_plain(cell) for cell in (where, fault.value, fault.why, fault.remedy)))
    return table


def _oddity_table(found: list[Oddity]) -> Table:
    table = _table("unusual, though not wrong", ("where", "what", "why it matters", "what to do"))
    for oddity in found:
        where = oddity.file if oddity.row is None else f"{oddity.file} row {oddity.row}"
        table.add_row(*(_plain(cell) for cell in (where, oddity.what, oddity.why, oddity.to_do)))
    return table


def _table(title: str, columns: tuple[str, ...]) -> Table:
    from rich.table import Table

    table = Table(title=title, title_justify="left", show_lines=True)
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def _plain(text: str) -> str:
    """Text in which brackets are no markup."""
    from rich.markup import escape

    return escape(text)

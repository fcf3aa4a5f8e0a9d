"""`planner check`: all that is wrong with a case, or else what is unusual about it."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import typer

from planner.cli.options import AsJson, CasePath, Edits

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.table import Table

    from planner.case.unusual.oddity import Oddity
    from planner.errors import Fault

_BAD_INPUT = 2


def check(
    path: CasePath,
    edits: Edits = None,
    as_json: AsJson = False,
) -> None:
    """Say all that is wrong with a case (exit code 2), or else how large its model becomes and what is unusual about it
    (exit code 0).

    Example: planner check fixtures/neocloud
    """
    from planner.candidates.reach.within import written
    from planner.cli.terminal import output, show
    from planner.explaining.case_check import check as checked
    from planner.runtime.memory import free_memory, written_size

    console = output()
    found = checked(path, edits or ())
    if as_json:
        said: dict[str, Any] = {
            "faults": [asdict(fault) for fault in found.faults],
            "oddities": [asdict(oddity) for oddity in found.oddities],
        }
        if found.case is not None and found.size is not None:
            said |= {"source_hash": found.case.source_hash, "size": found.size.record()}
        typer.echo(json.dumps(said))
    elif found.case is None or found.size is None:
        show(console, _fault_table(found.faults))
        console.print(f"{len(found.faults)} to mend in {path}", highlight=False, markup=False, soft_wrap=True)
    else:
        rows = ", ".join(f"{name} {len(table)}" for name, table in found.case.tables.items() if len(table))
        console.print(f"{found.case.settings.name}: nothing wrong (rows: {rows})", highlight=False, markup=False)
        console.print(
            f"to plan it takes {written(found.size)}; {written_size(free_memory())} may be used", highlight=False,
            markup=False,
        )
        if found.oddities:
            show(console, _oddity_table(found.oddities))
    if not found.sound:
        raise typer.Exit(_BAD_INPUT)


def _fault_table(faults: tuple[Fault, ...]) -> Table:
    def where(fault: Fault) -> str:
        row = [f"row {fault.row}"] if fault.row is not None else []
        return " ".join([fault.file, *row, *([fault.column] if fault.column else [])])

    rows = ((where(fault), fault.value, fault.why, fault.remedy) for fault in faults)
    return _table("what is wrong", ("where", "value", "why", "what to do"), rows)


def _oddity_table(found: tuple[Oddity, ...]) -> Table:
    rows = (
        (each.file if each.row is None else f"{each.file} row {each.row}", each.what, each.why, each.to_do)
        for each in found
    )
    return _table("unusual, though not wrong", ("where", "what", "why it matters", "what to do"), rows)


def _table(title: str, names: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Table:
    from planner.cli.terminal import table_of

    return table_of(title, names, rows, text=names, lines=True)

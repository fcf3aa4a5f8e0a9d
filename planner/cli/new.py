"""`planner new`: write a starting case, or one made up at a given size."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from planner.cli.options import NUMBER, AsJson, Force


def new(
    path: Annotated[Path, typer.Argument(help="folder, or workbook ending in .xlsx, to write")],
    force: Force = False,
    sites: Annotated[
        int | None,
        typer.Option(
            min=1, metavar=NUMBER,
            help="sites of a made-up case; without it the starting case is written",
        ),
    ] = None,
    leases: Annotated[
        int | None, typer.Option(min=1, metavar=NUMBER, help="leases of the made-up case [default: twice the sites]"),
    ] = None,
    skus: Annotated[
        int | None, typer.Option(min=1, metavar=NUMBER, help="GPU SKUs of the made-up case [default: 6]"),
    ] = None,
    months: Annotated[
        int | None, typer.Option(min=1, metavar="MONTHS", help="horizon of the made-up case [default: 60]"),
    ] = None,
    seed: Annotated[
        int | None, typer.Option(min=0, metavar=NUMBER, help="seed of the made-up case [default: 1]"),
    ] = None,
    contracts: Annotated[
        bool,
        typer.Option(
            "--contracts",
            help="give the made-up case tranches, services, goodput and shares of customers too",
        ),
    ] = False,
    curtailable: Annotated[
        bool, typer.Option("--curtailable", help="made-up case with power that comes earlier and may be curtailed"),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Write a starting case to a folder or an .xlsx workbook, with every column explained.

    Examples: planner new mycase; planner new case.xlsx; planner new big --sites 30 --leases 60
    """
    from planner.case.read import read_case
    from planner.case.starting import write_starting_case
    from planner.case.write import write_case
    from planner.case.writing.format_page import format_page
    from planner.errors import PlannerError

    if sites is None:
        given = [
            name for name, value in (
                ("--leases", leases), ("--skus", skus), ("--months", months), ("--seed", seed),
                ("--contracts", contracts or None), ("--curtailable", curtailable or None),
            )
            if value is not None
        ]
        if given:
            raise PlannerError(f"{', '.join(given)} belong to a made-up case; give --sites as well")
        write_starting_case(path, force=force)
    else:
        from planner.case.generate import generate_case

        case = generate_case(
            sites=sites, leases=leases or 2 * sites, skus=skus or 6, months=months or 60,
            seed=1 if seed is None else seed, contracts=contracts, curtailable=curtailable,
        )
        write_case(case, path, notes=format_page(), force=force)
    written = read_case(path)
    rows = {name: len(table) for name, table in written.tables.items() if len(table)}
    if as_json:
        typer.echo(
            json.dumps(
                {"path": str(path), "name": written.settings.name, "source_hash": written.source_hash, "rows": rows}
            )
        )
        return
    typer.echo(f"wrote {path}; rows: " + ", ".join(f"{name} {count}" for name, count in rows.items()))
    typer.echo(f"next: planner check {path}")

"""`planner portfolios`: make portfolios to score."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def portfolios(
    path: Annotated[Path, typer.Argument(help="case: a folder or an .xlsx workbook")],
    plan: Annotated[Path, typer.Option("--plan", help="run whose site packages are combined")],
    out: Annotated[Path, typer.Option("--out", help="Parquet file to write")],
    subsets: Annotated[str, typer.Option(help="sites: all subsets of what the plan puts on each site")] = "sites",
) -> None:
    """Make all subsets of the site packages of a plan.

    Example: planner portfolios fixtures/neocloud --plan runs/base --subsets sites --out p.parquet
    """
    from planner.case.faults import PlannerError
    from planner.scoring.files import write_subsets
    from planner.scoring.from_run import plan_of_run
    from planner.scoring.items import subsets as all_subsets

    if subsets != "sites":
        raise PlannerError(f"--subsets {subsets!r} is not known; sites is")
    from planner.candidates.packages import site_packages

    found = plan_of_run(path, plan)
    bunch = all_subsets(site_packages(found.candidates, found.levels))
    write_subsets(out, bunch, found.candidates, {"case_hash": found.case_hash, "plan": plan.name})
    typer.echo(f"{len(bunch):,} portfolios of {len(bunch.items)} packages written to {out}")

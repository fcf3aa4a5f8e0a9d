"""`planner plan`: the best expansion of a case."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def plan(
    path: Annotated[Path, typer.Argument(help="case: a folder or an .xlsx workbook")],
    out: Annotated[Path | None, typer.Option("--out", help="folder to write the run into")] = None,
    force: Annotated[bool, typer.Option("--force", help="replace the run that is there")] = False,
    edits: Annotated[list[str] | None, typer.Option("--set", help="change the case: table.column[id]=value, *=factor, +=number")] = None,
    stress: Annotated[str | None, typer.Option(help="plan under a named stress of the case")] = None,
    fixes: Annotated[list[str] | None, typer.Option("--fix", help="sites.open[id]=0|1, leases.size[id]=units, power.contracted_mw[source:phase]=MW")] = None,
    excludes: Annotated[list[str] | None, typer.Option("--exclude", help="sites[id], leases[id], gpus[id] or power[source:phase]")] = None,
    base: Annotated[str, typer.Option(help="expected: mean delays and defaults; announced: promised dates, none")] = "expected",
    tail: Annotated[str | None, typer.Option(help="contracted, rented or none [default: the case's]")] = None,
    equity: Annotated[bool, typer.Option("--equity", help="maximise NPV to equity, after debt service")] = False,
    relax: Annotated[bool, typer.Option("--relax", help="treat 0/1 decisions as continuous: a bound, not a plan")] = False,
    solver: Annotated[str, typer.Option(help="highs, cbc or cuopt")] = "highs",
    gap: Annotated[float, typer.Option(min=0.0, help="relative gap at which a plan counts as proven")] = 1e-4,
    time_limit: Annotated[float | None, typer.Option("--time-limit", min=0.0, help="seconds for the solver")] = None,
    threads: Annotated[int | None, typer.Option(min=1, help="threads of the solver")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print plan.json instead of the summary")] = False,
) -> None:
    """Find the best expansion of a case, and prove it.

    Example: planner plan fixtures/neocloud --out runs/base --force
    """
    import json

    from planner.allocator.options import SolverOptions
    from planner.case.read import read_case
    from planner.cli.progress import solving
    from planner.cli.summary import print_summary
    from planner.planning import PlanOptions
    from planner.planning import plan as make_plan
    from planner.run_folder import plan_summary, refuse_other_folders, write_run

    if out is not None:
        refuse_other_folders(out, force=force)
    case = read_case(path)
    with solving(case.settings.name, quiet=as_json, mip=solver == "highs" and not relax) as progress:
        solve = SolverOptions(
            solver=solver, gap=gap, time_limit_s=time_limit, threads=threads, relax=relax, progress=progress
        )
        options = PlanOptions(
            base=base, tail=tail, equity=equity, edits=tuple(edits or ()), stress=stress, fixes=tuple(fixes or ()),
            excludes=tuple(excludes or ()), solver=solve,
        )
        found = make_plan(case, options)
    if out is not None:
        write_run(found, out, force=force)
    if as_json:
        typer.echo(json.dumps(plan_summary(found), indent=2, allow_nan=False))
    else:
        print_summary(found, out)
    if found.status.exit_code:
        raise typer.Exit(found.status.exit_code)

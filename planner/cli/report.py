"""`planner report`: the page and the workbook to take into a meeting."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from planner.cli.options import FOLDER, AsJson, Force, PlannedCase, RunFolder


def report(
    run: RunFolder,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", metavar=FOLDER,
            help="folder to write report.html and report.xlsx into [default: RUN-report]",
        ),
    ] = None,
    force: Force = False,
    compare: Annotated[
        Path | None,
        typer.Option(
            "--compare", metavar="RUN",
            help="another run of planner plan: show what moved from it to this one",
        ),
    ] = None,
    scores: Annotated[
        Path | None, typer.Option("--scores", metavar=FOLDER, help="folder of planner score: show risk and portfolios"),
    ] = None,
    portfolios: Annotated[
        Path | None,
        typer.Option(
            "--portfolios", metavar="PATH",
            help="file of the portfolios scored [default: where the scores say it was]",
        ),
    ] = None,
    sweeps: Annotated[
        list[Path] | None,
        typer.Option(
            "--sweep", metavar=FOLDER,
            help="folder of planner sweep: show NPV as a number or a stress changes; may be repeated",
        ),
    ] = None,
    frontier: Annotated[
        Path | None,
        typer.Option(
            "--frontier", metavar="PATH",
            help="frontier.parquet of planner frontier, or its folder",
        ),
    ] = None,
    quotes: Annotated[
        list[Path] | None,
        typer.Option(
            "--quotes", metavar="PATH",
            help="folder of planner quote, or what its --json printed: show its floors; may be repeated",
        ),
    ] = None,
    policy: Annotated[
        Path | None,
        typer.Option(
            "--policy", metavar=FOLDER,
            help="folder of planner plan --adapt: show what to sign now and what to leave open",
        ),
    ] = None,
    replay: Annotated[
        Path | None,
        typer.Option(
            "--replay", metavar=FOLDER,
            help="folder of planner replay: show how the policy fared over other futures",
        ),
    ] = None,
    case: PlannedCase = None,
    pictures: Annotated[
        str | None, typer.Option("--pictures", metavar="NAME", help="png or svg: also write each figure as a picture"),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write a page (report.html, one file that needs no network) and a workbook (report.xlsx) of a run.

    The workbook calculates, and holds the case: edit its sheets and plan it again with planner plan report.xlsx.

    Example: planner report runs/base --scores runs/scores --out runs/base-report
    """
    import json

    from planner.reporting.page.script import begin_script

    script = begin_script()  # in a process of its own, while everything else is imported and read
    from planner.reporting.report import report as written

    target = run.resolve().with_name(f"{run.resolve().name}-report") if out is None else out
    try:
        made = written(
            run, target, case=case, compare=compare, scores=scores, portfolios=portfolios, sweeps=sweeps or (),
            frontier=frontier, quotes=quotes or (), policy=policy, replay=replay, pictures=pictures, force=force,
            script=script,
        )
    finally:
        script.stop()
    if as_json:
        typer.echo(
            json.dumps(
                {"out": str(target), "status": made.status, "npv_usd": made.npv_usd, "bytes": made.sizes}, indent=2
            )
        )
        return
    for name, size in made.sizes.items():
        typer.echo(f"{_size(size):>8}  {target / name}")


def _size(count: int) -> str:
    return f"{count / 1e6:.1f} MB" if count >= 1e6 else f"{count / 1e3:.0f} kB"

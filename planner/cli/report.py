"""`planner report`: the page and the workbook to take into a meeting."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from planner.cli.options import FOLDER, AsJson, Force, PlannedCase, RunFolder

if TYPE_CHECKING:
    from planner.reporting.findings import Findings
    from planner.reporting.page.page import Beside


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
    from dataclasses import replace

    from planner.reporting.page.script import begin_script

    script = begin_script()  # in a process of its own, while everything else is imported and read
    from planner.reporting.beside_files import read_frontier, read_quotes, read_sweep
    from planner.reporting.findings import findings_of_run
    from planner.reporting.report_folder import refuse_other_reports, write_report

    target = run.resolve().with_name(f"{run.resolve().name}-report") if out is None else out
    try:
        refuse_other_reports(target, force=force)
        found = findings_of_run(run, case)
        beside = _beside(found, compare, case, scores, portfolios)
        beside = replace(
            beside,
            sweeps=tuple(read_sweep(folder, found) for folder in sweeps or ()),
            frontier=None if frontier is None else read_frontier(frontier, found),
            quotes=read_quotes(quotes, found) if quotes else None,
        )
        sizes = write_report(found, beside, target, pictures=pictures, force=force, script=script)
    finally:
        script.stop()
    if as_json:
        typer.echo(json.dumps({"out": str(target), "status": found.summary["status"], "npv_usd": found.summary["npv_usd"], "bytes": sizes}, indent=2))
        return
    for name, size in sizes.items():
        typer.echo(f"{_size(size):>8}  {target / name}")


def _beside(found: Findings, compare: Path | None, case: Path | None, scores: Path | None, portfolios: Path | None) -> Beside:
    """The other run and the scores shown beside the run; what does not fit it is refused."""
    from planner.errors import PlannerError
    from planner.reporting.compare import differences
    from planner.reporting.findings import findings_of_run
    from planner.reporting.page.page import Beside
    from planner.reporting.scored import read_scores

    if portfolios is not None and scores is None:
        raise PlannerError("--portfolios tells what was scored; give the scores too, with --scores")
    before = moved = None
    if compare is not None:
        before = findings_of_run(compare, case)
        if not (before.has_plan and found.has_plan):
            raise PlannerError(f"{compare if not before.has_plan else found.name} holds no plan to compare; leave --compare out")
        moved = differences(before, found)
    return Beside(scored=None if scores is None else read_scores(scores, found, portfolios), before=before, moved=moved)


def _size(count: int) -> str:
    return f"{count / 1e6:.1f} MB" if count >= 1e6 else f"{count / 1e3:.0f} kB"

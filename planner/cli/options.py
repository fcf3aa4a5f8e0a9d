"""Options that more than one verb has: one name, one sentence and one kind of value for each."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from planner.cli.written import share

SHARE, EDIT, SECONDS, SIZE, NUMBER, FILE, FOLDER = "SHARE", "EDIT", "SECONDS", "SIZE", "NUMBER", "FILE", "FOLDER"
"""Kinds of values, as `--help` calls them; the others are USD, MONTH and NAME."""


LEVEL = "level of CVaR: 95% looks at the worst 5% of futures"


def out_into(what: str, more: str = "") -> Any:
    """The folder of a verb's results."""
    return typer.Option("--out", metavar=FOLDER, help=f"folder to write {what} into{more}")


def futures_drawn(why: str) -> Any:
    """How many futures are drawn, and what for."""
    return typer.Option("--scenarios", min=1, metavar=NUMBER, help=f"futures drawn, {why}")


ImportedFutures = Annotated[
    Path | None,
    typer.Option(
        "--futures", metavar=FILE,
        help="paths and weights from elsewhere (Parquet, CSV: factor_id, scenario, month, value, weight) in place "
        "of --scenarios draws",
    ),
]


MeasuredFutures = Annotated[
    str | None,
    typer.Option(
        "--futures", metavar=FILE,
        help="paths and weights from elsewhere (Parquet, CSV: factor_id, scenario, month, value, weight) in place "
        "of --scenarios draws; none: the plan is measured over no futures",
    ),
]
NO_FUTURES = "none"
"""What `--futures` says where a plan is not to be measured over any."""


def tail_level(default: str = "") -> Any:
    """The level of CVaR."""
    return typer.Option("--alpha", parser=share, metavar=SHARE, help=f"{LEVEL}{default}")


def proven_at(default: str = "") -> Any:
    """The gap at which a plan is proven."""
    return typer.Option(
        "--gap", parser=share, metavar=SHARE, help=f"relative gap at which a plan counts as proven{default}"
    )


def sharing(default: str = "") -> Any:
    """How many processes share the work."""
    told = f"processes of this machine that share the work{default}"
    return typer.Option("--workers", min=1, metavar=NUMBER, help=told)


CasePath = Annotated[Path, typer.Argument(help="case: a folder or an .xlsx workbook")]
RunFolder = Annotated[Path, typer.Argument(help="run of planner plan: the folder that it wrote")]
PlannedCase = Annotated[
    Path | None,
    typer.Option(
        "--case", metavar="PATH", help="the case that was planned, if it has moved [default: where the run says it was]"
    ),
]
Force = Annotated[bool, typer.Option("--force", help="replace what is there")]
AsJson = Annotated[bool, typer.Option("--json", help="print JSON, and nothing else, on standard output")]

Edits = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar=EDIT, help="change the case: table.column[id]=value, *=factor, +=number; may be repeated"
    ),
]
Stress = Annotated[str | None, typer.Option("--stress", metavar="NAME", help="under a named stress of the case")]
Fixes = Annotated[
    list[str] | None,
    typer.Option(
        "--fix",
        metavar=EDIT,
        help="decide yourself: sites.open[id]=0|1, leases.size[id]=units, power.contracted_mw[source:phase]=MW; "
        "may be repeated",
    ),
]
Excludes = Annotated[
    list[str] | None,
    typer.Option(
        "--exclude",
        metavar="WHAT",
        help="leave out sites[id], leases[id], gpus[id] or power[source:phase]; may be repeated",
    ),
]
Base = Annotated[
    str,
    typer.Option("--base", metavar="NAME", help="expected: mean delays and defaults; announced: promised dates, none"),
]
Tail = Annotated[
    str | None,
    typer.Option("--tail", metavar="NAME", help="after the horizon: contracted, rented or none [default: the case's]"),
]
Equity = Annotated[bool, typer.Option("--equity", help="maximise NPV to equity, after debt service")]
Relax = Annotated[bool, typer.Option("--relax", help="treat 0/1 decisions as continuous: a bound, not a plan")]

Solver = Annotated[str, typer.Option("--solver", metavar="NAME", help="highs, cbc or cuopt")]
Gap = Annotated[float, proven_at()]
TimeLimit = Annotated[
    float | None,
    typer.Option("--time-limit", min=0.0, metavar=SECONDS, help="seconds for the solver, each time that it is asked"),
]
SolverThreads = Annotated[int | None, typer.Option("--threads", min=1, metavar=NUMBER, help="threads of the solver")]
Memory = Annotated[
    str | None,
    typer.Option(
        "--memory",
        metavar=SIZE,
        help="memory that may be used, such as 64G; a case that would take more is refused before any work "
        "[default: what is free]",
    ),
]

Alpha = Annotated[float, tail_level()]
Draws = Annotated[
    str, typer.Option("--draws", metavar="NAME", help="how futures are drawn: independent, antithetic or sobol")
]
Seed = Annotated[
    int | None, typer.Option("--seed", min=0, metavar=NUMBER, help="seed of the draws [default: the case's]")
]
Device = Annotated[
    str,
    typer.Option(
        "--device",
        metavar="NAME",
        help="where it is computed: auto, cpu or gpu; auto takes an NVIDIA GPU on which a kernel runs",
    ),
]
Workers = Annotated[int | None, sharing()]
Scheduler = Annotated[
    str | None,
    typer.Option(
        "--scheduler",
        metavar="ADDRESS",
        help="share the work among the workers of a Dask scheduler, such as tcp://host:8786",
    ),
]
Resume = Annotated[
    bool, typer.Option("--resume", help="go on with what was interrupted; what is finished is checked and kept")
]

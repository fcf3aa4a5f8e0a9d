"""The command line: verbs, and how errors end."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from planner.cli.alternatives import alternatives
from planner.cli.audit import audit
from planner.cli.bench import bench
from planner.cli.breakeven import breakeven
from planner.cli.check import check
from planner.cli.frontier import frontier
from planner.cli.manual import manual
from planner.cli.new import new
from planner.cli.plan import plan
from planner.cli.portfolios import portfolios
from planner.cli.quote import quote
from planner.cli.replay import replay
from planner.cli.report import report
from planner.cli.score import score
from planner.cli.sweep import sweep
from planner.cli.versions import versions

HELP = """Plan the expansion of a GPU cloud: which sites, on which power, host which clusters for which leases.

Exit codes: 0 done, 1 internal fault, 2 bad usage or input, 3 infeasible or unbounded, 4 stopped at a limit
with a feasible answer, 5 at a limit without one or the solver failed.
"""

app = typer.Typer(
    name="planner", help=HELP, no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode=None
)
app.command()(new)
app.command()(check)
app.command()(plan)
app.command()(replay)
app.command()(frontier)
app.command()(portfolios)
app.command()(score)
app.command()(quote)
app.command()(breakeven)
app.command()(report)
app.command()(audit)
app.command()(sweep)
app.command()(alternatives)
app.command()(bench)
app.command()(manual)

DEBUG = "--debug"


def _print_versions(asked: bool) -> None:
    if asked:
        typer.echo(versions())
        raise typer.Exit


@app.callback(help=HELP)
def planner(
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            is_eager=True,
            callback=_print_versions,
            help="print the versions of planner, Python and the solver, and stop",
        ),
    ] = False,
    debug: Annotated[
        bool,
        typer.Option(
            DEBUG,
            help="print the traceback of any error; may stand anywhere, before or after the verb",
        ),
    ] = False,
) -> None:
    """What every verb has."""


def main() -> None:
    """Run the command line and end with its exit code; what a reader of a pipe does not read is not needed."""
    arguments = [argument for argument in sys.argv[1:] if argument != DEBUG]
    code = _ended(arguments, debug=len(arguments) < len(sys.argv) - 1)
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        _read_no_more()
    raise SystemExit(code)


def _ended(arguments: list[str], *, debug: bool) -> int:
    """The exit code of a command line. Faults of the user end with a remedy, tracebacks come only with --debug."""
    try:
        app(args=arguments, prog_name="planner")
    except KeyboardInterrupt:
        typer.echo("interrupted; nothing was written", err=True)
        return 130
    except (SystemExit, BrokenPipeError) as end:
        if _of_broken_pipe(end):
            _read_no_more()
            return 0
        code = getattr(end, "code", None)
        return code if isinstance(code, int) else int(code is not None)
    except Exception as error:
        from planner.errors import PlannerError

        if debug:
            import traceback

            traceback.print_exc()
        if isinstance(error, PlannerError):
            typer.echo(f"error: {error}", err=True)
            return error.exit_code
        remedy = "report what is printed above" if debug else f"run again with {DEBUG} and report what it prints"
        typer.echo(f"internal fault: {type(error).__name__}: {error}; {remedy}", err=True)
        return 1
    return 0


def _of_broken_pipe(end: BaseException | None) -> bool:
    """Whether the reader of a pipe had gone: typer and rich turn that into an exit of their own."""
    while end is not None:
        if isinstance(end, BrokenPipeError):
            return True
        end = end.__context__
    return False


def _read_no_more() -> None:
    """Send what is still to be printed nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

"""The command line: verbs, and how errors end."""

from __future__ import annotations

import os
import sys

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
from planner.cli.report import report
from planner.cli.score import score
from planner.cli.sweep import sweep

HELP = """Plan the expansion of a GPU cloud: which sites, on which power, host which clusters for which leases.

Exit codes: 0 done, 1 internal fault, 2 bad usage or input, 3 infeasible or unbounded, 4 stopped at a limit
with a feasible answer, 5 at a limit without one or the solver failed.
"""

app = typer.Typer(name="planner", help=HELP, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
app.command()(new)
app.command()(check)
app.command()(plan)
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


def main() -> None:
    """Run the command line; faults of the user end with a remedy, tracebacks come only with --debug."""
    arguments = [argument for argument in sys.argv[1:] if argument != DEBUG]
    debug = len(arguments) < len(sys.argv) - 1
    try:
        app(args=arguments, prog_name="planner")
    except KeyboardInterrupt:
        typer.echo("interrupted; nothing was written", err=True)
        raise SystemExit(130) from None
    except BrokenPipeError:
        # The reader of a pipe has gone; what it did not read is not needed.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(0) from None
    except Exception as error:
        from planner.errors import PlannerError

        if debug:
            raise
        if isinstance(error, PlannerError):
            typer.echo(f"error: {error}", err=True)
            raise SystemExit(error.exit_code) from None
        typer.echo(f"internal fault: {type(error).__name__}: {error}; run again with {DEBUG} and report what it prints", err=True)
        raise SystemExit(1) from None

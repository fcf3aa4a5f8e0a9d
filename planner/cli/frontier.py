"""`planner frontier`: expected NPV against CVaR, a plan at each point."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from planner.cli.options import (
    Alpha,
    AsJson,
    Base,
    CasePath,
    Draws,
    Edits,
    Equity,
    Excludes,
    Fixes,
    Force,
    Gap,
    ImportedFutures,
    Seed,
    SolverThreads,
    Stress,
    Tail,
    TimeLimit,
    futures_drawn,
    out_into,
)
from planner.cli.written import shares

if TYPE_CHECKING:
    from rich.table import Table

    from planner.risk.frontier import Frontier


def frontier(
    path: CasePath,
    out: Annotated[Path | None, out_into("the points and their plans")] = None,
    force: Force = False,
    weights: Annotated[
        str,
        typer.Option(
            metavar="SHARE,SHARE",
            help="weights of CVaR against the mean, from 0 (mean alone) to 1 (tail alone), parted by commas: "
            "0,25%,0.5,1",
        ),
    ] = "0,0.25,0.5,0.75,1",
    alpha: Alpha = 0.95,
    scenarios: Annotated[int, futures_drawn("over which to plan")] = 500,
    draws: Draws = "independent",
    futures: ImportedFutures = None,
    seed: Seed = None,
    edits: Edits = None,
    stress: Stress = None,
    fixes: Fixes = None,
    excludes: Excludes = None,
    base: Base = "expected",
    tail: Tail = None,
    equity: Equity = False,
    gap: Gap = 1e-3,
    time_limit: TimeLimit = None,
    threads: SolverThreads = None,
    as_json: AsJson = False,
) -> None:
    """Plans between the best on average and the safest: expected NPV against CVaR, and what each of them builds.

    Example: planner frontier fixtures/neocloud --weights 0,0.5,1 --scenarios 500 --out runs/frontier
    """
    import json

    from planner.case.read import read_case
    from planner.cli.progress import saying
    from planner.cli.terminal import output, say_written, show
    from planner.planning.options import PlanOptions
    from planner.risk.frontier import frontier as make_frontier
    from planner.risk.frontier import write_frontier
    from planner.risk.planning import RiskOptions
    from planner.solver.options import SolverOptions
    from planner.storage.folders import refuse_other_folders

    chosen = shares(weights, "--weights")
    if out is not None:
        refuse_other_folders(out.resolve(), force=force)
    case = read_case(path)
    options = PlanOptions(
        base=base, tail=tail, equity=equity, edits=tuple(edits or ()), stress=stress, fixes=tuple(fixes or ()),
        excludes=tuple(excludes or ()),
        solver=SolverOptions(gap=gap, time_limit_s=time_limit, threads=threads),
    )
    risk = RiskOptions(
        alpha=alpha, scenarios=scenarios, seed=seed, draws=draws, imported=None if futures is None else str(futures)
    )
    with saying(f"frontier of {case.settings.name}", quiet=as_json) as say:
        found = make_frontier(
            case, options, risk, weights=chosen,
            report=None if say is None else lambda weight: say(f"risk weight {weight:g}"),
        )
    if out is not None:
        write_frontier(found, out, force=force)
    if as_json:
        typer.echo(json.dumps(json.loads(found.table.to_json(orient="records", double_precision=15)), indent=2))
    else:
        console = output()
        console.print(_heading(found), markup=False)
        show(console, _table(found))
        for line in _remarks(found):
            console.print(line, markup=False, highlight=False)
        for weight, status in found.statuses.items():
            if not status.has_values:
                console.print(f"risk weight {weight:g}: {status}", markup=False)
        if out is not None:
            say_written(console, out)
    if found.exit_code:
        raise typer.Exit(found.exit_code)


def _heading(found: Frontier) -> str:
    from planner.wording import counted

    count, asked = len(found.table), len(found.statuses)
    left = "" if count == asked else f" ({asked - count} of {asked} weights have the plan of another, or are beaten)"
    return (
        f"{counted(count, 'point')} over {counted(len(found.futures), 'future')}, CVaR at {found.risk.alpha:g}, in "
        f"{found.seconds:.1f} s{left}"
    )


def _remarks(found: Frontier) -> Iterator[str]:
    """What the table means: what a tail below zero is, what risk costs along it, and that there is none."""
    from planner.cli.risk_summary import NO_RISK
    from planner.scenarios.still import no_price_moves
    from planner.wording import millions, tail_text

    table = found.table
    still = no_price_moves(found.futures.case, imported=found.futures.imported is not None)
    if still is not None:
        yield still
    if len(table) and not (table["standard_deviation_usd"] > 0.0).any():
        if still is None:
            yield NO_RISK
        return
    if (table["cvar_usd"] < 0.0).any():
        yield (
            f"a CVaR below zero is a gain: even the worst {tail_text(found.risk.alpha)} of futures bring that much on "
            "average"
        )
    for before, after in pairwise(table.itertuples()):
        given, safer = before.expected_npv_usd - after.expected_npv_usd, before.cvar_usd - after.cvar_usd
        yield (
            f"from weight {before.risk_weight:g} to {after.risk_weight:g}: {millions(given)} less on average, "
            f"{millions(safer)} more in the tail (${given / safer:.2f} for each dollar)"
        )


def _table(found: Frontier) -> Table:
    from planner.cli.terminal import table_of
    from planner.wording import millions, percent

    rows = (
        (
            f"{row.risk_weight:g}", millions(row.expected_npv_usd), millions(row.cvar_usd),
            millions(row.standard_deviation_usd), millions(row.base_npv_usd),
            "" if row.gap is None else percent(row.gap, 2), f"{row.gpus_bought:,.0f}", f"{row.contracted_mw:,.0f}",
            str(row.sites), str(row.leases_won),
        )
        for row in found.table.itertuples()
    )
    names = ("risk weight", "expected NPV", "CVaR of loss", "sd", "base NPV", "gap", "GPUs", "MW", "sites", "leases")
    return table_of("expected NPV against CVaR of the loss; no point is beaten in both", names, rows)

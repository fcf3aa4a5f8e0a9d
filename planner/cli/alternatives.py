"""`planner alternatives`: plans nearly as good as the best."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from planner.cli.options import (
    NUMBER,
    SHARE,
    AsJson,
    Base,
    CasePath,
    Edits,
    Equity,
    Excludes,
    Fixes,
    Force,
    Gap,
    Stress,
    Tail,
    TimeLimit,
    out_into,
)
from planner.cli.written import share

if TYPE_CHECKING:
    from planner.near_optimal.alternatives import Alternatives

SHOWN_CHANGES = 8
AT_THE_WALL = 1e-3
"""Share of the loss allowed within which a bound is that of the loss allowed, and tells nothing of the loss itself."""


def alternatives(
    path: CasePath,
    within: Annotated[
        float, typer.Option(parser=share, metavar=SHARE, show_default="1%", help="greatest loss of NPV: 1% or 0.01"),
    ] = 0.01,
    count: Annotated[
        int, typer.Option(min=0, metavar=NUMBER, help="plans that differ most to look for, beside the best"),
    ] = 4,
    leases: Annotated[
        bool, typer.Option("--leases", help="settle for every lease too whether it is in all plans"),
    ] = False,
    effort: Annotated[
        int,
        typer.Option(
            min=1, metavar=NUMBER,
            help="relaxations spent on a question or on a target of it; more settles more",
        ),
    ] = 150,
    out: Annotated[Path | None, out_into("the alternatives")] = None,
    force: Force = False,
    edits: Edits = None,
    stress: Stress = None,
    fixes: Fixes = None,
    excludes: Excludes = None,
    base: Base = "expected",
    tail: Tail = None,
    equity: Equity = False,
    gap: Gap = 1e-4,
    time_limit: TimeLimit = None,
    as_json: AsJson = False,
) -> None:
    """Plans within a loss of the best: which sites are in all of them, which can be swapped, and how far their MW
    range.

    Example: planner alternatives fixtures/neocloud --within 1% --out runs/alternatives
    """
    import json

    from planner.case.read import read_case
    from planner.cli.progress import saying
    from planner.near_optimal.alternatives import AlternativesOptions
    from planner.near_optimal.alternatives import alternatives as search
    from planner.near_optimal.folder import (
        alternatives_record,
        plain_rows,
        refuse_other_alternatives,
        write_alternatives,
    )
    from planner.planning.options import PlanOptions
    from planner.solver.options import SolverOptions

    plan = PlanOptions(
        base=base, tail=tail, equity=equity, edits=tuple(edits or ()), stress=stress, fixes=tuple(fixes or ()),
        excludes=tuple(excludes or ()),
        solver=SolverOptions(gap=gap, time_limit_s=time_limit),
    )
    options = AlternativesOptions(within, count, leases, effort, plan)
    if out is not None:
        refuse_other_alternatives(out, force=force)
    case = read_case(path)
    with saying("planning", quiet=as_json) as progress:
        found = search(case, options, progress=progress)
    if out is not None:
        write_alternatives(found, out, force=force)
    if as_json:
        tables = {name: plain_rows(getattr(found, name)) for name in ("sites", "leases", "plans")}
        typer.echo(json.dumps({**alternatives_record(found), **tables}, indent=2, allow_nan=False))
    else:
        _print(found, out)
    if found.interrupted:
        typer.echo("interrupted: what is open was not asked", err=True)
        raise typer.Exit(4)


def _print(found: Alternatives, out: Path | None) -> None:
    from planner.cli.terminal import output, say_written, show
    from planner.wording import counted, millions

    console = output()

    def say(text: str) -> None:
        console.print(text, markup=False, highlight=False)

    best = found.plan.objective_usd
    assert best is not None
    say(
        f"{found.plan.case.settings.name}: best NPV {millions(best)}, plans down to {millions(found.least_usd)} "
        f"({found.options.within:.2%} less)"
    )
    settled = int(found.sites["proven"].sum())
    say(
        f"{counted(found.plans_found, 'such plan')} found by {counted(found.questions, 'question')}; membership of "
        f"{settled} of {counted(len(found.sites), 'site')} proven, MW range of {int(found.sites['range_proven'].sum())}"
    )
    show(console, _sites(found))
    _print_leases(found, say)
    show(console, _plans(found))
    if not (found.sites["proven"] & found.sites["range_proven"]).all() or not found.leases["proven"].all():
        say("* not proven: so it is in the plans found; no plan has less or more MW than what stands in brackets")
    if out is not None:
        say_written(console, out)


def _sites(found: Alternatives) -> Any:
    from planner.cli.terminal import table_of

    rows = (
        (
            row["site_id"], row["membership"] + ("" if row["proven"] else "*"), f"{row['best_mw']:,.0f}",
            _end(row, "least"), _end(row, "most"), _loss(row, found), row["swappable_with"],
        )
        for row in found.sites.to_dict("records")
    )
    text = ("site", "is", "without it, NPV falls by", "swappable with")
    names = ("site", "is", "best", "least", "most", "without it, NPV falls by", "swappable with")
    return table_of("sites over all plans within the loss, contracted MW", names, rows, text=text)


def _loss(row: dict[str, Any], found: Alternatives) -> str:
    """What the best plan without a site loses: found, or more than the search looked at, which ends at the loss
    allowed."""
    import pandas as pd

    from planner.wording import millions

    best = found.plan.objective_usd
    assert best is not None
    if not pd.isna(row["loss_without_usd"]):
        return millions(max(row["loss_without_usd"], 0.0))
    if row["cannot_be_left_out"]:
        return "cannot be left out"
    least = row["loss_without_at_least_usd"]
    if pd.isna(least):
        return ""
    if least < (best - found.least_usd) * (1.0 - AT_THE_WALL):
        return f"at least {millions(least)}"
    known = "" if least <= (best - found.least_usd) * (1.0 + AT_THE_WALL) else f", at least {millions(least)}"
    return f"more than the {100.0 * found.options.within:g} % looked at{known}"


def _end(row: dict[str, Any], end: str) -> str:
    """One end of a range; the bound in brackets where it is further out."""
    import pandas as pd

    size, bound = row[f"{end}_mw"], row[f"{end}_bound_mw"]
    if pd.isna(bound):
        return f"{size:,.0f}*"
    shown, limit = f"{size:,.0f}", f"{bound:,.0f}"
    return shown if shown == limit or row["range_proven"] else f"{shown}* ({limit})"


def _print_leases(found: Alternatives, say: Any) -> None:
    """Leases by what is known of them, a line each."""
    for membership, rows in found.leases.groupby("membership", sort=True):
        mark = "" if bool(rows["proven"].all()) else "*"
        say(f"leases {membership}{mark}: {', '.join(rows['lease_id'])}")


def _plans(found: Alternatives) -> Any:
    from planner.cli.terminal import table_of
    from planner.wording import millions

    def cells(row: dict[str, Any]) -> tuple[str, ...]:
        name, changes = "best" if row["plan"] == 0 else str(row["plan"]), row["changes"].split("; ")
        more = f"; and {len(changes) - SHOWN_CHANGES} more" if len(changes) > SHOWN_CHANGES else ""
        loss = millions(max(row["loss_usd"], 0.0))
        return name, millions(row["npv_usd"]), loss, "; ".join(changes[:SHOWN_CHANGES]) + more

    what = "what changes most, against the best plan"
    rows = map(cells, found.plans.to_dict("records"))
    names = ("plan", "NPV", "loses", what)
    return table_of("plans that differ most, each from all before it", names, rows, text={what})

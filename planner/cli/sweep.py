"""`planner sweep`: what changes as a number or a named stress changes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from planner.cli.options import (
    EDIT,
    AsJson,
    Base,
    CasePath,
    Equity,
    Excludes,
    Fixes,
    Force,
    Gap,
    Memory,
    Resume,
    Scheduler,
    Solver,
    Stress,
    Tail,
    TimeLimit,
    out_into,
    sharing,
)
from planner.cli.terminal import output, say_written, show, table_of
from planner.wording import counted, percent

if TYPE_CHECKING:
    from planner.case.case import Case
    from planner.sweeping.result import Sweep

SHOWN_FLIPS = 12
SHOWN_BROKEN = 3
NAMED_LEASES = 2
SHOWN_LOST = 6


def sweep(
    path: CasePath,
    vary: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar=EDIT,
            help="what to vary: NAME=low:high:count or NAME=value,value,...; NAME is a factor (--list) or "
            "table.column[id]; *= multiplies, += adds; once or twice",
        ),
    ] = None,
    stresses: Annotated[bool, typer.Option("--stresses", help="the named stresses of the case, one a point")] = False,
    known: Annotated[bool, typer.Option("--list", help="show what can be varied by name, and stop")] = False,
    out: Annotated[Path | None, out_into("the sweep", "; kept point by point while it runs")] = None,
    force: Force = False,
    resume: Resume = False,
    workers: Annotated[int | None, sharing(" [default: one a core]")] = None,
    scheduler: Scheduler = None,
    memory: Memory = None,
    cold: Annotated[
        bool, typer.Option("--cold", help="begin every plan from nothing, to see what warm starts save"),
    ] = False,
    stress: Stress = None,
    fixes: Fixes = None,
    excludes: Excludes = None,
    base: Base = "expected",
    tail: Tail = None,
    equity: Equity = False,
    solver: Solver = "highs",
    gap: Gap = 1e-4,
    time_limit: TimeLimit = None,
    as_json: AsJson = False,
) -> None:
    """Vary one number or two, or go through the named stresses: the plan held, the plan redone, and what flips.

    The held plan is today's plan in the changed case; the plan redone knows the change from the start (foresight).

    Example: planner sweep fixtures/neocloud --set gpu_price=0.4:2.4:9 --out runs/gpu_price
    """
    import json

    from planner.case.read import read_case
    from planner.cli.progress import saying
    from planner.planning.options import PlanOptions
    from planner.runtime.memory import allow_memory
    from planner.solver.options import SolverOptions
    from planner.sweeping.result import SweepOptions
    from planner.sweeping.sweep import sweep as run
    from planner.sweeping.sweep_folder import point_records, sweep_record

    allow_memory(memory)
    case = read_case(path)
    if known:
        _list(case, as_json=as_json)
        return
    solve = SolverOptions(solver=solver, gap=gap, time_limit_s=time_limit)
    plan = PlanOptions(
        base=base, tail=tail, equity=equity, stress=stress, fixes=tuple(fixes or ()), excludes=tuple(excludes or ()),
        solver=solve,
    )
    options = SweepOptions(tuple(vary or ()), stresses, workers, cold, plan, scheduler)
    if not options.vary and not stresses:
        raise typer.BadParameter(
            "nothing is varied: give --set NAME=low:high:count, or --stresses; --list shows the names"
        )
    if resume and out is None:
        raise typer.BadParameter("--resume goes on with what is kept beside --out; name that folder")
    with saying("sweeping", quiet=as_json) as say:
        progress = None if say is None else lambda done, of, what: say(f"{what}, {done} of {counted(of, 'point')} done")
        found = run(case, options, out=out, resume=resume, force=force, progress=progress)
    if as_json:
        record = {
            **sweep_record(found), "table": point_records(found),
            "flips": json.loads(found.flips.to_json(orient="records", double_precision=15)),
        }
        typer.echo(json.dumps(record, indent=2, allow_nan=False))
    else:
        _print(found, out)
    if found.interrupted:
        kept = (
            f"kept; go on with --resume --out {out}" if out is not None else "not kept: give --out to keep what is done"
        )
        typer.echo(f"interrupted after {len(found.found)} of {counted(len(found.points), 'point')}, {kept}", err=True)
    if found.exit_code:
        raise typer.Exit(found.exit_code)


def _list(case: Case, *, as_json: bool) -> None:
    """What can be varied by name."""
    import json

    from planner.sweeping.factors import sweep_factors

    factors = sweep_factors(case)
    stresses = list(dict.fromkeys(case.tables["stresses"]["stress"]))
    if as_json:
        records = [{"name": factor.name, "number": factor.meaning.value, "says": factor.says} for factor in factors]
        typer.echo(json.dumps({"factors": records, "stresses": stresses}, indent=2))
        return
    title = "what can be varied by name: --set NAME=low:high:count or NAME=value,value"
    names, console = ("name", "its number is a", "of"), output()
    rows = ((factor.name, factor.meaning.value, factor.says) for factor in factors)
    show(console, table_of(title, names, rows, text=names))
    console.print(f"stresses (--stresses): {', '.join(stresses) or 'none'}", markup=False, highlight=False)
    console.print(
        "any cell, column or setting: --set 'table.column[id]=low:high:count' (*= multiplies, += adds)", markup=False,
        highlight=False,
    )


def _print(found: Sweep, out: Path | None) -> None:
    from planner.wording import millions

    console = output()

    def say(text: str) -> None:
        console.print(text, markup=False, highlight=False)

    base = found.base
    value = "no plan" if base.objective_usd is None else f"NPV {millions(base.objective_usd)}"
    say(
        f"{found.case.settings.name}: {len(found.found)} of {counted(len(found.points), 'point')}; base plan "
        f"{base.status}, {value}"
    )
    say("held: the base plan in the changed case; redone: planned anew, knowing the change from the start (foresight)")
    show(console, _points(found))
    _print_flips(found, say, console)
    _print_notes(found, say)
    say(_effort(found))
    if out is not None and not found.interrupted:
        say_written(console, out)


def _points(found: Sweep) -> Any:
    axes, changes = [axis.name for axis in found.axes], ("comes in, larger", "goes out, smaller")
    rows = ([*(str(row[name]) for name in axes), *_cells(row)] for row in found.table.to_dict("records"))
    text = (*changes, *(axis.name for axis in found.axes if axis.number is None))
    names = (*axes, "held", "limits broken", "redone", "gap", "redoing is worth", "MW", *changes)
    return table_of(None, names, rows, text=text)


def _cells(row: dict[str, Any]) -> list[str]:
    import pandas as pd

    from planner.wording import millions

    def usd(name: str) -> str:
        return "" if pd.isna(row[name]) else millions(row[name])

    if pd.isna(row["held_npv_usd"]):
        held, broken = "cannot be had", ""
    else:
        held, broken = usd("held_npv_usd"), f"{row['held_limits_broken']:.0f}"
    redone = usd("redone_npv_usd") or str(row["redone_status"])
    gap = "" if pd.isna(row["redone_gap"]) else percent(row["redone_gap"], 2)
    mw = "" if pd.isna(row["contracted_mw"]) else f"{row['contracted_mw']:,.0f}"
    # What would break a limit has no value to compare with.
    worth = usd("worth_of_redoing_usd") if broken == "0" else ""
    return [held, broken, redone, gap, worth, mw, *(_changed(row, way) for way in ("in", "out"))]


def _changed(row: dict[str, Any], way: str) -> str:
    """Sites and a lease or two by name, also those that grow or shrink; more leases by number: their names stand in
    points.csv."""
    sites, leases, resized = (
        _names(row[name])
        for name in (f"sites_{way}", f"leases_{way}", "leases_larger" if way == "in" else "leases_smaller")
    )
    shown = leases if len(leases) <= NAMED_LEASES else [f"{len(leases)} leases"]
    word = "larger" if way == "in" else "smaller"
    grown = resized if len(resized) <= NAMED_LEASES else [f"{len(resized)} leases {word}"]
    return ", ".join((*sites, *shown, *grown))


def _names(cell: Any) -> list[str]:
    return cell.split(";") if isinstance(cell, str) and cell else []


def _print_flips(found: Sweep, say: Any, console: Any) -> None:
    import pandas as pd

    flips = found.flips
    if flips.empty:
        return
    order = flips.sort_values("kind", ascending=False, kind="stable")  # sites first
    rows = (
        (
            f"{row['kind']} {row['name']}", row["becomes"],
            row["axis"] + (f" ({row['other']})" if row["other"] else ""), f"{row['from_value']} and {row['to_value']}",
            "" if pd.isna(row["worth_the_same_at"]) else f"{row['worth_the_same_at']:.4g}",
        )
        for row in order.head(SHOWN_FLIPS).to_dict("records")
    )
    names = ("", "becomes", "varied", "between", "the two plans are worth the same at")
    show(console, table_of("what flips in the plan redone, and between which values", names, rows, text=names))
    if len(flips) > SHOWN_FLIPS:
        say(f"and {len(flips) - SHOWN_FLIPS} more, see flips.csv in the folder of --out")


def _print_notes(found: Sweep, say: Any) -> None:
    """Which limits the held plan breaks, which leases it loses, and why it or a plan cannot be had, a line a point."""
    from planner.sweeping.point import Outcome
    from planner.sweeping.told import told

    for row in found.table.to_dict("records"):
        where = ", ".join(f"{axis.name}{'' if axis.name.endswith('=') else '='}{row[axis.name]}" for axis in found.axes)
        if row["held_note"]:
            say(f"{where}: {row['held_note']}")
        lost, cut = _names(row["held_leases_lost"]), [
            f"{name.rpartition(' ')[0]} ({name.rpartition(' ')[2]} months)" for name in _names(row["held_leases_cut"])
        ]
        if lost:
            say(f"{where}: the held plan loses {_few('lease', lost)}")
        if cut:
            say(f"{where}: the held plan loses months of contract of {_few('lease', cut)}")
        outcome = found.found.get(int(row["point"]) - 1)
        sentences = told(outcome.held.broken) if isinstance(outcome, Outcome) else []
        if sentences:
            more = f"; and {len(sentences) - SHOWN_BROKEN} more" if len(sentences) > SHOWN_BROKEN else ""
            say(f"{where}: the held plan breaks {'; '.join(sentences[:SHOWN_BROKEN])}{more}")


def _few(noun: str, names: list[str]) -> str:
    """A few names, and how many more there are."""
    more = f" and {len(names) - SHOWN_LOST} more" if len(names) > SHOWN_LOST else ""
    return f"{noun}{'s' if len(names) > 1 else ''} {', '.join(names[:SHOWN_LOST])}{more}"


def _effort(found: Sweep) -> str:
    from planner.sweeping.sweep_folder import in_base_plans

    count, plans = len(found.outcomes), in_base_plans(found)
    if not count or plans is None:
        return f"{found.seconds:.1f} s"
    how = "each from nothing" if found.options.cold else "begun from the base plan"
    return (
        f"{counted(count, 'plan')}, {how}: {found.solver_seconds:.1f} s of solver, where the base plan took "
        f"{found.base.solver_seconds:.1f} s from nothing; {found.seconds:.1f} s in all"
    )

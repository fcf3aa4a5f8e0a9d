"""`planner plan`: the best expansion of a case."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from planner.cli.options import (
    FILE,
    NO_FUTURES,
    NUMBER,
    SECONDS,
    SHARE,
    AsJson,
    Base,
    CasePath,
    Device,
    Edits,
    Equity,
    Excludes,
    Fixes,
    Force,
    MeasuredFutures,
    Memory,
    Relax,
    Solver,
    SolverThreads,
    Stress,
    Tail,
    futures_drawn,
    out_into,
    proven_at,
    tail_level,
)
from planner.cli.written import money, share

if TYPE_CHECKING:
    from planner.case.case import Case
    from planner.planning.options import FuturesOptions

SCENARIOS, ALPHA = 500, 0.95
"""Futures, and the level of CVaR, unless told otherwise."""


def plan(
    path: CasePath,
    out: Annotated[Path | None, out_into("the run")] = None,
    force: Force = False,
    edits: Edits = None,
    stress: Stress = None,
    fixes: Fixes = None,
    excludes: Excludes = None,
    why: Annotated[
        list[str] | None,
        typer.Option(
            "--why", metavar="NAME",
            help="a site, lease, phase (source:phase) or SKU: why it is in the plan or out, and where that turns; may "
            "be repeated",
        ),
    ] = None,
    base: Base = "expected",
    tail: Tail = None,
    equity: Equity = False,
    relax: Relax = False,
    solver: Solver = "highs",
    gap: Annotated[float | None, proven_at(" [default: 1e-4; after risk 1e-3]")] = None,
    prices: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="headline: a MW of each phase for its term; full: years, slots, capital, leases, halls, dates, "
            "blocks; none",
        ),
    ] = "headline",
    time_limit: Annotated[
        float | None,
        typer.Option(
            "--time-limit", min=0.0, metavar=SECONDS,
            help="seconds for the solver, and for the prices with what it leaves",
        ),
    ] = None,
    solver_deadline: Annotated[
        float | None,
        typer.Option(
            "--solver-deadline", min=0.001, metavar=SECONDS,
            help="solve in a process of its own, and end it after so many seconds if it hangs",
        ),
    ] = None,
    confirm_infeasible: Annotated[
        str | None,
        typer.Option(
            "--confirm-infeasible", metavar="NAME",
            help="a second solver, such as cbc, that is asked when the first says infeasible",
        ),
    ] = None,
    threads: SolverThreads = None,
    memory: Memory = None,
    risk_weight: Annotated[
        float | None,
        typer.Option(
            "--risk-weight", parser=share, metavar=SHARE,
            help="weight of CVaR against the mean over many futures: 0 for the mean alone, 1 for the tail alone",
        ),
    ] = None,
    alpha: Annotated[float | None, tail_level(" [default: 0.95]")] = None,
    scenarios: Annotated[
        int | None, futures_drawn("over which to measure the plan, or to plan after risk [default: 500]")
    ] = None,
    futures: MeasuredFutures = None,
    max_cvar: Annotated[
        float | None,
        typer.Option(
            "--max-cvar", parser=money, metavar="USD",
            help="greatest CVaR of the loss in dollars, such as 300M (a gain is negative: -1.2B); its price is "
            "reported",
        ),
    ] = None,
    information: Annotated[
        int | None,
        typer.Option(
            min=0, metavar=NUMBER,
            help="futures in the sample for the value of perfect information; 0 for none [default: 0; of a policy 20]",
        ),
    ] = None,
    pool: Annotated[
        str | None,
        typer.Option(
            metavar="POOL",
            help="paths that GPUs may take: a file of bundles, a folder of planner portfolios --pool, grid for a fine "
            "grid of the case, or grid:COUNT; priced on --device",
        ),
    ] = None,
    device: Device = "auto",
    adapt: Annotated[
        bool, typer.Option("--adapt", help="a policy: what to sign now, what to leave open, at which sign to act"),
    ] = False,
    reviews: Annotated[
        str | None,
        typer.Option(
            metavar="MONTHS",
            help="of a policy: months in which to decide again, such as 2028-01,2029-07 [default: 12 and 30 months "
            "after the start]",
        ),
    ] = None,
    branches: Annotated[
        str | None,
        typer.Option(
            metavar="NUMBERS",
            help="of a policy: groups of futures told apart at each review, such as 4,3 [default: 3 each]"
        ),
    ] = None,
    write_model: Annotated[
        Path | None,
        typer.Option(
            "--write-model", metavar=FILE,
            help="write the model as it is solved, in $M and with names that say what they are: .mps or .lp",
        ),
    ] = None,
    details: Annotated[
        bool, typer.Option("--details", help="print all tables of the plan, not its summary on one screen"),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Find the best expansion of a case, and prove it.

    Example: planner plan fixtures/neocloud --out runs/base --force

    After risk: planner plan fixtures/neocloud --risk-weight 0.5 --alpha 0.95 --scenarios 500 --out runs/careful

    Now and later: planner plan fixtures/neocloud --adapt --reviews 2028-01 --branches 3 --out runs/policy
    """
    import json

    from planner.case.read import read_case
    from planner.cli.progress import pricing, rounds_on, solving
    from planner.cli.risk_summary import print_risk
    from planner.cli.summary import print_more, print_summary
    from planner.errors import PlannerError
    from planner.planning.make_plan import explained, solved, with_prices
    from planner.planning.options import PlanOptions
    from planner.planning.over_futures import with_futures
    from planner.planning.plan import Plan
    from planner.run_folder import plan_summary, write_run
    from planner.runtime.memory import allow_memory
    from planner.solver.model_file import refuse_other_endings, write_model_file
    from planner.solver.options import SolverOptions
    from planner.storage.folders import refuse_other_folders

    if out is not None:
        refuse_other_folders(out, force=force)
    if write_model is not None:
        refuse_other_endings(write_model)
    allow_memory(memory)
    case = read_case(path)
    if adapt:
        from planner.cli.policy_summary import plan_policy

        refused = {
            "--why": why, "--relax": relax, "--solver-deadline": solver_deadline, "--max-cvar": max_cvar,
            "--confirm-infeasible": confirm_infeasible, "--pool": pool, "--device": device != "auto",
            "--solver": solver != "highs", "--futures none": futures == NO_FUTURES, "--threads": threads,
            "--prices full": prices == "full", "--write-model": write_model,
        }
        for name, given in refused.items():
            if given:
                raise PlannerError(f"{name} is not for a policy; leave it out, or leave --adapt out")
        plan_policy(
            case,
            PlanOptions(
                base=base, tail=tail, equity=equity, edits=tuple(edits or ()), stress=stress, fixes=tuple(fixes or ()),
                excludes=tuple(excludes or ()), prices="none",
                solver=SolverOptions(gap=1e-2 if gap is None else gap, time_limit_s=time_limit),
            ),
            {
                "reviews": reviews, "branches": branches, "weight": risk_weight, "alpha": alpha, "scenarios": scenarios,
                "imported": futures, "information": information,
                "worth": prices != "none",
            },
            out=out, force=force, details=details, as_json=as_json,
        )
        return
    if reviews is not None or branches is not None:
        raise PlannerError("--reviews and --branches are of a policy; give --adapt too")
    weighed = (
        any(given is not None for given in (risk_weight, max_cvar, pool)) or bool(information) or device != "auto"
    )
    if weighed and write_model is not None:
        raise PlannerError("--write-model writes the model of a plan of greatest NPV, not of one after risk")
    if weighed and why:
        raise PlannerError(
            "--why explains a plan of greatest NPV, not one after risk; leave out --risk-weight, --max-cvar, --pool "
            "and --information"
        )
    if futures == NO_FUTURES and (weighed or scenarios is not None or alpha is not None):
        raise PlannerError(
            "--futures none measures the plan over no futures, and other options speak of them: leave it out, or "
            + ("ask for no plan after risk" if weighed else "--scenarios and --alpha")
        )
    file = None if futures == NO_FUTURES else futures
    with solving(
        case.settings.name, quiet=as_json, mip=solver == "highs" and not relax and solver_deadline is None
    ) as progress:
        solve = SolverOptions(
            solver=solver, gap=gap if gap is not None else (1e-3 if weighed else 1e-4), time_limit_s=time_limit,
            threads=threads, relax=relax, progress=progress,
            deadline_s=solver_deadline, confirm_infeasible=confirm_infeasible,
        )
        options = PlanOptions(
            base=base, tail=tail, equity=equity, edits=tuple(edits or ()), stress=stress, fixes=tuple(fixes or ()),
            excludes=tuple(excludes or ()), why=tuple(why or ()), solver=solve, prices=prices,
            futures=None if weighed or futures == NO_FUTURES else _measured(
                case, scenarios=scenarios, alpha=alpha, file=file, asked=not why
            ),
        )
        found: Plan
        if weighed:
            from planner.risk.planning import RiskOptions, solved_after_risk

            risk = RiskOptions(
                weight=risk_weight or 0.0, alpha=ALPHA if alpha is None else alpha, scenarios=scenarios or SCENARIOS,
                imported=file, max_cvar_usd=max_cvar, information=information or 0,
                pool=pool, device=device,
            )
            found = solved_after_risk(case, options, risk, report=None if progress is None else rounds_on(progress))
        else:
            found = explained(solved(case, options))
    with pricing(case.settings.name, quiet=as_json) as answered:
        found = with_futures(with_prices(found, answered))
    if out is not None:
        write_run(found, out, force=force)
    if write_model is not None:
        model = found.allocation_result.model
        arrays = found.allocation_result.solution.arrays
        write_model_file(arrays, model.column_names, model.row_names, write_model, scale=model.money / 1e6)
    if as_json:
        typer.echo(json.dumps(plan_summary(found), indent=2, allow_nan=False))
    else:
        print_summary(found, None if weighed else out, details=details)
        print_risk(found, out, details=details)
        if not details:
            print_more(found, out)
    if found.status.exit_code:
        raise typer.Exit(found.status.exit_code)


def _measured(
    case: Case, *, scenarios: int | None, alpha: float | None, file: str | None, asked: bool
) -> FuturesOptions | None:
    """The futures over which a plan is measured: those that are told, else, where they are `asked` of a plan, those of
    a case that has factors; None for none."""
    from planner.planning.options import FuturesOptions
    from planner.planning.over_futures import has_futures

    told = any(given is not None for given in (scenarios, alpha, file))
    if not told and not (asked and has_futures(case)):
        return None
    return FuturesOptions(scenarios or SCENARIOS, ALPHA if alpha is None else alpha, file)

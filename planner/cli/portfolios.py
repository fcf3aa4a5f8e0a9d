"""`planner portfolios`: make portfolios to score."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from planner.cli.options import (
    FILE,
    NUMBER,
    Base,
    CasePath,
    Force,
    Resume,
    Scheduler,
    Seed,
    Tail,
    Workers,
    futures_drawn,
)


def portfolios(
    path: CasePath,
    out: Annotated[
        str,
        typer.Option(
            "--out", metavar="PATH",
            help="file to write: .parquet, or .csv for --bundles; for --pool a folder, also in a store",
        ),
    ],
    plan: Annotated[
        Path | None, typer.Option("--plan", metavar="RUN", help="run of planner plan to start from; not for --bundles"),
    ] = None,
    subsets: Annotated[
        str | None, typer.Option(metavar="NAME", help="sites: all subsets of what the plan puts on each site"),
    ] = None,
    neighbours: Annotated[
        int | None,
        typer.Option(
            metavar=NUMBER,
            help="the plan and so many portfolios that differ from it by one change, best first",
        ),
    ] = None,
    random: Annotated[
        int | None,
        typer.Option(
            metavar=NUMBER,
            help="so many portfolios that keep all limits: the best for NPVs drawn at random, and mixtures of those",
        ),
    ] = None,
    bundles: Annotated[
        Path | None,
        typer.Option(
            metavar=FILE,
            help="table of bundles (CSV, Parquet): portfolio, site_id, power_path, gpu_id, use, start, level; "
            "halls and power are derived",
        ),
    ] = None,
    pool: Annotated[
        str | None,
        typer.Option(
            metavar="POOL",
            help="paths that GPUs may take, with their NPV in every future, for plan --pool: a file of bundles, grid "
            "for a fine grid of the case, or grid:COUNT",
        ),
    ] = None,
    scenarios: Annotated[int, futures_drawn("over which --pool is valued")] = 500,
    workers: Workers = None,
    scheduler: Scheduler = None,
    resume: Resume = False,
    force: Force = False,
    seed: Seed = None,
    base: Base = "expected",
    tail: Tail = None,
) -> None:
    """Make portfolios to score: subsets of a plan's sites, its neighbours, random feasible ones, or those of a table of
    bundles; or a pool to plan from.

    --workers, --scheduler, --resume and --force are for --pool alone; --base and --tail for --bundles and --pool, else
    they are those of the plan.

    Examples:

    planner portfolios fixtures/neocloud --plan runs/base --subsets sites --out p.parquet

    planner portfolios fixtures/neocloud --plan runs/base --neighbours 50 --out near.parquet

    planner portfolios fixtures/neocloud --plan runs/base --random 1000 --seed 1 --out random.parquet

    planner portfolios fixtures/neocloud --bundles bundles.csv --out b.parquet

    planner portfolios fixtures/neocloud --pool grid:1000000 --scenarios 500 --workers 8 --out runs/pool
    """
    from planner.errors import PlannerError

    kinds = (
        ("--subsets", subsets), ("--neighbours", neighbours), ("--random", random), ("--bundles", bundles),
        ("--pool", pool),
    )
    asked = [name for name, value in kinds if value is not None]
    if len(asked) != 1:
        raise PlannerError(
            f"{' and '.join(asked) or 'nothing'} asked for; give one of --subsets sites, --neighbours N, --random N, "
            "--bundles FILE, --pool grid"
        )
    if seed is not None and random is None and pool is None:
        raise PlannerError("--seed is for --random and --pool alone; leave it out")
    if pool is None and (workers is not None or scheduler is not None or resume or force):
        raise PlannerError("--workers, --scheduler, --resume and --force are for --pool alone; leave them out")
    if (bundles is not None or pool is not None) and plan is not None:
        raise PlannerError("bundles are built from the case, not from a plan; leave --plan out")
    if pool is not None:
        from planner.cli.make_pool import pool_by_partitions
        from planner.storage.partitions import How

        said = pool_by_partitions(path, pool, out, scenarios, seed, base, tail, How(workers, scheduler, resume, force))
    elif bundles is not None:
        said = _from_bundles(path, bundles, Path(out), base, tail)
    else:
        if plan is None:
            raise PlannerError(f"{asked[0]} starts from a plan; name its run with --plan, for example --plan runs/base")
        if base != "expected" or tail is not None:
            raise PlannerError(
                f"{asked[0]} takes --base and --tail from the plan; leave them out, or plan again under them"
            )
        said = _from_plan(path, plan, Path(out), subsets, neighbours, random, seed)
    typer.echo(f"{said} written to {out}")


def _from_bundles(path: Path, bundles: Path, out: Path, base: str, tail: str | None) -> str:
    from planner.case.read import read_case
    from planner.planning.options import PlanOptions
    from planner.scoring.bundles import read_bundles
    from planner.scoring.files import write_long
    from planner.wording import counted

    chosen = PlanOptions(base=base, tail=tail)
    candidates = chosen.candidates(read_case(path))
    made = read_bundles(bundles, candidates)
    write_long(out, made, candidates)
    return f"{counted(len(made), 'portfolio')} of bundles"


def _from_plan(
    path: Path, plan: Path, out: Path, subsets: str | None, neighbours: int | None, random: int | None, seed: int | None
) -> str:
    from planner.scoring.around_plan import source_around
    from planner.scoring.files import write_packages
    from planner.scoring.from_run import plan_of_run
    from planner.wording import counted

    found = plan_of_run(path, plan)
    source = source_around(found.candidates, found.levels, subsets, neighbours, random, seed)
    write_packages(out, source, found.candidates, {"plan": plan.name, "fixes": found.fixes, "excludes": found.excludes})
    return f"{counted(source.count, 'portfolio')} of {counted(len(source.items), 'package')}"

"""`planner portfolios --pool`: a pool of bundles with their NPV in every future, by partitions, here or on workers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from planner.cli.progress import saying
from planner.wording import counted

if TYPE_CHECKING:
    import pandas as pd

    from planner.case.case import Case
    from planner.planning.options import PlanOptions
    from planner.storage.partitions import How


def pool_by_partitions(
    path: Path, pool: str, out: str, scenarios: int, seed: int | None, base: str, tail: str | None, how: How
) -> str:
    """Make a pool with progress; what was made, in words. pool: grid, grid:COUNT, or a file of bundles."""
    from planner.case.read import read_case
    from planner.errors import PlannerError
    from planner.planning.options import PlanOptions
    from planner.risk.bundle_grid import Grid
    from planner.risk.pool_job import PoolJob
    from planner.risk.pool_partitions import make_pool
    from planner.storage.partitions import said_where_it_stands

    chosen = PlanOptions(base=base, tail=tail)
    case = read_case(path)
    word, _, count = pool.partition(":")
    if word == "grid":
        if count and not count.isdecimal():
            raise PlannerError(f"--pool {pool!r} is no grid; write grid, grid:1000000, or the name of a file")
        grid, given = Grid(most=int(count)) if count else Grid(), None
    else:
        grid, given = None, _given(case, chosen, pool)
    job = PoolJob(case, chosen.base, chosen.tail, scenarios, seed, grid, given)
    with said_where_it_stands(out), saying("making the pool", quiet=False) as say:
        told = None if say is None else lambda done, of, rows: say(f"{done:,} of {counted(of, 'partition')}")
        made = make_pool(job, out, how, progress=told)
    before = f", {made.taken_over:,} of them finished before" if made.taken_over else ""
    return (
        f"{counted(made.bundles, 'bundle')} over {counted(scenarios, 'future')} in "
        f"{counted(made.partitions, 'partition')}{before},"
    )


def _given(case: Case, chosen: PlanOptions, pool: str) -> pd.DataFrame:
    from planner.risk.pool_file import read_pool

    return read_pool(Path(pool), chosen.candidates(case))

"""`planner score` by partitions: on workers, or here when there are many, kept as they finish."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from planner.cli.progress import Say, saying
from planner.errors import PlannerError
from planner.wording import counted

if TYPE_CHECKING:
    from planner.case.case import Case
    from planner.planning.options import PlanOptions
    from planner.scoring.pareto import Leaders
    from planner.scoring.score import ScoreOptions, Scoring
    from planner.storage.partitions import How, Progress


def is_by_partitions(portfolios: str, out: str | None, *, apart: bool) -> bool:
    """Whether scores are made partition by partition: when asked for, and for a folder of results of more than one
    partition."""
    from planner.scoring.partitions import partitions_of
    from planner.scoring.score_folder import FILES
    from planner.storage.addresses import exists, is_remote

    folder = out is not None and not out.endswith(FILES)
    if not folder:
        if apart:
            raise PlannerError("--workers, --scheduler and --resume write partitions; give a folder as --out")
        return False
    many = exists(portfolios) and len(partitions_of(portfolios).parts) > 1
    return apart or many or is_remote(portfolios) or is_remote(str(out))


def score_in_partitions(
    case: Case, chosen: PlanOptions, options: ScoreOptions, portfolios: str, out: str, how: How, *, quiet: bool
) -> tuple[Leaders, Scoring]:
    """Score all partitions with progress; the leading portfolios, and the scoring for what is said of it."""
    from planner.scoring.partition_job import Job
    from planner.scoring.partitions import partitions_of
    from planner.scoring.score_partitions import score_partitions
    from planner.storage.partitions import said_where_it_stands

    parts = partitions_of(portfolios)
    job = Job(case, chosen.base, chosen.tail, options, parts.fingerprint, parts.count)
    with said_where_it_stands(out), saying("scoring", quiet=quiet) as say:
        told = None if say is None else _told_by(say)
        scored = score_partitions(job, parts, out, how, read_from=portfolios, progress=told)
    if scored.taken_over and not quiet:
        print(f"{scored.taken_over:,} of {len(parts.parts):,} partitions were finished before", file=sys.stderr)
    return scored.leaders, scored.scoring


def _told_by(say: Say) -> Progress:
    """What the scoring calls as partitions are done."""
    return lambda done, of, rows: say(f"{done:,} of {counted(of, 'partition')}, {counted(rows, 'portfolio')}")

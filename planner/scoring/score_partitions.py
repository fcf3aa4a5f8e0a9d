"""Scores by partitions: begun, interrupted, gone on with, and whole at the end."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow.parquet as pq

from planner.scoring.items import Bunch
from planner.scoring.leading import Leading, futures_table
from planner.scoring.pareto import Leaders
from planner.scoring.partition_job import TABLES, Job, Worker, leading_in
from planner.scoring.partitions import Opened, Partitions
from planner.scoring.score import Scoring
from planner.scoring.score_folder import score_record
from planner.storage.addresses import is_remote, joined, opened, write
from planner.storage.journal import begin_journal
from planner.storage.partitions import Done, How, Progress, all_done, file_of, put_in_place
from planner.storage.stored_paths import stored_path


@dataclass(frozen=True)
class Scored:
    """Partitions scored, those that stood already, the best of all, and the job as this process sees it."""

    done: tuple[Done, ...]
    taken_over: int
    leaders: Leaders
    scoring: Scoring
    seconds: float


def score_partitions(
    job: Job, parts: Partitions, target: str, how: How, *, read_from: str, progress: Progress | None = None
) -> Scored:
    """Score all partitions into a folder (scores.parquet and broken.parquet by parts, futures.parquet, run.json).

    What is finished stands in a folder beside the target until all is; with `how.resume` a later call goes on from
    there, and scores again what is not as it was written. In a store the parts stand in the target, and run.json comes
    last. Raises PlannerError when the target is taken, or when what is unfinished there is another job.
    """
    began = time.perf_counter()
    journal = begin_journal(target, job.identity(), resume=how.resume, force=how.force)
    job = replace(job, into=journal)
    here = Worker(job)
    shared = job if how.workers is None else job.shared(how.workers)
    done, taken_over = all_done(
        shared, parts.parts, journal, how, here.score, device=job.options.device, progress=progress
    )
    scored = Scored(done, taken_over, _leaders(journal.folder, done), here.scoring, time.perf_counter() - began)
    here.scoring.left_out.update({name: why for one in done for name, why in one.left_out.items()})
    _finish(scored, job, parts, target, read_from, how)
    return scored


def _leaders(folder: str, done: tuple[Done, ...]) -> Leaders:
    leaders = Leaders()
    for each in done:
        leaders.join(pq.read_table(opened(file_of(folder, "leaders", each.number))).to_pandas(), each.rows, each.within)
    return leaders


def _finish(scored: Scored, job: Job, parts: Partitions, target: str, read_from: str, how: How) -> None:
    """Put the parts in the target's place, with the futures of the leading portfolios and run.json."""
    scoring, journal = scored.scoring, job.journal
    leading = Leading()
    for done in scored.done:
        leading = leading.joined(leading_in(journal.folder, done.number))
    _score_leading(scoring, job, parts, scored.done, leading)
    scoring.seconds |= {"partitions": scored.seconds}
    record = {
        **score_record(scoring, job.case, sum(done.rows for done in scored.done)),
        "portfolios_read_from": read_from if is_remote(target) else stored_path(read_from, Path(target)),
        "partitions": len(scored.done),
        "checksums": {f"{done.number:06d}": {name: done.checksums[name] for name in TABLES} for done in scored.done},
    }
    by_future = futures_table(leading, scoring.futures)
    write(joined(journal.folder, "futures.parquet"), by_future.to_parquet(None, index=False))
    put_in_place(journal, target, ("scores.parquet", "broken.parquet", "futures.parquet"), record, how)


def _score_leading(scoring: Scoring, job: Job, parts: Partitions, done: tuple[Done, ...], leading: Leading) -> None:
    """Score the leading portfolio in this process: what draws gain is said of it."""
    if not leading.names or scoring.options.draws == "independent":
        return
    for part, one in zip(parts.parts, done, strict=True):
        names = leading_in(job.journal.folder, one.number).names
        if leading.names[0] in names:
            for bunch in Opened(scoring.candidates, job.count).source(part).pieces(1 << 14):
                if leading.names[0] in bunch.names:
                    row = bunch.names.index(leading.names[0])
                    alone: Bunch = bunch.part(slice(row, row + 1))
                    list(scoring.pieces(alone))
                    return

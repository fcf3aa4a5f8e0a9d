"""Scores by partitions: begun, interrupted, gone on with, and whole at the end."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow.parquet as pq

from planner.parallel.dask_workers import on_dask
from planner.scoring.items import Bunch
from planner.scoring.leading import Leading, futures_table
from planner.scoring.pareto import Leaders
from planner.scoring.partition_job import TABLES, Job, Worker, leading_in
from planner.scoring.partitions import Opened, Partition, Partitions
from planner.scoring.score import Scoring
from planner.scoring.score_folder import score_record
from planner.storage.addresses import is_remote, joined, opened, write
from planner.storage.folders import appear_whole
from planner.storage.partition_journal import Done, How, begin, file_of, finished
from planner.storage.stored_paths import stored_path

Progress = Callable[[int, int, int], None]
"""Called with partitions done, partitions in all, and portfolios scored."""


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
    folder = begin(job.identity(), target, how)
    job = replace(job, into=folder)
    kept = {
        part.number: done for part in parts.parts if how.resume and (done := finished(folder, part.number)) is not None
    }
    rest = [part for part in parts.parts if part.number not in kept]
    taken_over, rows = len(kept), sum(done.rows for done in kept.values())
    here = Worker(job)
    with closing(_each(job, rest, here, how)) as finishing:  # Ctrl-C ends the workers before it is told
        for done in finishing:
            kept[done.number] = done
            rows += done.rows
            if progress is not None:
                progress(len(kept), len(parts.parts), rows)
    ordered = tuple(kept[part.number] for part in parts.parts)
    scored = Scored(ordered, taken_over, _leaders(folder, ordered), here.scoring, time.perf_counter() - began)
    here.scoring.left_out.update({name: why for done in ordered for name, why in done.left_out.items()})
    _finish(scored, job, parts, target, read_from)
    return scored


def _each(job: Job, rest: list[Partition], here: Worker, how: How) -> Generator[Done]:
    if not how.on_dask:
        return (here.score(part) for part in rest)
    shared = job if how.workers is None else job.shared(how.workers)
    return on_dask(shared, rest, scheduler=how.scheduler, workers=how.workers, device=job.options.device)


def _leaders(folder: str, done: tuple[Done, ...]) -> Leaders:
    leaders = Leaders()
    for each in done:
        leaders.join(pq.read_table(opened(file_of(folder, "leaders", each.number))).to_pandas(), each.rows, each.within)
    return leaders


def _finish(scored: Scored, job: Job, parts: Partitions, target: str, read_from: str) -> None:
    """Put the parts in the target's place, with the futures of the leading portfolios and run.json."""
    folder, scoring = job.into, scored.scoring
    leading = Leading()
    for done in scored.done:
        leading = leading.joined(leading_in(folder, done.number))
    _score_leading(scoring, job, parts, scored.done, leading)
    scoring.seconds |= {"partitions": scored.seconds}
    record = {
        **score_record(scoring, job.case, sum(done.rows for done in scored.done)),
        "portfolios_read_from": read_from if is_remote(target) else stored_path(read_from, Path(target)),
        "partitions": len(scored.done),
        "checksums": {f"{done.number:06d}": {name: done.checksums[name] for name in TABLES} for done in scored.done},
    }
    by_future = futures_table(leading, scoring.futures)
    text = (json.dumps(record, indent=2, allow_nan=False) + "\n").encode()
    write(joined(folder, "futures.parquet"), by_future.to_parquet(None, index=False))
    write(joined(folder, "run.json"), text)
    if is_remote(target):
        return

    def move(new: Path) -> None:
        # Nothing is written any more: a disk that is full now cannot lose what is finished.
        for name in ("scores.parquet", "broken.parquet", "futures.parquet", "run.json"):
            Path(folder, name).rename(new / name)

    appear_whole(Path(target).resolve(), move)
    shutil.rmtree(folder, ignore_errors=True)


def _score_leading(scoring: Scoring, job: Job, parts: Partitions, done: tuple[Done, ...], leading: Leading) -> None:
    """Score the leading portfolio in this process: what draws gain is said of it."""
    if not leading.names or scoring.options.draws == "independent":
        return
    for part, one in zip(parts.parts, done, strict=True):
        names = leading_in(job.into, one.number).names
        if leading.names[0] in names:
            for bunch in Opened(scoring.candidates, job.count).source(part).pieces(1 << 14):
                if leading.names[0] in bunch.names:
                    row = bunch.names.index(leading.names[0])
                    alone: Bunch = bunch.part(slice(row, row + 1))
                    list(scoring.pieces(alone))
                    return

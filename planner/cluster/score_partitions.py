"""Scores by partitions: begun, interrupted, gone on with, and whole at the end."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow.parquet as pq

from planner.case.faults import PlannerError
from planner.cluster.dask_workers import on_dask
from planner.cluster.job import TABLES, Done, Job, Worker, file_of, finished, leading_in
from planner.cluster.partitions import Opened, Partition, Partitions
from planner.run_folder import appear_whole, refuse_other_folders
from planner.scoring.items import Bunch
from planner.scoring.leading import Leading, futures_table
from planner.scoring.pareto import Leaders
from planner.scoring.places import exists, is_remote, joined, opened, read, write
from planner.scoring.score import Scoring
from planner.scoring.score_folder import score_record

Progress = Callable[[int, int, int], None]
"""Called with partitions done, partitions in all, and portfolios scored."""


@dataclass(frozen=True)
class How:
    """Where partitions are scored: in this process, on `workers` processes of this machine, or on a scheduler."""

    workers: int | None = None
    scheduler: str | None = None
    resume: bool = False
    force: bool = False


@dataclass(frozen=True)
class Scored:
    """Partitions scored, those that stood already, the best of all, and the job as this process sees it."""

    done: tuple[Done, ...]
    taken_over: int
    leaders: Leaders
    scoring: Scoring
    seconds: float


def score_partitions(job: Job, parts: Partitions, target: str, how: How, *, read_from: str, progress: Progress | None = None) -> Scored:
    """Score all partitions into a folder (scores.parquet and broken.parquet by parts, futures.parquet, run.json).

    What is finished stands in a folder beside the target until all is; with `how.resume` a later call goes on from there, and
    scores again what is not as it was written. In a store the parts stand in the target, and run.json comes last.
    Raises PlannerError when the target is taken, or when what is unfinished there is another job.
    """
    began = time.perf_counter()
    folder = _begin(job, target, how)
    job = replace(job, into=folder)
    kept = {part.number: done for part in parts.parts if how.resume and (done := finished(folder, part)) is not None}
    rest = [part for part in parts.parts if part.number not in kept]
    taken_over, rows = len(kept), sum(done.rows for done in kept.values())
    here = Worker(job)
    for done in _each(job, rest, here, how):
        kept[done.number] = done
        rows += done.rows
        if progress is not None:
            progress(len(kept), len(parts.parts), rows)
    ordered = tuple(kept[part.number] for part in parts.parts)
    scored = Scored(ordered, taken_over, _leaders(folder, ordered), here.scoring, time.perf_counter() - began)
    here.scoring.left_out.update({name: why for done in ordered for name, why in done.left_out.items()})
    _finish(scored, job, parts, target, read_from)
    return scored


def unfinished(target: str) -> str:
    """Where partitions stand until all are there."""
    if is_remote(target):
        return target
    path = Path(target).resolve()
    return str(path.parent / f".{path.name}.unfinished")


def _each(job: Job, rest: list[Partition], here: Worker, how: How) -> Iterator[Done]:
    if how.workers is not None or how.scheduler is not None:
        return on_dask(job, rest, scheduler=how.scheduler, workers=how.workers)
    return (here.score(part) for part in rest)


def _begin(job: Job, target: str, how: How) -> str:
    """The folder of partitions, with the identity of the job in it."""
    folder = unfinished(target)
    if is_remote(target):
        if exists(joined(target, "run.json")) and not how.force:
            raise PlannerError(f"{target} holds scores already; choose another --out, or replace them with --force")
    else:
        refuse_other_folders(Path(target).resolve(), force=how.force)
    record = joined(folder, "job.json")
    if exists(record):
        if how.resume:
            _refuse_another_job(record, job)
            return folder
        if not how.force:
            raise PlannerError(f"{folder} holds an unfinished run; go on with it with --resume, or begin again with --force")
        if not is_remote(folder):
            shutil.rmtree(folder)
    elif how.resume:
        raise PlannerError(f"{folder} holds no unfinished run; leave --resume out to begin one")
    write(record, json.dumps(job.identity(), indent=2).encode())
    return folder


def _refuse_another_job(record: str, job: Job) -> None:
    was, now = json.loads(read(record)), job.identity()
    other = [name for name in now if was.get(name) != now[name]]
    if other:
        raise PlannerError(f"{record} is of another job: {', '.join(other)} differ; give the same case, portfolios and options, or begin again with --force")


def _leaders(folder: str, done: tuple[Done, ...]) -> Leaders:
    leaders = Leaders()
    for each in done:
        leaders.add(pq.read_table(opened(file_of(folder, "scores", each.number))).to_pandas())
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
        **score_record(scoring, job.case, sum(done.rows for done in scored.done)), "portfolios_read_from": read_from,
        "partitions": len(scored.done), "checksums": {f"{done.number:06d}": {name: done.checksums[name] for name in TABLES} for done in scored.done},
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

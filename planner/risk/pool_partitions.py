"""Pools made by partitions, here or on workers, and read back: begun, interrupted, gone on with, and whole at the
end."""

from __future__ import annotations

import io
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from planner.candidates.build import CandidateSet
from planner.errors import PlannerError
from planner.risk.pool_file import read_pool
from planner.risk.pool_job import POOL, VALUES, PoolJob, PoolWorker
from planner.scenarios.futures import Futures
from planner.scenarios.imported_table import UNREADABLE
from planner.storage.addresses import checksum, is_remote, read
from planner.storage.journal import begin_journal
from planner.storage.partitions import RECORD, How, Progress, all_done, file_of, put_in_place
from planner.storage.seals import sealed_record

_SAME = {
    "case_hash": "the case (or --set or --stress)", "base": "--base", "tail": "--tail", "scenarios": "--scenarios",
    "seed": "the seed",
}


@dataclass(frozen=True)
class Made:
    """Bundles in all, partitions, and how many of them stood already."""

    bundles: int
    partitions: int
    taken_over: int


def make_pool(job: PoolJob, target: str, how: How, *, progress: Progress | None = None) -> Made:
    """Make all partitions of a pool into a folder (pool.parquet and values.parquet by parts, run.json), whole or not at
    all.

    What is finished stands in a folder beside the target until all is; with `how.resume` a later call goes on from
    there. In a store the parts stand in the target, and run.json comes last. Raises PlannerError when the target is
    taken, or the pool is empty.
    """
    here = PoolWorker(job)
    parts = here.parts()
    if not parts:
        raise PlannerError("the pool holds no bundle; make the grid finer, or name bundles of this case")
    journal = begin_journal(target, job.identity(), resume=how.resume, force=how.force)
    here.job = replace(job, into=journal)
    done, taken_over = all_done(here.job, parts, journal, how, here.make, progress=progress)
    record = {
        "command": "portfolios", **job.identity(), "tail": here.candidates.outlook.tail, "unit": "thousand GPUs, $M",
        "partitions": [{"rows": one.rows, "checksums": one.checksums} for one in done],
    }
    put_in_place(journal, target, (f"{POOL}.parquet", f"{VALUES}.parquet"), record, how)
    return Made(sum(one.rows for one in done), len(done), taken_over)


def is_pool_folder(path: str) -> bool:
    """Whether a folder holds a pool, rather than a file of bundles."""
    return not is_remote(path) and Path(path).is_dir()


def stored_bundles(folder: Path, candidates: CandidateSet) -> pd.DataFrame:
    """The bundles of a pool in a folder, as numbers; raises PlannerError where it is not as it was written, or of
    another case."""
    record = _record(folder)
    _refuse_other(
        folder, record, case_hash=candidates.outlook.case.source_hash, base=candidates.outlook.base,
        tail=candidates.outlook.tail,
    )
    for number in range(len(record["partitions"])):
        _sound(folder, record, POOL, number)
    return pd.concat(
        [
            read_pool(Path(file_of(str(folder), POOL, number)), candidates)
            for number in range(len(record["partitions"]))
        ],
        ignore_index=True,
    )


def stored_values(folder: Path, futures: Futures, file: Path | None) -> np.ndarray:
    """What the bundles of a stored pool are worth in some futures, (bundles, S), in memory or mapped from `file`; other
    futures are refused."""
    record = _record(folder)
    _refuse_other(folder, record, scenarios=len(futures), seed=futures.seed)
    rows = [int(part["rows"]) for part in record["partitions"]]
    shape = (sum(rows), len(futures))
    found = (
        np.empty(shape, np.float32) if file is None
        else np.lib.format.open_memmap(file, mode="w+", dtype=np.float32, shape=shape)
    )
    first = 0
    for number, count in enumerate(rows):
        content = _sound(folder, record, VALUES, number)
        try:
            column = pq.read_table(io.BytesIO(content)).column(0).combine_chunks()
            found[first : first + count] = column.flatten().to_numpy(zero_copy_only=False).reshape(count, len(futures))
        except UNREADABLE as error:
            raise PlannerError(
                f"{file_of(str(folder), VALUES, number)} cannot be read ({error}); make the pool again"
            ) from None
        first += count
    return found


def _record(folder: Path) -> dict[str, Any]:
    """The record of a pool; raises PlannerError for anything else."""
    path = folder / RECORD
    found = sealed_record(path, remedy="make the pool again") if path.is_file() else {}
    if found.get("command") != "portfolios":
        raise PlannerError(f"{folder} holds no pool; make one with planner portfolios CASE --pool grid --out {folder}")
    return found


def _sound(folder: Path, record: dict[str, Any], table: str, number: int) -> bytes:
    """The bytes of a part as they were written; raises PlannerError where they are not."""
    address = file_of(str(folder), table, number)
    try:
        content = read(address)
    except OSError as error:
        raise PlannerError(f"{address} cannot be read ({error.strerror}); make the pool again") from None
    if checksum(content) != record["partitions"][number]["checksums"][table]:
        raise PlannerError(f"{address} is not as it was written (its checksum differs); make the pool again")
    return content


def _refuse_other(folder: Path, record: dict[str, Any], **here: object) -> None:
    for name, value in here.items():
        if record.get(name) != value:
            raise PlannerError(
                f"{folder} was made under other values of {_SAME[name]}: {record.get(name)!r}, here {value!r}; give "
                "the same, or make the pool again"
            )

"""What is finished of a run by partitions: kept in a folder until all is there, checked before it is gone on with."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from planner.errors import PlannerError
from planner.storage.addresses import checksum, exists, is_remote, joined, read, write
from planner.storage.folders import refuse_other_folders


class Interrupted(PlannerError):
    """Ctrl-C came before all was done; the message says where what is done stands."""

    exit_code = 130


@dataclass(frozen=True)
class How:
    """Where partitions are worked on: in this process, on `workers` processes of this machine, or on a scheduler."""

    workers: int | None = None
    scheduler: str | None = None
    resume: bool = False
    force: bool = False

    def __post_init__(self) -> None:
        if self.workers is not None and self.scheduler is not None:
            raise PlannerError(
                "--workers starts processes here, --scheduler has workers of its own; give one of the two"
            )

    @property
    def on_dask(self) -> bool:
        """Whether anything else than this process is asked for."""
        return self.workers is not None or self.scheduler is not None


@dataclass(frozen=True)
class Done:
    """A partition that is finished: its rows, those of them that break no limit, the SHA-256 of each file that it
    wrote; notes of what made it."""

    number: int
    rows: int
    checksums: dict[str, str]
    within: int = 0
    left_out: dict[str, str] = field(default_factory=dict)
    device: str = ""
    not_fused: dict[str, str] = field(default_factory=dict)


def file_of(folder: str, table: str, number: int) -> str:
    """Where a table of a partition stands."""
    return joined(folder, f"{table}.parquet", f"part-{number:06d}.parquet")


def record_of(folder: str, number: int) -> str:
    """Where the record stands that a partition is done."""
    return joined(folder, "done", f"{number:06d}.json")


def keep(folder: str, number: int, rows: int, files: Mapping[str, bytes], **notes: Any) -> Done:
    """Write the files of a partition by the name of their table, each whole; the record that it is done comes last."""
    checksums = {name: write(file_of(folder, name, number), content) for name, content in files.items()}
    done = Done(number, rows, checksums, **notes)
    write(record_of(folder, number), json.dumps(asdict(done)).encode())
    return done


def finished(folder: str, number: int) -> Done | None:
    """The record of a partition if all of its files are there as they were written; None if it is to be made
    (again)."""
    record = record_of(folder, number)
    if not exists(record):
        return None
    try:
        done = Done(**json.loads(read(record)))
        kept = all(checksum(read(file_of(folder, name, number))) == kept for name, kept in done.checksums.items())
        return (
            done if kept and done.number == number and isinstance(done.rows, int) and isinstance(done.within, int)
            else None
        )
    except (OSError, ValueError, TypeError, AttributeError, RecursionError):
        return None


def unfinished(target: str) -> str:
    """Where partitions stand until all are there: in a store the place itself, else a folder beside it."""
    if is_remote(target):
        return target
    path = Path(target).resolve()
    return str(path.parent / f".{path.name}.unfinished")


def begin(identity: Mapping[str, Any], target: str, how: How) -> str:
    """The folder of partitions, new or gone on with; `identity` is what two runs share whose partitions may stand side
    by side.

    Raises PlannerError when the target is taken, or when what is unfinished there is another job.
    """
    folder = unfinished(target)
    if is_remote(target):
        if exists(joined(target, "run.json")) and not how.force:
            raise PlannerError(f"{target} holds results already; choose another --out, or replace them with --force")
    else:
        refuse_other_folders(Path(target).resolve(), force=how.force)
    record = joined(folder, "job.json")
    if exists(record):
        if how.resume:
            _refuse_another_job(record, identity)
            return folder
        if not how.force:
            raise PlannerError(
                f"{folder} holds an unfinished run; go on with it with --resume, or begin again with --force"
            )
        if not is_remote(folder):
            shutil.rmtree(folder)
    elif how.resume:
        raise PlannerError(f"{folder} holds no unfinished run; leave --resume out to begin one")
    write(record, json.dumps(identity, indent=2).encode())
    return folder


def _refuse_another_job(record: str, identity: Mapping[str, Any]) -> None:
    try:
        was = json.loads(read(record))
    except (OSError, ValueError, RecursionError):
        was = None
    if not isinstance(was, dict):
        raise PlannerError(f"{record} cannot be read, so nobody knows what stands beside it; begin again with --force")
    other = [name for name in identity if was.get(name) != identity[name]]
    if other:
        raise PlannerError(
            f"{record} is of another job: {', '.join(other)} differ; give the same case, portfolios and options, or "
            "begin again with --force"
        )

"""Results by partitions: begun, interrupted, gone on with, and whole at the end."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol

from planner.errors import PlannerError
from planner.parallel.somewhere import results
from planner.parallel.work import Work
from planner.storage.addresses import checksum, is_remote, joined, write
from planner.storage.folders import folder_in_place_of, record_text
from planner.storage.journal import Interrupted, Journal, unfinished

Progress = Callable[[int, int, int], None]
"""Called with partitions done, partitions in all, and rows in those done."""


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


class Part(Protocol):
    """A partition of some work; its number is its place."""

    @property
    def number(self) -> int:
        """From 0."""


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
    return joined(folder, *_file(table, number).split("/"))


def _file(table: str, number: int) -> str:
    return f"{table}.parquet/part-{number:06d}.parquet"


def keep_part(journal: Journal, number: int, rows: int, files: Mapping[str, bytes], **notes: Any) -> Done:
    """Write the files of a partition by the name of their table; the record that it is done comes last."""
    done = Done(number, rows, {name: checksum(content) for name, content in files.items()}, **notes)
    journal.keep(f"{number:06d}", {_file(name, number): content for name, content in files.items()}, asdict(done))
    return done


def finished(journal: Journal, number: int) -> Done | None:
    """The record of a partition if all of its files are there as they were written; None if it is to be made
    (again)."""
    notes = journal.kept(f"{number:06d}")
    return None if notes is None else Done(**notes)


def all_done(
    work: Work, parts: Sequence[Part], journal: Journal, how: How, here: Callable[[Any], Done], *, device: str = "cpu",
    progress: Progress | None = None
) -> tuple[tuple[Done, ...], int]:
    """Do every partition that is not finished: here, or where `how` says. The records of all in order, and how many
    stood before."""
    kept = {part.number: done for part in parts if how.resume and (done := finished(journal, part.number)) is not None}
    rest, taken_over = [part for part in parts if part.number not in kept], len(kept)
    rows = sum(done.rows for done in kept.values())
    found = results(work, rest, workers=how.workers, scheduler=how.scheduler, device=device, here=here)
    with closing(found) as finishing:  # Ctrl-C ends the workers before it is told
        for done in finishing:
            kept[done.number] = done
            rows += done.rows
            if progress is not None:
                progress(len(kept), len(parts), rows)
    return tuple(kept[part.number] for part in parts), taken_over


def put_in_place(journal: Journal, target: str, names: Sequence[str], record: Mapping[str, Any], how: How) -> None:
    """Write run.json, which comes last, and move what is finished, files and folders of some names, into the target's
    place; in a store it stands there already."""
    write(joined(journal.folder, RECORD), record_text(record).encode())
    if is_remote(target):
        return
    with folder_in_place_of(Path(target), force=how.force) as new:
        # Nothing is written any more: a disk that is full now cannot lose what is finished.
        for name in (*names, RECORD):
            Path(journal.folder, name).rename(new / name)
    journal.end()


RECORD = "run.json"


@contextmanager
def said_where_it_stands(target: str) -> Iterator[None]:
    """Raise Interrupted, which names the folder of what is finished, in the place of Ctrl-C."""
    try:
        yield
    except KeyboardInterrupt:
        raise Interrupted(
            f"stopped by Ctrl-C; partitions that are finished stand in {unfinished(target)}: go on with --resume"
        ) from None

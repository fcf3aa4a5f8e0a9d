"""What is finished of long work: kept piece by piece in a folder until all of it is there, and checked before the work
goes on."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from planner.errors import PlannerError
from planner.storage.addresses import checksum, exists, files_in, is_remote, joined, read, write
from planner.storage.folders import refuse_other_folders
from planner.storage.seals import SEAL, seal_of


class Interrupted(PlannerError):
    """Ctrl-C came before all was done; the message says where what is done stands."""

    exit_code = 130


@dataclass(frozen=True)
class Journal:
    """A folder of finished pieces. asked: a hash of the work that they are pieces of; those of other work are none.

    A piece has a name, files, and notes (plain values). It counts once its record stands, which is written last.
    """

    folder: str
    asked: str

    def keep(self, name: str, files: Mapping[str, bytes], notes: Mapping[str, Any]) -> None:
        """Write the files of a piece by their names within the folder, each whole, then its record."""
        sums = {file: write(joined(self.folder, file), content) for file, content in files.items()}
        record = {"asked": self.asked, "files": sums, "notes": notes}
        write(self._record(name), json.dumps({**record, SEAL: seal_of(record)}).encode())

    def kept(self, name: str) -> dict[str, Any] | None:
        """The notes of a piece whose record and files are as they were written; None where it is to be made (again)."""
        try:
            record = json.loads(read(self._record(name)))
            if record.pop(SEAL) != seal_of(record) or record["asked"] != self.asked:
                return None
            if any(checksum(read(joined(self.folder, file))) != was for file, was in record["files"].items()):
                return None
            notes: dict[str, Any] = record["notes"]
        except (OSError, ValueError, TypeError, LookupError, AttributeError, RecursionError):
            return None
        return notes

    def names(self) -> list[str]:
        """Names of the pieces that have a record, in order."""
        folder = joined(self.folder, "done")
        return [Path(each).stem for each in files_in(folder, ".json")] if exists(folder) else []

    def end(self) -> None:
        """Remove the folder: all is there."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _record(self, name: str) -> str:
        return joined(self.folder, "done", f"{name}.json")


def unfinished(target: str) -> str:
    """Where pieces stand until all are there: in a store the place itself, else a folder beside it."""
    if is_remote(target):
        return target
    path = Path(target).resolve()
    return str(path.parent / f".{path.name}.unfinished")


def begin_journal(
    target: str, work: Mapping[str, Any], *, resume: bool, force: bool, what: str = "run", record: str = "run.json"
) -> Journal:
    """The journal of some work whose results are to stand at a target, new or gone on with.

    work: what two calls share whose pieces may stand side by side, as plain values. Raises PlannerError when the target
    is taken, or when what is unfinished there is other work.
    """
    folder = unfinished(target)
    if is_remote(target):
        if exists(joined(target, record)) and not force:
            raise PlannerError(f"{target} holds results already; choose another --out, or replace them with --force")
    else:
        refuse_other_folders(Path(target).resolve(), force=force, what=what, record=record)
    asked: dict[str, Any] = json.loads(json.dumps(work))
    journal, job = Journal(folder, sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()), joined(folder, _JOB)
    if exists(job):
        if resume:
            _refuse_other_work(job, asked, what)
            return journal
        if not force:
            raise PlannerError(
                f"{folder} holds an unfinished {what}; go on with it with --resume, or begin again with --force"
            )
        if not is_remote(folder):
            journal.end()
    elif resume:
        raise PlannerError(f"{folder} holds no unfinished {what}; leave --resume out to begin one")
    write(job, json.dumps(asked, indent=2).encode())
    return journal


_JOB = "job.json"


def _refuse_other_work(job: str, asked: Mapping[str, Any], what: str) -> None:
    try:
        was = json.loads(read(job))
    except (OSError, ValueError, RecursionError):
        was = None
    if not isinstance(was, dict):
        raise PlannerError(f"{job} cannot be read, so nobody knows what stands beside it; begin again with --force")
    other = [name for name in asked if was.get(name) != asked[name]]
    if other:
        raise PlannerError(
            f"{job} is of another {what}: {', '.join(other)} differ; repeat its own command with --resume, or begin "
            "again with --force"
        )

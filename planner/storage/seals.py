"""Folders of results that are read again: their record holds a SHA-256 of each file and of itself, so that only what
was written is read.

This keeps out what was spoilt by a disk, a transfer or an editor. It is no signature: whoever wants to can seal a
folder anew.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from planner.errors import PlannerError

RECORDS = ("run.json", "sweep.json", "replay.json")
FILES, SEAL = "files", "seal"
MOST_BYTES = 64 << 20
"""A record is some kilobytes; one of a million partitions takes this."""
_PIECE = 1 << 20


def seal(folder: Path) -> None:
    """Note in the record of a folder, where it has one, the checksums of the files beside it, and of the record."""
    for name in RECORDS:
        path = folder / name
        if path.is_file():
            record = json.loads(path.read_text(encoding="utf-8"))
            record.pop(SEAL, None)
            record[FILES] = {
                each.name: file_checksum(each) for each in sorted(folder.iterdir())
                if each.is_file() and each.name != name
            }
            path.write_text(
                json.dumps({**record, SEAL: seal_of(record)}, indent=2, allow_nan=False) + "\n", encoding="utf-8"
            )


def sealed_record(path: Path, *, remedy: str) -> dict[str, Any]:
    """The record of a folder of results; raises PlannerError for one that is not as it was written, with the remedy."""
    try:
        small = path.stat().st_size <= MOST_BYTES
        found = json.loads(path.read_text(encoding="utf-8")) if small else None
    except (OSError, ValueError, RecursionError) as error:
        raise PlannerError(f"{path} cannot be read ({str(error)[:200]}); {remedy}") from None
    if not isinstance(found, dict) or not isinstance(found.get(FILES), dict) or SEAL not in found:
        raise PlannerError(f"{path} is not a record as planner writes it; {remedy}")
    if found[SEAL] != seal_of({name: value for name, value in found.items() if name != SEAL}):
        raise PlannerError(f"{path} is not as it was written (its seal does not fit); {remedy}")
    return found


def refuse_changed(path: Path, record: Mapping[str, Any], *, remedy: str) -> None:
    """Raise PlannerError unless a file beside a sealed record is as it was written."""
    try:
        found = file_checksum(path)
    except OSError as error:
        raise PlannerError(f"{path} cannot be read ({error.strerror}); {remedy}") from None
    if record[FILES].get(path.name) != found:
        raise PlannerError(
            f"{path} is not as it was written (its checksum differs from that in the record beside it); {remedy}"
        )


def file_checksum(path: Path) -> str:
    """SHA-256 of a file in hexadecimal, read piece by piece."""
    found = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            found.update(piece)
    return found.hexdigest()


def seal_of(record: Mapping[str, Any]) -> str:
    """SHA-256 of a record of plain values."""
    return hashlib.sha256(json.dumps(record, sort_keys=True, separators=(",", ":")).encode()).hexdigest()

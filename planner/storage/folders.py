"""Folders of results: whole or not at all, never over another one unless told."""

from __future__ import annotations

import json
import os
import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from planner.errors import PlannerError
from planner.storage.seals import seal

if TYPE_CHECKING:
    import pandas as pd

CSV: dict[str, Any] = {"index": False, "float_format": "%.12g", "lineterminator": "\n"}
"""Twelve significant digits: below the dust of sums, so that equal runs write equal bytes."""
_PACKAGES = ("neocloud-planner", "numpy", "scipy", "pandas", "pulp", "highspy")


def refuse_other_folders(target: Path, *, force: bool, what: str = "run", record: str = "run.json") -> None:
    """Raise PlannerError unless the folder is free, empty, or one of its kind, known by its record, that may be
    replaced."""
    if not target.exists() or (target.is_dir() and not any(target.iterdir())):
        return
    if not force:
        raise PlannerError(f"{target} exists already; choose another --out, or replace that {what} with --force")
    if not (target / record).is_file():
        raise PlannerError(
            f"{target} is not a {what} (it has no {record}), so --force does not replace it; choose another --out"
        )


@contextmanager
def folder_in_place_of(
    target: Path, *, force: bool, what: str = "run", record: str = "run.json"
) -> Iterator[Path]:
    """A scratch folder beside the target to write into; at the end its record is sealed (see `seals`) and it takes the
    target's place in one step. After an error nothing is changed.

    Raises PlannerError, before anything is written, where the target is taken (see `refuse_other_folders`), and where
    the disk refuses.
    """
    target = target.resolve()
    refuse_other_folders(target, force=force, what=what, record=record)
    scratch = old = None
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        scratch = _beside(target, "new")
        yield scratch
        seal(scratch)
        for path in (each for each in scratch.rglob("*") if each.is_file()):
            with path.open("rb") as file:
                os.fsync(file.fileno())
        if target.exists():
            old = _beside(target, "old")
            target.rename(old / target.name)
        try:
            scratch.rename(target)
        except OSError:
            if old is not None:
                (old / target.name).rename(target)
            raise
    except OSError as error:
        raise PlannerError(f"{target} could not be written: {error.strerror or error}; nothing was changed") from error
    finally:
        for folder in (scratch, old):
            if folder is not None:
                shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def file_in_place_of(target: Path) -> Iterator[Path]:
    """A scratch file beside the target to write, with its ending; at the end it takes the target's place."""
    scratch = target.parent / f".{target.stem}.{secrets.token_hex(4)}{target.suffix}"
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        yield scratch
        scratch.replace(target)
    except OSError as error:
        raise PlannerError(f"{target} could not be written: {error.strerror or error}; nothing was changed") from error
    finally:
        scratch.unlink(missing_ok=True)


def write_tables(folder: Path, tables: Mapping[str, pd.DataFrame]) -> None:
    """Write tables by the name of their file, .csv or .parquet."""
    for name, table in tables.items():
        if name.endswith(".csv"):
            table.to_csv(folder / name, **CSV)
        else:
            table.to_parquet(folder / name, index=False)


def record_text(record: Mapping[str, Any]) -> str:
    """A record as its file holds it; raises ValueError for a number that is none."""
    return json.dumps(record, indent=2, allow_nan=False) + "\n"


def write_record(path: Path, record: Mapping[str, Any]) -> None:
    """Write a record as JSON."""
    path.write_text(record_text(record), encoding="utf-8")


def _beside(target: Path, purpose: str) -> Path:
    """A new folder beside the target, open to whom any new folder is open (mkdtemp makes it the owner's alone)."""
    folder = target.parent / f".{target.name}.{purpose}.{secrets.token_hex(4)}"
    folder.mkdir()
    return folder


def versions() -> dict[str, str | None]:
    """Versions of this package and of those that its numbers rest on."""
    return {name: _version(name) for name in _PACKAGES}


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None

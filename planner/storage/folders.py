"""Folders of results: whole or not at all, never over another one unless told."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from planner.errors import PlannerError
from planner.storage.seals import seal

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


def appear_whole(target: Path, write: Callable[[Path], None]) -> None:
    """Write into a scratch folder beside the target, seal its record (see `sealed`), then put it in the target's place
    in one step."""
    scratch = old = None
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        scratch = _beside(target, "new")
        write(scratch)
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

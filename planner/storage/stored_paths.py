"""Paths that a record of results holds, so that they are found again from any folder, and when a project moves as a
whole."""

from __future__ import annotations

import os
from pathlib import Path


def stored_path(written: str, folder: Path) -> str:
    """How the record of a folder names a path that the user wrote: from that folder where both stand in one tree, else
    whole.

    What is no path on this machine (an address in a store, a case made in memory) stays as it is.
    """
    path = Path(written)
    if not written or not path.exists():
        return written
    target, here = path.resolve(), folder.resolve()
    try:
        common = Path(os.path.commonpath([target, here]))
    except ValueError:  # two drives
        return str(target)
    return Path(os.path.relpath(target, here)).as_posix() if common != Path(common.anchor) else str(target)


def found_path(stored: str, folder: Path) -> Path:
    """The path that the record of a folder names, from where we are now; it need not exist any more."""
    path = folder / stored
    if not path.exists():
        return Path(stored)
    whole, here = path.resolve(), Path.cwd().resolve()
    return whole.relative_to(here) if whole.is_relative_to(here) else whole

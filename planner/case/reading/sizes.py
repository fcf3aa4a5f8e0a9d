"""How large the files of a case may be, and the one place where their bytes are read.

The bounds lie far above any case that a plan can be made of; they hold what a broken or hostile file can cost.
"""

from __future__ import annotations

import stat
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

from planner.errors import Fault

SETTINGS_BYTES = 64 << 10
"""A `case.toml` of every setting takes a thirtieth of it."""
TABLE_BYTES = 64 << 20
TABLE_CELLS = 5_000_000
"""Cells of one table: a million rows of curves."""
TABLE_COLUMNS = 500
WORKBOOK_BYTES = 128 << 20
"""What a workbook holds once unpacked."""
WORKBOOK_CELLS = 1_000_000
"""Cells of a workbook, which take some hundred bytes each while it is read."""
MOST_FAULTS = 1000
"""Faults of one table that are told; a file of another kind would have millions."""


class FileRefused(Exception):
    """A file that is not read; `fault` says why."""

    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        super().__init__(str(fault))


def refuse_other_than_files(path: Path, most: int) -> None:
    """Raise FileRefused unless `path` is a regular file of at most `most` bytes; a pipe or a device might never end."""
    try:
        found = path.stat()
    except OSError as error:
        raise FileRefused(_not_read(path, error)) from None
    if not stat.S_ISREG(found.st_mode):
        raise FileRefused(Fault(path.name, None, None, "", "cannot be read (not a regular file)", "put a file there"))
    if found.st_size > most:
        raise FileRefused(_too_large(path.name, f"{found.st_size:,} bytes", f"{most:,} bytes"))


def regular_bytes(path: Path, most: int) -> bytes:
    """The bytes of a regular file of at most `most` bytes; raises FileRefused for anything else."""
    refuse_other_than_files(path, most)
    try:
        with path.open("rb") as file:
            return file.read(most)
    except OSError as error:
        raise FileRefused(_not_read(path, error)) from None


def _not_read(path: Path, error: OSError) -> Fault:
    return Fault(
        path.name, None, None, "", f"cannot be read ({error.strerror})",
        "check that it is a file and that you may read it",
    )


def refuse_many_cells(file: str, rows: int, columns: int) -> None:
    """Raise FileRefused for a table of more cells or columns than a case may have."""
    if columns > TABLE_COLUMNS:
        raise FileRefused(_too_large(file, f"{columns:,} columns", f"{TABLE_COLUMNS:,} columns"))
    if rows * columns > TABLE_CELLS:
        raise FileRefused(
            _too_large(
                file, f"more than {TABLE_CELLS:,} cells ({columns:,} columns)",
                f"{TABLE_CELLS // max(columns, 1):,} rows of that width",
            )
        )


def first_faults(faults: Iterable[Fault], told: int) -> Iterator[Fault]:
    """Faults until, with `told` before them, there are `MOST_FAULTS`; those after are not even looked for."""
    return islice(faults, max(MOST_FAULTS - told, 0))


def more_faults(file: str) -> Fault:
    """What stands in place of the faults of a file after the first `MOST_FAULTS`."""
    return Fault(
        file, None, None, "", f"more than {MOST_FAULTS:,} faults, the rest is not told",
        "mend those above first, or look whether it is the right file",
    )


def _too_large(file: str, has: str, most: str) -> Fault:
    return Fault(
        file, None, None, "", f"too large: {has}", f"a case may have {most}; split it, or leave out what no plan needs"
    )

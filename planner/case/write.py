"""Writing a case to a folder or a workbook, so that reading it back gives the same case."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from planner.case.case import Case
from planner.case.reading.folder import SETTINGS_FILE
from planner.case.tables import TABLES
from planner.case.writing.folder import write_folder
from planner.case.writing.workbook import write_workbook
from planner.errors import PlannerError

README = "README.md"


def write_case(case: Case, path: str | Path, *, notes: str = "", force: bool = False) -> None:
    """Write `case.toml` and CSV files into a folder, or everything into one workbook when the path ends in .xlsx.

    Nothing is lost: reading the path gives the same settings, tables and hash. `notes` (Markdown)
    becomes the folder's README.md or the sheet `notes`. The files appear whole or not at all. Raises
    PlannerError when the path exists and `force` is not set; with it, tables of an older case in the
    folder go away and files that are none of a case stay.
    """
    target = Path(path)
    if target.exists() and not force and not (target.is_dir() and not any(target.iterdir())):
        raise PlannerError(f"{target} exists already; choose another path, or overwrite it with --force")
    if target.suffix.lower() == ".xlsx" and target.is_dir():
        raise PlannerError(f"{target} is a folder, not a workbook; choose another path")
    if target.suffix.lower() != ".xlsx" and target.is_file():
        raise PlannerError(f"{target} is a file, not a folder; choose another path, or one that ends in .xlsx")
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{target.name}.", dir=target.parent) as scratch:
        if target.suffix.lower() == ".xlsx":
            written = Path(scratch) / target.name
            write_workbook(case, written, notes=notes)
            written.replace(target)
            return
        write_folder(case, Path(scratch))
        if notes:
            (Path(scratch) / README).write_text(notes, encoding="utf-8")
        _move_in(Path(scratch), target)


def _move_in(written: Path, target: Path) -> None:
    """The files written, moved over those of the target; tables that the case no longer has are removed."""
    target.mkdir(exist_ok=True)
    fresh = {entry.name for entry in written.iterdir()}
    for name in (SETTINGS_FILE, *(f"{table}.csv" for table in TABLES)):
        if name not in fresh:
            (target / name).unlink(missing_ok=True)
    for name in sorted(fresh):
        shutil.move(written / name, target / name)

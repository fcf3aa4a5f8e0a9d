"""The case that a run was planned from, found again and proved to be the one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from planner.case.case import Case
from planner.case.edits import changed_case
from planner.case.read import read_case
from planner.errors import PlannerError
from planner.storage.stored_paths import found_path


def case_of_run(run: Path, record: Mapping[str, Any], given: Path | None = None) -> Case:
    """The case of a run with its edits and stress; by default from where the record says that it stands.

    run: the folder; record: its run.json. Raises PlannerError, naming --case, for a case that is not there, and for one
    that is not what was planned.
    """
    written = record.get("case_path")
    path = given if given is not None else found_path(str(written), run) if written else None
    if path is None or (given is None and not path.exists()):
        there = (
            f"the case of {run} is not at {path}" if path is not None else f"{run} does not say where its case stands"
        )
        raise PlannerError(f"{there}; say where it is with --case PATH")
    options = record["options"]
    changed = changed_case(read_case(path), options["edits"], options["stress"])
    if changed.source_hash != record["case_hash"]:
        raise PlannerError(
            f"{path} is not the case that {run} planned, or has changed since; plan it again, or give the right one "
            "with --case PATH"
        )
    return changed

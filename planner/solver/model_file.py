"""A model written to a file that any solver reads: MPS, or the LP format."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from planner.did_you_mean import remedy_for
from planner.errors import PlannerError
from planner.solver.highs import HighsSolver
from planner.solver.model_arrays import ModelArrays
from planner.solver.options import SolverOptions

ENDINGS = (".mps", ".lp")
_MPS = str.maketrans({" ": "_", "\t": "_"})
_LP = str.maketrans({":": ".", ">": "~", " ": "_", "\t": "_", **dict.fromkeys("/-+'|<=[]*^\\", "_")})
"""What may not stand in a name of each format, and what stands there instead."""


def write_model_file(
    arrays: ModelArrays, columns: Sequence[str], rows: Sequence[str], path: Path, *, scale: float = 1.0
) -> None:
    """Write a model with names of its columns and rows; the format is that of the path's ending.

    scale: what the objective is multiplied by. Names that a format does not take are changed where they must be, and
    numbered where two would be one. Raises PlannerError for another ending, and where the file cannot be written.
    """
    refuse_other_endings(path)
    table = _MPS if path.suffix == ".mps" else _LP
    highs = HighsSolver(SolverOptions()).passed(replace(arrays, cost=arrays.cost * scale, offset=arrays.offset * scale))
    for at, name in enumerate(_told_apart(name.translate(table) for name in columns)):
        highs.passColName(at, name)
    for at, name in enumerate(_told_apart(name.translate(table) for name in rows)):
        highs.passRowName(at, name)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")  # a folder that cannot be written is said in words
    except OSError as error:
        raise PlannerError(f"{path} could not be written: {error.strerror or error}") from error
    highs.writeModel(str(path))
    if not path.stat().st_size:
        raise PlannerError(f"{path} could not be written: HiGHS refuses the model")


def refuse_other_endings(path: Path) -> None:
    """Raise PlannerError for a file whose ending is that of no format."""
    if path.suffix not in ENDINGS:
        raise PlannerError(f"{path}: a model is written as .mps or .lp; {remedy_for(path.suffix, ENDINGS)}")


def _told_apart(names: Iterable[str]) -> list[str]:
    """The names, the second and later of equal ones with their number."""
    seen: dict[str, int] = {}
    found = []
    for name in names:
        count = seen[name] = seen.get(name, 0) + 1
        found.append(name if count == 1 else f"{name}.{count}")
    return found

"""A plan of one case as the start of a search in another: its integers by name, the rest solved anew."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from planner.formulation.formulation import Formulation
from planner.solver.highs import HighsSolver
from planner.solver.model_arrays import FloatArray, ModelArrays
from planner.solver.options import SolverOptions
from planner.solver.solution import Solution


def integers_by_name(formulation: Formulation, solution: Solution) -> dict[str, float]:
    """Levels of the integers of an answer, by the name of their column; those at 0 are left out."""
    levels = solution.usable() * formulation.unit
    return {
        formulation.name[at]: float(np.round(levels[at])) for at in np.flatnonzero(formulation.integral)
        if round(levels[at])
    }


def columns_of(formulation: Formulation, arrays: ModelArrays, integers: Mapping[str, float]) -> FloatArray:
    """Integers by name as levels of the columns of a model, within their bounds; 0 for those not named, shape
    (columns,).

    The levels of other columns have no meaning here.
    """
    names = np.array(formulation.name, dtype=object)[arrays.integer]
    unit = formulation.unit[arrays.integer]
    levels = np.zeros(arrays.columns)
    levels[arrays.integer] = np.array([integers.get(name, 0.0) for name in names], dtype=np.float64) / unit
    return np.clip(levels, arrays.col_lower, arrays.col_upper)


def completed(arrays: ModelArrays, levels: FloatArray, *, seconds: float | None = None) -> FloatArray | None:
    """Levels of all columns with the integers fixed as given, shape (columns,).

    One linear programme; None where those leave no plan, or the time runs out.
    """
    fixed = HighsSolver(SolverOptions(time_limit_s=seconds)).solve_arrays(arrays.with_integers_fixed(levels))
    return fixed.values

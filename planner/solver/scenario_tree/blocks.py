"""The numbers of a node as a caller gives them, dense or sparse, vector or scalar: checked once."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse

from planner.arrays import Flags, Floats
from planner.errors import PlannerError
from planner.solver.model_arrays import INFINITE, LARGEST_COEFFICIENT, SMALLEST_COEFFICIENT

Vector = Any
"""A NumPy vector, a sequence of numbers, or one number for all entries."""
Block = Any
"""A SciPy sparse array or matrix, or a two-dimensional NumPy array: rows of a node x columns of a node on its path."""


def block(given: Block, place: str) -> sparse.csr_array:
    """A block as a CSR array of its own, repeats added up and zeros dropped.

    Raises PlannerError unless it has two dimensions and numbers that the solver takes as they are.
    """
    if sparse.issparse(given):
        cells: Any = given
        if cells.ndim != 2:
            raise PlannerError(f"{place} has shape {cells.shape}; give rows x columns, also for a single row")
    else:
        dense = _numbers(given, place)
        if dense.ndim != 2:
            raise PlannerError(f"{place} has shape {dense.shape}; give rows x columns, also for a single row")
        cells = sparse.coo_array(dense)
    if cells.dtype.kind not in "biuf":
        raise PlannerError(f"{place} holds no real numbers but {cells.dtype}")
    found = sparse.csr_array(cells, dtype=np.float64, copy=True)
    found.sum_duplicates()
    found.eliminate_zeros()
    size = np.abs(found.data)
    if not np.isfinite(size).all():
        raise PlannerError(f"{place} holds NaN or an infinite coefficient; every coefficient must be a number")
    if (size <= SMALLEST_COEFFICIENT).any():
        least = float(size.min())
        raise PlannerError(f"{place} holds {least:g}, which the solver reads as zero; choose other units, or write 0")
    if (size > LARGEST_COEFFICIENT).any():
        raise PlannerError(f"{place} holds {float(size.max()):g}, which the solver refuses; choose other units")
    return found


def vector(given: Vector, count: int, place: str) -> Floats:
    """Numbers (count,) of the caller's, or one number for all; raises PlannerError for another shape or NaN."""
    numbers = _numbers(given, place)
    if numbers.ndim == 0:
        numbers = np.full(count, float(numbers))
    if numbers.shape != (count,):
        raise PlannerError(f"{place} has shape {numbers.shape}; ({count},) is expected")
    if np.isnan(numbers).any():
        raise PlannerError(f"{place} holds NaN at {int(np.flatnonzero(np.isnan(numbers))[0])}")
    return numbers.copy()


def costs(given: Vector, count: int, place: str) -> Floats:
    """Costs (count,), each a number below `INFINITE`."""
    found = vector(given, count, place)
    wrong = np.flatnonzero(np.abs(found) >= INFINITE)
    if wrong.size:
        raise PlannerError(f"{place} is {found[wrong[0]]:g} at {int(wrong[0])}; a cost must be below {INFINITE:g}")
    return found


def limits(lower: Vector, upper: Vector, count: int, what: str) -> tuple[Floats, Floats]:
    """Lower and upper limits, (count,) each; what is at or beyond `INFINITE` in size is no limit.

    Raises PlannerError where the lower one lies above the upper one or one leaves no number at all.
    """
    low, up = vector(lower, count, f"{what}lower"), vector(upper, count, f"{what}upper")
    for limit in (low, up):
        limit[limit >= INFINITE] = np.inf
        limit[limit <= -INFINITE] = -np.inf
    crossed = np.flatnonzero((low > up) | (low == np.inf) | (up == -np.inf))
    if crossed.size:
        at = int(crossed[0])
        raise PlannerError(f"{what}lower {low[at]:g} and {what}upper {up[at]:g} at {at} leave no number between them")
    return low, up


def flags(given: Any, count: int, place: str) -> Flags:
    """A mask (count,) of bool (or of 0 and 1), or one flag for all."""
    mask = np.asarray(given)
    if mask.ndim == 0:
        mask = np.full(count, mask)
    if mask.shape != (count,):
        raise PlannerError(f"{place} has shape {mask.shape}; a mask ({count},) is expected, one flag for each column")
    if mask.dtype != np.bool_ and not (mask.dtype.kind in "iuf" and np.isin(mask, (0, 1)).all()):
        raise PlannerError(f"{place} is no mask; give True or False for each column, not the numbers of columns")
    return mask.astype(np.bool_)


def length(given: Vector) -> int | None:
    """How many entries a vector has; None for one number or nothing, which fit any count."""
    if given is None:
        return None
    size = np.shape(given)
    return int(size[0]) if size else None


def _numbers(given: Any, place: str) -> Floats:
    if np.iscomplexobj(given):
        raise PlannerError(f"{place} holds complex numbers; give real ones")
    try:
        return np.asarray(given, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise PlannerError(f"{place} holds no real numbers: {error}") from error

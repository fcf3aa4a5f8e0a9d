"""Bulk changes of a model that a solver keeps."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from planner.errors import PlannerError
from planner.solver.model_arrays import FloatArray, IntArray, ModelArrays


@dataclass(frozen=True)
class Changes:
    """Bulk changes of a kept model: (columns or rows, new numbers), in any combination; infinite limits as +-inf."""

    costs: tuple[IntArray, FloatArray] | None = None
    columns: tuple[IntArray, FloatArray, FloatArray] | None = None
    rows: tuple[IntArray, FloatArray, FloatArray] | None = None

    def applied(self, arrays: ModelArrays) -> ModelArrays:
        """The arrays with the changes in them; an index outside the model or NaN is refused."""
        changed: dict[str, FloatArray] = {}
        for name, part, size in (
            ("cost", self.costs, arrays.columns),
            ("col", self.columns, arrays.columns),
            ("row", self.rows, arrays.rows),
        ):
            if part is None:
                continue
            places, *numbers = part
            where = np.asarray(places)
            if where.size and not (where.min() >= 0 and where.max() < size):
                raise PlannerError(f"a change of {name} names an index outside 0..{size - 1}")
            if len(np.unique(where)) != where.size:
                raise PlannerError(f"a change of {name} names the same index twice; give one number for each")
            targets = ("cost",) if name == "cost" else (f"{name}_lower", f"{name}_upper")
            for target, new in zip(targets, numbers, strict=True):
                if np.isnan(new).any():
                    raise PlannerError(f"a change of {target} is not a number (NaN)")
                array = getattr(arrays, target).copy()
                array[where] = new
                changed[target] = array
        return replace(arrays, **changed)  # type: ignore[arg-type]  # only arrays of floats are changed

    def undone(self, before: ModelArrays) -> Changes:
        """The changes that bring back `before`."""
        return Changes(
            costs=None if self.costs is None else (self.costs[0], before.cost[self.costs[0]]),
            columns=self.columns
            and (self.columns[0], before.col_lower[self.columns[0]], before.col_upper[self.columns[0]]),
            rows=self.rows and (self.rows[0], before.row_lower[self.rows[0]], before.row_upper[self.rows[0]]),
        )


def difference(before: ModelArrays, after: ModelArrays) -> Changes:
    """The changes of costs and limits that lead from one model to another of the same shape."""
    cost = np.flatnonzero(before.cost != after.cost).astype(np.int32)
    column = np.flatnonzero(
        (before.col_lower != after.col_lower) | (before.col_upper != after.col_upper)
    ).astype(np.int32)
    row = np.flatnonzero((before.row_lower != after.row_lower) | (before.row_upper != after.row_upper)).astype(np.int32)
    return Changes(
        costs=(cost, after.cost[cost]) if cost.size else None,
        columns=(column, after.col_lower[column], after.col_upper[column]) if column.size else None,
        rows=(row, after.row_lower[row], after.row_upper[row]) if row.size else None,
    )

"""Where the things that are priced stand in the plan's model: rows of a resource, columns of candidates."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from planner.arrays import Floats, Ints
from planner.candidates.bounds import copied_bounds
from planner.candidates.resources import Family
from planner.formulation.allocate import Allocation
from planner.formulation.model import Model
from planner.pricing.directions import Direction
from planner.pricing.fixed_plan import FixedPlan
from planner.solver.model_arrays import IntArray


@dataclass(frozen=True)
class Places:
    """The rows and columns of a model by what they are; amounts are in units of the resource ($, GPUs, MW)."""

    model: Model

    @staticmethod
    def of(allocation: Allocation) -> Places:
        """The places in the model of a plan."""
        return Places(allocation.model)

    @cached_property
    def table(self) -> pd.DataFrame:
        """One row per resource row of the model, in its order: family, name, start, end, limit."""
        rows = self.model.formulation.resources.table.iloc[self.model.resource_row]
        return rows.reset_index(drop=True)

    @cached_property
    def _rows_of(self) -> dict[tuple[str, str], IntArray]:
        groups = self.table.groupby(["family", "name"], sort=False).indices
        return {(str(family), str(name)): np.sort(rows).astype(np.int32) for (family, name), rows in groups.items()}

    def rows(self, family: Family, name: str) -> IntArray:
        """All rows of a resource; none where it has no row."""
        return self._rows_of.get((family.name, name), np.zeros(0, dtype=np.int32))

    def parts(self, rows: IntArray) -> tuple[str, ...]:
        """What the resource of some rows is of."""
        return self.model.formulation.candidates.book.parts[int(self.table["resource"].iat[rows[0]])]

    def names(self, family: Family) -> list[str]:
        """Names of the resources of a family that have a row, in the order of the model."""
        return [name for kind, name in self._rows_of if kind == family.name]

    def limit(self, rows: IntArray) -> Floats:
        """Limits of the rows."""
        return self.table["limit"].to_numpy(np.float64)[rows]

    def inside(self, rows: IntArray, start: int, end: int) -> IntArray:
        """Those rows whose months all lie within [start, end).

        A row stands for months with the same use. A limit raised in some of them alone leaves the others binding, so it
        is worth nothing.
        """
        return rows[(self._start[rows] >= start) & (self._end[rows] <= end)]

    def touching(self, rows: IntArray, start: int, end: int) -> IntArray:
        """Those rows of which some month lies within [start, end): what a limit lowered in those months binds."""
        return rows[(self._start[rows] < end) & (self._end[rows] > start)]

    def standing(self, fixed: FixedPlan, rows: IntArray, least: float) -> IntArray:
        """Those rows in which the plan has more than so much to give: elsewhere there is nothing to take away."""
        return rows[fixed.provided(rows) * self.model.row_scale[rows] > least]

    @cached_property
    def _start(self) -> Ints:
        return self.table["start"].to_numpy(np.int64)

    @cached_property
    def _end(self) -> Ints:
        return self.table["end"].to_numpy(np.int64)

    def raised(self, rows: IntArray, per_unit: float | Floats = 1.0) -> Direction:
        """One unit more allowed in every one of the rows."""
        return Direction(rows=rows, row_change=np.broadcast_to(per_unit, rows.shape) / self.model.row_scale[rows])

    def columns(self, numbers: Ints) -> IntArray:
        """Columns of candidates by their number; those without a column of their own are passed over."""
        return np.flatnonzero(np.isin(self.model.formulation.candidate, numbers)).astype(np.int32)

    @cached_property
    def _copies(self) -> dict[tuple[str, str], pd.DataFrame]:
        groups = copied_bounds(self.model.formulation.candidates).groupby(["family", "name"], sort=False)
        return {(str(family), str(name)): rows for (family, name), rows in groups}

    def copies(self, family: str, name: str, kinds: tuple[str, ...] = ()) -> Direction:
        """One unit more of a limit in the bounds of the candidates that copy it (see `copied_bounds`); kinds: only of
        these."""
        rows = self._copies.get((family, name))
        if rows is None:
            return Direction()
        if kinds:
            kind = self.model.formulation.candidates.table["kind"].to_numpy()
            rows = rows[np.isin(kind[rows["candidate"].to_numpy(np.int64)], kinds)]
        columns = self.columns(rows["candidate"].to_numpy(np.int64))
        per_unit = dict(zip(rows["candidate"].tolist(), rows["per_unit"].tolist(), strict=True))
        numbers = self.model.formulation.candidate[columns].tolist()
        return self.widened(columns, np.array([per_unit[number] for number in numbers], dtype=np.float64))

    def widened(self, columns: IntArray, per_unit: float | Floats = 1.0) -> Direction:
        """One unit more as the upper bound of each of the columns."""
        return Direction(
            columns=columns,
            column_change=np.broadcast_to(per_unit, columns.shape) / self.model.formulation.unit[columns],
        )

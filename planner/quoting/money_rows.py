"""The rows of the model in which a rate stands: the budget, cash floors, and the largest share of a customer."""

from __future__ import annotations

import numpy as np
import pandas as pd
import scipy.sparse as sp

from planner.arrays import Floats, Ints
from planner.candidates.resources import Stock
from planner.formulation.model import Model, row_scales
from planner.quoting.rated import Piece
from planner.solver.model_arrays import ModelArrays

_NONE = np.zeros(0, dtype=np.int64)


class MoneyRows:
    """Where uses of limits on money stand in a model, and its matrix at any rate."""

    def __init__(self, model: Model, arrays: ModelArrays) -> None:
        self.model, self.arrays = model, arrays
        table = model.formulation.resources.table.iloc[model.resource_row].reset_index(drop=True)
        self._rows = dict(iter(table.groupby(["family", "name"], sort=False)))
        self._capital_month, self._capital_row, self._capital_scale = self._capital()

    def affine(self, piece: Piece, own: Ints, position: Ints) -> tuple[sp.csr_array, sp.csr_array] | None:
        """The matrix of the whole model at rate 0, and its change per dollar of rate, over a piece of an inquiry.

        own: columns of the inquiry; position: their place among the candidates of the piece. None where no row of the
        model moves.
        """
        if not piece.funded:
            return None
        column = np.full(len(piece.slope), -1, dtype=np.int64)
        column[position] = own
        low, high = piece.rates
        first, second, one = (self._spelled(uses, column) for uses in (piece.first, piece.second, piece.at_one))
        slope = sp.csr_array((second - first) / (high - low))
        if not np.any(np.abs(slope.data) > 1e-12):
            return None
        return sp.csr_array(self.arrays.matrix + first - one - low * slope), slope

    def _spelled(self, uses: pd.DataFrame, column: Ints) -> sp.csr_array:
        """The coefficients of some uses in the rows of the model, (rows, columns)."""
        rows: list[Ints] = []
        columns: list[Ints] = []
        data: list[Floats] = []
        for use in uses.itertuples():
            at = int(column[use.candidate])
            if at < 0:
                continue
            row, coefficient = self._drawn(use) if use.family == "" else self._used(use)
            rows.append(row)
            columns.append(np.full(len(row), at))
            data.append(coefficient * float(self.model.formulation.unit[at]))
        cells = (
            np.concatenate([np.zeros(0), *data]), (np.concatenate([_NONE, *rows]), np.concatenate([_NONE, *columns]))
        )
        found = sp.csr_array(cells, shape=self.arrays.matrix.shape)
        found.sum_duplicates()
        return found

    def _used(self, use: object) -> tuple[Ints, Floats]:
        """Rows of a limit whose months lie within a use, and its coefficients there."""
        rows = self._rows.get((use.family, use.name))  # type: ignore[attr-defined]
        if rows is None:
            return _NONE, np.zeros(0)
        inside = rows.index[((rows["start"] >= use.start) & (rows["start"] < use.end)).to_numpy()].to_numpy(np.int64)  # type: ignore[attr-defined]
        return inside, use.coefficient / self.model.row_scale[inside]  # type: ignore[attr-defined]

    def _drawn(self, use: object) -> tuple[Ints, Floats]:
        """Balances of capital in which a draw comes and goes: level - level before - what comes = 0."""
        at = np.searchsorted(self._capital_month, [use.start, use.end])  # type: ignore[attr-defined]
        known = at < len(self._capital_month)
        sign = np.array([-1.0, 1.0])[known]
        row = self._capital_row[at[known]]
        return row, sign * use.coefficient / self._capital_scale[at[known]]  # type: ignore[attr-defined]

    def _capital(self) -> tuple[Ints, Ints, Floats]:
        """Months of the levels of capital, their balance rows and what those were divided by."""
        formulation = self.model.formulation
        capital = np.array([kind is Stock.CAPITAL for kind in formulation.candidates.book.stock_kind], dtype=bool)
        at = np.flatnonzero(capital[formulation.stock])
        if not len(at):
            return _NONE, _NONE, np.zeros(0)
        scale = row_scales(sp.csr_array(formulation.balances[0].matrix * formulation.unit[None, :]))
        return formulation.stock_month[at], len(self.model.resource_row) + at, scale[at]

"""One model for many inquiries: all of them shut, each opened alone, at any rate and size.

The model is built once for a group of inquiries. An inquiry is shut while its columns are held at 0. To open it its
columns get their bounds back, their costs follow the rate, and the row `units served = size` forces it in. Where the
rate also stands in limits on money, the coefficients of its columns there are affine in the rate as well (see
`money_rows`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import scipy.sparse as sp

from planner.arrays import Ints
from planner.candidates.build import CandidateSet, build_candidates
from planner.candidates.decisions import apply_decisions
from planner.candidates.kinds import Kind
from planner.candidates.outlook import Outlook
from planner.candidates.resources import Family
from planner.formulation.formulation import Formulation, make_formulation
from planner.formulation.model import Model, make_model
from planner.planning.options import PlanOptions
from planner.quoting.inquiry import Inquiry
from planner.quoting.inquiry_case import InquiryGroup, units_by_candidate
from planner.quoting.money_rows import MoneyRows
from planner.quoting.rated import Piece, rate_pieces
from planner.solver.model_arrays import FloatArray, ModelArrays, model_arrays


@dataclass(frozen=True, eq=False)
class RatePiece:
    """Costs ($M) of an inquiry's own columns, and where the rate is funded the matrix, for rates above `low` up to
    `high`.

    cost = at_zero + slope x rate, (own,). matrix = at_zero + slope x rate over the whole model, None where no limit
    moves.
    """

    low: float
    high: float
    at_zero: FloatArray
    slope: FloatArray
    matrix_at_zero: sp.csr_array | None = None
    matrix_slope: sp.csr_array | None = None

    @cached_property
    def moved_rows(self) -> Ints:
        """Rows of the model in which the rate stands."""
        return np.zeros(0, dtype=np.int64) if self.matrix_slope is None else np.unique(self.matrix_slope.nonzero()[0])


@dataclass(frozen=True, eq=False)
class InquiryProblem:
    """What it takes to open one inquiry in the shared model.

    shut: the model with every inquiry shut. own: its columns; upper: their bounds when it is open. row: the row that
    counts its units; row_scale: what that row was divided by. serving: which of its columns serve it (the others are
    next terms and decisions). pieces: lowest rates first.
    """

    inquiry: Inquiry
    shut: ModelArrays
    own: Ints
    upper: FloatArray
    serving: np.ndarray
    row: int
    row_scale: float
    pieces: tuple[RatePiece, ...]

    @property
    def served_anywhere(self) -> bool:
        """Whether power, place and date leave any way to serve it."""
        return bool(self.serving.any())

    def opened(self, piece: RatePiece, rate: float, size: float) -> ModelArrays:
        """The model with the inquiry forced in at a rate and a size."""
        return self.rated(self.forced(size), piece, rate)

    def forced(self, size: float) -> ModelArrays:
        """The model with the inquiry forced in at a size, its costs not yet set."""
        upper, low, high = self.shut.col_upper.copy(), self.shut.row_lower.copy(), self.shut.row_upper.copy()
        upper[self.own] = self.upper
        low[self.row] = high[self.row] = size / self.row_scale
        return replace(self.shut, col_upper=upper, row_lower=low, row_upper=high)

    def rated(self, arrays: ModelArrays, piece: RatePiece, rate: float) -> ModelArrays:
        """The same model with costs, and limits on money, at a rate."""
        cost = arrays.cost.copy()
        cost[self.own] = piece.at_zero + piece.slope * rate
        if piece.matrix_at_zero is None or piece.matrix_slope is None:
            return replace(arrays, cost=cost)
        matrix = sp.csr_array(piece.matrix_at_zero + rate * piece.matrix_slope)
        matrix.data[np.abs(matrix.data) <= 1e-9] = 0.0
        matrix.eliminate_zeros()
        return replace(
            arrays, cost=cost, start=matrix.indptr.astype(np.int32), index=matrix.indices.astype(np.int32),
            value=matrix.data
        )

    def straight(self, piece: RatePiece) -> bool:
        """Whether a dollar of rate brings the same for a unit of size however it is served, and nothing without
        serving."""
        units = self.units
        each = float(piece.slope @ units) / float(units @ units)
        return bool(
            np.allclose(piece.slope, each * units, rtol=0.0, atol=1e-12 * float(np.abs(piece.slope).max(initial=0.0)))
        )

    @cached_property
    def units(self) -> FloatArray:
        """Units of size that each of its columns makes, in the scale of its row, (own,)."""
        return np.asarray(self.shut.matrix[[self.row]].toarray()).reshape(-1)[self.own]

    def slopes(self, piece: RatePiece) -> tuple[float, float]:
        """Least and greatest $M that a dollar of rate can bring, per unit of size."""
        units = self.units * self.row_scale
        each = piece.slope[self.serving] / units[self.serving]
        later = piece.slope[~self.serving]
        most = float(later.max(initial=0.0)) / float(units[self.serving].min())
        return float(each.min()), float(each.max()) + most


@dataclass(frozen=True, eq=False)
class InquiryModel:
    """The model of a group of inquiries: candidates of the case that holds them, the model, one problem for each.

    priced: pieces of the cash of each inquiry over its candidates, by name.
    """

    candidates: CandidateSet
    model: Model
    shut: ModelArrays
    problems: tuple[InquiryProblem, ...]
    priced: dict[str, list[Piece]]

    @property
    def inquiries(self) -> dict[str, Inquiry]:
        """The inquiries by name."""
        return {problem.inquiry.name: problem.inquiry for problem in self.problems}

    @property
    def formulation(self) -> Formulation:
        """The columns and rows behind the model."""
        return self.model.formulation


def inquiry_model(group: InquiryGroup, options: PlanOptions) -> InquiryModel:
    """Build the model of a group of inquiries, all shut."""
    inquiries = group.inquiries
    candidates = inquiry_candidates(group.outlook, inquiries, options)
    model, arrays = _arrays(candidates, options)
    pieces = rate_pieces(candidates, inquiries, equity=options.equity)
    lease = candidates.table["lease_id"].to_numpy()
    first = model.formulation.candidate
    lease_of_column = np.full(arrays.columns, "", dtype=object)
    lease_of_column[: len(first)] = lease[first]
    owned = {inquiry.name: np.flatnonzero(lease_of_column == inquiry.name) for inquiry in inquiries}
    upper = arrays.col_upper.copy()
    for own in owned.values():
        upper[own] = 0.0
    shut = replace(arrays, col_upper=upper, variables=tuple(range(arrays.columns)))
    rows = MoneyRows(model, arrays)
    problems = []
    for inquiry in inquiries:
        own = owned[inquiry.name]
        table = candidates.table
        position = np.searchsorted(np.flatnonzero(lease == inquiry.name), first[own])
        unit = model.formulation.unit[own] / model.money
        found = []
        for piece in pieces[inquiry.name]:
            pair = rows.affine(piece, own, position) or (None, None)
            found.append(
                RatePiece(piece.low, piece.high, piece.at_zero[position] * unit, piece.slope[position] * unit, *pair)
            )
        row, scale = _row_of(model, inquiry)
        serving = table["kind"].isin([Kind.SERVE, Kind.HOST]).to_numpy()[first[own]]
        problems.append(InquiryProblem(inquiry, shut, own, arrays.col_upper[own], serving, row, scale, tuple(found)))
    return InquiryModel(candidates, model, shut, tuple(problems), pieces)


def inquiry_candidates(outlook: Outlook, inquiries: Sequence[Inquiry], options: PlanOptions) -> CandidateSet:
    """Candidates of the case with inquiries, the decisions of the user made, with a limit that counts the units of
    each."""
    made = apply_decisions(build_candidates(outlook, equity=options.equity), options.fixes, options.excludes)
    found = replace(made, book=made.book.copy())
    for inquiry in inquiries:
        numbers, units = units_by_candidate(found.table, inquiry)
        resource = found.book.resource(Family.FIXED, _counted(inquiry), inquiry.size)
        zero = np.zeros(len(numbers), dtype=np.int64)
        found.book.uses.add(numbers, np.full(len(numbers), resource), units, zero, zero + 1)
    return found


def _counted(inquiry: Inquiry) -> str:
    return f"units of inquiry {inquiry.name}"


def _arrays(candidates: CandidateSet, options: PlanOptions) -> tuple[Model, ModelArrays]:
    model = make_model(make_formulation(candidates), relax=options.solver.relax)
    return model, model_arrays(model.problem, variables=model.variables, relax=options.solver.relax)


def _row_of(model: Model, inquiry: Inquiry) -> tuple[int, float]:
    """The row that counts the units of an inquiry, and its scale; row -1 where nothing can serve it."""
    table = model.formulation.resources.table.iloc[model.resource_row]
    rows = np.flatnonzero(((table["family"] == Family.FIXED.name) & (table["name"] == _counted(inquiry))).to_numpy())
    return (int(rows[0]), float(model.row_scale[rows[0]])) if len(rows) else (-1, 1.0)

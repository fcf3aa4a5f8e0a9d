"""The model of a plan by stages: the stage at which each of its columns is decided, and at which each row is known.

A candidate is decided in the stage of its `decide_by`. What the model carries beside candidates follows: a stock is of
the stage of the latest decision that moved it up to its month, and a row stands in the stage of the latest decision
that it speaks of. So no row need be split at a review: it stands once for
each node of its stage, and speaks of the columns of that node and of its ancestors.

What is sold of a lease is decided when it must be answered, which GPUs serve it later:

    sum of units served, however and whenever = size x sold        0 <= sold <= 1, in the stage of the answer
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import scipy.sparse as sp

from planner.adapting.reviews import stage_of
from planner.arrays import Flags, Floats, Ints
from planner.candidates.build import CandidateSet
from planner.candidates.kinds import Kind
from planner.formulation.allocate import levels_of
from planner.formulation.formulation import Formulation, make_formulation
from planner.formulation.model import Model, make_model
from planner.solver.model_arrays import ModelArrays, model_arrays


@dataclass(frozen=True, eq=False)
class StagedModel:
    """A model and its stages.

    arrays: the columns of `model`, then a share sold for each lease of `sold` (rows of the table of leases); its rows,
    then the tie of each share to what serves it. column_stage, row_stage: (columns,) and (rows,) of `arrays`. stages:
    how many there are, at least 1.
    """

    model: Model
    arrays: ModelArrays
    sold: Ints
    column_stage: Ints
    row_stage: Ints
    stages: int

    @property
    def formulation(self) -> Formulation:
        """The columns and rows of the plan's model."""
        return self.model.formulation

    def values(self, values: Floats) -> Floats:
        """Values of the columns in the model's money per unit, (columns, S), from those of a unit of each candidate in
        dollars, (candidates, S); shares sold are worth nothing of themselves."""
        formulation = self.formulation
        own = (formulation.level_of.T @ values) * (formulation.unit / formulation.money)[:, None]
        return np.concatenate([own, np.zeros((len(self.sold), values.shape[1]))])

    def levels(self, columns: Floats) -> Floats:
        """Levels of all candidates, (candidates,), from the columns (columns,) of one path."""
        own = columns[: len(self.formulation.unit)]
        return levels_of(self.formulation, own * self.formulation.unit)


def stage_model(candidates: CandidateSet, reviews: Sequence[int], *, keep_equals: bool) -> StagedModel:
    """The model of a candidate set by stages; keep_equals: keep every way to end a cohort, where their values differ by
    future."""
    stage = stage_of(candidates.columns["decide_by"], reviews)
    formulation = make_formulation(candidates, aggregate=False, keep_equals=keep_equals, stage=stage)
    model = make_model(formulation)
    arrays = model_arrays(model.problem, variables=model.variables)
    columns = _column_stage(formulation, stage)
    lease, ties = _ties(candidates, formulation, stage, reviews)
    count = len(lease)
    answered = stage_of(candidates.outlook.answer_months[lease], reviews)
    matrix = sp.vstack(
        [sp.hstack([arrays.matrix, sp.csr_array((arrays.rows, count))]), sp.hstack([ties, -sp.eye_array(count)])],
        format="csr",
    )
    column_stage = np.concatenate([columns, answered])
    return StagedModel(model, _with_shares(arrays, matrix, count), lease, column_stage, _deepest(matrix, column_stage),
                       len(reviews) + 1)


def _column_stage(formulation: Formulation, stage: Ints) -> Ints:
    """The stage of each column of the model, (columns,)."""
    found = np.zeros(len(formulation.unit), dtype=np.int64)
    parts = sp.coo_array(formulation.level_of)
    np.maximum.at(found, parts.coords[1], stage[parts.coords[0]])
    made = np.diff(sp.csc_array(formulation.level_of).indptr) == 0
    for balance in formulation.balances:
        _follow(balance.matrix, found, made)
    return found


def _follow(matrix: sp.csr_array, found: Ints, made: Flags) -> None:
    """The columns `made` by a balance, stocks and totals of cohorts, are of the latest stage of what they are made of.

    A stock is made of its level before, which stands before it, so one pass in order is enough.
    """
    rows = sp.csr_array(matrix)
    for first, last in pairwise(rows.indptr.tolist()):
        columns = rows.indices[first:last]
        here = columns[made[columns]]
        if len(here):
            found[here.max()] = found[columns].max()


def _deepest(matrix: sp.csr_array, column_stage: Ints) -> Ints:
    """The stage of the latest column of each row, 0 of an empty one."""
    cells = sp.coo_array(matrix)
    found = np.zeros(matrix.shape[0], dtype=np.int64)
    np.maximum.at(found, cells.coords[0], column_stage[cells.coords[1]])
    return found


def _ties(
    candidates: CandidateSet, formulation: Formulation, stage: Ints, reviews: Sequence[int]
) -> tuple[Ints, sp.csr_array]:
    """Leases that are served by decisions later than their answer, and the share of each one's size that a unit of
    every column of the model serves, (leases, columns)."""
    numbers = candidates.of_kind(Kind.SERVE, Kind.HOST)
    lease = candidates.columns["lease"][numbers]
    numbers, lease = numbers[lease >= 0], lease[lease >= 0]
    answered = stage_of(candidates.outlook.answer_months, reviews)
    late = np.unique(lease[stage[numbers] > answered[lease]])
    chosen = np.isin(lease, late)
    numbers, lease = numbers[chosen], lease[chosen]
    most = np.concatenate([block.columns["upper"] for block in candidates.blocks])[numbers]
    share = sp.csr_array(
        (1.0 / most, (np.searchsorted(late, lease), numbers)), shape=(len(late), len(candidates))
    )
    return late, sp.csr_array((share @ formulation.level_of) * formulation.unit[None, :])


def _with_shares(arrays: ModelArrays, matrix: sp.csr_array, count: int) -> ModelArrays:
    """The arrays with a column from 0 to 1 for each share sold, and an equality row for each tie."""
    none, ones = np.zeros(count), np.ones(count)
    return replace(
        arrays, cost=np.concatenate([arrays.cost, none]), start=matrix.indptr.astype(np.int32),
        index=matrix.indices.astype(np.int32), value=matrix.data,
        row_lower=np.concatenate([arrays.row_lower, none]), row_upper=np.concatenate([arrays.row_upper, none]),
        col_lower=np.concatenate([arrays.col_lower, none]), col_upper=np.concatenate([arrays.col_upper, ones]),
        integer=np.concatenate([arrays.integer, np.zeros(count, dtype=np.bool_)]),
        variables=(*arrays.variables, *[None] * count), row_names=(*arrays.row_names, *["sold"] * count),
    )

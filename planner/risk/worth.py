"""NPV of a unit of every candidate, and of every column of the model, in every future."""

from __future__ import annotations

import numpy as np

from planner.arrays import Floats
from planner.candidates.build import CandidateSet
from planner.candidates.kinds import Kind
from planner.formulation.formulation import Formulation
from planner.scenarios.futures import Futures
from planner.scenarios.unit_values import unit_values
from planner.solver.column_generation.columns import SAME, ColumnValues


def candidate_values(
    candidates: CandidateSet, futures: Futures, *, equity: bool = False, threads: int | None = None
) -> Floats:
    """After-tax NPV of a unit of each candidate in each future, dollars, shape (N, S): unlevered, or to equity.

    See `unit_values`.
    """
    return unit_values(candidates, futures, np.arange(len(candidates)), equity=equity, threads=threads)


def endings_are_certain(candidates: CandidateSet, values: Floats) -> bool:
    """Whether every way to end a cohort is worth the same in all futures, so that of ways equal in every row the best
    is best in all."""
    endings = candidates.table["kind"].isin((Kind.RETIRE, Kind.CLOSE)).to_numpy()
    chosen = values[endings]
    if not len(chosen):
        return True
    return bool((np.ptp(chosen, axis=1) <= SAME * np.maximum(np.abs(chosen).max(axis=1), 1.0)).all())


def column_values(formulation: Formulation, values: Floats, probability: Floats) -> ColumnValues:
    """Values of the model's columns in units of the model's money per unit of each, from those of the candidates (N, S)
    in dollars.

    Raises ValueError for a pooled model: pools hold one value for candidates that futures may tell apart.
    """
    if formulation.market is not None:
        raise ValueError("an aggregated market has no values by scenario; make the formulation with aggregate=False")
    return ColumnValues.of(
        (formulation.level_of.T @ values) * (formulation.unit / formulation.money)[:, None], probability,
        money=formulation.money,
    )

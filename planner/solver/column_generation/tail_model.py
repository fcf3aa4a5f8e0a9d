"""A restricted master as one model: pool columns beside its own, and mean and CVaR over some scenarios as its
objective."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import scipy.sparse as sp

from planner.arrays import Ints
from planner.solver.column_generation.columns import ColumnValues, FixedPart, Pool
from planner.solver.column_generation.mean_cvar import MeanCvar
from planner.solver.model_arrays import FloatArray, ModelArrays


def with_pool_columns(fixed: FixedPart, pool: Pool, measure: MeanCvar, chosen: Ints) -> FixedPart:
    """The fixed part with some pool columns after its own."""
    values, use = pool.columns(chosen)
    own, of_pool = fixed.values, ColumnValues.of(values, measure.probability)
    arrays, count = fixed.arrays, fixed.arrays.columns
    matrix = sp.csr_array(sp.hstack([arrays.matrix, use], format="csr"))
    joined = ModelArrays(
        cost=np.concatenate([arrays.cost, of_pool.mean]), offset=arrays.offset,
        start=matrix.indptr.astype(np.int32), index=matrix.indices.astype(np.int32), value=matrix.data,
        row_lower=arrays.row_lower, row_upper=arrays.row_upper,
        col_lower=np.concatenate([arrays.col_lower, np.zeros(len(chosen))]),
        col_upper=np.concatenate([arrays.col_upper, pool.upper[chosen]]),
        integer=np.concatenate([arrays.integer, np.zeros(len(chosen), dtype=bool)]), maximise=arrays.maximise,
        variables=(*arrays.variables, *(_Added(f"pool_{number}") for number in chosen.tolist())),
        row_names=arrays.row_names,
    )
    split = ColumnValues(
        np.concatenate([own.mean, of_pool.mean]), np.concatenate([own.varying, count + of_pool.varying]),
        np.vstack([own.deviation, of_pool.deviation]), own.money,
    )
    return FixedPart(joined, split)


@dataclass(frozen=True)
class _Added:
    """A column that no PuLP variable stands behind."""

    name: str


def extended(fixed: FixedPart, measure: MeanCvar, scenarios: Ints, cvar_limit: float | None) -> ModelArrays:
    """The model with mean and CVaR over some scenarios as its objective: eta and a column and a row for each scenario
    come after its own."""
    arrays, values = fixed.arrays, fixed.values
    if measure.weight == 0.0 and cvar_limit is None:
        return replace(arrays, cost=values.mean)
    count = len(scenarios)
    deviation = sp.csr_array(
        (values.deviation[:, scenarios].T.ravel(), _cells(values, count), np.arange(count + 1) * len(values.varying)),
        shape=(count, arrays.columns),
    )
    blocks = [
        [arrays.matrix, None, None], [deviation, sp.csr_array(-np.ones((count, 1))), sp.eye_array(count, format="csr")]
    ]
    lower, upper = [arrays.row_lower, np.zeros(count)], [arrays.row_upper, np.full(count, np.inf)]
    names = [*arrays.row_names, *(f"tail_{number}" for number in scenarios.tolist())]
    if cvar_limit is not None:
        blocks.append(
            [
                sp.csr_array(values.mean[None, :]), sp.csr_array(np.ones((1, 1))),
                sp.csr_array(-measure.most[scenarios][None, :]),
            ]
        )
        lower.append(np.array([-cvar_limit]))
        upper.append(np.array([np.inf]))
        names.append("cvar")
    matrix = _without_dust(sp.csr_array(sp.block_array(blocks, format="csr")))

    def joined(own: FloatArray, eta: float, tail: FloatArray) -> FloatArray:
        return np.concatenate([own, [eta], tail])

    return ModelArrays(
        cost=joined(values.mean, measure.weight, -measure.weight * measure.most[scenarios]), offset=arrays.offset,
        start=matrix.indptr.astype(np.int32), index=matrix.indices.astype(np.int32), value=matrix.data,
        row_lower=np.concatenate(lower), row_upper=np.concatenate(upper),
        col_lower=joined(arrays.col_lower, -np.inf, np.zeros(count)),
        col_upper=joined(arrays.col_upper, np.inf, np.full(count, np.inf)),
        integer=np.concatenate([arrays.integer, np.zeros(count + 1, dtype=bool)]), maximise=True,
        variables=(*arrays.variables, _Added("eta"), *(_Added(f"below_{number}") for number in scenarios.tolist())),
        row_names=tuple(names),
    )


def _cells(values: ColumnValues, count: int) -> Ints:
    found: Ints = np.tile(values.varying, count)
    return found


def _without_dust(matrix: sp.csr_array) -> sp.csr_array:
    """Without the coefficients that the solver would read as zero."""
    matrix.data[np.abs(matrix.data) <= 1e-9] = 0.0
    matrix.eliminate_zeros()
    return matrix

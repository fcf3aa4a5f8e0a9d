"""The fast twin of `kernels.reference.portfolio` on the CPU: sparse products and measures, piece by piece, on threads.

A sparse product adds the candidates of a portfolio in the listed order for any piece, so the results do not depend on
pieces or threads; a BLAS product would.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
from scipy import sparse

from kernels.cpu.measures import equal_draws, npv_measures_of_scratch
from kernels.cpu.sparse_product import Floats, SparseLevels
from kernels.pieces import over_pieces, piece_size
from kernels.reference import measures
from kernels.reference.measures import NpvMeasures
from kernels.reference.portfolio import Portfolios

Measures = TypeVar("Measures")

CACHE_BYTES = 1 << 20
"""A piece of sums that stays in the second-level cache of a core is summed, measured and dropped without touching
memory."""


def portfolio_sums(portfolios: Portfolios, unit: Floats, /) -> Floats:
    """As `kernels.reference.portfolio.portfolio_sums`: `unit` (candidates, ...) -> (portfolios, ...)."""
    count = len(portfolios)
    flat = np.ascontiguousarray(unit).reshape(unit.shape[0], math.prod(unit.shape[1:]))
    sums = SparseLevels(portfolios, unit.shape[0], unit.dtype).sums(slice(0, count), flat)
    return sums.reshape(count, *unit.shape[1:])


def portfolio_npv_measures(
    portfolios: Portfolios, unit_npv: Floats, weights: Floats, /, *, alpha: float, threads: int = 1,
    budget_bytes: int = 1 << 30
) -> NpvMeasures:
    """Measures of the NPV of each portfolio: `unit_npv` (candidates, scenarios), `weights` (scenarios,) ->
    (portfolios,).

    float32 and float64 are kept. Scenarios of weight 0 are left out of the sums. `budget_bytes` bounds the scratch of
    all threads together; the sums of all portfolios are never held.
    """
    draws = equal_draws(weights)
    if draws is None:
        counted, carried = unit_npv[:, weights > 0.0], weights[weights > 0.0]
    else:
        counted = draws.of(unit_npv)
    counted = np.ascontiguousarray(counted)
    levels = SparseLevels(portfolios, unit_npv.shape[0], unit_npv.dtype)
    # The mean of a sum is the sum of means: twelve products for a portfolio in place of a pass over its draws.
    means = portfolio_sums(portfolios, counted.mean(axis=1, dtype=np.float64)) if draws is not None else None

    def measured(rows: slice) -> NpvMeasures:
        npv = levels.sums(rows, counted)
        if means is None:
            return measures.npv_measures(npv, carried, alpha=alpha)
        return npv_measures_of_scratch(npv, means[rows].astype(npv.dtype), alpha=alpha)

    bytes_per_item = counted.shape[1] * counted.itemsize
    most = max(16, CACHE_BYTES // bytes_per_item)
    piece = piece_size(bytes_per_item=4 * bytes_per_item, budget_bytes=budget_bytes, threads=threads, most=most)
    return collect(measured, len(portfolios), NpvMeasures, unit_npv.dtype, piece=piece, threads=threads)


def collect(
    work: Callable[[slice], Measures], count: int, kind: type[Measures], dtype: npt.DTypeLike, *, piece: int,
    threads: int
) -> Measures:
    """Run `work` over pieces and put the fields of its answers (arrays over the items) together, in order."""
    names = [field.name for field in fields(kind)]  # type: ignore[arg-type]
    whole = {name: np.empty(count, dtype=dtype) for name in names}
    for rows, answer in over_pieces(work, count, piece=piece, threads=threads):
        for name in names:
            whole[name][rows] = getattr(answer, name)
    return kind(**whole)


@dataclass(frozen=True)
class BrokenLimits:
    """Limits that portfolios break, one row per portfolio and resource, in that order."""

    portfolios: npt.NDArray[np.int64]
    resources: npt.NDArray[np.int64]
    excess: Floats
    """Use beyond the limit, in the unit of the resource."""


def broken_limits(
    portfolios: Portfolios, use: Any, limit: Floats, /, *, tolerance: float, threads: int = 1,
    budget_bytes: int = 1 << 28
) -> BrokenLimits:
    """The twin of `excess_over_limits`, by sparse product: `use` (candidates, resources) dense or sparse, `limit`
    (resources,).

    A limit is broken where use exceeds it by more than `tolerance` x max(1, |limit|). Always in float64.
    """
    limits = np.asarray(limit, dtype=np.float64)
    if np.isnan(limits).any():
        raise ValueError("a limit is NaN; use +inf for no limit")
    uses = sparse.csr_array(use, dtype=np.float64)
    levels = SparseLevels(portfolios, uses.shape[0], np.float64).matrix
    slack = np.where(np.isfinite(limits), tolerance * np.maximum(1.0, np.abs(limits)), 0.0)

    def found(rows: slice) -> tuple[npt.NDArray[Any], ...]:
        excess = (levels[rows] @ uses).toarray() - limits
        if np.isnan(excess).any():
            raise ValueError("use of a resource is NaN")
        portfolio, resource = np.nonzero(excess > slack)
        return portfolio + rows.start, resource, excess[portfolio, resource]

    piece = piece_size(bytes_per_item=32 * max(1, limits.size), budget_bytes=budget_bytes, threads=threads)
    parts = [answer for _, answer in over_pieces(found, len(portfolios), piece=piece, threads=threads)]
    none = (np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0))
    return BrokenLimits(*(np.concatenate(column) for column in zip(none, *parts, strict=True)))

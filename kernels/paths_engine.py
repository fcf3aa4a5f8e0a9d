"""The fast twin of `kernels.paths` for portfolios: peak funding and payback from running sums of the candidates.

The running sum of a portfolio is the level-weighted sum of its candidates' running sums, so those are formed once, in
float64; what is left per portfolio is one sparse product and two reductions over months. Scenarios are taken a few at a
time, so that the candidates' paths stay in cache while many portfolios read them, with months before scenarios, so that
the reductions run along whole vectors.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from kernels.measures_engine import SpreadMeasures, equal_draws, spread, spread_of_draws
from kernels.paths import NEVER
from kernels.pieces import piece_size
from kernels.portfolio import Portfolios
from kernels.portfolio_engine import collect
from kernels.sparse_product import Floats, SparseLevels

_BLOCK_BYTES = 3 << 19
"""Paths of all candidates over one block of scenarios: half of a usual second-level cache."""
_PIECE_BYTES = 1 << 19
_MOST_PORTFOLIOS = 4096


@dataclass(frozen=True)
class CumulativePaths:
    """Running sums of cash per unit of each candidate, cut into blocks of scenarios."""

    blocks: tuple[Floats, ...]
    """Each (candidates, months x scenarios of the block), months first."""
    candidates: int
    months: int
    scenarios: int
    dtype: np.dtype[Any]


def cumulative_paths(unit_cash: Floats, /, *, dtype: npt.DTypeLike = np.float32) -> CumulativePaths:
    """Running sums of `unit_cash` (candidates, scenarios, months), formed in float64 and kept in `dtype`.

    Raises ValueError for NaN or infinite cash.
    """
    candidates, scenarios, months = unit_cash.shape
    if not np.isfinite(unit_cash).all():
        raise ValueError("cash of a candidate holds NaN or an infinite value")
    kept = np.dtype(dtype)
    width = max(8, _BLOCK_BYTES // max(1, candidates * months * kept.itemsize))
    blocks = []
    for first in range(0, scenarios, width):
        running = np.cumsum(unit_cash[:, first : first + width, :], axis=-1, dtype=np.float64)
        blocks.append(np.ascontiguousarray(running.transpose(0, 2, 1), dtype=kept).reshape(candidates, -1))
    return CumulativePaths(tuple(blocks), candidates, months, scenarios, kept)


def portfolio_funding_and_payback(portfolios: Portfolios, paths: CumulativePaths, /) -> tuple[Floats, Floats]:
    """Peak funding and payback in months of each portfolio and scenario: two arrays (portfolios, scenarios).

    As `kernels.paths.peak_funding` and `payback_months` of the portfolio's cash.
    """
    levels = SparseLevels(portfolios, paths.candidates, paths.dtype)
    return _funding_and_payback(levels, slice(0, len(portfolios)), paths)


def _funding_and_payback(levels: SparseLevels, portfolios: slice, paths: CumulativePaths) -> tuple[Floats, Floats]:
    count, months = portfolios.stop - portfolios.start, paths.months
    funding = np.empty((count, paths.scenarios), dtype=paths.dtype)
    payback = np.empty((count, paths.scenarios), dtype=paths.dtype)
    ordinal = np.arange(1, months + 1, dtype=np.uint8 if months < 256 else np.uint16)
    spare: dict[str, Floats] = {}
    scenario = 0
    for block in paths.blocks:
        width = block.shape[1] // months
        rows = max(8, _PIECE_BYTES // (block.shape[1] * paths.dtype.itemsize))
        columns = slice(scenario, scenario + width)
        repeated = np.repeat(ordinal, width)
        for first in range(0, count, rows):
            part = slice(first, min(first + rows, count))
            running = levels.sums(slice(portfolios.start + part.start, portfolios.start + part.stop), block)
            deepest = _over_months(np.minimum, running, months, spare)
            np.maximum(-deepest, 0.0, out=funding[part, columns])
            negative = np.less(running, 0.0, out=_spare_array(spare, "negative", running.shape, np.dtype(bool)))
            when = np.multiply(negative.view(np.uint8), repeated, out=_spare_array(spare, "when", running.shape, ordinal.dtype))
            last_negative = _over_months(np.maximum, when, months, spare)
            payback[part, columns] = last_negative
            np.copyto(payback[part, columns], NEVER, where=last_negative == months)
        scenario += width
    return funding, payback


def _over_months(reduce: np.ufunc, values: Floats, months: int, spare: dict[str, Floats]) -> Floats:
    """The minimum or maximum over months: values (rows, months x width) -> (rows, width).

    Halves are compared with halves (an odd month in both, which a minimum does not mind): long vectors, where a
    reduction along the axis would work on `width` numbers at a time and take three times as long.
    """
    width = values.shape[1] // months
    turn = 0
    while months > 1:
        half = (months + 1) // 2
        into = _spare_array(spare, f"{values.dtype} {turn}", (values.shape[0], half * width), values.dtype)
        values = reduce(values[:, : half * width], values[:, (months - half) * width :], out=into)
        months, turn = half, 1 - turn
    return values


def _spare_array(spare: dict[str, Floats], name: str, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Floats:
    """An array in memory that was used before under this name: fresh memory would cost as much as the work done in it."""
    size = math.prod(shape)
    if name not in spare or spare[name].size < size:
        spare[name] = np.empty(size, dtype=dtype)
    return spare[name][:size].reshape(shape)


@dataclass(frozen=True)
class PathMeasures:
    """Peak funding (unit of the cash) and payback (months, +inf for never) over the scenarios, each (portfolios,).

    Medians are lower medians; tails are means of the worst 1 - alpha share.
    """

    funding_mean: Floats
    funding_median: Floats
    funding_tail: Floats
    payback_mean: Floats
    payback_median: Floats
    payback_tail: Floats
    never_probability: Floats
    """Share of the scenarios in which a portfolio does not pay back."""


def portfolio_path_measures(
    portfolios: Portfolios, paths: CumulativePaths, weights: Floats, /, *, alpha: float, threads: int = 1, budget_bytes: int = 1 << 30
) -> PathMeasures:
    """Path measures of each portfolio under `weights` (scenarios,), in pieces of portfolios on threads."""
    draws = equal_draws(weights)
    levels = SparseLevels(portfolios, paths.candidates, paths.dtype)

    def spread_over(values: Floats) -> SpreadMeasures:
        if draws is None:
            return spread(values, weights, alpha=alpha)
        return spread_of_draws(draws.of(values), alpha=alpha)

    def measured(rows: slice) -> PathMeasures:
        peak, months = _funding_and_payback(levels, rows, paths)
        funding, payback = spread_over(peak), spread_over(months)
        never = np.sum((months == NEVER) * weights, axis=-1)
        return PathMeasures(funding.mean, funding.median, funding.tail, payback.mean, payback.median, payback.tail, never)

    bytes_per_item = 8 * paths.scenarios * paths.dtype.itemsize
    share = -(-len(portfolios) // threads)  # every thread gets work; large pieces read the candidates' paths less often
    piece = piece_size(bytes_per_item=bytes_per_item, budget_bytes=budget_bytes, threads=threads, most=min(share, _MOST_PORTFOLIOS))
    return collect(measured, len(portfolios), PathMeasures, paths.dtype, piece=piece, threads=threads)

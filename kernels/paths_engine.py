"""The fast twin of `kernels.paths` for portfolios: peak funding and payback from running sums of the candidates.

The running sum of a portfolio is the level-weighted sum of its candidates' running sums, so those are formed once, in
float64; what is left per portfolio and month is one sparse product, a minimum and a comparison. Some scenarios
of many portfolios are taken through all months together, so that the product of a month, the minima so far and
the candidates' values of the month stay in cache, and every step runs along one long vector.
"""

from __future__ import annotations

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

_BLOCK_SCENARIOS = 128
_STEP_BYTES = 1 << 19
"""Sums of one month: with the minima beside them, and the candidates' values, about a usual second-level cache."""
_MOST_PORTFOLIOS = 4096


@dataclass(frozen=True)
class CumulativePaths:
    """Running sums of cash per unit of each candidate, cut into blocks of scenarios."""

    blocks: tuple[Floats, ...]
    """Each (months, candidates, scenarios of the block)."""
    candidates: int
    months: int
    scenarios: int
    dtype: np.dtype[Any]


def cumulative_paths(unit_cash: Floats, /, *, dtype: npt.DTypeLike = np.float32) -> CumulativePaths:
    """Running sums of `unit_cash` (candidates, scenarios, months), formed in float64 and kept in `dtype`.

    Raises ValueError for NaN or infinite cash, or more than 65,535 months.
    """
    candidates, scenarios, months = unit_cash.shape
    if not np.isfinite(unit_cash).all():
        raise ValueError("cash of a candidate holds NaN or an infinite value")
    if not 0 < months < 1 << 16:
        raise ValueError(f"1 to 65,535 months expected, got {months}")
    kept = np.dtype(dtype)
    blocks = []
    for first in range(0, scenarios, _BLOCK_SCENARIOS):
        running = np.cumsum(unit_cash[:, first : first + _BLOCK_SCENARIOS, :], axis=-1, dtype=np.float64)
        blocks.append(np.ascontiguousarray(running.transpose(2, 0, 1), dtype=kept))
    return CumulativePaths(tuple(blocks), candidates, months, scenarios, kept)


def portfolio_funding_and_payback(portfolios: Portfolios, paths: CumulativePaths, /) -> tuple[Floats, Floats]:
    """Peak funding and payback in months of each portfolio and scenario: two arrays (portfolios, scenarios).

    As `kernels.paths.peak_funding` and `payback_months` of the portfolio's cash.
    """
    levels = SparseLevels(portfolios, paths.candidates, paths.dtype)
    return _funding_and_payback(levels, slice(0, len(portfolios)), paths)


def _funding_and_payback(levels: SparseLevels, portfolios: slice, paths: CumulativePaths) -> tuple[Floats, Floats]:
    count = portfolios.stop - portfolios.start
    funding = np.empty((count, paths.scenarios), dtype=paths.dtype)
    payback = np.empty((count, paths.scenarios), dtype=paths.dtype)
    scenario = 0
    for block in paths.blocks:
        width = block.shape[2]
        columns = slice(scenario, scenario + width)
        rows = max(8, _STEP_BYTES // (width * paths.dtype.itemsize))
        for first in range(0, count, rows):
            part = slice(first, min(first + rows, count))
            _through_the_months(levels, slice(portfolios.start + part.start, portfolios.start + part.stop), block, funding[part, columns], payback[part, columns])
        scenario += width
    return funding, payback


def _through_the_months(levels: SparseLevels, rows: slice, block: Floats, funding: Floats, payback: Floats) -> None:
    """Fill `funding` and `payback` (rows, scenarios of the block), which are parts of the results.

    Months are counted in the smallest type that holds them: sixteen to a vector register or more.
    """
    months, shape = block.shape[0], funding.shape
    deepest = np.zeros(shape, dtype=block.dtype)
    last_negative = np.zeros(shape, dtype=np.uint8 if months < 1 << 8 else np.uint16)
    negative, when = np.empty(shape, dtype=bool), np.empty_like(last_negative)
    for month in range(months):
        running = levels.sums(rows, block[month])
        np.minimum(deepest, running, out=deepest)
        np.less(running, 0.0, out=negative)
        np.multiply(negative.view(np.uint8), last_negative.dtype.type(month + 1), out=when)
        np.maximum(last_negative, when, out=last_negative)
    np.subtract(0.0, deepest, out=funding)
    payback[...] = last_negative
    np.copyto(payback, NEVER, where=last_negative == months)


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

"""The fast twin of `kernels.reference.paths` for portfolios: peak funding and payback from running sums of the
candidates.

The running sum of a portfolio is the level-weighted sum of its candidates' running sums, so those are formed once, in
float64; what is left per portfolio and month is one sparse product, a minimum and a comparison. Some scenarios
of many portfolios are taken through the months together, so that the product of a month, the minima so far and
the candidates' values of the month stay in cache, and every step runs along one long vector.

Most months need no product. `kernels.cpu.path_bounds` tells, from the candidates' least and greatest values, in which
months no path can be below 0 and in which none can be at its deepest; and payback is found from the last months
backwards, so that it is settled once every path has been below 0. Both are exact: the results are those of all months,
to the bit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from kernels.cpu.measures import SpreadMeasures, equal_draws, spread, spread_of_draws
from kernels.cpu.path_bounds import ANCHOR_MONTHS, Strip, months_of_interest, strip_of
from kernels.cpu.portfolio import collect
from kernels.cpu.sparse_product import Floats, SignedLevels
from kernels.pieces import piece_size
from kernels.reference.paths import NEVER
from kernels.reference.portfolio import Portfolios

_BLOCK_SCENARIOS = 128
_STEP_BYTES = 1 << 19
"""Sums of one month: with the minima beside them, and the candidates' values, about a usual second-level cache."""
_MOST_PORTFOLIOS = 4096


@dataclass(frozen=True)
class CumulativePaths:
    """Running sums of cash per unit of each candidate, cut into strips of scenarios.

    The scenarios of a strip are alike in size (all cash of the candidates, as magnitudes), which tightens its bounds.
    """

    strips: tuple[Strip, ...]
    order: npt.NDArray[np.int64]
    """(scenarios,): which scenario stands where, strip after strip."""
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
    deepest = int(np.argmin(np.cumsum(unit_cash.sum(axis=(0, 1), dtype=np.float64))))
    order, strips = np.argsort(np.abs(unit_cash).sum(axis=(0, 2), dtype=np.float64), kind="stable"), []
    for first in range(0, scenarios, _BLOCK_SCENARIOS):
        running = np.cumsum(unit_cash[:, order[first : first + _BLOCK_SCENARIOS], :], axis=-1, dtype=np.float64)
        strips.append(strip_of(np.ascontiguousarray(running.transpose(2, 0, 1), dtype=kept), deepest))
    return CumulativePaths(tuple(strips), order, candidates, months, scenarios, kept)


def portfolio_funding_and_payback(portfolios: Portfolios, paths: CumulativePaths, /) -> tuple[Floats, Floats]:
    """Peak funding and payback in months of each portfolio and scenario: two arrays (portfolios, scenarios).

    As `kernels.reference.paths.peak_funding` and `payback_months` of the portfolio's cash.
    """
    levels = SignedLevels(portfolios, paths.candidates, paths.dtype)
    places = np.argsort(paths.order)
    funding, payback = _funding_and_payback(levels, slice(0, len(portfolios)), paths)
    return funding[:, places], payback[:, places]


def _funding_and_payback(levels: SignedLevels, portfolios: slice, paths: CumulativePaths) -> tuple[Floats, Floats]:
    """Both (portfolios, scenarios), scenarios in the order of the paths."""
    count = portfolios.stop - portfolios.start
    funding = np.empty((count, paths.scenarios), dtype=paths.dtype)
    payback = np.empty((count, paths.scenarios), dtype=paths.dtype)
    scenario = 0
    for strip in paths.strips:
        width = strip.running.shape[2]
        columns = slice(scenario, scenario + width)
        rows = max(8, _STEP_BYTES // (width * paths.dtype.itemsize))
        for first in range(0, count, rows):
            part = slice(first, min(first + rows, count))
            _through_the_months(
                levels, slice(portfolios.start + part.start, portfolios.start + part.stop), strip,
                funding[part, columns], payback[part, columns],
            )
        scenario += width
    return funding, payback


def _through_the_months(levels: SignedLevels, rows: slice, strip: Strip, funding: Floats, payback: Floats) -> None:
    """Fill `funding` and `payback` (rows, scenarios of the strip), which are parts of the results.

    Months are counted in the smallest type that holds them: sixteen to a vector register or more.
    """
    months, shape = strip.running.shape[0], funding.shape
    deepest = np.zeros(shape, dtype=strip.running.dtype)
    last_negative = np.zeros(shape, dtype=np.uint8 if months < 1 << 8 else np.uint16)
    negative, when = np.empty(shape, dtype=bool), np.empty_like(last_negative)
    interest, settled = months_of_interest(levels, rows, strip), False
    for anchor in range((months - 1) // ANCHOR_MONTHS * ANCHOR_MONTHS, -1, -ANCHOR_MONTHS):
        least: float | None = None
        # The anchor first: what it says of the months after it may spare them.
        for month in (anchor, *range(min(anchor + ANCHOR_MONTHS, months) - 1, anchor, -1)):
            sought = bool(interest.below_zero[month]) and not settled
            sought = sought and (least is None or least + interest.after_anchor[month] < 0.0)
            if not (sought or interest.deepest[month]):
                continue
            running = levels.whole.sums(rows, strip.running[month])
            if month == anchor:
                least = float(running.min(initial=np.inf))
            if interest.deepest[month]:
                np.minimum(deepest, running, out=deepest)
            if sought:
                np.less(running, 0.0, out=negative)
                np.multiply(negative.view(np.uint8), last_negative.dtype.type(month + 1), out=when)
                np.maximum(last_negative, when, out=last_negative)
        settled = settled or int(last_negative.min(initial=months)) > 0
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
    portfolios: Portfolios, paths: CumulativePaths, weights: Floats, /, *, alpha: float, threads: int = 1,
    budget_bytes: int = 1 << 30
) -> PathMeasures:
    """Path measures of each portfolio under `weights` (scenarios,), in pieces of portfolios on threads."""
    draws = equal_draws(weights[paths.order])
    levels = SignedLevels(portfolios, paths.candidates, paths.dtype)
    places = np.argsort(paths.order)

    def spread_over(values: Floats) -> SpreadMeasures:
        # Draws of equal weight may stand in any order; others are summed in the order in which they were given.
        if draws is None:
            return spread(np.take(values, places, axis=1), weights, alpha=alpha)
        return spread_of_draws(draws.of(values), alpha=alpha)

    def never_share(months: Floats) -> Floats:
        if draws is None:
            return np.asarray(np.sum((np.take(months, places, axis=1) == NEVER) * weights, axis=-1))
        return np.count_nonzero(draws.of(months) == NEVER, axis=-1) / draws.count

    def measured(rows: slice) -> PathMeasures:
        peak, months = _funding_and_payback(levels, rows, paths)
        funding, payback, never = spread_over(peak), spread_over(months), never_share(months)
        return PathMeasures(
            funding.mean, funding.median, funding.tail, payback.mean, payback.median, payback.tail, never
        )

    bytes_per_item = 8 * paths.scenarios * paths.dtype.itemsize
    share = -(-len(portfolios) // threads)  # every thread gets work; large pieces read the candidates' paths less often
    piece = piece_size(
        bytes_per_item=bytes_per_item, budget_bytes=budget_bytes, threads=threads, most=min(share, _MOST_PORTFOLIOS)
    )
    return collect(measured, len(portfolios), PathMeasures, paths.dtype, piece=piece, threads=threads)

"""The fast twin of `kernels.reference.measures`: equal weights need no sorting, only the tail partitioned off.

Works on NumPy and CuPy arrays. Sums run in the dtype of the values, so float32 stays float32.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from kernels.backend import Array, array_namespace, to_host
from kernels.reference import measures
from kernels.reference.measures import NpvMeasures, require_level, require_weights

_LEVEL_TOLERANCE = 1e-9
_WORD, _MOST_WORDS = 8, 255
"""Bytes of a word, and words of flags that add up before a byte overflows."""


@dataclass(frozen=True)
class EqualDraws:
    """The scenarios that carry weight, when all of them carry the same."""

    columns: slice | Array
    """Where they stand among all scenarios: a slice where they are neighbours, which costs no copy."""
    count: int

    def of(self, values: Array) -> Array:
        """The columns of `values` (..., scenarios) that carry weight."""
        return values[..., self.columns]


def equal_draws(weights: Array, /) -> EqualDraws | None:
    """The scenarios that carry weight if all weights are equal or 0 (base case, named stresses), else None."""
    require_weights(weights)
    xp = array_namespace(weights)
    host = to_host(weights)
    (places,) = host.nonzero()
    carried = host[places]
    if abs(carried * len(places) - 1.0).max() > _LEVEL_TOLERANCE:
        return None
    first, last = int(places[0]), int(places[-1])
    neighbours = last - first + 1 == len(places)
    return EqualDraws(slice(first, last + 1) if neighbours else xp.asarray(places), len(places))


def draws_beyond(count: int, level: float) -> int:
    """How many of `count` equal draws lie strictly beyond the quantile at `level`, by rank."""
    rank = max(1, math.ceil(count * (require_level(level) - _LEVEL_TOLERANCE)))
    return count - rank


def npv_measures(npv: Array, weights: Array, /, *, alpha: float) -> NpvMeasures:
    """As `kernels.reference.measures.npv_measures`, for NPVs (portfolios, scenarios); unequal weights go to that
    function."""
    draws = equal_draws(weights)
    if draws is None:
        return measures.npv_measures(npv, weights, alpha=alpha)
    return npv_measures_of_draws(draws.of(npv), alpha=alpha)


def npv_measures_of_draws(npv: Array, /, *, alpha: float) -> NpvMeasures:
    """Measures of NPVs (portfolios, draws) of equal weight. Raises ValueError when an NPV is NaN or infinite."""
    return npv_measures_of_scratch(npv.copy(), array_namespace(npv).mean(npv, axis=-1), alpha=alpha)


def npv_measures_of_scratch(npv: Array, mean: Array, /, *, alpha: float) -> NpvMeasures:
    """As `npv_measures_of_draws`, of NPVs that nobody needs afterwards: they are parted and shifted where they stand.

    mean: (portfolios,), brought because it is the sum of the candidates' means. One pass each for losses and deviation;
    `partition` of the smallest 1 - alpha share costs less than any sort, and in place it touches no fresh memory.
    """
    xp = array_namespace(npv, mean)
    count = npv.shape[-1]
    if not bool(xp.all(xp.isfinite(mean))):
        raise ValueError(
            "an NPV is NaN or infinite; look for missing input in the candidates or levels it was summed from"
        )
    losses = _count_below_zero(npv)
    beyond = draws_beyond(count, alpha)
    npv.partition(beyond, axis=-1)
    var, cvar = _tail_of_parted(npv, beyond, alpha)
    distance = xp.subtract(npv, mean[:, None], out=npv)
    deviation = xp.sqrt(xp.einsum("ps,ps->p", distance, distance) / count)
    error = deviation / math.sqrt(count - 1) if count > 1 else xp.full_like(deviation, math.inf)
    return NpvMeasures(mean, deviation, error, (losses / count).astype(npv.dtype), var, cvar)


def _count_below_zero(npv: Array) -> Array:
    """How many of each row are below 0, (portfolios,): flags are bytes of 0 or 1, and eight of them add up as one
    word."""
    xp = array_namespace(npv)
    below, count = npv < 0.0, npv.shape[-1]
    if count % _WORD or count > _WORD * _MOST_WORDS:
        return xp.sum(below.view(xp.int8), axis=-1, dtype=xp.int32)
    words = xp.sum(below.view(xp.uint64), axis=-1, keepdims=True)
    return xp.sum(words.view(xp.uint8), axis=-1, dtype=xp.int32)


def _tail_of_parted(parted: Array, beyond: int, alpha: float) -> tuple[Array, Array]:
    """VaR and CVaR of L = -NPV from NPVs (portfolios, draws) with the `beyond` smallest first: two of (portfolios,)."""
    xp = array_namespace(parted)
    threshold = parted[:, beyond] + 0.0  # a copy: the caller goes on to use the array
    excess = xp.sum(threshold[:, None] - parted[:, :beyond], axis=-1)
    return -threshold, excess / ((1.0 - alpha) * parted.shape[-1]) - threshold


@dataclass(frozen=True)
class SpreadMeasures:
    """A quantity of which more is worse (funding, months until payback), over the scenarios, for each portfolio."""

    mean: Array
    median: Array
    """Lower median: always one of the values."""
    tail: Array
    """Mean of the worst 1 - alpha share."""


def spread_of_draws(values: Array, /, *, alpha: float) -> SpreadMeasures:
    """Mean, median and tail mean of `values` (portfolios, draws) of equal weight; +inf ("never") is a value.

    Summed in order of size, so that the order of the draws does not matter.
    """
    xp = array_namespace(values)
    count = values.shape[-1]
    middle, rank = count - 1 - draws_beyond(count, 0.5), count - 1 - draws_beyond(count, alpha)
    ordered = xp.sort(values, axis=-1)  # in vectors; `partition` at two ranks is not, and takes eight times as long
    threshold, worse = ordered[:, rank], ordered[:, rank + 1 :]
    beyond = worse > threshold[:, None]  # never inf - inf
    excess = xp.sum(xp.where(beyond, worse, 0.0) - xp.where(beyond, threshold[:, None], 0.0), axis=-1)
    return SpreadMeasures(xp.mean(ordered, axis=-1), ordered[:, middle], threshold + excess / ((1.0 - alpha) * count))


def spread(values: Array, weights: Array, /, *, alpha: float) -> SpreadMeasures:
    """The specification of `spread_of_draws`, for any weights: values (..., S), weights (S,) -> three of (...)."""
    return SpreadMeasures(
        measures.mean(values, weights),
        measures.quantile(values, weights, level=0.5),
        measures.tail_mean(values, weights, level=alpha),
    )

"""Measures of a distribution over weighted scenarios: mean, deviation, error, chance of a loss, VaR and CVaR.

These are the specification; `kernels.cpu.measures` holds the fast twin. Scenarios lie on the last axis, everything
before it (portfolios, months) is kept. L = -NPV is a loss: positive is bad. Sums run in float64 with weights in
float64, and results come back in the dtype of the values. Values may be +inf ("never"), not -inf or NaN.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from kernels.backend import Array, array_namespace, require_floating, running_sum

_WEIGHT_SUM_TOLERANCE = 1e-9
_LEVEL_TOLERANCE = 1e-9
"""Cumulative weights and levels such as 0.95 are rounded; a probability this far below the level counts as reaching
it."""


@dataclass(frozen=True)
class NpvMeasures:
    """Measures of the NPV of each portfolio, each of the shape of the portfolios and in the unit of the NPVs."""

    mean: Array
    standard_deviation: Array
    standard_error: Array
    """Of the mean, for independent draws; +inf where one scenario carries all the weight."""
    loss_probability: Array
    """P(NPV < 0), a share."""
    var: Array
    """Lower alpha quantile of L = -NPV."""
    cvar: Array
    """Mean of the worst 1 - alpha share of L, the atom at VaR split."""


def npv_measures(npv: Array, weights: Array, /, *, alpha: float) -> NpvMeasures:
    """All measures of `npv` (..., scenarios) under `weights` (scenarios,), which add to 1; `alpha` in (0, 1), as 0.95.

    Raises ValueError for NaN, weights that are negative or do not add to 1, or a level outside (0, 1).
    """
    require_weighted_values(npv, weights)
    return NpvMeasures(
        mean=mean(npv, weights),
        standard_deviation=standard_deviation(npv, weights),
        standard_error=standard_error(npv, weights),
        loss_probability=probability_below(npv, weights, threshold=0.0),
        var=quantile(-npv, weights, level=alpha),
        cvar=tail_mean(-npv, weights, level=alpha),
    )


def mean(values: Array, weights: Array, /) -> Array:
    """Sum of w_s x_s over the scenarios with w_s > 0: values (..., S), weights (S,) -> (...)."""
    require_weighted_values(values, weights)
    xp = array_namespace(values, weights)
    return xp.astype(_weighted_sum(values, weights), values.dtype)


def standard_deviation(values: Array, weights: Array, /) -> Array:
    """sqrt(sum of w_s (x_s - mean)^2), the deviation of the weighted distribution itself: (..., S), (S,) -> (...)."""
    require_weighted_values(values, weights)
    xp = array_namespace(values, weights)
    return xp.astype(_deviation(values, weights), values.dtype)


def standard_error(values: Array, weights: Array, /) -> Array:
    """Standard error of the mean: deviation / sqrt(n - 1) with Kish's effective number of draws n = 1 / sum of w_s^2.

    With equal weights this is the usual s / sqrt(S). Draws in pairs or by Sobol do better than it says.
    """
    require_weighted_values(values, weights)
    xp = array_namespace(values, weights)
    draws = effective_draws(weights)
    deviation = _deviation(values, weights)
    error = deviation / math.sqrt(draws - 1.0) if draws > 1.0 else xp.full_like(deviation, math.inf)
    return xp.astype(error, values.dtype)


def effective_draws(weights: Array, /) -> float:
    """Kish's effective number of draws, 1 / sum of w_s^2; rounding is taken off so that S equal weights give S."""
    xp = array_namespace(weights)
    squares = float(xp.sum(weights * weights))
    draws = 1.0 / squares
    nearest = round(draws)
    return float(nearest) if abs(draws - nearest) <= _WEIGHT_SUM_TOLERANCE * draws else draws


def probability_below(values: Array, weights: Array, /, *, threshold: float) -> Array:
    """P(x < threshold), strictly below: (..., S), (S,) -> (...)."""
    require_weighted_values(values, weights)
    xp = array_namespace(values, weights)
    below = xp.astype(values < threshold, xp.float64)
    return xp.astype(xp.sum(below * weights, axis=-1), values.dtype)


def quantile(values: Array, weights: Array, /, *, level: float) -> Array:
    """Lower quantile: the least x with P(X <= x) >= level, always one of the values: (..., S), (S,) -> (...).

    VaR of a loss is its quantile at alpha; the median is the quantile at 0.5.
    """
    require_weighted_values(values, weights)
    ordered, ordered_weights = _in_order(values, weights)
    return _quantile_of_ordered(ordered, ordered_weights, require_level(level))


def tail_mean(values: Array, weights: Array, /, *, level: float) -> Array:
    """Mean of the greatest 1 - level share: q + E[(X - q)+] / (1 - level) with q the quantile: (..., S), (S,) -> (...).

    CVaR of a loss at alpha: the least over eta of eta + E[(L - eta)+] / (1 - alpha), which the quantile attains, with
    only the part of the atom at the quantile that the share needs (Rockafellar and Uryasev, Journal of Banking &
    Finance 26 (2002) 1443-1471, theorem 10).
    """
    require_weighted_values(values, weights)
    xp = array_namespace(values, weights)
    ordered, ordered_weights = _in_order(values, weights)
    threshold = xp.astype(_quantile_of_ordered(ordered, ordered_weights, require_level(level)), xp.float64)
    wide = xp.astype(ordered, xp.float64)
    beyond = (wide > threshold[..., None]) & (ordered_weights > 0.0)
    start = xp.where(beyond, threshold[..., None], 0.0)  # no inf - inf where the threshold itself is infinite
    excess = xp.where(beyond, wide, 0.0) - start
    share = xp.sum(excess * xp.where(beyond, ordered_weights, 0.0), axis=-1) / (1.0 - level)
    return xp.astype(threshold + share, values.dtype)


def _in_order(values: Array, weights: Array) -> tuple[Array, Array]:
    xp = array_namespace(values, weights)
    order = xp.argsort(values, axis=-1)
    flat = xp.take(weights, xp.reshape(order, (-1,)))
    return xp.take_along_axis(values, order, axis=-1), xp.reshape(flat, values.shape)


def _quantile_of_ordered(ordered: Array, ordered_weights: Array, level: float) -> Array:
    xp = array_namespace(ordered, ordered_weights)
    cumulative = running_sum(ordered_weights, axis=-1)
    reached = (cumulative >= level - _LEVEL_TOLERANCE) & (ordered_weights > 0.0)
    first = xp.argmax(xp.astype(reached, xp.int8), axis=-1)
    return xp.take_along_axis(ordered, first[..., None], axis=-1)[..., 0]


def _weighted_sum(values: Array, weights: Array) -> Array:
    xp = array_namespace(values, weights)
    counted = xp.where(weights > 0.0, xp.astype(values, xp.float64), 0.0)  # 0 x inf is no NaN
    return xp.sum(counted * weights, axis=-1)


def _deviation(values: Array, weights: Array) -> Array:
    xp = array_namespace(values, weights)
    middle = _weighted_sum(values, weights)
    finite = xp.isfinite(middle)
    distance = xp.astype(values, xp.float64) - xp.where(finite, middle, 0.0)[..., None]
    return xp.where(finite, xp.sqrt(_weighted_sum(distance * distance, weights)), math.inf)


def require_level(level: float) -> float:
    """The level itself; ValueError unless it lies inside (0, 1)."""
    if not _LEVEL_TOLERANCE < level < 1.0 - _LEVEL_TOLERANCE:
        raise ValueError(f"a level between 0 and 1 expected, as 0.95, got {level}")
    return level


def require_weighted_values(values: Array, weights: Array) -> None:
    """Raise unless values (..., S) hold no NaN or -inf and weights (S,) are float64, at least 0, and add to 1."""
    xp = array_namespace(values, weights)
    require_floating(values)
    require_weights(weights)
    if values.ndim == 0 or values.shape[-1] != weights.shape[0]:
        raise ValueError(
            f"one value per scenario expected on the last axis: values {values.shape}, weights {weights.shape}"
        )
    if bool(xp.any(xp.isnan(values) | (values == -math.inf))):
        raise ValueError("a value is NaN or -inf; look for missing input in the candidates or paths it was summed from")


def require_weights(weights: Array) -> None:
    """Raise unless the weights (S,) are float64, at least 0, and add to 1."""
    xp = array_namespace(weights)
    if weights.dtype != xp.float64:
        raise TypeError(f"weights in float64 expected, got {weights.dtype}")
    if weights.ndim != 1 or weights.shape[0] == 0:
        raise ValueError(f"one weight per scenario expected, got shape {weights.shape}")
    if bool(xp.any(~(weights >= 0.0))):
        raise ValueError("a scenario weight is negative or NaN; weights are probabilities")
    total = float(xp.sum(weights))
    if not abs(total - 1.0) <= _WEIGHT_SUM_TOLERANCE:
        raise ValueError(f"scenario weights add to {total!r}, not to 1; divide them by their sum")

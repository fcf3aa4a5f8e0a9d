"""How factors move: pure functions of normals or uniforms, each with its mean in closed form beside it.

Paths are multipliers of a forward curve, months before scenarios: the value of month t has seen the shocks of months
0 .. t, that is t + 1 months of volatility. Volatilities, drifts and speeds are per year.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

from kernels.backend import Array, array_beside, array_namespace, count_beside, running_sum

_MONTH = 1.0 / 12.0


def gbm(normals: Array, /, *, volatility: float, drift: float = 0.0) -> Array:
    """Geometric Brownian motion started at 1: normals (months, scenarios) -> the same shape.

    Exact: X_t = exp((drift - volatility^2 / 2) t + volatility W_t).
    """
    xp = array_namespace(normals)
    _require_not_negative(volatility=volatility)
    steps = normals * (volatility * math.sqrt(_MONTH)) + (drift - 0.5 * volatility**2) * _MONTH
    return xp.exp(running_sum(steps, axis=0))


def mean_reverting_log(normals: Array, /, *, volatility: float, reversion: float, start: float = 1.0) -> Array:
    """A price whose logarithm returns to its mean (Ornstein-Uhlenbeck), by its exact monthly step: the same shape.

    Y_(t+1) = a Y_t + sd z, a = exp(-reversion / 12), sd^2 = volatility^2 (1 - a^2) / (2 reversion), Y_0 = log(start);
    X_t = exp(Y_t - Var(Y_t) / 2) (Schwartz, Journal of Finance 52 (1997) 923-973, model 1). With `start` = 1 the mean
    is 1 in every month; `reversion` is 1 / years, ln 2 / reversion the half-life.
    """
    xp = array_namespace(normals)
    _require_not_negative(volatility=volatility)
    if not (reversion > 0.0 and start > 0.0):
        raise ValueError(
            f"positive reversion and start expected, got {reversion=}, {start=}; without reversion use gbm"
        )
    keep = math.exp(-reversion * _MONTH)
    step = volatility * math.sqrt(-math.expm1(-2.0 * reversion * _MONTH) / (2.0 * reversion))
    level = xp.zeros_like(normals[0, :]) + math.log(start)
    path = []
    for month in range(normals.shape[0]):
        level = level * keep + normals[month, :] * step
        variance = volatility**2 * -math.expm1(-2.0 * reversion * _MONTH * (month + 1)) / (2.0 * reversion)
        path.append(xp.exp(level - 0.5 * variance))
    return xp.stack(path, axis=0)


def in_shortage(
    uniforms: Array, /, *, stay_glut_months: float, stay_shortage_months: float, starts_in_shortage: bool
) -> Array:
    """Whether each month is one of shortage rather than glut: uniforms (months, scenarios) -> booleans of that shape.

    A Markov chain left with probability 1 / mean stay in each month, the first included.
    """
    xp = array_namespace(uniforms)
    _require_stays(stay_glut_months, stay_shortage_months)
    state = xp.full_like(uniforms[0, :], starts_in_shortage, dtype=xp.bool)
    leave_glut, leave_shortage = 1.0 / stay_glut_months, 1.0 / stay_shortage_months
    path = []
    for month in range(uniforms.shape[0]):
        uniform = uniforms[month, :]
        state = (state & (uniform >= leave_shortage)) | (~state & (uniform < leave_glut))
        path.append(state)
    return xp.stack(path, axis=0)


def two_regimes(
    normals: Array, shortage: Array, /, *, volatility: float, drift_glut: float, drift_shortage: float
) -> Array:
    """Geometric Brownian motion whose drift is that of the month's regime: (months, scenarios) twice -> the same
    shape."""
    xp = array_namespace(normals, shortage)
    _require_not_negative(volatility=volatility)
    drift = xp.where(shortage, xp.full_like(normals, drift_shortage), xp.full_like(normals, drift_glut))
    steps = normals * (volatility * math.sqrt(_MONTH)) + (drift - 0.5 * volatility**2) * _MONTH
    return xp.exp(running_sum(steps, axis=0))


def two_regimes_mean(
    months: int,
    /,
    *,
    drift_glut: float,
    drift_shortage: float,
    stay_glut_months: float,
    stay_shortage_months: float,
    starts_in_shortage: bool,
) -> list[float]:
    """Mean of `two_regimes` in each month; divide by it to keep a forward curve as the mean.

    By the recursion over the mean in glut and in shortage: each month states mix, then grow at their drifts.
    """
    _require_stays(stay_glut_months, stay_shortage_months)
    leave_glut, leave_shortage = 1.0 / stay_glut_months, 1.0 / stay_shortage_months
    glut, shortage = (0.0, 1.0) if starts_in_shortage else (1.0, 0.0)
    means = []
    for _ in range(months):
        glut, shortage = (
            (glut * (1.0 - leave_glut) + shortage * leave_shortage) * math.exp(drift_glut * _MONTH),
            (glut * leave_glut + shortage * (1.0 - leave_shortage)) * math.exp(drift_shortage * _MONTH),
        )
        means.append(glut + shortage)
    return means


def triangular(uniforms: Array, /, *, low: float, mode: float, high: float) -> Array:
    """Triangular draws by the inverse of their distribution: the same shape; greater uniforms give greater draws."""
    xp = array_namespace(uniforms)
    if not low <= mode <= high:
        raise ValueError(f"low <= mode <= high expected, got {low}, {mode}, {high}")
    if low == high:
        return xp.full_like(uniforms, low)
    at_mode = (mode - low) / (high - low)
    rising = low + xp.sqrt(uniforms * ((high - low) * (mode - low)))
    falling = high - xp.sqrt((1.0 - uniforms) * ((high - low) * (high - mode)))
    return xp.where(uniforms < at_mode, rising, falling)


def triangular_mean(*, low: float, mode: float, high: float) -> float:
    """Mean of `triangular`."""
    return (low + mode + high) / 3.0


def discrete(uniforms: Array, /, *, values: Sequence[float], probabilities: Sequence[float]) -> Array:
    """Draws from a list of rising values with their probabilities: the same shape, in the dtype of the uniforms."""
    xp = array_namespace(uniforms)
    _require_distribution(values, probabilities)
    edges = [math.fsum(probabilities[: k + 1]) for k in range(len(values) - 1)]
    step = xp.zeros_like(uniforms) + float(values[0])
    for edge, value in zip(edges, values[1:], strict=True):
        step = xp.where(uniforms >= edge, float(value), step)
    return step


def month_of_event(uniforms: Array, /, *, hazard_per_year: float, months: int) -> Array:
    """The month in which something with a constant hazard happens: uniforms (...) -> int64 (...); `months` = not within
    them.

    Small uniforms come early: month t where u < 1 - exp(-hazard (t + 1) / 12) for the first time.
    """
    xp = array_namespace(uniforms)
    _require_not_negative(hazard_per_year=hazard_per_year)
    edges = array_beside(
        [-math.expm1(-hazard_per_year * _MONTH * (month + 1)) for month in range(months)], uniforms,
        dtype=uniforms.dtype,
    )
    flat = xp.reshape(uniforms, (-1,))
    return xp.reshape(xp.astype(xp.searchsorted(edges, flat, side="right"), xp.int64), uniforms.shape)


def alive(event_month: Array, /, *, months: int) -> Array:
    """Whether the event has not happened by the end of each month: int (scenarios,) -> booleans (months, scenarios)."""
    return count_beside(months, event_month)[:, None] < event_month[None, :]


def _require_not_negative(**values: float) -> None:
    for name, value in values.items():
        if not (value >= 0.0 and math.isfinite(value)):
            raise ValueError(f"{name} is {value}; 0 or more expected")


def _require_stays(*stays: float) -> None:
    for stay in stays:
        if not stay >= 1.0:
            raise ValueError(f"a mean stay of {stay} months; at least 1 expected")


def _require_distribution(values: Sequence[float], probabilities: Sequence[float]) -> None:
    if len(values) != len(probabilities) or not values or any(later <= earlier for earlier, later in pairwise(values)):
        raise ValueError(f"rising values with a probability each expected, got {values} and {probabilities}")
    if min(probabilities) < 0.0 or abs(math.fsum(probabilities) - 1.0) > 1e-9:
        raise ValueError(f"probabilities of 0 or more that add to 1 expected, got {probabilities}")

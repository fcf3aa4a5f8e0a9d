"""Net present value at several rates, and the internal rate of return with a status that says what kind of answer it is.

With the monthly discount factor x = (1 + r)^(-1/12) the NPV is a polynomial in x whose coefficients are the flows, and
every annual rate above -100 % is a root x > 0. With x = u / (1 - u), 0 < u < 1, flow t divided by the binomial
coefficient (n over t) is its t-th Bernstein coefficient, and the sign changes among Bernstein coefficients bound the
number of roots (Descartes): none means no root, one means exactly one. Intervals with more are halved by de Casteljau's
algorithm, which only averages, until each holds at most one (the method of Vincent, Collins and Akritas in Bernstein
form; Mourrain, Rouillier and Roy, "Bernstein's basis and real root isolation", 2005). So roots are counted, not guessed
from a grid of rates. Two roots closer than about 1e-7 in u are not told apart and count as one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import IntEnum

from kernels.backend import Array, array_beside, array_namespace, count_beside, require_floating

_MOST_HALVINGS = 24
"""Intervals of u end at a width of 2^-25: double precision cannot tell two roots from one that touches any closer."""
_MOST_STEPS = 200
_MOST_PERIODS = 1000
"""Binomial coefficients of more periods leave the range of float64."""
_DUST = 4.0


class IrrStatus(IntEnum):
    """What kind of answer the internal rate of return is."""

    ONE_ROOT = 0
    """The NPV is 0 at exactly one rate above -100 %."""
    NONE = 1
    """Flows of both signs, but the NPV is 0 at no rate."""
    SEVERAL = 2
    """The NPV is 0 at more than one rate; none of them is the return."""
    ALL_ONE_SIGN = 3
    """No flow is negative, or none is positive."""


@dataclass(frozen=True)
class Irr:
    """Internal rates of return of paths of flows."""

    rate: Array
    """Annual effective rate, a share; NaN unless the status is ONE_ROOT: then there is no one rate to give."""
    status: Array
    """IrrStatus, int8."""
    roots: Array
    """Number of distinct rates above -100 % at which the NPV is 0, int64."""


def npv_at_rates(cash: Array, rates: Array, /, *, periods_per_year: int = 12) -> Array:
    """NPV at annual effective rates, cash at mid-period: cash (..., periods), rates (rates,) -> (..., rates).

    DF_t = (1 + r)^-((t + 0.5) / periods_per_year). Raises ValueError for a rate of -100 % or less.
    """
    require_floating(cash, rates)
    xp = array_namespace(cash, rates)
    if bool(xp.any(~(rates > -1.0))):
        raise ValueError("a discount rate is NaN, or -100 % or less")
    years = (xp.astype(count_beside(cash.shape[-1], cash), cash.dtype) + 0.5) / periods_per_year
    factors = xp.exp(-xp.log1p(rates)[:, None] * years)
    return xp.sum(cash[..., None, :] * factors, axis=-1)


def irr(cash: Array, /, *, periods_per_year: int = 12) -> Irr:
    """Internal rate of return of each path: cash (..., periods) at equal distances -> three arrays (...).

    Where in the period the cash falls does not matter. Flows smaller than 4 roundings of the greatest flow of their
    path count as 0, so that dust of earlier sums adds no root near -100 %. Computed in float64; the rate comes in the
    dtype of `cash`. Raises ValueError for NaN or infinite flows, or more than 1,000 periods.
    """
    require_floating(cash)
    xp = array_namespace(cash)
    if cash.ndim == 0 or not 1 <= cash.shape[-1] <= _MOST_PERIODS or not bool(xp.all(xp.isfinite(cash))):
        raise ValueError(f"finite flows over 1 to {_MOST_PERIODS} periods expected, got shape {cash.shape}")
    shape, flows = cash.shape[:-1], _scaled_without_dust(xp.reshape(cash, (-1, cash.shape[-1])))
    paths = flows.shape[0]
    one_sign = ~(xp.any(flows > 0.0, axis=-1) & xp.any(flows < 0.0, axis=-1))
    (mixed,) = xp.nonzero(~one_sign)
    roots, growth = xp.zeros_like(xp.astype(one_sign, xp.int64)), xp.zeros_like(flows[:, 0])
    if mixed.shape[0]:
        found_path, found_growth = _log_growths(flows, mixed)
        roots, growth = _first_of_each(found_path, found_growth, paths)

    status = xp.where(roots == 1, int(IrrStatus.ONE_ROOT), xp.full_like(roots, int(IrrStatus.SEVERAL)))
    status = xp.where(roots == 0, int(IrrStatus.NONE), status)
    status = xp.where(one_sign, int(IrrStatus.ALL_ONE_SIGN), status)
    rate = xp.where(status == int(IrrStatus.ONE_ROOT), xp.expm1(growth * periods_per_year), math.nan)
    return Irr(
        xp.reshape(xp.astype(rate, cash.dtype), shape),
        xp.reshape(xp.astype(status, xp.int8), shape),
        xp.reshape(roots, shape),
    )


def _scaled_without_dust(cash: Array) -> Array:
    xp = array_namespace(cash)
    size = xp.max(xp.abs(cash), axis=-1, keepdims=True)
    kept = xp.abs(cash) > size * (_DUST * float(xp.finfo(cash.dtype).eps))
    scaled = xp.astype(cash, xp.float64) / xp.astype(xp.where(size > 0.0, size, 1.0), xp.float64)
    return xp.where(kept, scaled, 0.0)


def _log_growths(flows: Array, mixed: Array) -> tuple[Array, Array]:
    """The path and log(1 + r) per period of every root, for the paths in `mixed`.

    Rates above 0 are roots x < 1. Rates below 0 are roots 1 / x < 1 of the flows in reverse, so that both keep their
    relative precision up to huge rates and down to -100 %.
    """
    xp = array_namespace(flows)
    chosen = xp.take(flows, mixed, axis=0)
    left, right = _halves(_bernstein(chosen))
    high = _isolated(left, mixed)
    low = _isolated(xp.flip(right, axis=-1), mixed)
    (at_zero,) = xp.nonzero(left[:, -1] == 0.0)
    return (
        xp.concat([high.path, low.path, xp.take(mixed, at_zero)]),
        xp.concat([-_log_of_root(flows, high), _log_of_root(xp.flip(flows, axis=-1), low), xp.zeros_like(chosen[:, 0])[: at_zero.shape[0]]]),
    )


def _first_of_each(path: Array, value: Array, paths: int) -> tuple[Array, Array]:
    """How often each path occurs, and the first value found for it (0 where there is none)."""
    xp = array_namespace(path, value)
    numbers = count_beside(paths, path)
    if path.shape[0] == 0:
        return xp.zeros_like(numbers), xp.zeros_like(xp.astype(numbers, value.dtype))
    order = xp.argsort(path)
    ordered = xp.take(path, order)
    first = xp.searchsorted(ordered, numbers)
    count = xp.astype(xp.searchsorted(ordered, numbers, side="right") - first, xp.int64)
    entry = xp.take(order, xp.where(count > 0, first, 0))
    return count, xp.where(count > 0, xp.take(value, entry), 0.0)


@dataclass(frozen=True)
class _Brackets:
    """Intervals of u that hold one root each: u from `low` to `high`, equal where the root is known."""

    path: Array
    low: Array
    high: Array
    sign_at_low: Array


def _bernstein(flows: Array) -> Array:
    """Bernstein coefficients of the flows on 0 < u < 1, up to a common factor: (paths, periods)."""
    xp = array_namespace(flows)
    degree = flows.shape[-1] - 1
    return flows / array_beside([float(math.comb(degree, t)) for t in range(degree + 1)], flows, dtype=xp.float64)


def _halves(coefficients: Array) -> tuple[Array, Array]:
    """Bernstein coefficients on both halves of the interval, by de Casteljau's algorithm: (items, n) -> two of them."""
    xp = array_namespace(coefficients)
    left, right, level = [], [], coefficients
    for remaining in range(coefficients.shape[-1], 0, -1):
        left.append(level[:, 0])
        right.append(level[:, -1])
        if remaining > 1:
            level = 0.5 * (level[:, :-1] + level[:, 1:])
    return xp.stack(left, axis=-1), xp.stack(right[::-1], axis=-1)


def _sign_changes(coefficients: Array) -> tuple[Array, Array]:
    """Sign changes along each row, zeros left out, as int64, and the first sign that is not 0."""
    xp = array_namespace(coefficients)
    last = xp.sign(coefficients[:, 0])
    first, changes = last, xp.zeros_like(last)
    for place in range(1, coefficients.shape[-1]):
        sign = xp.sign(coefficients[:, place])
        changes = changes + xp.astype(sign * last < 0.0, sign.dtype)
        last = xp.where(sign != 0.0, sign, last)
        first = xp.where(first != 0.0, first, sign)
    return xp.astype(changes, xp.int64), first


def _isolated(coefficients: Array, path: Array) -> _Brackets:
    """Brackets of all roots inside 0 < u < 1/2, from the coefficients on that interval: (items, n), (items,)."""
    xp = array_namespace(coefficients)
    low, width = xp.zeros_like(coefficients[:, 0]), 0.5
    found: list[_Brackets] = []
    for halving in range(_MOST_HALVINGS + 1):
        changes, sign = _sign_changes(coefficients)
        (single,) = xp.nonzero(changes == 1)
        found.append(_Brackets(xp.take(path, single), xp.take(low, single), xp.take(low, single) + width, xp.take(sign, single)))
        (open_,) = xp.nonzero(changes > 1)
        path, low, coefficients = xp.take(path, open_), xp.take(low, open_), xp.take(coefficients, open_, axis=0)
        if path.shape[0] == 0:
            break
        width /= 2.0
        middle = low + width
        if halving == _MOST_HALVINGS:  # roots that touch, or nearly so
            found.append(_Brackets(path, middle, middle, xp.zeros_like(middle)))
            break
        left, right = _halves(coefficients)
        (hit,) = xp.nonzero(left[:, -1] == 0.0)
        at_hit = xp.take(middle, hit)
        found.append(_Brackets(xp.take(path, hit), at_hit, at_hit, xp.zeros_like(at_hit)))
        path, low, coefficients = xp.concat([path, path]), xp.concat([low, middle]), xp.concat([left, right], axis=0)
    columns = ([getattr(part, name) for part in found] for name in ("path", "low", "high", "sign_at_low"))
    return _Brackets(*(xp.concat(column) for column in columns))


def _log_of_root(flows: Array, brackets: _Brackets) -> Array:
    """log x of the root in each bracket, by Newton steps that fall back to halving: (brackets,).

    A step that leaves the bracket, or does not halve the step before it, is replaced by the middle of the bracket.
    """
    xp = array_namespace(flows)
    chosen = xp.take(flows, brackets.path, axis=0)
    low, high = brackets.low / (1.0 - brackets.low), brackets.high / (1.0 - brackets.high)
    x, last_step = 0.5 * (low + high), high - low
    settled = last_step < 0.0
    for _ in range(_MOST_STEPS):
        value, slope = _value_and_slope(chosen, x)
        side = xp.sign(value) * brackets.sign_at_low
        low, high = xp.where(side >= 0.0, x, low), xp.where(side <= 0.0, x, high)
        newton = x - value / xp.where(slope == 0.0, 1.0, slope)
        good = (newton > low) & (newton < high) & (slope != 0.0) & (2.0 * xp.abs(newton - x) <= last_step)
        ahead = xp.where(good, newton, 0.5 * (low + high))
        last_step, x = xp.abs(ahead - x), xp.where(settled, x, ahead)  # a root no longer moves while others are sought
        settled = settled | (last_step <= x * 2.0**-52)
        if bool(xp.all(settled)):
            break
    return xp.log(x)


def _value_and_slope(flows: Array, x: Array) -> tuple[Array, Array]:
    """Polynomial and derivative at x, by Horner's scheme: flows (items, periods), x (items,) -> two of (items,)."""
    value = flows[:, -1]
    slope = 0.0 * value
    for period in range(flows.shape[-1] - 2, -1, -1):
        slope = slope * x + value
        value = value * x + flows[:, period]
    return value, slope

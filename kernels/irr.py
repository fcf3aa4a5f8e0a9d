"""Net present value at several rates, and the internal rate of return with a status that says what kind of answer it
is.

The NPV at the monthly rate log(1 + r) = s is a sum of exponentials, whose roots s > 0 are counted, not guessed from a
grid of rates (see `exponential_roots`); those below 0 are roots of the flows in reverse, so that both keep their
relative precision, up to huge rates and down to -100 %. Two roots that double precision cannot tell apart, about 1e-7
of s over the length of the flow, count as one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import IntEnum

from kernels.backend import Array, array_namespace, count_beside, require_floating
from kernels.exponential_roots import Brackets, bracketed, root_in_each

_DUST = 4.0


class IrrStatus(IntEnum):
    """What kind of answer the internal rate of return is."""

    ONE_ROOT = 0
    """The NPV is 0 at exactly one rate above -100 %, and money goes out before it comes back: the rate is the
    return."""
    NONE = 1
    """Flows of both signs, but the NPV is 0 at no rate."""
    SEVERAL = 2
    """The NPV is 0 at more than one rate; none of them is the return."""
    ALL_ONE_SIGN = 3
    """No flow is negative, or none is positive."""
    GAINS_FIRST = 4
    """The NPV is 0 at exactly one rate, but money comes in before it goes out: the rate is what that money costs, not a
    return."""


@dataclass(frozen=True)
class Irr:
    """Internal rates of return of paths of flows."""

    rate: Array
    """Annual effective rate, a share; NaN unless the status is ONE_ROOT: then there is no one rate to give."""
    status: Array
    """IrrStatus, int8."""
    roots: Array
    """Number of distinct rates above -100 % at which the NPV is 0, int64."""


def irr(cash: Array, /, *, periods_per_year: int = 12) -> Irr:
    """Internal rate of return of each path: cash (..., periods) at equal distances -> three arrays (...).

    Where in the period the cash falls does not matter, nor do periods without cash before or after the flow, nor the
    other paths, to the last bit. Flows smaller than 4 roundings of the greatest flow of their path count as 0, so that
    dust of earlier sums adds no root near -100 %. Computed in float64; the rate comes in the dtype of `cash`. Raises
    ValueError for NaN or infinite flows, or none.
    """
    require_floating(cash)
    xp = array_namespace(cash)
    if cash.ndim == 0 or cash.shape[-1] < 1 or not bool(xp.all(xp.isfinite(cash))):
        raise ValueError(f"finite flows over one period or more expected, got shape {cash.shape}")
    shape, flows = cash.shape[:-1], _scaled_without_dust(xp.reshape(cash, (-1, cash.shape[-1])))
    paths = flows.shape[0]
    one_sign = ~(xp.any(flows > 0.0, axis=-1) & xp.any(flows < 0.0, axis=-1))
    (mixed,) = xp.nonzero(~one_sign)
    roots, growth = xp.zeros_like(xp.astype(one_sign, xp.int64)), xp.zeros_like(flows[:, 0])
    ahead = _from_first(flows)
    if mixed.shape[0]:
        found_path, found_growth = _log_growths(ahead, _from_first(xp.flip(flows, axis=-1)), mixed)
        roots, growth = _first_of_each(found_path, found_growth, paths)

    status = xp.where(roots == 1, int(IrrStatus.ONE_ROOT), xp.full_like(roots, int(IrrStatus.SEVERAL)))
    status = xp.where((roots == 1) & (ahead[:, 0] > 0.0), int(IrrStatus.GAINS_FIRST), status)
    status = xp.where(roots == 0, int(IrrStatus.NONE), status)
    status = xp.where(one_sign, int(IrrStatus.ALL_ONE_SIGN), status)
    rate = xp.where(status == int(IrrStatus.ONE_ROOT), xp.expm1(growth * periods_per_year) + 0.0, math.nan)
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


def _from_first(flows: Array) -> Array:
    """Each path moved to begin with its first flow that is not 0, zeros after its end: (paths, periods)."""
    xp = array_namespace(flows)
    paths, periods = flows.shape
    number = count_beside(periods, flows)[None, :]
    first = xp.min(xp.where(flows != 0.0, number, periods - 1), axis=1)
    if not bool(xp.any(first > 0)):
        return flows
    source = first[:, None] + number
    inside = source < periods
    place = count_beside(paths, flows)[:, None] * periods + xp.where(inside, source, periods - 1)
    moved = xp.reshape(xp.take(xp.reshape(flows, (-1,)), xp.reshape(place, (-1,))), (paths, periods))
    return xp.where(inside, moved, 0.0)


def _log_growths(ahead: Array, back: Array, mixed: Array) -> tuple[Array, Array]:
    """The path and log(1 + r) per period of every root, for the paths in `mixed`: of rates above 0, below 0, and 0
    itself.

    ahead, back: the flows from their first and from their last on, each path beginning with a flow that is not 0.
    """
    xp = array_namespace(ahead)
    above, below = bracketed(ahead, mixed), bracketed(back, mixed)
    high, low = root_in_each(ahead, above), root_in_each(back, below)
    kept_above, kept_below, at_zero = (
        xp.nonzero(flags)[0]
        for flags in (~_at_zero(above), ~_at_zero(below), _zero_is_root(ahead, above, below, mixed))
    )
    zero = xp.take(mixed, at_zero)
    return (
        xp.concat([xp.take(above.row, kept_above), xp.take(below.row, kept_below), zero]),
        xp.concat([xp.take(high, kept_above), -xp.take(low, kept_below), xp.zeros_like(ahead[:, 0])[: zero.shape[0]]]),
    )


def _at_zero(brackets: Brackets) -> Array:
    """Which brackets cannot be told from a rate of 0."""
    return (brackets.open != 0) & (brackets.low == 0.0)


def _zero_is_root(ahead: Array, above: Brackets, below: Brackets, mixed: Array) -> Array:
    """Which of the paths in `mixed` have a root at a rate of 0, or one that cannot be told from it."""
    xp = array_namespace(ahead)
    rows = [xp.take(side.row, xp.nonzero(_at_zero(side))[0]) for side in (above, below)]
    open_at_zero = xp.sort(xp.concat(rows))
    known = xp.searchsorted(open_at_zero, mixed) < xp.searchsorted(open_at_zero, mixed, side="right")
    return known if open_at_zero.shape[0] else xp.zeros_like(mixed) == 1


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

"""Roots s > 0 of exponential sums  g(s) = sum over t of c_t exp(-s t), t = 0, 1, ..., counted and bracketed.

With s = log(1 + r) per period a net present value is such a sum, so its roots are the rates above 0; the same flows in
reverse give those below 0. Three steps, each proven where it decides:

no or one root      sign changes among the running sums of the flows bound the roots s > 0, and differ from their number
by an even one
                        (Descartes' rule for the power series g / (1 - x), x = exp(-s) [1])
intervals           halved until Taylor's theorem shows about each: no root (|g| at its middle is more than g' and a
bound of g'' can make
                        up), or g' of one sign, so that the signs at the ends tell [2]
roots that touch    what stays open down to a width of LEAST_WIDTH / periods, because g is zero there within rounding,
is one root:
                        a double one, or several that double precision cannot tell apart

Every comparison allows for the rounding of the sums, so a root is neither lost nor made up by it.

[1] Norstrom, A sufficient condition for a unique nonnegative internal rate of return, J. Financial and Quantitative
Analysis 7 (1972), 1835-1839. [2] Moore, Kearfott, Cloud, Introduction to interval analysis (2009), chapter 8; interval
bisection with a first-order exclusion test.
"""

from __future__ import annotations

from dataclasses import dataclass

from kernels.backend import Array, array_namespace, count_beside, running_sum, zeros_beside

LEAST_WIDTH = 2.0**-34
TOGETHER = 2.0**-24
"""Times 1 / periods: roots as near as this are not told apart where rounding hides the sign between them."""
_ROUNDING = 2.0**-52
_TERMS = 16.0
"""Roundings of a term and of the sum over them, in units of the sum of absolute terms."""
_MOST_HALVINGS = 90
_MOST_STEPS = 200
_CELLS = 1 << 21
"""Terms of intervals that are evaluated at once: some tens of MB."""


@dataclass(frozen=True)
class Brackets:
    """Intervals of s that hold one root each: row (k,) of the flows, low and high (k,). touching (k,): 1 where g has
    the same sign at both ends, 0 where it changes. open (k,): 1 where the interval is one that rounding leaves open."""

    row: Array
    low: Array
    high: Array
    touching: Array
    open: Array


def bracketed(flows: Array, rows: Array) -> Brackets:
    """Brackets of all roots s > 0 of some rows of flows (n, periods), rows (m,); flows that begin with their first that
    is not 0.

    A root at s = 0 exactly belongs to no side; one that rounding cannot tell from it is an open bracket whose low end
    is 0.
    """
    xp = array_namespace(flows)
    chosen = xp.take(flows, rows, axis=0)
    changes, certain = _changes_of_sums(chosen)
    (single,) = xp.nonzero(certain & (changes == 1))
    (several,) = xp.nonzero(~certain | (changes > 1))
    bound = _beyond(chosen)
    beyond = xp.take(bound, single)
    alone = Brackets(
        xp.take(rows, single), xp.zeros_like(beyond), beyond, *_marks(single, touching=False, still_open=False)
    )
    return _joined([alone, _isolated(chosen, several, xp.take(bound, several), rows)]) if several.shape[0] else alone


def root_in_each(flows: Array, brackets: Brackets) -> Array:
    """The root in each bracket: of g where its sign changes, of g' where it only touches; (brackets,)."""
    xp = array_namespace(flows)
    chosen = xp.take(flows, brackets.row, axis=0)
    time = xp.astype(count_beside(flows.shape[1], flows), flows.dtype)
    touching = (brackets.touching != 0)[:, None]
    coefficients = xp.where(touching, chosen * time[None, :], chosen)
    return _newton(coefficients, time, brackets.low, brackets.high)


# --- no or one root ------------------------------------------------------------------------------------------------


def _changes_of_sums(flows: Array) -> tuple[Array, Array]:
    """Sign changes among the running sums of each row, (n,), and whether rounding leaves all signs that matter
    certain."""
    xp = array_namespace(flows)
    sums, size = running_sum(flows, axis=1), running_sum(xp.abs(flows), axis=1)
    certain = xp.all((xp.abs(sums) > _TERMS * _ROUNDING * size) | (size == 0.0), axis=1)
    return _sign_changes(sums), certain


def _sign_changes(values: Array) -> Array:
    """Sign changes along each row, zeros left out, int64."""
    xp = array_namespace(values)
    last = xp.sign(values[:, 0])
    changes = xp.zeros_like(last)
    for place in range(1, values.shape[1]):
        sign = xp.sign(values[:, place])
        changes = changes + xp.astype(sign * last < 0.0, sign.dtype)
        last = xp.where(sign != 0.0, sign, last)
    return xp.astype(changes, xp.int64)


def _beyond(flows: Array) -> Array:
    """An s beyond every root: there the first flow outweighs all others, (n,)."""
    xp = array_namespace(flows)
    first = xp.abs(flows[:, 0])
    others = xp.sum(xp.abs(flows[:, 1:]), axis=1) if flows.shape[1] > 1 else xp.zeros_like(first)
    ratio = xp.where(first > 0.0, others / xp.where(first > 0.0, first, 1.0), 1.0)
    return xp.log(xp.where(ratio > 1.0, ratio, 1.0)) * (1.0 + 1e-12) + 1e-9


# --- intervals -----------------------------------------------------------------------------------------------------


def _isolated(flows: Array, several: Array, bound: Array, rows: Array) -> Brackets:
    """Brackets of the roots of those rows of `flows` that may have more than one; rows: the numbers under which they
    are known."""
    xp = array_namespace(flows)
    place, low, high = several, xp.zeros_like(bound), bound
    least = LEAST_WIDTH / flows.shape[1]
    single: list[tuple[Array, Array, Array]] = []
    still: list[tuple[Array, Array, Array]] = []
    for halving in range(_MOST_HALVINGS + 1):
        if place.shape[0] == 0:
            break
        none, monotone = _told(flows, place, low, high)
        (sided,) = xp.nonzero(monotone & ~none)
        ends = [_signs(flows, xp.take(place, sided), xp.take(edge, sided)) for edge in (low, high)]
        crossed, same = ends[0] * ends[1] < 0.0, ends[0] * ends[1] > 0.0
        (roots,) = xp.nonzero(crossed)
        at = xp.take(sided, roots)
        single.append((xp.take(place, at), xp.take(low, at), xp.take(high, at)))
        settled = none | _flagged(sided, crossed | same, none)
        narrow = (high - low <= least) | (halving == _MOST_HALVINGS)
        (ended,) = xp.nonzero(~settled & narrow)
        still.append((xp.take(place, ended), xp.take(low, ended), xp.take(high, ended)))
        (left,) = xp.nonzero(~settled & ~narrow)
        place, low, high = (xp.take(each, left) for each in (place, low, high))
        middle = 0.5 * (low + high)
        place, low, high = xp.concat([place, place]), xp.concat([low, middle]), xp.concat([middle, high])
    one = [xp.concat([part[at] for part in single]) for at in range(3)]
    found = Brackets(xp.take(rows, one[0]), one[1], one[2], *_marks(one[0], touching=False, still_open=False))
    left_open = [xp.concat([part[at] for part in still]) for at in range(3)]
    return _joined([found, _clusters(flows, left_open[0], left_open[1], left_open[2], rows)])


def _told(flows: Array, place: Array, low: Array, high: Array) -> tuple[Array, Array]:
    """Which intervals hold no root for certain, and on which g' has one sign for certain."""
    xp = array_namespace(flows)
    periods = flows.shape[1]
    time = xp.astype(count_beside(periods, flows), flows.dtype)[None, :]
    none, monotone = [], []
    step = max(_CELLS // periods, 1)
    for first in range(0, place.shape[0], step):
        part = slice(first, min(first + step, place.shape[0]))
        half = 0.5 * (high[part] - low[part])
        middle = low[part] + half
        cash = xp.take(flows, place[part], axis=0)
        term = cash * xp.exp(-middle[:, None] * time)
        size = xp.abs(term)
        value, slope = xp.sum(term, axis=1), xp.sum(term * time, axis=1)
        # exp(-m t) is off by m t roundings, so errors of a sum grow with its first moment.
        moment = xp.sum(size * time, axis=1)
        curve = xp.sum(xp.abs(cash) * xp.exp(-low[part][:, None] * time) * time**2, axis=1)
        off = _ROUNDING * (_TERMS * xp.sum(size, axis=1) + middle * moment)
        slope_off = _ROUNDING * (_TERMS * moment + middle * curve)
        none.append(xp.abs(value) > half * (xp.abs(slope) + slope_off) + 0.5 * half * half * curve + off)
        monotone.append(xp.abs(slope) > half * curve + slope_off)
    return xp.concat(none), xp.concat(monotone)


def _signs(flows: Array, place: Array, s: Array) -> Array:
    """The sign of g at s, 0 where rounding hides it; (k,)."""
    xp = array_namespace(flows)
    time = xp.astype(count_beside(flows.shape[1], flows), flows.dtype)[None, :]
    found = [zeros_beside((0,), flows)]
    step = max(_CELLS // flows.shape[1], 1)
    for first in range(0, place.shape[0], step):
        part = slice(first, min(first + step, place.shape[0]))
        at = s[part]
        term = xp.take(flows, place[part], axis=0) * xp.exp(-at[:, None] * time)
        size = xp.abs(term)
        value, off = xp.sum(term, axis=1), _ROUNDING * (
            _TERMS * xp.sum(size, axis=1) + at * xp.sum(size * time, axis=1)
        )
        found.append(xp.where(xp.abs(value) > off, xp.sign(value), 0.0))
    return xp.concat(found)


def _flagged(places: Array, flags: Array, like: Array) -> Array:
    """Flags of some places, (k,), among as many as `like` has; the others are not set."""
    xp = array_namespace(like)
    (chosen,) = xp.nonzero(flags)
    at = xp.sort(xp.take(places, chosen))
    number = count_beside(like.shape[0], like)
    return (
        xp.searchsorted(at, number) < xp.searchsorted(at, number, side="right") if at.shape[0] else xp.zeros_like(like)
    )


# --- roots that touch ----------------------------------------------------------------------------------------------


def _clusters(flows: Array, place: Array, low: Array, high: Array, rows: Array) -> Brackets:
    """Open intervals side by side as one bracket each.

    At the edge of what rounding hides some intervals are told and their neighbours are not, so open ones belong
    together that lie no farther apart than they are wide.
    """
    xp = array_namespace(flows)
    if place.shape[0] == 0:
        return Brackets(xp.take(rows, place), low, high, *_marks(place, touching=False, still_open=True))
    order = xp.argsort(low)
    order = xp.take(order, xp.argsort(xp.take(place, order), stable=True))
    place, low, high = (xp.take(each, order) for each in (place, low, high))
    edge, near = xp.ones_like(place[:1]) == 1, TOGETHER / flows.shape[1]
    count = place.shape[0] + 1
    while place.shape[0] < count:
        count = place.shape[0]
        width = high - low
        reach = xp.where(width[1:] > width[:-1], width[1:], width[:-1])
        apart = low[1:] - high[:-1] > xp.where(reach > near, reach, near)
        begins = xp.concat([edge, (place[1:] != place[:-1]) | apart])
        (first,) = xp.nonzero(begins)
        (last,) = xp.nonzero(xp.concat([begins[1:], edge]))
        place, low, high = xp.take(place, first), xp.take(low, first), xp.take(high, last)
    touching = xp.astype(_signs(flows, place, low) * _signs(flows, place, high) > 0.0, xp.int8)
    return Brackets(xp.take(rows, place), low, high, touching, xp.ones_like(touching))


def _marks(beside: Array, *, touching: bool, still_open: bool) -> tuple[Array, Array]:
    xp = array_namespace(beside)
    zero = xp.zeros_like(xp.astype(beside, xp.int8))
    return zero + int(touching), zero + int(still_open)


def _joined(parts: list[Brackets]) -> Brackets:
    xp = array_namespace(parts[0].row)
    return Brackets(
        *(xp.concat([getattr(part, name) for part in parts]) for name in ("row", "low", "high", "touching", "open"))
    )


# --- the root in a bracket -----------------------------------------------------------------------------------------


def _newton(coefficients: Array, time: Array, low: Array, high: Array) -> Array:
    """A sign change of the sum between low and high, by Newton steps that fall back to halving.

    A step that leaves the bracket, or does not halve the step before it, is replaced by the middle of the bracket.
    """
    xp = array_namespace(coefficients)
    sign_at_low = xp.sign(_sum_and_slope(coefficients, time, low)[0])
    s, last_step = 0.5 * (low + high), high - low
    settled = last_step < 0.0
    for _ in range(_MOST_STEPS):
        value, slope = _sum_and_slope(coefficients, time, s)
        side = xp.sign(value) * sign_at_low
        low, high = xp.where(side >= 0.0, s, low), xp.where(side <= 0.0, s, high)
        ahead = s - value / xp.where(slope == 0.0, 1.0, slope)
        good = (ahead > low) & (ahead < high) & (slope != 0.0) & (2.0 * xp.abs(ahead - s) <= last_step)
        ahead = xp.where(good, ahead, 0.5 * (low + high))
        last_step, s = xp.abs(ahead - s), xp.where(settled, s, ahead)  # a root no longer moves while others are sought
        settled = settled | (last_step <= _ROUNDING * (0.25 + s))
        if bool(xp.all(settled)):
            break
    return s


def _sum_and_slope(coefficients: Array, time: Array, s: Array) -> tuple[Array, Array]:
    xp = array_namespace(coefficients)
    term = coefficients * xp.exp(-s[:, None] * time[None, :])
    return xp.sum(term, axis=1), -xp.sum(term * time[None, :], axis=1)

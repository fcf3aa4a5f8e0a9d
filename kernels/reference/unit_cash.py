"""Cash of a unit by line, month and scenario: the one definition that plan, prices and scores share."""

from __future__ import annotations

from collections.abc import Sequence

from kernels.backend import array_namespace, count_beside, zeros_beside
from kernels.lines import Line, after_tax_weight, taxable_weight
from kernels.terms import Array, ScheduleTerm, Term, WindowTerm


def unit_cash(
    terms: Sequence[Term],
    paths: Array,
    events: Array,
    profiles: Array,
    *,
    tax_rate: float,
    lines: Sequence[Line] = tuple(Line),
) -> Array:
    """Cash of N units by line, scenario and month, in dollars, undiscounted.

    paths: (P, S, M) value per month. events: (E, S) integer months in 0..M. profiles: (Q, A) by age in months.
    Returns (len(lines), N, S, M) in the dtype of `paths`. Tax is -tax_rate x (taxable lines - depreciation) in the
    same month: losses are used at once. `DEPRECIATION` is returned as the positive write-off, although it is no cash.
    Raises ValueError when there is no term, since the number of units is then unknown.
    """
    if not terms:
        raise ValueError("a block of units needs at least one term")
    xp = array_namespace(paths)
    units = terms[0].amount.shape[0]
    _, scenarios, months = paths.shape
    zero = zeros_beside((units, scenarios, months), paths)
    wanted = dict.fromkeys(lines, zero)
    taxable = zero
    for term in terms:
        weight = taxable_weight(term.line)
        needed_for_tax = Line.TAX in wanted and weight != 0.0
        if term.line not in wanted and not needed_for_tax:
            continue
        cash = term_cash(term, paths, events, profiles)
        if term.line in wanted:
            wanted[term.line] = wanted[term.line] + cash
        if needed_for_tax:
            taxable = taxable + weight * cash
    if Line.TAX in wanted:
        wanted[Line.TAX] = wanted[Line.TAX] - tax_rate * taxable
    return xp.stack([wanted[line] for line in lines])


def unit_net_cash(
    terms: Sequence[Term], paths: Array, events: Array, profiles: Array, *, tax_rate: float, equity: bool = False
) -> Array:
    """After-tax cash of N units by scenario and month, in dollars: the sum over the lines of `unit_cash`, in one pass.

    Unlevered, or with `equity` after draws, interest (deductible) and repayment. Returns (N, S, M).
    """
    if not terms:
        raise ValueError("a block of units needs at least one term")
    net = zeros_beside((terms[0].amount.shape[0], *paths.shape[1:]), paths)
    for term in terms:
        weight = after_tax_weight(term.line, tax_rate, equity=equity)
        if weight != 0.0:
            net = net + weight * term_cash(term, paths, events, profiles)
    return net


def term_cash(term: Term, paths: Array, events: Array, profiles: Array) -> Array:
    """Cash of one term, shape (N, S, M)."""
    if isinstance(term, WindowTerm):
        return _window_cash(term, paths, events)
    return _schedule_cash(term, paths, events, profiles)


def _window_cash(term: WindowTerm, paths: Array, events: Array) -> Array:
    xp = array_namespace(paths)
    month = xp.astype(count_beside(paths.shape[2], events), events.dtype)[None, None, :]
    start = xp.take(events, term.start, axis=0)[:, :, None]
    end = xp.take(events, term.end, axis=0)[:, :, None]
    value = term.amount[:, None, None] * xp.take(paths, term.path, axis=0)
    return xp.where((month >= start) & (month < end), value, xp.zeros_like(value))


def _schedule_cash(term: ScheduleTerm, paths: Array, events: Array, profiles: Array) -> Array:
    xp = array_namespace(paths)
    ages = profiles.shape[1]
    month = xp.astype(count_beside(paths.shape[2], events), events.dtype)[None, None, :]
    age = month - xp.take(events, term.start, axis=0)[:, :, None]
    inside = (age >= 0) & (age < ages)
    flat = term.profile[:, None, None] * ages + xp.where(inside, age, xp.zeros_like(age))
    value = xp.reshape(xp.take(xp.reshape(profiles, (-1,)), xp.reshape(flat, (-1,))), flat.shape)
    value = term.amount[:, None, None] * value
    return xp.where(inside, value, xp.zeros_like(value))

"""NPV of a unit by scenario, as differences of prefix sums of discounted paths: no loop over months."""

from __future__ import annotations

from collections.abc import Sequence

from kernels.backend import array_namespace, count_beside, running_sum, zeros_beside
from kernels.lines import Line, after_tax_weight
from kernels.terms import Array, Term, WindowTerm


def discounted_prefix(paths: Array, discount: Array) -> Array:
    """Prefix sums of discounted paths, shape (P, S, M + 1): entry m holds the sum over months before m.

    paths: (P, S, M); discount: (M,) factors.
    """
    return running_sum(paths * discount[None, None, :], axis=2, include_initial=True)


def schedule_values(profiles: Array, discount: Array) -> Array:
    """Present value of each profile by its starting month, shape (Q, M + 1); what falls after month M - 1 is cut.

    profiles: (Q, A) by age; discount: (M,). Value [q, m] = sum over ages a of profiles[q, a] x discount[m + a].
    """
    xp = array_namespace(profiles)
    (used,) = xp.nonzero(xp.any(profiles != 0.0, axis=0))
    ages, months = (int(used[-1]) + 1 if used.shape[0] else 1), discount.shape[0]
    profiles = profiles[:, :ages]  # the last contract may end long after the last basis is written off
    padded = xp.concat([discount, zeros_beside((ages + 1,), discount)])
    index = count_beside(ages, discount)[:, None] + count_beside(months + 1, discount)[None, :]
    shifted = xp.reshape(xp.take(padded, xp.reshape(index, (-1,))), index.shape)
    return profiles @ shifted


def unit_npv(
    terms: Sequence[Term],
    prefix: Array,
    events: Array,
    values: Array,
    *,
    tax_rate: float,
    lines: Sequence[Line] = tuple(Line),
    equity: bool = False,
) -> Array:
    """After-tax NPV of N units by scenario, shape (N, S), in dollars: unlevered, or to equity.

    prefix: (P, S, M + 1) of `discounted_prefix`; values: (Q, M + 1) of `schedule_values`; events: (E, S) months in
    0..M. Losses are used at once, so a line enters with its after-tax weight. `lines` restricts the sum to some lines,
    each with its tax. Raises ValueError when there is no term.
    """
    if not terms:
        raise ValueError("a block of units needs at least one term")
    total = zeros_beside((terms[0].amount.shape[0], prefix.shape[1]), prefix)
    for term in terms:
        weight = after_tax_weight(term.line, tax_rate, equity=equity)
        if weight != 0.0 and term.line in lines:
            total = total + weight * term_value(term, prefix, events, values)
    return total


def term_value(term: Term, prefix: Array, events: Array, values: Array) -> Array:
    """Present value of one term before tax, shape (N, S)."""
    xp = array_namespace(prefix)
    start = xp.take(events, term.start, axis=0)
    if isinstance(term, WindowTerm):
        end = xp.take(events, term.end, axis=0)
        end = xp.where(end > start, end, start)
        return term.amount[:, None] * (_look_up(prefix, term.path, end) - _look_up(prefix, term.path, start))
    columns = values.shape[1]
    flat = term.profile[:, None] * columns + start
    return term.amount[:, None] * xp.reshape(xp.take(xp.reshape(values, (-1,)), xp.reshape(flat, (-1,))), flat.shape)


def _look_up(prefix: Array, path: Array, month: Array) -> Array:
    """prefix[path[n], s, month[n, s]] with one flat gather."""
    xp = array_namespace(prefix)
    _, scenarios, columns = prefix.shape
    scenario = xp.astype(count_beside(scenarios, month), month.dtype)[None, :]
    flat = (path[:, None] * scenarios + scenario) * columns + month
    return xp.reshape(xp.take(xp.reshape(prefix, (-1,)), xp.reshape(flat, (-1,))), flat.shape)

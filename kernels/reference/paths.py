"""Measures of a monthly path of cash: deepest cumulative cash, payback, tax with losses carried forward, debt cover.

Periods lie on the last axis; everything before it (portfolios, scenarios) is kept. Any unit of money.
"""

from __future__ import annotations

import math

from kernels.backend import Array, array_namespace, count_beside, require_floating, running_sum

NEVER = math.inf
"""Months until payback of a path that ends in the red."""


def cumulative_cash(cash: Array, /) -> Array:
    """Running sum of `cash` (..., months): the same shape and dtype."""
    _require_paths(cash)
    return running_sum(cash, axis=-1)


def peak_funding(cash: Array, /) -> Array:
    """Deepest cumulative cash, as a positive amount; 0 where it never falls below 0: (..., months) -> (...)."""
    xp = array_namespace(cash)
    depth = -xp.min(cumulative_cash(cash), axis=-1)
    return xp.where(depth > 0.0, depth, 0.0)


def payback_months(cash: Array, /) -> Array:
    """Months after which cumulative cash is at 0 or above and stays there: (..., months) -> (...), in the dtype of
    `cash`.

    0 where it is never negative, `NEVER` where it is negative in the last month. Of several crossings the last counts:
    a path that dips again has not paid back before.
    """
    return payback_of_cumulative(cumulative_cash(cash))


def payback_of_cumulative(cumulative: Array, /) -> Array:
    """As `payback_months`, from the running sum."""
    xp = array_namespace(cumulative)
    months = cumulative.shape[-1]
    ordinal = xp.astype(count_beside(months, cumulative) + 1, cumulative.dtype)
    last_negative = xp.max(xp.where(cumulative < 0.0, ordinal, 0.0), axis=-1)
    return xp.where(last_negative == months, NEVER, last_negative)


def tax_with_losses_carried(income: Array, /, *, tax_rate: float, loss_cap: float = 0.8) -> tuple[Array, Array]:
    """Tax by period when losses are carried forward: income (..., periods) -> tax (..., periods) and losses left (...).

    A loss is added to the losses carried. A profit is reduced by them, by at most `loss_cap` of itself, and the rest is
    taxed (26 U.S.C. 172(a)(2): 80 % for losses that arise after 2017). Losses do not lapse. Periods are tax years.
    """
    _require_paths(income)
    if not (0.0 <= tax_rate <= 1.0 and 0.0 <= loss_cap <= 1.0):
        raise ValueError(f"shares between 0 and 1 expected, got {tax_rate=}, {loss_cap=}")
    xp = array_namespace(income)
    carried = xp.zeros_like(income[..., 0])
    taxes = []
    for period in range(income.shape[-1]):
        profit = income[..., period]
        room = xp.where(profit > 0.0, loss_cap * profit, 0.0)
        used = xp.where(carried < room, carried, room)
        taxes.append(tax_rate * (xp.where(profit > 0.0, profit, 0.0) - used))
        carried = carried - used - xp.where(profit < 0.0, profit, 0.0)
    return xp.stack(taxes, axis=-1), carried


def least_dscr(cash_available: Array, debt_service: Array, /) -> Array:
    """Least ratio of cash available for debt service to debt service, over the periods in which any is due.

    Both (..., periods), after tax and before debt service -> (...); +inf where nothing is ever due. Raises ValueError
    for a negative debt service.
    """
    _require_paths(cash_available)
    _require_paths(debt_service)
    xp = array_namespace(cash_available, debt_service)
    if bool(xp.any(debt_service < 0.0)):
        raise ValueError("debt service is negative; draws of a loan do not belong in it")
    due = debt_service > 0.0
    ratio = cash_available / xp.where(due, debt_service, 1.0)
    return xp.min(xp.where(due, ratio, math.inf), axis=-1)


def _require_paths(cash: Array) -> None:
    require_floating(cash)
    xp = array_namespace(cash)
    if cash.ndim == 0 or cash.shape[-1] == 0:
        raise ValueError(f"at least one period on the last axis expected, got shape {cash.shape}")
    if not bool(xp.all(xp.isfinite(cash))):
        raise ValueError("a path of cash holds NaN or an infinite value")

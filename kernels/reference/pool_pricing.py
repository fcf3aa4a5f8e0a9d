"""Pricing a pool of columns: what a unit of each is worth at given scenario weights, less what it uses at given prices.

These are the specification; `kernels.cpu.pool_pricing` holds the fast twin. A column enters a master programme where
its reduced value is positive; in a pool of near-duplicates the best few of each group say all that a round needs.
"""

from __future__ import annotations

from kernels.backend import Array, array_beside, array_namespace, count_beside


def reduced_values(values: Array, weights: Array, use: Array, prices: Array, /) -> Array:
    """values @ weights - use @ prices in float64, shape (N,).

    values: (N, S) by column and scenario, weights: (S,). use: (N, P) of what has a price, prices: (P,).
    Raises ValueError for shapes that do not match, and where a weight, a price or a reduced value is not finite.
    """
    xp = array_namespace(values, weights, use, prices)
    if values.shape != (use.shape[0], weights.shape[0]) or use.shape[1] != prices.shape[0]:
        raise ValueError(
            f"values (N, S), weights (S,), use (N, P), prices (P,) expected, got {values.shape}, {weights.shape}, "
            f"{use.shape}, {prices.shape}"
        )
    found = xp.astype(values, xp.float64) @ xp.astype(
        weights, xp.float64
    ) - xp.astype(use, xp.float64) @ xp.astype(prices, xp.float64)
    if not bool(xp.all(xp.isfinite(found))):
        raise ValueError("a reduced value is not a number; look for NaN in the values, weights, uses or prices")
    return found


def best_per_group(
    reduced: Array, share: Array, group: Array, /, *, groups: int, most: int, above: float = 0.0
) -> Array:
    """The columns of each group with the greatest reduced value per unit of the group's limit, shape (groups, most).

    reduced: (N,); share: (N,) units of the limit that a unit of the column takes, above 0; group: (N,) whole numbers
    below `groups`. Best first, ties to the lower number; -1 where a group has fewer whose reduced / share is more than
    `above`.
    """
    xp = array_namespace(reduced, share, group)
    count = reduced.shape[0]
    if most < 1 or groups < 1:
        raise ValueError(f"at least one group and one column of each expected, got {groups=}, {most=}")
    if count == 0:
        return array_beside([[-1] * most] * groups, reduced, dtype=xp.int64)
    worth = reduced / share
    by_worth = xp.argsort(-worth, stable=True)
    order = xp.take(by_worth, xp.argsort(xp.take(group, by_worth), stable=True))
    ordered = xp.take(group, order)
    number = xp.astype(count_beside(groups, reduced), ordered.dtype)
    first, last = xp.searchsorted(ordered, number, side="left"), xp.searchsorted(ordered, number, side="right")
    place = first[:, None] + count_beside(most, reduced)[None, :]
    inside = place < last[:, None]
    flat = xp.reshape(xp.where(inside, place, xp.zeros_like(place)), (-1,))
    found = xp.reshape(xp.take(order, flat), place.shape)
    better = xp.reshape(xp.take(worth, xp.reshape(found, (-1,))), place.shape) > above
    return xp.where(inside & better, xp.astype(found, xp.int64), xp.full_like(place, -1))

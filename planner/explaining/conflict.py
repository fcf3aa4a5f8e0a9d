"""The smallest set of limits that cannot be kept together.

A first conflict is found by splitting in halves [1]: no member can be dropped from it. Then hitting sets [2] look for a
smaller one: every conflict meets every set of limits whose loosening helps, so the smallest set that meets all those
known is a conflict, and then a smallest one, or it can be kept, and then the model names one more set to be met.

[1] Junker, QUICKXPLAIN: preferred explanations and relaxations for over-constrained problems, AAAI 2004, 167-172.
[2] Ignatiev, Previti, Liffiton, Marques-Silva, Smallest MUS extraction with minimal hitting set dualization, CP 2015.
"""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import scipy.sparse as sp

from planner.explaining.elastic_model import ElasticModel, OutOfTime
from planner.solver.status import Status

MOST_ROUNDS = 60
"""Hitting sets tried before an irreducible conflict is shown without the proof that none is smaller."""
MOST_CONFLICTS = 5
MOST_BORDERS = 60
"""Borders between months that are looked at one by one."""
_TIMED = ("FLEET", "HALL", "LIQUID", "PHASE", "FIRM", "CURTAILABLE", "GROUP", "CAPITAL", "MINING")


@dataclass(frozen=True)
class Conflict:
    """Limits that cannot be kept together, while any of them dropped leaves the others possible.

    limits: their numbers. short: by how much each would have to be loosened for that, in its unit (None: it has no
    size).
    months: first month and end of the time in which they collide, None where the rows do not tell.
    whole: whether it is the whole decisions that make it one. smallest: whether no conflict has fewer limits.
    """

    limits: tuple[int, ...]
    short: tuple[float | None, ...]
    months: tuple[int, int] | None
    whole: bool
    smallest: bool


def find_conflicts(model: ElasticModel, soft: Collection[int]) -> list[Conflict]:
    """Conflicts among the limits `soft` that share nothing but what is asked for; the other limits hold throughout.

    Whole decisions belong to a conflict only where there is none without them. Empty when all limits can be kept, or
    when there is no answer even without the limits `soft`. What time does not allow is left out.
    """
    hard = model.everything - frozenset(soft)
    left = frozenset(soft)
    found: list[Conflict] = []
    try:
        while len(found) < MOST_CONFLICTS:
            conflict = _next(model, hard, left)
            if conflict is None:
                break
            found.append(conflict)
            back = [number for number in conflict.limits if not model.stated.limits[number].kind.is_demand]
            left -= frozenset(back or conflict.limits)
    except OutOfTime:
        pass
    return found


def _next(model: ElasticModel, hard: frozenset[int], soft: frozenset[int]) -> Conflict | None:
    plain = soft - model.whole_limits
    if not model.feasible(hard | plain, whole=False):
        return _described(model, hard - model.whole_limits, plain, whole=False)
    if not model.feasible(hard | soft):
        return _described(model, hard, soft, whole=True)
    return None


def _described(model: ElasticModel, hard: frozenset[int], soft: frozenset[int], *, whole: bool) -> Conflict | None:
    if not model.feasible(hard, whole=whole):
        return None
    order = sorted(soft, key=lambda number: (not model.stated.limits[number].kind.is_demand, number))
    limits = frozenset(_quick(model, hard, order, whole=whole))
    smallest = False
    with suppress(OutOfTime):
        limits, smallest = _smallest(model, hard, soft, limits, whole=whole)
    members = tuple(sorted(limits))
    short, months = _shortfalls(model, hard, members, whole=whole)
    return Conflict(members, short, months, whole, smallest)


def _quick(model: ElasticModel, hard: frozenset[int], soft: list[int], *, whole: bool) -> list[int]:
    """A conflict of which no member can be dropped, among limits that are one together.

    QUICKXPLAIN [1]: `explain` returns a minimal part of `rest` that is a conflict with `held`; where what was `added`
    to `held` last is a conflict with it already, nothing of `rest` is needed. It takes O(k log(n / k)) questions for k
    members of n. The order is a preference: what stands late is left out where what stands early suffices,
    and what is asked for stands first.
    """

    def explain(held: frozenset[int], added: bool, rest: list[int]) -> list[int]:
        if added and not model.feasible(held, whole=whole):
            return []
        if len(rest) == 1:
            return rest
        first, second = rest[: len(rest) // 2], rest[len(rest) // 2 :]
        from_second = explain(held | set(first), True, second)
        from_first = explain(held | set(from_second), bool(from_second), first)
        return from_first + from_second

    return explain(hard, False, soft)


def _smallest(
    model: ElasticModel, hard: frozenset[int], soft: frozenset[int], known: frozenset[int], *, whole: bool
) -> tuple[frozenset[int], bool]:
    """A conflict with the fewest limits, and whether that is proven.

    Duality of hitting sets [2]: a set is a conflict if and only if it meets every set whose loosening lets all others
    be kept. So a smallest set that meets those known so far is a lower bound of the size; where it is itself a conflict
    it is a smallest one, else the model names a set that it misses. Unlike [2] the sets to be met are not minimal: they
    come from one solve at least cost, which is cheaper and bounds as well.
    """
    to_meet: list[frozenset[int]] = []
    cost = _loosening_cost(model, soft)
    while len(to_meet) < MOST_ROUNDS:
        tried = _hitting_set(to_meet)
        if len(tried) >= len(known):
            return known, True
        met = _helpful(model, hard, soft, tried, cost, whole=whole)
        if met is None:
            return tried, True
        to_meet.append(met)
    return known, False


def _helpful(
    model: ElasticModel, hard: frozenset[int], soft: frozenset[int], tried: frozenset[int], cost: np.ndarray, *,
    whole: bool
) -> frozenset[int] | None:
    """Limits whose loosening lets all the others be kept, none of them among `tried`; None when `tried` is a
    conflict."""
    whole_limits = model.whole_limits & soft if whole else frozenset()
    for kept_whole in (whole_limits, whole_limits & tried):
        found = model.solve(hard | tried | kept_whole, cost=cost, whole=whole)
        if found.status is Status.OPTIMAL:
            dropped = {number for number in model.violations(found) if number in soft}
            return frozenset(dropped - tried) | (whole_limits - kept_whole)
    return None


def _loosening_cost(model: ElasticModel, soft: frozenset[int]) -> np.ndarray:
    """About one for loosening any limit by all that it is."""
    cost = np.zeros(model.arrays.columns)
    for number in soft:
        limit, at = model.stated.limits[number], model.slack[number]
        if at >= 0:
            size = abs(limit.value) if np.isfinite(limit.value) and limit.value else 1.0
            cost[at] = model.unit[at] / size
    for number, candidate in model.stated.closed:
        column = model.column_of(candidate)
        if number in soft and column is not None:
            cost[column] += model.unit[column] / 1000.0
    return cost


def _hitting_set(to_meet: list[frozenset[int]]) -> frozenset[int]:
    """Fewest limits of which every set holds one."""
    if not to_meet:
        return frozenset()
    numbers = sorted(frozenset().union(*to_meet))
    at = {number: column for column, number in enumerate(numbers)}
    rows = np.concatenate([np.full(len(group), row) for row, group in enumerate(to_meet)])
    columns = np.array([at[number] for group in to_meet for number in sorted(group)])
    matrix = sp.csr_array((np.ones(len(rows)), (rows, columns)), shape=(len(to_meet), len(numbers)))
    from scipy.optimize import Bounds, LinearConstraint, milp  # slow to import

    answer = milp(
        np.ones(len(numbers)), constraints=LinearConstraint(matrix, lb=1.0),
        integrality=np.ones(len(numbers), dtype=np.int64), bounds=Bounds(0, 1),
    )
    assert answer.x is not None, "a set of limits to be met is never empty"
    return frozenset(number for number, taken in zip(numbers, answer.x, strict=True) if taken > 0.5)


def _shortfalls(
    model: ElasticModel, hard: frozenset[int], members: tuple[int, ...], *, whole: bool
) -> tuple[tuple[float | None, ...], tuple[int, int] | None]:
    """Least loosening of each member that lets the others be kept, and the months in which they collide."""
    short: list[float | None] = []
    months = None
    held = hard | set(members)
    for number in members:
        try:
            found = model.least(number, held, whole=whole)
            if found is not None and months is None and found[1].duals is not None:
                months = _months(model, held, found[1].duals)
        except OutOfTime:
            found = None
        short.append(None if found is None else found[0])
    return tuple(short), months


def _months(model: ElasticModel, held: frozenset[int], duals: np.ndarray) -> tuple[int, int] | None:
    """First month and end of the time in which limits collide: months whose rows alone are enough for it.

    duals: prices of the rows that resist; only their resources are looked at, each border between their months once.
    """
    table = model.stated.rows.table.iloc[model.row]
    priced = np.flatnonzero((np.abs(duals[: len(model.row)]) > 1e-9) & table["family"].isin(_TIMED).to_numpy())
    if not len(priced):
        return None
    rows = np.flatnonzero(table["resource"].isin(table["resource"].iloc[priced]).to_numpy())
    start, end = table["start"].to_numpy(np.int64)[rows], table["end"].to_numpy(np.int64)[rows]
    borders = np.unique(np.concatenate([start, end]))
    alone = []
    if len(borders) <= MOST_BORDERS:
        for first, last in pairwise(borders.tolist()):
            upper = model.arrays.row_upper.copy()
            upper[rows[(start >= last) | (end <= first)]] = np.inf
            if model.solve(held, whole=False, row_upper=upper).status is Status.INFEASIBLE:
                alone.append((first, last))
    if not alone:
        at = priced
        alone = list(
            zip(
                table["start"].to_numpy(np.int64)[at].tolist(), table["end"].to_numpy(np.int64)[at].tolist(),
                strict=True,
            )
        )
    return min(first for first, _ in alone), max(last for _, last in alone)

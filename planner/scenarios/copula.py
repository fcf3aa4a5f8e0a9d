"""The Gaussian copula that joins what moves by month with what happens once."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from kernels.correlation import lower_factor
from planner.case.case import Case
from planner.case.factor_names import ONCE, correlated_pairs, once_names

Floats = npt.NDArray[np.float64]
Normals = dict[str, Floats]


@dataclass(frozen=True)
class Copula:
    """The factors that `correlations` names, those that happen once first, and the lower factor L of their correlation
    matrix.

    In this order a row added at the end of the table `factors` changes no other factor.
    """

    names: tuple[str, ...]
    once: int
    lower: Floats


def copula_of(case: Case) -> Copula:
    """The copula of a case; the reader has refused correlations that cannot all hold."""
    pairs = correlated_pairs(case.tables)
    named = {name for pair in pairs for name in pair}
    once = [name for word in ONCE for name in once_names(case.tables, word) if name in named]
    names = [*once, *(name for name in case.tables["factors"].factor_id if name in named)]
    matrix = np.eye(len(names))
    place = {name: number for number, name in enumerate(names)}
    for (a, b), value in pairs.items():
        matrix[place[a], place[b]] = matrix[place[b], place[a]] = value
    return Copula(tuple(names), len(once), lower_factor(matrix, names))


def joined(
    copula: Copula, once: Mapping[str, Floats], monthly: Mapping[str, Floats], by_month: Callable[[str], Floats], *,
    horizon: int,
) -> tuple[Normals, Normals]:
    """Independent normals joined: once (S,) and monthly (M, S) by name, in and out; factors not in the copula as they
    were.

    What happens once is tied to the sum of another factor's shocks over the horizon. Its own normal w is therefore
    spread over the months, as shocks g + (w / sqrt(H) - mean(g)) of unit variance that add up to w, with g the
    independent normals `by_month(name)`, shape (M, S); it stays w itself, to the last bit.
    """
    rows, names = copula.lower, copula.names
    spread: Normals = {}

    def shocks(column: int) -> Floats:
        name = names[column]
        if column >= copula.once:
            return monthly[name]
        if name not in spread:
            spread[name] = spread_over_months(once[name], by_month(name), horizon=horizon)
        return spread[name]

    single = {names[row]: _sum(rows[row], row, lambda column: once[names[column]]) for row in range(copula.once)}
    moving = {names[row]: _sum(rows[row], row, shocks) for row in range(copula.once, len(names))}
    return {**once, **single}, {**monthly, **moving}


def spread_over_months(normal: Floats, by_month: Floats, *, horizon: int) -> Floats:
    """Monthly normals (M, S), independent of one another, whose sum over the first `horizon` months is sqrt(horizon) x
    `normal` (S,)."""
    # month by month, so that no sum depends on how many scenarios there are
    total = np.cumsum(by_month[:horizon], axis=0)[-1]
    path = by_month.copy()
    path[:horizon] += normal / math.sqrt(horizon) - total / horizon
    return path


def _sum(weights: Floats, row: int, part: Callable[[int], Floats]) -> Floats:
    """sum over columns up to `row` of weight x part, the factor's own first; weights of 0 are passed over."""
    columns = [column for column in (row, *range(row)) if weights[column] != 0.0]
    total = part(columns[0]) * weights[columns[0]]
    for column in columns[1:]:
        total = total + part(column) * weights[column]
    return total

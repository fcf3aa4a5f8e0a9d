"""Hand-written parallel loops in numba: what a good programmer writes without these kernels."""

from __future__ import annotations

import importlib
import math
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

import numpy as np

from kernels.bench.contest import Outputs
from kernels.bench.plain import path_outputs
from kernels.bench.problems import ALPHA, Floats, PathProblem, PoolProblem, RiskProblem
from kernels.pieces import usable_cores
from kernels.terms import WindowTerm


@cache
def _loops(compiled: bool) -> tuple[Any, Any, Any]:
    """The loops over portfolios, over paths and over units; where `compiled`, numba is imported and compiles them."""
    parallel, prange = _numba() if compiled else (lambda function: function, range)

    def risk(starts: Any, candidates: Any, levels: Any, unit: Any, beyond: int, tail: float, out: Any) -> None:
        scenarios = unit.shape[1]
        for portfolio in prange(len(starts) - 1):
            npv = np.zeros(scenarios, dtype=unit.dtype)
            for k in range(starts[portfolio], starts[portfolio + 1]):
                row, level = unit[candidates[k]], levels[k]
                for s in range(scenarios):
                    npv[s] += level * row[s]
            total, losses = np.float32(0.0), 0
            for s in range(scenarios):
                total += npv[s]
                losses += npv[s] < 0.0
            mean = total / scenarios
            squares = np.float32(0.0)
            for s in range(scenarios):
                squares += (npv[s] - mean) * (npv[s] - mean)
            worst = np.sort(npv[: beyond + 1])  # kept in order; faster here than numba's own partition
            for s in range(beyond + 1, scenarios):
                place = beyond
                if npv[s] < worst[place]:
                    while place > 0 and worst[place - 1] > npv[s]:
                        worst[place] = worst[place - 1]
                        place -= 1
                    worst[place] = npv[s]
            threshold, excess = worst[beyond], np.float32(0.0)
            for s in range(beyond):
                excess += threshold - worst[s]
            out[0, portfolio] = mean
            out[1, portfolio] = math.sqrt(squares / scenarios)
            out[2, portfolio] = losses / scenarios
            out[3, portfolio] = -threshold
            out[4, portfolio] = excess / tail - threshold

    def paths(starts: Any, candidates: Any, levels: Any, running: Any, funding: Any, payback: Any) -> None:
        months, _, scenarios = running.shape
        for portfolio in prange(len(starts) - 1):
            deepest, last = np.zeros(scenarios, dtype=running.dtype), np.zeros(scenarios, dtype=np.int32)
            total = np.empty(scenarios, dtype=running.dtype)
            for month in range(months):
                total[:] = 0.0
                for k in range(starts[portfolio], starts[portfolio + 1]):
                    row, level = running[month, candidates[k]], levels[k]
                    for s in range(scenarios):
                        total[s] += level * row[s]
                for s in range(scenarios):
                    deepest[s] = min(deepest[s], total[s])
                    last[s] = month + 1 if total[s] < 0.0 else last[s]
            for s in range(scenarios):
                funding[portfolio, s] = -deepest[s]
                payback[portfolio, s] = last[s]

    def pool(
        amounts: Any, rows: Any, starts: Any, ends: Any, events: Any, tables: Any, profile: Any, discount: Any, npv: Any
    ) -> None:
        scenarios, months = tables.shape[1:]
        for unit in prange(npv.shape[0]):
            for s in range(scenarios):
                start, end = events[starts[unit], s], events[ends[unit], s]
                total = 0.0
                for month in range(start, end):
                    cash = amounts[0, unit] * tables[rows[0, unit], s, month] + amounts[1, unit] * tables[
                        rows[1, unit], s, month
                    ]
                    total += cash * discount[month]
                for month in range(start, min(months, start + len(profile))):
                    total += amounts[2, unit] * profile[month - start] * discount[month]
                npv[unit, s] = total

    return parallel(risk), parallel(paths), parallel(pool)


def _numba() -> tuple[Any, Any]:
    numba: Any = importlib.import_module("numba")
    fast = {"nsz", "arcp", "contract", "afn", "reassoc"}  # all that leaves infinities what they are
    return numba.njit(parallel=True, fastmath=fast), numba.prange


def numba_risk(problem: RiskProblem, *, compiled: bool) -> Outputs:
    """NPV measures of all portfolios."""
    count, scenarios = len(problem.portfolios), problem.unit.shape[1]
    out = np.empty((5, count), dtype=np.float32)
    beyond = scenarios - max(1, math.ceil(scenarios * (ALPHA - 1e-9)))
    held = problem.portfolios
    _loops(compiled)[0](held.starts, held.candidates, held.levels, problem.unit, beyond, (1.0 - ALPHA) * scenarios, out)
    return dict(zip(("mean", "deviation", "losses", "var", "cvar"), out, strict=True))


def numba_paths(problem: PathProblem, running: Floats, *, compiled: bool) -> Outputs:
    """Path measures of all portfolios from running sums (months, candidates, scenarios)."""
    shape = len(problem.portfolios), running.shape[2]
    funding, payback = np.empty(shape, dtype=np.float32), np.empty(shape, dtype=np.float32)
    held = problem.portfolios
    _loops(compiled)[1](held.starts, held.candidates, held.levels, running, funding, payback)
    payback[payback == running.shape[0]] = np.inf
    pieces = np.array_split(np.arange(shape[0]), max(usable_cores(), 1))
    with ThreadPoolExecutor(len(pieces)) as threads:
        rows = list(threads.map(lambda piece: _spread_rows(funding[piece], payback[piece]), pieces))
    return path_outputs([row for part in rows for row in part])


def _spread_rows(funding: Floats, payback: Floats) -> list[tuple[float, ...]]:
    """As `plain.spread_row` for all portfolios at once."""
    count = funding.shape[1]
    rank, middle = max(1, math.ceil(count * (ALPHA - 1e-9))) - 1, (count + 1) // 2 - 1
    columns: list[Any] = []
    for values in (funding, payback):
        parted = np.sort(values, axis=1)  # faster than `partition` at two ranks
        threshold, worse = parted[:, rank], parted[:, rank + 1 :]
        beyond = worse > threshold[:, None]
        excess = np.subtract(worse, threshold[:, None], where=beyond, out=np.zeros_like(worse)).sum(axis=1)
        columns += [values.mean(axis=1), parted[:, middle], threshold + excess / ((1.0 - ALPHA) * count)]
    return list(zip(*columns, np.isinf(payback).mean(axis=1), strict=True))


def numba_pool(problem: PoolProblem, weights: tuple[float, float, float], *, compiled: bool) -> Outputs:
    """NPV of all units, month by month."""
    revenue, energy, written = problem.terms
    assert isinstance(revenue, WindowTerm)
    assert isinstance(energy, WindowTerm)
    amounts = np.stack([weight * term.amount for weight, term in zip(weights, problem.terms, strict=True)])
    rows = np.stack([revenue.path, energy.path])
    npv = np.empty((problem.units, problem.paths.shape[1]))
    _loops(compiled)[2](
        amounts, rows, written.start, revenue.end, problem.events, problem.paths, problem.profiles[0], problem.discount,
        npv,
    )
    return {"npv": npv}

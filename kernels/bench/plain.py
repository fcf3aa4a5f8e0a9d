"""The jobs as one writes them without these kernels: vectorised NumPy, a pandas loop, a numpy-financial loop."""

from __future__ import annotations

import importlib
import importlib.util
import math
from typing import Any

import numpy as np

from kernels.bench.contest import Outputs
from kernels.bench.problems import ALPHA, Floats, PathProblem, PoolProblem, RiskProblem
from kernels.terms import ScheduleTerm, WindowTerm

_PIECE = 256
"""Portfolios whose gathered rows are held at one time."""


def present(library: str) -> bool:
    """Whether a library is installed."""
    return importlib.util.find_spec(library) is not None


def numpy_risk(problem: RiskProblem) -> Outputs:
    """Gather the members' rows, multiply, add, sort."""
    count, members = len(problem.portfolios), problem.members
    candidates, levels = (a.reshape(count, members) for a in (problem.portfolios.candidates, problem.portfolios.levels))
    parts = []
    for first in range(0, count, _PIECE):
        rows = slice(first, first + _PIECE)
        parts.append(sorted_measures((problem.unit[candidates[rows]] * levels[rows, :, None]).sum(axis=1)))
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def dense_levels(problem: RiskProblem) -> Floats:
    """Levels (portfolios, candidates)."""
    count, members = len(problem.portfolios), problem.members
    dense = np.zeros((count, problem.unit.shape[0]), dtype=np.float32)
    dense[np.arange(count).repeat(members), problem.portfolios.candidates] = problem.portfolios.levels
    return dense


def dense_risk(levels: Floats, unit: Floats) -> Outputs:
    """A dense matrix product instead of the gather, in pieces."""
    parts = [sorted_measures(levels[first : first + 8 * _PIECE] @ unit) for first in range(0, len(levels), 8 * _PIECE)]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def sorted_measures(npv: Floats) -> Outputs:
    """Mean, deviation, P(loss), VaR and CVaR of `npv` (portfolios, scenarios) of equal weight, from sorted values."""
    count, ordered = npv.shape[1], np.sort(npv, axis=1)
    beyond = _beyond(count)
    threshold = ordered[:, beyond]
    excess = (threshold[:, None] - ordered[:, :beyond]).sum(axis=1)
    return {
        "mean": npv.mean(axis=1),
        "deviation": npv.std(axis=1),
        "losses": (npv < 0.0).mean(axis=1),
        "var": -threshold,
        "cvar": excess / ((1.0 - ALPHA) * count) - threshold,
    }


def _beyond(count: int) -> int:
    return count - max(1, math.ceil(count * (ALPHA - 1e-9)))


def pandas_risk(problem: RiskProblem, count: int) -> Outputs:
    """The first `count` portfolios, one after another."""
    pandas: Any = importlib.import_module("pandas")
    unit, starts = pandas.DataFrame(problem.unit), problem.portfolios.starts
    rows = []
    for portfolio in range(count):
        own = slice(starts[portfolio], starts[portfolio + 1])
        npv = unit.iloc[problem.portfolios.candidates[own]].mul(problem.portfolios.levels[own], axis=0).sum()
        loss = -npv
        var = (
            loss.quantile(ALPHA, interpolation="lower") if (len(npv) - 1) * ALPHA % 1 == 0
            else loss.sort_values().iloc[len(npv) - 1 - _beyond(len(npv))]
        )
        cvar = var + (loss - var).clip(lower=0.0).mean() / (1.0 - ALPHA)
        rows.append((npv.mean(), npv.std(ddof=0), (npv < 0.0).mean(), var, cvar))
    return dict(zip(("mean", "deviation", "losses", "var", "cvar"), np.array(rows).T, strict=True))


def numpy_paths(problem: PathProblem) -> Outputs:
    """Cash of every portfolio, scenario and month; running sums; minimum; last negative month; sorted."""
    starts, months = problem.portfolios.starts, problem.cash.shape[2]
    ordinals = np.arange(1, months + 1, dtype=np.float32)
    rows = []
    for portfolio in range(len(problem.portfolios)):
        own = slice(starts[portfolio], starts[portfolio + 1])
        cash = (
            problem.cash[problem.portfolios.candidates[own]] * problem.portfolios.levels[own, None, None]
        ).sum(axis=0)
        running = np.cumsum(cash, axis=1)
        last = np.where(running < 0.0, ordinals, 0.0).max(axis=1)
        rows.append(spread_row(np.maximum(-running.min(axis=1), 0.0), np.where(last == months, np.inf, last)))
    return path_outputs(rows)


def pandas_paths(problem: PathProblem, count: int) -> Outputs:
    """The first `count` portfolios: a frame of months by scenario for each."""
    pandas: Any = importlib.import_module("pandas")
    starts, months = problem.portfolios.starts, problem.cash.shape[2]
    frames = {
        int(c): pandas.DataFrame(problem.cash[c].T)
        for c in set(problem.portfolios.candidates[: starts[count]].tolist())
    }
    rows = []
    for portfolio in range(count):
        own = range(starts[portfolio], starts[portfolio + 1])
        running = sum(
            frames[int(problem.portfolios.candidates[k])] * problem.portfolios.levels[k] for k in own
        ).cumsum()
        negative = running < 0.0
        last = negative.mul(np.arange(1, months + 1), axis=0).max()
        rows.append(
            spread_row(
                (-running.min()).clip(lower=0.0).to_numpy(), last.where(last < months, np.inf).to_numpy(dtype=float)
            )
        )
    return path_outputs(rows)


def spread_row(funding: Floats, payback: Floats) -> tuple[float, ...]:
    """Mean, lower median and tail mean of both, and the share that never pays back."""
    row: list[float] = []
    for values in (np.sort(funding), np.sort(payback)):
        count = len(values)
        threshold, worse = float(values[count - 1 - _beyond(count)]), values[count - _beyond(count) :]
        excess = float(np.sum(worse[worse > threshold] - threshold))
        row += [float(values.mean()), float(values[(count + 1) // 2 - 1]), threshold + excess / ((1.0 - ALPHA) * count)]
    return (*row, float(np.isinf(payback).mean()))


def path_outputs(rows: list[tuple[float, ...]]) -> Outputs:
    """Rows of path measures, one a portfolio, as an array (portfolios,) by name."""
    names = (
        "funding_mean", "funding_median", "funding_tail", "payback_mean", "payback_median", "payback_tail",
        "never_probability",
    )
    return dict(zip(names, np.array(rows).T, strict=True))


def financial_pool(problem: PoolProblem, count: int, weights: tuple[float, float, float]) -> Outputs:
    """The first `count` units: a list of monthly flows for each scenario, through numpy-financial's `npv`."""
    financial: Any = importlib.import_module("numpy_financial")
    revenue, energy, written = problem.terms
    assert isinstance(revenue, WindowTerm)
    assert isinstance(energy, WindowTerm)
    assert isinstance(written, ScheduleTerm)
    scenarios, months = problem.paths.shape[1:]
    rate = problem.discount[0] / problem.discount[1] - 1.0
    npv = np.zeros((count, scenarios))
    for unit in range(count):
        for scenario in range(scenarios):
            start, end = (int(problem.events[event[unit]][scenario]) for event in (revenue.start, revenue.end))
            flows = np.zeros(months)
            for term, weight in ((revenue, weights[0]), (energy, weights[1])):
                flows[start:end] += weight * term.amount[unit] * problem.paths[
                    int(term.path[unit]), scenario, start:end
                ]
            ages = min(problem.profiles.shape[1], months - start)
            flows[start : start + ages] += weights[2] * written.amount[unit] * problem.profiles[0, :ages]
            npv[unit, scenario] = problem.discount[0] * financial.npv(rate, flows)
    return {"npv": npv}

"""Path measures of portfolios on a GPU: peak funding and payback by scenario, and their spread, from running sums.

The twin of `kernels.cpu.paths`; arrays of CuPy go in and come out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from kernels.backend import Array, array_namespace
from kernels.cpu.measures import EqualDraws, SpreadMeasures, draws_beyond, equal_draws, spread
from kernels.cpu.paths import PathMeasures
from kernels.cuda import loader
from kernels.cuda.group import group_for, most_scenarios, padded
from kernels.pieces import over_pieces, piece_size
from kernels.reference.paths import NEVER
from kernels.reference.portfolio import Portfolios, require_portfolios

_FILE = "portfolio_paths.cu"
_SCENARIOS_PER_THREAD = 4
_BLOCK = (64, 4)
"""Threads along scenarios (a strip of 256), and portfolios of a block."""


@dataclass(frozen=True)
class DevicePaths:
    """Running sums of cash per unit of each candidate, on the device."""

    running: Array
    """(months, candidates, pitch): scenarios on the last axis, with zeros behind them up to a multiple of 4."""
    scenarios: int


def cumulative_paths(unit_cash: Array, /, *, dtype: Any = np.float32) -> DevicePaths:
    """Running sums of `unit_cash` (candidates, scenarios, months), formed in float64 and kept in `dtype`.

    Raises ValueError for NaN or infinite cash, or where an axis is empty.
    """
    xp = array_namespace(unit_cash)
    if unit_cash.ndim != 3 or 0 in unit_cash.shape:
        raise ValueError(f"cash (candidates, scenarios, months) expected, none of them 0, got {unit_cash.shape}")
    if not bool(xp.all(xp.isfinite(unit_cash))):
        raise ValueError("cash of a candidate holds NaN or an infinite value")
    running = xp.cumsum(unit_cash, axis=-1, dtype=xp.float64).astype(dtype)
    scenarios = unit_cash.shape[1]
    return DevicePaths(padded(running.transpose(2, 0, 1), scenario_pitch(scenarios)), scenarios)


def scenario_pitch(scenarios: int) -> int:
    """Values of a row of `DevicePaths`: the scenarios, and zeros up to a whole number of threads."""
    return -(-scenarios // _SCENARIOS_PER_THREAD) * _SCENARIOS_PER_THREAD


def can_use(paths: DevicePaths, weights: Array, /) -> tuple[bool, str]:
    """Whether the fused kernels measure these paths under these weights, and if not, why."""
    draws = equal_draws(weights)
    most = most_scenarios(paths.running.dtype)
    count = 0 if draws is None else draws.count
    return loader.first_objection(
        (
            loader.on_gpu(paths.running),
            (draws is not None, "the scenarios' weights differ from one another"),
            (count <= most, f"{count:,} scenarios are more than the {most:,} that one block keeps in registers"),
        )
    )


def portfolio_funding_and_payback(portfolios: Portfolios, paths: DevicePaths, /) -> tuple[Array, Array]:
    """Peak funding and payback in months of each portfolio and scenario: two arrays (portfolios, scenarios).

    As `kernels.reference.paths.peak_funding` and `payback_months` of the portfolio's cash. Raises ValueError for what
    `require_portfolios` refuses, and where the array is not on a GPU.
    """
    usable, reason = loader.on_gpu(paths.running)
    if not usable:
        raise ValueError(f"{reason}; the engine of the CPU is kernels.cpu.paths")
    require_portfolios(portfolios, paths.running.shape[1])
    funding, payback = _funding_and_payback(portfolios, paths)
    return funding[:, : paths.scenarios], payback[:, : paths.scenarios]


def _funding_and_payback(portfolios: Portfolios, paths: DevicePaths) -> tuple[Array, Array]:
    """Both (portfolios, pitch); what lies behind the last scenario means nothing."""
    running, count = paths.running, len(portfolios)
    xp, (months, candidates, pitch) = array_namespace(running), running.shape
    funding, payback = (xp.empty((count, pitch), dtype=running.dtype) for _ in range(2))
    function = loader.compiled(_FILE, "funding_and_payback", (("REAL", loader.real_type(running.dtype)),))
    grid = (-(-count // _BLOCK[1]), -(-pitch // (_SCENARIOS_PER_THREAD * _BLOCK[0])))
    members = (
        xp.ascontiguousarray(xp.asarray(portfolios.starts, dtype=xp.int64)),
        xp.ascontiguousarray(xp.asarray(portfolios.candidates, dtype=xp.int32)),
        xp.ascontiguousarray(xp.asarray(portfolios.levels, dtype=running.dtype)),
    )
    sizes = (np.int32(months), np.int32(candidates), np.int64(pitch))
    loader.launch(function, grid, _BLOCK, (running, *sizes, *members, np.int64(count), funding, payback))
    return funding, payback


def portfolio_path_measures(
    portfolios: Portfolios, paths: DevicePaths, weights: Array, /, *, alpha: float, budget_bytes: int = 1 << 30
) -> PathMeasures:
    """Path measures of each portfolio under `weights` (scenarios,), in pieces of `budget_bytes`.

    The spread over the scenarios is fused where `can_use` says so, else it is the namespace kernels'.
    """
    if not loader.on_gpu(paths.running)[0]:
        raise ValueError(f"{loader.on_gpu(paths.running)[1]}; the engine of the CPU is kernels.cpu.paths")
    require_portfolios(portfolios, paths.running.shape[1])
    draws = equal_draws(weights) if can_use(paths, weights)[0] else None

    def measured(rows: slice) -> tuple[Array, ...]:
        peak, months = _funding_and_payback(portfolios.part(rows), paths)
        if draws is None:
            return _spread_by_the_specification(
                peak[:, : paths.scenarios], months[:, : paths.scenarios], weights, alpha
            )
        return *_spread(peak, draws, alpha)[:3], *_spread(months, draws, alpha)

    kept = paths.running
    bytes_per_item = (4 if draws is not None else 16) * kept.shape[2] * kept.dtype.itemsize
    piece = piece_size(bytes_per_item=bytes_per_item, budget_bytes=budget_bytes)
    parts = [answer for _, answer in over_pieces(measured, len(portfolios), piece=piece)]
    xp = array_namespace(kept)
    none = xp.zeros((0,), dtype=kept.dtype)
    columns = zip(*parts, strict=True) if parts else [()] * 7
    return PathMeasures(*(xp.concatenate([none, *column]) for column in columns))


def _spread_by_the_specification(peak: Array, months: Array, weights: Array, alpha: float) -> tuple[Array, ...]:
    xp = array_namespace(peak)
    funding: SpreadMeasures = spread(peak, weights, alpha=alpha)
    payback: SpreadMeasures = spread(months, weights, alpha=alpha)
    never = xp.sum((months == NEVER) * weights, axis=-1).astype(peak.dtype)
    return funding.mean, funding.median, funding.tail, payback.mean, payback.median, payback.tail, never


def _spread(values: Array, draws: EqualDraws, alpha: float) -> Array:
    """Mean, lower median, tail mean and share of +inf over the draws of `values` (portfolios, pitch): (4,
    portfolios)."""
    xp, dtype, count = array_namespace(values), values.dtype, draws.count
    if isinstance(draws.columns, slice):
        first: int = draws.columns.start
    else:
        values, first = xp.ascontiguousarray(draws.of(values)), 0
    group, number = group_for(count, dtype), np.dtype(dtype).type
    portfolios, pitch = values.shape
    results = xp.empty((4, portfolios), dtype=dtype)
    middle, rank = (count - 1 - draws_beyond(count, level) for level in (0.5, alpha))
    sizes = (np.int64(pitch), np.int64(first), np.int32(count), np.int64(portfolios), np.int32(middle), np.int32(rank))
    tail_scale = number(1.0 / ((1.0 - alpha) * count))
    function = loader.compiled(_FILE, "spread", group.defines(dtype))
    loader.launch(function, (group.blocks(portfolios),), group.block, (values, *sizes, tail_scale, results))
    return results

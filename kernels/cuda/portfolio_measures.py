"""NPV measures of portfolios on a GPU: one fused kernel from the candidates' NPVs to mean, deviation, VaR and CVaR.

The twin of `kernels.cpu.portfolio.portfolio_npv_measures`; arrays of CuPy go in and come out.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from kernels.backend import Array, array_namespace, require_floating
from kernels.cpu.measures import draws_beyond, equal_draws
from kernels.cuda import loader
from kernels.cuda.group import Group, group_for, most_scenarios, padded
from kernels.pieces import over_pieces, piece_size
from kernels.reference import measures
from kernels.reference.measures import NpvMeasures
from kernels.reference.portfolio import Portfolios, portfolio_sums, require_portfolios

_FILE = "portfolio_measures.cu"
_FIELDS = ("mean", "standard_deviation", "standard_error", "loss_probability", "var", "cvar")
_MOST_PACKAGES = 62


def can_use(unit_npv: Array, weights: Array, /) -> tuple[bool, str]:
    """Whether the fused kernel takes these, and if not, why."""
    draws = equal_draws(weights)
    most = most_scenarios(unit_npv.dtype)
    count = 0 if draws is None else draws.count
    return loader.first_objection(
        (
            loader.on_gpu(unit_npv),
            (draws is not None, "the scenarios' weights differ from one another"),
            (count <= most, f"{count:,} scenarios are more than the {most:,} that one block keeps in registers"),
        )
    )


def portfolio_npv_measures(
    portfolios: Portfolios, unit_npv: Array, weights: Array, /, *, alpha: float, budget_bytes: int = 1 << 30
) -> NpvMeasures:
    """Measures of the NPV of each portfolio: `unit_npv` (candidates, scenarios), `weights` (scenarios,) ->
    (portfolios,).

    Members are added in the listed order, so results do not depend on what else is asked for. Where `can_use` says no,
    the namespace kernels do it in pieces of `budget_bytes`. Raises ValueError for what `require_portfolios` refuses,
    and for an NPV that is NaN or infinite.
    """
    require_floating(unit_npv)
    draws = equal_draws(weights)
    if draws is None or not can_use(unit_npv, weights)[0]:
        return _by_the_specification(portfolios, unit_npv, weights, alpha, budget_bytes)
    require_portfolios(portfolios, unit_npv.shape[0])
    xp, dtype = array_namespace(unit_npv), unit_npv.dtype
    members = (
        xp.ascontiguousarray(xp.asarray(portfolios.starts, dtype=xp.int64)),
        xp.ascontiguousarray(xp.asarray(portfolios.candidates, dtype=xp.int32)),
        xp.ascontiguousarray(xp.asarray(portfolios.levels, dtype=dtype)),
    )
    return _measured("portfolio_measures", draws.of(unit_npv), members, len(portfolios), alpha)


def subset_npv_measures(
    packages: Array, held: Array, weights: Array, /, *, alpha: float, first: int = 0, count: int | None = None
) -> NpvMeasures:
    """Measures of subsets `first` .. `first + count - 1` of n packages, which are made on the device and never listed.

    Bit j of a subset's number says whether it holds package j, so the numbers 0 .. 2^n - 1 are all subsets. `packages`
    (n, scenarios) holds their NPVs, `held` (scenarios,) what every portfolio holds besides (zeros for nothing).
    Equal weights alone. Raises ValueError for numbers beyond 2^n - 1, more than 62 packages, or what `can_use` refuses.
    """
    require_floating(packages)
    n = packages.shape[0]
    if n > _MOST_PACKAGES:
        raise ValueError(f"at most {_MOST_PACKAGES} packages expected, got {n}")
    total = (1 << n) - first if count is None else count
    if first < 0 or total < 0 or first + total > 1 << n:
        raise ValueError(
            f"subsets 0 .. {(1 << n) - 1} exist of {n} packages; {first} .. {first + total - 1} were asked for"
        )
    usable, reason = can_use(packages, weights)
    if not usable:
        raise ValueError(
            f"subsets are made on the device for the fused kernel alone: {reason}; list them as portfolios"
        )
    xp, draws = array_namespace(packages, held), equal_draws(weights)
    assert draws is not None  # `can_use` has asked
    rows = xp.concatenate((packages, held.astype(packages.dtype)[None, :]), axis=0)
    return _measured("subset_measures", draws.of(rows), (np.int32(n), np.uint64(first)), total, alpha)


def _measured(kernel: str, unit: Array, members: tuple[Any, ...], count: int, alpha: float) -> NpvMeasures:
    """Launch `kernel` over the draws in `unit` (rows, draws): five results per portfolio, and the error from them."""
    xp, dtype, draws = array_namespace(unit), unit.dtype, unit.shape[1]
    group: Group = group_for(draws, dtype)
    number = np.dtype(dtype).type
    results = xp.empty((5, count), dtype=dtype)
    tail_scale = number(1.0 / ((1.0 - alpha) * draws))
    arguments = (np.int64(count), np.int32(draws), np.int32(draws_beyond(draws, alpha)), tail_scale, results)
    function = loader.compiled(_FILE, kernel, group.defines(dtype))
    loader.launch(function, (group.blocks(count),), group.block, (padded(unit, group.pitch), *members, *arguments))
    mean, deviation, losses, var, cvar = results
    if not bool(xp.all(xp.isfinite(mean))):
        raise ValueError(
            "an NPV is NaN or infinite; look for missing input in the candidates or levels it was summed from"
        )
    error = deviation / number(math.sqrt(draws - 1)) if draws > 1 else xp.full_like(deviation, math.inf)
    return NpvMeasures(mean, deviation, error, losses, var, cvar)


def _by_the_specification(
    portfolios: Portfolios, unit_npv: Array, weights: Array, alpha: float, budget_bytes: int
) -> NpvMeasures:
    def measured(rows: slice) -> NpvMeasures:
        return measures.npv_measures(portfolio_sums(portfolios.part(rows), unit_npv), weights, alpha=alpha)

    # sums, order and weights in float64
    piece = piece_size(bytes_per_item=8 * 8 * unit_npv.shape[1], budget_bytes=budget_bytes)
    parts = [answer for _, answer in over_pieces(measured, len(portfolios), piece=piece)]
    xp = array_namespace(unit_npv)
    none = xp.zeros((0,), dtype=unit_npv.dtype)
    return NpvMeasures(**{name: xp.concatenate([none, *(getattr(part, name) for part in parts)]) for name in _FIELDS})

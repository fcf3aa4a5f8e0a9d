"""The same measures on the CPU and on a GPU: one engine for the device that was chosen at the edge.

Host arrays go in and come out. What many portfolios read (NPVs and running sums of the candidates) is brought to the
device once, by `brought` and `cumulative_paths`, and handed back to the measures.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from kernels.backend import Array, Device, DeviceKind
from kernels.cpu import paths as cpu_paths
from kernels.cpu import portfolio as cpu_portfolio
from kernels.cpu.paths import PathMeasures
from kernels.cpu.unit_npv import discounted_prefix, unit_npv
from kernels.reference.measures import NpvMeasures
from kernels.reference.portfolio import Portfolios
from kernels.terms import Blocks

Floats = npt.NDArray[Any]
Ints = npt.NDArray[np.integer[Any]]


class Engine(Protocol):
    """What scoring asks of a device. Results do not depend on pieces or threads; between devices they agree to
    rounding."""

    @property
    def not_fused(self) -> dict[str, str]:
        """What a GPU did without its fused kernel, and why; empty on the CPU."""

    def unit_npv(
        self, blocks: Blocks, paths: Floats, events: Ints, values: Floats, discount: Floats, *, tax_rate: float
    ) -> Floats:
        """After-tax NPV (units, S) of all blocks in order, float64: paths (P, S, M), events (E, S), values (Q, M + 1),
        discount (M,)."""

    def brought(self, unit_npv: Floats) -> Array:
        """NPVs of the candidates (candidates, S) where `npv_measures` wants them."""

    def npv_measures(
        self, portfolios: Portfolios, unit_npv: Array, weights: Floats, *, alpha: float, budget_bytes: int
    ) -> NpvMeasures:
        """As `kernels.cpu.portfolio.portfolio_npv_measures`, of what `brought` gave."""

    def cumulative_paths(self, unit_cash: Floats, *, dtype: npt.DTypeLike, budget_bytes: int) -> Any:
        """Running sums of `unit_cash` (candidates, S, M) where `path_measures` wants them."""

    def path_measures(
        self, portfolios: Portfolios, paths: Any, weights: Floats, *, alpha: float, budget_bytes: int
    ) -> PathMeasures:
        """As `kernels.cpu.paths.portfolio_path_measures`, of what `cumulative_paths` gave."""


def engine_on(device: Device, *, threads: int) -> Engine:
    """The engine of a device; `threads` are those of the CPU's."""
    if device.kind is DeviceKind.CPU:
        return CpuEngine(threads)
    from kernels.cuda.engine import GpuEngine  # CuPy is looked for where a GPU was chosen alone

    return GpuEngine(device)


@dataclass(frozen=True)
class CpuEngine:
    """SciPy's sparse products and `partition`, on threads."""

    threads: int

    @property
    def not_fused(self) -> dict[str, str]:
        """Nothing: there is nothing to fuse."""
        return {}

    def unit_npv(
        self, blocks: Blocks, paths: Floats, events: Ints, values: Floats, discount: Floats, *, tax_rate: float
    ) -> Floats:
        """See `Engine`; each distinct window is valued once."""
        prefix = discounted_prefix(paths, discount)
        return np.concatenate([unit_npv(terms, prefix, events, values, tax_rate=tax_rate) for terms in blocks])

    def brought(self, unit_npv: Floats) -> Floats:
        """The array itself."""
        return unit_npv

    def npv_measures(
        self, portfolios: Portfolios, unit_npv: Floats, weights: Floats, *, alpha: float, budget_bytes: int
    ) -> NpvMeasures:
        """See `Engine`."""
        return cpu_portfolio.portfolio_npv_measures(
            portfolios, unit_npv, weights, alpha=alpha, threads=self.threads, budget_bytes=budget_bytes
        )

    def cumulative_paths(
        self, unit_cash: Floats, *, dtype: npt.DTypeLike, budget_bytes: int
    ) -> cpu_paths.CumulativePaths:
        """See `Engine`."""
        return cpu_paths.cumulative_paths(unit_cash, dtype=dtype)

    def path_measures(
        self, portfolios: Portfolios, paths: cpu_paths.CumulativePaths, weights: Floats, *, alpha: float,
        budget_bytes: int,
    ) -> PathMeasures:
        """See `Engine`."""
        return cpu_paths.portfolio_path_measures(
            portfolios, paths, weights, alpha=alpha, threads=self.threads, budget_bytes=budget_bytes
        )

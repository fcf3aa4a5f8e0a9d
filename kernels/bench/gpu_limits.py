"""What a GPU can do at most, measured: memory copy, rows read from the second-level cache, comparisons, a matrix
product.

The bound on NPV risk is the least of three rates: gathers x 4 bytes over the rate at which rows are read, index and
output bytes over the rate of memory, and the comparisons of the selection over the rate of comparing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from kernels.bench.contest import Figure
from kernels.bench.plain import dense_levels
from kernels.bench.problems import Floats, RiskProblem, Sizes
from kernels.cpu.measures import draws_beyond
from kernels.cuda import loader
from kernels.cuda.group import group_for, padded

_OUTPUTS = 5
_BESIDE_SELECTION = 5
"""Passes over the values besides the halvings: losses, least and greatest, the last step, the tail."""
_SAMPLE = 64


@dataclass(frozen=True)
class GpuLimits:
    """Rates per second."""

    copied_bytes: float
    read_bytes: float
    compared: float
    product_flops: float

    def figures(self) -> list[Figure]:
        """The limits as figures of the bench, in GB/s, G/s and GFLOP/s."""
        job = "GPU: limits"
        return [
            Figure(job, "memory copy", self.copied_bytes / 1e9, "GB/s", note="read and written"),
            Figure(
                job, "rows of the candidates' table", self.read_bytes / 1e9, "GB/s", note="scattered rows, from cache"
            ),
            Figure(job, "comparisons", self.compared / 1e9, "G/s"),
            Figure(job, "matrix product", self.product_flops / 1e9, "GFLOP/s", note="float32"),
        ]

    def risk_bound(self, problem: RiskProblem, alpha: float) -> dict[str, float]:
        """Portfolio-scenarios per second at which each limit alone would stop NPV risk."""
        members, scenarios = problem.members, problem.unit.shape[1]
        bytes_per_portfolio = members * 8 + 8 + _OUTPUTS * 4
        return {
            "gathers over cache": self.read_bytes / (members * 4),
            "indices and results over memory": self.copied_bytes * scenarios / bytes_per_portfolio,
            "comparisons": self.compared / (_BESIDE_SELECTION + mean_halvings(_sample_npv(problem), alpha)),
        }


def _sample_npv(problem: RiskProblem) -> Floats:
    few = slice(0, min(_SAMPLE, len(problem.portfolios)))
    sample = RiskProblem(problem.portfolios.part(few), problem.unit, problem.weights)
    return np.asarray(dense_levels(sample) @ problem.unit)


def mean_halvings(npv: Floats, alpha: float) -> float:
    """How often the selection of `group.cu` halves the order of the bits, in the mean over rows of float32 `npv`."""
    bits = np.ascontiguousarray(npv, dtype=np.float32).view(np.uint32)
    keys = np.where(bits >> 31, ~bits, bits | np.uint32(1 << 31)).astype(np.int64)
    rank, halvings = draws_beyond(npv.shape[1], alpha), 0
    for row in keys:
        low, high = int(row.min()), int(row.max())
        while low < high:
            middle = (low + high) // 2
            count = int(np.sum(row <= middle))
            halvings += 1
            if count in (rank, rank + 1):
                break
            low, high = (low, middle) if count > rank else (middle + 1, high)
    return halvings / len(keys)


def measure_limits(
    xp: Any, seconds: Callable[[Callable[[], object]], float], sizes: Sizes, *, blocks: int, rounds: int
) -> GpuLimits:
    """Each as the least of three timings after one that warms up."""

    def best(work: Callable[[], object]) -> float:
        work()
        return max(min(seconds(work) for _ in range(3)), 1e-9)

    source = xp.ones(sizes.copied_bytes // 4, dtype=xp.float32)
    target = xp.zeros_like(source)
    copying = best(lambda: xp.copyto(target, source))
    square = xp.ones((sizes.product_rows, sizes.product_rows), dtype=xp.float32) * xp.float32(0.5)
    multiplying = best(lambda: square @ square)

    group = group_for(sizes.scenarios, np.float32)
    defines = group.defines(np.float32)
    table = padded(
        xp.asarray(np.random.default_rng(0).random((sizes.candidates, sizes.scenarios), dtype=np.float32)), group.pitch
    )
    sums, counts = xp.empty(blocks * 128, dtype=xp.float32), xp.empty(blocks * 128, dtype=xp.int32)
    reader, comparer = (loader.compiled("limits.cu", name, defines) for name in ("read_rows", "compare"))
    words = (table, np.int32(sizes.candidates), np.int32(group.pitch // 4), np.int32(rounds), sums)
    reading = best(lambda: loader.launch(reader, (blocks,), (128,), words))
    comparing = best(lambda: loader.launch(comparer, (blocks,), (128,), (table, np.int32(rounds), counts)))
    return GpuLimits(
        copied_bytes=2.0 * source.nbytes / copying,
        read_bytes=4.0 * blocks * 4 * rounds * group.pitch / reading,
        compared=1.0 * blocks * 128 * rounds * group.values / comparing,
        product_flops=2.0 * sizes.product_rows**3 / multiplying,
    )

"""All figures of this machine, and where they were measured."""

from __future__ import annotations

import importlib.metadata
import platform
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from kernels.backend import Device, DeviceKind
from kernels.bench import cpu, gpu
from kernels.bench.contest import Figure
from kernels.bench.gpu_limits import measure_limits
from kernels.bench.problems import FULL, SMOKE, Sizes
from kernels.pieces import usable_cores

_LIBRARIES = ("numpy", "scipy", "numba", "pandas", "numpy-financial", "cupy-cuda12x", "cupy-cuda13x")
_LIMIT_BLOCKS, _LIMIT_ROUNDS = 132 * 16, 2_000
_GPU_COPY_BYTES, _GPU_PRODUCT_ROWS, _GPU_PORTFOLIOS = 1 << 32, 8_192, 100_000
"""Sizes that keep a GPU busy, where the CPU's would measure launches."""


def where() -> dict[str, str]:
    """Machine, Python and versions of the libraries that are installed."""
    found = {"machine": platform.platform(), "cores": str(usable_cores()), "python": platform.python_version()}
    for library in _LIBRARIES:
        try:
            found[library] = importlib.metadata.version(library)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def cpu_figures(sizes: Sizes, *, repeats: int) -> Iterator[Figure]:
    """Job after job, so that a caller can print as they come."""
    yield from cpu.limits(sizes, repeats=repeats)
    for job in (cpu.npv_risk, cpu.path_measures, cpu.pool_npv, cpu.cash_cells):
        yield from job(sizes, repeats=repeats)


def gpu_figures(device: Device, sizes: Sizes, *, repeats: int, host: Sequence[Figure] = ()) -> Iterator[Figure]:
    """Of a device found by `choose_device`; nothing for the CPU. `host`: the CPU's figures, to stand beside."""
    if device.kind is not DeviceKind.GPU:
        return
    found = gpu.gpu_of(device)
    large = sizes if sizes is SMOKE else replace(
        sizes, portfolios=_GPU_PORTFOLIOS, path_portfolios=10 * sizes.path_portfolios, copied_bytes=_GPU_COPY_BYTES,
        product_rows=_GPU_PRODUCT_ROWS,
    )
    limits = measure_limits(found.xp, found.seconds, large, blocks=_LIMIT_BLOCKS, rounds=_LIMIT_ROUNDS)
    yield from beside_the_cpu(gpu.all_figures(found, large, limits, repeats=repeats), host)


def beside_the_cpu(figures: Iterable[Figure], host: Sequence[Figure]) -> Iterator[Figure]:
    """The figures, those of fused kernels with their ratio to the CPU's engine at the same job."""
    engines = {figure.job.partition(":")[0]: figure.value for figure in host if figure.what.startswith("engine")}
    for figure in figures:
        job = figure.job.removeprefix("GPU: ").partition(",")[0]
        if figure.what == gpu.FUSED and job in engines:
            yield replace(
                figure,
                ratios={**figure.ratios, f"the CPU's engine on {usable_cores()} cores": figure.value / engines[job]},
            )
        else:
            yield figure


def sizes_for(*, smoke: bool) -> tuple[Sizes, int]:
    """Sizes, and how often each way is timed."""
    return (SMOKE, 1) if smoke else (FULL, 5)


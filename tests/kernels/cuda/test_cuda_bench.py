"""The GPU's half of the bench, tried with small sizes: on a GPU, or on NumPy with CPU builds of the kernels."""

from __future__ import annotations

import numpy as np
from scipy import sparse
from stand_in.cuda_on_cpu import Machine

from kernels.backend import choose_device
from kernels.bench.contest import host_seconds
from kernels.bench.gpu import FUSED, PLAIN, Gpu, all_figures, gpu_of
from kernels.bench.gpu_limits import measure_limits
from kernels.bench.problems import SMOKE


def test_every_gpu_figure_is_made_and_compared(machine: Machine) -> None:
    on_cpu = machine.bring is np.asarray
    gpu = Gpu(np, sparse, host_seconds) if on_cpu else gpu_of(choose_device("gpu"))
    limits = measure_limits(gpu.xp, gpu.seconds, SMOKE, blocks=2, rounds=3)
    figures = all_figures(gpu, SMOKE, limits, repeats=1)
    fused = [figure for figure in figures if figure.what == FUSED]
    assert len(fused) == 3  # NPV risk, path measures, NPV of a pool; each compared with plain CuPy before it is timed
    assert all(PLAIN in figure.ratios for figure in fused)
    assert "bound" in fused[0].ratios
    assert sum(figure.what.startswith("bound: ") for figure in figures) == 3
    assert all(np.isfinite(figure.value) and figure.value > 0.0 for figure in figures)

"""Kernels of `kernels/cuda` without a GPU: the same files, compiled as C++ and called on NumPy arrays."""

from __future__ import annotations

import numpy as np
import pytest
from stand_in import cuda_on_cpu
from stand_in.cuda_on_cpu import CandidateBuilder, Machine

from kernels.cuda import loader


@pytest.fixture(scope="session")
def builder(tmp_path_factory: pytest.TempPathFactory) -> CandidateBuilder:
    if cuda_on_cpu.compiler() is None:
        pytest.skip("no C++ compiler (g++ or clang++) here to run CUDA kernels on the CPU")
    return CandidateBuilder(tmp_path_factory.mktemp("cuda"))


@pytest.fixture(params=["CPU", "CPU, threads in another order", "cupy"])
def machine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """Where the functions of `kernels.cuda` find their kernels: builds for the CPU, in two orders of threads, or
    CuPy."""
    if request.param == "cupy":
        if not request.config.getoption("--run-gpu"):
            pytest.skip("needs an NVIDIA GPU; run with --run-gpu")
        cupy = pytest.importorskip("cupy", reason="CuPy is not installed")
        return Machine(cupy.asarray, cupy.asnumpy)
    builder: CandidateBuilder = request.getfixturevalue("builder")
    monkeypatch.setattr(loader, "compiled", builder.kernel)
    monkeypatch.setattr(loader, "on_gpu", lambda array: (True, ""))
    monkeypatch.setattr(cuda_on_cpu, "SEEDS", [0 if request.param == "CPU" else 7])
    return Machine(np.asarray, np.asarray)

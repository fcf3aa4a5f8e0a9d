"""Compile a `.cu` file as C++ behind a small header and call its kernels with NumPy arrays, as CuPy would on a GPU."""

from __future__ import annotations

import ctypes
import hashlib
import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from kernels.cuda import loader

HERE = Path(__file__).resolve().parent
SEEDS = [0]
"""Seed of the order in which the threads of a block take their turns."""


@dataclass(frozen=True)
class Machine:
    """How to bring arrays to where the kernels run, and back."""

    bring: Callable[[np.ndarray], Any]
    back: Callable[[Any], np.ndarray]

    def array(self, values: Any, dtype: Any = np.float64) -> Any:
        return self.bring(np.array(values, dtype=dtype))


class CpuKernel:
    """What `loader` gives for a GPU, here for the CPU: called with grid, block and arguments."""

    max_threads_per_block = 1024
    shared_size_bytes = 0

    def __init__(self, solver: Callable[..., int], name: str) -> None:
        self.solver, self.name = solver, name

    def __call__(self, grid: Sequence[int], block: Sequence[int], arguments: Sequence[Any]) -> None:
        shape = (ctypes.c_uint * 6)(*(*grid, 1, 1)[:3], *(*block, 1, 1)[:3])
        held = [_cell(argument) for argument in arguments]
        addresses = (ctypes.c_void_p * len(held))(*(cell.ctypes.data for cell in held))
        sizes = (ctypes.c_size_t * len(held))(*(cell.nbytes for cell in held))
        assert self.solver(shape, SEEDS[0], addresses, sizes, ctypes.c_size_t(len(held))) == 0, (
            f"{self.name} failed; see what it printed"
        )


def _cell(argument: Any) -> np.ndarray:
    """Where a launch reads the argument: the address of an array, or a number of the kernel's own type."""
    if isinstance(argument, np.ndarray):
        assert argument.flags.c_contiguous or argument.ndim == 3, "arrays are contiguous, or passed with their strides"
        return np.array([argument.ctypes.data], dtype=np.uintp)
    assert isinstance(argument, np.generic), f"a NumPy number of the kernel's type expected, got {argument!r}"
    return np.array([argument])


def compiler() -> str | None:
    return shutil.which("g++") or shutil.which("clang++")


class CandidateBuilder:
    """Compiles each variant of a file once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.kernel = cache(self._kernel)

    def _kernel(self, file: str, name: str, defines: tuple[tuple[str, str | int], ...]) -> CpuKernel:
        return CpuKernel(getattr(self._library(file, name, defines), f"launch_{name}"), name)

    def _library(self, file: str, name: str, defines: tuple[tuple[str, str | int], ...]) -> ctypes.CDLL:
        text = f'#include "cuda_on_cpu.h"\n{loader.source(file)}\nCALLABLE({name})\n'
        flags = [f"-D{key}={value}" for key, value in defines]
        stem = hashlib.sha256(repr((text, flags)).encode()).hexdigest()[:16]
        written, built = self.folder / f"{stem}.cpp", self.folder / f"{stem}.so"
        written.write_text(text, encoding="utf-8")
        words = [
            compiler(), "-std=c++17", "-O1", "-fPIC", "-shared", "-Wno-unknown-pragmas", "-ffp-contract=off",
            f"-I{HERE}", *flags, str(written), "-o", str(built),
        ]
        done = subprocess.run(words, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr[-4000:]
        return ctypes.CDLL(str(built))

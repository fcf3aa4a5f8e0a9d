"""Compile the `.cu` files of this folder on first use, and launch their kernels.

CuPy is imported by nothing here until a kernel is compiled, and then it is loaded already: its arrays asked for it.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterable, Sequence
from functools import cache
from importlib import resources
from typing import Any, Protocol, TypeAlias

import numpy as np

from kernels.backend import Array, DeviceError, array_namespace

Defines: TypeAlias = tuple[tuple[str, str | int], ...]
"""Names set when compiling, with their values."""

_REALS = {"float32": "float", "float64": "double"}
_INCLUDE = re.compile(r'^#include "(\w+\.cu)"\n', re.MULTILINE)
_SHARED_BYTES = 48 << 10
"""Shared memory that a block may take on every GPU without asking for more."""
_MOST_BLOCKS = (2**31 - 1, 65_535, 65_535)


class Kernel(Protocol):
    """A compiled kernel (CuPy's RawKernel); arguments are arrays and NumPy numbers of the kernel's own types."""

    @property
    def max_threads_per_block(self) -> int: ...
    @property
    def shared_size_bytes(self) -> int: ...
    def __call__(self, grid: Sequence[int], block: Sequence[int], arguments: Sequence[Any], /) -> None: ...


def source(file: str) -> str:
    """Text of a `.cu` file of this folder, each file that it includes put in its place."""
    text = resources.files("kernels.cuda").joinpath(file).read_text(encoding="utf-8")
    return _INCLUDE.sub(lambda found: source(found[1]), text)


@cache
def compiled(file: str, name: str, defines: Defines) -> Kernel:
    """Kernel `name` of a file, compiled once per process for each set of defines (CuPy keeps the result on disk
    too)."""
    cupy = importlib.import_module("cupy")
    options = ("-std=c++17", *(f"-D{key}={value}" for key, value in defines))
    kernel: Kernel = cupy.RawModule(code=source(file), options=options, backend="nvrtc").get_function(name)
    return kernel


def on_gpu(array: Array) -> tuple[bool, str]:
    """Whether an array lies where these kernels run, and if not, why."""
    if type(array).__module__.partition(".")[0] == "cupy":
        return True, ""
    return False, f"an array of CuPy expected, got one of {array_namespace(array).__name__}"


def first_objection(checks: Iterable[tuple[bool, str]]) -> tuple[bool, str]:
    """The first check that failed, with its reason; (True, "") if none did."""
    return next((check for check in checks if not check[0]), (True, ""))


def real_type(dtype: Any) -> str:
    """The C++ type of float32 or float64; TypeError for another."""
    name = np.dtype(dtype).name
    if name not in _REALS:
        raise TypeError(f"float32 or float64 expected, got {name}")
    return _REALS[name]


def launch(kernel: Kernel, grid: Sequence[int], block: Sequence[int], arguments: Sequence[Any]) -> None:
    """Launch after checking that the block, its shared memory and the grid fit; nothing is launched on an empty grid.

    Raises DeviceError for what does not fit, where CUDA would say "invalid argument" or nothing.
    """
    threads = int(np.prod(block))
    if threads > kernel.max_threads_per_block:
        raise DeviceError(
            f"a block of {threads} threads was asked for, and this kernel fits {kernel.max_threads_per_block} on this "
            "GPU; use fewer scenarios"
        )
    if kernel.shared_size_bytes > _SHARED_BYTES:
        raise DeviceError(
            f"a block takes {kernel.shared_size_bytes} bytes of shared memory, more than {_SHARED_BYTES}; use fewer "
            "scenarios"
        )
    if any(blocks > most for blocks, most in zip(grid, _MOST_BLOCKS, strict=False)):
        raise DeviceError(
            f"a grid of {tuple(grid)} blocks does not fit into {_MOST_BLOCKS[: len(grid)]}; use smaller pieces"
        )
    if all(blocks > 0 for blocks in grid):
        kernel(tuple(grid), tuple(block), tuple(arguments))

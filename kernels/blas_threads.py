"""Keep the BLAS library at one thread, while threads or solvers of our own have the cores.

A thread of OpenBLAS that has helped with one small product goes on spinning for a while, on a core that something else
could use; and how a sum is shared out over threads moves its last bits, so one thread gives the same bytes on any
machine.
"""

from __future__ import annotations

import ctypes
import importlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

_EXTENSIONS = ("numpy._core._multiarray_umath", "scipy.linalg._fblas")
"""Extension modules whose own OpenBLAS is reached through them: NumPy and SciPy each ship one."""

_NAMES = (
    "scipy_openblas_{}_num_threads64_",
    "scipy_openblas_{}_num_threads",
    "openblas_{}_num_threads64_",
    "openblas_{}_num_threads",
)


def _openblas_functions() -> list[tuple[Callable[[], int], Callable[[int], Any]]]:
    """How to ask and set the number of threads of each OpenBLAS in this process; none with MKL or Accelerate."""
    found = []
    for extension in _EXTENSIONS:
        try:
            path = importlib.import_module(extension).__file__
            library = ctypes.CDLL(path)
        except (ImportError, OSError):
            continue
        for name in _NAMES:
            ask, put = (getattr(library, name.format(verb), None) for verb in ("get", "set"))
            if ask is not None and put is not None:
                found.append((ask, put))
                break
    return found


@contextmanager
def one_blas_thread() -> Iterator[int]:
    """One thread per BLAS call inside; the numbers as they were afterwards. Gives the number of libraries held.

    The setting belongs to the process, so it is made once around a pool of threads and never inside one of them.
    """
    functions = _openblas_functions()
    before = [ask() for ask, _ in functions]
    for _, put in functions:
        put(1)
    try:
        yield len(functions)
    finally:
        for (_, put), threads in zip(functions, before, strict=True):
            put(threads)

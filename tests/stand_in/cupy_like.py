"""CuPy as far as the kernels use it, on the CPU: arrays of a class of its own, and no function that CuPy 14.0.1 lacks.

A kernel that asks for a function that is not in `NAMES`, or for the `device` of an array to be made, fails here as it
would on a GPU. A name is added after a look into CuPy's `cupy/__init__.py`.
"""

from __future__ import annotations

import types
from collections.abc import Callable
from typing import Any

import numpy as np

NAMES = (
    "abs", "all", "any", "argmax", "argsort", "astype", "bool", "broadcast_to", "concat", "concatenate", "cumsum",
    "einsum", "exp",
    "expm1", "finfo", "flip", "float32", "float64", "full_like", "int32", "int64", "int8", "isfinite", "isinf", "isnan",
    "log",
    "log1p", "matmul", "max", "maximum", "mean", "min", "minimum", "nonzero", "partition", "reshape", "searchsorted",
    "sign",
    "sort", "sqrt", "stack", "subtract", "sum", "take", "take_along_axis", "uint64", "uint8", "where", "zeros_like",
)
CREATED = {
    "arange": {"dtype"}, "asarray": {"dtype", "order"}, "ascontiguousarray": {"dtype"}, "empty": {"dtype", "order"},
    "full": {"dtype", "order"}, "ones": {"dtype", "order"}, "zeros": {"dtype", "order"},
}
"""Functions that make arrays, with the keywords that CuPy's have: no `device`."""


class ndarray(np.ndarray):
    """An array that is told apart from NumPy's by its class alone."""


ndarray.__module__ = "cupy"


def _here(answer: Any) -> Any:
    """An answer of NumPy as one of CuPy: NumPy's `where`, `stack` and others forget the class of what they were
    given."""
    if isinstance(answer, tuple):
        return tuple(_here(each) for each in answer)
    return answer.view(ndarray) if isinstance(answer, np.ndarray) else answer


def _function(name: str) -> Any:
    plain = getattr(np, name)
    if isinstance(plain, type):
        return plain
    return lambda *arguments, **named: _here(plain(*arguments, **named))


def _creator(name: str, keywords: set[str]) -> Callable[..., Any]:
    plain = getattr(np, name)

    def create(*arguments: Any, **named: Any) -> Any:
        assert set(named) <= keywords, f"cupy.{name} has no keyword {sorted(set(named) - keywords)}"
        return np.asarray(plain(*arguments, **named)).view(ndarray)

    return create


def asnumpy(array: Any) -> np.ndarray:
    """The values as an array of NumPy itself."""
    return np.array(array).view(np.ndarray)


class _Pool:
    @staticmethod
    def free_bytes() -> int:
        return 0

    @staticmethod
    def free_all_blocks() -> None:
        """There is nothing to give back."""


def cupy_like(*, free_bytes: int = 1 << 30) -> types.ModuleType:
    """A module that stands for `cupy` on a device with so much free memory."""
    module: Any = types.ModuleType("cupy")
    for name in NAMES:
        setattr(module, name, _function(name))
    for name, keywords in CREATED.items():
        setattr(module, name, _creator(name, keywords))
    module.ndarray, module.asnumpy, module.__version__ = ndarray, asnumpy, "14.0.1"
    module.get_default_memory_pool = _Pool
    module.cuda = types.SimpleNamespace(runtime=types.SimpleNamespace(memGetInfo=lambda: (free_bytes, 2 * free_bytes)))
    return module  # type: ignore[no-any-return]

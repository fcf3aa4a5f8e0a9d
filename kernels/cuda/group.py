"""How many warps measure one portfolio together, and how many values each of their threads keeps in registers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from kernels.backend import Array, array_namespace
from kernels.cuda.loader import Defines, real_type

_WARP = 32
_MOST_WARPS = 32
_BLOCK = 128
"""Threads of a block that holds several groups."""
_VALUES = {4: 32, 8: 16}
"""Most values per thread by bytes of a value: beyond, registers leave room for too few warps."""


@dataclass(frozen=True)
class Group:
    """The threads that take one portfolio; `group.cu` is compiled for it."""

    warps: int
    values: int
    """Per thread, a multiple of 4."""

    @property
    def threads(self) -> int:
        """Threads of a group that works on one portfolio."""
        return _WARP * self.warps

    @property
    def pitch(self) -> int:
        """Values of a row of a table, zeros behind the last scenario included."""
        return self.threads * self.values

    @property
    def block(self) -> tuple[int, int]:
        """Threads of a group, groups of a block; a group of several warps has its block to itself."""
        return self.threads, max(1, _BLOCK // self.threads) if self.warps == 1 else 1

    def blocks(self, portfolios: int) -> int:
        """Blocks of a grid that holds all portfolios."""
        return -(-portfolios // self.block[1])

    def defines(self, dtype: Any) -> Defines:
        """What a kernel is compiled with for numbers of this type."""
        return ("REAL", real_type(dtype)), ("WARPS", self.warps), ("VALUES", self.values)


def most_scenarios(dtype: Any) -> int:
    """As many as one block keeps in registers."""
    return _MOST_WARPS * _WARP * _VALUES[np.dtype(dtype).itemsize]


def group_for(scenarios: int, dtype: Any) -> Group:
    """The fewest warps, a power of two, that hold the scenarios; ValueError for none, or more than a block holds."""
    if not 0 < scenarios <= most_scenarios(dtype):
        raise ValueError(
            f"1 to {most_scenarios(dtype):,} scenarios expected in {np.dtype(dtype).name}, got {scenarios:,}"
        )
    warps, most = 1, _VALUES[np.dtype(dtype).itemsize]
    while warps * _WARP * most < scenarios:
        warps *= 2
    values = -(-scenarios // (warps * _WARP))
    return Group(warps, -(-values // 4) * 4)


def padded(table: Array, pitch: int) -> Array:
    """A contiguous copy (..., pitch) of a table (..., scenarios), with zeros behind the last scenario."""
    xp = array_namespace(table)
    wide = xp.zeros((*table.shape[:-1], pitch), dtype=table.dtype)
    wide[..., : table.shape[-1]] = table
    return wide

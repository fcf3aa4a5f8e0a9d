"""Level-weighted sums of unit values for a run of portfolios, written into scratch that is used again and again.

SciPy's product allocates its result on every call, and first touching fresh memory costs a quarter of the time of a
small piece; the compiled routine below it adds into memory of the caller. Where SciPy does not have that routine, its
product is used.
"""

from __future__ import annotations

import importlib
import threading
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from scipy import sparse

from kernels.reference.portfolio import Portfolios, require_portfolios

_AddProduct: TypeAlias = Callable[..., None]

Floats = npt.NDArray[Any]


def _compiled_product() -> _AddProduct | None:
    """SciPy's routine that adds a sparse product into an array, if this version has it."""
    try:
        routine: _AddProduct = importlib.import_module("scipy.sparse._sparsetools").csr_matvecs
    except (ImportError, AttributeError):
        return None
    return routine


class SparseLevels:
    """Levels of portfolios, checked once and held as compressed sparse rows of one dtype."""

    def __init__(self, portfolios: Portfolios, candidate_count: int, dtype: npt.DTypeLike) -> None:
        """Raise ValueError for what `require_portfolios` refuses."""
        require_portfolios(portfolios, candidate_count)
        index = np.int32 if max(candidate_count, portfolios.levels.shape[0]) < 2**31 else np.int64
        parts = (
            np.ascontiguousarray(portfolios.levels, dtype=dtype),
            np.ascontiguousarray(portfolios.candidates, dtype=index),
            np.ascontiguousarray(portfolios.starts, dtype=index),
        )
        self.matrix = sparse.csr_array(parts, shape=(len(portfolios), candidate_count))
        self._scratch = threading.local()
        self._add_product = _compiled_product()

    def __len__(self) -> int:
        return int(self.matrix.shape[0])

    def sums(self, rows: slice, unit: Floats) -> Floats:
        """Sums (rows, columns) of `unit` (candidates, columns) in the listed order.

        They stand in scratch of the calling thread, overwritten by its next call. `unit` is contiguous and of the dtype
        of the levels.
        """
        if unit.dtype != self.matrix.dtype or not unit.flags.c_contiguous:
            raise TypeError(f"contiguous {self.matrix.dtype} expected, got {unit.dtype}")
        count, columns = rows.stop - rows.start, unit.shape[1]
        total = self._zeros(count * columns)
        if self._add_product is None:
            total.reshape(count, columns)[...] = self.matrix[rows] @ unit
        else:
            starts = self.matrix.indptr[rows.start : rows.stop + 1]
            self._add_product(
                count, unit.shape[0], columns, starts, self.matrix.indices, self.matrix.data, unit.reshape(-1), total
            )
        return total.reshape(count, columns)

    def _zeros(self, size: int) -> Floats:
        held: Floats | None = getattr(self._scratch, "values", None)
        if held is None or held.size < size:
            held = np.empty(size, dtype=self.matrix.dtype)
            self._scratch.values = held
        values = held[:size]
        values.fill(0.0)
        return values


class SignedLevels:
    """Levels of portfolios beside what of them is above and below 0, for sums and for bounds on sums."""

    def __init__(self, portfolios: Portfolios, candidate_count: int, dtype: npt.DTypeLike) -> None:
        """Raise ValueError for what `require_portfolios` refuses."""
        self.whole = SparseLevels(portfolios, candidate_count, dtype)
        levels, sizes = np.asarray(portfolios.levels), np.diff(portfolios.starts)
        self.longest = int(sizes.max(initial=0))
        """Candidates that a portfolio lists at most."""
        self._above, self._below = self.whole, None
        if bool((levels < 0.0).any()):
            self._above, self._below = (
                SparseLevels(Portfolios(portfolios.starts, portfolios.candidates, part), candidate_count, dtype)
                for part in (np.maximum(levels, 0.0), np.minimum(levels, 0.0))
            )

    def __len__(self) -> int:
        return len(self.whole)

    def bounds(self, rows: slice, least: Floats, greatest: Floats) -> Floats:
        """Lower bounds (rows, columns) on sums of unit values that lie between `least` and `greatest` (candidates,
        columns)."""
        bound = self._above.sums(rows, least)
        return bound if self._below is None else bound + self._below.sums(rows, greatest)

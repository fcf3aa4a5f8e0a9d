"""Correlated normals by a Gaussian copula: what makes a correlation matrix possible, and its lower factor."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

_PIVOT_TOLERANCE = 1e-10


class CorrelationError(ValueError):
    """The correlations cannot all hold at once; `pair` names the two factors to change."""

    def __init__(self, message: str, pair: tuple[str, str]) -> None:
        super().__init__(message)
        self.pair = pair


def lower_factor(correlation: npt.ArrayLike, names: Sequence[str], /) -> Floats:
    """The lower triangular L with L L' = `correlation` (factors, factors); semi-definite matrices are accepted.

    Row by row (Cholesky), so a factor added at the end leaves the rows of the others as they are. A factor that follows
    from earlier ones gets a 0 on the diagonal.

    Raises CorrelationError for an indefinite matrix, naming the pair whose change mends it with the least change, and
    ValueError for one that is not symmetric with ones on the diagonal and values from -1 to 1.
    """
    matrix = _checked(correlation, names)
    count = len(matrix)
    lower = np.zeros((count, count))
    for row in range(count):
        for column in range(row):
            rest = matrix[row, column] - lower[row, :column] @ lower[column, :column]
            pivot = lower[column, column]
            if pivot > 0.0:
                lower[row, column] = rest / pivot
            elif abs(rest) > math.sqrt(_PIVOT_TOLERANCE):  # an exact copy of earlier factors must follow them here too
                raise _indefinite(matrix[: row + 1, : row + 1], names)
        left = matrix[row, row] - lower[row, :row] @ lower[row, :row]
        if left < -_PIVOT_TOLERANCE:
            raise _indefinite(matrix[: row + 1, : row + 1], names)
        lower[row, row] = math.sqrt(left) if left > _PIVOT_TOLERANCE else 0.0
    return lower


def _checked(correlation: npt.ArrayLike, names: Sequence[str]) -> Floats:
    matrix = np.array(correlation, dtype=np.float64)
    count = len(names)
    if matrix.shape != (count, count):
        raise ValueError(f"a correlation for each pair of {count} factors expected, got shape {matrix.shape}")
    for first in range(count):
        for second in range(first + 1):
            value = matrix[first, second]
            if not -1.0 <= value <= 1.0 or value != matrix[second, first]:
                raise ValueError(
                    f"correlation of {names[first]} and {names[second]} is {value} (and {matrix[second, first]} the "
                    "other way); one number from -1 to 1 expected"
                )
        if matrix[first, first] != 1.0:
            raise ValueError(f"correlation of {names[first]} with itself is {matrix[first, first]}, not 1")
    return matrix


def _indefinite(matrix: Floats, names: Sequence[str]) -> CorrelationError:
    """The error for the first leading block that is indefinite, with the pair nearest to a possible value."""
    count = len(matrix)
    pairs = [(i, j) for j in range(count) for i in range(j)]
    mended = [(pair, allowed) for pair in pairs if (allowed := allowed_range(matrix, *pair)) is not None]
    if mended:
        (first, second), (low, high) = min(mended, key=lambda entry: _distance(matrix[entry[0]], entry[1]))
        remedy = f"between {low:.4g} and {high:.4g} it would agree with the others"
    else:
        direction = np.linalg.eigh(matrix)[1][:, 0]
        first, second = min(pairs, key=lambda pair: float(direction[pair[0]] * direction[pair[1]] * matrix[pair]))
        remedy = "other pairs must change too; bring the correlations nearer to 0"
    pair = (names[first], names[second])
    return CorrelationError(
        f"correlations cannot all hold at once: {matrix[first, second]:g} between {pair[0]} and {pair[1]} contradicts "
        f"the others; {remedy}",
        pair
    )


def _distance(value: float, allowed: tuple[float, float]) -> float:
    return max(allowed[0] - value, value - allowed[1], 0.0)


def allowed_range(matrix: Floats, first: int, second: int, /) -> tuple[float, float] | None:
    """The values that the correlation of one pair could take with all others held; None where no value would do.

    With R the others' matrix and a, b the pair's correlations with them: a' R+ b -+ sqrt((1 - a' R+ a)(1 - b' R+ b)).
    """
    others = [k for k in range(len(matrix)) if k not in (first, second)]
    rest = matrix[np.ix_(others, others)]
    if others and np.linalg.eigvalsh(rest)[0] < -_PIVOT_TOLERANCE:
        return None
    a, b = matrix[others, first], matrix[others, second]
    inverse = np.linalg.pinv(rest, rcond=1e-9, hermitian=True)
    for column in (a, b):
        if others and np.abs(rest @ (inverse @ column) - column).max() > math.sqrt(_PIVOT_TOLERANCE):
            return None
    room = (1.0 - float(a @ inverse @ a), 1.0 - float(b @ inverse @ b))
    if min(room) < -_PIVOT_TOLERANCE:
        return None
    centre, half = float(a @ inverse @ b), math.sqrt(math.prod(max(0.0, left) for left in room))
    return max(-1.0, centre - half), min(1.0, centre + half)

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kernels.correlation import CorrelationError, allowed_range, lower_factor

NAMES = ["gpu price", "gas", "power", "delay"]


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 6), st.integers(1, 6), st.integers(0, 2**32 - 1))
def test_any_possible_matrix_is_accepted_and_reproduced(factors: int, rank: int, seed: int) -> None:
    loading = np.random.default_rng(seed).normal(size=(factors, min(rank, factors)))
    loading /= np.linalg.norm(loading, axis=1, keepdims=True)
    matrix = loading @ loading.T  # semi-definite whenever rank < factors
    matrix = np.clip((matrix + matrix.T) / 2, -1, 1)
    np.fill_diagonal(matrix, 1.0)
    lower = lower_factor(matrix, [str(k) for k in range(factors)])
    np.testing.assert_allclose(lower @ lower.T, matrix, atol=1e-4)
    assert (np.triu(lower, 1) == 0).all()


def test_a_factor_that_copies_another_is_accepted() -> None:
    lower = lower_factor([[1, 1, 0.5], [1, 1, 0.5], [0.5, 0.5, 1]], NAMES[:3])
    np.testing.assert_allclose(lower @ lower.T, [[1, 1, 0.5], [1, 1, 0.5], [0.5, 0.5, 1]], atol=1e-12)
    assert lower[1].tolist() == [1.0, 0.0, 0.0]


def test_an_indefinite_matrix_is_refused_with_the_pair_to_change() -> None:
    matrix = np.eye(4)
    for (first, second), value in {
        (0, 1): 0.9, (1, 2): 0.9, (0, 2): 0.9, (0, 3): 0.9, (1, 3): 0.9, (2, 3): -0.9
    }.items():
        matrix[first, second] = matrix[second, first] = value
    with pytest.raises(CorrelationError, match=r"-0\.9 between power and delay contradicts.*would agree") as caught:
        lower_factor(matrix, NAMES)
    assert caught.value.pair == ("power", "delay")
    low, high = allowed_range(matrix, 2, 3)
    for value, possible in ((low + 1e-6, True), (high - 1e-6, True), (low - 1e-3, False)):
        changed = matrix.copy()
        changed[2, 3] = changed[3, 2] = value
        assert (np.linalg.eigvalsh(changed)[0] >= -1e-9) is np.bool_(possible)


def test_an_exact_copy_that_moves_differently_is_refused() -> None:
    with pytest.raises(CorrelationError, match="contradicts"):
        lower_factor([[1, 1, 0.5], [1, 1, 0.2], [0.5, 0.2, 1]], NAMES[:3])


@pytest.mark.parametrize(
    ("matrix", "message"),
    [
        ([[1, 0.5], [0.4, 1]], "gas and gpu price is 0.4 .and 0.5"),
        ([[1, 1.5], [1.5, 1]], "from -1 to 1"),
        ([[1, np.nan], [np.nan, 1]], "nan"),
        ([[0.9, 0], [0, 1]], "with itself is 0.9"),
        ([[1.0]], "shape"),
    ],
)
def test_what_is_no_correlation_matrix_is_refused(matrix: list[list[float]], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        lower_factor(matrix, NAMES[:2])

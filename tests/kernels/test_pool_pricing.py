from __future__ import annotations

import sys
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stand_in.cupy_like import cupy_like

from kernels.cpu.pool_pricing import PoolPricer, sparse_rows
from kernels.reference.pool_pricing import best_per_group, reduced_values


def test_reduced_values_by_hand(library: Any) -> None:
    values = library.array([[2.0, 4.0], [1.0, -1.0]])
    found = reduced_values(
        values, library.array([0.25, 0.75]), library.array([[1.0, 0.0], [0.5, 2.0]]), library.array([3.0, 0.25])
    )
    assert library.back(found).tolist() == [0.25 * 2 + 0.75 * 4 - 3.0, 0.25 - 0.75 - 1.5 - 0.5]


def test_best_of_each_group_by_hand(library: Any) -> None:
    reduced = library.array([1.0, 5.0, -1.0, 4.0, 6.0, 4.0])
    share = library.array([1.0, 5.0, 1.0, 1.0, 2.0, 1.0])
    group = library.array([0, 0, 1, 2, 2, 2], np.int64)
    found = best_per_group(reduced, share, group, groups=4, most=2)
    # worth: 1, 1, -1, 4, 3, 4: ties go to the lower number, a worth of 0 or less is left out, group 3 is empty.
    assert library.back(found).tolist() == [[0, 1], [-1, -1], [3, 5], [-1, -1]]


def test_nothing_in_the_pool(library: Any) -> None:
    none = library.array(np.zeros(0))
    assert library.back(
        best_per_group(none, none, library.array(np.zeros(0), np.int64), groups=2, most=1)
    ).tolist() == [[-1], [-1]]


def test_not_a_number_is_refused(library: Any) -> None:
    values = library.array([[np.nan]])
    with pytest.raises(ValueError, match="not a number"):
        reduced_values(values, library.array([1.0]), library.array([[0.0]]), library.array([0.0]))


def test_shapes_are_checked(library: Any) -> None:
    with pytest.raises(ValueError, match=r"expected, got"):
        reduced_values(library.array([[1.0, 2.0]]), library.array([1.0]), library.array([[0.0]]), library.array([0.0]))


def random_pool(
    seed: int, count: int = 500, scenarios: int = 17, points: int = 6, groups: int = 9, dtype: type = np.float64
) -> tuple[PoolPricer, np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(count, scenarios)).astype(dtype)
    use = np.round(rng.uniform(0, 1, (count, points)), 1) * (rng.uniform(size=(count, points)) < 0.5)
    share, group = rng.uniform(0.5, 2.0, count), rng.integers(0, groups - 1, count)  # the last group is empty
    weights = rng.dirichlet(np.ones(scenarios))
    return PoolPricer(values, sparse_rows(use), share, group, groups), use, weights, rng.uniform(0, 1, points)


@pytest.mark.parametrize("most", [1, 3, 1000])
@pytest.mark.parametrize("threads", [1, 3])
def test_the_engine_equals_its_specification(most: int, threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kernels.cpu.pool_pricing.PIECE_BYTES", 17 * 8 * 41)  # pieces of 41 columns
    pool, use, weights, prices = random_pool(3)
    pool = PoolPricer(pool.values, pool.use, pool.share, pool.group, pool.groups, threads)
    reduced = reduced_values(pool.values, weights, use, prices)
    np.testing.assert_allclose(pool.reduced(weights, prices), reduced, rtol=1e-12, atol=1e-14)
    found = pool.price(weights, prices, most=most, exact=True)
    np.testing.assert_array_equal(
        found.column, best_per_group(reduced, pool.share, pool.group, groups=pool.groups, most=most)
    )
    held = found.column >= 0
    np.testing.assert_allclose(found.worth[held], (reduced / pool.share)[found.column[held]], rtol=1e-12)
    assert found.largest == pytest.approx((reduced / pool.share).max(), rel=1e-12)
    assert found.best[-1] == -np.inf


@pytest.mark.parametrize("threads", [1, 2])
def test_single_precision_is_exact_where_asked(threads: int) -> None:
    pool, use, weights, prices = random_pool(4, count=9000, dtype=np.float32)
    pool = PoolPricer(pool.values, pool.use, pool.share, pool.group, pool.groups, threads)
    wide = reduced_values(pool.values.astype(np.float64), weights, use, prices)
    np.testing.assert_allclose(pool.reduced(weights, prices), wide, rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(pool.reduced(weights, prices, exact=False), wide, atol=1e-5)
    assert pool.price(weights, prices, most=2, exact=True).largest == pytest.approx(
        float((wide / pool.share).max()), rel=1e-12
    )


def test_values_mapped_from_a_file(tmp_path: Any) -> None:
    pool, _, weights, prices = random_pool(5)
    np.save(tmp_path / "values.npy", pool.values)
    mapped = PoolPricer(np.load(tmp_path / "values.npy", mmap_mode="r"), pool.use, pool.share, pool.group, pool.groups)
    np.testing.assert_array_equal(
        mapped.price(weights, prices, most=3).column, pool.price(weights, prices, most=3).column
    )


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("exact", [False, True])
def test_values_in_device_memory_are_priced_alike(dtype: type, exact: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    module = cupy_like()
    monkeypatch.setitem(sys.modules, "cupy", module)
    pool, _, weights, prices = random_pool(6, dtype=dtype)
    there = PoolPricer(module.asarray(pool.values), pool.use, pool.share, pool.group, pool.groups)
    one, other = (each.price(weights, prices, most=3, exact=exact) for each in (pool, there))
    np.testing.assert_array_equal(one.column, other.column)
    np.testing.assert_allclose(one.worth, other.worth, rtol=1e-12 if exact or dtype is np.float64 else 1e-4)


@given(st.lists(st.tuples(st.integers(-9, 9), st.integers(1, 4), st.integers(0, 3)), max_size=30), st.integers(1, 4))
@settings(deadline=None, max_examples=150)
def test_best_of_each_group_against_plain_python(rows: list[tuple[int, int, int]], most: int) -> None:
    expected = []
    for number in range(4):
        worth = sorted(
            (-Fraction(value, share), at) for at, (value, share, group) in enumerate(rows)
            if group == number and value > 0
        )
        kept = [at for _, at in worth[:most]]
        expected.append(kept + [-1] * (most - len(kept)))
    value, share, group = (np.array([row[k] for row in rows], dtype=float) for k in range(3))
    found = best_per_group(value, share, group.astype(np.int64), groups=4, most=most)
    assert found.tolist() == expected
    if rows:
        pool = PoolPricer(
            value[:, None], sparse_rows(np.zeros((len(rows), 1))), share, group.astype(np.int64), 4, threads=1
        )
        assert pool.price(np.ones(1), np.zeros(1), most=most).column.tolist() == expected


def test_what_makes_no_pool_is_refused() -> None:
    values, use = np.ones((2, 3)), sparse_rows(np.zeros((2, 1)))
    with pytest.raises(ValueError, match="share"):
        PoolPricer(values, use, np.array([1.0, 0.0]), np.zeros(2, dtype=np.int64), 1)
    with pytest.raises(ValueError, match=r"groups 0\.\.0"):
        PoolPricer(values, use, np.ones(2), np.array([0, 1]), 1)
    pool = PoolPricer(np.full((2, 3), np.nan), use, np.ones(2), np.zeros(2, dtype=np.int64), 1)
    with pytest.raises(ValueError, match="not a number"):
        pool.price(np.ones(3) / 3, np.zeros(1), most=1)

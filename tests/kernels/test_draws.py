from __future__ import annotations

import hashlib

import numpy as np
import pytest
from scipy import stats

from kernels.draws import antithetic_uniforms, normals_of, sobol_uniforms, uniforms, uniforms_of

MASK = 2**64 - 1


def philox_4x64_10(counter: list[int], key: list[int]) -> list[int]:
    """One block of the generator in plain Python, from the paper's definition."""
    key = list(key)
    for _ in range(10):
        first, second = 0xD2E7470EE14C6C93 * counter[0], 0xCA5A826395121157 * counter[2]
        counter = [
            (second >> 64) ^ counter[1] ^ key[0], second & MASK, (first >> 64) ^ counter[3] ^ key[1], first & MASK
        ]
        key = [(key[0] + 0x9E3779B97F4A7C15) & MASK, (key[1] + 0xBB67AE8584CAA73B) & MASK]
    return counter


def test_draws_are_philox_by_seed_factor_month_and_scenario() -> None:
    drawn = uniforms(7, "gas", months=3, scenarios=10)
    digest = hashlib.blake2b(b"7\ngas", digest_size=16).digest()
    key = [int.from_bytes(digest[:8], "little"), int.from_bytes(digest[8:], "little")]
    for month in range(3):
        for scenario in range(10):
            # NumPy counts up before it makes a block
            word = philox_4x64_10([scenario // 4 + 1, month, 0, 0], key)[scenario % 4]
            assert drawn[month, scenario] == ((word >> 12) + 0.5) / 2**52


@pytest.mark.parametrize("draw", [uniforms, antithetic_uniforms])
@pytest.mark.parametrize("first", [1, 3, 4, 10, 101])
def test_more_scenarios_and_months_change_nothing_old(draw, first: int) -> None:
    whole = draw(1, "price", months=5, scenarios=120)
    np.testing.assert_array_equal(
        draw(1, "price", months=3, scenarios=120 - first, first_scenario=first), whole[:3, first:]
    )
    assert not np.isin(draw(1, "other", months=5, scenarios=120), whole).any()
    assert not np.isin(draw(2, "price", months=5, scenarios=120), whole).any()
    assert len(np.unique(whole)) == whole.size


def test_uniforms_are_uniform_and_independent() -> None:
    drawn = uniforms(11, "x", months=4, scenarios=20_000)
    assert stats.kstest(drawn.ravel(), "uniform").pvalue > 1e-3
    assert np.abs(np.corrcoef(drawn) - np.eye(4)).max() < 4 / np.sqrt(20_000)
    normal = normals_of(drawn)
    assert np.abs(normal.mean(axis=1)).max() < 4 / np.sqrt(20_000)
    np.testing.assert_allclose(uniforms_of(normal), drawn, rtol=1e-12)


def test_extremes_stay_inside_the_open_interval() -> None:
    kept = uniforms_of(np.array([-60.0, 60.0]))
    assert 0.0 < kept[0] < kept[1] < 1.0
    assert np.isfinite(normals_of(kept)).all()


def test_antithetic_pairs_mirror_each_other() -> None:
    drawn = antithetic_uniforms(3, "gas", months=2, scenarios=11)
    np.testing.assert_array_equal(drawn[:, 0:10:2] + drawn[:, 1:11:2], np.ones((2, 5)))


def test_sobol_draws_keep_old_factors_and_scenarios() -> None:
    few = sobol_uniforms(5, {"a": 3, "b": 2}, scenarios=16)
    more = sobol_uniforms(5, {"a": 3, "b": 2, "c": 4}, scenarios=64)
    later = sobol_uniforms(5, {"a": 3, "b": 2}, scenarios=8, first_scenario=16)
    for factor in few:
        np.testing.assert_array_equal(more[factor][:, :16], few[factor])
        np.testing.assert_array_equal(more[factor][:, 16:24], later[factor])
    for drawn in more.values():  # the first 64 points of each dimension lie in 64 different cells
        cells = np.sort(np.floor(drawn * 64), axis=1)
        np.testing.assert_array_equal(cells, np.tile(np.arange(64.0), (len(drawn), 1)))


def test_sobol_has_no_more_dimensions_than_its_table() -> None:
    with pytest.raises(ValueError, match="1 to 21201 dimensions"):
        sobol_uniforms(1, {"a": 20_000, "b": 2_000}, scenarios=2)


def _error_of_mean_price(draw, repeats: int = 40) -> float:
    """Root mean square error of the mean of a mildly non-linear function of six monthly normals, over seeds."""
    errors = []
    for seed in range(repeats):
        total = normals_of(draw(seed)).sum(axis=0) / np.sqrt(6)
        errors.append(np.exp(0.3 * total).mean() - np.exp(0.045))
    return float(np.sqrt(np.mean(np.square(errors))))


def test_antithetic_and_sobol_draws_gain() -> None:
    plain = _error_of_mean_price(lambda seed: uniforms(seed, "x", months=6, scenarios=512))
    pairs = _error_of_mean_price(lambda seed: antithetic_uniforms(seed, "x", months=6, scenarios=512))
    sobol = _error_of_mean_price(lambda seed: sobol_uniforms(seed, {"x": 6}, scenarios=512)["x"])
    assert plain == pytest.approx(np.sqrt(np.expm1(0.09)) * np.exp(0.045) / np.sqrt(512), rel=0.4)
    assert pairs < plain / 2
    assert sobol < plain / 2


def test_no_scenarios_are_refused() -> None:
    with pytest.raises(ValueError, match="at least one month"):
        uniforms(1, "x", months=1, scenarios=0)

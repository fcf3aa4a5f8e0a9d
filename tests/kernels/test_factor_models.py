from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
import pytest
from scipy import stats

from kernels import factor_models as models
from kernels.draws import normals_of, uniforms

REGIMES = {"stay_glut_months": 18.0, "stay_shortage_months": 6.0, "starts_in_shortage": False}
DRIFTS = {"drift_glut": -0.35, "drift_shortage": 0.35}
MONTHS = 24


def _two_regimes(seed: int, scenarios: int) -> np.ndarray:
    shortage = models.in_shortage(uniforms(seed, "regime", months=MONTHS, scenarios=scenarios), **REGIMES)
    return models.two_regimes(_normals(seed, scenarios), shortage, volatility=0.3, **DRIFTS)


def _normals(seed: int, scenarios: int) -> np.ndarray:
    return normals_of(uniforms(seed, "price", months=MONTHS, scenarios=scenarios))


def _uniforms(seed: int, scenarios: int) -> np.ndarray:
    return uniforms(seed, "once", months=1, scenarios=scenarios)


def gbm_mean(months: int, /, *, drift: float = 0.0) -> list[float]:
    """Mean of `gbm` in each month: exp(drift t)."""
    return [math.exp(drift * (month + 1) / 12) for month in range(months)]


def mean_reverting_log_mean(months: int, /, *, reversion: float, start: float = 1.0) -> list[float]:
    """Mean of `mean_reverting_log` in each month: start ^ exp(-reversion t)."""
    return [start ** math.exp(-reversion * (month + 1) / 12) for month in range(months)]


def discrete_mean(*, values: Sequence[float], probabilities: Sequence[float]) -> float:
    """Mean of `discrete`."""
    return math.fsum(value * probability for value, probability in zip(values, probabilities, strict=True))


def survival(months: int, /, *, hazard_per_year: float) -> list[float]:
    """P(not yet happened at the end of month t), the closed form of `month_of_event`: exp(-hazard (t + 1) / 12)."""
    return [math.exp(-hazard_per_year * (month + 1) / 12) for month in range(months)]


# each: draws (months, scenarios), and the mean by month in closed form
FACTORS: dict[str, tuple[Callable[[int, int], np.ndarray], list[float]]] = {
    "gbm": (
        lambda seed, n: models.gbm(_normals(seed, n), volatility=0.4, drift=0.1), gbm_mean(MONTHS, drift=0.1)
    ),
    "mean-reverting log": (
        lambda seed, n: models.mean_reverting_log(_normals(seed, n), volatility=0.5, reversion=1.5, start=1.4),
        mean_reverting_log_mean(MONTHS, reversion=1.5, start=1.4),
    ),
    "two regimes": (_two_regimes, models.two_regimes_mean(MONTHS, **DRIFTS, **REGIMES)),
    "triangular delay": (
        lambda seed, n: models.triangular(_uniforms(seed, n), low=0.0, mode=9.0, high=36.0),
        [models.triangular_mean(low=0.0, mode=9.0, high=36.0)],
    ),
    "discrete delay": (
        lambda seed, n: models.discrete(_uniforms(seed, n), values=[0, 6, 18], probabilities=[0.5, 0.3, 0.2]),
        [discrete_mean(values=[0, 6, 18], probabilities=[0.5, 0.3, 0.2])],
    ),
    "hazard": (
        lambda seed, n: models.alive(
            models.month_of_event(_uniforms(seed, n)[0], hazard_per_year=0.2, months=MONTHS), months=MONTHS
        ).astype(float),
        survival(MONTHS, hazard_per_year=0.2),
    ),
}


@pytest.mark.parametrize("factor", FACTORS)
def test_means_converge_to_the_closed_form_at_one_over_root_n(factor: str) -> None:
    draw, mean = FACTORS[factor]
    seeds = range(24)
    errors = {}
    for scenarios in (250, 4000):  # 16 times the draws: a quarter of the error
        each = []
        for seed in seeds:
            sample = draw(seed, scenarios)
            z = (sample.mean(axis=1) - mean) / (sample.std(axis=1) / math.sqrt(scenarios))
            each.append(z[-1])
        errors[scenarios] = np.sqrt(
            np.mean(np.square([draw(seed, scenarios).mean(axis=1)[-1] - mean[-1] for seed in seeds]))
        )
        assert np.abs(each).max() < 4.5  # in standard errors: the mean is unbiased
        assert np.sqrt(np.mean(np.square(each))) == pytest.approx(1.0, abs=0.5)
    assert errors[250] / errors[4000] == pytest.approx(4.0, rel=0.55)


def test_variances_of_log_prices_are_exact() -> None:
    normals = _normals(5, 40_000)
    years = (np.arange(MONTHS) + 1) / 12
    log_gbm = np.log(models.gbm(normals, volatility=0.4))
    np.testing.assert_allclose(log_gbm.var(axis=1), 0.16 * years, rtol=0.04)
    log_ou = np.log(models.mean_reverting_log(normals, volatility=0.5, reversion=2.0))
    np.testing.assert_allclose(log_ou.var(axis=1), 0.25 * (1 - np.exp(-4 * years)) / 4, rtol=0.04)


def test_slow_reversion_approaches_brownian_motion() -> None:
    normals = _normals(1, 50)
    slow = models.mean_reverting_log(normals, volatility=0.3, reversion=1e-7)
    np.testing.assert_allclose(slow, models.gbm(normals, volatility=0.3), rtol=1e-6)


def test_equal_drifts_make_regimes_brownian_motion() -> None:
    normals = _normals(1, 50)
    shortage = models.in_shortage(uniforms(1, "regime", months=MONTHS, scenarios=50), **REGIMES)
    same = models.two_regimes(normals, shortage, volatility=0.3, drift_glut=0.2, drift_shortage=0.2)
    np.testing.assert_allclose(same, models.gbm(normals, volatility=0.3, drift=0.2), rtol=1e-12)


def test_regimes_last_as_long_as_stated() -> None:
    shortage = models.in_shortage(uniforms(4, "regime", months=600, scenarios=200), **REGIMES)
    left_glut = (~shortage[:-1] & shortage[1:]).sum() / (~shortage[:-1]).sum()
    left_shortage = (shortage[:-1] & ~shortage[1:]).sum() / shortage[:-1].sum()
    assert 1 / left_glut == pytest.approx(18.0, rel=0.06)
    assert 1 / left_shortage == pytest.approx(6.0, rel=0.06)
    assert models.in_shortage(
        np.full((2, 3), 0.9), stay_glut_months=5, stay_shortage_months=5, starts_in_shortage=True
    ).all()


def test_triangular_is_the_inverse_of_scipys_distribution() -> None:
    u = np.linspace(0.001, 0.999, 99)
    for low, mode, high in ((0.0, 3.0, 12.0), (0.0, 0.0, 6.0), (2.0, 7.0, 7.0)):
        expected = stats.triang((mode - low) / (high - low), loc=low, scale=high - low).ppf(u)
        np.testing.assert_allclose(models.triangular(u, low=low, mode=mode, high=high), expected, rtol=1e-12)
    assert models.triangular(u, low=4.0, mode=4.0, high=4.0).tolist() == [4.0] * 99


def test_events_come_in_the_month_that_their_hazard_says() -> None:
    hazard, months = 0.6, 12
    for month in range(months):  # either side of each month's edge
        edge = -math.expm1(-hazard * (month + 1) / 12)
        found = models.month_of_event(np.array([edge - 1e-9, edge + 1e-9]), hazard_per_year=hazard, months=months)
        assert found.tolist() == [month, month + 1]
    assert models.month_of_event(np.array([0.5]), hazard_per_year=0.0, months=5).tolist() == [5]
    assert models.alive(np.array([0, 2, 3]), months=3).astype(int).tolist() == [[0, 1, 1], [0, 1, 1], [0, 0, 1]]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: models.gbm(np.ones((1, 1)), volatility=-0.1), "volatility is -0.1"),
        (lambda: models.gbm(np.ones((1, 1)), volatility=math.nan), "volatility is nan"),
        (lambda: models.mean_reverting_log(np.ones((1, 1)), volatility=0.1, reversion=0.0), "use gbm"),
        (lambda: models.triangular(np.ones(1), low=3.0, mode=2.0, high=5.0), "low <= mode <= high"),
        (lambda: models.discrete(np.ones(1), values=[1, 2], probabilities=[0.5, 0.6]), "add to 1"),
        (lambda: models.discrete(np.ones(1), values=[2, 1], probabilities=[0.5, 0.5]), "rising values"),
        (
            lambda: models.in_shortage(
                np.ones((1, 1)), stay_glut_months=0.5, stay_shortage_months=2, starts_in_shortage=True
            ),
            "at least 1",
        ),
    ],
)
def test_impossible_parameters_are_refused(call: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()


def test_one_body_over_every_library(library) -> None:
    z = np.random.default_rng(0).normal(size=(6, 5))
    u = np.random.default_rng(1).random((6, 5))
    bodies = [
        lambda z, u: models.gbm(z, volatility=0.3, drift=-0.1),
        lambda z, u: models.mean_reverting_log(z, volatility=0.3, reversion=1.0, start=0.8),
        lambda z, u: models.two_regimes(z, models.in_shortage(u, **REGIMES), volatility=0.3, **DRIFTS),
        lambda z, u: models.triangular(u, low=0.0, mode=3.0, high=12.0),
        lambda z, u: models.discrete(u, values=[0.0, 6.0, 18.0], probabilities=[0.5, 0.3, 0.2]),
        lambda z, u: models.month_of_event(u, hazard_per_year=2.0, months=6),
        lambda z, u: models.alive(models.month_of_event(u[0, :], hazard_per_year=2.0, months=6), months=6),
    ]
    for body in bodies:
        expected = body(z, u)
        np.testing.assert_allclose(library.back(body(library.array(z), library.array(u))), expected, rtol=1e-12)
        single = library.back(body(library.array(z, np.float32), library.array(u, np.float32)))
        assert single.dtype == (np.float32 if expected.dtype == np.float64 else expected.dtype)

"""Futures: the same by seed, by piece and beside new factors; means in closed form; what other draws gain."""

from __future__ import annotations

from dataclasses import asdict
from itertools import pairwise

import numpy as np
import pytest
from scenarios.random_case import FACTORS, GAS, HASH, MARKET, NEW, power, random_case

from planner.case.calendar import Calendar
from planner.errors import PlannerError
from planner.scenarios.futures import Draws, Futures, Values, make_futures

SHORT = Calendar("2027-01", 24)
CORRELATED = [
    {"factor_a": "gas", "factor_b": "delay[kind=grid]", "correlation": 0.4},
    {"factor_a": "default[lab]", "factor_b": "gpus", "correlation": 0.5},
    {"factor_a": "gas", "factor_b": "hash", "correlation": 0.3},
]


def futures(
    scenarios: int = 64, *, draws: Draws = Draws.INDEPENDENT, seed: int | None = None, calendar: Calendar = SHORT,
    **case: object,
) -> Futures:
    made = random_case(**{"correlations": CORRELATED, **case})  # type: ignore[arg-type]
    return make_futures(made, calendar, scenarios=scenarios, draws=draws, seed=seed)


def arrays(values: Values) -> dict[str, np.ndarray]:
    """All arrays of some values by name, scenarios first."""
    return {name: array for kind in asdict(values).values() for name, array in kind.items()}


def assert_same(values: dict[str, np.ndarray], other: dict[str, np.ndarray], scenarios: slice = slice(None)) -> None:
    for name, array in values.items():
        np.testing.assert_array_equal(array, other[name][scenarios], err_msg=name)


@pytest.mark.parametrize("draws", list(Draws))
def test_same_seed_same_futures(draws: Draws) -> None:
    first, again, other = (arrays(futures(draws=draws, seed=seed).values) for seed in (5, 5, 6))
    assert_same(first, again)
    drawn = [name for name, array in first.items() if array.std() > 0]
    assert len(drawn) == len(FACTORS) + 3 + 2 + 2  # factors, phases to come, customers and leases with a chance
    for name in drawn:
        assert not np.array_equal(first[name], other[name]), name


def test_the_seed_of_the_case_is_the_default() -> None:
    assert_same(arrays(futures().values), arrays(futures(seed=11).values))


@pytest.mark.parametrize("draws", list(Draws))
def test_pieces_hold_the_numbers_of_the_whole(draws: Draws) -> None:
    whole = futures(40, draws=draws)
    numbers = arrays(whole.values)
    for size in (1, 7, 32):
        at = 0
        for piece in whole.pieces(size):
            assert_same(arrays(piece.values), numbers, slice(at, at + len(piece)))
            assert piece.names == whole.names[at : at + len(piece)]
            at += len(piece)
        assert at == 40
    assert_same(arrays(whole.drawn_ahead().piece(slice(7, 19)).values), numbers, slice(7, 19))
    part = whole.piece(slice(10, 30)).piece(slice(3, 9))
    assert_same(arrays(part.values), numbers, slice(13, 19))
    assert sum(piece.weights.sum() for piece in whole.pieces(9)) == pytest.approx(1.0, rel=1e-12)


@pytest.mark.parametrize("draws", list(Draws))
def test_more_scenarios_change_no_earlier_one(draws: Draws) -> None:
    assert_same(arrays(futures(16, draws=draws).values), arrays(futures(64, draws=draws).values), slice(16))


@pytest.mark.parametrize("draws", list(Draws))
def test_a_new_factor_at_the_end_changes_no_other(draws: Draws) -> None:
    new = {"factor_id": "power price", "model": "gbm", "drives": "curves[spot]", "volatility_per_year": 0.3}
    rows = [
        {"factor_a": "power price", "factor_b": "gas", "correlation": 0.6},
        {"factor_a": "power price", "factor_b": "delay[cells:1]", "correlation": -0.3},
        {"factor_a": "power price", "factor_b": "delay[kind=grid]", "correlation": 0.3},
        {"factor_a": "power price", "factor_b": "renewal[train]", "correlation": 0.5},
    ]
    old = arrays(futures(32, draws=draws).values)
    more = arrays(futures(32, draws=draws, factors=(*FACTORS, new), correlations=[*CORRELATED, *rows]).values)
    assert set(more) - set(old) == {"power price"}
    assert_same(old, more)


def test_means_converge_to_the_forward_curve() -> None:
    """Each multiplier has mean one in every month: within 4.5 standard errors of its own sample, and as 1 / sqrt(n)."""
    values = futures(20_000, calendar=Calendar("2027-01", 12)).values.multipliers
    assert set(values) == {str(row["factor_id"]) for row in FACTORS}
    for name, path in values.items():
        error = path.std(axis=0) / np.sqrt(len(path))
        assert np.abs(path.mean(axis=0) - 1.0).max() < 4.5 * error.max(), name
        assert (path > 0).all()

    case = random_case(correlations=CORRELATED)

    def root_mean_square_error(scenarios: int) -> np.ndarray:
        drawn = [
            make_futures(case, Calendar("2027-01", 6), scenarios=scenarios, seed=seed).values for seed in range(40)
        ]
        means = [[path.mean(axis=0)[-1] for path in found.multipliers.values()] for found in drawn]
        return np.sqrt(np.mean((np.array(means) - 1.0) ** 2, axis=0))

    ratio = root_mean_square_error(32) / root_mean_square_error(512)
    assert (ratio > 2.4).all()
    assert (ratio < 6.6).all()  # sqrt(512 / 32) = 4


def test_volatilities_are_those_of_the_models() -> None:
    values = futures(20_000, calendar=Calendar("2027-01", 12)).values.multipliers
    yearly = np.log(values["new price"][:, -1]).std()
    assert yearly == pytest.approx(0.2, rel=0.03)
    held = np.log(values["gas"][:, -1]).std()
    assert held == pytest.approx(0.6 * np.sqrt((1 - np.exp(-2 * 1.7)) / (2 * 1.7)), rel=0.03)


def test_delays_defaults_and_renewals_have_their_chances() -> None:
    values = futures(40_000, calendar=SHORT).values
    late = values.late_months
    error = 4.5 / np.sqrt(40_000)
    for name, (low, mode, high) in {"delay[line:1]": (0, 9, 36), "delay[cells:1]": (0, 1, 6)}.items():
        sd = np.sqrt((low**2 + mode**2 + high**2 - low * mode - low * high - mode * high) / 18)
        assert late[name].mean() == pytest.approx((low + mode + high) / 3, abs=error * sd)
        assert late[name].min() == low
        assert high - 1 <= late[name].max() <= high
    assert not late["delay[mine:1]"].any()
    month = np.arange(24)
    for name, rate in (("default[lab]", 0.28), ("default[child]", 0.5)):
        alive = (values.default_month[name][:, None] > month).mean(axis=0)
        np.testing.assert_allclose(alive, (1 - rate) ** ((month + 0.5) / 12), atol=error / 2)
    assert (values.default_month["default[state]"] == 24).all()
    assert values.renewed["renewal[train]"].mean() == pytest.approx(0.4, abs=error / 2)
    assert values.renewed["renewal[hall]"].mean() == pytest.approx(0.7, abs=error / 2)
    assert not values.renewed["renewal[serve]"].any()


def test_discrete_delays_come_with_their_chances() -> None:
    rows = power(delay_low_months=7, delay_mode_months=7, delay_high_months=7)
    discrete = {
        "factor_id": "late line", "model": "discrete_delay", "drives": "delay[line:1]",
        "outcomes": "0:0.5;6:0.2;18:0.2;20:0.1",
    }
    late = futures(20_000, power=rows, factors=(*FACTORS, discrete)).values.late_months
    values, counts = np.unique(late["delay[line:1]"], return_counts=True)
    np.testing.assert_array_equal(values, [0, 6, 18, 20])
    np.testing.assert_allclose(counts / 20_000, [0.5, 0.2, 0.2, 0.1], atol=0.015)
    assert (late["delay[line:2]"] == 7).all()


def test_antithetic_and_sobol_draws_gain_variance() -> None:
    """Variance over seeds of the mean of gas after a year, against independent draws: the ratio is the gain."""
    case, year = random_case(factors=(GAS, HASH)), Calendar("2027-01", 12)

    def variance(draws: Draws) -> float:
        drawn = [make_futures(case, year, scenarios=128, draws=draws, seed=seed).values for seed in range(40)]
        means = [found.multipliers["gas"][:, -1].mean() for found in drawn]
        return float(np.var(means))

    plain, antithetic, sobol = (variance(draws) for draws in (Draws.INDEPENDENT, Draws.ANTITHETIC, Draws.SOBOL))
    print(f"variance gains over independent draws: antithetic {plain / antithetic:.1f}, Sobol {plain / sobol:.1f}")
    assert plain / antithetic > 4.0
    assert plain / sobol > 4.0


def test_antithetic_scenarios_are_mirrors() -> None:
    case = {
        "factors": (NEW,), "correlations": [{"factor_a": "new price", "factor_b": "delay[line:1]", "correlation": 0.8}]
    }
    path = np.log(futures(8, draws=Draws.ANTITHETIC, **case).values.multipliers["new price"])
    drift = -0.5 * 0.2**2 * (np.arange(24) + 1) / 12
    np.testing.assert_allclose(path[0::2] - drift, -(path[1::2] - drift), atol=1e-12)


def test_regimes_turn_and_start_where_they_are_said_to() -> None:
    """Without volatility a month's step is that of its regime, the same less the step of the mean."""

    def share_in_shortage(start: bool) -> float:
        still = {**MARKET, "volatility_per_year": 0.0, "starts_in_shortage": start}
        path = futures(400, factors=(still,), correlations=[]).values.multipliers["gpus"]
        first = np.log(path[:, 1] / path[:, 0])
        low, high = np.unique(np.round(first, 9))
        assert high - low == pytest.approx(0.7 / 12, abs=1e-8)
        return float((first > (low + high) / 2).mean())

    # Two months of a chance of 1 / 18 to leave.
    stays = (17 / 18) ** 2 + (1 / 18) ** 2
    assert share_in_shortage(True) == pytest.approx(stays, abs=0.07)
    assert share_in_shortage(False) == pytest.approx(1 - stays, abs=0.07)


def test_what_cannot_be_drawn_is_refused() -> None:
    case = random_case()
    with pytest.raises(PlannerError, match='draws \'sobel\' are not known; did you mean "sobol"'):
        make_futures(case, SHORT, scenarios=4, draws="sobel")
    with pytest.raises(PlannerError, match="0 scenarios asked for"):
        make_futures(case, SHORT, scenarios=0)
    with pytest.raises(PlannerError, match="no number of scenarios"):
        make_futures(case, SHORT)
    given = random_case(factors=({"factor_id": "spot", "model": "given", "drives": "curves[spot]"},))
    with pytest.raises(PlannerError, match="factors spot are given from outside"):
        make_futures(given, SHORT, scenarios=4)
    with pytest.raises(ValueError, match="one after another"):
        make_futures(case, SHORT, scenarios=4).piece(slice(0, 4, 2))


def test_a_case_without_anything_at_random_has_futures() -> None:
    bare = random_case(factors=(), power=[], customers=[], leases=[], lease_rates=[], market=[], mining=[])
    for draws in Draws:
        made = make_futures(bare, SHORT, scenarios=3, draws=draws)
        assert arrays(made.values) == {}
        assert [later - earlier for earlier, later in pairwise(map(int, made.names))] == [1, 1]

"""What is drawn once for a whole future: slips and overruns, their closed forms, their company, and what is refused."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scenarios.random_case import FACTORS, GAS, Row, random_case

from kernels.factor_models import triangular_mean
from planner.candidates.outlook import make_outlook
from planner.case.calendar import Calendar
from planner.case.edits import apply_edits
from planner.errors import CaseError
from planner.scenarios.futures import Draws, Futures, Values, make_futures
from planner.scenarios.imported import read_imported
from planner.scenarios.outlook import scenario_outlook

SHORT = Calendar("2027-01", 24)
BUILD: Row = {
    "factor_id": "build", "model": "triangular", "drives": "construction[river]", "low": -6, "mode": -3, "high": 9
}
ALL: Row = {
    "factor_id": "labour", "model": "discrete_delay", "drives": "construction", "outcomes": "-2:0.5;1:0.25;3:0.25"
}
CHIPS: Row = {
    "factor_id": "chips", "model": "discrete_delay", "drives": "delivery[new]", "outcomes": "-1:0.6;0:0.3;6:0.1"
}
STEEL: Row = {
    "factor_id": "steel", "model": "triangular", "drives": "capex[shell]", "low": -0.1, "mode": 0, "high": 0.4
}
COST: Row = {"factor_id": "cost", "model": "triangular", "drives": "capex", "low": -0.2, "mode": -0.1, "high": 0.3}
SINGLE = (BUILD, ALL, CHIPS, STEEL, COST)


def futures(
    scenarios: int, *, factors: tuple[Row, ...] = (*FACTORS, *SINGLE), draws: Draws = Draws.INDEPENDENT, **case: object
) -> Futures:
    return make_futures(random_case(factors=factors, **case), SHORT, scenarios=scenarios, draws=draws)  # type: ignore[arg-type]


def single(values: Values) -> dict[str, np.ndarray]:
    return {**values.slips, **values.overruns}


def _triangle_deviation(low: float, mode: float, high: float) -> float:
    return float(np.sqrt((low**2 + mode**2 + high**2 - low * mode - low * high - mode * high) / 18.0))


CLOSED: dict[str, tuple[float, float]] = {
    # mean and standard deviation; a triangle rounded to whole months keeps its symmetric rounding, of variance 1/12
    "build": (0.0, float(np.hypot(_triangle_deviation(-6, -3, 9), np.sqrt(1 / 12)))),
    "labour": (0.0, float(np.sqrt(0.5 * 4 + 0.25 * 1 + 0.25 * 9))),
    "chips": (0.0, float(np.sqrt(0.6 + 3.6))),
    "steel": (1.0, _triangle_deviation(-0.1, 0, 0.4) / (1.0 + triangular_mean(low=-0.1, mode=0, high=0.4))),
    "cost": (1.0, _triangle_deviation(-0.2, -0.1, 0.3)),
}


@pytest.mark.parametrize("name", CLOSED)
def test_means_converge_to_their_closed_form_as_one_over_the_root_of_n(name: str) -> None:
    """Means of many runs of n scatter around the closed form as deviation / sqrt(n), at two sizes."""
    mean, deviation = CLOSED[name]
    drawn = single(futures(64_000).values)[name].astype(np.float64)
    assert drawn.std() == pytest.approx(deviation, rel=0.02)
    assert abs(drawn.mean() - mean) < 4.0 * deviation / np.sqrt(len(drawn)) + (0.02 if name == "build" else 0.0)
    for size in (40, 640):
        scatter = np.sqrt(((drawn.reshape(-1, size).mean(axis=1) - mean) ** 2).mean())
        assert scatter == pytest.approx(deviation / np.sqrt(size), rel=0.3)


@pytest.mark.parametrize("draws", list(Draws))
def test_pieces_and_seeds_and_more_scenarios_agree(draws: Draws) -> None:
    whole = single(futures(40, draws=draws).values)
    parts = [single(piece.values) for piece in futures(40, draws=draws).pieces(7)]
    more = single(futures(64, draws=draws).values)
    for name, drawn in whole.items():
        np.testing.assert_array_equal(np.concatenate([part[name] for part in parts]), drawn)
        np.testing.assert_array_equal(more[name][:40], drawn)


@pytest.mark.parametrize("draws", list(Draws))
def test_at_the_end_of_the_table_they_change_no_other_even_when_correlated(draws: Draws) -> None:
    old = futures(32, factors=FACTORS, draws=draws).values
    rows = [
        {"factor_a": "steel", "factor_b": "gas", "correlation": 0.6},
        {"factor_a": "chips", "factor_b": "delay[cells:1]", "correlation": 0.4},
    ]
    new = futures(32, draws=draws, correlations=rows).values
    for name, path in old.multipliers.items():
        np.testing.assert_array_equal(new.multipliers[name], path)
    for name, late in old.late_months.items():
        np.testing.assert_array_equal(new.late_months[name], late)


def test_the_copula_joins_them_to_prices_delays_and_one_another() -> None:
    rows = [
        {"factor_a": "steel", "factor_b": "gas", "correlation": 0.6},
        {"factor_a": "steel", "factor_b": "build", "correlation": 0.6},
        {"factor_a": "build", "factor_b": "delay[cells:1]", "correlation": 0.5},
    ]
    values = futures(20_000, correlations=rows).values
    # The price returns to its mean, so its average remembers less than all of its shocks.
    assert 0.35 < np.corrcoef(
        values.overruns["steel"], np.log(values.multipliers["gas"][:, :24]).mean(axis=1)
    )[0, 1] < 0.62
    assert np.corrcoef(values.overruns["steel"], values.slips["build"])[0, 1] == pytest.approx(0.58, abs=0.04)
    assert np.corrcoef(
        values.slips["build"], values.late_months["delay[cells:1]"]
    )[0, 1] == pytest.approx(0.48, abs=0.05)
    assert abs(np.corrcoef(values.overruns["cost"], values.slips["chips"])[0, 1]) < 0.03


def test_slips_add_and_overruns_multiply() -> None:
    base = make_outlook(random_case(factors=(*FACTORS, *SINGLE)))
    future = scenario_outlook(base, make_futures(base.case, base.calendar, scenarios=50))
    values = future.futures.values
    np.testing.assert_array_equal(
        future.slip_months("construction", "river"), values.slips["build"] + values.slips["labour"]
    )
    np.testing.assert_array_equal(future.slip_months("construction", "pit"), values.slips["labour"])
    np.testing.assert_array_equal(future.slip_months("delivery", "old"), 0)
    np.testing.assert_allclose(future.overrun("shell"), values.overruns["steel"] * values.overruns["cost"] - 1.0)
    np.testing.assert_allclose(future.overrun("gpu"), values.overruns["cost"] - 1.0)
    assert base.slip_months("construction", "river").tolist() == [0]
    assert base.overrun("shell").tolist() == [0.0]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({**BUILD, "drives": "construction[rivr]"}, 'sites has no .rivr.*did you mean "river"'),
        ({**CHIPS, "drives": "delivery[newer]"}, "gpus has no"),
        ({**STEEL, "drives": "capex[land]"}, "no asset class"),
        (
            {**STEEL, "model": "gbm", "volatility_per_year": 0.2, "low": None, "mode": None, "high": None},
            "a gbm cannot drive it",
        ),
        ({**CHIPS, "drives": "capex[gpu]"}, "a discrete_delay cannot drive it"),
        ({**STEEL, "drives": "market"}, "a triangular cannot drive it"),
        ({**BUILD, "high": 12}, "rounded up, is 1 months against dates that the base case expects"),
        ({**CHIPS, "outcomes": "0:0.5;3:0.5"}, "rounded up, is 2 months"),
        ({**STEEL, "mode": 0.5}, "not between -0.1 and 0.4"),
        ({**STEEL, "low": -1}, "all of the capex"),
        ({**STEEL, "low": None}, "blank, but a factor triangular needs it"),
        ({**GAS, "factor_id": "g", "low": 0}, "a factor mean_reverting has no such parameter"),
        (
            {"factor_id": "d", "model": "discrete_delay", "drives": "delay[line:1]", "outcomes": "-3:0.5;3:0.5"},
            "a phase cannot come before the month promised",
        ),
    ],
)
def test_what_means_nothing_is_refused(row: Row, said: str) -> None:
    with pytest.raises(CaseError, match=said):
        apply_edits(random_case(factors=(*FACTORS, row)), [])


def test_they_may_be_brought(tmp_path: object, written: Callable[[str], object]) -> None:
    case = random_case(factors=(GAS, CHIPS, STEEL))
    path = written("factor_id,scenario,month,value\nchips,dry,,7\nchips,wet,,-2\nsteel,dry,,1.3\nsteel,wet,,0.9\n")
    values = make_futures(case, SHORT, imported=read_imported(path, case, SHORT)).values  # type: ignore[arg-type]
    assert values.slips["chips"].tolist() == [7, -2]
    assert values.overruns["steel"].tolist() == [1.3, 0.9]
    for wrong in (
        "chips,dry,,7.5\nchips,wet,,0\n", "steel,dry,,-1\nsteel,wet,,1\n", "chips,dry,2027-01,1\nchips,wet,2027-01,1\n"
    ):
        with pytest.raises(CaseError):
            read_imported(written("factor_id,scenario,month,value\n" + wrong), case, SHORT)  # type: ignore[arg-type]


@pytest.fixture
def written(tmp_path: object) -> Callable[[str], object]:
    def write(text: str) -> object:
        path = tmp_path / "paths.csv"  # type: ignore[operator]
        path.write_text(text)
        return path

    return write

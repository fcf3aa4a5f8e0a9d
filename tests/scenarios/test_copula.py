"""What is correlated moves together, what is not does not, and what cannot hold is refused with its pair."""

from __future__ import annotations

import numpy as np
import pytest
from scenarios.random_case import GAS, HASH, NEW, random_case
from scipy.stats import spearmanr

from planner.case.calendar import Calendar
from planner.errors import CaseError
from planner.scenarios.copula import copula_of, spread_over_months
from planner.scenarios.futures import Values, make_futures

YEARS = Calendar("2027-01", 24, 2)
MANY = 4000
WIDE = 4.5 / np.sqrt(MANY)


def values(correlations: list[dict[str, object]], **case: object) -> Values:
    return make_futures(random_case(correlations=correlations, **case), YEARS, scenarios=MANY).values  # type: ignore[arg-type]


def row(a: str, b: str, correlation: float) -> dict[str, object]:
    return {"factor_a": a, "factor_b": b, "correlation": correlation}


def rank(a: np.ndarray, b: np.ndarray) -> float:
    return float(spearmanr(a, b).statistic)


def expected(correlation: float) -> float:
    """Spearman's rho of a Gaussian copula: 6 / pi asin(correlation / 2)."""
    return 6.0 / np.pi * np.arcsin(correlation / 2.0)


def test_delays_move_with_prices() -> None:
    """A price without reversion ends where the sum of its shocks over the horizon leads."""
    found = values([row("delay[line:1]", "new price", 0.7), row("delay[cells:1]", "new price", -0.5)])
    end = found.multipliers["new price"][:, YEARS.horizon - 1]
    assert rank(found.late_months["delay[line:1]"], end) == pytest.approx(expected(0.7), abs=WIDE)
    # seven values: ties
    assert rank(found.late_months["delay[cells:1]"], end) == pytest.approx(expected(-0.5), abs=WIDE + 0.02)
    assert rank(found.late_months["delay[line:1]"], found.multipliers["hash"][:, -1]) == pytest.approx(0.0, abs=WIDE)
    # Shocks after the horizon are of their own, and early ones share as their months do.
    after = found.multipliers["new price"][:, -1] / end
    assert rank(found.late_months["delay[line:1]"], after) == pytest.approx(0.0, abs=WIDE)
    early = found.multipliers["new price"][:, 5]
    assert rank(found.late_months["delay[line:1]"], early) == pytest.approx(expected(0.7 * np.sqrt(6 / 24)), abs=WIDE)


def test_spread_shocks_are_independent_normals_that_add_up() -> None:
    draw = np.random.default_rng(3)
    normal, by_month = draw.standard_normal(MANY), draw.standard_normal((30, MANY))
    path = spread_over_months(normal, by_month, horizon=20)
    np.testing.assert_allclose(path[:20].sum(axis=0), np.sqrt(20) * normal, atol=1e-12)
    np.testing.assert_array_equal(path[20:], by_month[20:])
    np.testing.assert_allclose(np.corrcoef(path), np.eye(30), atol=1.1 * WIDE)
    np.testing.assert_allclose(path.std(axis=1), 1.0, atol=WIDE)


def test_prices_move_together_month_by_month() -> None:
    found = values([row("gas", "hash", 0.6), row("new price", "hash", -0.4)])
    logs = {name: np.diff(np.log(path), axis=1)[:, 7] for name, path in found.multipliers.items()}
    assert np.corrcoef(logs["new price"], logs["hash"])[0, 1] == pytest.approx(-0.4, abs=WIDE)
    # Of a month of a reverting price, its shock is a part.
    assert np.corrcoef(logs["gas"], logs["hash"])[0, 1] > 0.45
    assert np.corrcoef(logs["gas"], logs["new price"])[0, 1] == pytest.approx(0.0, abs=WIDE)


def test_a_selector_names_all_pairs() -> None:
    found = values(
        [row("delay[kind=grid]", "delay[kind=grid]", 0.8), row("default[rating=BBB];default[lab]", "gpus", 0.5)]
    )
    assert rank(
        found.late_months["delay[line:1]"], found.late_months["delay[line:2]"]
    ) == pytest.approx(expected(0.8), abs=WIDE)
    assert rank(found.late_months["delay[line:1]"], found.late_months["delay[cells:1]"]) == pytest.approx(0.0, abs=WIDE)
    copula = copula_of(random_case(correlations=[row("default[rating=BBB];default[lab]", "gpus", 0.5)]))
    assert copula.names == ("default[lab]", "default[child]", "default[state]", "gpus")
    np.testing.assert_allclose((copula.lower @ copula.lower.T)[3], [0.5, 0.5, 0.5, 1.0])


def test_defaults_come_later_and_renewals_oftener_when_the_market_is_high() -> None:
    found = values([row("default[lab]", "new price", 0.7), row("renewal[train]", "new price", 0.7)])
    end = found.multipliers["new price"][:, YEARS.horizon - 1]
    high = end > np.median(end)
    assert found.default_month["default[lab]"][high].mean() > found.default_month["default[lab]"][~high].mean() + 3
    assert found.renewed["renewal[train]"][high].mean() > found.renewed["renewal[train]"][~high].mean() + 0.3


def test_full_correlation_is_accepted() -> None:
    found = values([row("delay[line:1]", "delay[line:2]", 1.0), row("gas", "hash", -1.0)])
    np.testing.assert_array_equal(found.late_months["delay[line:1]"], found.late_months["delay[line:2]"])
    assert rank(found.multipliers["gas"][:, 0], found.multipliers["hash"][:, 0]) == pytest.approx(-1.0, abs=1e-12)


def test_contradictions_are_refused_with_their_pair() -> None:
    rows = [
        row("hash", "use", 0.2), row("gas", "new price", 0.6), row("gas", "delay[line:1]", 0.6),
        row("new price", "delay[line:1]", -0.9),
    ]
    with pytest.raises(CaseError, match="1 fault") as refused:
        random_case(correlations=rows)
    (fault,) = refused.value.faults
    assert (fault.file, fault.row, fault.column, fault.value) == ("correlations.csv", 5, "correlation", "-0.9")
    # With both others at 0.6 it lies within 0.6^2 -+ (1 - 0.6^2).
    assert "-0.9 between new price and delay[line:1] contradicts the others; between -0.28 and 1" in fault.why


def test_pairs_left_out_are_independent_and_can_contradict() -> None:
    # With nothing between the two others, 0.9 leaves sqrt(1 - 0.9^2) for the second.
    with pytest.raises(
        CaseError, match=r"row 2, .*0\.9 between gas and new price contradicts the others; between -0\.4359 and 0\.4359"
    ):
        random_case(correlations=[row("gas", "new price", 0.9), row("gas", "delay[line:1]", 0.9)])


def test_order_of_the_rows_does_not_matter() -> None:
    rows = [row("gas", "hash", 0.6), row("delay[line:1]", "gas", 0.3), row("new price", "hash", -0.4)]
    one, other = values(rows, factors=(GAS, NEW, HASH)), values(rows[::-1], factors=(GAS, NEW, HASH))
    for name, path in one.multipliers.items():
        np.testing.assert_array_equal(path, other.multipliers[name])

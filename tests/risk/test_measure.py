from __future__ import annotations

from fractions import Fraction
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.errors import PlannerError
from planner.solver.column_generation.mean_cvar import MeanCvar


@given(st.lists(st.integers(-50, 50), min_size=5, max_size=8), st.sampled_from([0.0, 0.25, 1.0]))
@settings(deadline=None, max_examples=80)
def test_equal_to_the_enumeration_of_all_tails(npv: list[int], weight: float) -> None:
    """With equal weights and (1 - alpha) S whole, CVaR is the worst mean loss over all sets of that many scenarios."""
    count = len(npv)
    tail = 2
    worst = max(Fraction(-sum(chosen), tail) for chosen in combinations(npv, tail))
    measure = MeanCvar(weight, 1.0 - tail / count, np.full(count, 1.0 / count))
    found = np.array(npv, dtype=float)
    assert measure.cvar(found) == pytest.approx(float(worst), abs=1e-9)
    exact = (1 - Fraction(weight)) * Fraction(sum(npv), count) - Fraction(weight) * worst
    assert measure.value(found) == pytest.approx(float(exact), abs=1e-9)


@given(st.integers(0, 10_000))
@settings(deadline=None, max_examples=60)
def test_the_dual_measure_is_one_and_attains_the_value(seed: int) -> None:
    rng = np.random.default_rng(seed)
    count = int(rng.integers(2, 30))
    measure = MeanCvar(float(rng.uniform()), float(rng.uniform(0.05, 0.95)), rng.dirichlet(np.ones(count)))
    npv = np.round(rng.normal(size=count), 1)  # with ties
    feared = measure.feared(npv)
    assert feared.min() >= 0.0
    assert feared.sum() == pytest.approx(1.0, abs=1e-12)
    assert (feared - (1.0 - measure.weight) * measure.probability <= measure.weight * measure.most + 1e-12).all()
    assert feared @ npv == pytest.approx(measure.value(npv), abs=1e-9)
    other = (1.0 - measure.weight) * measure.probability + measure.weight * measure.tail(rng.normal(size=count))
    assert other @ npv >= measure.value(npv) - 1e-9


@pytest.mark.parametrize(("weight", "alpha"), [(-0.1, 0.95), (1.1, 0.95), (0.5, 0.0), (0.5, 1.0)])
def test_what_is_no_measure_is_refused(weight: float, alpha: float) -> None:
    with pytest.raises(PlannerError, match=r"give one from 0|level between 0 and 1"):
        MeanCvar(weight, alpha, np.array([0.5, 0.5]))

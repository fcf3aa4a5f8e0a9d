"""What it would be worth to know the future, and what it is worth to plan for many: EVPI and VSS, on the relaxation.

    EVPI = E[best NPV where the future is known before deciding] - best expected NPV
    VSS  = objective of the plan made over all futures - objective of the plan made for the base case

Birge and Louveaux, Introduction to Stochastic Programming (2011), chapter 4. EVPI is a mean over a sample of the
futures, each a re-solve of one kept programme with other costs; it is taken as the mean of differences to the plan of
the best expected NPV in the same futures, which has less noise than the difference of means.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from planner.arrays import Floats
from planner.solver.column_generation.columns import FixedPart
from planner.solver.column_generation.mean_cvar import MeanCvar
from planner.solver.growing_lp import GrowingLp


@dataclass(frozen=True)
class Information:
    """EVPI and VSS in $M with their standard errors, futures in the sample of EVPI, and the objective of the base-case
    plan."""

    evpi: float
    evpi_error: float
    sample: int
    vss: float
    vss_error: float
    base_plan_value: float


def value_of_information(
    fixed: FixedPart, base: Floats, measure: MeanCvar, npv: Floats, *, sample: int, seed: int
) -> Information:
    """EVPI over `sample` futures drawn without replacement, and VSS over all.

    base: NPV of each column in the base case, (n,), $M. npv: of the plan made over all futures, by scenario, (S,), on
    the relaxation as everything here.
    """
    lp = GrowingLp.of(fixed.arrays)
    every = np.arange(fixed.arrays.columns)

    def best(cost: Floats) -> Floats:
        lp.change_costs(every, cost)
        return lp.solve().levels

    base_npv = fixed.values.npv(best(base))
    mean_npv = fixed.values.npv(best(fixed.values.mean))
    count = min(sample, measure.scenarios)
    chosen = np.random.default_rng(seed).choice(measure.scenarios, count, replace=False, p=measure.probability)
    gains = []
    for scenario in np.sort(chosen).tolist():
        cost = fixed.values.mean.copy()
        cost[fixed.values.varying] += fixed.values.deviation[:, scenario]
        gains.append(float(cost @ best(cost)) - float(mean_npv[scenario]))
    differences = contributions(measure, npv) - contributions(measure, base_npv)
    return Information(
        evpi=float(np.mean(gains)), evpi_error=_error(np.array(gains)), sample=count,
        vss=float(measure.probability @ differences), vss_error=_weighted_error(differences, measure.probability),
        base_plan_value=measure.value(base_npv),
    )


def contributions(measure: MeanCvar, npv: Floats) -> Floats:
    """What each scenario adds to the objective: (1 - w) z - w (eta + (-z - eta)+ / (1 - alpha)) with eta the VaR; their
    mean is the objective."""
    order = np.argsort(-npv, kind="stable")
    reached = np.searchsorted(np.cumsum(measure.probability[order]), measure.alpha - 1e-9)
    eta = -float(npv[order[min(int(reached), len(order) - 1)]])
    found: Floats = (1.0 - measure.weight) * npv - measure.weight * (
        eta + np.maximum(-npv - eta, 0.0) / (1.0 - measure.alpha)
    )
    return found


def _error(numbers: Floats) -> float:
    return float(np.std(numbers, ddof=1) / np.sqrt(len(numbers))) if len(numbers) > 1 else np.inf


def _weighted_error(numbers: Floats, probability: Floats) -> float:
    draws = 1.0 / float(probability @ probability)
    spread = float(np.sqrt(probability @ (numbers - probability @ numbers) ** 2))
    return spread / np.sqrt(draws - 1.0) if draws > 1.0 else np.inf

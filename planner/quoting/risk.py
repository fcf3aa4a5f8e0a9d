"""The floor where the future is not the base case: what signing adds in every future, both plans held as they are.

    D_s(r) = NPV of the plan with the lease at rate r - NPV of the plan without it, in scenario s

Both plans are held: neither reacts to the future. The mean floor is the rate at which the mean of D is zero; the tail
floor the one at which the mean of the worst 1 - alpha share of D is zero; in between, (1 - w) x mean + w x tail mean.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from kernels.pieces import usable_cores
from kernels.reference.measures import mean, tail_mean
from planner.arrays import Floats
from planner.candidates.build import CandidateSet
from planner.candidates.packages import Package
from planner.errors import PlannerError
from planner.scenarios.futures import make_futures
from planner.scoring.items import items_of
from planner.scoring.values import item_values

STEP = 0.01
"""Share of the rate by which the slope in each future is told."""


@dataclass(frozen=True)
class QuoteRisk:
    """Futures drawn, level of the tail, weight w of the tail between the two, and draws."""

    scenarios: int
    alpha: float = 0.95
    weight: float = 0.5
    draws: str = "independent"
    seed: int | None = None

    def __post_init__(self) -> None:
        if not 0.0 < self.alpha < 1.0:
            raise PlannerError(f"alpha = {self.alpha}: give a level between 0 and 1, such as 0.95")
        if not 0.0 <= self.weight <= 1.0:
            raise PlannerError(f"the risk weight {self.weight} is no share: give 0 to 1")


@dataclass(frozen=True)
class RiskFloor:
    """Floors over the futures in the inquiry's rate unit, and what signing at the base floor adds: mean and CVaR of the
    loss.

    mean_rate, tail_rate: where the mean, and the mean of the worst 1 - alpha share, of what signing adds is zero.
    rate: at the weight asked for. Plans are held in every future.
    """

    mean_rate: float
    tail_rate: float
    rate: float
    added_mean_usd: float
    added_cvar_usd: float
    options: QuoteRisk


def risk_floor(
    priced: Callable[[float], CandidateSet], rate: float, without: Floats, with_it: Floats, options: QuoteRisk
) -> RiskFloor:
    """Floors over futures; priced: the candidates (in one order) with the inquiry at a rate; levels of both plans over
    them."""
    added, weights = _added(priced(rate), without, with_it, options)
    step = max(STEP * rate, 1e-3)
    slope = (_added(priced(rate + step), without, with_it, options)[0] - added) / step

    def measured(weight: float) -> Callable[[float], float]:
        def value(other: float) -> float:
            moved = added + slope * (other - rate)
            tail = -float(tail_mean(-moved, weights, level=options.alpha))
            return (1.0 - weight) * float(mean(moved, weights)) + weight * tail

        return value

    rates = [_root(measured(weight), rate, slope, weights) for weight in (0.0, 1.0, options.weight)]
    cvar = float(tail_mean(-added, weights, level=options.alpha))
    return RiskFloor(rates[0], rates[1], rates[2], float(mean(added, weights)), cvar, options)


def _added(candidates: CandidateSet, without: Floats, with_it: Floats, options: QuoteRisk) -> tuple[Floats, Floats]:
    """What the second plan is worth over the first by scenario, dollars, and the weights of the scenarios, each (S,).

    The draws depend on the seed and the factors alone, so they are the same at every rate.
    """
    outlook = candidates.outlook
    futures = make_futures(
        outlook.case, outlook.calendar, scenarios=options.scenarios, seed=options.seed, draws=options.draws
    )
    change = with_it - without
    held = np.flatnonzero(change)
    if not len(held):
        return np.zeros(len(futures)), futures.weights
    items = items_of([Package("change", held, change[held])])
    return item_values(candidates, items, futures, {}, paths=False, threads=usable_cores()).npv[0], futures.weights


def _root(value: Callable[[float], float], rate: float, slope: Floats, weights: Floats) -> float:
    """The rate at which a rising function is zero, by halving a bracket; NaN where no rate reaches it."""
    if not float(slope @ weights) > 0.0:
        return float("nan")
    low, high, reach = rate, rate, max(abs(rate), 1.0)
    for _ in range(60):
        if value(low) <= 0.0:
            break
        low -= reach
        reach *= 2.0
    reach = max(abs(rate), 1.0)
    for _ in range(60):
        if value(high) >= 0.0:
            break
        high += reach
        reach *= 2.0
    else:
        return float("nan")
    for _ in range(200):
        middle = 0.5 * (low + high)
        low, high = (low, middle) if value(middle) >= 0.0 else (middle, high)
    return 0.5 * (low + high)

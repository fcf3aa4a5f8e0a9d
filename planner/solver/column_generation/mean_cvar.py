"""Mean and CVaR in one objective, and the scenario weights behind it.

    rho(z) = (1 - w) E[z] - w CVaR_alpha(-z) = min over pi of sum of pi_s z_s
    pi_s = (1 - w) p_s + w q_s,   0 <= q_s <= p_s / (1 - alpha),   sum of q_s = 1

The least pi is the dual measure: it says which futures a plan fears. Rockafellar and Uryasev, Optimization of
conditional value-at-risk, Journal of Risk 2 (2000), 21-41.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kernels.reference.measures import require_level, require_weights, tail_mean
from planner.arrays import Floats
from planner.errors import PlannerError
from planner.solver.column_generation.columns import MILLION

DUST = 1e-12


@dataclass(frozen=True)
class MeanCvar:
    """(1 - weight) x mean - weight x CVaR of the loss at level alpha, over scenarios of given probabilities (S,)."""

    weight: float
    alpha: float
    probability: Floats

    def __post_init__(self) -> None:
        if not 0.0 <= self.weight <= 1.0:
            raise PlannerError(
                f"a risk weight of {self.weight} was given; give one from 0 (mean NPV alone) to 1 (CVaR alone)"
            )
        try:
            require_level(self.alpha)
            require_weights(self.probability)
        except ValueError as error:
            raise PlannerError(f"risk is not defined: {error}") from error

    @property
    def scenarios(self) -> int:
        """How many scenarios."""
        return len(self.probability)

    @property
    def most(self) -> Floats:
        """Greatest weight of each scenario in the tail: p / (1 - alpha), shape (S,)."""
        return self.probability / (1.0 - self.alpha)

    def mean(self, npv: Floats) -> float:
        """Expected NPV of a plan, from its NPV by scenario (S,)."""
        return float(self.probability @ npv)

    def cvar(self, npv: Floats) -> float:
        """CVaR of the loss -NPV; positive is a loss."""
        return float(tail_mean(-npv, self.probability, level=self.alpha))

    def value(self, npv: Floats) -> float:
        """The objective of a plan, from its NPV by scenario (S,)."""
        return (1.0 - self.weight) * self.mean(npv) - self.weight * self.cvar(npv)

    def tail(self, npv: Floats) -> Floats:
        """The weights q of the worst 1 - alpha share of the futures, the atom at VaR split; (S,), they add to 1."""
        order = np.argsort(npv, kind="stable")
        before = np.concatenate([[0.0], np.cumsum(self.most[order])[:-1]])
        weights = np.zeros(self.scenarios)
        weights[order] = np.clip(1.0 - before, 0.0, self.most[order])
        weights[weights < DUST] = 0.0  # what rounding leaves of a tail that is full
        return weights / weights.sum()

    def feared(self, npv: Floats) -> Floats:
        """The least weights pi at a plan, (S,): pi @ npv = value(npv)."""
        found: Floats = (1.0 - self.weight) * self.probability + self.weight * self.tail(npv)
        return found


def in_words(usd: float) -> str:
    """Dollars as $1,234.5M or -$1,234.5M, below a tenth of a million as they are."""
    size = abs(usd)
    return f"{'-' if usd < 0.0 else ''}" + (
        f"${size / MILLION:,.1f}M" if size >= 1e5 or size == 0.0 else f"${size:,.4g}"
    )

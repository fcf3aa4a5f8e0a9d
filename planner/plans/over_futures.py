"""How a plan fares over many futures: mean, tail and chance of a loss, beside the one future that it was made for."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from kernels.reference.measures import NpvMeasures, npv_measures
from planner.arrays import Floats


@dataclass(frozen=True, eq=False, repr=False)
class OverFutures:
    """The NPV of a plan as it stands in S futures, dollars; to equity where the plan is made for equity.

    npv_usd, weights: by future, shape (S,); the weights add to 1. alpha: level of CVaR. seed: of the draws; imported:
    the file that the futures come from in place of draws, None for draws. made_for: whether the plan was made for these
    very futures, so that they flatter it. better_mean_usd: mean of another plan over the same futures, made for them
    with the same whole decisions: the best mean is no less. None where none was looked for or found better.
    """

    npv_usd: Floats
    weights: Floats
    alpha: float
    seed: int
    imported: str | None
    made_for: bool
    better_mean_usd: float | None = None
    seconds: float = 0.0

    def __repr__(self) -> str:
        return f"<OverFutures: {len(self):,} futures, mean ${self.mean_usd:,.0f}, CVaR ${self.cvar_usd:,.0f}>"

    def __len__(self) -> int:
        return len(self.npv_usd)

    @cached_property
    def _measures(self) -> NpvMeasures:
        return npv_measures(self.npv_usd, self.weights, alpha=self.alpha)

    @property
    def mean_usd(self) -> float:
        """Mean NPV."""
        return float(self._measures.mean)

    @property
    def standard_error_usd(self) -> float:
        """Standard error of the mean, infinite where one future has all the weight."""
        return float(self._measures.standard_error)

    @property
    def cvar_usd(self) -> float:
        """Mean loss of the worst 1 - alpha share of the futures; a gain is negative."""
        return float(self._measures.cvar)

    @property
    def loss_probability(self) -> float:
        """Weight of the futures in which the NPV is below zero."""
        return float(self._measures.loss_probability)

    @property
    def summary(self) -> dict[str, Any]:
        """What plan.json holds of it."""
        return {
            "alpha": self.alpha, "scenarios": len(self), "expected_npv_usd": self.mean_usd, "cvar_usd": self.cvar_usd,
            "loss_probability": self.loss_probability,
        }

    @property
    def record(self) -> dict[str, Any]:
        """What run.json holds of it."""
        error = self.standard_error_usd
        return {
            **self.summary,
            "standard_error_usd": error if error != float("inf") else None,
            "seed": None if self.imported else self.seed,
            "imported": self.imported,
            "made_for_them": self.made_for,
            "better_mean_npv_usd": self.better_mean_usd,
            "seconds": self.seconds,
        }


LEAST_GAIN = 1e-3
"""Share of its mean by which another plan must be better to be named: the gap at which plans after risk count as
proven."""


def better_by(mean_usd: float, better_usd: float | None) -> float | None:
    """By which share of a plan's mean another plan's is better; None where none is, or by less than is proven."""
    if better_usd is None:
        return None
    gain = (better_usd - mean_usd) / max(abs(mean_usd), 1.0)
    return gain if gain > LEAST_GAIN else None

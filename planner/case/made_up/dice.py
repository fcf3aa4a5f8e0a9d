"""The dice that draw a generated case, in the shapes that its tables need."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

Row = dict[str, object]
Choice = TypeVar("Choice")


@dataclass(frozen=True)
class Dice:
    """Draws in the shapes that a case needs: round figures, choices and chances.

    Each part of a case has dice of its own, so that one table's size does not change the others.
    """

    generator: np.random.Generator

    def chance(self, probability: float) -> bool:
        """True with the given probability."""
        return bool(self.generator.random() < probability)

    def pick(self, options: Sequence[Choice], weights: Sequence[float] | None = None) -> Choice:
        """One of the options, with equal chances or in proportion to `weights`."""
        shares = None if weights is None else np.asarray(weights, dtype=np.float64) / float(np.sum(weights))
        return options[int(self.generator.choice(len(options), p=shares))]

    def between(self, low: float, high: float, digits: int) -> float:
        """A number from `low` to `high`, rounded to `digits` decimals (negative: tens, hundreds)."""
        return round(float(self.generator.uniform(low, high)), digits)

    def whole(self, low: int, high: int) -> int:
        """A whole number from `low` to `high`, both included."""
        return int(self.generator.integers(low, high + 1))

    def some(self, options: Sequence[Choice], count: int) -> list[Choice]:
        """`count` different options in random order; all of them when there are no more."""
        order = self.generator.permutation(len(options))
        return [options[int(place)] for place in order[:count]]


"""The sign at which to act: of the figures known at a review, the one whose level tells best what to do.

A sign is one figure and one level, a decision tree of one split (Iba and Langley, Induction of one-level decision
trees, ICML 1992): it says what a planner has to watch, and how well that does against all that the policy knows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from planner.adapting.known import Known
from planner.adapting.nodes import shares
from planner.arrays import Flags, Floats


@dataclass(frozen=True)
class Sign:
    """A figure above or below a level says yes. accuracy: share of the probability in which it says what is done."""

    figure: Known
    level: float
    above: bool
    accuracy: float

    @property
    def words(self) -> str:
        """As `if on-demand vr200 is above 1.10 of its forward value`."""
        return self.figure.sign(self.level, self.above)

    def says(self, levels: Floats) -> Flags:
        """Whether it says yes at some levels of its figure."""
        return levels > self.level if self.above else levels <= self.level


TELLS = 0.5
"""Share of the mistakes of who always does the likelier thing that a sign must spare to be one."""


def best_sign(figures: Sequence[Known], done: Flags, weights: Floats) -> Sign | None:
    """The sign that is right most often; done: whether the policy acts in each future, (S,).

    None where no one figure tells: where the best spares less than TELLS of the mistakes that are made without any.
    Among equals the first figure in order, and the lowest level; the level lies half way between two futures.
    """
    best: Sign | None = None
    share = shares(weights)
    for figure in figures:
        order = np.argsort(figure.level, kind="stable")
        level, yes = figure.level[order], np.where(done[order], share[order], 0.0)
        no = share[order] - yes
        cut = np.flatnonzero(np.diff(level) > 0.0)
        if not len(cut):
            continue
        below_yes, below_no = np.cumsum(yes)[cut], np.cumsum(no)[cut]
        above = below_no + yes.sum() - below_yes
        for right, is_above in ((above, True), (1.0 - above, False)):
            at = int(np.argmax(right))
            if best is None or right[at] > best.accuracy + 1e-12:
                best = Sign(figure, float(level[cut[at]] + level[cut[at] + 1]) / 2.0, is_above, float(right[at]))
    always = max(float(share @ done), 1.0 - float(share @ done))
    return best if best is not None and 1.0 - best.accuracy <= (1.0 - TELLS) * (1.0 - always) + 1e-12 else None

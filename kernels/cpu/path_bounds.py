"""In which months a portfolio's running sum of cash can be below 0, and in which it can be at its deepest.

A sum of the candidates' least values over some scenarios, weighted by levels, is at most the least of the sums. Where
that bound is above 0 no path is below 0 in the month; where the bound on the difference from another month is, no path
is deeper than in that one. Bounds count only beyond all rounding of the sums themselves, so what they leave out
changes no bit of a result.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from kernels.cpu.sparse_product import Floats, SignedLevels

ANCHOR_MONTHS = 6
"""Every sixth month is an anchor: from the sums there follows whether the five months after can be below 0."""
_ROUNDINGS = 8.0
"""Sums of n products are off by at most n roundings of the sum of magnitudes; two sums, two bounds, their tables."""


@dataclass(frozen=True)
class Strip:
    """Running sums of cash per unit of each candidate over some scenarios, and bounds on them.

    running: (months, candidates, scenarios). least, greatest: (candidates, 3 months + 1), over the scenarios: of the
    running sum by month; of what it is above that of month `reference`; of what it is above that of the anchor
    before; last the greatest magnitude, in `greatest` with the sign turned, as a level below 0 turns it back.
    """

    running: Floats
    least: Floats
    greatest: Floats
    reference: int


def strip_of(running: Floats, reference: int) -> Strip:
    """Bounds of `running` (months, candidates, scenarios) against month `reference`, the one that is deepest as a
    rule."""
    months = len(running)
    size = np.abs(running).max(axis=(0, 2))[:, None]
    anchors = np.arange(months) // ANCHOR_MONTHS * ANCHOR_MONTHS
    least, greatest = [], []
    for above in (0.0, running[reference], running[anchors]):
        beyond = running - above
        least.append(beyond.min(axis=2).T)
        greatest.append(beyond.max(axis=2).T)
    lower, upper = (
        np.ascontiguousarray(np.concatenate(parts, axis=1)) for parts in ((*least, size), (*greatest, -size))
    )
    return Strip(running, lower, upper, reference)


@dataclass(frozen=True)
class MonthsOfInterest:
    """What the bounds of some portfolios say, flags by month (months,)."""

    below_zero: npt.NDArray[np.bool_]
    """Some path of some portfolio may be below 0."""
    deepest: npt.NDArray[np.bool_]
    """Some path may be below 0 and deeper than in every month that is not flagged."""
    after_anchor: Floats
    """By how much every path of every portfolio at least rises from the anchor before the month, less all rounding."""


def months_of_interest(levels: SignedLevels, rows: slice, strip: Strip) -> MonthsOfInterest:
    """The months that the portfolios of `rows` have to be taken through, over all scenarios of a strip."""
    months = len(strip.running)
    bound = levels.bounds(rows, strip.least, strip.greatest)
    rounding = _ROUNDINGS * (levels.longest + 4) * float(np.finfo(bound.dtype).eps)
    sure = bound[:, :-1] - rounding * bound[:, -1:]
    least = sure.min(axis=0, initial=np.inf)
    below_zero, deeper = least[:months] < 0.0, least[months : 2 * months] < 0.0
    deeper[strip.reference] = True
    return MonthsOfInterest(below_zero, below_zero & deeper, least[2 * months :])

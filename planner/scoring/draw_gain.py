"""What antithetic or Sobol draws gain: the variance of the mean NPV over as many plain draws, over the variance with
them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from scipy import stats

from kernels.devices import Engine
from planner.arrays import Floats
from planner.candidates.build import CandidateSet
from planner.scenarios.futures import Draws, Futures, make_futures
from planner.scoring.items import Bunch, Items
from planner.scoring.leading import Leading
from planner.scoring.values import item_values
from planner.wording import counted

RANDOMISATIONS = 16
"""Independent randomisations of the Sobol points, together about as many draws as the scores rest on."""
FEWEST = 8
CONFIDENCE = 0.9


@dataclass(frozen=True)
class DrawGain:
    """How many times as many plain draws give the mean NPV of a portfolio as exactly.

    ratio: (variance of one draw / draws) / variance of the mean over that many draws, with its 90 % interval [low,
    high].
    draws: in each mean; means: how many independent ones the variance is estimated from.
    """

    portfolio: str
    kind: str
    ratio: float
    low: float
    high: float
    draws: int
    means: int

    def __str__(self) -> str:
        many = f"{counted(self.means, 'mean')} of {counted(self.draws, 'draw')}"
        return (
            f"{self.kind} draws: the mean NPV of {self.portfolio} is as exact as with {self.ratio:.1f} times as many "
            "plain draws "
            f"(90 % interval {self.low:.1f} to {self.high:.1f}, from {many}); standard errors shown are those of plain "
            "draws"
        )


def gain_from_means(values: Floats) -> tuple[float, float, float]:
    """The ratio and its interval from `values` (means, draws): rows independent, the draws of a row not.

    Each draw alone is as a plain one, so all of them estimate the variance of a plain draw; the rows' means estimate
    that of the mean. The interval is that of a variance of normal means (chi square), the plain variance taken as
    known. Infinite where the means do not differ at all.
    """
    means, draws = values.shape
    if means < 2:
        raise ValueError("a variance needs at least two means")
    plain = float(values.var(ddof=1)) / draws
    spread = float(values.mean(axis=1).var(ddof=1))
    if spread <= 0.0:
        return math.inf, math.inf, math.inf
    free, tail = means - 1, (1.0 - CONFIDENCE) / 2.0
    low, high = (float(stats.chi2.ppf(level, free)) / free for level in (tail, 1.0 - tail))
    ratio = plain / spread
    return ratio, ratio * low, ratio * high


@dataclass(frozen=True, eq=False)
class Lead:
    """The leading portfolio of those scored so far, as one item, with its mean NPV and its NPV by future (S,)."""

    item: Items
    keeps: bool
    mean_usd: float
    npv_usd: Floats

    def beaten_by(self, other: Lead) -> bool:
        """Whether another keeps every limit where this does not, or has the greater mean."""
        return (other.keeps, other.mean_usd) > (self.keeps, self.mean_usd)


def lead_of(bunch: Bunch, leading: Leading) -> Lead:
    """The first of the leading portfolios of a piece."""
    row = bunch.names.index(leading.names[0])
    held = bunch.portfolios.part(slice(row, row + 1))
    levels = np.zeros(len(bunch.items))
    np.add.at(levels, held.candidates, held.levels)
    mixed = sp.csr_array(levels[None, :] @ bunch.items.levels)
    return Lead(
        Items((leading.names[0],), bunch.items.held, mixed), leading.keeps[0], leading.mean_usd[0], leading.npv_usd[0]
    )


def draw_gain(
    candidates: CandidateSet, lead: Lead, futures: Futures, *, engine: Engine, threads: int
) -> DrawGain | None:
    """The gain for the leading portfolio; None for plain draws, for paths imported, and for too few draws.

    Antithetic pairs are independent of one another, so they suffice.
    Sobol points are one set: its gain is measured on smaller sets, each shifted by a seed of its own, which understates
    it.
    """
    if futures.imported is not None or futures.draws is Draws.INDEPENDENT or len(futures) < 2 * FEWEST:
        return None
    if futures.draws is Draws.ANTITHETIC:
        values = lead.npv_usd[: len(futures) // 2 * 2].reshape(-1, 2)
    else:
        draws = max(1 << (max(len(futures) // RANDOMISATIONS, 1) - 1).bit_length(), FEWEST)
        seeds = range(futures.seed + 1, futures.seed + 1 + RANDOMISATIONS)
        sets = [
            make_futures(futures.case, futures.calendar, scenarios=draws, seed=seed, draws=futures.draws)
            for seed in seeds
        ]
        values = np.stack(
            [
                item_values(candidates, lead.item, each, {}, paths=False, threads=threads, engine=engine).npv[0]
                for each in sets
            ]
        )
    ratio, low, high = gain_from_means(values)
    return DrawGain(lead.item.names[0], futures.draws.value, ratio, low, high, values.shape[1], values.shape[0])

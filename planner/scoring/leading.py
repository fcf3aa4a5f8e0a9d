"""NPV by future of the leading portfolios, beside what each factor did in that future: what drives the risk of a
plan."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from kernels.cpu.portfolio import portfolio_sums
from planner.arrays import Floats

if TYPE_CHECKING:
    from planner.scenarios.futures import Futures
    from planner.scoring.items import Bunch

MOST = 10
"""Portfolios whose NPV is kept future by future."""
NPV_OF = "npv_usd of "
AT_ONCE = 256
"""Futures whose factors are held by month at once."""


@dataclass(frozen=True, eq=False)
class Leading:
    """Some portfolios with their NPV by future: names, whether each keeps every limit, mean NPV, npv_usd of shape (n,
    S)."""

    names: tuple[str, ...] = ()
    keeps: tuple[bool, ...] = ()
    mean_usd: tuple[float, ...] = ()
    npv_usd: Floats = field(default_factory=lambda: np.zeros((0, 0)))

    def joined(self, other: Leading, most: int = MOST) -> Leading:
        """The leading of both: those that keep every limit first, then by mean NPV, then in the order in which they
        came."""
        if not self.names or not other.names:
            return other if not self.names else self
        names, keeps, mean = self.names + other.names, self.keeps + other.keeps, self.mean_usd + other.mean_usd
        npv = np.concatenate([self.npv_usd, other.npv_usd])
        order = sorted(range(len(names)), key=lambda at: (not keeps[at], -mean[at]))[:most]
        return Leading(
            tuple(names[at] for at in order), tuple(keeps[at] for at in order), tuple(mean[at] for at in order),
            npv[order],
        )


def leading_of(
    bunch: Bunch, item_npv: Floats, mean_usd: np.ndarray, limits_broken: np.ndarray
) -> Leading:
    """The leading portfolios of a piece; `item_npv` (items, S) is what a unit of each item is worth in each future."""
    keeps = np.asarray(limits_broken) == 0
    mean = np.asarray(mean_usd, dtype=np.float64)
    order = np.lexsort((-mean, ~keeps))[:MOST]
    npv = [portfolio_sums(bunch.portfolios.part(slice(at, at + 1)), item_npv)[0] for at in order.tolist()]
    return Leading(
        tuple(bunch.names[at] for at in order), tuple(bool(keeps[at]) for at in order),
        tuple(float(mean[at]) for at in order),
        np.stack(npv) if npv else np.zeros((0, item_npv.shape[1])),
    )


def futures_table(leading: Leading, futures: Futures) -> pd.DataFrame:
    """A row per future: future, weight, a column `npv_usd of PORTFOLIO` for each, and a column for each thing that
    moves.

    A factor stands as the mean of its multiplier over the horizon, one drawn once as that draw, delay[...] as months
    late, default[...] as months until it (the length of the statement where it never comes), renewal[...] and
    offer[...] as 1 or 0.
    """
    horizon = futures.calendar.horizon
    parts: list[dict[str, Floats]] = []
    for piece in futures.pieces(AT_ONCE):
        drawn = piece.values
        parts.append(
            {
                **{name: path[:, :horizon].mean(axis=1) for name, path in drawn.multipliers.items()},
                **{
                    name: np.asarray(values, dtype=np.float64)
                    for once in (
                        drawn.late_months, drawn.default_month, drawn.renewed, drawn.offered, drawn.slips,
                        drawn.overruns, drawn.sizes,
                    )
                    for name, values in once.items()
                },
            }
        )
    moves = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    npv = {f"{NPV_OF}{name}": values for name, values in zip(leading.names, leading.npv_usd, strict=True)}
    return pd.DataFrame({"future": np.array(futures.names, dtype=object), "weight": futures.weights, **npv, **moves})

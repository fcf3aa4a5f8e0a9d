"""Portfolios that no other beats in both mean NPV and tail, and the best seen so far."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd


def pareto(scores: pd.DataFrame) -> pd.DataFrame:
    """Rows that no other row beats in one of mean_npv_usd (higher) and cvar_usd (lower) without losing in the other,
    best mean first."""
    ordered = scores.sort_values(["mean_npv_usd", "cvar_usd"], ascending=[False, True], kind="stable")
    least = np.minimum.accumulate(np.concatenate([[np.inf], ordered["cvar_usd"].to_numpy()]))[:-1]
    return ordered[ordered["cvar_usd"].to_numpy() < least]


@dataclass
class Leaders:
    """Of all pieces seen: how many portfolios, how many break no limit, the best by mean NPV and those not beaten.

    Portfolios that break a limit lead only as long as all do.
    """

    most: int = 10
    count: int = 0
    within: int = 0
    _best: dict[bool, pd.DataFrame] = field(default_factory=dict)
    _front: dict[bool, pd.DataFrame] = field(default_factory=dict)

    def add(self, table: pd.DataFrame) -> None:
        """Take in a piece of scores."""
        keeps = (table["limits_broken"] == 0).to_numpy()
        self.count += len(table)
        self.within += int(keeps.sum())
        for flag, rows in ((True, table[keeps]), (False, table)):
            if len(rows):
                best = pd.concat([self._best[flag], rows]) if flag in self._best else rows
                self._best[flag] = best.nlargest(self.most, "mean_npv_usd")
                front = pd.concat([self._front[flag], rows]) if flag in self._front else rows
                self._front[flag] = pareto(front)

    def rows(self) -> pd.DataFrame:
        """The rows of the pieces seen that lead in any of this, in their order: taken in with those of others they lead
        as all rows would.

        Pieces need an index that runs on from one to the next.
        """
        kept = pd.concat([*self._best.values(), *self._front.values()])
        return kept[~kept.index.duplicated()].sort_index()

    def join(self, rows: pd.DataFrame, count: int, within: int) -> None:
        """Take in what leads among `count` other portfolios, of which `within` break no limit."""
        before = self.count, self.within
        self.add(rows)
        self.count, self.within = before[0] + count, before[1] + within

    @property
    def best(self) -> pd.DataFrame:
        """The best by mean NPV, of those that break no limit if there are any."""
        return self._best[self.within > 0]

    @property
    def front(self) -> pd.DataFrame:
        """Those that nothing beats in both mean and tail, of those that break no limit if there are any."""
        return self._front[self.within > 0]

"""Limits that portfolios break: resource rows, least and greatest levels, and whole decisions that are not whole."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import scipy.sparse as sp

from kernels.cpu.portfolio import broken_limits
from planner.arrays import Floats, Ints
from planner.candidates.build import CandidateSet
from planner.scoring.items import Bunch, Items

LIMIT_TOLERANCE = 1e-6
"""Of the larger of 1, the limit and all that is used and provided under it: what the solver allows a plan."""
LEAST, MOST, WHOLE = "LEAST", "MOST", "WHOLE"
"""Beside the families of resources: a level below its least (what exists, what is committed, 0), above its most, or not
whole."""


@dataclass(frozen=True)
class Broken:
    """Limits broken, one row per portfolio and limit: positions of both, and the excess in the unit of the limit.

    limits: what each limit is, columns family, name, from_month, to_month, limit.
    """

    portfolio: Ints
    limit: Ints
    excess: Floats
    limits: pd.DataFrame

    def frame(self, names: tuple[str, ...]) -> pd.DataFrame:
        """As a table: portfolio, family, name, from_month, to_month, excess, limit."""
        chosen = self.limits.iloc[self.limit]
        return pd.DataFrame(
            {
                "portfolio": pd.Categorical.from_codes(self.portfolio, categories=pd.Index(names, dtype=object)),
                "family": _words(self.limits["family"], self.limit),
                "name": _words(self.limits["name"], self.limit),
                "from_month": chosen["from_month"].to_numpy(),
                "to_month": chosen["to_month"].to_numpy(),
                "excess": self.excess,
                "limit": chosen["limit"].to_numpy(),
            }
        )

    def columns(self, count: int) -> dict[str, np.ndarray]:
        """How many limits each of `count` portfolios breaks, and which it breaks most, relative to the limit."""
        worst, excess = np.full(count, "", dtype=object), np.zeros(count)
        if len(self.portfolio):
            relative = self.excess / np.maximum(np.abs(self.limits["limit"].to_numpy(np.float64)[self.limit]), 1.0)
            order = np.lexsort((self.limit, -relative, self.portfolio))
            owner = self.portfolio[order]
            first = order[np.flatnonzero(np.diff(owner, prepend=-1))]
            words = (self.limits["family"] + " " + self.limits["name"]).to_numpy(dtype=object)
            worst[self.portfolio[first]] = words[self.limit[first]]
            excess[self.portfolio[first]] = self.excess[first]
        return {
            "limits_broken": np.bincount(self.portfolio, minlength=count), "worst_limit": worst, "worst_excess": excess
        }


def _words(column: pd.Series, chosen: Ints) -> pd.Categorical:
    """Some of a column of words, kept as codes: a limit that every portfolio breaks is not written out for each."""
    codes, words = pd.factorize(column)
    return pd.Categorical.from_codes(codes[chosen], categories=pd.Index(words, dtype=object))


@dataclass(frozen=True, eq=False)
class Limits:
    """All limits over some items: use (items, limits) and what each limit is; after them a whole decision per row of
    `whole`.

    size: (items, limits) as use, with all that candidates use and provide counted as positive.
    """

    items: Items
    use: sp.csr_array
    size: sp.csr_array
    table: pd.DataFrame
    whole: Ints
    """Columns of the candidates held that are whole decisions."""

    def broken(self, bunch: Bunch, *, threads: int, budget_bytes: int) -> Broken:
        """What each portfolio of a bunch breaks, in the order of portfolios and limits."""
        limit = self.table["limit"].to_numpy(np.float64)
        bounded = limit[: self.use.shape[1]]
        open_ = self._can_break(bunch, bounded)
        found = broken_limits(
            bunch.portfolios, self.use[:, open_], bounded[open_], tolerance=LIMIT_TOLERANCE, threads=threads,
            budget_bytes=budget_bytes
        )
        portfolio, number, away = self._not_whole(bunch)
        resource = open_[found.resources]
        real = self._beyond_dust(bunch, found.portfolios, resource, found.excess)
        owner = np.concatenate([found.portfolios[real], portfolio])
        which = np.concatenate([resource[real], number])
        excess = np.concatenate([found.excess[real], away])
        order = np.lexsort((which, owner))
        return Broken(owner[order], which[order], excess[order], self.table)

    def most_broken(self, bunch: Bunch) -> int:
        """How many limits a portfolio of the bunch could break at most."""
        return len(
            self._can_break(bunch, self.table["limit"].to_numpy(np.float64)[: self.use.shape[1]])
        ) + len(self.whole)

    def _can_break(self, bunch: Bunch, limit: Floats) -> Ints:
        """Limits that some portfolio could break, by the greatest use that the levels of the bunch allow; never too
        few."""
        held = bunch.portfolios
        low, high = np.zeros(len(self.items)), np.zeros(len(self.items))
        np.minimum.at(low, held.candidates, held.levels)
        np.maximum.at(high, held.candidates, held.levels)
        if np.any(np.diff(held.starts) > len(self.items)):  # an item listed twice adds up beyond its greatest level
            return np.arange(len(limit))
        up, down = self.use.maximum(0), self.use.minimum(0)
        most = high @ up + low @ down
        return np.flatnonzero(most > limit)

    def _beyond_dust(self, bunch: Bunch, portfolio: Ints, resource: Ints, excess: Floats) -> np.ndarray:
        """Which excesses are more than the rounding of sums of large amounts (capital in dollars against a limit of
        0)."""
        held = bunch.portfolios
        levels = sp.csr_array((np.abs(held.levels), held.candidates, held.starts), shape=(len(bunch), len(self.items)))
        high = np.zeros(len(self.items))
        np.maximum.at(high, held.candidates, np.abs(held.levels))
        real: np.ndarray = excess > LIMIT_TOLERANCE * len(self.items) * (high @ self.size)[resource]
        unsure = np.flatnonzero(~real)
        if len(unsure):
            by_limit = sp.csr_array(self.size.T)
            size = levels[portfolio[unsure]].multiply(by_limit[resource[unsure]]).sum(axis=1)
            real[unsure] = excess[unsure] > LIMIT_TOLERANCE * np.asarray(size).reshape(-1)
        return real

    def _not_whole(self, bunch: Bunch) -> tuple[Ints, Ints, Floats]:
        held = bunch.portfolios
        levels = sp.csr_array((held.levels, held.candidates, held.starts), shape=(len(bunch), len(self.items)))
        decisions = (levels @ self.items.levels[:, self.whole]).tocoo()
        away = np.abs(decisions.data - np.round(decisions.data))
        part = away > LIMIT_TOLERANCE
        return (
            decisions.row[part].astype(np.int64), self.use.shape[1] + decisions.col[part].astype(np.int64), away[part]
        )


def limits_over(candidates: CandidateSet, items: Items) -> Limits:
    """Every limit, as the use of it by a unit of each item."""
    rows, table = candidates.rows, candidates.table
    lower, upper = table["lower"].to_numpy(np.float64), table["upper"].to_numpy(np.float64)
    # A least level above 0 binds those who do not hold the candidate too; 0 binds only what is held.
    must = np.flatnonzero(lower > 0.0)
    least = np.union1d(must, items.held)
    most = items.held[np.isfinite(upper[items.held])]
    bounds = sp.vstack([_unit_rows(least, len(table), -1.0), _unit_rows(most, len(table), 1.0)], format="csr")
    every = sp.vstack([rows.use, bounds], format="csr")
    by_candidate = every[:, items.held].T
    use = sp.csr_array(items.levels @ by_candidate)
    size = sp.csr_array(abs(items.levels) @ abs(by_candidate))
    ids = table["candidate_id"].to_numpy(dtype=object)
    whole = np.flatnonzero(table["integral"].to_numpy(bool)[items.held])
    named = [
        pd.DataFrame(
            {
                "family": rows.table["family"], "name": rows.table["name"], "from_month": rows.table["start"],
                "to_month": rows.table["end"], "limit": rows.table["limit"],
            }
        ),
        _bounds(LEAST, ids[least], -lower[least]), _bounds(MOST, ids[most], upper[most]),
        _bounds(WHOLE, ids[items.held[whole]], np.zeros(len(whole))),
    ]
    return Limits(items, use, size, pd.concat(named, ignore_index=True), whole)


def _unit_rows(numbers: Ints, columns: int, value: float) -> sp.csr_array:
    return sp.csr_array(
        (np.full(len(numbers), value), (np.arange(len(numbers)), numbers)), shape=(len(numbers), columns)
    )


def _bounds(family: str, names: np.ndarray, limit: Floats) -> pd.DataFrame:
    return pd.DataFrame({"family": family, "name": names, "from_month": 0, "to_month": 1, "limit": limit})

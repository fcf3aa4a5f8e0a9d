"""The limits of a candidate set as they stand in its rows and bounds."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from planner.arrays import Floats, Ints
from planner.candidates.build import CandidateSet
from planner.candidates.resources import Family, Rows
from planner.explaining.limits import Limit


@dataclass
class StatedLimits:
    """What is written down about the limits of a candidate set, one list per way in which a limit holds.

    raised: (limit, row, amount): loosened by s, the row's limit rises by amount x s.
    bounds: (limit, candidate, size, bound): size x level <= bound + s.
    closed: (limit, candidate): the candidate is not to be had while the limit holds.
    whole: (limit, candidate): the candidate is a whole decision while the limit holds.
    lower, upper: bounds that hold whatever is loosened. cost_usd: what a unit of a closed candidate costs to have.
    """

    candidates: CandidateSet
    rows: Rows
    limits: list[Limit] = field(default_factory=list)
    raised: list[tuple[int, int, float]] = field(default_factory=list)
    bounds: list[tuple[int, int, float, float]] = field(default_factory=list)
    closed: list[tuple[int, int]] = field(default_factory=list)
    whole: list[tuple[int, int]] = field(default_factory=list)
    lower: Floats = field(init=False)
    upper: Floats = field(init=False)
    cost_usd: Floats = field(init=False)
    _by_resource: dict[tuple[str, str], Ints] = field(init=False)

    def __post_init__(self) -> None:
        table = self.candidates.table
        self.lower = table["lower"].to_numpy(np.float64).copy()
        self.upper = table["upper"].to_numpy(np.float64).copy()
        self.cost_usd = np.zeros(len(table))
        groups = self.rows.table.groupby(["family", "name"], sort=False).indices
        self._by_resource = {
            (str(family), str(name)): np.asarray(at, dtype=np.int64) for (family, name), at in groups.items()
        }

    def add(self, limit: Limit) -> int:
        """Enter a limit; returns its number."""
        self.limits.append(limit)
        return len(self.limits) - 1

    def rows_of(self, family: Family, name: str) -> Ints:
        """Rows of a resource; none where nobody uses it."""
        return self._by_resource.get((family.name, name), np.zeros(0, dtype=np.int64))

    def names_of(self, family: Family) -> list[tuple[str, Ints]]:
        """Resources of a family with their rows."""
        return [(name, rows) for (known, name), rows in self._by_resource.items() if known == family.name]

    def parts_of(self, rows: Ints) -> tuple[str, ...]:
        """What the resource of some rows is of."""
        return self.candidates.book.parts[int(self.rows.table["resource"].iat[rows[0]])]

    def limit_of(self, row: int) -> float:
        """Right-hand side of a row."""
        return float(self.rows.table["limit"].iat[row])

    def raise_rows(self, number: int, rows: Ints, amount: float = 1.0) -> None:
        """Loosening the limit by s raises these rows by amount x s."""
        self.raised += [(number, int(row), amount) for row in rows]

    def bound(self, number: int, candidate: int, size: float, bound: float) -> None:
        """size x level <= bound + s; takes the place of the candidate's own bound on that side."""
        self.bounds.append((number, candidate, size, bound))
        if size > 0.0:
            self.upper[candidate] = np.inf
        else:
            self.lower[candidate] = 0.0

    def numbers(self, chosen: pd.Series) -> list[int]:
        """Numbers of the candidates chosen by a mask over the table."""
        return [int(number) for number in np.flatnonzero(chosen.to_numpy())]

    def cheapest_use_usd(self, row: int) -> float | None:
        """Least cost per unit of a row among the candidates that use it, None when none costs anything."""
        cells = slice(self.rows.use.indptr[row], self.rows.use.indptr[row + 1])
        coefficient = self.rows.use.data[cells]
        cost = -self.candidates.npv_usd[self.rows.use.indices[cells]]
        taken = (coefficient > 0.0) & (cost > 0.0)
        return float((cost[taken] / coefficient[taken]).min()) if taken.any() else None

"""What portfolios are made of: items (packages of candidates), and portfolios as levels of items."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import scipy.sparse as sp

from kernels.portfolio import Portfolios, portfolios_from_dense
from planner.candidates.build import CandidateSet
from planner.candidates.outlook import Floats, Ints
from planner.candidates.packages import COMPANY, Package
from planner.case.faults import PlannerError
from planner.case.suggest import closest

FEW = 256
"""Portfolios up to which each is valued as one item."""
MOST_SUBSETS = 24
"""Packages of which all subsets are made: 2^24 is 16.8 million portfolios."""


@dataclass(frozen=True)
class Items:
    """Packages by name, over the candidates that any of them holds.

    held: numbers of those candidates, shape (n,). levels: (items, n), the levels of a unit of each item.
    """

    names: tuple[str, ...]
    held: Ints
    levels: sp.csr_array

    def __len__(self) -> int:
        return len(self.names)


@dataclass(frozen=True)
class Bunch:
    """Named portfolios of items."""

    items: Items
    names: tuple[str, ...] | None
    portfolios: Portfolios

    def __len__(self) -> int:
        return len(self.portfolios)

    def name(self, number: int) -> str:
        """The name of a portfolio; subsets are named by their number."""
        return str(number) if self.names is None else self.names[number]


def items_of(packages: list[Package]) -> Items:
    """Items from packages; one that is named twice is refused."""
    names = tuple(package.name for package in packages)
    if len(set(names)) != len(names):
        raise PlannerError("two packages have the same name; give each its own")
    held = np.unique(np.concatenate([package.numbers for package in packages]))
    row = np.concatenate([np.full(len(package.numbers), at) for at, package in enumerate(packages)])
    column = np.searchsorted(held, np.concatenate([package.numbers for package in packages]))
    data = np.concatenate([package.levels for package in packages])
    levels = sp.csr_array((data, (row, column)), shape=(len(packages), len(held)))
    levels.sum_duplicates()
    return Items(names, held, levels)


def subsets(packages: list[Package]) -> Bunch:
    """All subsets of packages; what belongs to no site is in every one of them.

    Subset k holds the i-th package of a site if bit i of k is set, so the last one is the whole portfolio.
    """
    items = items_of(packages)
    optional = [at for at, name in enumerate(items.names) if name != COMPANY]
    if len(optional) > MOST_SUBSETS:
        raise PlannerError(f"{len(optional)} packages have 2^{len(optional)} subsets; at most {MOST_SUBSETS} packages can be taken, exclude some sites")
    count = 1 << len(optional)
    number = np.arange(count)
    dense = np.zeros((count, len(items)), dtype=np.float64)
    for bit, at in enumerate(optional):
        dense[:, at] = (number >> bit) & 1
    for at, name in enumerate(items.names):
        if name == COMPANY:
            dense[:, at] = 1.0
    return Bunch(items, None, portfolios_from_dense(dense))


def from_table(candidates: CandidateSet, table: pd.DataFrame) -> Bunch:
    """Portfolios from a long table: candidate_id, level, and portfolio where there are several.

    Raises PlannerError for columns that are missing, candidates that the case does not have, and levels that are not numbers.
    """
    missing = {"candidate_id", "level"} - set(table.columns)
    if missing:
        raise PlannerError(f"the portfolios lack the column {', '.join(sorted(missing))}; portfolio.csv of a run shows the form")
    level = pd.to_numeric(table["level"], errors="coerce").to_numpy(np.float64)
    if not np.isfinite(level).all():
        raise PlannerError(f"row {int(np.flatnonzero(~np.isfinite(level))[0]) + 2} of the portfolios has no number as its level")
    number = pd.Series(np.arange(len(candidates)), index=candidates.table["candidate_id"])
    found = table["candidate_id"].map(number)
    if found.isna().any():
        name = str(table["candidate_id"][found.isna()].iloc[0])
        near = closest(name, candidates.table["candidate_id"])
        raise PlannerError(f"the case has no candidate {name!r}" + (f"; did you mean {near!r}?" if near else "; candidates.parquet of a run lists them"))
    names = table["portfolio"].astype(str) if "portfolio" in table else pd.Series(["plan"] * len(table))
    code, unique = pd.factorize(names)
    if len(unique) <= FEW:
        return _each_an_item(found.to_numpy(np.int64), level, code, list(map(str, unique)))
    held, column = np.unique(found.to_numpy(np.int64), return_inverse=True)
    items = Items(tuple(candidates.table["candidate_id"].to_numpy()[held]), held, sp.csr_array(sp.identity(len(held), format="csr")))
    order = np.lexsort((column, code))
    starts = np.concatenate([[0], np.cumsum(np.bincount(code, minlength=len(unique)))])
    return Bunch(items, tuple(map(str, unique)), Portfolios(starts, column[order], level[order]))


def _each_an_item(number: Ints, level: Floats, code: Ints, names: list[str]) -> Bunch:
    """A few portfolios, each an item of its own: far fewer paths than one for every candidate."""
    packages = [Package(name, number[code == at], level[code == at]) for at, name in enumerate(names)]
    return Bunch(items_of(packages), tuple(names), portfolios_from_dense(np.eye(len(names))))

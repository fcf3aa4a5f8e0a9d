"""What portfolios are made of: items (packages of candidates), and portfolios as levels of items."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import scipy.sparse as sp

from kernels.reference.portfolio import Portfolios
from planner.arrays import Ints
from planner.candidates.packages import Package
from planner.errors import PlannerError


@dataclass(frozen=True, eq=False)
class Items:
    """Packages by name, over the candidates that any of them holds.

    held: numbers of those candidates, shape (n,). levels: (items, n), the levels of a unit of each item.
    """

    names: tuple[str, ...]
    held: Ints
    levels: sp.csr_array

    def __len__(self) -> int:
        return len(self.names)

    def part(self, chosen: Ints) -> Items:
        """Some of the items, over the candidates that they hold."""
        levels = sp.csr_array(self.levels[chosen])
        used = np.unique(levels.indices)
        return Items(tuple(self.names[number] for number in chosen), self.held[used], sp.csr_array(levels[:, used]))


class PortfolioSource(Protocol):
    """Portfolios that come in pieces, so that they need not all be in memory."""

    @property
    def count(self) -> int | None:
        """How many there are; None where that is not known before they are read."""

    def pieces(self, most: int) -> Iterator[Bunch]:
        """All of them in order, at most `most` at a time."""


@dataclass(frozen=True, eq=False)
class Bunch:
    """Named portfolios of items, all in memory; a source of itself."""

    items: Items
    names: tuple[str, ...]
    portfolios: Portfolios

    def __len__(self) -> int:
        return len(self.portfolios)

    @property
    def count(self) -> int:
        """How many portfolios."""
        return len(self.portfolios)

    def part(self, rows: slice) -> Bunch:
        """Some of the portfolios, of the same items."""
        return Bunch(self.items, self.names[rows], self.portfolios.part(rows))

    def pieces(self, most: int) -> Iterator[Bunch]:
        """All portfolios in order, at most `most` at a time."""
        for start in range(0, len(self), most):
            yield self.part(slice(start, min(start + most, len(self))))

    def over(self, chosen: Ints, items: Items) -> Bunch:
        """The same portfolios over some of the items, which hold all that they hold."""
        place = np.full(len(self.items), -1, dtype=np.int32)
        place[chosen] = np.arange(len(chosen))
        held = self.portfolios
        return Bunch(items, self.names, Portfolios(held.starts, place[held.candidates], held.levels))


def items_of(packages: Sequence[Package]) -> Items:
    """Items from packages; one that is named twice is refused."""
    names = tuple(package.name for package in packages)
    if len(set(names)) != len(names):
        raise PlannerError("two packages have the same name; give each its own")
    numbers = [np.asarray(package.numbers, dtype=np.int64) for package in packages]
    held = np.unique(np.concatenate([np.zeros(0, dtype=np.int64), *numbers]))
    row = np.repeat(np.arange(len(packages)), [len(each) for each in numbers])
    column = np.searchsorted(held, np.concatenate([np.zeros(0, dtype=np.int64), *numbers]))
    data = np.concatenate([np.zeros(0), *(package.levels for package in packages)])
    levels = sp.csr_array((data, (row, column)), shape=(len(packages), len(held)))
    levels.sum_duplicates()
    return Items(names, held, levels)


def each_an_item(packages: Sequence[Package]) -> Bunch:
    """Portfolios that have nothing in common: each an item of its own, at level 1."""
    number = np.arange(len(packages) + 1)
    alone = Portfolios(number, number[:-1].astype(np.int32), np.ones(len(packages)))
    return Bunch(items_of(packages), tuple(package.name for package in packages), alone)

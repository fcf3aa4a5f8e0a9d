"""All subsets of packages, made piece by piece."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from kernels.reference.portfolio import portfolios_from_dense
from planner.candidates.packages import COMPANY, Package
from planner.errors import PlannerError
from planner.scoring.items import Bunch, Items, items_of

MOST_SUBSETS = 30
"""Packages of which all subsets are made: 2^30 is a thousand million portfolios."""


class Subsets:
    """All subsets of packages; what belongs to no site is in every one of them.

    Subset k holds the i-th package of a site if bit i of k is set, so the last one is the whole portfolio. Its name is
    k.
    """

    def __init__(self, packages: Sequence[Package]) -> None:
        self.items: Items = items_of(packages)
        self._optional = [at for at, name in enumerate(self.items.names) if name != COMPANY]
        count = len(self._optional)
        if count > MOST_SUBSETS:
            raise PlannerError(
                f"{count} packages have 2^{count} subsets; at most {MOST_SUBSETS} packages can be taken, exclude some "
                "sites"
            )

    @property
    def count(self) -> int:
        """How many subsets."""
        return 1 << len(self._optional)

    def __len__(self) -> int:
        return self.count

    def pieces(self, most: int) -> Iterator[Bunch]:
        """All subsets in the order of their numbers, at most `most` at a time."""
        for start in range(0, self.count, most):
            yield self._run(start, min(start + most, self.count))

    def whole(self) -> Bunch:
        """All of them at once."""
        return self._run(0, self.count)

    def _run(self, start: int, stop: int) -> Bunch:
        number = np.arange(start, stop)
        dense = np.ones((len(number), len(self.items)))
        for bit, at in enumerate(self._optional):
            dense[:, at] = (number >> bit) & 1
        return Bunch(self.items, tuple(map(str, number.tolist())), portfolios_from_dense(dense))



"""CashTables in which the kinds of candidates write down what they share: paths, events and profiles, each once."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field

import numpy as np

from planner.arrays import Floats, Ints
from planner.candidates.outlook import Outlook

Recipe = Callable[[Outlook], Floats]
"""How a path follows from an outlook: shape (M,), or (S, M) where it differs by scenario."""


@dataclass
class PathTable:
    """Paths by month in dollars (or hours, or shares) per unit of amount; row numbers are handed out by key.

    A path is kept as its recipe, so that the same rows can be formed from any outlook: whatever a scenario
    can change has to come from the outlook that the recipe is given.
    """

    outlook: Outlook
    _recipes: list[Recipe] = field(default_factory=list)
    _rows: list[Floats] = field(default_factory=list)
    _numbers: dict[Hashable, int] = field(default_factory=dict)

    def number(self, key: Hashable, recipe: Recipe) -> int:
        """Row of the path called `key`, entered on first use; in the base case it must be finite and of shape (M,)."""
        found = self._numbers.get(key)
        if found is None:
            row = np.asarray(recipe(self.outlook), dtype=np.float64)
            if row.shape != (self.outlook.months,) or not np.isfinite(row).all():
                raise ValueError(f"path {key!r} must hold {self.outlook.months} finite numbers")
            found = len(self._rows)
            self._recipes.append(recipe)
            self._rows.append(row)
            self._numbers[key] = found
        return found

    def row(self, number: int) -> Floats:
        """One path in the base case, shape (M,)."""
        return self._rows[number]

    def recipe(self, number: int) -> Recipe:
        """The recipe of a path, for paths made from it."""
        return self._recipes[number]

    def table(self, outlook: Outlook, *, needed: Ints | None = None) -> Floats:
        """All paths under an outlook, shape (P, S, M), or those that are needed, in their order."""
        shape = (outlook.scenarios, outlook.months)
        numbers = range(len(self._recipes)) if needed is None else needed.tolist()
        if outlook is self.outlook:
            rows = [self._rows[number] for number in numbers]
            return np.stack(rows)[:, None, :] if rows else np.zeros((0, *shape))
        table = np.empty((len(numbers), *shape))
        for at, number in enumerate(numbers):
            table[at] = self._recipes[number](outlook)
        return table


@dataclass
class ProfileTable:
    """Profiles by age in months since an event; row numbers are handed out by key."""

    ages: int
    _rows: list[Floats] = field(default_factory=list)
    _numbers: dict[Hashable, int] = field(default_factory=dict)

    def number(self, key: Hashable, make: Callable[[], Floats]) -> int:
        """Row of the profile called `key`, made on first use, shape (A,)."""
        found = self._numbers.get(key)
        if found is None:
            found = len(self._rows)
            self._rows.append(np.asarray(make(), dtype=np.float64))
            self._numbers[key] = found
        return found

    def row(self, number: int) -> Floats:
        """One profile, shape (A,)."""
        return self._rows[number]

    def table(self) -> Floats:
        """All profiles, shape (Q, A)."""
        return np.stack(self._rows) if self._rows else np.zeros((0, self.ages))


NO_PHASE = -1
NO_WAIT = -1
MOST_CODES = 2**62


@dataclass
class EventTable:
    """Months at which windows begin and end: the planned month, not before some phases are energised.

    A planned event is (month, first phase, second phase, latest, first wait, second wait): it falls on the latest of
    the planned month, the energisation of the phases named (NO_PHASE for none) and the ends of the waits (NO_WAIT for
    none), but
    not after `latest`: a window never begins after its end. A wait ends at its month and what slips in the scenario.
    A computed event follows from the outlook by a function: the end of a contract by notice.
    """

    months: int
    _count: int = 0
    _planned: dict[tuple[int, ...], int] = field(default_factory=dict)
    _waits: dict[tuple[str, str, int], int] = field(default_factory=dict)
    _wait_list: list[tuple[str, str, int]] = field(default_factory=list)
    _computed: list[tuple[Ints, Callable[[Outlook], Ints]]] = field(default_factory=list)

    def at(self, month: Ints) -> Ints:
        """Events at fixed months."""
        months, place = np.unique(month, return_inverse=True)
        numbers = [self._number(at, NO_PHASE, NO_PHASE, self.months, NO_WAIT, NO_WAIT) for at in months.tolist()]
        return np.array(numbers, dtype=np.int64)[place.reshape(-1)]

    def wait(self, word: str, name: str, month: int) -> int:
        """Number of the wait for what a factor makes late (a hall of a site, a delivery of a SKU), planned for a
        month."""
        known = self._waits.setdefault((word, name, month), len(self._waits))
        if known == len(self._wait_list):
            self._wait_list.append((word, name, month))
        return known

    def wait_ends(self, outlook: Outlook) -> Ints:
        """Months at which the waits end under an outlook, and a row of 0 at the end for NO_WAIT, shape (waits + 1,
        S)."""
        slips = {what: outlook.slip_months(*what) for what in {(word, name) for word, name, _ in self._waits}}
        ends = [month + slips[word, name] for word, name, month in self._waits]
        return np.array([*ends, np.zeros(outlook.energised_by_scenario.shape[1])], dtype=np.int64)

    def wait_end(self, number: int, outlook: Outlook) -> Ints:
        """Month at which one wait ends under an outlook, shape (S,)."""
        word, name, month = self._wait_list[number]
        return month + outlook.slip_months(word, name)

    def after(
        self, month: Ints, first: Ints, second: Ints, latest: Ints, waits: tuple[Ints, Ints] | None = None
    ) -> Ints:
        """Events at `month`, not before phases `first` and `second` are energised and `waits` are over, not after
        `latest`."""
        columns = np.broadcast_arrays(month, first, second, latest, *(waits or (np.int64(NO_WAIT), np.int64(NO_WAIT))))
        if not columns[0].size:
            return np.zeros(0, dtype=np.int64)
        # One code per event: sorting rows of four numbers takes twenty times as long.
        code = np.zeros(columns[0].shape, dtype=np.int64)
        for column in columns:
            low, width = int(column.min()), int(column.max()) - int(column.min()) + 1
            if (int(code.max()) + 1) * width >= MOST_CODES:
                code = np.unique(code, return_inverse=True)[1].reshape(code.shape)
            code = code * width + (column - low)
        _, at, inverse = np.unique(code, return_index=True, return_inverse=True)
        numbers = [self._number(*key) for key in np.stack([column[at] for column in columns], axis=1).tolist()]
        return np.array(numbers, dtype=np.int64)[inverse]

    def _number(self, *key: int) -> int:
        if key not in self._planned:
            self._planned[key] = self._count
            self._count += 1
        return self._planned[key]

    def computed(self, count: int, months: Callable[[Outlook], Ints]) -> Ints:
        """Events whose months, shape (count, S), follow from an outlook by a function."""
        numbers = self._count + np.arange(count)
        self._count += count
        self._computed.append((numbers, months))
        return numbers

    def table(self, outlook: Outlook) -> Ints:
        """Months of all events under an outlook, shape (E, S), each in 0..M."""
        energised = outlook.energised_by_scenario
        scenarios = energised.shape[1]
        table = np.zeros((self._count, scenarios), dtype=np.int64)
        if self._planned:
            codes = np.array(list(self._planned), dtype=np.int64)
            floor = np.vstack([energised, np.zeros((1, scenarios), dtype=np.int64)])
            month = np.maximum(codes[:, :1], np.maximum(floor[codes[:, 1]], floor[codes[:, 2]]))
            if self._waits:
                over = self.wait_ends(outlook)
                month = np.maximum(month, np.maximum(over[codes[:, 4]], over[codes[:, 5]]))
            table[list(self._planned.values())] = np.minimum(month, codes[:, 3:4])
        for numbers, months in self._computed:
            table[numbers] = months(outlook)
        return np.clip(table, 0, self.months)

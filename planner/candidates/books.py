"""Books in which the kinds of candidates write down what they share: paths, events and profiles, each once."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field

import numpy as np

from planner.candidates.outlook import Floats, Ints


@dataclass
class PathBook:
    """Paths by month in dollars (or hours, or shares) per unit of amount; row numbers are handed out by key."""

    months: int
    _rows: list[Floats] = field(default_factory=list)
    _numbers: dict[Hashable, int] = field(default_factory=dict)

    def number(self, key: Hashable, make: Callable[[], Floats]) -> int:
        """Row of the path called `key`, made on first use; it must be finite and of shape (M,)."""
        found = self._numbers.get(key)
        if found is None:
            row = np.asarray(make(), dtype=np.float64)
            if row.shape != (self.months,) or not np.isfinite(row).all():
                raise ValueError(f"path {key!r} must hold {self.months} finite numbers")
            found = len(self._rows)
            self._rows.append(row)
            self._numbers[key] = found
        return found

    def row(self, number: int) -> Floats:
        """One path, shape (M,)."""
        return self._rows[number]

    def table(self) -> Floats:
        """All paths, shape (P, 1, M)."""
        return np.stack(self._rows)[:, None, :] if self._rows else np.zeros((0, 1, self.months))


@dataclass
class ProfileBook:
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


@dataclass
class EventBook:
    """Months at which windows begin and end: the planned month, not before some phases are energised.

    An event is (month, first phase, second phase): it falls on the latest of the planned month and the
    energisation of the phases named (NO_PHASE for none). `latest` caps it: a window never begins after its end.
    """

    months: int
    _codes: dict[tuple[int, int, int, int], int] = field(default_factory=dict)

    def at(self, month: Ints) -> Ints:
        """Events at fixed months."""
        none = np.full(len(month), NO_PHASE)
        return self.after(month, none, none, np.full(len(month), self.months))

    def after(self, month: Ints, first: Ints, second: Ints, latest: Ints) -> Ints:
        """Events at `month`, not before phases `first` and `second` are energised, not after `latest`."""
        columns = np.broadcast_arrays(month, first, second, latest)
        codes = np.stack(columns, axis=1).astype(np.int64)
        unique, inverse = np.unique(codes, axis=0, return_inverse=True)
        numbers = np.array([self._codes.setdefault((int(row[0]), int(row[1]), int(row[2]), int(row[3])), len(self._codes)) for row in unique], dtype=np.int64)
        return numbers[inverse.reshape(-1)] if len(unique) else np.zeros(0, dtype=np.int64)

    def table(self, energised: Ints) -> Ints:
        """Months of all events, shape (E, S), from the energisation of each phase by scenario, shape (phases, S)."""
        scenarios = energised.shape[1]
        if not self._codes:
            return np.zeros((0, scenarios), dtype=np.int64)
        codes = np.array(list(self._codes), dtype=np.int64)
        floor = np.vstack([energised, np.zeros((1, scenarios), dtype=np.int64)])
        month = np.maximum(codes[:, :1], np.maximum(floor[codes[:, 1]], floor[codes[:, 2]]))
        return np.clip(np.minimum(month, codes[:, 3:]), 0, self.months)

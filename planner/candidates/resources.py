"""Resources: whatever is scarce, and how much of it each candidate uses, month by month.

A use is (candidate, resource, coefficient, from month, to month). Providing is using a negative amount.
Months become rows only where something changes: between two breakpoints of a resource all coefficients
are equal, so one row stands for all its months.

Things that come and go (GPUs at a site, halls, contracted power) are *stocks*: candidates add to a stock
from a month to a month, and one unit of the stock uses or provides resources. That keeps the model small:
the model carries the level of a stock instead of spelling out every cohort in every row.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from enum import Enum

import numpy as np
import numpy.typing as npt
import pandas as pd
import scipy.sparse as sp

from planner.arrays import Floats, Ints
from planner.candidates.columns import Columns, codes_of, matches, stacked

Name = str | tuple[str, ...]
"""What a resource is of, in one word or several."""
Keys = npt.NDArray[np.int64] | Sequence[npt.NDArray[np.int64]]
"""One column of whole numbers, or several of one length."""


class Family(Enum):
    """Families of resources; the value is the inequality in words."""

    FLEET = "GPUs of a SKU at work on a site <= GPUs owned there less spares"
    HALL = "critical IT of owned GPUs and hosted MW on a site <= halls in service"
    LIQUID = "critical IT of liquid-cooled GPUs on a site <= liquid-cooled MW"
    SITE = "halls built, kept or converted on a site <= its critical IT"
    BUILD = "new halls on a site in a quarter <= what can be built in a quarter"
    CONVERTIBLE = "halls converted on a site <= what its mining halls allow"
    MINING = "mining load kept running + load of converted halls <= mining load"
    PHASE = "contracted power in use <= contracted power of the phase"
    FIRM = "contracted power in use by what is not interruptible <= firm share of the phase's contracted power"
    CURTAILABLE = "contracted power in use by what is interruptible <= the rest of the phase's contracted power"
    BACKUP = "MW that a backup stands behind <= what its contracted MW make firm"
    OFFER = "contracted power of a phase <= what is offered, if its site is open and the phase is taken"
    LEAST_POWER = "contracted power of a phase >= its least amount, if it is taken"
    OPEN = "halls ordered on a site by a month <= its critical IT, if the site is open by then"
    OPENED_ONCE = "a site is opened at most once"
    GROUP = "contracted power of the sites of a group <= its limit"
    MIN_TAKE = "minimum take of a phase - energy drawn <= minimum take not used"
    ENDED = "units given up early <= units bought"
    SUPPLY = "GPUs of a SKU delivered in a quarter <= supply"
    VOLUME = "units of a lease served <= its size, if it is accepted"
    LEAST_VOLUME = "units of a lease served >= its least size, if it is accepted"
    TRANCHE = "units of a tranche over its share of the lease <= those of the next, and of the last <= of the first"
    ACCEPTED_ONCE = "a lease is accepted at most once, on one fabric"
    TIER = "units of a lease served at a rate <= units offered at that rate"
    BLOCK = "units of a lease on a site <= its size, if the site is among its blocks"
    ON_FABRIC = "units of a lease on a site <= its size, if the site is on the fabric taken"
    LEAST_BLOCK = "units of a lease on a site >= its least block, if the site is among its blocks"
    CLUSTER = "GPUs of a single-fabric lease on a site <= the largest cluster there"
    FABRIC = "a lease stands on linked campuses only if the link is built"
    PLACED = "units of a lease served by the fleet at the start >= the fleet that serves it"
    RENEWAL = "units renewed <= units served"
    DEPTH = "GPUs on demand at a tier <= its depth"
    REVENUE_SHARE = "discounted revenue of a customer <= its greatest share of the plan's"
    YEARLY_SHARE = "revenue of a customer in a year <= its greatest share of the plan's in that year"
    CAPITAL = "new capital used up to a quarter <= capital raised up to then"
    FIXED = "what the user has fixed"
    CASH_FLOOR = "cumulative after-tax cash at the end of a quarter >= its floor"


class Stock(Enum):
    """What comes and goes."""

    GPUS = "GPUs of a SKU owned at a site"
    HALLS = "MW of critical IT in service at a site"
    POWER = "MW contracted of a phase"
    CAPITAL = "$ of new capital drawn"


@dataclass
class Uses:
    """Uses as columns: candidate, resource, coefficient, from and to month; grown by `add`."""

    _candidate: list[Ints] = field(default_factory=list)
    _resource: list[Ints] = field(default_factory=list)
    _coefficient: list[Floats] = field(default_factory=list)
    _start: list[Ints] = field(default_factory=list)
    _end: list[Ints] = field(default_factory=list)

    def add(
        self, candidate: npt.ArrayLike, resource: npt.ArrayLike, coefficient: npt.ArrayLike, start: npt.ArrayLike,
        end: npt.ArrayLike
    ) -> None:
        """Write down uses of equal length; empty windows and zero coefficients are passed over."""
        arrays = np.broadcast_arrays(*(np.asarray(array) for array in (candidate, resource, coefficient, start, end)))
        keep = (arrays[3] < arrays[4]) & (arrays[2] != 0.0)
        kept = arrays if keep.all() else [array[keep] for array in arrays]
        self._candidate.append(kept[0].astype(np.int64))
        self._resource.append(kept[1].astype(np.int64))
        self._coefficient.append(kept[2].astype(np.float64))
        self._start.append(kept[3].astype(np.int64))
        self._end.append(kept[4].astype(np.int64))

    def columns(self) -> Columns:
        """All uses: columns candidate, resource, coefficient, start, end."""
        none = np.zeros(0, dtype=np.int64)
        return Columns(
            candidate=np.concatenate([none, *self._candidate]), resource=np.concatenate([none, *self._resource]),
            coefficient=np.concatenate([np.zeros(0), *self._coefficient]), start=np.concatenate([none, *self._start]),
            end=np.concatenate([none, *self._end]),
        )

    def frame(self) -> pd.DataFrame:
        """All uses, one a row."""
        return self.columns().frame()


@dataclass
class ResourceBook:
    """All resources with their limits, all stocks, and who uses them. A name is the parts of a resource joined by a
    colon, which no name of a case holds."""

    uses: Uses = field(default_factory=Uses)
    stock_uses: Uses = field(default_factory=Uses)
    per_stock: list[tuple[int, int, float]] = field(default_factory=list)
    family: list[Family] = field(default_factory=list)
    parts: list[tuple[str, ...]] = field(default_factory=list)
    name: list[str] = field(default_factory=list)
    limit: list[float] = field(default_factory=list)
    stock_kind: list[Stock] = field(default_factory=list)
    stock_name: list[str] = field(default_factory=list)
    _numbers: dict[tuple[Family, str], int] = field(default_factory=dict)
    _stocks: dict[tuple[Stock, str], int] = field(default_factory=dict)

    def copy(self) -> ResourceBook:
        """A book of its own that can be written on without changing this one."""
        return deepcopy(self)

    def resource(self, family: Family, name: Name, limit: float = 0.0) -> int:
        """Number of a resource, entered on first use with its limit; a second limit must be the same."""
        parts = (name,) if isinstance(name, str) else name
        key = (family, ":".join(parts))
        if key not in self._numbers:
            self._numbers[key] = len(self.family)
            self.family.append(family)
            self.parts.append(parts)
            self.name.append(key[1])
            self.limit.append(float(limit))
        number = self._numbers[key]
        if self.limit[number] != float(limit):
            raise ValueError(f"{family.name} {key[1]} has two limits: {self.limit[number]} and {limit}")
        return number

    def resources(self, family: Family, keys: Keys, name: Callable[..., Name], limits: Floats | float = 0.0) -> Ints:
        """Numbers of resources known by whole numbers, row by row; `name` makes a name of them, once for each that
        differs."""
        columns = (keys,) if isinstance(keys, np.ndarray) else keys
        codes, first = codes_of(columns)
        limit = np.broadcast_to(np.asarray(limits, dtype=np.float64), len(columns[0]))
        named = zip(
            zip(*(column[first].tolist() for column in columns), strict=True), limit[first].tolist(), strict=True
        )
        numbers = np.array([self.resource(family, name(*key), most) for key, most in named], dtype=np.int64)
        differs = np.flatnonzero(limit != limit[first][codes])
        if len(differs):
            self.resource(family, self.parts[numbers[codes[differs[0]]]], float(limit[differs[0]]))
        return numbers[codes]

    def find(self, family: Family, name: Name) -> int | None:
        """Number of a resource if it has been entered."""
        return self._numbers.get((family, name if isinstance(name, str) else ":".join(name)))

    def stock(self, kind: Stock, name: str) -> int:
        """Number of a stock, entered on first use."""
        key = (kind, name)
        if key not in self._stocks:
            self._stocks[key] = len(self.stock_kind)
            self.stock_kind.append(kind)
            self.stock_name.append(name)
        return self._stocks[key]

    def stocks(self, kind: Stock, keys: Keys, name: Callable[..., str]) -> Ints:
        """Numbers of the stocks known by whole numbers, row by row."""
        columns = (keys,) if isinstance(keys, np.ndarray) else keys
        codes, first = codes_of(columns)
        named = zip(*(column[first].tolist() for column in columns), strict=True)
        return np.array([self.stock(kind, name(*key)) for key in named], dtype=np.int64)[codes]

    def stock_needs(self, stock: int, resource: int, coefficient: float) -> None:
        """One unit of a stock uses `coefficient` of a resource as long as it stands."""
        self.per_stock.append((stock, resource, coefficient))

    def per_stock_columns(self) -> Columns:
        """What a unit of each stock uses: columns stock, resource, coefficient."""
        stock, resource, coefficient = zip(*self.per_stock, strict=True) if self.per_stock else ((), (), ())
        return Columns(
            stock=np.array(stock, dtype=np.int64), resource=np.array(resource, dtype=np.int64),
            coefficient=np.array(coefficient, dtype=np.float64),
        )

    def all_uses(self) -> Columns:
        """Direct uses and those through stocks, spelled out for every candidate: columns candidate, resource,
        coefficient, start, end."""
        moved, needs = self.stock_uses.columns(), self.per_stock_columns()
        through, what = matches([moved["resource"]], [needs["stock"]])
        spelled = moved.take(through).having(
            resource=needs["resource"][what], coefficient=needs["coefficient"][what] * moved["coefficient"][through]
        )
        return stacked([self.uses.columns(), spelled])


@dataclass(frozen=True)
class Rows:
    """Resource rows: use @ levels <= limit. `table` has columns resource, family, name, start, end, limit."""

    table: pd.DataFrame
    use: sp.csr_array


def breakpoints(uses: Columns | pd.DataFrame, key: str, width: int) -> Ints:
    """Sorted codes key x width + month at which a use of that key begins or ends."""
    number, start, end = (np.asarray(uses[name], dtype=np.int64) for name in (key, "start", "end"))
    return np.unique(np.concatenate([number * width + start, number * width + end]))


def spread(uses: Columns | pd.DataFrame, key: str, codes: Ints, width: int) -> tuple[Ints, Ints]:
    """Intervals touched by each use: (index of the use, index of the interval that begins at that code)."""
    number, start, end = (np.asarray(uses[name], dtype=np.int64) for name in (key, "start", "end"))
    first = np.searchsorted(codes, number * width + start)
    count = np.searchsorted(codes, number * width + end) - first
    which = np.repeat(np.arange(len(uses)), count)
    offset = np.arange(len(which)) - np.repeat(np.cumsum(count) - count, count)
    return which, np.repeat(first, count) + offset


def make_rows(book: ResourceBook, uses: Columns | pd.DataFrame, columns: int, months: int) -> Rows:
    """One row per resource and interval between its breakpoints; rows nobody uses are not made.

    uses: the columns of `Uses` with `columns` candidates (or columns of a smaller model).
    """
    width = months + 2
    codes = breakpoints(uses, "resource", width)
    which, interval = spread(uses, "resource", codes, width)
    touched, row = np.unique(interval, return_inverse=True)
    use = sp.csr_array(
        (np.asarray(uses["coefficient"])[which], (row, np.asarray(uses["candidate"])[which])),
        shape=(len(touched), columns),
    )
    use.sum_duplicates()
    resource = codes[touched] // width
    start = codes[touched] % width
    end = codes[np.minimum(touched + 1, len(codes) - 1)] % width if len(codes) else start
    table = pd.DataFrame(
        {
            "resource": resource,
            "family": [book.family[number].name for number in resource],
            "name": [book.name[number] for number in resource],
            "start": start,
            "end": end,
            "limit": np.asarray(book.limit, dtype=np.float64)[resource] if len(resource) else np.zeros(0),
        }
    )
    return Rows(table, use)

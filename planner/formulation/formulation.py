"""The columns and rows of the model of a plan: candidates, the aggregated market, and stocks carried from one row to
the next.

Five changes make the model smaller than `use @ level <= limit` spelled out, and leave the optimum the same:

    stock[k, j] = stock[k, j-1] + units that come - units that go    (GPUs, halls, contracted power, capital)
    sells aggregated by place, tier and phase                        (see `aggregated_market`)
    a column for each way to end a cohort                            (see `cohorts`)
    rows that a neighbour in time implies are not made               (see `redundant_rows`)
    candidates that no plan can use are not made                     (see `candidates.left_out`)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import scipy.sparse as sp

from planner.arrays import Floats, Ints, Texts
from planner.candidates.build import CandidateSet
from planner.candidates.columns import Columns, matches, stacked
from planner.candidates.lease_offers import name_ranks
from planner.candidates.names import Names
from planner.candidates.resources import ResourceBook, Rows, Stock
from planner.formulation.aggregated_market import AggregatedMarket, aggregate_market
from planner.formulation.cohorts import CohortColumns, best_of_equals, cohort_columns
from planner.formulation.money import money_unit
from planner.formulation.redundant_rows import needed_rows


@dataclass(frozen=True)
class Balance:
    """Equality rows with right-hand side 0 over the columns of the model, and a name for each."""

    names: list[str]
    matrix: sp.csr_array


@dataclass(frozen=True)
class Formulation:
    """The model over its columns: candidates, cohorts by their ending, the aggregated market, stocks.

    candidate: number of the candidate behind each of the first columns, shape (kept,).
    level_of: levels of candidates = level_of @ columns, without those of the market, shape (candidates, columns).
    npv_usd, lower, upper, integral, unit (scale of a column), name: per column, shape (columns,).
    resources: use @ column <= limit. balances: equality rows. money: dollars of one unit of money in the model, see
    `money_unit`. first_market, first_stock: where the columns of the aggregated market begin, and those of stocks.
    stock, stock_month: number of the stock (see `ResourceBook`) and month of each level of a stock, (levels,); where
    there are any, the first of the balances holds them, row by row.
    """

    candidates: CandidateSet
    candidate: Ints
    level_of: sp.csr_array
    name: list[str]
    npv_usd: Floats
    lower: Floats
    upper: Floats
    integral: np.ndarray
    unit: Floats
    resources: Rows
    balances: tuple[Balance, ...]
    market: AggregatedMarket | None
    first_market: int
    first_stock: int
    stock: Ints
    stock_month: Ints
    money: float


GPU_UNIT = 1000.0


def make_formulation(
    candidates: CandidateSet, *, aggregate: bool = True, keep_all: bool = False, keep_equals: bool = False,
    stage: Ints | None = None,
) -> Formulation:
    """The smaller model of a candidate set.

    aggregate=False keeps every sell candidate as a column; keep_all=True also those candidates that no plan can use
    under the limits as they are (for a model whose limits will be raised). keep_equals=True keeps every way to end a
    cohort, also where another is equal in every row and worth more in the base case (for values that differ by
    scenario).
    """
    market = aggregate_market(candidates) if aggregate else None
    without = np.zeros(len(candidates), dtype=bool)
    if not keep_all:
        without |= candidates.left_out.mask
    if market:
        without[market.number] = True
    cohorts = cohort_columns(candidates, np.flatnonzero(~without), GPU_UNIT, stage)
    first = len(cohorts.columns)
    columns, direct = cohorts.columns, cohorts.uses
    if market:
        columns, direct = stacked(
            [columns, *_market_columns(candidates, market)]
        ), stacked([direct, _market_uses(market, first)])
    free = columns["lower"] < columns["upper"]
    money = money_unit((columns["npv_usd"] * columns["unit"])[free])
    rows = _Rows.make(candidates, direct, cohorts.moves, money)
    used, changes = rows.direct(direct, len(columns)), rows.changes(cohorts.moves, len(columns))
    keep = np.ones(len(columns), dtype=bool)
    if not keep_equals:
        keep[:first] = best_of_equals(cohorts, sp.vstack([used, changes], format="csc"))
    first_stock = int(keep.sum())
    columns = stacked([columns.take(keep), rows.stocks])
    balances = [Balance(rows.stocks["name"].tolist(), sp.hstack([-changes[:, keep], rows.carried], format="csr"))]
    balances.append(Balance(_total_names(cohorts), _widened(cohorts.totals[:, keep[:first]], len(columns))))
    first_market = int(keep[:first].sum())
    if market:
        balances += [
            Balance(one.names, _widened(one.matrix, len(columns)))
            for one in _market_balances(candidates, market, first_market)
        ]
    resources = Rows(rows.table, sp.hstack([used[:, keep], rows.needs], format="csr"))
    return Formulation(
        candidates, cohorts.candidate, _widened(cohorts.level_of[:, keep[:first]], len(columns)),
        columns["name"].tolist(), columns["npv_usd"], columns["lower"], columns["upper"], columns["integral"],
        columns["unit"],
        resources, tuple(one for one in balances if one.names), market, first_market, first_stock,
        rows.sample // rows.width, rows.sample % rows.width, money,
    )


def _total_names(cohorts: CohortColumns) -> list[str]:
    totals = (
        cohorts.totals.indices[cohorts.totals.indptr[:-1]] if cohorts.totals.shape[0] else np.zeros(0, dtype=np.int64)
    )
    return [f"total:{name}" for name in cohorts.columns["name"][totals]]


@dataclass(frozen=True)
class _Rows:
    """Rows of the resources at the months where they are needed, and the stocks in those months.

    row, sample: codes number x width + month of the rows of resources and of the levels of stocks.
    needs: what a level of a stock uses, (rows, levels). carried: level - level before it, (levels, levels).
    """

    width: int
    row: Ints
    sample: Ints
    table: pd.DataFrame
    stocks: Columns
    needs: sp.csr_array
    carried: sp.csr_array

    @staticmethod
    def make(candidates: CandidateSet, direct: Columns, moves: Columns, money: float) -> _Rows:
        book, width = candidates.book, candidates.outlook.months + 2
        needs_of = book.per_stock_columns()
        moved, what = matches([moves["stock"]], [needs_of["stock"]])
        through = moves.take(moved).only("column", "start", "end").having(
            resource=needs_of["resource"][what], coefficient=needs_of["coefficient"][what] * moves["coefficient"][moved]
        )
        row, end = needed_rows(book, stacked([direct.only(*through.names), through]), width)
        wanted, what = matches([row // width], [needs_of["resource"]])
        code = needs_of["stock"][what] * width + (row % width)[wanted]
        sample = np.unique(code)
        sample = sample[_covered(moves, sample, width)]
        held = np.isin(code, sample)
        level = np.searchsorted(sample, code[held])
        needs = sp.csr_array(
            (needs_of["coefficient"][what][held], (wanted[held], level)), shape=(len(row), len(sample))
        )
        after = np.flatnonzero(sample[1:] // width == sample[:-1] // width) + 1
        at = np.concatenate([np.arange(len(sample)), after])
        before = np.concatenate([np.arange(len(sample)), after - 1])
        ones = np.concatenate([np.ones(len(sample)), -np.ones(len(after))])
        carried = sp.csr_array((ones, (at, before)), shape=(len(sample), len(sample)))
        return _Rows(
            width, row, sample, _row_table(book, row, end, width), _stock_columns(candidates, sample, width, money),
            needs,
            carried,
        )

    def direct(self, uses: Columns, columns: int) -> sp.csr_array:
        """Uses that do not go through a stock, (rows, columns)."""
        number = uses["resource"] * self.width
        first = np.searchsorted(self.row, number + uses["start"])
        count = np.searchsorted(self.row, number + uses["end"]) - first
        which = np.repeat(np.arange(len(uses)), count)
        at = np.repeat(first - np.cumsum(count) + count, count) + np.arange(len(which))
        found = sp.csr_array((uses["coefficient"][which], (at, uses["column"][which])), shape=(len(self.row), columns))
        found.sum_duplicates()
        return found

    def changes(self, moves: Columns, columns: int) -> sp.csr_array:
        """What comes less what goes since the level before, (levels, columns)."""
        number, column, amount = moves["stock"], moves["column"], moves["coefficient"]
        code = np.concatenate([number * self.width + moves[edge] for edge in ("start", "end")])
        at = np.searchsorted(self.sample, code)
        stock = np.concatenate([number, number])
        inside = at < len(self.sample)
        inside[inside] = self.sample[at[inside]] // self.width == stock[inside]
        data, cols = np.concatenate([amount, -amount])[inside], np.concatenate([column, column])[inside]
        found = sp.csr_array((data, (at[inside], cols)), shape=(len(self.sample), columns))
        found.sum_duplicates()
        found.eliminate_zeros()
        return found


def _covered(moves: Columns, codes: Ints, width: int) -> np.ndarray:
    """Which codes stock x width + month lie within a window of any move."""
    number = moves["stock"] * width
    depth = np.zeros(len(codes) + 1, dtype=np.int64)
    np.add.at(depth, np.searchsorted(codes, number + moves["start"]), 1)
    np.add.at(depth, np.searchsorted(codes, number + moves["end"]), -1)
    covered: np.ndarray = np.cumsum(depth)[:-1] > 0
    return covered


def _row_table(book: ResourceBook, row: Ints, end: Ints, width: int) -> pd.DataFrame:
    resource = (row // width).tolist()
    return pd.DataFrame(
        {
            "resource": row // width,
            "family": [book.family[number].name for number in resource],
            "name": [book.name[number] for number in resource],
            "start": row % width,
            "end": end % width,
            "limit": np.asarray(book.limit, dtype=np.float64)[row // width] if len(row) else np.zeros(0),
        }
    )


def _stock_columns(candidates: CandidateSet, sample: Ints, width: int, money: float) -> Columns:
    book, written = candidates.book, candidates.outlook.calendar.written
    kind = np.array([kind.name for kind in book.stock_kind], dtype=object)[sample // width]
    free = kind == Stock.CAPITAL.name
    named = [f"stock:{kind.name.lower()}:{name}" for kind, name in zip(book.stock_kind, book.stock_name, strict=True)]
    months = {month: written(month) for month in np.unique(sample % width).tolist()}
    pairs = zip((sample // width).tolist(), (sample % width).tolist(), strict=True)
    return _model_columns(
        np.array([f"{named[stock]}@{months[month]}" for stock, month in pairs], dtype=object),
        np.zeros(len(sample)),
        np.select([kind == Stock.GPUS.name, free], [GPU_UNIT, money], 1.0), np.where(free, -np.inf, 0.0),
    )


def _model_columns(names: Texts, npv_usd: Floats, unit: Floats | float, lower: Floats | float = 0.0) -> Columns:
    """Columns without an upper bound."""
    return Columns(
        len(names), name=names, npv_usd=npv_usd, lower=lower, upper=np.inf, integral=np.zeros(len(names), dtype=bool),
        unit=unit,
    )


# --- the aggregated market ----------------------------------------------------------------------------------------


def _market_columns(candidates: CandidateSet, market: AggregatedMarket) -> list[Columns]:
    """Columns of the three aggregates."""
    names = Names.of(candidates.outlook)
    written: dict[str, Callable[[Ints], Sequence[object]]] = {
        "site": lambda at: names.sites[at].tolist(), "gpu": lambda at: names.gpus[at].tolist(),
        "phase": lambda at: names.phases[at].tolist(),
        "tier": lambda at: at.tolist(), "from_month": lambda at: at.tolist(),
    }
    found = []
    for label, part, unit in zip(("place", "tier", "phase"), market.parts, (GPU_UNIT, GPU_UNIT, 1.0), strict=True):
        cells = zip(*(written[name](part.keys[name]) for name in part.keys.names), strict=True)
        labels = [":".join([label, *map(str, row)]) for row in cells]
        found.append(_model_columns(np.array(labels, dtype=object), part.npv_usd, unit))
    return found


def _market_uses(market: AggregatedMarket, first: int) -> Columns:
    """Uses of the three aggregates; the first of them is column `first`."""
    starts = np.cumsum([first, *(len(part.keys) for part in market.parts[:-1])])
    return stacked(
        [
            part.uses.having(column=part.uses["column"] + at)
            for part, at in zip(market.parts, starts.tolist(), strict=True)
        ]
    ).only(
        "resource", "coefficient", "start", "end", "column"
    )


def _market_balances(candidates: CandidateSet, market: AggregatedMarket, first: int) -> list[Balance]:
    """On demand at sites = taken by tiers, and its MW = drawn on phases; the first column of the market is `first`."""
    place, tier, phase = market.parts
    tiers = first + len(place.keys)
    phases = tiers + len(tier.keys)
    width = phases + len(phase.keys)
    it_mw = np.zeros(len(place.keys))
    it_mw[market.place_of] = market.it_mw
    outlook, names = candidates.outlook, Names.of(candidates.outlook)
    gpu, site = name_ranks(outlook, "gpus", "gpu_id"), name_ranks(outlook, "sites", "site_id")
    sold = _balance("sold", place.keys, "gpu", first, np.ones(len(it_mw)), tier.keys, tiers, width, gpu, names.gpus)
    powered = _balance("powered", place.keys, "site", first, it_mw, phase.keys, phases, width, site, names.sites)
    return [sold, powered]


def _balance(
    name: str, left: Columns, by: str, left_first: int, weight: Floats, right: Columns, right_first: int, width: int,
    rank: Ints, names: Texts
) -> Balance:
    """sum of weight x left columns = sum of right columns, for each thing by its name and each step."""
    thing, month = (np.concatenate([left[key], right[key]]) for key in (by, "from_month"))
    _, first, codes = np.unique(rank[thing] * (int(month.max()) + 1) + month, return_index=True, return_inverse=True)
    columns = np.concatenate([left_first + np.arange(len(left)), right_first + np.arange(len(right))])
    data = np.concatenate([weight, -np.ones(len(right))])
    matrix = sp.csr_array((data, (codes, columns)), shape=(len(first), width))
    return Balance([f"{name}:{names[thing[at]]}:{month[at]}" for at in first.tolist()], matrix)


def _widened(matrix: sp.csr_array, columns: int) -> sp.csr_array:
    """The same matrix with empty columns added."""
    rows = sp.csr_array(matrix)
    return sp.csr_array((rows.data, rows.indices, rows.indptr), shape=(rows.shape[0], columns))

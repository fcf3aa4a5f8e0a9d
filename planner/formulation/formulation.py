"""The columns and rows of the allocator: candidates, pooled sells, and stocks carried from one row to the next.

Five changes make the model smaller than `use @ level <= limit` spelled out, and leave the optimum the same:

    stock[k, j] = stock[k, j-1] + units that come - units that go    (GPUs, halls, contracted power, capital)
    sells pooled into place, let and draw                            (see `pooling`)
    a column for each way to end a cohort                            (see `endings`)
    rows that a neighbour in time implies are not made               (see `needed_rows`)
    candidates that no plan can use are not made                     (see `candidates.left_out`)
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import scipy.sparse as sp

from planner.arrays import Floats, Ints
from planner.candidates.build import CandidateSet
from planner.candidates.resources import ResourceBook, Rows, Stock
from planner.formulation.aggregated_market import AggregatedMarket, aggregate_market
from planner.formulation.cohorts import Columns, best_of_equals, make_columns
from planner.formulation.money import money_unit
from planner.formulation.redundant_rows import needed_rows


@dataclass(frozen=True)
class Balance:
    """Equality rows with right-hand side 0 over the columns of the model, and a name for each."""

    names: list[str]
    matrix: sp.csr_array


@dataclass(frozen=True)
class Formulation:
    """The model over its columns: candidates, cohorts by their ending, pools, stocks.

    candidate: number of the candidate behind each of the first columns, shape (kept,).
    level_of: levels of candidates = level_of @ columns, without those pooled, shape (candidates, columns).
    npv_usd, lower, upper, integral, unit (scale of a column), name: per column, shape (columns,).
    resources: use @ column <= limit. balances: equality rows. money: dollars of one unit of money in the model, see `money_unit`.
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
    pooled: AggregatedMarket | None
    first_pool: int
    money: float


GPU_UNIT = 1000.0


def make_formulation(candidates: CandidateSet, *, pool: bool = True, keep_all: bool = False, keep_equals: bool = False) -> Formulation:
    """The smaller model of a candidate set.

    pool=False keeps every sell candidate as a column; keep_all=True also those candidates that no plan can use under
    the limits as they are (for a model whose limits will be raised). keep_equals=True keeps every way to end a cohort, also where
    another is equal in every row and worth more in the base case (for values that differ by scenario).
    """
    pooled = aggregate_market(candidates) if pool else None
    without = np.zeros(len(candidates), dtype=bool)
    if not keep_all:
        without |= candidates.left_out.mask
    if pooled:
        without[pooled.number] = True
    columns = make_columns(candidates, np.flatnonzero(~without), GPU_UNIT)
    first_pool = len(columns.frame)
    frames, uses = [columns.frame], [columns.uses]
    if pooled:
        pool_frames, pool_uses = _pools(pooled, first_pool)
        frames += pool_frames
        uses.append(pool_uses)
    frame, direct = pd.concat(frames, ignore_index=True), pd.concat(uses, ignore_index=True)
    free = (frame["lower"] < frame["upper"]).to_numpy()
    money = money_unit((frame["npv_usd"] * frame["unit"]).to_numpy(np.float64)[free])
    rows = _Rows.make(candidates, direct, columns.moves, money)
    used, changes = rows.direct(direct, len(frame)), rows.changes(columns.moves, len(frame))
    keep = np.ones(len(frame), dtype=bool)
    if not keep_equals:
        keep[:first_pool] = best_of_equals(columns, sp.vstack([used, changes], format="csc"))
    frame = pd.concat([frame[keep], rows.frame], ignore_index=True)
    balances = [Balance(rows.frame["name"].tolist(), sp.hstack([-changes[:, keep], rows.carried], format="csr"))]
    balances.append(Balance(_total_names(columns), _widened(columns.totals[:, keep[:first_pool]], len(frame))))
    first_pool = int(keep[:first_pool].sum())
    if pooled:
        balances += [Balance(one.names, _widened(one.matrix, len(frame))) for one in _pool_balances(pooled, first_pool)]
    resources = Rows(rows.table, sp.hstack([used[:, keep], rows.needs], format="csr"))
    return Formulation(
        candidates, columns.candidate, _widened(columns.level_of[:, keep[: len(columns.frame)]], len(frame)),
        frame["name"].tolist(), frame["npv_usd"].to_numpy(np.float64), frame["lower"].to_numpy(np.float64),
        frame["upper"].to_numpy(np.float64), frame["integral"].to_numpy(bool), frame["unit"].to_numpy(np.float64),
        resources, tuple(one for one in balances if one.names), pooled, first_pool, money,
    )


def _total_names(columns: Columns) -> list[str]:
    totals = columns.totals.indices[columns.totals.indptr[:-1]].tolist() if columns.totals.shape[0] else []
    return [f"total:{columns.frame['name'].iat[at]}" for at in totals]


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
    frame: pd.DataFrame
    needs: sp.csr_array
    carried: sp.csr_array

    @staticmethod
    def make(candidates: CandidateSet, direct: pd.DataFrame, moves: pd.DataFrame, money: float) -> _Rows:
        book, width = candidates.book, candidates.outlook.months + 2
        per_stock = book.stock_table()
        through = moves.rename(columns={"coefficient": "units"}).merge(per_stock, on="stock")
        through["coefficient"] *= through["units"]
        spelled = pd.concat([direct, through[list(direct.columns)]], ignore_index=True)
        row, end = needed_rows(book, spelled, width)
        wanted = pd.DataFrame({"resource": row // width, "month": row % width, "row": np.arange(len(row))})
        wanted = wanted.merge(per_stock, on="resource")
        sample = np.unique(wanted["stock"].to_numpy(np.int64) * width + wanted["month"].to_numpy(np.int64))
        sample = sample[_covered(moves, "stock", sample, width)]
        code = wanted["stock"].to_numpy(np.int64) * width + wanted["month"].to_numpy(np.int64)
        held = np.isin(code, sample)
        level = np.searchsorted(sample, code[held])
        needs = sp.csr_array(
            (wanted["coefficient"].to_numpy(np.float64)[held], (wanted["row"].to_numpy(np.int64)[held], level)),
            shape=(len(row), len(sample)),
        )
        after = np.flatnonzero(sample[1:] // width == sample[:-1] // width) + 1
        at = np.concatenate([np.arange(len(sample)), after])
        before = np.concatenate([np.arange(len(sample)), after - 1])
        ones = np.concatenate([np.ones(len(sample)), -np.ones(len(after))])
        carried = sp.csr_array((ones, (at, before)), shape=(len(sample), len(sample)))
        return _Rows(width, row, sample, _row_table(book, row, end, width), _stock_frame(book, sample, width, money), needs, carried)

    def direct(self, uses: pd.DataFrame, columns: int) -> sp.csr_array:
        """Uses that do not go through a stock, (rows, columns)."""
        number = uses["resource"].to_numpy(np.int64) * self.width
        first = np.searchsorted(self.row, number + uses["start"].to_numpy())
        count = np.searchsorted(self.row, number + uses["end"].to_numpy()) - first
        which = np.repeat(np.arange(len(uses)), count)
        at = np.repeat(first - np.cumsum(count) + count, count) + np.arange(len(which))
        column = uses["column"].to_numpy(np.int64)[which]
        found = sp.csr_array((uses["coefficient"].to_numpy(np.float64)[which], (at, column)), shape=(len(self.row), columns))
        found.sum_duplicates()
        return found

    def changes(self, moves: pd.DataFrame, columns: int) -> sp.csr_array:
        """What comes less what goes since the level before, (levels, columns)."""
        number, column = moves["stock"].to_numpy(np.int64), moves["column"].to_numpy(np.int64)
        amount = moves["coefficient"].to_numpy(np.float64)
        code = np.concatenate([number * self.width + moves[edge].to_numpy(np.int64) for edge in ("start", "end")])
        at = np.searchsorted(self.sample, code)
        stock = np.concatenate([number, number])
        inside = at < len(self.sample)
        inside[inside] = self.sample[at[inside]] // self.width == stock[inside]
        data, cols = np.concatenate([amount, -amount])[inside], np.concatenate([column, column])[inside]
        found = sp.csr_array((data, (at[inside], cols)), shape=(len(self.sample), columns))
        found.sum_duplicates()
        found.eliminate_zeros()
        return found


def _covered(moves: pd.DataFrame, key: str, codes: Ints, width: int) -> np.ndarray:
    """Which codes number x width + month lie within a window of any move."""
    number = moves[key].to_numpy(np.int64) * width
    depth = np.zeros(len(codes) + 1, dtype=np.int64)
    np.add.at(depth, np.searchsorted(codes, number + moves["start"].to_numpy(np.int64)), 1)
    np.add.at(depth, np.searchsorted(codes, number + moves["end"].to_numpy(np.int64)), -1)
    covered: np.ndarray = np.cumsum(depth)[:-1] > 0
    return covered


def _row_table(book: ResourceBook, row: Ints, end: Ints, width: int) -> pd.DataFrame:
    resource = row // width
    return pd.DataFrame(
        {
            "resource": resource,
            "family": [book.family[number].name for number in resource],
            "name": [book.name[number] for number in resource],
            "start": row % width,
            "end": end % width,
            "limit": np.asarray(book.limit, dtype=np.float64)[resource] if len(resource) else np.zeros(0),
        }
    )


def _stock_frame(book: ResourceBook, sample: Ints, width: int, money: float) -> pd.DataFrame:
    kind = np.array([book.stock_kind[number].name for number in sample // width], dtype=object)
    free = kind == Stock.CAPITAL.name
    return pd.DataFrame(
        {
            "name": [f"stock:{book.stock_name[code // width]}@{code % width}" for code in sample],
            "npv_usd": 0.0,
            "lower": np.where(free, -np.inf, 0.0),
            "upper": np.inf,
            "integral": False,
            "unit": np.select([kind == Stock.GPUS.name, free], [GPU_UNIT, money], 1.0),
        }
    )


def _pools(pooled: AggregatedMarket, first: int) -> tuple[list[pd.DataFrame], pd.DataFrame]:
    """Columns of the three pools and their uses; the first of them is column `first`."""
    frames, uses, at = [], [], first
    for name, pool, unit in (("place", pooled.place, GPU_UNIT), ("let", pooled.let, GPU_UNIT), ("draw", pooled.draw, 1.0)):
        frames.append(
            pd.DataFrame(
                {"name": name + ":" + _labels(pool.keys), "npv_usd": pool.npv_usd, "lower": 0.0, "upper": np.inf, "integral": False, "unit": unit}
            )
        )
        uses.append(pool.uses.assign(column=pool.uses["column"] + at))
        at += len(pool.keys)
    return frames, pd.concat(uses, ignore_index=True)


def _labels(keys: pd.DataFrame) -> pd.Series:
    """The cells of each row, joined by colons."""
    first, *rest = (keys[column].astype(str) for column in keys)
    for column in rest:
        first = first + ":" + column
    return first


def _pool_balances(pooled: AggregatedMarket, place: int) -> list[Balance]:
    """On demand at sites = taken by tiers, and its MW = drawn on phases; the first pool column is `place`."""
    let = place + len(pooled.place.keys)
    draw = let + len(pooled.let.keys)
    width = draw + len(pooled.draw.keys)
    it_mw = np.zeros(len(pooled.place.keys))
    it_mw[pooled.place_of] = pooled.it_mw
    sold = _balance("sold", pooled.place.keys, ["gpu_id", "from_month"], place, np.ones(len(it_mw)), pooled.let.keys, let, width)
    powered = _balance("powered", pooled.place.keys, ["site_id", "from_month"], place, it_mw, pooled.draw.keys, draw, width)
    return [sold, powered]


def _balance(
    name: str, left: pd.DataFrame, by: list[str], left_first: int, weight: Floats, right: pd.DataFrame, right_first: int, width: int
) -> Balance:
    """sum of weight x left columns = sum of right columns, for each key."""
    keys = pd.concat([left[by], right[by]], ignore_index=True)
    codes = keys.groupby(by, sort=True).ngroup().to_numpy(np.int64)
    columns = np.concatenate([left_first + np.arange(len(left)), right_first + np.arange(len(right))])
    data = np.concatenate([weight, -np.ones(len(right))])
    matrix = sp.csr_array((data, (codes, columns)), shape=(int(codes.max()) + 1, width))
    labels = _labels(keys.assign(code=codes).drop_duplicates("code").sort_values("code")[by])
    return Balance([f"{name}:{label}" for label in labels], matrix)


def _widened(matrix: sp.csr_array, columns: int) -> sp.csr_array:
    """The same matrix with empty columns added."""
    rows = sp.csr_array(matrix)
    return sp.csr_array((rows.data, rows.indices, rows.indptr), shape=(rows.shape[0], columns))

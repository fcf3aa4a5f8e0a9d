"""The columns and rows of the allocator: candidates, stocks carried from step to step, and pooled sells.

Two changes make the model smaller than `use @ level <= limit` spelled out, and leave the choice the same:

    stock[k, j] = stock[k, j-1] + units that come at j - units that go at j     (GPUs, halls, contracted power, capital)
    sells pooled into place, let and draw                                       (see `pooling`)
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import scipy.sparse as sp

from planner.allocator.pooling import PooledSells, pool_sells
from planner.candidates.build import CandidateSet
from planner.candidates.outlook import Floats, Ints
from planner.candidates.resources import Rows, Stock, breakpoints, make_rows, spread


@dataclass(frozen=True)
class Balance:
    """Equality rows with right-hand side 0 over the columns of the model, and a name for each."""

    names: list[str]
    matrix: sp.csr_array


@dataclass(frozen=True)
class Compact:
    """The model over its columns: first the candidates kept, then stocks, then pools.

    candidate: number of the candidate behind each of the first columns, shape (kept,).
    npv_usd, lower, upper, integral, unit (scale of a column), name: per column, shape (columns,).
    resources: use @ column <= limit. balances: equality rows.
    """

    candidates: CandidateSet
    candidate: Ints
    name: list[str]
    npv_usd: Floats
    lower: Floats
    upper: Floats
    integral: np.ndarray
    unit: Floats
    resources: Rows
    balances: tuple[Balance, ...]
    pooled: PooledSells | None
    first_pool: int


GPU_UNIT = 1000.0
CAPITAL_UNIT = 1e6


def make_compact(candidates: CandidateSet, *, pool: bool = True) -> Compact:
    """The smaller model of a candidate set; `pool=False` keeps every sell candidate as a column."""
    pooled = pool_sells(candidates) if pool else None
    count = len(candidates)
    kept = np.setdiff1d(np.arange(count), pooled.number) if pooled else np.arange(count)
    column_of = np.full(count, -1)
    column_of[kept] = np.arange(len(kept))
    table = candidates.table.iloc[kept]
    columns = [
        pd.DataFrame(
            {
                "name": table["candidate_id"].to_numpy(),
                "npv_usd": candidates.npv_usd[kept],
                "lower": table["lower"].to_numpy(np.float64),
                "upper": table["upper"].to_numpy(np.float64),
                "integral": table["integral"].to_numpy(bool),
                "unit": np.where(table["unit"] == "GPU", GPU_UNIT, 1.0),
            }
        )
    ]
    direct = candidates.book.uses.frame()
    direct = direct.assign(candidate=column_of[direct["candidate"]])
    uses = [direct[direct["candidate"] >= 0]]
    stocks, stock_uses, balance = _stocks(candidates, column_of, len(kept))
    columns.append(stocks)
    uses.append(stock_uses)
    first_pool = len(kept) + len(stocks)
    balances = [balance]
    if pooled:
        frames, pool_uses, pool_balances = _pools(pooled, first_pool)
        columns += frames
        uses.append(pool_uses)
        balances += pool_balances
    frame = pd.concat(columns, ignore_index=True)
    all_uses = pd.concat(uses, ignore_index=True)
    resources = make_rows(candidates.book, all_uses, len(frame), candidates.outlook.months)
    return Compact(
        candidates, kept, frame["name"].tolist(), frame["npv_usd"].to_numpy(np.float64), frame["lower"].to_numpy(np.float64),
        frame["upper"].to_numpy(np.float64), frame["integral"].to_numpy(bool), frame["unit"].to_numpy(np.float64),
        resources, tuple(_widened(one, len(frame)) for one in balances), pooled, first_pool,
    )


def _stocks(candidates: CandidateSet, column_of: Ints, first: int) -> tuple[pd.DataFrame, pd.DataFrame, Balance]:
    """Levels of stocks between their breakpoints; what one unit uses; and how each level follows from the last."""
    book = candidates.book
    moves = book.stock_uses.frame().rename(columns={"resource": "stock"})
    width = candidates.outlook.months + 2
    codes = breakpoints(moves, "stock", width)
    _, interval = spread(moves, "stock", codes, width)
    held = np.unique(interval)
    stock, start = codes[held] // width, codes[held] % width
    end = codes[np.minimum(held + 1, len(codes) - 1)] % width if len(held) else start
    column = np.full(len(codes) + 1, -1)
    column[held] = first + np.arange(len(held))
    kind = np.array([book.stock_kind[number].name for number in stock], dtype=object)
    free = np.isin(kind, [Stock.CAPITAL.name])
    frame = pd.DataFrame(
        {
            "name": [f"stock:{book.stock_name[number]}@{month}" for number, month in zip(stock, start, strict=True)],
            "npv_usd": 0.0,
            "lower": np.where(free, -np.inf, 0.0),
            "upper": np.inf,
            "integral": False,
            "unit": np.select([kind == Stock.GPUS.name, free], [GPU_UNIT, CAPITAL_UNIT], 1.0),
        }
    )
    needs = pd.DataFrame({"stock": stock, "candidate": column[held], "start": start, "end": end})
    needs = needs.merge(book.stock_table(), on="stock")
    # level[j] - level[j-1] - what comes at j + what goes at j = 0, with nothing before the first interval.
    number = moves["stock"].to_numpy(np.int64) * width
    comes = np.searchsorted(codes, number + moves["start"].to_numpy())
    goes = np.searchsorted(codes, number + moves["end"].to_numpy())
    change = moves["coefficient"].to_numpy(np.float64)
    mover = column_of[moves["candidate"].to_numpy(np.int64)]
    follows = np.isin(held - 1, held) & (codes[np.maximum(held - 1, 0)] // width == stock)
    gone = column[goes] >= 0
    rows = np.concatenate([held, held[follows], comes, goes[gone]])
    cols = np.concatenate([column[held], column[held[follows] - 1], mover, mover[gone]])
    data = np.concatenate([np.ones(len(held)), -np.ones(int(follows.sum())), -change, change[gone]])
    at = np.searchsorted(held, rows)
    width_of = int(max(cols.max(initial=0) + 1, first + len(held)))
    matrix = sp.csr_array((data, (at, cols)), shape=(len(held), width_of))
    return frame, needs[["candidate", "resource", "coefficient", "start", "end"]], Balance(frame["name"].tolist(), matrix)


def _pools(pooled: PooledSells, first: int) -> tuple[list[pd.DataFrame], pd.DataFrame, list[Balance]]:
    """Columns of the three pools, their uses, and the two balances between them."""
    frames, uses, at = [], [], first
    starts = []
    for name, pool, unit in (("place", pooled.place, GPU_UNIT), ("let", pooled.let, GPU_UNIT), ("draw", pooled.draw, 1.0)):
        keys = pool.keys.astype(str).agg(":".join, axis=1)
        frames.append(
            pd.DataFrame(
                {"name": name + ":" + keys, "npv_usd": pool.npv_usd, "lower": 0.0, "upper": np.inf, "integral": False, "unit": unit}
            )
        )
        uses.append(pool.uses.assign(candidate=pool.uses["column"] + at).drop(columns=["column"]))
        starts.append(at)
        at += len(pool.keys)
    place, let, draw = starts
    it_mw = np.zeros(len(pooled.place.keys))
    it_mw[pooled.place_of] = pooled.it_mw
    sold = _balance("sold", pooled.place.keys, ["gpu_id", "from_month"], place, np.ones(len(it_mw)), pooled.let.keys, let, at)
    powered = _balance("powered", pooled.place.keys, ["site_id", "from_month"], place, it_mw, pooled.draw.keys, draw, at)
    return frames, pd.concat(uses, ignore_index=True), [sold, powered]


def _balance(
    name: str, left: pd.DataFrame, by: list[str], left_first: int, weight: Floats, right: pd.DataFrame, right_first: int, width: int
) -> Balance:
    """sum of weight x left columns = sum of right columns, for each key."""
    keys = pd.concat([left[by], right[by]], ignore_index=True)
    codes = keys.groupby(by, sort=True).ngroup().to_numpy(np.int64)
    columns = np.concatenate([left_first + np.arange(len(left)), right_first + np.arange(len(right))])
    data = np.concatenate([weight, -np.ones(len(right))])
    matrix = sp.csr_array((data, (codes, columns)), shape=(int(codes.max()) + 1, width))
    labels = keys.assign(code=codes).drop_duplicates("code").sort_values("code")[by].astype(str).agg(":".join, axis=1)
    return Balance([f"{name}:{label}" for label in labels], matrix)


def _widened(balance: Balance, columns: int) -> Balance:
    matrix = balance.matrix.copy()
    matrix.resize((matrix.shape[0], columns))
    return Balance(balance.names, matrix)

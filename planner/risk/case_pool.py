"""A pool of bundles over the model of a case: the master keeps the infrastructure, the pool holds the paths of GPUs.

Every row and every number comes from the model of a plan of the same case: a bundle is a mix of its columns, so it
uses in each row what its parts use, and is worth in each future what they are worth. What a master of bundles finds is
therefore a plan of the case.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
import scipy.sparse as sp

from kernels.backend import Device, DeviceKind
from kernels.cpu.pool_pricing import sparse_rows
from kernels.pieces import over_pieces, usable_cores
from planner.arrays import Floats, Ints
from planner.candidates.build import CandidateSet
from planner.candidates.kinds import Kind
from planner.errors import PlannerError
from planner.formulation.formulation import Formulation, make_formulation
from planner.formulation.model import Model, make_model
from planner.formulation.money import MILLION
from planner.risk.firm_power import refuse_curtailable
from planner.runtime.memory import usable_memory, written_size
from planner.solver.branch_and_bound.tightening import tightened
from planner.solver.column_generation.columns import ColumnValues, FixedPart, Pool
from planner.solver.model_arrays import ModelArrays, model_arrays

DEVICE_SHARE = 0.5
"""Of the free memory of a GPU, what the values of a pool may take; a proof widens them piece by piece beside."""
PIECE = 20_000
"""Bundles whose values are formed at once."""
IN_BUNDLES = ("own", "retire", "serve", "renew", "sell")


@dataclass(frozen=True, eq=False)
class CasePool:
    """A master and a pool over one case.

    model: the whole model; arrays, worth: its columns and their values; kept: its columns that stand in the fixed part.
    mixes: (N, columns of the model), what a unit of each bundle (thousand GPUs) is made of.
    """

    candidates: CandidateSet
    model: Model
    arrays: ModelArrays
    worth: ColumnValues
    kept: Ints
    fixed: FixedPart
    pool: Pool
    mixes: _Mixes

    @property
    def full(self) -> FixedPart:
        """The fixed part with every column of the model, those that bundles replace held at 0: for prices by the places
        of the model."""
        arrays = self.arrays
        gone = np.ones(arrays.columns, dtype=bool)
        gone[self.kept] = False
        held = replace(
            arrays, col_lower=np.where(gone, 0.0, arrays.col_lower), col_upper=np.where(gone, 0.0, arrays.col_upper)
        )
        return FixedPart(held, self.worth)

    @cached_property
    def tightened(self) -> tuple[FixedPart, Pool]:
        """Master and pool with every switch as tight as the whole model allows: the same whole plans, fewer fractional
        ones.

        A bundle is a mix of columns of the model, so what bounds the rows of the model bounds those of bundles too.
        """
        tight = tightened(self.arrays)
        return FixedPart(_of_columns(tight, self.kept), self.fixed.values), replace(
            self.pool, points=sp.csr_array(self.mixes.points @ tight.matrix.T)
        )

    def priced_on(self, device: Device) -> CasePool:
        """The pool with its values also on a GPU, where they fit `DEVICE_SHARE` of its free memory; itself on a CPU, or
        where they do not."""
        if device.kind is DeviceKind.CPU or self.pool.values.nbytes > DEVICE_SHARE * device.free_bytes():
            return self
        return replace(self, pool=replace(self.pool, on_device=device.from_host(self.pool.values)))

    def priced_by(self, device: Device) -> str:
        """Who prices the pool that was to be `priced_on` a device, and why."""
        if device.kind is DeviceKind.GPU and self.pool.on_device is None:
            size = written_size(self.pool.values.nbytes)
            return f"CPU: the pool's {size} are more than half of what is free on the GPU"
        return device.why

    def parts(self, pool_columns: Ints, pool_levels: Floats) -> Floats:
        """Levels of the model's columns, (columns,), that some bundles are made of."""
        found: Floats = (
            (pool_levels @ self.mixes.use[pool_columns]) @ self.mixes.points if len(pool_columns)
            else np.zeros(self.arrays.columns)
        )
        return found


@dataclass(frozen=True, eq=False)
class _Mixes:
    """Bundles over points, and points over the columns of the model: single columns first, then running sums of
    on-demand windows."""

    use: sp.csr_array
    points: sp.csr_array


def bundled_model(candidates: CandidateSet) -> Model:
    """The model of a case with every way to end a cohort, as bundles need it; refused where power may be curtailed."""
    refuse_curtailable(candidates)
    return make_model(make_formulation(candidates, aggregate=False, keep_equals=True))


def places_with_fleet(candidates: CandidateSet) -> frozenset[tuple[str, str]]:
    """Places (site, SKU) where GPUs stand from the start: their work stays in the master, as candidates."""
    fleet = candidates.outlook.case.tables["fleet"]
    return frozenset(zip(fleet["site_id"].astype(str), fleet["gpu_id"].astype(str), strict=True))


def make_case_pool(
    candidates: CandidateSet, values: Floats, probability: Floats, bundles: pd.DataFrame, *,
    file: Path | None = None, threads: int | None = None, dtype: type = np.float32, known: np.ndarray | None = None,
) -> CasePool:
    """Master and pool for some bundles (see `bundle_grid.COLUMNS`).

    values: NPV by candidate and scenario, dollars, (N, S). file: where the pool's values are mapped from, as .npy; None
    keeps them in memory. known: the pool's values where they are made already (see `pool_values`).
    """
    if bundles.empty:
        raise PlannerError("the pool holds no bundle; make the grid finer, or name bundles of this case")
    model = bundled_model(candidates)
    formulation = model.formulation
    arrays = model_arrays(model.problem, variables=model.variables)
    worth = (formulation.level_of.T @ values) * (formulation.unit / formulation.money)[:, None]
    places = places_with_fleet(candidates)
    kept = _infrastructure(formulation, places)
    fixed = FixedPart(_of_columns(arrays, kept), ColumnValues.of(worth[kept], probability, money=formulation.money))
    mixes = _mixes(formulation, bundles)
    npv = _values(mixes, worth, file, threads, dtype) if known is None else _in_model_money(known, formulation)
    share, group, limit = _groups(candidates, bundles)
    points = sp.csr_array(mixes.points @ arrays.matrix.T)
    pool = Pool(npv, mixes.use, points, share, group, limit, np.full(len(bundles), np.inf), threads)
    return CasePool(
        candidates, model, arrays, ColumnValues.of(worth, probability, money=formulation.money), kept, fixed, pool,
        mixes,
    )


def pool_values(
    candidates: CandidateSet, formulation: Formulation, values: Floats, bundles: pd.DataFrame, *,
    threads: int | None = None,
) -> np.ndarray:
    """NPV of a unit of each bundle (a thousand GPUs) by scenario, $M in float32, (bundles, S), as `make_case_pool`
    forms it.

    formulation: of the model that `bundled_model` makes. A bundle's numbers do not depend on the bundles beside it.
    """
    worth = (formulation.level_of.T @ values) * (formulation.unit / MILLION)[:, None]
    return _values(_mixes(formulation, bundles), worth, None, threads, np.float32)


def _in_model_money(known: np.ndarray, formulation: Formulation) -> np.ndarray:
    """Values that were made before, which are in $M whatever the case, in the money of a model."""
    return (
        known if formulation.money == MILLION
        else np.asarray(known) * np.asarray(MILLION / formulation.money, dtype=known.dtype)
    )


def _infrastructure(formulation: Formulation, with_fleet: frozenset[tuple[str, str]]) -> Ints:
    """Columns of the model that bundles do not replace."""
    table = formulation.candidates.table
    replaced = table["kind"].isin(IN_BUNDLES).to_numpy(copy=True)
    parent_kind = table["kind"].to_numpy()[np.maximum(table["parent"].to_numpy(np.int64), 0)]
    replaced &= ~(table["kind"].isin((Kind.RETIRE, Kind.RENEW)).to_numpy() & ~np.isin(parent_kind, ("own", "serve")))
    here = np.array([place in with_fleet for place in zip(table["site_id"], table["gpu_id"], strict=True)], dtype=bool)
    replaced &= ~(here & table["kind"].isin((Kind.SERVE, Kind.RENEW, Kind.SELL)).to_numpy())
    columns = sp.csc_array(formulation.level_of)
    gone = np.asarray(replaced.astype(np.float64) @ columns).reshape(-1) > 0.0
    # The total of a cohort stands for no candidate by itself; it goes with its cohort.
    totals = np.flatnonzero(np.diff(columns.indptr)[: len(formulation.candidate)] == 0)
    gone[totals] = replaced[formulation.candidate[totals]]
    return np.flatnonzero(~gone)


def _of_columns(arrays: ModelArrays, kept: Ints) -> ModelArrays:
    matrix = sp.csr_array(sp.csc_array(arrays.matrix)[:, kept])
    return ModelArrays(
        cost=arrays.cost[kept], offset=arrays.offset, start=matrix.indptr.astype(np.int32),
        index=matrix.indices.astype(np.int32), value=matrix.data,
        row_lower=arrays.row_lower, row_upper=arrays.row_upper, col_lower=arrays.col_lower[kept],
        col_upper=arrays.col_upper[kept],
        integer=arrays.integer[kept], maximise=arrays.maximise,
        variables=tuple(arrays.variables[j] for j in kept.tolist()), row_names=arrays.row_names,
    )


def _mixes(formulation: Formulation, bundles: pd.DataFrame) -> _Mixes:
    """What each bundle is made of: its GPU with its ending, its leases, and its on-demand windows as differences of
    running sums."""
    candidates = formulation.candidates
    places = _ColumnPlaces.of(formulation)
    works = 1.0 - _spare(candidates, bundles)
    own, retire = bundles["own"].to_numpy(np.int64), bundles["retire"].to_numpy(np.int64)
    row = np.arange(len(bundles))
    cells: list[tuple[Ints, Ints, Floats]] = [(row, places.cohort(own, retire), np.ones(len(bundles)))]
    total = places.total[own]
    cells.append((row[total >= 0], total[total >= 0], np.ones(int((total >= 0).sum()))))
    for name in ("serve", "renew", "then_serve", "then_renew"):
        number = bundles[name].to_numpy(np.int64)
        held = number >= 0
        cells.append((row[held], places.alone[number[held]], works[held]))
    market = _Market.of(candidates, places, bundles, len(formulation.unit))
    for begins, ends in _free(candidates, bundles):
        first, last, held = market.between(begins, ends)
        cells += [(row[held], last[held], works[held]), (row[held], first[held], -works[held])]
    data, at = np.concatenate([cell[2] for cell in cells]), np.concatenate([cell[1] for cell in cells])
    if (at < 0).any():
        raise PlannerError("a bundle names a candidate that no plan can use; leave it out of the pool")
    points = sp.vstack([sp.eye_array(len(formulation.unit), format="csr"), market.sums], format="csr")
    use = sp.csr_array((data, (np.concatenate([cell[0] for cell in cells]), at)), shape=(len(bundles), points.shape[0]))
    return _Mixes(sparse_rows(use), sp.csr_array(points))


def _spare(candidates: CandidateSet, bundles: pd.DataFrame) -> Floats:
    gpus = candidates.outlook.case.tables["gpus"].set_index("gpu_id")["spare_fraction"]
    return candidates.table["gpu_id"].map(gpus).to_numpy(np.float64)[bundles["own"].to_numpy(np.int64)]


def _free(candidates: CandidateSet, bundles: pd.DataFrame) -> Iterator[tuple[Ints, Ints]]:
    """Stretches in which a bundle is not let: before its first lease, between two, after the last; begin and end by
    bundle."""
    start, end = (np.append(candidates.table[name].to_numpy(np.int64), 0) for name in ("from_month", "to_month"))
    own, retire = bundles["own"].to_numpy(np.int64), bundles["retire"].to_numpy(np.int64)
    serve, renew, second, again = (
        bundles[name].to_numpy(np.int64) for name in ("serve", "renew", "then_serve", "then_renew")
    )
    delivered, gone = start[own], np.where(retire >= 0, start[retire], end[own])
    first_end = np.where(renew >= 0, end[renew], end[serve])
    last_end = np.where(again >= 0, end[again], end[second])
    let, twice = serve >= 0, second >= 0
    yield delivered, np.where(let, start[serve], gone)
    yield np.where(let, first_end, gone), np.where(twice, start[second], gone)
    yield np.where(twice, last_end, gone), gone


@dataclass(frozen=True, eq=False)
class _ColumnPlaces:
    """Where candidates stand among the columns of the model; -1 where they do not.

    alone: column of a candidate that stands by itself; total: column of a cohort's total; _pair: columns of (cohort,
    ending).
    """

    alone: Ints
    total: Ints
    _keys: Ints
    _columns: Ints
    _count: int

    @staticmethod
    def of(formulation: Formulation) -> _ColumnPlaces:
        count = len(formulation.candidates)
        single = len(formulation.candidate)
        table = formulation.candidates.table
        by_column = sp.csc_array(formulation.level_of)
        alone, total = np.full(count + 1, -1), np.full(count + 1, -1)
        empty = np.diff(by_column.indptr)[:single] == 0
        alone[formulation.candidate[~empty]] = np.flatnonzero(~empty)
        total[formulation.candidate[empty]] = np.flatnonzero(empty)
        keys, columns = [], []
        ending = table["kind"].isin((Kind.RETIRE, Kind.CLOSE)).to_numpy()
        for column in range(single, len(formulation.unit)):
            held = by_column.indices[by_column.indptr[column] : by_column.indptr[column + 1]]
            if len(held) == 0:
                continue  # a stock
            parent = int(held[~ending[held]][0])
            last = int(held[ending[held]][0]) if ending[held].any() else -1
            keys.append(parent * (count + 1) + last + 1)
            columns.append(column)
        order = np.argsort(keys)
        return _ColumnPlaces(
            alone, total, np.array(keys, dtype=np.int64)[order], np.array(columns, dtype=np.int64)[order], count
        )

    def cohort(self, own: Ints, ending: Ints) -> Ints:
        """Columns of cohorts with their endings (-1: kept to the end of life); a cohort without endings is a column by
        itself."""
        key = own * (self._count + 1) + ending + 1
        at = np.minimum(np.searchsorted(self._keys, key), max(len(self._keys) - 1, 0))
        paired = self._keys[at] == key if len(self._keys) else np.zeros(len(key), dtype=bool)
        found: Ints = np.where(
            paired, self._columns[at] if len(self._keys) else -1, np.where(ending < 0, self.alone[own], -1)
        )
        return found


@dataclass(frozen=True, eq=False)
class _Market:
    """Running sums of on-demand windows along each way to sell: (site, SKU, tier, power path).

    sums: (points, columns of the model). way: that of each bundle, -1 for none. first: position of each way's first
    point among all.
    """

    sums: sp.csr_array
    way: Ints
    first: Ints
    begins: tuple[Ints, ...]
    ends: tuple[Ints, ...]

    @staticmethod
    def of(candidates: CandidateSet, places: _ColumnPlaces, bundles: pd.DataFrame, columns: int) -> _Market:
        """The ways that the bundles name; `columns` of the model come before the points."""
        table = candidates.table
        own = bundles["own"].to_numpy(np.int64)
        keys = pd.DataFrame(
            {
                "site_id": table["site_id"].to_numpy()[own], "gpu_id": table["gpu_id"].to_numpy()[own],
                "tier": bundles["tier"], "head": bundles["head"], "then": bundles["then"],
            }
        )
        way = keys.groupby(list(keys.columns), sort=False).ngroup().to_numpy(np.int64)
        distinct = keys.iloc[np.unique(way, return_index=True)[1]]
        energised = _energised(candidates)
        sells = table[table["kind"] == Kind.SELL]
        by_place = dict(iter(sells.groupby(["site_id", "gpu_id", "tier"], sort=False)))
        data, begins, ends, first = [], [], [], []
        at = 0
        for key in distinct.itertuples(index=False):
            rows = by_place.get((key.site_id, key.gpu_id, key.tier), sells.iloc[:0])
            second = (rows["from_month"] >= energised[key.then]) if key.then else pd.Series(False, index=rows.index)
            rows = rows[rows["phase"] == np.where(second, key.then, key.head)].sort_values("from_month")
            numbers = places.alone[rows.index.to_numpy(np.int64)]
            rows, numbers = rows[numbers >= 0], numbers[numbers >= 0]
            below = sp.csr_array(np.tril(np.ones((len(numbers) + 1, max(len(numbers), 1))), -1)[:, : len(numbers)])
            cells = below.tocoo()
            data.append((cells.coords[0] + at, numbers[cells.coords[1]]))
            begins.append(rows["from_month"].to_numpy(np.int64))
            ends.append(rows["to_month"].to_numpy(np.int64))
            first.append(columns + at)
            at += len(numbers) + 1
        row, column = (np.concatenate([np.zeros(0, dtype=np.int64), *(part[k] for part in data)]) for k in range(2))
        sums = sp.csr_array((np.ones(len(row)), (row, column)), shape=(at, columns))
        return _Market(sums, way, np.array(first, dtype=np.int64), tuple(begins), tuple(ends))

    def between(self, begin: Ints, end: Ints) -> tuple[Ints, Ints, np.ndarray]:
        """Points before the first and after the last window within [begin, end), and which bundles have any."""
        first, last = np.zeros(len(begin), dtype=np.int64), np.zeros(len(begin), dtype=np.int64)
        order = np.argsort(self.way, kind="stable")
        edges = np.searchsorted(self.way[order], np.arange(len(self.first) + 1))
        for number in range(len(self.first)):
            rows = order[edges[number] : edges[number + 1]]
            first[rows] = self.first[number] + np.searchsorted(self.begins[number], begin[rows], side="left")
            last[rows] = self.first[number] + np.searchsorted(self.ends[number], end[rows], side="right")
        return first, last, (last > first) & (begin < end)


def _energised(candidates: CandidateSet) -> dict[str, int]:
    power = candidates.outlook.case.tables["power"]
    return dict(zip(power["source_id"] + ":" + power["phase"], candidates.outlook.energised.tolist(), strict=True))


def _groups(candidates: CandidateSet, bundles: pd.DataFrame) -> tuple[Floats, Ints, Floats]:
    """GPUs delivered to a site in one month all stand there in that month, within the critical IT of the site: share,
    group, limit."""
    table, tables = candidates.table, candidates.outlook.case.tables
    own = bundles["own"].to_numpy(np.int64)
    site, month = table["site_id"].to_numpy()[own], table["from_month"].to_numpy(np.int64)[own]
    # per thousand GPUs
    it_mw = table["gpu_id"].map(tables["gpus"].set_index("gpu_id")["it_kw"]).to_numpy(np.float64)[own]
    keys = pd.DataFrame({"site_id": site, "month": month})
    group = keys.groupby(["site_id", "month"], sort=True).ngroup().to_numpy(np.int64)
    first = np.unique(group, return_index=True)[1]
    most = tables["sites"].set_index("site_id")["critical_it_mw"].astype("float64")
    return it_mw, group, most.reindex(site[first]).to_numpy(np.float64)


def _values(mixes: _Mixes, worth: Floats, file: Path | None, threads: int | None, dtype: type) -> np.ndarray:
    """NPV of each bundle by scenario, (N, S), formed in pieces."""
    at_points = np.asarray(mixes.points @ worth)
    shape = (mixes.use.shape[0], worth.shape[1])
    found = (
        np.empty(shape, dtype=dtype) if file is None
        else np.lib.format.open_memmap(file, mode="w+", dtype=dtype, shape=shape)
    )

    def piece(rows: slice) -> None:
        found[rows] = mixes.use[rows] @ at_points

    for _ in over_pieces(piece, shape[0], piece=PIECE, threads=threads or usable_cores()):
        pass
    if file is None:
        return found
    assert isinstance(found, np.memmap)
    found.flush()
    return np.load(file, mmap_mode="r")


@contextmanager
def pool_on_disk(bundles: int, scenarios: int, *, memory_bytes: int | None = None) -> Iterator[Path | None]:
    """A file for the values of a pool that would not fit the memory that may be used, None where they fit; it goes with
    the block."""
    if bundles * scenarios * 4 <= (usable_memory() if memory_bytes is None else memory_bytes):
        yield None
        return
    with TemporaryDirectory(prefix="planner-pool-") as folder:
        yield Path(folder) / "values.npy"

"""A plan taken apart into the paths of its GPUs, which join a pool: what the plan does, the pool can then do too.

Work is handed out in the order in which it begins, each piece to GPUs that are free then and stay until its end, those
that became free last first. A plan of the model may let one delivery take over from another within a lease; where no
GPU can do a piece of work alone, the GPUs and the work of that place stay together as one column.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import scipy.sparse as sp

from planner.arrays import Floats, Ints
from planner.risk.case_pool import CasePool
from planner.solver.column_generation.columns import Pool

DUST = 1e-9
"""Thousand GPUs that are none."""


@dataclass
class _Piece:
    """Some GPUs of one delivery with one ending: how many (thousands), until when, free from when, and the columns of
    their work."""

    amount: float
    cohort: int
    free: int
    end: int
    work: list[int] = field(default_factory=list)


@dataclass(frozen=True)
class _Work:
    """Work to hand out: its column, how much (thousand GPUs at work), and when."""

    column: int
    amount: float
    start: int
    end: int


@dataclass(frozen=True, eq=False)
class Paths:
    """Paths of a plan: mixes over the model's columns (paths, columns), level of each, and its share of its group's
    limit.

    site, month: of delivery. share: MW of critical IT delivered to the site in that month by a unit of the path.
    """

    mixes: sp.csr_array
    levels: Floats
    site: np.ndarray
    month: Ints
    share: Floats


def paths_of(made: CasePool, columns: Floats) -> Paths:
    """The paths of a plan from the levels of the model's columns, (columns,); only what bundles replace."""
    cells: list[tuple[int, int, float]] = []
    levels: list[float] = []
    site: list[str] = []
    month: list[int] = []
    share: list[float] = []
    for place in _places(made, columns):
        for mix, level in place.taken_apart():
            first = min(place.delivered[cohort] for cohort in place.cohorts if mix.get(cohort))
            cells += [(len(levels), column, amount) for column, amount in mix.items()]
            levels.append(level)
            site.append(place.site)
            month.append(first)
            share.append(
                place.it_mw * sum(mix.get(cohort, 0.0) for cohort in place.cohorts if place.delivered[cohort] == first)
            )
    row, column, data = (
        (np.array(part) for part in zip(*cells, strict=True)) if cells
        else (np.zeros(0, dtype=np.int64),) * 2 + (np.zeros(0),)
    )
    mixes = sp.csr_array((data, (row.astype(np.int64), column.astype(np.int64))), shape=(len(levels), len(columns)))
    return Paths(
        mixes, np.array(levels), np.array(site, dtype=object), np.array(month, dtype=np.int64), np.array(share)
    )


@dataclass
class _Place:
    """One SKU at one site: cohorts with their amounts, and work."""

    site: str
    it_mw: float
    works: float
    """Share of GPUs owned that may work."""
    cohorts: dict[int, tuple[float, int, int]]
    """Amount, start and end by column."""
    total: dict[int, int]
    """Column of the total that goes with a cohort's column, where there is one."""
    work: list[_Work]

    @property
    def delivered(self) -> dict[int, int]:
        """Month of delivery by column of a cohort."""
        return {column: start for column, (_, start, _) in self.cohorts.items()}

    def taken_apart(self) -> list[tuple[dict[int, float], float]]:
        """Mixes with their levels."""
        pieces = [_Piece(amount, column, start, end) for column, (amount, start, end) in self.cohorts.items()]
        for work in sorted(self.work, key=lambda one: (one.start, one.end, one.column)):
            left = work.amount / self.works
            fits = [piece for piece in pieces if piece.free <= work.start and piece.end >= work.end]
            for piece in sorted(fits, key=lambda one: (-one.free, one.end, one.cohort)):
                taken = min(left, piece.amount)
                if taken <= DUST:
                    break
                if piece.amount - taken > DUST:
                    pieces.append(replace(piece, amount=piece.amount - taken, work=list(piece.work)))
                piece.amount, piece.free = taken, work.end
                piece.work.append(work.column)
                left -= taken
            if left > 1e-6:
                return [(self._together(), 1.0)]
        return [(self._mix(piece), piece.amount) for piece in pieces if piece.amount > DUST]

    def _mix(self, piece: _Piece) -> dict[int, float]:
        mix = {piece.cohort: 1.0, **dict.fromkeys(piece.work, self.works)}
        if piece.cohort in self.total:
            mix[self.total[piece.cohort]] = 1.0
        return mix

    def _together(self) -> dict[int, float]:
        mix = {column: amount for column, (amount, _, _) in self.cohorts.items()}
        for column, (amount, _, _) in self.cohorts.items():
            if column in self.total:
                mix[self.total[column]] = mix.get(self.total[column], 0.0) + amount
        for work in self.work:
            mix[work.column] = mix.get(work.column, 0.0) + work.amount
        return mix


def _places(made: CasePool, columns: Floats) -> list[_Place]:
    """The places of a plan, from the columns that bundles replace."""
    table = made.candidates.table
    kind, gpu, site = (table[name].to_numpy(dtype=object) for name in ("kind", "gpu_id", "site_id"))
    start, end = (table[name].to_numpy(np.int64) for name in ("from_month", "to_month"))
    gpus = made.candidates.outlook.case.tables["gpus"].set_index("gpu_id")
    by_column = sp.csc_array(made.model.formulation.level_of)
    replaced = np.ones(len(columns), dtype=bool)
    replaced[made.kept] = False
    single = len(made.model.formulation.candidate)
    totals = {
        int(made.model.formulation.candidate[j]): j
        for j in np.flatnonzero(np.diff(by_column.indptr)[:single] == 0).tolist()
    }
    places: dict[tuple[str, str], _Place] = {}
    for column in np.flatnonzero(replaced & (columns > DUST)).tolist():
        held = by_column.indices[by_column.indptr[column] : by_column.indptr[column + 1]].tolist()
        if not held:
            continue  # a total: it goes with its cohort
        own = [number for number in held if kind[number] == "own"]
        lead = own[0] if own else held[0]
        name = (str(site[lead]), str(gpu[lead]))
        sku = gpus.loc[name[1]]
        place = places.setdefault(
            name, _Place(name[0], float(sku["it_kw"]), 1.0 - float(sku["spare_fraction"]), {}, {}, [])
        )
        if own:
            sold = [number for number in held if kind[number] == "retire"]
            place.cohorts[column] = (
                float(columns[column]), int(start[lead]), int(start[sold[0]] if sold else end[lead])
            )
            if lead in totals:
                place.total[column] = totals[lead]
        else:
            place.work.append(_Work(column, float(columns[column]), int(start[lead]), int(end[lead])))
    return [place for place in places.values() if place.cohorts]


def with_paths(made: CasePool, paths: Paths) -> CasePool:
    """The pool with the paths of a plan after its bundles, in memory."""
    pool, count = made.pool, len(paths.levels)
    points = made.mixes.points.shape[0]
    # Single columns are the first points.
    use = sp.vstack(
        [pool.use, sp.csr_array((paths.mixes.data, paths.mixes.indices, paths.mixes.indptr), shape=(count, points))],
        format="csr",
    )
    worth = paths.mixes @ _dense(made)
    values = np.concatenate([np.asarray(pool.values, dtype=np.float64), worth])
    sites = made.candidates.outlook.case.tables["sites"].set_index("site_id")["critical_it_mw"].astype("float64")
    keys, inverse = np.unique(
        [f"{site}@{month}" for site, month in zip(paths.site, paths.month, strict=True)], return_inverse=True
    )
    first = np.unique(inverse, return_index=True)[1] if len(keys) else np.zeros(0, dtype=np.int64)
    joined = Pool(
        values, use, pool.points, np.concatenate([pool.share, paths.share]),
        np.concatenate([pool.group, len(pool.limit) + inverse]),
        np.concatenate([pool.limit, sites.reindex(paths.site[first]).to_numpy(np.float64)]),
        np.concatenate([pool.upper, np.full(count, np.inf)]), pool.threads,
    )
    return replace(made, pool=joined, mixes=replace(made.mixes, use=use))


def _dense(made: CasePool) -> Floats:
    worth = np.repeat(made.worth.mean[:, None], made.worth.scenarios, axis=1)
    worth[made.worth.varying] += made.worth.deviation
    return worth

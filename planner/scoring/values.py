"""What a unit of each item is worth in every future: NPV, and cash by month where paths are measured."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from kernels.cpu.unit_cash import mix_net_cash
from kernels.devices import CpuEngine, Engine
from kernels.lines import Line
from kernels.pieces import over_pieces
from kernels.reference.unit_npv import schedule_values
from kernels.terms import Term, WindowTerm
from planner.arrays import Floats, Ints
from planner.candidates.build import CandidateSet
from planner.candidates.outlook import Outlook
from planner.candidates.valuation import renumbered, select
from planner.scenarios.futures import Futures
from planner.scenarios.outlook import scenario_outlook
from planner.scenarios.stressed import Stressed
from planner.scoring.items import Items
from planner.scoring.under_stress import gone_items

CELLS = 3_000_000
"""Cells of paths formed at once by one thread: 24 MB, and as much for their prefix sums."""
INVESTED = (Line.CAPEX, Line.DEPOSITS, Line.OPENING)
SERVICE = (Line.INTEREST, Line.REPAYMENT)


@dataclass(frozen=True)
class Cover:
    """What debt is served from and what is due, of K items by scenario and tax year, dollars, each (K, S, years).

    available: after-tax cash before financing, without capex and opening costs (the tax is that of the company
    without debt). due: interest and repayment, positive.
    """

    available: Floats
    due: Floats


@dataclass(frozen=True)
class ItemValues:
    """Values of K items, dollars: npv (K, S); base_npv (K,); stress_npv by name (K,); base_cash (K, M).

    With paths also cash (K, S, M), and cover where the case has debt.
    """

    npv: Floats
    base_npv: Floats
    stress_npv: dict[str, Floats]
    base_cash: Floats
    cash: Floats | None
    cover: Cover | None


@dataclass(frozen=True)
class _Held:
    """Terms of the candidates that some items hold, block by block, over the paths that they read.

    needed: rows of the book of paths. blocks: terms with their paths numbered among those needed, and the place of
    their candidates among all held.
    """

    items: Items
    needed: Ints
    blocks: tuple[tuple[tuple[Term, ...], slice], ...]
    mixes: tuple[sp.csc_array, ...]
    """Levels of the items in the candidates of each block, (items, n)."""


@dataclass(frozen=True)
class _Arrays:
    """Paths (P, S, M), events (E, S) and profiles (Q, A) under one outlook."""

    paths: Floats
    events: Ints
    profiles: Floats
    discount: Floats
    tax_rate: float


def item_values(
    candidates: CandidateSet, items: Items, futures: Futures, stresses: dict[str, Stressed], *, paths: bool,
    threads: int, engine: Engine | None = None
) -> ItemValues:
    """Value the items in the base case, in every future and under every stress, in pieces of scenarios.

    Under a stress that cannot have what an item holds, the item is worth NaN. Sums run in a fixed order, so pieces and
    threads do not matter. engine: of the device that finds the NPVs, None for the CPU's; monthly cash is formed on the
    CPU.
    """
    engine = CpuEngine(threads) if engine is None else engine
    held = _held(candidates, items)
    outlook = candidates.outlook
    worth = schedule_values(candidates.cash_tables.profiles.table(), outlook.discount)
    size = max(CELLS // (max(len(held.needed), 1) * outlook.months), 1)
    years = np.arange(0, outlook.months, 12)
    covered = paths and len(outlook.case.tables["debt"]) > 0

    def piece(rows: slice) -> tuple[Floats, Floats | None, Cover | None]:
        arrays = _arrays(candidates, held, scenario_outlook(outlook, futures.piece(rows)))
        cash = _net_cash(held, arrays) if paths else None
        return _npv(
            held, arrays, worth, engine
        ), cash, _cover(held, arrays, cash, years) if covered and cash is not None else None

    count, scenarios = len(items), len(futures)
    npv = np.empty((count, scenarios))
    whole = np.empty((count, scenarios, outlook.months)) if paths else None
    cover = Cover(*(np.empty((count, scenarios, len(years))) for _ in range(2))) if covered else None
    for rows, (value, cash, served) in over_pieces(piece, scenarios, piece=size, threads=threads):
        npv[:, rows] = value
        if whole is not None:
            whole[:, rows] = cash
        if cover is not None and served is not None:
            cover.available[:, rows], cover.due[:, rows] = served.available, served.due
    base = _arrays(candidates, held, outlook)
    under = {name: _stressed_npv(candidates, held, stressed, engine) for name, stressed in stresses.items()}
    return ItemValues(npv, _npv(held, base, worth, engine)[:, 0], under, _net_cash(held, base)[:, 0], whole, cover)


def _stressed_npv(candidates: CandidateSet, held: _Held, stressed: Stressed, engine: Engine) -> Floats:
    """NPV of each item under a stress, NaN where the stressed case cannot have what it holds."""
    if stressed.restated is not None:
        candidates, held = stressed.restated, _held(stressed.restated, held.items)
    worth = schedule_values(candidates.cash_tables.profiles.table(), stressed.outlook.discount)
    npv = _npv(held, _arrays(candidates, held, stressed.outlook), worth, engine)[:, 0]
    npv[gone_items(stressed, held.items)] = np.nan
    return npv


def _held(candidates: CandidateSet, items: Items) -> _Held:
    by_candidate = sp.csc_array(items.levels)
    found: list[tuple[list[Term], slice]] = []
    for block in candidates.blocks:
        first, last = np.searchsorted(items.held, [block.first, block.first + len(block)])
        if first < last:
            terms = select(block.terms, items.held[first:last] - block.first)
            # A term of no candidate held (another lease's prepayment) is left out once, not once per piece; the first
            # stays, to count units.
            found.append(
                (
                    [term for at, term in enumerate(terms) if at == 0 or np.any(term.amount)],
                    slice(int(first), int(last)),
                )
            )
    read = [np.asarray(term.path) for terms, _ in found for term in terms if isinstance(term, WindowTerm)]
    needed = np.unique(np.concatenate([np.zeros(0, dtype=np.int64), *read]))
    blocks = tuple((tuple(renumbered(term, needed) for term in terms), place) for terms, place in found)
    return _Held(items, needed, blocks, tuple(sp.csc_array(by_candidate[:, place]) for _, place in blocks))


def _arrays(candidates: CandidateSet, held: _Held, outlook: Outlook) -> _Arrays:
    cash_tables = candidates.cash_tables
    return _Arrays(
        cash_tables.paths.table(outlook, needed=held.needed), cash_tables.events.table(outlook),
        cash_tables.profiles.table(), outlook.discount,
        outlook.case.settings.tax_rate,
    )


def _npv(held: _Held, arrays: _Arrays, worth: Floats, engine: Engine) -> Floats:
    """After-tax NPV of each item by scenario."""
    blocks = [terms for terms, _ in held.blocks]  # in the order of the candidates held
    total = np.zeros((0, arrays.paths.shape[1]))
    if blocks:
        total = engine.unit_npv(blocks, arrays.paths, arrays.events, worth, arrays.discount, tax_rate=arrays.tax_rate)
    return np.asarray(held.items.levels @ total)


def _net_cash(held: _Held, arrays: _Arrays, lines: tuple[Line, ...] | None = None, *, gross: bool = False) -> Floats:
    """Cash of each item by scenario and month: net after tax, or what some lines bring of it; `gross` before tax, with
    debt."""
    total = np.zeros((len(held.items), *arrays.paths.shape[1:]))
    for (terms, _), mixes in zip(held.blocks, held.mixes, strict=True):
        chosen = terms if lines is None else [term for term in terms if term.line in lines]
        tax_rate = 0.0 if gross else arrays.tax_rate
        mix_net_cash(
            chosen, mixes, arrays.paths, arrays.events, arrays.profiles, total, tax_rate=tax_rate, equity=gross
        )
    return total


def _cover(held: _Held, arrays: _Arrays, cash: Floats, years: Ints) -> Cover:
    available = cash - _net_cash(held, arrays, INVESTED)
    due = -_net_cash(held, arrays, SERVICE, gross=True)
    return Cover(np.add.reduceat(available, years, axis=2), np.add.reduceat(due, years, axis=2))

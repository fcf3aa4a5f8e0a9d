"""What a unit of each item is worth in every future: NPV, and cash by month where paths are measured."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from kernels.pieces import over_pieces
from kernels.terms import WindowTerm
from kernels.unit_cash_engine import mix_net_cash
from planner.candidates.build import CandidateSet
from planner.candidates.outlook import Floats, Ints, Outlook
from planner.candidates.valuation import Valuation, select
from planner.candidates.workshop import Block
from planner.scenarios.futures import Futures
from planner.scenarios.outlook import scenario_outlook
from planner.scoring.items import Items

CELLS = 8_000_000
"""Cells of paths formed at once by one thread: 64 MB, and as much for their prefix sums."""


@dataclass(frozen=True)
class ItemValues:
    """Values of K items, dollars: npv (K, S); base_npv (K,); stress_npv by name (K,); cash (K, S, M) or None."""

    npv: Floats
    base_npv: Floats
    stress_npv: dict[str, Floats]
    cash: Floats | None
    base_cash: Floats


def item_values(
    candidates: CandidateSet, items: Items, futures: Futures, stresses: dict[str, Outlook], *, paths: bool, threads: int
) -> ItemValues:
    """Value the items in the base case, in every future and under every stress, in pieces of scenarios.

    `stresses` are outlooks that read the same books. Sums run in a fixed order, so pieces and threads do not matter.
    """
    base = candidates.valuation
    needed = _needed_paths(candidates, items)
    size = max(CELLS // (len(needed) * base.paths.shape[2]), 1)

    def piece(rows: slice) -> tuple[Floats, Floats | None]:
        valuation = candidates.books.under(scenario_outlook(candidates.outlook, futures.piece(rows)), needed=needed)
        cash = _items_cash(candidates, items, valuation) if paths else None
        return _items_npv(candidates, items, valuation), cash

    npv = np.empty((len(items), len(futures)))
    cash = np.empty((len(items), len(futures), candidates.outlook.months), dtype=np.float64) if paths else None
    for rows, (worth, flow) in over_pieces(piece, len(futures), piece=size, threads=threads):
        npv[:, rows] = worth
        if cash is not None:
            cash[:, rows] = flow
    under = {name: _items_npv(candidates, items, candidates.books.under(outlook, needed=needed))[:, 0] for name, outlook in stresses.items()}
    return ItemValues(npv, _items_npv(candidates, items, base)[:, 0], under, cash, _items_cash(candidates, items, base)[:, 0])


def _held(candidates: CandidateSet, items: Items) -> Iterator[tuple[Block, np.ndarray, slice]]:
    """Each block with the rows of it that are held, and where they stand among those held."""
    for block in candidates.blocks:
        first, last = np.searchsorted(items.held, [block.first, block.first + len(block)])
        if first < last:
            yield block, items.held[first:last] - block.first, slice(int(first), int(last))


def _items_npv(candidates: CandidateSet, items: Items, valuation: Valuation) -> Floats:
    total = np.empty((len(items.held), valuation.paths.shape[1]))
    for block, rows, place in _held(candidates, items):
        part = Block(block.kind, block.first, block.table.iloc[rows], tuple(select(block.terms, rows)))
        total[place] = valuation.npv(part)
    return np.asarray(items.levels @ total)


def _items_cash(candidates: CandidateSet, items: Items, valuation: Valuation) -> Floats:
    """Net after-tax cash of each item by scenario and month."""
    total = np.zeros((len(items), *valuation.paths.shape[1:]))
    by_candidate = items.levels.tocsc()
    for block, rows, place in _held(candidates, items):
        mix_net_cash(
            select(block.terms, rows), by_candidate[:, place], valuation.paths, valuation.events, valuation.profiles, total, tax_rate=valuation.tax_rate
        )
    return total


def _needed_paths(candidates: CandidateSet, items: Items) -> Ints:
    """Rows of paths that the candidates held read."""
    read = [np.zeros(0, dtype=np.int64)]
    for block, rows, _ in _held(candidates, items):
        read += [np.asarray(term.path)[rows] for term in block.terms if isinstance(term, WindowTerm)]
    return np.unique(np.concatenate(read))

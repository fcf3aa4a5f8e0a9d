"""Columns of the model: candidates, and for what can be given up early one column per way to end it.

A cohort (GPUs delivered in a month, halls in service from a month) with endings a, b, ... is decided as

    own = kept + ended[a] + ended[b] + ...        retire[a] = ended[a]        all >= 0

in place of `own` with `retire[a] + retire[b] + ... <= own`. Both describe the same levels, so the optimum is the
same; the row is gone, and each column now only comes and goes once.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from planner.arrays import Ints
from planner.candidates.build import CandidateSet
from planner.candidates.columns import Columns, stacked
from planner.candidates.kinds import Kind
from planner.candidates.resources import Family

ENDING_KINDS = (Kind.RETIRE, Kind.CLOSE)
MANY_USES = 6.0
"""Uses above which stating them once, for a total, makes the model sparser than stating them for every ending."""


@dataclass(frozen=True)
class CohortColumns:
    """Columns before the aggregated market and stocks: `candidate.size` single candidates, then the cohorts with their
    endings.

    candidate: number of the candidate behind each of the first columns. For a cohort whose bounds matter it is a
    total without cash or uses, tied to its columns by a row of `totals` (right-hand side 0).
    parent, ending: numbers of the cohort and of its ending (-1 for none) behind each of the other columns.
    columns: name, npv_usd, lower, upper, integral, unit per column. level_of: levels = level_of @ columns.
    uses: columns column, resource, coefficient, start, end. moves: the same of stocks, with stock in place of resource.
    """

    candidate: Ints
    parent: Ints
    ending: Ints
    columns: Columns
    level_of: sp.csr_array
    uses: Columns
    moves: Columns
    totals: sp.csr_array


def cohort_columns(
    candidates: CandidateSet, kept: Ints, gpu_unit: float, stage: Ints | None = None
) -> CohortColumns:
    """The columns of the candidates `kept`.

    stage: of each candidate, (candidates,); a cohort of which an ending is decided in another stage stays as it is,
    since how it ends is not known when it is bought. None: all are of one stage.

    The change of variables is exact where the cohort has no bounds of its own that matter: own >= 0 is implied by its
    parts, and an upper bound that some row implies needs no row. Where a bound matters, or where its uses are so many
    that stating them for each ending would take more entries, the cohort keeps a total column, tied to its parts by one
    row. Order of the columns: single candidates and totals (`alone`), then the cohorts, each with its endings beside
    it; `level_of` says which columns add up to the level of each candidate, so levels come back by one product.
    """
    uses, moves = candidates.book.uses.columns(), candidates.book.stock_uses.columns()
    ending = kept[_is_ending(candidates, stage)[kept]]
    parent = candidates.columns["parent"][ending]
    cohorts = np.unique(parent)
    bounded = cohorts[_bounds_matter(candidates, cohorts, uses) | _many_uses(candidates, cohorts, uses, moves)]
    alone = np.setdiff1d(kept, np.concatenate([ending, np.setdiff1d(cohorts, bounded)]))
    parents = np.concatenate([cohorts, parent])
    endings = np.concatenate([np.full(len(cohorts), -1), ending])
    order = np.lexsort((endings, parents))
    parents, endings = parents[order], endings[order]
    first = len(alone)
    total = np.isin(alone, bounded)
    ended = np.flatnonzero(endings >= 0)
    count = first + len(parents)
    candidate = np.concatenate([alone[~total], parents, endings[ended]])
    column = np.concatenate([np.flatnonzero(~total), first + np.arange(len(parents)), first + ended])
    level_of = sp.csr_array((np.ones(len(candidate)), (candidate, column)), shape=(len(candidates), count))
    members = Columns(candidate=candidate, column=column)
    totals = Columns(candidate=bounded, column=np.searchsorted(alone, bounded))
    with_total = stacked([members.take(~np.isin(candidate, bounded)), totals])
    uses = uses.take(~np.isin(uses["resource"], _ended_rows(candidates, uses, ending)))
    is_ending = np.zeros(len(candidates), dtype=bool)
    is_ending[ending] = True
    ended_moves = np.isin(moves["resource"], moves["resource"][is_ending[moves["candidate"]]])
    by_stock = stacked([_by_column(moves.take(ended_moves), members), _by_column(moves.take(~ended_moves), with_total)])
    tied = np.searchsorted(bounded, parents)
    inside = np.isin(parents, bounded)
    rows = np.concatenate([np.arange(len(bounded)), tied[inside]])
    at = np.concatenate([np.searchsorted(alone, bounded), first + np.flatnonzero(inside)])
    ties = np.concatenate([np.ones(len(bounded)), -np.ones(int(inside.sum()))])
    return CohortColumns(
        alone, parents, endings, _columns(candidates, alone, total, parents, endings, gpu_unit), level_of,
        _by_column(uses, with_total),
        by_stock.only("column", "coefficient", "start", "end").having(stock=by_stock["resource"]),
        sp.csr_array((ties, (rows, at)), shape=(len(bounded), count)),
    )


def _is_ending(candidates: CandidateSet, stage: Ints | None) -> np.ndarray:
    """Endings of cohorts that are not whole decisions and of which every ending is decided in the cohort's stage."""
    parent = candidates.columns["parent"]
    found = np.zeros(len(candidates), dtype=bool)
    found[candidates.of_kind(*ENDING_KINDS)] = True
    if stage is not None:
        found &= ~np.isin(parent, parent[found & (stage != stage[np.maximum(parent, 0)])])
    divisible = ~candidates.columns["integral"][np.maximum(parent, 0)]
    return found & (parent >= 0) & divisible


def _bounds_matter(candidates: CandidateSet, cohorts: Ints, uses: Columns) -> np.ndarray:
    """Cohorts with a bound that no row of which they are part implies.

    A row to which nothing contributes with a negative coefficient holds its member to limit / coefficient.
    """
    resource, coefficient, limit = uses["resource"], uses["coefficient"], np.asarray(
        candidates.book.limit, dtype=np.float64
    )
    least = np.full(len(limit), np.inf)
    np.minimum.at(least, resource, coefficient)
    among = np.zeros(len(candidates), dtype=bool)
    among[cohorts] = True
    own = np.flatnonzero(among[uses["candidate"]] & (least > 0.0)[resource])
    implied = np.full(len(candidates), np.inf)
    np.minimum.at(implied, uses["candidate"][own], limit[resource[own]] / coefficient[own])
    matter: np.ndarray = (candidates.lower[cohorts] > 0.0) | (candidates.upper[cohorts] < implied[cohorts])
    return matter


def _many_uses(candidates: CandidateSet, cohorts: Ints, uses: Columns, moves: Columns) -> np.ndarray:
    """Cohorts that use so much that stating it once, for a total, is shorter than for every ending."""
    # About how many rows a use stands in: a row a quarter.
    rows = np.ceil((uses["end"] - uses["start"]) / 3.0)
    size = np.bincount(
        uses["candidate"], weights=rows, minlength=len(candidates)
    ) + np.bincount(moves["candidate"], minlength=len(candidates))
    found: np.ndarray = size[cohorts] >= MANY_USES
    return found


def _ended_rows(candidates: CandidateSet, uses: Columns, ending: Ints) -> Ints:
    """Rows `units given up early <= units bought` of the cohorts: they hold by construction."""
    family = np.array([member is Family.ENDED for member in candidates.book.family], dtype=bool)
    return np.unique(uses["resource"][family[uses["resource"]] & np.isin(uses["candidate"], ending)])


def _by_column(uses: Columns, members: Columns) -> Columns:
    return uses.joined(members, "candidate").only("resource", "coefficient", "start", "end", "column")


def _columns(
    candidates: CandidateSet, alone: Ints, total: np.ndarray, parents: Ints, endings: Ints, gpu_unit: float
) -> Columns:
    columns, npv, bound, names = candidates.columns, candidates.npv_usd, candidates.upper, candidates.candidate_ids
    ended = endings >= 0
    kept = np.array([f"kept:{name}" for name in names[parents]], dtype=object)
    # An ending may be held below its cohort.
    most = np.where(ended & (bound[endings] < bound[parents]), bound[endings], np.inf)
    return Columns(
        len(alone) + len(parents),
        name=np.concatenate([names[alone], np.where(ended, names[endings], kept)]),
        npv_usd=np.concatenate([np.where(total, 0.0, npv[alone]), npv[parents] + np.where(ended, npv[endings], 0.0)]),
        lower=np.concatenate([candidates.lower[alone], np.zeros(len(parents))]),
        upper=np.concatenate([bound[alone], most]),
        integral=np.concatenate([columns["integral"][alone], np.zeros(len(parents), dtype=bool)]),
        unit=np.where(columns["unit"][np.concatenate([alone, parents])] == "GPU", gpu_unit, 1.0),
    )


def best_of_equals(cohorts: CohortColumns, matrix: sp.csr_array) -> np.ndarray:
    """Which columns to keep: among those of one cohort that are equal in every row, one of the greatest value.

    matrix: all rows (resources and changes of stocks) over the columns. Moving the level of the others onto it
    changes no row and loses nothing, so the optimum is the same.
    """
    first = len(cohorts.candidate)
    value, upper = cohorts.columns["npv_usd"], cohorts.columns["upper"]
    by_column = sp.csc_array(matrix)
    by_column.sum_duplicates()
    by_column.eliminate_zeros()
    by_column.sort_indices()
    keep = np.ones(len(value), dtype=bool)
    best: dict[tuple[int, bytes, bytes], int] = {}
    for at, parent in enumerate(cohorts.parent.tolist(), start=first):
        if np.isfinite(upper[at]):
            continue
        cells = slice(by_column.indptr[at], by_column.indptr[at + 1])
        key = (parent, by_column.indices[cells].tobytes(), by_column.data[cells].tobytes())
        other = best.setdefault(key, at)
        if other != at:
            better = at if value[at] > value[other] else other
            keep[at], keep[other] = better == at, better == other
            best[key] = better
    return keep

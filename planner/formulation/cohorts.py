"""Columns of the model: candidates, and for what can be given up early one column per way to end it.

A cohort (GPUs delivered in a month, halls in service from a month) with endings a, b, ... is decided as

    own = kept + ended[a] + ended[b] + ...        retire[a] = ended[a]        all >= 0

in place of `own` with `retire[a] + retire[b] + ... <= own`. Both describe the same levels, so the optimum is the
same; the row is gone, and each column now only comes and goes once.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import scipy.sparse as sp

from planner.arrays import Floats, Ints
from planner.candidates.build import CandidateSet
from planner.candidates.resources import Family

ENDING_KINDS = ("retire", "close")
MANY_USES = 6.0
"""Uses above which stating them once, for a total, makes the model sparser than stating them for every ending."""


@dataclass(frozen=True)
class Columns:
    """Columns before pools and stocks: `candidate.size` single candidates, then the cohorts with their endings.

    candidate: number of the candidate behind each of the first columns. For a cohort whose bounds matter it is a
    total without cash or uses, tied to its columns by a row of `totals` (right-hand side 0).
    parent, ending: numbers of the cohort and of its ending (-1 for none) behind each of the other columns.
    frame: name, npv_usd, lower, upper, integral, unit per column. level_of: levels = level_of @ columns.
    uses, moves: uses of resources and of stocks, with the column in place of the candidate.
    """

    candidate: Ints
    parent: Ints
    ending: Ints
    frame: pd.DataFrame
    level_of: sp.csr_array
    uses: pd.DataFrame
    moves: pd.DataFrame
    totals: sp.csr_array


def make_columns(candidates: CandidateSet, kept: Ints, gpu_unit: float) -> Columns:
    """The columns of the candidates `kept`."""
    table = candidates.table
    uses, moves = candidates.book.uses.frame(), candidates.book.stock_uses.frame()
    ending = kept[_is_ending(table)[kept]]
    parent = table["parent"].to_numpy(np.int64)[ending]
    cohorts = np.unique(parent)
    bounded = cohorts[_bounds_matter(candidates, cohorts, uses) | _many_uses(cohorts, uses, moves)]
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
    level_of = sp.csr_array((np.ones(len(candidate)), (candidate, column)), shape=(len(table), count))
    members = pd.DataFrame({"candidate": candidate, "column": column})
    totals = pd.DataFrame({"candidate": bounded, "column": np.searchsorted(alone, bounded)})
    with_total = pd.concat([members[~members["candidate"].isin(bounded)], totals], ignore_index=True)
    uses = uses[~uses["resource"].isin(_ended_rows(candidates, uses, ending))]
    ended_moves = moves["resource"].isin(moves["resource"][moves["candidate"].isin(ending)].unique())
    by_stock = pd.concat([_by_column(moves[ended_moves], members), _by_column(moves[~ended_moves], with_total)], ignore_index=True)
    tied = np.searchsorted(bounded, parents)
    inside = np.isin(parents, bounded)
    rows = np.concatenate([np.arange(len(bounded)), tied[inside]])
    at = np.concatenate([np.searchsorted(alone, bounded), first + np.flatnonzero(inside)])
    ties = np.concatenate([np.ones(len(bounded)), -np.ones(int(inside.sum()))])
    return Columns(
        alone, parents, endings, _frame(candidates, alone, total, parents, endings, gpu_unit), level_of,
        _by_column(uses, with_total), by_stock.rename(columns={"resource": "stock"}),
        sp.csr_array((ties, (rows, at)), shape=(len(bounded), count)),
    )


def _is_ending(table: pd.DataFrame) -> np.ndarray:
    """Endings of cohorts that are not whole decisions."""
    parent = table["parent"].to_numpy(np.int64)
    divisible = ~table["integral"].to_numpy(bool)[np.maximum(parent, 0)]
    found: np.ndarray = table["kind"].isin(ENDING_KINDS).to_numpy() & (parent >= 0) & divisible
    return found


def _bounds_matter(candidates: CandidateSet, cohorts: Ints, uses: pd.DataFrame) -> np.ndarray:
    """Cohorts with a bound that no row of which they are part implies.

    A row to which nothing contributes with a negative coefficient holds its member to limit / coefficient.
    """
    lower = candidates.table["lower"].to_numpy(np.float64)
    upper = candidates.table["upper"].to_numpy(np.float64)
    least = uses.groupby("resource")["coefficient"].min()
    positive = least.index[(least > 0.0).to_numpy()]
    own = uses[uses["candidate"].isin(cohorts) & uses["resource"].isin(positive)]
    limit = np.asarray(candidates.book.limit, dtype=np.float64)[own["resource"].to_numpy(np.int64)]
    most = pd.Series(limit / own["coefficient"].to_numpy(np.float64)).groupby(own["candidate"].to_numpy()).min()
    implied = most.reindex(cohorts).fillna(np.inf).to_numpy(np.float64)
    matter: np.ndarray = (lower[cohorts] > 0.0) | (upper[cohorts] < implied)
    return matter


def _many_uses(cohorts: Ints, uses: pd.DataFrame, moves: pd.DataFrame) -> np.ndarray:
    """Cohorts that use so much that stating it once, for a total, is shorter than for every ending."""
    spelled = pd.concat([uses.assign(rows=_rows_of(uses)), moves.assign(rows=1.0)], ignore_index=True)
    size = spelled.groupby("candidate")["rows"].sum().reindex(cohorts).fillna(0.0).to_numpy(np.float64)
    found: np.ndarray = size >= MANY_USES
    return found


def _rows_of(uses: pd.DataFrame) -> Floats:
    """About how many rows a use stands in: a row a quarter."""
    return np.ceil((uses["end"] - uses["start"]).to_numpy(np.float64) / 3.0)


def _ended_rows(candidates: CandidateSet, uses: pd.DataFrame, ending: Ints) -> Ints:
    """Rows `units given up early <= units bought` of the cohorts: they hold by construction."""
    family = np.array([member is Family.ENDED for member in candidates.book.family], dtype=bool)
    resource = uses["resource"].to_numpy(np.int64)
    mine = family[resource] & np.isin(uses["candidate"].to_numpy(np.int64), ending)
    return np.unique(resource[mine])


def _by_column(uses: pd.DataFrame, members: pd.DataFrame) -> pd.DataFrame:
    return uses.merge(members, on="candidate").drop(columns=["candidate"])


def _frame(
    candidates: CandidateSet, alone: Ints, total: np.ndarray, parents: Ints, endings: Ints, gpu_unit: float
) -> pd.DataFrame:
    table, npv = candidates.table, candidates.npv_usd
    names = table["candidate_id"].to_numpy()
    bound = table["upper"].to_numpy(np.float64)
    ended = endings >= 0
    own_names = "kept:" + pd.Series(names[parents], dtype=object)
    # An ending may be held below its cohort.
    most = np.where(ended & (bound[endings] < bound[parents]), bound[endings], np.inf)
    head, rest = table.iloc[alone], table.iloc[parents]
    unit = np.concatenate([head["unit"].to_numpy(), rest["unit"].to_numpy()])
    return pd.DataFrame(
        {
            "name": np.concatenate([names[alone], np.where(ended, names[endings], own_names.to_numpy())]),
            "npv_usd": np.concatenate([np.where(total, 0.0, npv[alone]), npv[parents] + np.where(ended, npv[endings], 0.0)]),
            "lower": np.concatenate([head["lower"].to_numpy(np.float64), np.zeros(len(parents))]),
            "upper": np.concatenate([head["upper"].to_numpy(np.float64), most]),
            "integral": np.concatenate([head["integral"].to_numpy(bool), np.zeros(len(parents), dtype=bool)]),
            "unit": np.where(unit == "GPU", gpu_unit, 1.0),
        }
    )


def best_of_equals(columns: Columns, matrix: sp.csr_array) -> np.ndarray:
    """Which columns to keep: among those of one cohort that are equal in every row, one of the greatest value.

    matrix: all rows (resources and changes of stocks) over the columns. Moving the level of the others onto it
    changes no row and loses nothing, so the optimum is the same.
    """
    first = len(columns.candidate)
    value = columns.frame["npv_usd"].to_numpy(np.float64)
    upper = columns.frame["upper"].to_numpy(np.float64)
    by_column = sp.csc_array(matrix)
    by_column.sum_duplicates()
    by_column.eliminate_zeros()
    by_column.sort_indices()
    keep = np.ones(len(value), dtype=bool)
    best: dict[tuple[int, bytes, bytes], int] = {}
    for at, parent in enumerate(columns.parent.tolist(), start=first):
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

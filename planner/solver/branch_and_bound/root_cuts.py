"""Cutting planes for a tree of relaxations: HiGHS separates at the root, the tree keeps what it found.

HiGHS finds mixed-integer rounding, cover, clique and flow cuts at the root of its own search, round by round, and
tells its cut pool before it begins to branch. The cuts hold for every integer solution that is better than the best one
HiGHS knew by then (which it may have used to fix decisions), so with that answer in hand they are rows of the
relaxation of any tree over the same model. A model that the root settles has no pool: then there are no cuts.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from threading import Event
from typing import Any

import highspy
import numpy as np
from scipy.sparse import csr_array

from planner.solver.fresh_highs import fresh_highs
from planner.solver.highs_threads import run
from planner.solver.model_arrays import FloatArray, ModelArrays
from planner.solver.options import SolverOptions

_AT_THE_ROOT: dict[str, bool | int | float | str] = {
    "presolve": "off",  # the cuts are wanted in the columns as they are
    "mip_lp_solver": "ipx",
    "mip_max_nodes": 1,
    "mip_heuristic_effort": 0.0,
    "mip_heuristic_run_feasibility_jump": False,
    "mip_heuristic_run_rins": False,
    "mip_heuristic_run_rens": False,
    "mip_heuristic_run_root_reduced_cost": False,
    "mip_allow_restart": False,
    "mip_detect_symmetry": False,
}


@dataclass(frozen=True)
class Cuts:
    """Rows lower <= matrix @ x <= upper that every integer solution better than `answer` keeps; matrix (cuts, columns).

    answer: levels of an integer solution, (columns,), or None: the rows hold for all.
    """

    matrix: csr_array
    lower: FloatArray
    upper: FloatArray
    answer: FloatArray | None = None


def root_cuts(
    arrays: ModelArrays, options: SolverOptions, seconds: float | None, stop: Event | None = None
) -> Cuts | None:
    """Cuts of the model found within some seconds, none where the search at the root leaves no pool.

    The callback is called in each round of separation and hands over the whole pool as it stands, so the last one is
    the one to take. HiGHS may have fixed columns by reduced costs against its best answer before it separated:
    therefore that answer comes with the cuts, and whoever takes the one takes the other. Where the model has grown
    columns on the way (a pool of another width), the cuts speak of something else and are left.

    stop: once set, by another thread, HiGHS ends as soon as it asks.
    """
    highs = fresh_highs()
    limits = {} if seconds is None else {"time_limit": max(seconds, 0.0)}
    seed = {} if options.seed is None else {"random_seed": options.seed}
    for name, choice in ({"mip_rel_gap": options.gap} | _AT_THE_ROOT | limits | seed).items():
        highs.setOptionValue(name, choice)
    highs.passModel(
        arrays.columns, arrays.rows, len(arrays.value), int(highspy.MatrixFormat.kRowwise),
        int(highspy.ObjSense.kMaximize if arrays.maximise else highspy.ObjSense.kMinimize), arrays.offset,
        arrays.cost, arrays.col_lower, arrays.col_upper, arrays.row_lower, arrays.row_upper,
        arrays.start, arrays.index, arrays.value, arrays.integer.astype(np.int32),
    )
    pool: list[Cuts] = []
    highs.cbMipGetCutPool.subscribe(lambda event: pool.append(_pool(event.data_out)))
    if stop is not None:
        for asked in (highs.cbMipInterrupt, highs.cbIpmInterrupt):
            asked.subscribe(lambda event: event.interrupt() if stop.is_set() else None)
    run(highs)
    if not pool or not pool[-1].matrix.shape[0] or pool[-1].matrix.shape[1] != arrays.columns:
        return None
    found = highs.getInfo().primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible
    return replace(pool[-1], answer=np.array(highs.getSolution().col_value) if found else None)


def _pool(data: Any) -> Cuts:
    """The pool as the callback holds it, copied: its memory is gone when the callback returns."""
    start = np.array(data.cutpool_start, dtype=np.int32)
    cells = np.array(data.cutpool_value), np.array(data.cutpool_index, dtype=np.int32), start
    shape = (int(data.cutpool_num_cut), int(data.cutpool_num_col))
    return Cuts(csr_array(cells, shape=shape), np.array(data.cutpool_lower), np.array(data.cutpool_upper))

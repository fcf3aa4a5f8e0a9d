"""The problem of a policy spelled out for another solver: every row for every leaf, every future's shortfall a column.

Shares no code with what it checks beyond the candidates' uses and their values by future: no stages of rows, no stocks,
no cohorts, no cuts of the tail. What is decided in a node is one column for all leaves below it; what is sold of a
lease is one number for all leaves that share the node of its answer.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import coo_array

from planner.adapting.policy import Policy
from planner.candidates.kinds import Kind


def best_objective_usd(policy: Policy, values: np.ndarray) -> float:
    """The greatest (1 - w) mean - w CVaR over all policies on the tree, dollars; values: (candidates, S)."""
    scale = max(float(np.abs(values).max()), 1.0)  # one unit of money
    values = values / scale
    candidates, tree, measure = policy.candidates, policy.tree, policy.measure
    count, reviews = len(candidates), list(tree.reviews)
    stage = np.searchsorted(reviews, candidates.columns["decide_by"], side="right")
    column: dict[tuple[int, int], int] = {}

    def at(candidate: int, leaf: int) -> int:
        node = tree.path(leaf)[int(stage[candidate])]
        return column.setdefault((candidate, node), len(column))

    place = {leaf: np.array([at(candidate, leaf) for candidate in range(count)]) for leaf in tree.leaves}
    width = len(column)
    futures = values.shape[1] if measure.weight else 0
    risk, excess = width, width + 1 + np.arange(futures)
    total = width + (1 + futures if futures else 0)

    rows, low, high = [], [], []
    for leaf in tree.leaves:
        use = candidates.rows.use.tocoo()
        cells = coo_array((use.data, (use.coords[0], place[leaf][use.coords[1]])), shape=(use.shape[0], total))
        rows.append(cells)
        low.append(np.full(use.shape[0], -np.inf))
        high.append(candidates.rows.table["limit"].to_numpy(float))
    for row in _sold_alike(policy, place, total):
        rows.append(row)
        low.append(np.zeros(1))
        high.append(np.zeros(1))
    cost = np.zeros(total)
    for leaf in tree.leaves:
        for future in tree.nodes[leaf].futures.tolist():
            weight = measure.probability[future]
            np.add.at(cost, place[leaf], -(1.0 - measure.weight) * weight * values[:, future])
            if futures:
                cost[excess[future]] += measure.weight * weight / (1.0 - measure.alpha)
                # excess + risk + value >= 0
                data = np.concatenate([values[:, future], [1.0, 1.0]])
                columns = np.concatenate([place[leaf], [risk, excess[future]]])
                rows.append(coo_array((data, (np.zeros(len(columns), dtype=int), columns)), shape=(1, total)))
                low.append(np.zeros(1))
                high.append(np.full(1, np.inf))
    if futures:
        cost[risk] += measure.weight
    lower, upper = np.zeros(total), np.full(total, np.inf)
    integral = np.zeros(total)
    for (candidate, _), place_of in column.items():
        lower[place_of], upper[place_of] = candidates.lower[candidate], candidates.upper[candidate]
        integral[place_of] = float(candidates.columns["integral"][candidate])
    if futures:
        lower[risk] = -np.inf
    constraints = [
        LinearConstraint(row.tocsr(), below, above) for row, below, above in zip(rows, low, high, strict=True)
    ]
    found = milp(
        cost, integrality=integral, bounds=Bounds(lower, upper), constraints=constraints,
        options={"mip_rel_gap": 1e-9},
    )
    assert found.status == 0, found.message
    return -float(found.fun) * scale


def _sold_alike(policy: Policy, place: dict[int, np.ndarray], total: int) -> list[coo_array]:
    """Rows that say: two leaves that share the node of a lease's answer sell as much of it."""
    candidates, tree = policy.candidates, policy.tree
    served = candidates.of_kind(Kind.SERVE, Kind.HOST)
    lease = candidates.columns["lease"]
    answered = np.searchsorted(list(tree.reviews), candidates.outlook.answer_months, side="right")
    found = []
    for each in np.unique(lease[served][lease[served] >= 0]).tolist():
        own = served[lease[served] == each]
        share = 1.0 / np.concatenate([block.columns["upper"] for block in candidates.blocks])[own]
        for one, other in combinations(tree.leaves, 2):
            if tree.path(one)[answered[each]] != tree.path(other)[answered[each]]:
                continue
            data = np.concatenate([share, -share])
            columns = np.concatenate([place[one][own], place[other][own]])
            found.append(coo_array((data, (np.zeros(len(columns), dtype=int), columns)), shape=(1, total)))
    return found

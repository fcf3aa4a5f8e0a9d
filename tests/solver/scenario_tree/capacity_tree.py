"""A made-up capacity expansion over a tree: sites are opened once, units are added at every node, customers are served
or lost."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from planner.solver import TreeModel, TreeNode


def capacity_expansion(sites: int, customers: int, *, branches: tuple[int, ...] = (3, 3), seed: int = 0) -> TreeModel:
    """Minimise opening, units and transport and what is lost; 2 x sites integers a node, sites x customers flows.

    Columns of a node: open (sites, 0/1), units (sites, whole), flow (site by site), lost (customers). Demand and the
    cost of a unit
    are drawn anew along each path. Rows: a site is opened once on a path; units only where it is open; flow within the
    units of the path, or none below a fifth of it where it is open; demand.
    """
    draw = np.random.default_rng(seed)
    place, there = draw.uniform(0, 1, (sites, 2)), draw.uniform(0, 1, (customers, 2))
    far = np.linalg.norm(place[:, None] - there[None], axis=2)
    size = draw.integers(4, 9, sites).astype(float)
    opening = draw.uniform(40, 80, sites)
    unit = size * draw.uniform(3.0, 5.0, sites)
    eye = sparse.eye_array(sites)
    of_site = sparse.kron(eye, np.ones((1, customers)))
    of_customer = sparse.kron(np.ones((1, sites)), sparse.eye_array(customers))
    flows = sites * customers

    def zeros(rows: int, columns: int) -> sparse.coo_array:
        return sparse.coo_array((rows, columns))

    once = sparse.hstack([eye, zeros(sites, sites + flows + customers)])
    only = sparse.hstack([4.0 * eye, -eye, zeros(sites, flows + customers)])
    load = sparse.hstack([zeros(sites, sites), sparse.diags_array(size), -of_site, zeros(sites, customers)])
    only_units = sparse.hstack([4.0 * eye, zeros(sites, sites + flows + customers)])
    load_units = sparse.hstack([zeros(sites, sites), sparse.diags_array(size), zeros(sites, flows + customers)])
    need = sparse.hstack([zeros(customers, 2 * sites), of_customer, sparse.eye_array(customers)])
    own = sparse.vstack([once, only, load, need], format="csr")
    above = sparse.vstack([once, only_units, load_units, zeros(customers, own.shape[1])], format="csr")
    model = TreeModel("min")

    def add(path: list[TreeNode], chance: float, demand: np.ndarray, price: np.ndarray) -> None:
        depth = len(path)
        left = len(branches) + 1 - depth
        cost = np.r_[opening, price * left**0.5, far.ravel() * 6.0, np.full(customers, 30.0)]
        node = model.node(
            path[-1] if path else None, chance, cost=cost,
            upper=np.r_[np.ones(sites), np.full(sites, 4.0), np.full(flows + customers, np.inf)],
            integer=np.r_[np.ones(2 * sites, dtype=bool), np.zeros(flows + customers, dtype=bool)],
            rows={None: own, **dict.fromkeys(path, above)},
            row_lower=np.r_[np.full(sites, -np.inf), np.zeros(2 * sites), demand],
            row_upper=np.r_[np.ones(sites), np.full(2 * sites + customers, np.inf)],
        )
        if depth == len(branches):
            return
        chances = draw.dirichlet(np.full(branches[depth], 4.0))
        for branch in range(branches[depth]):
            grown = demand * draw.uniform(0.8, 1.2, customers) * (0.7 + 0.9 * branch / max(branches[depth] - 1, 1))
            add([*path, node], float(chances[branch]), grown, price * draw.uniform(0.7, 1.2))

    add([], 1.0, draw.uniform(1.0, 4.0, customers), unit)
    return model

"""A mixed-integer programme over a tree, built node by node."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy import sparse

from planner.arrays import Floats
from planner.errors import PlannerError
from planner.solver.scenario_tree.blocks import Block, Vector, block, costs, flags, length, limits, vector
from planner.solver.scenario_tree.tree import NOBODY, NodeData, Tree

SUM_TOLERANCE = 1e-9
"""How far the probabilities of the children of a node may be from adding to 1."""


@dataclass(frozen=True, eq=False)
class TreeNode:
    """A node, by which levels and values are asked for; it belongs to the model that made it and to its copies."""

    number: int

    def __repr__(self) -> str:
        return f"node {self.number}"


class TreeModel:
    """Optimise the expected cost over the paths of a tree, or a measure of their outcomes (see `solve_tree`).

        sense ("min" or "max")  sum over nodes n of P(n) cost_n @ x_n
        subject to              row_lower_n <= sum over the nodes m on the path to n of A_nm @ x_m <= row_upper_n
                                lower_n <= x_n <= upper_n, some x_n integer                        at every node n

    P(n) is the product of the probabilities from the root to n. A node of probability 0 counts for nothing in the
    objective, but its limits bind its ancestors as all others do. Nodes are only ever added; `with_bounds` makes
    another model.
    """

    def __init__(self, sense: str) -> None:
        if sense not in ("min", "max"):
            raise PlannerError(f"sense = {sense!r} is unknown; give 'min' or 'max'")
        self._maximise = sense == "max"
        self._nodes: list[NodeData] = []
        self._handles: dict[TreeNode, int] = {}

    def __repr__(self) -> str:
        columns = sum(node.columns for node in self._nodes)
        return f"TreeModel({self.sense!r}): {len(self._nodes)} nodes, {columns} columns"

    @property
    def sense(self) -> str:
        """'min' or 'max'."""
        return "max" if self._maximise else "min"

    @property
    def nodes(self) -> tuple[TreeNode, ...]:
        """All nodes, parents before children."""
        return tuple(self._handles)

    def node(
        self,
        parent: TreeNode | None,
        probability: float,
        *,
        cost: Vector = None,
        lower: Vector = 0.0,
        upper: Vector = np.inf,
        integer: Any = False,
        rows: Mapping[TreeNode | None, Block] | None = None,
        row_lower: Vector = -np.inf,
        row_upper: Vector = np.inf,
    ) -> TreeNode:
        """Add a node under `parent` (None: the root, of probability 1) and return its handle.

        probability: given the parent, 0 to 1; those of all children of a node add to 1, which is checked when the
        model is solved.
        cost: (columns,), per unit *given* the node, 0 if left out. lower, upper: bounds (columns,). integer: mask
        (columns,).
        rows: by node, a block of coefficients (rows, columns of that node); key None for the node's own columns, a
        handle for those of an ancestor. row_lower, row_upper: limits (rows,). One number stands for a whole vector;
        +-1e20 and beyond is no limit.
        Raises PlannerError, naming the node and the argument, for shapes that do not fit, NaN, crossed limits, handles
        of no ancestor, a second root, or a probability outside 0 to 1.
        """
        place = f"node {len(self._nodes)}"
        above = self._parent(parent, place)
        chance = _probability(probability, place, root=parent is None)
        blocks = self._blocks({} if rows is None else rows, above, place)
        own = [given.shape[1] for number, given in blocks if number == len(self._nodes)]
        columns = _agreed({"cost": cost, "lower": lower, "upper": upper, "integer": integer}, own, place)
        self._fit(blocks, columns, place)
        count = {given.shape[0] for _, given in blocks}
        if len(count) > 1:
            raise PlannerError(f"{place}: the blocks of rows have {_listed(count)} rows; all speak of the same rows")
        if not count and (length(row_lower) or length(row_upper)):
            raise PlannerError(f"{place} has limits of rows but no rows; give blocks, or leave the limits out")
        row_count = next(iter(count), 0)
        low, up = limits(lower, upper, columns, f"{place}: ")
        row_low, row_up = limits(row_lower, row_upper, row_count, f"{place}: row_")
        self._nodes.append(
            NodeData(
                parent=above,
                probability=chance,
                cost=costs(0.0 if cost is None else cost, columns, f"{place}: cost"),
                lower=low,
                upper=up,
                integer=flags(integer, columns, f"{place}: integer"),
                blocks=tuple(blocks),
                row_lower=row_low,
                row_upper=row_up,
            )
        )
        handle = TreeNode(len(self._nodes) - 1)
        self._handles[handle] = handle.number
        return handle

    def bounds(self, node: TreeNode) -> tuple[Floats, Floats]:
        """Lower and upper bounds of a node's columns, (columns,) each, to be changed and given to `with_bounds`."""
        data = self._nodes[self.number(node)]
        return data.lower.copy(), data.upper.copy()

    def with_bounds(self, bounds: Mapping[TreeNode, tuple[Vector, Vector]]) -> TreeModel:
        """The same model with other bounds (lower, upper) of the columns of some nodes; handles serve both models.

        To fix columns give the same number twice: `low, up = model.bounds(root); low[3] = up[3] = 1.0`.
        """
        other = TreeModel(self.sense)
        other._nodes, other._handles = list(self._nodes), dict(self._handles)
        for handle, (lower, upper) in bounds.items():
            number = self.number(handle)
            data = self._nodes[number]
            low, up = limits(lower, upper, data.columns, f"node {number}: ")
            other._nodes[number] = replace(data, lower=low, upper=up)
        return other

    def number(self, node: TreeNode) -> int:
        """Where a node stands among all; raises PlannerError for a handle of another model."""
        if node not in self._handles:
            raise PlannerError(f"{node!r} is no node of this model; use what `node` of this model returned")
        return self._handles[node]

    def levels(self, given: Mapping[TreeNode, Vector]) -> dict[int, Floats]:
        """Levels of some nodes by number, (columns,) each; raises PlannerError for unknown nodes, wrong shapes, NaN."""
        found = {}
        for handle, levels in given.items():
            number = self.number(handle)
            found[number] = vector(levels, self._nodes[number].columns, f"node {number}: start")
            if not np.isfinite(found[number]).all():
                raise PlannerError(f"node {number}: start holds an infinite level")
        return found

    def tree(self) -> Tree:
        """The tree as it stands; raises PlannerError where it is none, or children do not add to 1."""
        if not self._nodes:
            raise PlannerError("the model is empty: it has no nodes; add the root by node(None, 1.0, ...)")
        tree = Tree(tuple(self._nodes), self._maximise)
        for number, children in enumerate(tree.children):
            total = sum(self._nodes[child].probability for child in children)
            if children and abs(total - 1.0) > SUM_TOLERANCE:
                who = f"the {len(children)} children of node {number}"
                raise PlannerError(f"the probabilities of {who} add to {total:.12g}, not to 1")
        if not any(node.columns for node in self._nodes):
            raise PlannerError("the model is empty: no node has columns")
        return tree

    def _parent(self, parent: TreeNode | None, place: str) -> int:
        if parent is None:
            if self._nodes:
                raise PlannerError(f"{place} would be a second root; a tree has one: name its parent")
            return NOBODY
        if not isinstance(parent, TreeNode) or parent not in self._handles:
            raise PlannerError(f"{place}: its parent {parent!r} is no node of this model; use what `node` returned")
        return self._handles[parent]

    def _blocks(
        self, rows: Mapping[TreeNode | None, Block], above: int, place: str
    ) -> list[tuple[int, sparse.csr_array]]:
        """Blocks by the number of the node that they speak of, in the order of the path."""
        if not isinstance(rows, Mapping):
            raise PlannerError(f"{place}: rows is a {type(rows).__name__}; give {{None: block, ancestor: block}}")
        path = self._path(above)
        found = {}
        for key, given in rows.items():
            if key is None:
                number = len(self._nodes)
            elif not isinstance(key, TreeNode) or key not in self._handles:
                raise PlannerError(f"{place}: rows speak of {key!r}, which is no node of this model")
            elif self._handles[key] not in path:
                raise PlannerError(f"{place}: rows speak of {key!r}, which is not among its ancestors")
            else:
                number = self._handles[key]
            found[number] = block(given, f"{place}: rows of {'its own columns' if key is None else repr(key)}")
        return sorted(found.items())

    def _path(self, number: int) -> set[int]:
        found = set()
        while number != NOBODY:
            found.add(number)
            number = self._nodes[number].parent
        return found

    def _fit(self, blocks: list[tuple[int, sparse.csr_array]], columns: int, place: str) -> None:
        for number, given in blocks:
            if number < len(self._nodes) and given.shape[1] != self._nodes[number].columns:
                there = self._nodes[number].columns
                said = f"rows of node {number} have {given.shape[1]} columns"
                raise PlannerError(f"{place}: {said}; that node has {there}")
            if number == len(self._nodes) and given.shape[1] != columns:
                raise PlannerError(f"{place}: rows of its own columns have {given.shape[1]} columns; it has {columns}")


def _agreed(vectors: Mapping[str, Vector], own: list[int], place: str) -> int:
    """How many columns the arguments of a node speak of, 0 if none says so; raises PlannerError where two differ."""
    told = {name: count for name, given in vectors.items() if (count := length(given)) is not None}
    if own:
        told["rows of its own columns"] = own[0]
    if len(set(told.values())) > 1:
        said = ", ".join(f"{name} {count}" for name, count in told.items())
        raise PlannerError(f"{place}: its arguments speak of different numbers of columns ({said})")
    return next(iter(told.values()), 0)


def _probability(given: float, place: str, *, root: bool) -> float:
    try:
        chance = float(given)
    except (TypeError, ValueError) as error:
        raise PlannerError(f"{place}: probability = {given!r} is no number") from error
    if not 0.0 <= chance <= 1.0:
        raise PlannerError(f"{place}: probability = {chance!r}; give one from 0 to 1, given the parent")
    if root and abs(chance - 1.0) > SUM_TOLERANCE:
        raise PlannerError(f"{place} is the root, whose probability is 1, not {chance!r}")
    return chance


def _listed(numbers: set[int]) -> str:
    return " and ".join(map(str, sorted(numbers)))



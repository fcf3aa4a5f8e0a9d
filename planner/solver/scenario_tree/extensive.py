"""A tree, or the part of it on the paths to some leaves, as one model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from planner.arrays import Floats
from planner.solver.model_arrays import ModelArrays
from planner.solver.scenario_tree.tree import Tree


@dataclass(frozen=True)
class Column:
    """A column by the node that it belongs to, for messages."""

    node: int
    at: int

    @property
    def name(self) -> str:
        """As `column 3 of node 1`."""
        return f"column {self.at} of node {self.node}"


@dataclass(frozen=True, eq=False)
class Extensive:
    """Some nodes of a tree as one model; columns and rows come node after node, in the order of `numbers`.

    column, row: where the columns and rows of each node begin, (nodes + 1,).
    """

    arrays: ModelArrays
    numbers: tuple[int, ...]
    column: tuple[int, ...]
    row: tuple[int, ...]

    def of_node(self, number: int) -> slice:
        """The columns of a node."""
        at = self.numbers.index(number)
        return slice(self.column[at], self.column[at + 1])

    def split(self, levels: Floats) -> dict[int, Floats]:
        """Levels (columns,) by node."""
        return {number: levels[self.column[at] : self.column[at + 1]] for at, number in enumerate(self.numbers)}

    def joined(self, levels: Mapping[int, Floats]) -> Floats:
        """Levels by node as one vector, (columns,); the other way round from `split`."""
        return np.concatenate([levels[number] for number in self.numbers]) if self.numbers else np.zeros(0)

    def relaxed(self) -> ModelArrays:
        """The model with every integer continuous."""
        return replace(self.arrays, integer=np.zeros_like(self.arrays.integer))


def extensive(tree: Tree, numbers: Sequence[int] | None = None, cost: Mapping[int, Floats] | None = None) -> Extensive:
    """The model of some nodes, with every node on the paths to them among these (None: of all).

    cost: by node, costs as they stand in the objective, probabilities included (None: P(n) cost_n).
    """
    chosen = tuple(range(len(tree.nodes)) if numbers is None else numbers)
    nodes = [tree.nodes[number] for number in chosen]
    column = np.concatenate([[0], np.cumsum([node.columns for node in nodes])]).astype(np.int64)
    row = np.concatenate([[0], np.cumsum([node.rows for node in nodes])]).astype(np.int64)
    first = dict(zip(chosen, column.tolist(), strict=False))
    cells = [
        (block.indptr[:-1], block.indptr[1:], row[at], block.indices.astype(np.int64) + first[other], block.data)
        for at, node in enumerate(nodes)
        for other, block in node.blocks
    ]
    place = [np.repeat(np.arange(len(begin)) + at, end - begin) for begin, end, at, _, _ in cells]
    of_row = np.concatenate([*place, np.zeros(0, dtype=np.int64)])
    order = np.argsort(of_row, kind="stable")  # blocks of one row stand apart, each in the order of its columns
    start = np.concatenate([[0], np.cumsum(np.bincount(of_row, minlength=int(row[-1])))])
    if cost is None:
        cost = {number: tree.probability[number] * tree.nodes[number].cost for number in chosen}
    index = np.concatenate([*(index for _, _, _, index, _ in cells), np.zeros(0, dtype=np.int64)])
    arrays = ModelArrays(
        cost=_joined([cost[number] for number in chosen]),
        offset=0.0,
        start=start.astype(np.int32),
        index=index[order].astype(np.int32),
        value=_joined([data for _, _, _, _, data in cells])[order],
        row_lower=_joined([node.row_lower for node in nodes]),
        row_upper=_joined([node.row_upper for node in nodes]),
        col_lower=_joined([node.lower for node in nodes]),
        col_upper=_joined([node.upper for node in nodes]),
        integer=np.concatenate([np.zeros(0, dtype=np.bool_), *(node.integer for node in nodes)]),
        maximise=tree.maximise,
        variables=tuple(Column(number, at) for number in chosen for at in range(tree.nodes[number].columns)),
        row_names=tuple(f"{at} of node {number}" for number in chosen for at in range(tree.nodes[number].rows)),
    )
    return Extensive(arrays, chosen, tuple(column.tolist()), tuple(row.tolist()))


def _joined(vectors: Sequence[Floats]) -> Floats:
    return np.concatenate([np.zeros(0), *vectors])

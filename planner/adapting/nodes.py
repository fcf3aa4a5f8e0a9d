"""Futures grouped by what is known at each review: the nodes of a policy's tree.

The futures of a node are told apart at the next review by k-means over the figures known there, each standardised and
weighted by how far it moves with the NPV of the base plan (the size of their correlation): what a plan does not feel
does not split it. Groups are nested and follow from the futures alone, so no node knows more than it may.
(Lloyd, Least squares quantization in PCM, IEEE Transactions on Information Theory 28 (1982), 129-137; first centres by
Arthur and Vassilvitskii, k-means++, SODA 2007.)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from planner.adapting.known import Known, known_at
from planner.arrays import Floats, Ints
from planner.candidates.outlook import Outlook
from planner.scenarios.futures import Futures

RESTARTS = 8
"""Times that k-means begins anew; the closest grouping is kept."""
ROUNDS = 100
"""Rounds of one beginning at most."""
NOBODY = -1
"""The parent of the root."""
ROOT = "n"
"""The name of the root; no name of a node can be read as a number or as a date."""


def shares(weights: Floats) -> Floats:
    """Weights over their sum; of futures that have none, equal ones."""
    total = weights.sum()
    return np.asarray(weights / total) if total > 0.0 else np.full(len(weights), 1.0 / len(weights))


@dataclass(frozen=True)
class Scale:
    """How the figures of a review are made comparable: names, (figures,); mean and spread over the tree's futures;
    felt, how far each moves with the NPV of the base plan."""

    names: tuple[str, ...]
    mean: Floats
    spread: Floats
    felt: Floats

    @staticmethod
    def of(figures: Sequence[Known], npv_usd: Floats, weights: Floats) -> Scale:
        """The scale of some figures; npv_usd: of the base plan by future, (S,)."""
        if not figures:
            return Scale((), np.zeros(0), np.zeros(0), np.zeros(0))
        share = shares(weights)
        levels = np.column_stack([figure.level for figure in figures])
        mean = share @ levels
        spread = np.sqrt(share @ (levels - mean) ** 2)
        spread = np.where(spread > 0.0, spread, 1.0)
        value = npv_usd - share @ npv_usd
        size = np.sqrt(share @ value**2)
        felt = np.abs(share @ ((levels - mean) / spread * value[:, None])) / size if size > 0.0 else np.ones(len(mean))
        return Scale(tuple(figure.name for figure in figures), mean, spread, felt)

    def features(self, figures: Sequence[Known], count: int) -> Floats:
        """The same figures of some futures, standardised and weighted, (count, figures); one that is the same in all of
        them stands at the mean."""
        known = {figure.name: figure.level for figure in figures}
        levels = [
            known.get(name, np.full(count, mean)) for name, mean in zip(self.names, self.mean.tolist(), strict=True)
        ]
        if not levels:
            return np.zeros((count, 0))
        return np.asarray((np.column_stack(levels) - self.mean) / self.spread * self.felt)


@dataclass(frozen=True)
class Node:
    """Some futures that cannot be told apart when its stage is decided.

    name: "n" is the root; "n2" the second group of its futures at the first review, "n2.1" the first group of those.
    parent: number of a
    node. probability: of the node, not given its parent. futures: their numbers, rising, (members,). words: what tells
    it from its sisters. centre: mean of its futures' features at its review, (figures,).
    """

    name: str
    parent: int
    stage: int
    probability: float
    futures: Ints
    words: str
    centre: Floats


@dataclass(frozen=True)
class NodeTree:
    """All nodes, parents before children, and what is known at each review.

    reviews: months. known: figures by review; scales: how they are made comparable. weights: probability of each
    future, (S,).
    """

    nodes: tuple[Node, ...]
    reviews: tuple[int, ...]
    known: tuple[tuple[Known, ...], ...]
    weights: Floats
    scales: tuple[Scale, ...]

    @property
    def leaves(self) -> tuple[int, ...]:
        """Nodes of the last stage, by number."""
        return tuple(at for at, node in enumerate(self.nodes) if node.stage == len(self.reviews))

    def path(self, number: int) -> tuple[int, ...]:
        """Nodes from the root to one, by number."""
        found = [number]
        while self.nodes[found[-1]].parent != NOBODY:
            found.append(self.nodes[found[-1]].parent)
        return tuple(reversed(found))

    def of_stage(self, stage: int) -> tuple[int, ...]:
        """Nodes of a stage, by number."""
        return tuple(at for at, node in enumerate(self.nodes) if node.stage == stage)

    def node_of(self, stage: int) -> Ints:
        """The node of a stage that each future passes through, (S,)."""
        found = np.zeros(len(self.weights), dtype=np.int64)
        for number in self.of_stage(stage):
            found[self.nodes[number].futures] = number
        return found

    def features(self, stage: int) -> Floats:
        """Features of the tree's futures at the review of a stage, (S, figures)."""
        return self.scales[stage - 1].features(self.known[stage - 1], len(self.weights))

    def followed(self, number: int, features: Floats) -> Ints:
        """The child of a node whose centre is nearest to each of some features (futures, figures), (futures,)."""
        children = [at for at, node in enumerate(self.nodes) if node.parent == number]
        centres = np.array([self.nodes[child].centre for child in children])
        nearest: Ints = np.asarray(children)[_squares(features, centres).argmin(axis=1)]
        return nearest


def group_futures(
    outlook: Outlook, futures: Futures, npv_usd: Floats, reviews: Sequence[int], branches: Sequence[int], seed: int
) -> NodeTree:
    """The tree of some futures; npv_usd: of the base plan by future, (S,). branches: groups at each review, at most."""
    known = tuple(tuple(known_at(outlook, futures, month)) for month in reviews)
    weights = np.asarray(futures.weights, dtype=np.float64)
    scales = tuple(Scale.of(figures, npv_usd, weights) for figures in known)
    nodes = [Node(ROOT, NOBODY, 0, 1.0, np.arange(len(weights)), "all futures", np.zeros(0))]
    last = [0]
    for stage, (figures, scale, count) in enumerate(zip(known, scales, branches, strict=True), start=1):
        following = []
        features = scale.features(figures, len(weights))
        for parent in last:
            members = nodes[parent].futures
            groups = _grouped(features[members], weights[members], count, seed + len(nodes))
            worth = [float(shares(weights[members[own]]) @ npv_usd[members[own]]) for own in groups]
            groups = [groups[at] for at in sorted(range(len(groups)), key=worth.__getitem__)]
            for at, own in enumerate(groups, start=1):
                chosen = members[own]
                words = _words(figures, scale.felt, members, chosen, weights) if len(groups) > 1 else "the same futures"
                probability = float(weights[chosen].sum())
                centre = shares(weights[chosen]) @ features[chosen]
                nodes.append(Node(_child(nodes[parent].name, at), parent, stage, probability, chosen, words, centre))
                following.append(len(nodes) - 1)
        last = following
    return NodeTree(tuple(nodes), tuple(reviews), known, weights, scales)


def _child(parent: str, at: int) -> str:
    """The name of a child of a node: n2 of the root, n2.1 of that."""
    return f"{parent}{at}" if parent == ROOT else f"{parent}.{at}"


def one_node_each(reviews: Sequence[int], weights: Floats) -> NodeTree:
    """The tree in which nothing is learnt: one node a stage."""
    everyone = np.arange(len(weights))
    stages = range(len(reviews) + 1)
    nodes = [
        Node(ROOT + ".".join("1" * stage), stage - 1, stage, 1.0, everyone, "all futures", np.zeros(0))
        for stage in stages
    ]
    nothing = Scale.of((), np.zeros(0), weights)
    return NodeTree(tuple(nodes), tuple(reviews), tuple(() for _ in reviews), weights, (nothing,) * len(reviews))


def _grouped(features: Floats, weights: Floats, count: int, seed: int) -> list[Ints]:
    """Places of the members of each group, none empty; fewer groups than asked where fewer points differ."""
    likely = weights > 0.0  # a future of no weight goes where it is nearest, and moves no group
    distinct = len(np.unique(features[likely], axis=0)) if features.shape[1] else 1
    count = min(count, distinct)
    if count <= 1:
        return [np.arange(len(weights))]
    random = np.random.Generator(np.random.Philox(seed))
    best, centres = np.inf, features[:1]
    for _ in range(RESTARTS):
        found, distance = _k_means(features[likely], weights[likely], count, random)
        if distance < best * (1.0 - 1e-12):
            best, centres = distance, found
    label = _squares(features, centres).argmin(axis=1)
    return [np.flatnonzero(label == group) for group in np.unique(label)]


def _k_means(points: Floats, weights: Floats, count: int, random: np.random.Generator) -> tuple[Floats, float]:
    """The centres, (count, figures), and the weighted sum of squared distances to them."""
    centres = points[[random.choice(len(points), p=weights / weights.sum())]]
    while len(centres) < count:
        near = _squares(points, centres).min(axis=1) * weights
        centres = np.vstack([centres, points[random.choice(len(points), p=near / near.sum())]])
    label = np.full(len(points), -1)
    for _ in range(ROUNDS):
        squares = _squares(points, centres)
        nearest = squares.argmin(axis=1)
        if (nearest == label).all():
            break
        label = nearest
        for group in np.unique(label):
            own = label == group
            centres[group] = np.average(points[own], axis=0, weights=weights[own])
    return centres, float((squares.min(axis=1) * weights).sum())


def _squares(points: Floats, centres: Floats) -> Floats:
    squares: Floats = ((points[:, None, :] - centres[None, :, :]) ** 2).sum(axis=2)
    return squares


TOLD = 3
"""Figures by which a node is told in words, at most."""
WORTH_TELLING = 0.3
"""How far one must differ to be told, as a share of the one that differs most."""


def _words(figures: Sequence[Known], felt: Floats, members: Ints, chosen: Ints, weights: Floats) -> str:
    """The figures in which a node differs most from its sisters, as its futures have them on average: of figures of one
    sort (prices of SKUs, delays) the one that differs most."""
    told = []
    for figure, weight in zip(figures, felt.tolist(), strict=True):
        spread = float(np.std(figure.level[members]))
        here = float(shares(weights[chosen]) @ figure.level[chosen])
        there = float(shares(weights[members]) @ figure.level[members])
        if spread > 0.0:
            told.append((abs(here - there) / spread * weight, figure.sort, figure.said(here)))
    told.sort(key=lambda one: -one[0])
    best = told[0][0] if told else 0.0
    by_sort: dict[str, str] = {}
    for size, sort, words in told:
        if size >= WORTH_TELLING * best and len(by_sort) < TOLD:
            by_sort.setdefault(sort, words)
    return "; ".join(by_sort.values())

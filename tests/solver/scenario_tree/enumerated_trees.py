"""Small trees solved by trying everything, in plain Python: every level of every node, every outcome of every path."""

from __future__ import annotations

import itertools
import random
from dataclasses import dataclass, field


@dataclass
class Box:
    """A node: costs, greatest levels (from 0, all whole), rows as (coefficients by depth on the path, least, most)."""

    chance: float
    cost: list[float]
    most: list[int]
    rows: list[tuple[dict[int, list[float]], float, float]]
    children: list[Box] = field(default_factory=list)


def random_tree(seed: int) -> Box:
    """Two or three stages, one to three branches, 0/1 and small integers, rows that speak of parents and
    grandparents."""
    draw = random.Random(seed)
    stages = draw.choice([2, 2, 3])

    def made(depth: int, chance: float, widths: list[int]) -> Box:
        width = draw.choice([1, 2]) if depth or stages == 3 else 2
        most = [draw.choice([1, 1, 2]) for _ in range(width)]
        widths = [*widths, width]
        rows = []
        for _ in range(draw.choice([0, 1, 1, 2])):
            speaks = {depth} | {d for d in range(depth) if draw.random() < 0.7}
            cells = {d: [float(draw.randint(-3, 3)) for _ in range(widths[d])] for d in sorted(speaks)}
            least, most_of = draw.choice(
                [(-float("inf"), float(draw.randint(0, 3))), (float(draw.randint(-3, 1)), float("inf")), (-1.0, 2.0)]
            )
            rows.append((cells, least, most_of))
        node = Box(chance, [float(draw.randint(-6, 6)) + 0.5 * draw.randint(0, 1) for _ in range(width)], most, rows)
        if depth + 1 < stages:
            count = draw.choice([1, 2, 2, 3]) if stages == 2 else draw.choice([1, 2, 2])
            shares = [draw.randint(1, 5) for _ in range(count)]
            if count == 3 and draw.random() < 0.4:
                shares[1] = 0
            node.children = [made(depth + 1, share / sum(shares), widths) for share in shares]
        return node

    return made(0, 1.0, [])


def chances(node: Box, before: float = 1.0) -> list[float]:
    """Probabilities of the paths, in order."""
    here = before * node.chance
    return [each for child in node.children for each in chances(child, here)] if node.children else [here]


def outcomes(node: Box, above: tuple[tuple[int, ...], ...] = (), spent: float = 0.0) -> set[tuple[float, ...]]:
    """Every vector of outcomes of the paths below that some levels lead to, in order."""
    found: set[tuple[float, ...]] = set()
    for own in itertools.product(*(range(most + 1) for most in node.most)):
        path = (*above, own)
        if not all(_kept(row, path) for row in node.rows):
            continue
        here = spent + sum(cost * level for cost, level in zip(node.cost, own, strict=True))
        if not node.children:
            found.add((here,))
            continue
        below = [outcomes(child, path, here) for child in node.children]
        found.update(tuple(itertools.chain(*each)) for each in itertools.product(*below))
    return found


def measured(vector: tuple[float, ...], weights: list[float], *, maximise: bool, weight: float, alpha: float) -> float:
    """(1 - weight) mean and weight CVaR of outcomes, in the sense of the problem."""
    mean = sum(chance * value for chance, value in zip(weights, vector, strict=True))
    losses = sorted(((-value if maximise else value), chance) for value, chance in zip(vector, weights, strict=True))
    left, tail = 1.0 - alpha, 0.0
    for loss, chance in reversed(losses):
        taken = min(chance, left)
        tail += taken * loss
        left -= taken
    cvar = tail / (1.0 - alpha)
    return (1.0 - weight) * mean + (-weight if maximise else weight) * cvar


def best(node: Box, *, maximise: bool, weight: float = 0.0, alpha: float = 0.5) -> float | None:
    """The best objective; None where nothing keeps every row."""
    weights = chances(node)
    values = [measured(each, weights, maximise=maximise, weight=weight, alpha=alpha) for each in outcomes(node)]
    if not values:
        return None
    return max(values) if maximise else min(values)


def _kept(row: tuple[dict[int, list[float]], float, float], path: tuple[tuple[int, ...], ...]) -> bool:
    cells, least, most = row
    total = sum(sum(a * x for a, x in zip(cells[depth], path[depth], strict=True)) for depth in cells)
    return least - 1e-9 <= total <= most + 1e-9

"""Linear and mixed-integer programmes: model arrays, solvers by name, options, statuses, re-solves.

Nothing here knows of sites. Programmes over a tree of nodes are put to it by the names below, imported when first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from planner.solver.scenario_tree.measure import MeanCvar
    from planner.solver.scenario_tree.solution import TreeSolution
    from planner.solver.scenario_tree.solve import solve_tree
    from planner.solver.scenario_tree.tree_model import TreeModel, TreeNode

__all__ = ["MeanCvar", "TreeModel", "TreeNode", "TreeSolution", "solve_tree"]

_HOMES = {
    "MeanCvar": "planner.solver.scenario_tree.measure",
    "TreeModel": "planner.solver.scenario_tree.tree_model",
    "TreeNode": "planner.solver.scenario_tree.tree_model",
    "TreeSolution": "planner.solver.scenario_tree.solution",
    "solve_tree": "planner.solver.scenario_tree.solve",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'planner.solver' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__

"""Why a plan has no end: the candidates that earn money along a direction in which no limit stops them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import highspy
import numpy as np

from planner.arrays import Floats
from planner.formulation.model import Model
from planner.solver.highs import HighsSolver
from planner.solver.model_arrays import ModelArrays
from planner.solver.options import SolverOptions
from planner.solver.status import Status

MOST_NAMED = 5


@dataclass(frozen=True)
class UnboundedRay:
    """A column that grows without end: its name, its level for one of the first named, and what a unit brings."""

    name: str
    level: float
    usd_per_unit: float


def unbounded_ray(model: Model, arrays: ModelArrays) -> tuple[UnboundedRay, ...]:
    """Columns that grow along a ray on which NPV grows without end, those that bring most first; empty without a ray.

    The relaxation is unbounded whenever the model is.
    """
    ray = _ray(replace(arrays, integer=np.zeros_like(arrays.integer)))
    if ray is None:
        return ()
    formulation = model.formulation
    level = ray * formulation.unit
    usd = model.usd_per_unit(arrays.cost)
    grown = [int(j) for j in np.flatnonzero(np.abs(ray) > 1e-9) if j < formulation.first_stock]
    grown.sort(key=lambda j: -usd[j] * level[j])
    if not grown:
        return ()
    first = abs(level[grown[0]])
    return tuple(UnboundedRay(formulation.name[j], float(level[j] / first), float(usd[j])) for j in grown[:MOST_NAMED])


def unbounded_ray_lines(found: tuple[UnboundedRay, ...]) -> list[str]:
    """What grows without end, in sentences."""
    if not found:
        return []
    lines = ["these grow together without end, and no limit stops them:"]
    for column in found:
        brings = (
            f"each brings ${column.usd_per_unit:,.0f}" if column.usd_per_unit >= 0
            else f"each costs ${-column.usd_per_unit:,.0f}"
        )
        lines.append(f"  - {column.name}: {column.level:.4g} for one of the first, {brings}")
    lines.append(
        f"give {found[0].name} a limit (depth_gpus, max_gpus, critical_it_mw, guaranteed_mw), or correct the sign of "
        "its cost"
    )
    return lines


def _ray(arrays: ModelArrays) -> Floats | None:
    """A direction of unbounded_ray gain, shape (columns,), None when the model has none."""
    solver = HighsSolver(SolverOptions(extra={"presolve": "off", "solver": "simplex"}))
    if solver.solve_arrays(arrays).status is not Status.UNBOUNDED:
        return None
    status, known, values = solver.highs.getPrimalRay()
    ray = np.array(values, dtype=np.float64)
    return ray if status == highspy.HighsStatus.kOk and known else None

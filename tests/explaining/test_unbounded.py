"""A plan without end names what grows without end."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from oracle.tiny_case import grid, site, tiny_case

from planner.candidates.build import build_candidates
from planner.candidates.outlook import make_outlook
from planner.explaining.unbounded import unbounded_ray, unbounded_ray_lines
from planner.formulation.allocate import allocate
from planner.solver.options import SolverOptions
from planner.solver.status import Status


def test_what_grows_without_end_is_named_with_what_it_brings() -> None:
    """A phase without an upper bound whose MW bring money instead of costing it."""
    made = build_candidates(
        make_outlook(
            tiny_case(
                sites=[site()], power=[grid()], market=[{"gpu_id": "gpu", "usd_per_gpu_hour": 0.5, "depth_gpus": 10}]
            )
        )
    )
    power = (made.table["kind"] == "power").to_numpy()
    unlimited = replace(made, upper=np.where(power, np.inf, made.upper), npv_usd=np.where(power, 1e6, made.npv_usd))
    answer = allocate(unlimited, SolverOptions())
    assert answer.status is Status.UNBOUNDED
    found = unbounded_ray(answer.model, answer.solution.arrays)
    assert found[0].name == "power:a_grid:1"
    assert found[0].usd_per_unit == 1e6
    assert found[0].level == 1.0
    assert "power:a_grid:1" in "\n".join(unbounded_ray_lines(found))


def test_a_plan_with_an_end_has_nothing_to_name() -> None:
    made = build_candidates(
        make_outlook(
            tiny_case(
                sites=[site()], power=[grid()], market=[{"gpu_id": "gpu", "usd_per_gpu_hour": 2.0, "depth_gpus": 10}]
            )
        )
    )
    answer = allocate(made, SolverOptions())
    assert answer.status is Status.OPTIMAL
    assert unbounded_ray(answer.model, answer.solution.arrays) == ()
    assert unbounded_ray_lines(()) == []

"""Bundles know one part of a phase: pools are refused where power may be curtailed."""

from __future__ import annotations

import numpy as np

from planner.candidates.build import CandidateSet
from planner.errors import PlannerError


def refuse_curtailable(candidates: CandidateSet) -> None:
    """Raise PlannerError where a way to use power stands on a part of a phase that may be curtailed."""
    cut = np.flatnonzero(candidates.columns["interruptible"] == 1)
    if len(cut):
        phase = candidates.blocks[0].names.phase(int(candidates.columns["phase"][cut[0]]))
        raise PlannerError(
            f"a pool of bundles knows firm power alone, and {phase} may be curtailed; plan without a pool, or take "
            "curtailed_hours_per_year out of power"
        )

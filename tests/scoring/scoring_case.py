"""A planned case that tests of scoring share."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from planner.candidates.build import CandidateSet
from planner.planning.plan import Plan


@dataclass(frozen=True)
class ScoringCase:
    """A plan with its candidates and levels."""

    plan: Plan
    candidates: CandidateSet
    levels: np.ndarray

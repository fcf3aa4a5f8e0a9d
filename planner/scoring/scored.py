"""`planner.score`: the score of portfolios in Python, in one call."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from planner.candidates.build import build_candidates
from planner.candidates.outlook import make_outlook
from planner.case.case import Case
from planner.case.read import as_case
from planner.choices import chosen
from planner.scoring.long_table import from_table
from planner.scoring.score import ScoreOptions, Scores, score_portfolios


def score(case: Case | str | Path, portfolios: pd.DataFrame, *, base: str = "expected", tail: str | None = None, **choices: Any) -> Scores:
    """Score a table of portfolios of a case: columns candidate_id, level, and portfolio where there are several.

    `plan.portfolio` is such a table. `choices` are fields of `ScoreOptions`: scenarios, alpha, draws, seed, paths, threads, device
    ("auto", "cpu" or "gpu"), fixes and excludes (those of the plan, to flag portfolios that depart from them).
    Raises PlannerError for candidates that the case does not have and for levels that are not numbers.

    >>> import planner
    >>> found = planner.plan("fixtures/tiny", prices="none")
    >>> scores = planner.score("fixtures/tiny", found.portfolio, scenarios=8)
    >>> round(float(scores.table["base_npv_usd"].iloc[0]))
    58360320
    """
    options = chosen(ScoreOptions, None, choices, verb="score", lists=("fixes", "excludes"))
    candidates = build_candidates(make_outlook(as_case(case), base=base, tail=tail))
    return score_portfolios(candidates, from_table(candidates, portfolios), options)

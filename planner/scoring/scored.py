"""`planner.score`: the score of portfolios in Python, in one call."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from planner.candidates.build import CandidateSet
from planner.candidates.options import CandidateOptions
from planner.candidates.outlook import BASES
from planner.case.case import Case
from planner.case.read import as_case
from planner.choices import chosen
from planner.errors import PlannerError
from planner.planning.plan import Plan
from planner.scoring.around_plan import AroundPlan
from planner.scoring.long_table import from_table
from planner.scoring.score import ScoreOptions, Scores, score_portfolios


def score(
    case: Case | str | Path, portfolios: pd.DataFrame | AroundPlan, *, base: str | None = None, tail: str | None = None,
    **choices: Any
) -> Scores:
    """Score portfolios of a case: those of `planner.portfolios`, or a table with columns candidate_id, level, and
    portfolio where there are several.

    `plan.portfolio` is such a table. base, tail: as in `PlanOptions`; those of the plan where the portfolios come from
    one. `choices` are fields of `ScoreOptions`: scenarios, alpha, draws, seed, paths, threads, device ("auto", "cpu" or
    "gpu"), fixes and excludes (those of the plan, to flag portfolios that depart from them). Raises PlannerError for
    candidates that the case does not have and for levels that are not numbers.

    >>> import planner
    >>> found = planner.plan("fixtures/tiny", prices="none")
    >>> scores = planner.score("fixtures/tiny", found.portfolio, scenarios=8)
    >>> round(float(scores.table["base_npv_usd"].iloc[0]))
    58360320
    """
    options = chosen(ScoreOptions, None, choices, verb="score", lists=("fixes", "excludes"))
    of_case = as_case(case)
    if isinstance(portfolios, AroundPlan):
        return score_portfolios(_of_plan(portfolios.plan, of_case, base, tail), portfolios.source, options)
    if not isinstance(portfolios, pd.DataFrame):
        raise PlannerError(
            f"{type(portfolios).__name__} is no table of portfolios; give plan.portfolio, or what planner.portfolios "
            "makes"
        )
    candidates = CandidateOptions(base or BASES[0], tail).candidates(of_case)
    return score_portfolios(candidates, from_table(candidates, portfolios), options)


def _of_plan(plan: Plan, case: Case, base: str | None, tail: str | None) -> CandidateSet:
    """The candidates of the plan around which portfolios were made; raises PlannerError where those of the case are
    others."""
    planned = plan.options
    if (
        plan.case.source_hash != case.source_hash or base not in (None, planned.base)
        or tail not in (None, planned.tail)
    ):
        raise PlannerError(
            "the portfolios were made around a plan of another case, base or tail; score them over plan.case"
        )
    return plan.candidates

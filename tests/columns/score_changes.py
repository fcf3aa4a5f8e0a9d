"""Changes of factors and correlations, which move no plan, and what they do to the score of a portfolio."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from functools import cache

import numpy as np
import pandas as pd
from oracle.tiny_case import cluster, grid, rate, site, sku, tiny_case

from planner.candidates.build import build_candidates
from planner.candidates.outlook import make_outlook
from planner.case.case import Case
from planner.case.edit_grammar import parse_edit
from planner.case.edits import apply_edits
from planner.scoring.bundles import bundles
from planner.scoring.items import each_an_item
from planner.scoring.score import ScoreOptions, score_portfolios

DRAWS = ScoreOptions(scenarios=1000, paths=False, float64=True, threads=1)


class Score(Enum):
    """A measure and the way it goes: the name of its column, and 1 for up or -1 for down."""

    SPREADS = ("standard_deviation_usd", 1)
    NARROWS = ("standard_deviation_usd", -1)
    MEAN_RISES = ("mean_npv_usd", 1)


@dataclass(frozen=True)
class ScoreChange:
    """An edit of one column, what it does to a measure, and the argument for it.

    `given` set the scene with and without the edit; `also` go with the edit, because the case would be refused without.
    """

    edit: str
    moves: Score
    why: str
    given: tuple[str, ...] = ()
    also: tuple[str, ...] = ()

    @property
    def column(self) -> str:
        """The column that is changed, as table.column."""
        parsed = parse_edit(self.edit)
        return f"{parsed.table}.{parsed.column}"


FACTOR_CHANGES = (
    ScoreChange(
        "factors.model[gas]=gbm", Score.SPREADS, "nothing draws the price of gas back",
        also=("factors.reversion_per_year[gas]=",),
    ),
    ScoreChange(
        "factors.drives[spot]=market[mini]", Score.NARROWS,
        "the large cluster's price no longer moves, the small one's does",
    ),
    ScoreChange("factors.volatility_per_year[spot]=0.4", Score.SPREADS, "prices move further"),
    ScoreChange("factors.reversion_per_year[gas]=8", Score.NARROWS, "the price of gas returns sooner"),
    ScoreChange("factors.drift_glut_per_year[regime]=-1", Score.SPREADS, "glut and shortage lie further apart"),
    ScoreChange("factors.drift_shortage_per_year[regime]=1", Score.SPREADS, "glut and shortage lie further apart"),
    ScoreChange(
        "factors.stay_glut_months[regime]=600", Score.NARROWS,
        "the glut of the start outlasts the case in nearly every future",
    ),
    ScoreChange(
        "factors.stay_shortage_months[regime]=600", Score.NARROWS,
        "the shortage of the start outlasts the case in nearly every future",
        given=("factors.starts_in_shortage[regime]=yes",),
    ),
    ScoreChange(
        "factors.starts_in_shortage[regime]=yes", Score.NARROWS,
        "the shortage of the start outlasts the case in nearly every future",
        given=("factors.stay_shortage_months[regime]=600",),
    ),
    ScoreChange("factors.outcomes[wait]=0:0.5;5:0.5", Score.MEAN_RISES, "the worse outcome is a month better"),
    ScoreChange("factors.low[order]=-0.6", Score.SPREADS, "GPUs may come cheaper still"),
    ScoreChange(
        "factors.mode[order]=-0.3", Score.SPREADS,
        "what is paid is likeliest at one end, and further from its mean as a share of it",
    ),
    ScoreChange("factors.high[order]=0.8", Score.SPREADS, "GPUs may come dearer still"),
)

CORRELATION_CHANGES = (
    ScoreChange(
        "correlations.factor_a[gas:power]=spot", Score.NARROWS, "costs rise with income in place of with other costs"
    ),
    ScoreChange(
        "correlations.factor_b[gas:power]=spot", Score.NARROWS, "costs rise with income in place of with other costs"
    ),
    ScoreChange("correlations.correlation[gas:power]=0.9", Score.SPREADS, "costs rise together"),
)

OFFER_CHANGES = (
    ScoreChange("leases.rate_follows_market[hire]=1", Score.SPREADS, "the rate moves with the market"),
    ScoreChange(
        "leases.answer_by[hire]=2027-01", Score.NARROWS, "the market has hardly moved by the answer",
        given=("leases.rate_follows_market[hire]=1",),
    ),
)

SCORE_CHANGES = (*FACTOR_CHANGES, *CORRELATION_CHANGES, *OFFER_CHANGES)


@cache
def _case() -> Case:
    """Two clusters on a market, on a grid that is there and one that is late; prices, gas and power all move."""
    late = {
        "status": "announced", "energised": "2028-01", "delay_low_months": 3, "delay_mode_months": 3,
        "delay_high_months": 3,
    }
    return tiny_case(
        months=36,
        settings={"seed": 3},
        sites=[site(mw=4)],
        power=[
            grid(energy_usd_per_mwh=None, energy_curve="power"),
            {**grid(energy_usd_per_mwh=None, heat_rate_mmbtu_per_mwh=8, gas_curve="gas", **late), "source_id": "line"},
        ],
        gpus=[sku(), sku("mini")],
        leases=[cluster("hire", size=200, start="2028-10", term_months=12)],
        lease_rates=[rate("hire", 3.0)],
        market=[{"gpu_id": gpu, "usd_per_gpu_hour": usd} for gpu, usd in (("gpu", 3.0), ("mini", 3.0))],
        curves=[
            {"curve_id": name, "month": "2027-01", "value": value, "unit": "$"}
            for name, value in (("gas", 60.0), ("power", 400.0))
        ],
        factors=[
            {"factor_id": "spot", "model": "gbm", "drives": "market[gpu]", "volatility_per_year": 0.2},
            {
                "factor_id": "gas", "model": "mean_reverting", "drives": "curves[gas]", "volatility_per_year": 0.5,
                "reversion_per_year": 1,
            },
            {"factor_id": "power", "model": "gbm", "drives": "curves[power]", "volatility_per_year": 0.4},
            {
                "factor_id": "regime", "model": "two_regimes", "drives": "market[mini]", "volatility_per_year": 0.05,
                "drift_glut_per_year": -0.5,
             "drift_shortage_per_year": 0.5, "stay_glut_months": 18, "stay_shortage_months": 18},
            {"factor_id": "wait", "model": "discrete_delay", "drives": "delay[line:1]", "outcomes": "0:0.5;6:0.5"},
            {"factor_id": "order", "model": "triangular", "drives": "capex[gpu]", "low": -0.3, "mode": 0, "high": 0.3},
        ],
        correlations=[{"factor_a": "gas", "factor_b": "power", "correlation": 0.4}],
    )


PORTFOLIO = (
    {
        "portfolio": "mix", "site_id": "a", "power_path": "a_grid:1", "gpu_id": "gpu", "use": "market",
        "start": "2027-01", "level": 500,
    },
    {
        "portfolio": "mix", "site_id": "a", "power_path": "a_grid:1", "gpu_id": "mini", "use": "market",
        "start": "2027-01", "level": 200,
    },
    {
        "portfolio": "mix", "site_id": "a", "power_path": "line:1", "gpu_id": "gpu", "use": "market",
        "start": "2028-04", "level": 500,
    },
    {
        "portfolio": "mix", "site_id": "a", "power_path": "a_grid:1", "gpu_id": "gpu", "use": "hire",
        "start": "2028-10", "level": 200,
    },
)


@cache
def scored(edits: tuple[str, ...]) -> dict[str, float]:
    """The score of the portfolio in the case with some edits."""
    case = apply_edits(_case(), edits) if edits else _case()
    with pd.option_context("mode.string_storage", "python"):
        candidates = build_candidates(make_outlook(case))
        packages = bundles(pd.DataFrame(PORTFOLIO), candidates)
        (row,) = score_portfolios(candidates, each_an_item(packages), DRAWS).table.to_dict("records")
    return {str(name): float(value) for name, value in row.items() if isinstance(value, int | float | np.number)}

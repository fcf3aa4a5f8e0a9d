"""Scores of portfolios: how each fares over the futures, what it costs, and which limits it breaks."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
import pandas as pd
import scipy.sparse as sp

from kernels.irr import IrrStatus, irr
from kernels.paths_engine import cumulative_paths, portfolio_path_measures
from kernels.pieces import usable_cores
from kernels.portfolio_engine import broken_limits, portfolio_npv_measures, portfolio_sums
from planner.candidates.build import CandidateSet
from planner.case.faults import PlannerError
from planner.scenarios.futures import Futures, make_futures
from planner.scenarios.stressed import stress_outlooks
from planner.scoring.items import Bunch
from planner.scoring.values import ItemValues, item_values

MILLION = 1e6
LIMIT_TOLERANCE = 1e-6
IRR_PIECE = 2000


@dataclass(frozen=True)
class ScoreOptions:
    """How to score: scenarios drawn, level of the tail, draws, precision, whether paths are measured, threads."""

    scenarios: int = 1000
    alpha: float = 0.95
    draws: str = "independent"
    seed: int | None = None
    float64: bool = False
    paths: bool = True
    threads: int | None = None

    def __post_init__(self) -> None:
        if not 0.0 < self.alpha < 1.0:
            raise PlannerError(f"alpha = {self.alpha}: give a level between 0 and 1, such as 0.95")


@dataclass(frozen=True)
class Scores:
    """One row per portfolio in `table`, dollars and months; limits broken in `broken`; stresses left out with the reason.

    table: portfolio, base_npv_usd, mean_npv_usd, standard_deviation_usd, standard_error_usd, loss_probability, var_usd,
    cvar_usd (losses positive), npv_<stress>_usd, peak_funding_*_usd and payback_*_months (mean, median, tail),
    never_pays_back, irr_per_year and irr_status of the mean flow, limits_broken, worst_limit, worst_excess.
    """

    table: pd.DataFrame
    broken: pd.DataFrame
    left_out: dict[str, str]
    options: ScoreOptions
    seconds: dict[str, float]


def score_portfolios(candidates: CandidateSet, bunch: Bunch, options: ScoreOptions) -> Scores:
    """Score every portfolio of a bunch over the same futures; one that breaks a limit is scored and flagged."""
    threads = options.threads or usable_cores()
    clock = [time.perf_counter()]
    outlook = candidates.outlook
    futures = make_futures(outlook.case, outlook.calendar, scenarios=options.scenarios, seed=options.seed, draws=options.draws)
    stresses = stress_outlooks(outlook)
    values = item_values(candidates, bunch.items, futures, stresses.outlooks, paths=options.paths, threads=threads)
    clock.append(time.perf_counter())
    table = _npv_columns(bunch, values, futures, options, threads)
    if values.cash is not None:
        table = pd.concat([table, _path_columns(bunch, values, futures, options, threads)], axis=1)
    clock.append(time.perf_counter())
    table = pd.concat([table, _irr_columns(bunch, values)], axis=1)
    broken = _broken(candidates, bunch, threads)
    table = pd.concat([table, _limit_columns(broken, bunch)], axis=1)
    clock.append(time.perf_counter())
    stages = ("values of items", "measures", "irr and limits")
    return Scores(table, broken, stresses.left_out, options, dict(zip(stages, np.diff(clock).tolist(), strict=True)))


def _npv_columns(bunch: Bunch, values: ItemValues, futures: Futures, options: ScoreOptions, threads: int) -> pd.DataFrame:
    """NPV in the base case, its distribution over the futures, and NPV under each stress."""
    unit = (values.npv / MILLION).astype(np.float64 if options.float64 else np.float32)
    measured = portfolio_npv_measures(bunch.portfolios, unit, futures.weights, alpha=options.alpha, threads=threads)
    names = np.arange(len(bunch)) if bunch.names is None else np.array(bunch.names, dtype=object)
    columns = {
        "portfolio": names,
        "base_npv_usd": portfolio_sums(bunch.portfolios, values.base_npv),
        "mean_npv_usd": measured.mean * MILLION,
        "standard_deviation_usd": measured.standard_deviation * MILLION,
        "standard_error_usd": measured.standard_error * MILLION,
        "loss_probability": measured.loss_probability,
        "var_usd": measured.var * MILLION,
        "cvar_usd": measured.cvar * MILLION,
    }
    for name, npv in values.stress_npv.items():
        columns[f"npv_{name}_usd"] = portfolio_sums(bunch.portfolios, npv)
    return pd.DataFrame(columns)


def _path_columns(bunch: Bunch, values: ItemValues, futures: Futures, options: ScoreOptions, threads: int) -> pd.DataFrame:
    """Peak funding and payback over the futures."""
    assert values.cash is not None
    cumulative = cumulative_paths(values.cash / MILLION, dtype=np.float64 if options.float64 else np.float32)
    found = portfolio_path_measures(bunch.portfolios, cumulative, futures.weights, alpha=options.alpha, threads=threads)
    return pd.DataFrame(
        {
            "peak_funding_mean_usd": found.funding_mean * MILLION,
            "peak_funding_median_usd": found.funding_median * MILLION,
            "peak_funding_tail_usd": found.funding_tail * MILLION,
            "payback_mean_months": found.payback_mean,
            "payback_median_months": found.payback_median,
            "payback_tail_months": found.payback_tail,
            "never_pays_back": found.never_probability,
        }
    )


def _irr_columns(bunch: Bunch, values: ItemValues) -> pd.DataFrame:
    """IRR of the mean flow (of the base flow where no paths were formed), with its status."""
    mean = values.base_cash if values.cash is None else values.cash.mean(axis=1)
    rates, statuses = [np.zeros(0)], [np.zeros(0, dtype=np.int64)]
    for first in range(0, len(bunch), IRR_PIECE):
        part = bunch.portfolios.part(slice(first, min(first + IRR_PIECE, len(bunch))))
        found = irr(portfolio_sums(part, mean))
        rates.append(np.asarray(found.rate))
        statuses.append(np.asarray(found.status).astype(np.int64))
    words = np.array([status.name.lower() for status in IrrStatus], dtype=object)
    return pd.DataFrame({"irr_per_year": np.concatenate(rates), "irr_status": words[np.concatenate(statuses)]})


def _broken(candidates: CandidateSet, bunch: Bunch, threads: int) -> pd.DataFrame:
    """Limits broken, by portfolio: family, name, months, and by how much; whole decisions that are not whole too."""
    rows = candidates.rows
    use = bunch.items.levels @ rows.use[:, bunch.items.held].T
    found = broken_limits(bunch.portfolios, use, rows.table["limit"].to_numpy(np.float64), tolerance=LIMIT_TOLERANCE, threads=threads)
    table = rows.table.iloc[found.resources]
    limits = pd.DataFrame(
        {
            "portfolio": found.portfolios,
            "family": table["family"].to_numpy(),
            "name": table["name"].to_numpy(),
            "from_month": table["start"].to_numpy(),
            "to_month": table["end"].to_numpy(),
            "excess": found.excess,
            "limit": table["limit"].to_numpy(),
        }
    )
    return pd.concat([limits, _not_whole(candidates, bunch)], ignore_index=True)


def _not_whole(candidates: CandidateSet, bunch: Bunch) -> pd.DataFrame:
    """Portfolios that hold a part of a whole decision: how far each such decision is from being whole."""
    whole = np.flatnonzero(candidates.table["integral"].to_numpy(bool)[bunch.items.held])
    portfolios = bunch.portfolios
    levels = sp.csr_array((portfolios.levels, portfolios.candidates, portfolios.starts), shape=(len(bunch), len(bunch.items)))
    decisions = (levels @ bunch.items.levels[:, whole]).tocoo()
    away = np.abs(decisions.data - np.round(decisions.data))
    part = away > LIMIT_TOLERANCE
    names = candidates.table["candidate_id"].to_numpy()[bunch.items.held[whole[decisions.col[part]]]]
    return pd.DataFrame(
        {"portfolio": decisions.row[part], "family": "WHOLE", "name": names, "from_month": 0, "to_month": 1, "excess": away[part], "limit": 0.0}
    )


def _limit_columns(broken: pd.DataFrame, bunch: Bunch) -> pd.DataFrame:
    """How many limits each portfolio breaks, and which it breaks most, relative to the limit."""
    count = np.bincount(broken["portfolio"].to_numpy(np.int64), minlength=len(bunch))
    worst = np.full(len(bunch), "", dtype=object)
    excess = np.zeros(len(bunch))
    if len(broken):
        relative = broken["excess"] / np.maximum(broken["limit"].abs(), 1.0)
        first = broken.assign(relative=relative).sort_values("relative", ascending=False, kind="stable").drop_duplicates("portfolio")
        at = first["portfolio"].to_numpy(np.int64)
        worst[at] = first["family"] + " " + first["name"]
        excess[at] = first["excess"]
    return pd.DataFrame({"limits_broken": count, "worst_limit": worst, "worst_excess": excess})



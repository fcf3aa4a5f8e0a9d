"""What monthly paths tell of portfolios: peak funding, payback, debt cover, multiple of money, rates of return."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from kernels.cpu.measures import SpreadMeasures, spread
from kernels.cpu.portfolio import portfolio_sums
from kernels.devices import Engine
from kernels.irr import Irr, IrrStatus
from kernels.pieces import over_pieces, piece_size
from kernels.reference.measures import quantile
from kernels.reference.paths import least_dscr, peak_funding
from kernels.reference.portfolio import Portfolios
from planner.arrays import Floats
from planner.plans.rate_of_return import rates_of_return
from planner.scoring.values import Cover

MILLION = 1e6
IRR_PIECE = 200
"""Paths whose roots are isolated at once: they fit a second-level cache."""
Columns = dict[str, np.ndarray]


@dataclass(frozen=True)
class Measuring:
    """How to measure: weights of the futures (S,), level of the tail, threads, scratch of all threads together."""

    weights: Floats
    alpha: float
    threads: int
    budget_bytes: int


def funding_columns(portfolios: Portfolios, paths: Any, engine: Engine, how: Measuring) -> Columns:
    """Of the running sums that the engine holds: peak funding and payback over the futures: mean, lower median, mean of
    the worst 1 - alpha share."""
    found = engine.path_measures(portfolios, paths, how.weights, alpha=how.alpha, budget_bytes=how.budget_bytes)
    return {
        "peak_funding_mean_usd": found.funding_mean * MILLION,
        "peak_funding_median_usd": found.funding_median * MILLION,
        "peak_funding_tail_usd": found.funding_tail * MILLION,
        "payback_mean_months": found.payback_mean,
        "payback_median_months": found.payback_median,
        "payback_tail_months": found.payback_tail,
        "never_pays_back": found.never_probability,
    }


def cover_columns(portfolios: Portfolios, cover: Cover, how: Measuring) -> Columns:
    """Least yearly debt service cover over the futures: mean, median, mean of the worst 1 - alpha share; inf without
    debt.

    Of each future the least, over the tax years in which debt service is due, of cash available (see `Cover`) over
    interest and repayment.
    """
    scenarios, years = cover.due.shape[1:]

    def measured(rows: slice) -> SpreadMeasures:
        part = portfolios.part(rows)
        # Levels below zero (a change taken off a plan) leave dust of either sign where nothing is due.
        due = portfolio_sums(part, cover.due)
        dust = 1e-9 * np.abs(due).max(axis=(1, 2), keepdims=True)
        least = least_dscr(
            portfolio_sums(part, cover.available), np.where(np.abs(due) <= dust, 0.0, np.maximum(due, 0.0))
        )
        return _worst_least(least, how)

    size = piece_size(
        bytes_per_item=6 * 8 * scenarios * years, budget_bytes=how.budget_bytes, threads=how.threads, most=256
    )
    parts = [answer for _, answer in over_pieces(measured, len(portfolios), piece=size, threads=how.threads)]
    return {
        f"least_dscr_{name}": np.concatenate([getattr(part, name) for part in parts])
        for name in ("mean", "median", "tail")
    }


def _worst_least(least: Floats, how: Measuring) -> SpreadMeasures:
    """Spread of a ratio of which less is worse; a portfolio without debt has inf in every future."""
    bound = np.isfinite(least)
    # Measured as -ratio, so that the tail is that of the lowest; a future without service in a portfolio with some
    # counts as covered best.
    ceiling = np.where(bound.any(axis=1), np.where(bound, least, -np.inf).max(axis=1), 0.0)[:, None]
    worse = spread(-np.where(bound, least, ceiling), how.weights, alpha=how.alpha)
    some = bound.any(axis=1)
    mean, median, tail = (
        np.where(some, -np.asarray(value), np.inf) for value in (worse.mean, worse.median, worse.tail)
    )
    return SpreadMeasures(mean, median, tail)


def base_path_columns(portfolios: Portfolios, base_cash: Floats, horizon: int, how: Measuring) -> Columns:
    """Of the base path: MOIC, cash given back over cash put in, which is its peak funding (inf where none is needed);
    and its IRR.

    `base_cash` (items, months), of which the first `horizon` are single months. The rate is that of the plan of the
    same portfolio.
    """
    path = portfolio_sums(portfolios, base_cash)
    put_in = peak_funding(path)
    needed = put_in > 0.0
    total = np.cumsum(path, axis=-1)[:, -1]
    moic = np.where(needed, 1.0 + total / np.where(needed, put_in, 1.0), np.inf)
    rate, status = _rates(portfolios, base_cash, horizon, how)
    return {"moic": moic, "irr_per_year": rate, "irr_status": status}


def mean_irr_columns(portfolios: Portfolios, mean_cash: Floats, horizon: int, how: Measuring) -> Columns:
    """IRR of the mean flow over the futures, with its status; `mean_cash` (items, months), of which the first `horizon`
    are single months.

    Its status may differ from the base path's: what losses of few futures leave in the mean can turn its sign once
    more.
    """
    rate, status = _rates(portfolios, mean_cash, horizon, how)
    return {"irr_of_mean_flow_per_year": rate, "irr_of_mean_flow_status": status}


def _rates(portfolios: Portfolios, cash: Floats, horizon: int, how: Measuring) -> tuple[np.ndarray, np.ndarray]:
    """IRR of each portfolio's sum of the items' paths, and its status in a word."""

    def found(rows: slice) -> tuple[np.ndarray, np.ndarray]:
        answer = rates_of_return(portfolio_sums(portfolios.part(rows), cash), horizon)
        return np.asarray(answer.rate), np.asarray(answer.status).astype(np.int64)

    parts = [answer for _, answer in over_pieces(found, len(portfolios), piece=IRR_PIECE, threads=how.threads)]
    words = np.array([status.name.lower() for status in IrrStatus], dtype=object)
    rate, status = (np.concatenate([part[at] for part in parts]) for at in range(2))
    return rate, words[status]


def irr_spread_columns(portfolios: Portfolios, cash: Floats, horizon: int, how: Measuring) -> Columns:
    """IRR by future of a few portfolios: lower median and the 1 - alpha quantile among the futures that have one rate,
    and the share of futures that have one; NaN where none has."""
    one, rate = int(IrrStatus.ONE_ROOT), np.empty((len(portfolios), cash.shape[1]))
    single = np.zeros(rate.shape, dtype=bool)
    for number in range(len(portfolios)):
        flows = portfolio_sums(portfolios.part(slice(number, number + 1)), cash)[0]

        def rates(rows: slice, flows: Floats = flows) -> Irr:
            return rates_of_return(flows[rows], horizon)

        for rows, answer in over_pieces(rates, len(flows), piece=IRR_PIECE, threads=how.threads):
            rate[number, rows], single[number, rows] = answer.rate, np.asarray(answer.status) == one
    share = np.where(single, how.weights, 0.0).sum(axis=1)
    columns: Columns = {name: np.full(len(portfolios), np.nan) for name in ("irr_median_per_year", "irr_low_per_year")}
    for number in np.flatnonzero(share > 0.0).tolist():
        own, weights = rate[number, single[number]], how.weights[single[number]] / share[number]
        for name, level in (("irr_median_per_year", 0.5), ("irr_low_per_year", 1.0 - how.alpha)):
            columns[name][number] = float(quantile(own[None, :], weights, level=level)[0])
    return {**columns, "irr_one_rate_share": share}

"""The CPU's figures: NPV risk, path measures, NPV of a pool, monthly cash, and the machine's own limits."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numpy as np

from kernels.bench import numba_loops, plain
from kernels.bench.contest import Figure, Outputs, Way, contest, host_seconds
from kernels.bench.problems import ALPHA, TAX_RATE, Floats, PoolProblem, Sizes, path_problem, pool_problem, risk_problem
from kernels.cpu import paths as cpu_paths
from kernels.cpu import portfolio as cpu_portfolio
from kernels.cpu import unit_npv as cpu_unit_npv
from kernels.lines import Line, after_tax_weight
from kernels.pieces import over_pieces, usable_cores
from kernels.reference import unit_cash, unit_npv
from kernels.reference.measures import NpvMeasures
from kernels.terms import ScheduleTerm, Term, WindowTerm

NUMPY, NUMBA = "plain NumPy", "numba loop"
RISK_FIELDS = {
    "mean": "mean", "standard_deviation": "deviation", "loss_probability": "losses", "var": "var", "cvar": "cvar"
}
_FLOAT32 = 2e-5
"""Of the scale of an output: sums of some thousand numbers in single precision, in different orders."""


def risk_outputs(found: NpvMeasures) -> Outputs:
    """The measures that every way computes."""
    return {output: getattr(found, name) for name, output in RISK_FIELDS.items()}


def _has_loops(sizes: Sizes) -> bool:
    return not sizes.compiled_loops or plain.present("numba")


def npv_risk(sizes: Sizes, *, repeats: int) -> list[Figure]:
    """Mean, deviation, P(loss), VaR and CVaR of portfolios of a few candidates."""
    problem, threads = risk_problem(sizes), usable_cores()
    amount = float(len(problem.portfolios) * sizes.scenarios)
    slow = sizes.loop_portfolios

    def engine() -> Outputs:
        return risk_outputs(
            cpu_portfolio.portfolio_npv_measures(
                problem.portfolios, problem.unit, problem.weights, alpha=ALPHA, threads=threads
            )
        )

    levels = plain.dense_levels(problem)
    ways = [
        Way(NUMPY, lambda: plain.numpy_risk(problem), amount),
        Way("NumPy, dense product", lambda: plain.dense_risk(levels, problem.unit), amount),
    ]
    if plain.present("pandas"):
        ways.append(
            Way(
                "pandas loop", lambda: plain.pandas_risk(problem, slow), float(slow * sizes.scenarios),
                f"{slow} portfolios",
            )
        )
    if _has_loops(sizes):
        ways.append(
            Way(
                NUMBA, lambda: numba_loops.numba_risk(problem, compiled=sizes.compiled_loops), amount,
                f"{threads} threads",
            )
        )
    ways.append(Way("engine", engine, amount, f"{threads} threads"))
    job = (
        f"NPV risk: {sizes.portfolios:,} portfolios of {sizes.members} of {sizes.candidates} candidates, "
        f"{sizes.scenarios:,} scenarios"
    )
    return contest(
        job, "portfolio-scenarios/s", ways, against=(NUMPY, "pandas loop", NUMBA), tolerance=_FLOAT32, repeats=repeats
    )


def path_measures(sizes: Sizes, *, repeats: int) -> list[Figure]:
    """Peak funding and payback of portfolios over monthly paths."""
    problem, threads = path_problem(sizes), usable_cores()
    amount = float(len(problem.portfolios) * sizes.scenarios)
    slow = sizes.loop_portfolios
    running = np.ascontiguousarray(
        np.cumsum(problem.cash, axis=2, dtype=np.float64).transpose(2, 0, 1), dtype=np.float32
    )
    ready = cpu_paths.cumulative_paths(problem.cash)

    def engine() -> Outputs:
        return vars(
            cpu_paths.portfolio_path_measures(problem.portfolios, ready, problem.weights, alpha=ALPHA, threads=threads)
        )

    few = type(problem)(problem.portfolios.part(slice(0, slow)), problem.cash, problem.weights)
    ways = [
        Way("engine", engine, amount, f"{threads} threads"),
        Way(NUMPY, lambda: plain.numpy_paths(few), float(slow * sizes.scenarios), f"{slow} portfolios"),
    ]
    if plain.present("pandas"):
        ways.append(
            Way(
                "pandas loop", lambda: plain.pandas_paths(problem, slow), float(slow * sizes.scenarios),
                f"{slow} portfolios",
            )
        )
    if _has_loops(sizes):
        ways.append(
            Way(
                NUMBA, lambda: numba_loops.numba_paths(problem, running, compiled=sizes.compiled_loops), amount,
                f"{threads} threads",
            )
        )
    job = (
        f"path measures: {sizes.path_portfolios:,} portfolios of {sizes.members} of {sizes.candidates} candidates, "
        f"{sizes.scenarios:,} scenarios, {sizes.path_months} months"
    )
    return contest(
        job, "portfolio-scenarios/s", ways, against=(NUMPY, "pandas loop", NUMBA), tolerance=_FLOAT32, repeats=repeats
    )


def pool_weights(problem: PoolProblem) -> tuple[float, float, float]:
    """After-tax weights of the three terms."""
    one, two, three = (after_tax_weight(term.line, TAX_RATE) for term in problem.terms)
    return one, two, three


def pool_npv(sizes: Sizes, *, repeats: int) -> list[Figure]:
    """NPV of a pool of units: look-ups in prefix sums against a loop over months."""
    problem, threads = pool_problem(sizes, units=sizes.units), usable_cores()
    amount = float(sizes.units * sizes.pool_scenarios * sizes.pool_months)
    slow, weights, values = min(sizes.loop_portfolios, sizes.units), pool_weights(problem), problem.values
    prefix = problem.prefix

    def part(rows: slice) -> Floats:
        found: Floats = unit_npv.unit_npv(
            [_rows(term, rows) for term in problem.terms], prefix, problem.events, values, tax_rate=TAX_RATE
        )
        return found

    def pieces() -> Outputs:
        piece = max(1, (1 << 17) // sizes.pool_scenarios)  # a piece's gathers stay in cache
        return {
            "npv": np.concatenate([found for _, found in over_pieces(part, sizes.units, piece=piece, threads=threads)])
        }

    def share(rows: slice) -> Floats:
        return cpu_unit_npv.unit_npv(problem.terms, prefix[:, rows], problem.events[:, rows], values, tax_rate=TAX_RATE)

    def engine() -> Outputs:
        piece = -(-sizes.pool_scenarios // threads)
        return {
            "npv": np.concatenate(
                [found for _, found in over_pieces(share, sizes.pool_scenarios, piece=piece, threads=threads)], axis=1
            )
        }

    ways = [
        Way("prefix sums", lambda: {"npv": part(slice(0, sizes.units))}, amount, "one thread"),
        Way("prefix sums, pieces", pieces, amount, f"{threads} threads"),
        Way("engine: distinct windows once", engine, amount, f"{threads} threads"),
    ]
    if plain.present("numpy_financial"):
        done = float(slow * sizes.pool_scenarios * sizes.pool_months)
        ways.append(
            Way("numpy-financial loop", lambda: plain.financial_pool(problem, slow, weights), done, f"{slow} units")
        )
    if _has_loops(sizes):
        ways.append(
            Way(
                NUMBA, lambda: numba_loops.numba_pool(problem, weights, compiled=sizes.compiled_loops), amount,
                f"month by month, {threads} threads",
            )
        )
    job = f"NPV of a pool: {sizes.units:,} units, {sizes.pool_scenarios:,} scenarios, {sizes.pool_months} months"
    figures = contest(
        job, "unit-scenario-months/s", ways, against=("numpy-financial loop", NUMBA), tolerance=1e-10, repeats=repeats
    )
    forming = min(host_seconds(lambda: problem.prefix) for _ in range(repeats))
    return [
        *figures,
        Figure(
            job, "forming the prefix sums, apart", problem.paths.size / forming, "path-scenario-months/s",
            note="once for all units",
        ),
    ]


def _rows(term: Term, rows: slice) -> Term:
    if isinstance(term, WindowTerm):
        return WindowTerm(term.line, term.amount[rows], term.path[rows], term.start[rows], term.end[rows])
    return ScheduleTerm(term.line, term.amount[rows], term.profile[rows], term.start[rows])


def cash_cells(sizes: Sizes, *, repeats: int) -> list[Figure]:
    """Monthly cash of units by line, scenario and month."""
    problem = pool_problem(sizes, units=sizes.cash_units)
    lines = (Line.REVENUE, Line.ENERGY, Line.TAX)
    amount = float(len(lines) * sizes.cash_units * sizes.pool_scenarios * sizes.pool_months)

    def kernel() -> Outputs:
        cash = unit_cash.unit_cash(
            problem.terms, problem.paths, problem.events, problem.profiles, tax_rate=TAX_RATE, lines=lines
        )
        return {"npv": np.sum(cash, axis=0) @ problem.discount}

    def prefix() -> Outputs:
        return {
            "npv": unit_npv.unit_npv(problem.terms, problem.prefix, problem.events, problem.values, tax_rate=TAX_RATE)
        }

    ways = [
        Way("cash kernel, discounted", kernel, amount),
        Way("NPV alone, by prefix sums", prefix, amount, "the same answer without the cells"),
    ]
    if _has_loops(sizes):
        ways.append(
            Way(
                NUMBA, lambda: numba_loops.numba_pool(problem, pool_weights(problem), compiled=sizes.compiled_loops),
                amount, "months, cells not kept",
            )
        )
    job = (
        f"monthly cash: {sizes.cash_units:,} units, {len(lines)} lines, {sizes.pool_scenarios:,} scenarios, "
        f"{sizes.pool_months} months"
    )
    return contest(job, "cells/s", ways, against=("cash kernel, discounted", NUMBA), tolerance=1e-9, repeats=repeats)


def limits(sizes: Sizes, *, repeats: int) -> Iterator[Figure]:
    """Copy bandwidth (bytes read and written) and a matrix product, which bound what any kernel can do here."""
    threads, job = usable_cores(), "limits of this machine"
    source, target = np.ones(sizes.copied_bytes // 4, dtype=np.float32), np.zeros(
        sizes.copied_bytes // 4, dtype=np.float32
    )
    cuts = np.linspace(0, len(source), threads + 1).astype(int)
    with ThreadPoolExecutor(threads) as pool:

        def copied() -> None:
            list(pool.map(lambda ends: np.copyto(target[ends[0] : ends[1]], source[ends[0] : ends[1]]), pairwise(cuts)))

        copied()
        taken = float(np.median([host_seconds(copied) for _ in range(repeats)]))
    yield Figure(
        job, "memory copy", 2.0 * source.nbytes / taken / 1e9, "GB/s", note=f"read and written, {threads} threads"
    )
    n = sizes.product_rows
    left = np.random.default_rng(0).random((n, n), dtype=np.float32)
    taken = float(np.median([host_seconds(lambda: left @ left) for _ in range(repeats)]))
    yield Figure(job, "matrix product", 2.0 * n**3 / taken / 1e9, "GFLOP/s", note="float32")

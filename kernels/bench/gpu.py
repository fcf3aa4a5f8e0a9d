"""The GPU's figures: transfer and first call apart, plain CuPy beside the fused kernels, and the bounds that hold
there."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from kernels.backend import Array, Device
from kernels.bench.contest import Figure, Outputs, Way, contest, host_seconds
from kernels.bench.cpu import risk_outputs
from kernels.bench.gpu_limits import GpuLimits
from kernels.bench.problems import (
    ALPHA,
    TAX_RATE,
    Floats,
    PathProblem,
    RiskProblem,
    Sizes,
    path_problem,
    pool_problem,
    risk_problem,
)
from kernels.cpu import measures as cpu_measures
from kernels.cpu import paths as cpu_paths
from kernels.cpu.measures import spread_of_draws
from kernels.cuda import portfolio_measures, portfolio_paths
from kernels.cuda import unit_npv as fused_unit_npv
from kernels.reference import unit_npv
from kernels.reference.paths import NEVER
from kernels.reference.portfolio import Portfolios
from kernels.terms import WindowTerm

PLAIN, FUSED = "plain CuPy", "fused"
_FLOAT32 = 2e-5


@dataclass(frozen=True)
class Gpu:
    """CuPy, its sparse matrices, and a clock that waits for the device."""

    xp: Any
    sparse: Any
    seconds: Callable[[Callable[[], object]], float]

    def portfolios(self, host: Portfolios) -> Portfolios:
        """The same portfolios in the GPU's memory."""
        return Portfolios(*(self.xp.asarray(part) for part in vars(host).values()))

    def levels(self, held: Portfolios, candidates: int) -> Any:
        """Levels as a sparse matrix (portfolios, candidates)."""
        return self.sparse.csr_matrix(
            (held.levels, held.candidates, held.starts.astype(self.xp.int32)), shape=(len(held), candidates)
        )


def gpu_of(device: Device) -> Gpu:
    """The bench's view of the device that `choose_device` found."""
    cupy = device.xp

    def seconds(work: Callable[[], object]) -> float:
        begin, end = cupy.cuda.Event(), cupy.cuda.Event()
        begin.record()
        work()
        end.record()
        end.synchronize()
        return float(cupy.cuda.get_elapsed_time(begin, end)) / 1e3

    return Gpu(cupy, importlib.import_module("cupyx.scipy.sparse"), seconds)


def transfers(gpu: Gpu, arrays: Mapping[str, Floats]) -> list[Figure]:
    """Host to device, from memory as NumPy allocates it."""
    job, figures = "GPU: transfer, apart", []
    for what, array in arrays.items():
        gpu.xp.asarray(array)
        taken = gpu.seconds(lambda array=array: gpu.xp.asarray(array))  # type: ignore[misc]
        figures.append(
            Figure(
                job, what, array.nbytes / max(taken, 1e-9) / 1e9, "GB/s",
                note=f"{array.nbytes / 1e6:,.1f} MB from pageable memory",
            )
        )
    return figures


def first_calls(gpu: Gpu, problem: RiskProblem) -> list[Figure]:
    """Seconds of a kernel's first call in this process: compilation, or its result read back from CuPy's disk cache."""
    held, unit, weights = gpu.portfolios(
        problem.portfolios
    ), gpu.xp.asarray(problem.unit), gpu.xp.asarray(problem.weights)
    taken = host_seconds(lambda: portfolio_measures.portfolio_npv_measures(held, unit, weights, alpha=ALPHA))
    return [Figure("GPU: first call, apart", "fused NPV risk", taken, "s", note="compiled, or read from CuPy's cache")]


def npv_risk(gpu: Gpu, problem: RiskProblem, sizes: Sizes, limits: GpuLimits, *, repeats: int) -> list[Figure]:
    """The CPU's NPV-risk job with everything on the device, and the bounds on it."""
    held, unit, weights = gpu.portfolios(
        problem.portfolios
    ), gpu.xp.asarray(problem.unit), gpu.xp.asarray(problem.weights)
    amount = float(len(held) * sizes.scenarios)
    matrix = gpu.levels(held, sizes.candidates)
    piece = max(1, min(len(held), (1 << 30) // (sizes.scenarios * 16)))
    pieces = [matrix[first : first + piece] for first in range(0, len(held), piece)]

    def plain() -> Outputs:
        sums = (gpu.xp.ascontiguousarray(part @ unit) for part in pieces)
        parts = [risk_outputs(cpu_measures.npv_measures_of_draws(npv, alpha=ALPHA)) for npv in sums]
        return {name: gpu.xp.concatenate([part[name] for part in parts]) for name in parts[0]}

    def fused() -> Outputs:
        return risk_outputs(portfolio_measures.portfolio_npv_measures(held, unit, weights, alpha=ALPHA))

    job = (
        f"GPU: NPV risk, {len(held):,} portfolios of {sizes.members} of {sizes.candidates} candidates, "
        f"{sizes.scenarios:,} scenarios"
    )
    bound = limits.risk_bound(problem, ALPHA)
    figures = contest(
        job, "portfolio-scenarios/s", [Way(PLAIN, plain, amount), Way(FUSED, fused, amount)],
        against=(PLAIN,), tolerance=_FLOAT32, repeats=repeats, seconds=gpu.seconds,
        limit=("bound", min(bound.values())),
    )  # fmt: skip
    return [*figures, *(Figure(job, f"bound: {name}", rate, "portfolio-scenarios/s") for name, rate in bound.items())]


def risk_at_scale(gpu: Gpu, problem: RiskProblem, sizes: Sizes, limits: GpuLimits) -> list[Figure]:
    """`device_total` portfolios made on the device, piece after piece; making them is timed apart."""
    xp = gpu.xp
    unit, weights, count = xp.asarray(problem.unit), xp.asarray(problem.weights), sizes.device_portfolios
    rng = xp.random.default_rng(11)
    starts = xp.arange(count + 1, dtype=xp.int64) * sizes.members
    made: list[Portfolios] = []

    def make() -> None:
        candidates = rng.integers(0, sizes.candidates, count * sizes.members, dtype=xp.int32)
        made[:] = [Portfolios(starts, candidates, rng.random(count * sizes.members, dtype=xp.float32))]

    make()
    making, measuring = 0.0, 0.0
    for _ in range(max(1, sizes.device_total // count)):
        making += gpu.seconds(make)
        measuring += gpu.seconds(lambda: portfolio_measures.portfolio_npv_measures(made[0], unit, weights, alpha=ALPHA))
    done = max(1, sizes.device_total // count) * count
    job = f"GPU: {done:,} portfolios made on the device, {sizes.scenarios:,} scenarios"
    bound = min(limits.risk_bound(problem, ALPHA).values())
    rate = done * sizes.scenarios / measuring
    return [
        Figure(job, "making them", making, "s"),
        Figure(job, "measuring them", measuring, "s", note="with the checks of their input"),
        Figure(job, "NPV risk", rate, "portfolio-scenarios/s", {"bound": rate / bound}),
        _subsets(gpu, problem, sizes),
    ]


def _subsets(gpu: Gpu, problem: RiskProblem, sizes: Sizes) -> Figure:
    """All subsets of as many packages as make about `device_portfolios` of them."""
    xp = gpu.xp
    n = max(1, min(sizes.candidates - 1, sizes.device_portfolios.bit_length() - 1))
    unit, weights = xp.asarray(problem.unit), xp.asarray(problem.weights)

    def measured() -> object:
        return portfolio_measures.subset_npv_measures(unit[:n], unit[n], weights, alpha=ALPHA)

    measured()
    rate = (1 << n) * sizes.scenarios / gpu.seconds(measured)
    return Figure("GPU: subsets made by the kernel", f"all subsets of {n} packages", rate, "portfolio-scenarios/s")


def path_measures(gpu: Gpu, problem: PathProblem, sizes: Sizes, *, repeats: int) -> list[Figure]:
    """The CPU's job of monthly paths with everything on the device."""
    held, weights = gpu.portfolios(problem.portfolios), gpu.xp.asarray(problem.weights)
    cash = gpu.xp.asarray(problem.cash)
    ready = portfolio_paths.cumulative_paths(cash)
    matrix = gpu.levels(held, sizes.candidates)
    amount = float(len(held) * sizes.scenarios)

    def plain() -> Outputs:
        return _plain_paths(gpu.xp, matrix, ready.running[:, :, : sizes.scenarios])

    def fused() -> Outputs:
        return vars(portfolio_paths.portfolio_path_measures(held, ready, weights, alpha=ALPHA))

    job = f"GPU: path measures, {len(held):,} portfolios, {sizes.scenarios:,} scenarios, {sizes.path_months} months"
    ways = [Way(PLAIN, plain, amount), Way(FUSED, fused, amount)]
    return contest(
        job, "portfolio-scenarios/s", ways, against=(PLAIN,), tolerance=_FLOAT32, repeats=repeats, seconds=gpu.seconds
    )


def _plain_paths(xp: Any, matrix: Any, running: Array) -> Outputs:
    """Month after month: a sparse product, the minimum so far, the last negative month; then `partition`."""
    months = running.shape[0]
    deepest = xp.zeros((matrix.shape[0], running.shape[2]), dtype=running.dtype)
    last = xp.zeros_like(deepest)
    for month in range(months):
        total = matrix @ xp.ascontiguousarray(running[month])
        deepest = xp.minimum(deepest, total)
        last = xp.where(total < 0.0, running.dtype.type(month + 1), last)
    payback = xp.where(last == months, running.dtype.type(NEVER), last)
    funding, months_until = spread_of_draws(-deepest, alpha=ALPHA), spread_of_draws(payback, alpha=ALPHA)
    never = xp.mean(xp.isinf(payback), axis=-1)
    fields = (
        funding.mean, funding.median, funding.tail, months_until.mean, months_until.median, months_until.tail, never
    )
    return vars(cpu_paths.PathMeasures(*fields))


def pool_npv(gpu: Gpu, sizes: Sizes, *, repeats: int) -> list[Figure]:
    """NPV of a pool by prefix sums: the namespace kernel on CuPy, and the fused one with both orders of the prefix."""
    xp, problem = gpu.xp, pool_problem(sizes, units=sizes.units)
    terms = [
        type(term)(term.line, *(xp.asarray(part) for name, part in vars(term).items() if name != "line"))
        for term in problem.terms
    ]
    assert isinstance(terms[0], WindowTerm)
    prefix, events, values = xp.asarray(problem.prefix), xp.asarray(problem.events), xp.asarray(problem.values)
    months_first = xp.ascontiguousarray(prefix.transpose(0, 2, 1)).transpose(0, 2, 1)
    amount = float(sizes.units * sizes.pool_scenarios * sizes.pool_months)
    packed = fused_unit_npv.pack_terms([terms], tax_rate=TAX_RATE)
    ways = [
        Way(PLAIN, lambda: {"npv": unit_npv.unit_npv(terms, prefix, events, values, tax_rate=TAX_RATE)}, amount),
        Way(FUSED, lambda: {"npv": fused_unit_npv.unit_npv_of_packed(packed, prefix, events, values)}, amount),
        Way(
            "fused, months before scenarios",
            lambda: {"npv": fused_unit_npv.unit_npv_of_packed(packed, months_first, events, values)}, amount,
        ),
    ]
    job = f"GPU: NPV of a pool, {sizes.units:,} units, {sizes.pool_scenarios:,} scenarios, {sizes.pool_months} months"
    return contest(
        job, "unit-scenario-months/s", ways, against=(PLAIN,), tolerance=1e-10, repeats=repeats, seconds=gpu.seconds
    )


def all_figures(gpu: Gpu, sizes: Sizes, limits: GpuLimits, *, repeats: int) -> list[Figure]:
    """First calls before anything else has compiled."""
    risk, paths = risk_problem(sizes), path_problem(sizes)
    return [
        *first_calls(gpu, risk),
        *transfers(gpu, {"candidates' NPVs": risk.unit, "monthly cash": paths.cash}),
        *limits.figures(),
        *npv_risk(gpu, risk, sizes, limits, repeats=repeats),
        *risk_at_scale(gpu, risk, sizes, limits),
        *path_measures(gpu, paths, sizes, repeats=repeats),
        *pool_npv(gpu, sizes, repeats=repeats),
    ]

"""Bench of workers: scores from Parquet in one process, on one worker and on two; and what many machines would do."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from kernels.bench.contest import Figure
from kernels.pieces import usable_cores
from kernels.portfolio import portfolios_from_dense
from planner.allocator.allocate import allocate
from planner.allocator.options import SolverOptions
from planner.candidates.build import build_candidates
from planner.candidates.outlook import make_outlook
from planner.candidates.packages import site_packages
from planner.case.case import Case
from planner.cluster.job import Job
from planner.cluster.partitions import Partitions, partitions_of
from planner.cluster.score_partitions import How, score_partitions
from planner.scoring.files import write_packages
from planner.scoring.items import Bunch, Items, items_of
from planner.scoring.score import ScoreOptions

PORTFOLIOS, SCENARIOS = 1_000_000, 1000
FAR_PORTFOLIOS, FAR_SCENARIOS, FAR_WORKERS = 1_000_000_000, 10_000, 1000
"""What the model of many machines is asked: portfolios, scenarios and workers."""
EMPTY_TASKS = 2000


@dataclass(frozen=True)
class RandomSubsets:
    """Random subsets of packages, the same for the same seed."""

    items: Items
    count: int
    seed: int = 1

    def pieces(self, most: int) -> Iterator[Bunch]:
        """All of them, at most `most` at a time."""
        draw = np.random.default_rng(self.seed)
        for start in range(0, self.count, most):
            rows = min(most, self.count - start)
            dense = (draw.random((rows, len(self.items))) < 0.5).astype(np.float64)
            yield Bunch(self.items, tuple(f"s{start + row}" for row in range(rows)), portfolios_from_dense(dense))


def worker_figures(case: Case, *, portfolios: int = PORTFOLIOS, scenarios: int = SCENARIOS) -> Iterator[Figure]:
    """Portfolios a second from Parquet to scores on disk: threads of one process, one worker of one thread, two of them.

    Starting a worker and building the case on it is measured apart, by a run over a few portfolios, and taken off.
    """
    candidates = build_candidates(make_outlook(case))
    levels = allocate(candidates, SolverOptions(gap=0.02)).levels
    assert levels is not None
    items = items_of(site_packages(candidates, levels))
    with tempfile.TemporaryDirectory() as folder:
        many, few = Path(folder, "many.parquet"), Path(folder, "few.parquet")
        write_packages(many, RandomSubsets(items, portfolios), candidates, {})
        write_packages(few, RandomSubsets(items, 64), candidates, {})
        found = {}
        for what, how, threads in (
            ("threads of one process", How(), usable_cores()),
            ("one worker, one thread", How(workers=1), 1),
            ("two workers, one thread each", How(workers=2), 1),
        ):
            options = ScoreOptions(scenarios=scenarios, paths=False, threads=threads, device="cpu")
            started, spent = (_seconds(case, options, path, Path(folder, "scores"), how) for path in (few, many))
            found[what] = portfolios / max(spent - started, 1e-9)
            ratios = {name: found[what] / rate for name, rate in found.items() if name != what}
            yield Figure("score from Parquet", what, found[what], "portfolios/s", ratios, f"start {started:.1f} s, in all {spent:.1f} s")
        parts = partitions_of(str(many))
        yield from _many_machines(found["one worker, one thread"] * scenarios, parts, portfolios)


def _seconds(case: Case, options: ScoreOptions, path: Path, target: Path, how: How) -> float:
    parts = partitions_of(str(path))
    job = Job(case, "expected", None, options, parts.fingerprint, parts.count, "")
    began = time.perf_counter()
    score_partitions(job, parts, str(target), replace(how, force=True), read_from=str(path))
    return time.perf_counter() - began


def _many_machines(cells_per_second: float, parts: Partitions, portfolios: int) -> Iterator[Figure]:
    """A model: work / workers, or what the scheduler can hand out, whichever is longer; a task sends a number and gets a record."""
    overhead = _task_seconds()
    tasks = FAR_PORTFOLIOS / (portfolios / len(parts.parts))
    work = FAR_PORTFOLIOS * FAR_SCENARIOS / cells_per_second
    handing = tasks * overhead
    yield Figure("many machines", "scheduler, each task", overhead * 1e3, "ms", note=f"measured over {EMPTY_TASKS:,} empty tasks")
    note = (
        f"model: {FAR_PORTFOLIOS:,} portfolios x {FAR_SCENARIOS:,} futures in {tasks:,.0f} tasks on {FAR_WORKERS:,} workers of one thread; "
        f"work {work / FAR_WORKERS / 3600:.2f} h each, handing out {handing / 60:.1f} min, so {work / max(handing, 1e-9):,.0f} workers would wait for none"
    )
    yield Figure("many machines", "hours", max(work / FAR_WORKERS, handing) / 3600.0, "h", note=note)


def _task_seconds() -> float:
    from distributed import Client, LocalCluster

    shape = {"n_workers": 1, "threads_per_worker": 1, "memory_limit": 0, "dashboard_address": None, "silence_logs": 50}
    with LocalCluster(**shape) as cluster, Client(cluster) as client:  # type: ignore[no-untyped-call]
        client.gather(client.map(_nothing, range(50)))
        began = time.perf_counter()
        client.gather(client.map(_nothing, range(50, 50 + EMPTY_TASKS)))
        return (time.perf_counter() - began) / EMPTY_TASKS


def _nothing(number: int) -> int:
    return number

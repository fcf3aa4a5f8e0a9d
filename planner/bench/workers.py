"""Bench of workers: scores from Parquet in one process, on one worker and on two; and what many machines would do."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from kernels.bench.contest import Figure
from kernels.pieces import usable_cores
from kernels.reference.portfolio import portfolios_from_dense
from planner.candidates.build import build_candidates
from planner.candidates.outlook import make_outlook
from planner.candidates.packages import site_packages
from planner.case.case import Case
from planner.formulation.allocate import allocate
from planner.scoring.files import write_packages
from planner.scoring.items import Bunch, Items, items_of
from planner.scoring.partition_job import Job
from planner.scoring.partitions import partitions_of
from planner.scoring.score import ScoreOptions
from planner.scoring.score_partitions import score_partitions
from planner.solver.options import SolverOptions
from planner.storage.partitions import How

PORTFOLIOS, SCENARIOS = 1_000_000, 1000
FAR_PORTFOLIOS, FAR_SCENARIOS, FAR_WORKERS = 1_000_000_000, 10_000, 1000
"""What the model of many machines is asked: portfolios, scenarios and workers."""
EMPTY_TASKS = 2000
STORE_BYTES, NET_BYTES = 100e6, 1e9
"""Bytes a second between a worker and the store of its files, and out of the machine that sends the case: assumed, not
measured."""

SHAPE: dict[str, Any] = {
    "memory_limit": 0, "dashboard_address": None, "scheduler_kwargs": {"dashboard_address": ":0"}, "silence_logs": 50
}
"""Of a cluster of this machine: no dashboard, and no port that another one may have."""


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
    """Portfolios a second from Parquet to scores on disk: threads of one process, one worker of one thread, two of
    them.

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
            yield Figure(
                "score from Parquet", what, found[what], "portfolios/s", ratios,
                f"start {started:.1f} s, in all {spent:.1f} s",
            )
        parts = partitions_of(str(many))
        written = sum(file.stat().st_size for file in Path(folder, "scores").rglob("*") if file.is_file())
        sent = sum(int(table.memory_usage(deep=True).sum()) for table in case.tables.values())
        moved = Moved(many.stat().st_size / portfolios, written / portfolios, sent)
        yield from _many_machines(found["one worker, one thread"] * scenarios, len(parts.parts) / portfolios, moved)


@dataclass(frozen=True)
class Moved:
    """Bytes that move: of each portfolio read and of its scores written, measured on files; of the case, to each worker
    once."""

    read: float
    written: float
    case: int


def _seconds(case: Case, options: ScoreOptions, path: Path, target: Path, how: How) -> float:
    parts = partitions_of(str(path))
    job = Job(case, "expected", None, options, parts.fingerprint, parts.count)
    began = time.perf_counter()
    score_partitions(job, parts, str(target), replace(how, force=True), read_from=str(path))
    return time.perf_counter() - began


def _many_machines(cells_per_second: float, tasks_per_portfolio: float, moved: Moved) -> Iterator[Figure]:
    """A model: each worker computes and moves its share one after the other; the scheduler hands out tasks one by one;
    the longer of the two.

    Seconds = max((work + bytes / STORE_BYTES) / workers, tasks x overhead) + workers x case / NET_BYTES. Work grows
    with portfolios x futures; a worker moves its own files; the case leaves one machine for all.
    """
    overhead = _task_seconds()
    yield Figure(
        "many machines", "scheduler, each task", overhead * 1e3, "ms", note=f"measured over {EMPTY_TASKS:,} empty tasks"
    )
    yield Figure(
        "many machines", "moved, each portfolio", moved.read + moved.written, "bytes",
        note=(
            f"{moved.read:,.0f} read, {moved.written:,.0f} written; the case {moved.case / 1e6:.1f} MB to each worker, "
            "once"
        ),
    )
    tasks = FAR_PORTFOLIOS * tasks_per_portfolio
    work = FAR_PORTFOLIOS * FAR_SCENARIOS / cells_per_second
    moving = FAR_PORTFOLIOS * (moved.read + moved.written) / STORE_BYTES
    handing, sending = tasks * overhead, FAR_WORKERS * moved.case / NET_BYTES
    each = (work + moving) / FAR_WORKERS
    note = (
        f"model: {FAR_PORTFOLIOS:,} portfolios x {FAR_SCENARIOS:,} futures in {tasks:,.0f} tasks on {FAR_WORKERS:,} "
        f"workers of one thread: work {work / FAR_WORKERS / 3600:.2f} h, "
        f"files {moving / FAR_WORKERS / 60:.1f} min at {STORE_BYTES / 1e6:.0f} MB/s each, the case to all "
        f"{sending:.1f} s at {NET_BYTES / 1e9:.0f} GB/s; "
        f"handing out {handing / 60:.1f} min in all, so the scheduler limits beyond "
        f"{(work + moving) / max(handing, 1e-9):,.0f} workers"
    )
    yield Figure("many machines", "hours", (max(each, handing) + sending) / 3600.0, "h", note=note)


def _task_seconds() -> float:
    from distributed import Client, LocalCluster

    with LocalCluster(n_workers=1, threads_per_worker=1, **SHAPE) as cluster, Client(cluster) as client:  # type: ignore[no-untyped-call]
        client.gather(client.map(_nothing, range(50)))
        began = time.perf_counter()
        client.gather(client.map(_nothing, range(50, 50 + EMPTY_TASKS)))
        return (time.perf_counter() - began) / EMPTY_TASKS


def _nothing(number: int) -> int:
    return number

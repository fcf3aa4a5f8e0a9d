"""Bench of quotes: what one costs beside its plan, on the case without whole decisions, in seconds of the processor."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

from kernels.bench.contest import Figure
from planner.case.case import Case
from planner.planning.make_plan import solved, with_prices
from planner.planning.options import PlanOptions
from planner.quoting.inquiry import Inquiry
from planner.quoting.quote import quote_many
from planner.solver.options import SolverOptions

JOB = "quote"
REPEATS = 2


def quote_figures(case: Case) -> Iterator[Figure]:
    """One quote in full (floor, standalone cost, floors by size, keeping all leases, what it displaces) beside the plan
    of the same programme.

    Nothing where the case has no lease of GPUs to make an inquiry like.
    """
    asked = inquiry_like_another(case)
    if asked is None:
        return
    options = PlanOptions(solver=SolverOptions(relax=True))
    planned = solved(case, options)
    if planned.levels is None:
        return
    priced = _processor(lambda: with_prices(planned))
    alone = _median(lambda: solved(case, options))
    one = _median(lambda: quote_many(case, [asked], options=options, workers=1))
    more = [
        replace(asked, name=f"{asked.name} {number}", gpus=float(int(asked.size * share)))
        for number, share in enumerate((1.0, 0.8, 0.6))
    ]
    several = _median(lambda: quote_many(case, more, options=options, workers=1))
    size = f"{planned.allocation_result.solution.arrays.columns:,} columns, no whole decisions"
    yield Figure(JOB, "its plan", alone, "s", note=f"{size}; of the processor")
    yield Figure(JOB, "its plan with headline prices", alone + priced, "s")
    for what, seconds in (
        ("one quote beyond its plan", one - alone), ("each quote more in one call", (several - one) / (len(more) - 1))
    ):
        yield Figure(
            JOB, what, seconds, "s", {"the plan": seconds / alone, "the plan with prices": seconds / (alone + priced)}
        )


def inquiry_like_another(case: Case) -> Inquiry | None:
    """An inquiry for the lease of GPUs of middle size again: same SKUs, start and term; None where the case has
    none."""
    leases, rates = case.tables["leases"], case.tables["lease_rates"]
    leases = leases[
        (leases["kind"] == "gpu") & (leases["size_unit"] == "gpus") & leases["lease_id"].isin(rates["lease_id"])
    ]
    if leases.empty:
        return None
    lease = leases.sort_values("max_size", kind="stable").iloc[(len(leases) - 1) // 2]
    gpus = list(dict.fromkeys(rates.loc[rates["lease_id"] == lease["lease_id"], "gpu_id"]))
    return Inquiry(
        str(lease["start"]), int(lease["term_months"]), name="bench", gpu="; ".join(gpus), gpus=float(lease["max_size"])
    )


def _processor(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


def _median(work: Callable[[], object]) -> float:
    """Median seconds of the processor over some runs, the first of which warms up and does not count."""
    work()
    return statistics.median(_processor(work) for _ in range(REPEATS))

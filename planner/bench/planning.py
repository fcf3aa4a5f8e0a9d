"""Bench of a plan: where the seconds go from files to a proven plan, and what the smaller formulations bring."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator

from kernels.bench.contest import Figure
from planner.bench.measure import peak_mb, processor_seconds, seconds
from planner.candidates.build import CandidateSet, build_candidates
from planner.candidates.outlook import make_outlook
from planner.case.case import Case
from planner.case.edits import apply_edits
from planner.case.starting import starting_case
from planner.formulation.allocate import Allocation, allocate
from planner.formulation.formulation import Formulation, make_formulation
from planner.formulation.model import make_model
from planner.solver.model_arrays import ModelArrays, model_arrays
from planner.solver.options import SolverOptions


def spine(case: Case, edit: str | None) -> Iterator[Figure]:
    """From a case to the arrays that a solver is given, in processor seconds; and what a change of the case costs
    before it is planned."""
    job = "spine"
    small = starting_case()
    made = build_candidates(make_outlook(case))
    formulation = make_formulation(made)
    yield Figure(
        job, "candidates of the starting case", processor_seconds(lambda: build_candidates(make_outlook(small))), "s"
    )
    yield Figure(
        job, "candidates", processor_seconds(lambda: build_candidates(make_outlook(case))), "s",
        note=f"{len(made):,} candidates",
    )
    yield Figure(
        job, "formulation", processor_seconds(lambda: make_formulation(made)), "s",
        note=f"{len(formulation.name):,} columns",
    )
    model = make_model(formulation)
    yield Figure(
        job, "stated model and its arrays", processor_seconds(lambda: _stated(formulation)), "s",
        note=f"{len(model.problem.constraints):,} rows",
    )
    if edit is not None:
        yield Figure(
            job, "one change of the case", processor_seconds(lambda: apply_edits(case, [edit])), "s", note=edit
        )


def _stated(formulation: Formulation) -> ModelArrays:
    model = make_model(formulation)
    return model_arrays(model.problem, variables=model.variables)


def plan_phases(case: Case, *, gap: float, time_limit_s: float | None, relax: bool) -> Iterator[Figure]:
    """Candidates, model, relaxation and (unless `relax`) the plan; the share spent outside the solver."""
    job = "plan"
    began = time.perf_counter()
    candidates = build_candidates(make_outlook(case))
    made = time.perf_counter() - began
    yield Figure(job, "candidates", made, "s", note=f"{len(candidates):,} candidates")
    relaxed = allocate(candidates, SolverOptions(relax=True))
    yield from _solve_figures(job, "relaxation", relaxed, made)
    if not relax:
        whole = allocate(candidates, SolverOptions(gap=gap, time_limit_s=time_limit_s))
        yield from _solve_figures(job, f"plan to {gap:g}", whole, made)
        if whole.objective_usd and relaxed.objective_usd:
            looser = relaxed.objective_usd / whole.objective_usd - 1.0
            yield Figure(job, "relaxation over plan", looser * 100.0, "%")
    yield Figure(job, "peak memory", peak_mb(), "MB")


def _solve_figures(job: str, what: str, found: Allocation, made: float) -> Iterator[Figure]:
    size = f"{len(found.model.variables):,} columns, {len(found.model.problem.constraints):,} rows"
    solver = found.seconds["solve"] + found.seconds["hold"]
    outside = made + found.seconds["model"]
    gap = "" if found.gap is None else f", gap {found.gap:.2e}"
    yield Figure(job, f"{what}: model", found.seconds["model"], "s", note=size)
    yield Figure(job, f"{what}: solver", solver, "s", note=f"{found.status.label}{gap}")
    yield Figure(job, f"{what}: outside the solver", 100.0 * outside / (outside + solver), "%", note=f"{outside:.2f} s")


def formulations(candidates: CandidateSet) -> Iterator[Figure]:
    """The relaxation with on-demand GPUs pooled and with every way to sell spelled out: the same optimum."""
    job = "formulation"
    pooled = allocate(candidates, SolverOptions(relax=True))
    spelled = allocate(candidates, SolverOptions(relax=True), aggregate=False)
    for what, found in (("pooled", pooled), ("spelled out", spelled)):
        size = f"{len(found.model.variables):,} columns, ${(found.objective_usd or 0.0) / 1e6:,.3f}M"
        yield Figure(job, what, found.seconds["solve"], "s", note=size)
    yield Figure(job, "pooled is faster", spelled.seconds["solve"] / pooled.seconds["solve"], "x")


def coarseness(case: Case) -> Iterator[Figure]:
    """What windows at steps cost against monthly windows for on-demand and mining levels, on the relaxation."""
    job = "windows"
    found = {}
    for monthly in (False, True):
        candidates = build_candidates(make_outlook(case, monthly_windows=monthly))
        found[monthly] = allocate(candidates, SolverOptions(relax=True))
        what = "monthly" if monthly else "at steps"
        yield Figure(
            job, what, found[monthly].seconds["solve"], "s",
            note=f"${(found[monthly].objective_usd or 0.0) / 1e6:,.3f}M",
        )
    coarse, fine = found[False].objective_usd, found[True].objective_usd
    if coarse and fine:
        yield Figure(job, "steps cost", (fine - coarse) / abs(fine) * 100.0, "% of NPV")


def start_up() -> Iterator[Figure]:
    """Seconds until Python has imported the package, and until the command line has answered."""
    for what, words in (("import planner", ["-c", "import planner"]), ("planner --help", ["-m", "planner", "--help"])):
        command = [sys.executable, *words]
        taken = seconds(lambda command=command: subprocess.run(command, check=True, capture_output=True), repeats=5)  # type: ignore[misc]
        yield Figure("start-up", what, taken, "s", note="median of five, with Python's own start")

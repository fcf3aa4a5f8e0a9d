"""Solvers that stop, hang, crash, or give wrong answers: the right status and exit code, and never a plan that was not
checked."""

from __future__ import annotations

import json
import shutil
import signal
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pulp
import pytest

from planner.cli.main import main
from planner.errors import PlannerError
from planner.solver import own_process, second_opinion
from planner.solver.cbc import has_cbc
from planner.solver.model_arrays import ModelArrays, model_arrays
from planner.solver.options import SolverOptions
from planner.solver.own_process import OwnProcessSolver
from planner.solver.solution import Solution
from planner.solver.solvers import make_solver, mip_solver
from planner.solver.status import Status

FIXTURE = Path(__file__).resolve().parents[2] / "fixtures" / "tiny"
needs_cbc = pytest.mark.skipif(not has_cbc(), reason="there is no CBC on this machine")


def knapsack(room: float = 6.0, least: float = 0.0) -> ModelArrays:
    """max 10 a + 13 b + 7 c, 3 a + 4 b + 2 c <= room, all 0/1: the best is b and c, 20."""
    problem = pulp.LpProblem("knapsack", pulp.LpMaximize)
    a, b, c = (problem.add_variable(name, 0, 1, pulp.LpInteger) for name in "abc")
    problem += 10 * a + 13 * b + 7 * c
    problem += 3 * a + 4 * b + 2 * c <= room
    problem += a + b + c >= least
    return model_arrays(problem)


@pytest.mark.parametrize("solver", ["highs", pytest.param("cbc", marks=needs_cbc)])
def test_a_solve_in_a_child_process_is_the_same_solve(solver: str) -> None:
    arrays = knapsack()
    found = OwnProcessSolver(SolverOptions(solver, deadline_s=120.0)).solve_arrays(arrays)
    assert found.status is Status.OPTIMAL
    assert found.values is not None
    assert found.values.tolist() == [0.0, 1.0, 1.0]
    assert found.objective == found.bound == pytest.approx(20.0)
    assert found.arrays is arrays
    infeasible = OwnProcessSolver(SolverOptions(solver, deadline_s=120.0)).solve_arrays(knapsack(least=4.0))
    assert infeasible.status is Status.INFEASIBLE


def test_duals_come_back_from_a_child_process() -> None:
    lp = replace(knapsack(), integer=np.zeros(3, dtype=bool))
    found, here = (
        make_solver(options).solve_arrays(lp) for options in (SolverOptions(deadline_s=120.0), SolverOptions())
    )
    assert found.duals is not None
    np.testing.assert_allclose(found.duals, here.duals)


def run_by(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, program: str) -> Solution:
    """The answer when the child runs another program than the solver."""
    script = tmp_path / "solver.py"
    script.write_text(
        f"import os, sys, time, signal, pathlib, json\nfolder = pathlib.Path(sys.argv[-1])\n{program}\n",
        encoding="utf-8",
    )
    real = own_process.subprocess.Popen

    def popen(command: list[str], **options: Any) -> Any:
        return real([sys.executable, str(script), command[-1]], **options)

    monkeypatch.setattr(own_process.subprocess, "Popen", popen)
    return OwnProcessSolver(SolverOptions(deadline_s=10.0)).solve_arrays(knapsack())


def answered(values: str, **said: Any) -> str:
    told = {
        "status": "OPTIMAL", "solver": "fake", "message": "", "basic": False, "objective": 20.0, "bound": 20.0,
        "iterations": 0, "nodes": 0,
    } | said
    return (
        f"import numpy\nnumpy.savez(folder / 'answer.npz', values=numpy.array({values}))\n"
        f"(folder / 'said.json').write_text({json.dumps(told)!r})"
    )


@pytest.mark.parametrize(
    ("program", "status", "said"),
    [
        (answered("[0.0, 1.0, 1.0]"), Status.OPTIMAL, ""),
        ("os.kill(os.getpid(), signal.SIGSEGV)", Status.ERROR, "crashed with SIGSEGV"),
        ("os.abort()", Status.ERROR, "crashed with SIGABRT"),
        ("sys.exit('numerical trouble')", Status.ERROR, "its process failed: numerical trouble"),
        ("raise MemoryError", Status.ERROR, "MemoryError"),
        ("", Status.ERROR, "its answer cannot be read"),
        ("(folder / 'said.json').write_text('[' * 10)", Status.ERROR, "its answer cannot be read"),
        (answered("[1.0, 1.0, 1.0]", objective=30.0, bound=30.0), Status.ERROR, "break the model"),
        (answered("[0.0, float('nan'), 1.0]"), Status.ERROR, "no usable levels"),
        (answered("[0.0, 0.5, 1.0]", objective=13.5), Status.ERROR, "its levels give"),
        (answered("[0.0, 1.0]"), Status.ERROR, "its answer cannot be read"),
        (answered("[0.0, 1.0, 1.0]", objective=99.0), Status.ERROR, "its levels give 20"),
        (answered("[0.0, 1.0, 1.0]", bound=15.0), Status.ERROR, "better than the solver's own bound"),
        (answered("[0.0, 1.0, 1.0]", bound=25.0), Status.FEASIBLE, ""),
        (answered("[1.0, 0.0, 1.0]", status="FEASIBLE", objective=17.0, bound=None), Status.FEASIBLE, ""),
        (
            answered("[1.0, 1.0, 1.0]", status="FEASIBLE", objective=None, bound=None), Status.TIME_LIMIT,
            "break the model",
        ),
    ],
)
def test_whatever_a_child_does_ends_in_the_right_status(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, program: str, status: Status, said: str
) -> None:
    found = run_by(monkeypatch, tmp_path, program)
    assert found.status is status
    assert said in found.message
    assert (found.values is not None) == status.has_values


def test_a_child_that_hangs_is_ended_at_its_deadline(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    real = own_process.subprocess.Popen
    started = []

    def popen(command: list[str], **options: Any) -> Any:
        started.append(
            real(
                [
                    sys.executable, "-c",
                    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)",
                ],
                **options,
            )
        )
        return started[0]

    monkeypatch.setattr(own_process.subprocess, "Popen", popen)
    began = time.monotonic()
    found = OwnProcessSolver(SolverOptions(deadline_s=0.5)).solve_arrays(knapsack())
    assert found.status is Status.TIME_LIMIT
    assert found.status.exit_code == 5
    assert "did not end within its deadline of 0.5 s" in found.message
    assert time.monotonic() - began < 30.0
    assert started[0].returncode == -signal.SIGKILL


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"deadline_s": 0.0}, "seconds above 0"), ({"deadline_s": float("nan")}, "seconds above 0"),
        ({"deadline_s": 1.0, "log": print}, "reports no progress"),
        ({"confirm_infeasible": "highs"}, "is the solver itself"),
    ],
)
def test_what_a_child_cannot_do_is_refused(options: dict[str, Any], why: str) -> None:
    with pytest.raises(PlannerError, match=why):
        SolverOptions(**options)


def test_a_second_solver_has_a_name_that_is_known() -> None:
    with pytest.raises(PlannerError, match="did you mean 'cbc'"):
        make_solver(SolverOptions(confirm_infeasible="cbd"))


@pytest.mark.parametrize(
    ("least", "other", "status", "said"),
    [
        pytest.param(4.0, "cbc", Status.INFEASIBLE, "confirmed by CBC", marks=needs_cbc),
        pytest.param(0.0, "cbc", Status.ERROR, "neither is believed", marks=needs_cbc),
        (4.0, None, Status.INFEASIBLE, ""),
    ],
)
def test_a_second_solver_confirms_or_contradicts(least: float, other: str | None, status: Status, said: str) -> None:
    arrays = knapsack(least=least)
    options = SolverOptions(confirm_infeasible=other)
    claimed = mip_solver(SolverOptions()).solve_arrays(knapsack(least=4.0))  # for least = 0 it is a solver that errs
    found = second_opinion.second_opinion(claimed, arrays, options)
    assert found.status is status
    assert said in found.message
    assert found.values is None


def test_a_second_solver_without_time_confirms_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    arrays = knapsack(least=4.0)
    infeasible = mip_solver(SolverOptions()).solve_arrays(arrays)
    stopped = replace(infeasible, status=Status.TIME_LIMIT, solver="other", message="stopped")
    monkeypatch.setattr(
        second_opinion, "make_solver",
        lambda options: type("Door", (), {"solve_arrays": lambda self, arrays: stopped})(),
    )
    found = second_opinion.second_opinion(infeasible, arrays, SolverOptions(confirm_infeasible="cbc"))
    assert found.status is Status.INFEASIBLE
    assert "not confirmed: other ended with time_limit (stopped)" in found.message


IMPOSSIBLE = ["--set", "leases.committed[alpha]=yes", "--set", "leases.min_size[alpha]=6000"]


@pytest.mark.parametrize(
    ("asked", "code", "status"),
    [
        (["--solver-deadline", "120"], 0, "optimal"),
        (["--solver-deadline", "0.01"], 5, "time_limit"),
        (["--time-limit", "0"], 5, "time_limit"),
        pytest.param(["--confirm-infeasible", "cbc", *IMPOSSIBLE], 3, "infeasible", marks=needs_cbc),
    ],
)
def test_exit_codes_and_whole_folders(
    asked: list[str], code: int, status: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        sys, "argv", ["planner", "plan", str(FIXTURE), "--prices", "none", "--out", str(tmp_path / "run"), *asked]
    )
    with pytest.raises(SystemExit) as end:
        main()
    assert (end.value.code or 0) == code
    said = json.loads((tmp_path / "run" / "plan.json").read_text())
    assert said["status"] == status
    assert (said["npv_usd"] is None) == (code != 0)
    shutil.rmtree(tmp_path / "run")

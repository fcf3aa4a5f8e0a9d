"""A solve in a process of its own: a solver that hangs is ended, one that crashes takes nothing with it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from planner.errors import PlannerError
from planner.solver.model_arrays import ModelArrays
from planner.solver.options import SolverOptions
from planner.solver.solution import TOLERANCE, Claim, Solution, checked
from planner.solver.status import Status

_ARRAYS = ("cost", "start", "index", "value", "row_lower", "row_upper", "col_lower", "col_upper", "integer")
_ANSWER = ("values", "duals", "reduced_costs")
_TOLERANCES = {"cuopt": 1e-4}
"""Relative breach of a limit that a solver of low precision may leave; see its solver."""
_DIGITS = {"cbc": 1e-7}
CHILD = "planner.solver.child"
"""The module that the child runs, by name: it knows the solvers, which know this solver."""


class OwnProcessSolver:
    """A solver (see `solvers.Solver`) that solves in a child process and ends it after `options.deadline_s` seconds.

    The model and the answer travel as plain numbers in files. Whatever comes back is a claim, checked here against the
    model.
    """

    def __init__(self, options: SolverOptions) -> None:
        if options.deadline_s is None:
            raise PlannerError("a solve in a process of its own needs deadline_s, in seconds")
        if options.start is not None and not isinstance(options.start, np.ndarray):
            raise PlannerError("with a deadline, a start is an array of levels over all columns")
        self.choices = options

    def solve_arrays(self, arrays: ModelArrays) -> Solution:
        """Solve a model from scratch."""
        began = time.perf_counter()
        with tempfile.TemporaryDirectory(prefix="planner-solve-") as scratch:
            folder = Path(scratch)
            _write_question(folder, arrays, self.choices)
            claim = self._claim(folder, arrays)
        claim = replace(claim, seconds=time.perf_counter() - began)
        solver = self.choices.solver
        return checked(
            arrays, claim, gap=self.choices.gap, tolerance=_TOLERANCES.get(solver, TOLERANCE),
            digits=_DIGITS.get(solver, 0.0),
        )

    def _claim(self, folder: Path, arrays: ModelArrays) -> Claim:
        with (folder / "errors").open("wb") as errors:
            # A session of its own, so that Ctrl-C reaches this process alone, which then ends the child.
            child = subprocess.Popen(
                [sys.executable, "-m", CHILD, str(folder)], stdin=subprocess.DEVNULL, stdout=errors, stderr=errors,
                start_new_session=True,
            )
            try:
                child.wait(self.choices.deadline_s)
            except subprocess.TimeoutExpired:
                why = f"did not end within its deadline of {self.choices.deadline_s:g} s, and was ended"
                return Claim(Status.TIME_LIMIT, self.choices.solver, 0.0, why)
            finally:
                child.kill()
                child.wait()
        if child.returncode:
            how = f"crashed with {_signal(-child.returncode)}" if child.returncode < 0 else "failed"
            said = (folder / "errors").read_text(encoding="utf-8", errors="replace").strip().splitlines()
            return Claim(
                Status.ERROR, self.choices.solver, 0.0, f"its process {how}" + (f": {said[-1][:300]}" if said else "")
            )
        return _read_answer(folder, self.choices.solver, arrays)


def _signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _write_question(folder: Path, arrays: ModelArrays, options: SolverOptions) -> None:
    parts: dict[str, Any] = {name: getattr(arrays, name) for name in _ARRAYS}
    if options.start is not None:
        parts["from"] = np.asarray(options.start, dtype=np.float64)
    np.savez(folder / "model.npz", **parts)
    asked = {
        "offset": arrays.offset, "maximise": arrays.maximise, "solver": options.solver, "gap": options.gap,
        "time_limit_s": options.time_limit_s,
        "threads": options.threads, "seed": options.seed, "extra": dict(options.extra),
    }
    (folder / "asked.json").write_text(json.dumps(asked), encoding="utf-8")


def read_question(folder: Path) -> tuple[ModelArrays, SolverOptions]:
    """The model and the options that `_write_question` left in a folder."""
    asked: dict[str, Any] = json.loads((folder / "asked.json").read_text(encoding="utf-8"))
    with np.load(folder / "model.npz", allow_pickle=False) as kept:
        parts = dict(kept)
    start = parts.pop("from", None)
    names = tuple(SimpleNamespace(name=f"x{column}") for column in range(len(parts["cost"])))
    rows = tuple(f"r{row}" for row in range(len(parts["row_lower"])))
    arrays = ModelArrays(
        **parts, offset=asked.pop("offset"), maximise=asked.pop("maximise"), variables=names, row_names=rows
    )
    return arrays, SolverOptions(**asked, start=start)


def write_answer(folder: Path, found: Solution) -> None:
    """Leave a solution in a folder for the process that asked for it: arrays in answer.npz, the rest in said.json."""
    np.savez(folder / "answer.npz", **{name: value for name in _ANSWER if (value := getattr(found, name)) is not None})
    said = {
        "status": found.status.name, "solver": found.solver, "message": found.message, "basic": found.basic,
        "objective": found.objective,
        "bound": found.bound if found.arrays.is_mip else None, "iterations": found.iterations, "nodes": found.nodes,
    }
    (folder / "said.json").write_text(json.dumps(said), encoding="utf-8")


def _read_answer(folder: Path, solver: str, arrays: ModelArrays) -> Claim:
    shapes = {"values": (arrays.columns,), "duals": (arrays.rows,), "reduced_costs": (arrays.columns,)}
    try:
        said: dict[str, Any] = json.loads((folder / "said.json").read_text(encoding="utf-8"))
        with np.load(folder / "answer.npz", allow_pickle=False) as kept:
            values = dict(kept)
        for name, value in values.items():
            if value.shape != shapes[name]:
                raise ValueError(f"{name} of shape {value.shape}, not {shapes[name]}")
        return Claim(Status[said.pop("status")], said.pop("solver"), 0.0, **said, **values)
    except (OSError, ValueError, KeyError, TypeError) as error:
        return Claim(Status.ERROR, solver, 0.0, f"its answer cannot be read ({error})")

"""Ctrl-C in the middle of a run, as a terminal sends it: to every process of the group. How long it takes to end, and
what is kept."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from faults.scored_within import Mixtures

from planner.candidates.build import build_candidates
from planner.candidates.outlook import make_outlook
from planner.candidates.packages import Package
from planner.case.read import read_case
from planner.scoring.files import write_packages

FILES, ROWS, SCENARIOS = 4, 6_000, 400
PATIENCE = 300.0
"""Seconds in which the first part must be done; more, and the machine is not one to measure on."""


@dataclass(frozen=True)
class Stopped:
    """Seconds from Ctrl-C to the end of the process, its exit code, what it said, parts done, and processes that it
    left behind."""

    seconds: float
    code: int
    said: str
    kept: int
    left_behind: int


def stop(command: list[str], done: Callable[[], int]) -> Stopped:
    """Run planner until it has something done, then send Ctrl-C to its group."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "COLUMNS": "200"}
    code = "from planner.cli.main import main; main()"
    process = subprocess.Popen(
        [sys.executable, "-c", code, *command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        env=environment, start_new_session=True,
    )
    until = time.monotonic() + PATIENCE
    while not done() and process.poll() is None:
        if time.monotonic() > until:
            process.kill()
            raise TimeoutError(f"nothing was done within {PATIENCE:.0f} s: {process.communicate()[0]}")
        time.sleep(0.02)
    began = time.monotonic()
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGINT)
    said, _ = process.communicate(timeout=PATIENCE)
    ended = time.monotonic()
    while (left := _alive(process.pid)) and time.monotonic() < ended + 2.0:
        time.sleep(0.05)  # those that were killed are being buried
    return Stopped(ended - began, process.returncode, said, done(), left)


def _alive(group: int) -> int:
    """Processes of a session that are still there."""
    count = 0
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rsplit(")", 1)[1].split()
            except (OSError, IndexError):
                continue
            count += fields[3] == str(group) and fields[0] != "Z"
    return count


def many_portfolios(case: Path, folder: Path) -> None:
    """Files of portfolios, one a partition, each some seconds of work."""
    folder.mkdir()
    candidates = build_candidates(make_outlook(read_case(case)))
    chosen = np.linspace(0, len(candidates) - 1, 12).astype(np.int64)
    packages = [Package(f"package {at}", np.array([number]), np.array([1.0])) for at, number in enumerate(chosen)]
    for file in range(FILES):
        write_packages(folder / f"p-{file}.parquet", Mixtures(packages, ROWS + file), candidates, {})


def stop_scoring(case: Path, portfolios: Path, out: Path, *how: str) -> Stopped:
    """Stop planner score when its first partition is done."""
    kept = out.parent / f".{out.name}.unfinished" / "done"
    command = [
        "score", str(case), "--portfolios", str(portfolios), "--scenarios", str(SCENARIOS), "--out", str(out), *how
    ]
    return stop(command, lambda: len(list(kept.glob("[0-9]*.json"))) if kept.is_dir() else 0)


def stop_sweeping(case: Path, out: Path, *how: str) -> Stopped:
    """Stop planner sweep when its first point is done."""
    kept = out.parent / f".{out.name}.unfinished" / "done"
    command = ["sweep", str(case), "--set", "gas_price=0.5:2:40", "--out", str(out), *how]
    return stop(command, lambda: len(list(kept.glob("point-*.json"))) if kept.is_dir() else 0)

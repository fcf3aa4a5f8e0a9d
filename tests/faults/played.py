"""Runs stopped by Ctrl-C, and the faults that tests play: what was tried, how often, what happened."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from faults.stopping import Stopped, many_portfolios, stop_scoring, stop_sweeping

ROOT = Path(__file__).resolve().parents[2]
TINY = ROOT / "fixtures" / "tiny"
AT_MOST = 2.0
"""Seconds in which Ctrl-C ends a run, on a machine that does nothing else."""
KINDS = {
    "files made to hurt: bombs, nesting, pipes, links, names, numbers": ("tests/faults/test_hostile_files.py",),
    "nothing is unpickled or evaluated": ("tests/faults/test_nothing_is_evaluated.py",),
    "solvers that stop, hang, crash or err": ("tests/faults/test_solver_trouble.py",),
    "scores interrupted, a full disk, parts spoilt": ("tests/parallel/test_score_partitions.py",),
    "workers killed at work: scores": ("tests/parallel/test_dask_workers.py",),
    "workers killed at work: sweeps": ("tests/parallel/test_sweep_on_dask.py",),
    "workers killed at work: pools": ("tests/parallel/test_pools.py",),
    "runs cut off while they are written": ("tests/test_run_folder.py",),
    "results that are not as they were written": ("tests/test_sealed.py",),
    "cases beyond reach": ("tests/candidates/test_reach.py",),
    "hostile names on the page and in the workbook": (
        "tests/reporting/test_report_hostile_names.py", "tests/reporting/test_report_page.py",
        "tests/reporting/test_report_workbook.py",
    ),
    "memory budgets": ("tests/faults/test_memory_budget.py",),
    "wheels in empty environments": ("tests/faults/test_distribution.py",),
}


def stops() -> bool:
    """Stop runs half-way and print what became of them; whether any ended wrongly."""
    rows: list[tuple[str, Stopped, int]] = []
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        many_portfolios(TINY, folder / "p")
        tried: tuple[tuple[str, int, Callable[[], Stopped]], ...] = (
            ("score", 130, lambda: stop_scoring(TINY, folder / "p", folder / "alone")),
            ("score --workers 2", 130, lambda: stop_scoring(TINY, folder / "p", folder / "two", "--workers", "2")),
            ("sweep --workers 2", 4, lambda: stop_sweeping(TINY, folder / "swept", "--workers", "2")),
        )
        rows = [(name, run(), code) for name, code, run in tried]
    print(
        f"\n{'Ctrl-C in the middle of':<24}{'ended after':>12}{'exit code':>11}{'parts kept':>12}{'processes left':>16}"
    )
    for name, found, _ in rows:
        slow = "" if found.seconds <= AT_MOST else f"   more than {AT_MOST:.0f} s"
        print(
            f"{name:<24}{found.seconds:>10.2f} s{found.code:>11}{found.kept:>12}{found.left_behind:>16}{slow}",
            flush=True,
        )
    return any(found.code != code or not found.kept or found.left_behind for _, found, code in rows)


def faults() -> bool:
    """Run the tests that play faults and print how many of each kind held; whether any did not."""
    files = [file for chosen in KINDS.values() for file in chosen]
    with tempfile.TemporaryDirectory() as scratch:
        report = Path(scratch) / "report.xml"
        command = [
            sys.executable, "-m", "pytest", "-q", "-p", "no:xdist", "-p", "no:cacheprovider", f"--junitxml={report}",
            "-o", "junit_family=xunit1", *files,
        ]
        ran = subprocess.run(
            command, cwd=ROOT, env={**os.environ, "OMP_NUM_THREADS": "1"}, capture_output=True, text=True
        )
        cases = list(ET.parse(report).getroot().iter("testcase")) if report.exists() else []
    print(f"\n{'faults played by tests':<68}{'tried':>7}{'held':>7}{'failed':>8}{'skipped':>9}{'seconds':>9}")
    bad = ran.returncode not in (0,)
    for kind, chosen in KINDS.items():
        mine = [case for case in cases if case.get("file") in chosen]
        count = Counter(
            (
                "failed" if case.find("failure") is not None or case.find("error") is not None else "skipped"
                if case.find("skipped") is not None else "held"
            )
            for case in mine
        )
        seconds = sum(float(case.get("time", 0.0)) for case in mine)
        print(f"{kind:<68}{len(mine):>7}{count['held']:>7}{count['failed']:>8}{count['skipped']:>9}{seconds:>9.1f}")
        bad |= not mine or bool(count["failed"])
    if ran.returncode:
        print(ran.stdout[-3000:])
    return bad

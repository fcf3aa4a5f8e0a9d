"""The bench runs, and its figures say what they must: a smoke run, no timed test."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest


@pytest.mark.slow
def test_planner_bench_on_a_small_case() -> None:
    words = [sys.executable, "-m", "planner", "bench", "--sites", "2", "--leases", "3", "--months", "24", "--json"]
    run = subprocess.run(words, capture_output=True, text=True, check=True)
    figures = {(figure["job"], figure["what"]): figure["value"] for figure in json.loads(run.stdout)}
    assert figures["start-up", "planner --help"] > 0
    assert figures["plan", "relaxation over plan"] >= -1e-6
    assert figures["windows", "steps cost"] >= -1e-6
    assert all(value == value for value in figures.values())

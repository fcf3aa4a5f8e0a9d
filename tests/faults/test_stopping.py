"""Ctrl-C in the middle of a run: the right exit code, what is done kept, no process left, and the run goes on to the
same end."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from faults.stopping import SCENARIOS, many_portfolios, stop_scoring, stop_sweeping

from planner.case.read import read_case
from planner.scoring.partition_job import Job
from planner.scoring.partitions import partitions_of
from planner.scoring.score import ScoreOptions
from planner.scoring.score_partitions import score_partitions
from planner.storage.partitions import How

TINY = Path(__file__).resolve().parents[2] / "fixtures" / "tiny"
LOADED = 20.0
"""Seconds that a machine at work on much else may take; alone it takes under one (`python -m tests.faults` prints
it)."""
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not Path("/proc/self/stat").exists(), reason="processes left behind are counted in /proc, as Linux has it"
    ),
]


@pytest.mark.parametrize("how", [[], ["--workers", "2"]], ids=["alone", "workers"])
def test_scores_that_are_stopped_keep_what_is_done(how: list[str], tmp_path: Path) -> None:
    many_portfolios(TINY, tmp_path / "p")
    found = stop_scoring(TINY, tmp_path / "p", tmp_path / "scores", *how)
    assert (found.code, found.left_behind) == (130, 0), found.said
    assert found.kept >= 1
    assert found.seconds < LOADED
    assert "go on with --resume" in found.said
    assert "Traceback" not in found.said
    assert not (tmp_path / "scores").exists()
    parts = partitions_of(str(tmp_path / "p"))
    job = Job(read_case(TINY), "expected", None, ScoreOptions(scenarios=SCENARIOS), parts.fingerprint, parts.count)
    assert score_partitions(
        job, parts, str(tmp_path / "scores"), How(resume=True), read_from=str(tmp_path / "p")
    ).taken_over == found.kept
    assert json.loads((tmp_path / "scores" / "run.json").read_text())["portfolios"] == parts.count


def test_a_sweep_that_is_stopped_keeps_its_points(tmp_path: Path) -> None:
    found = stop_sweeping(TINY, tmp_path / "sweep", "--workers", "2")
    assert (found.code, found.left_behind) == (4, 0)
    assert found.kept >= 1
    assert found.seconds < LOADED
    assert "go on with --resume" in found.said
    assert "Traceback" not in found.said

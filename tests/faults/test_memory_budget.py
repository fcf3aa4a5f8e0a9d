"""What scoring takes beside the case stays within its memory budget, for few portfolios and for many."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from at_length import many

ROOT = Path(__file__).resolve().parents[2]
MORE = 0.20
BUDGET = 256 << 20


@pytest.mark.slow
@pytest.mark.skipif(
    not Path("/proc/self/clear_refs").exists(), reason="the peak of a process is read from /proc, as Linux has it"
)
@pytest.mark.parametrize(
    ("count", "scenarios", "budget", "more"),
    [
        (1_000, 500, BUDGET, ()), (many(80_000, 200_000), 500, BUDGET, ()),
        pytest.param(
            many(1_400_000, 2_000_000), 20, BUDGET // 2, ("--no-paths",), id="a file larger than the budget"
        ),
    ],
)
def test_scoring_keeps_to_its_budget(
    count: int, scenarios: int, budget: int, more: tuple[str, ...], tmp_path: Path
) -> None:
    environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'tests'}{os.pathsep}{ROOT}"}
    command = [
        sys.executable, "-m", "faults.scored_within", str(ROOT / "fixtures" / "tiny"), str(count), str(budget),
        str(scenarios), str(tmp_path), *more,
    ]
    said = json.loads(subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout)
    assert said["scored"] == count
    assert said["took"] <= (1.0 + MORE) * budget

"""Reading a case of 30 sites is quick, and does not grow faster than the case."""

from __future__ import annotations

import time

from planner.case.generate import generate_case
from planner.case.read import read_case
from planner.case.write import write_case


def test_a_case_of_thirty_sites_is_read_within_seconds(tmp_path):
    write_case(generate_case(sites=30, leases=60, skus=6, months=120, seed=2), tmp_path / "a")
    started = time.process_time()
    case = read_case(tmp_path / "a")
    assert time.process_time() - started < 3.0, "measured at 0.25 s; the margin is for slow machines"
    assert len(case.sites) == 30

"""A generated case, its plan, and all subsets of its sites in a folder of Parquet files: one partition each."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq

from planner.candidates.build import CandidateSet, build_candidates
from planner.candidates.outlook import make_outlook
from planner.candidates.packages import site_packages
from planner.case.case import Case
from planner.case.generate import generate_case
from planner.formulation.allocate import allocate
from planner.scoring.files import write_packages
from planner.scoring.partition_job import Job
from planner.scoring.partitions import Partitions, partitions_of
from planner.scoring.score import ScoreOptions
from planner.scoring.subsets import Subsets
from planner.solver.options import SolverOptions

FILES = 4


@dataclass(frozen=True)
class Made:
    """A case with its portfolios: in one file, and cut into files of a folder."""

    case: Case
    candidates: CandidateSet
    file: Path
    folder: Path

    def parts(self) -> Partitions:
        return partitions_of(str(self.folder))

    def job(self, **choices: object) -> Job:
        options = ScoreOptions(**{"scenarios": 30, "threads": 1, **choices})  # type: ignore[arg-type]
        parts = self.parts()
        return Job(self.case, "expected", None, options, parts.fingerprint, parts.count)


def make(root: Path) -> Made:
    """Write the portfolios under a folder."""
    case = generate_case(sites=4, leases=5, skus=2, months=36, seed=8)
    candidates = build_candidates(make_outlook(case))
    levels = allocate(candidates, SolverOptions()).levels
    assert levels is not None
    file, folder = root / "p.parquet", root / "parts"
    write_packages(file, Subsets(site_packages(candidates, levels)), candidates, {})
    whole = pq.read_table(file)
    folder.mkdir()
    share = -(-len(whole) // FILES)
    for at in range(FILES):
        pq.write_table(whole.slice(at * share, share), folder / f"p-{at}.parquet")
    return Made(case, candidates, file, folder)

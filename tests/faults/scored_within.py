"""Scores a file of portfolios within a memory budget, in a process of its own, and says what it took."""

from __future__ import annotations

import json
import resource
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from kernels.reference.portfolio import portfolios_from_dense
from planner.candidates.build import build_candidates
from planner.candidates.outlook import make_outlook
from planner.candidates.packages import Package
from planner.case.read import read_case
from planner.scoring.files import open_portfolios, write_packages
from planner.scoring.items import Bunch, Items, items_of
from planner.scoring.score import ScoreOptions, Scoring
from planner.scoring.score_folder import write_scores

WARM_UP = 64


class Mixtures:
    """Portfolios of packages at random levels, made piece by piece."""

    def __init__(self, packages: list[Package], count: int) -> None:
        self.items: Items = items_of(packages)
        self.count = count

    def pieces(self, most: int) -> Iterator[Bunch]:
        """Bunches of at most `most`, the same for the same count."""
        for start in range(0, self.count, most):
            number = np.arange(start, min(start + most, self.count))
            dense = np.random.default_rng(start).random((len(number), len(self.items)))
            yield Bunch(self.items, tuple(map(str, number.tolist())), portfolios_from_dense(dense))


def score(
    case_path: str, count: int, budget: int, scenarios: int, folder: Path, *, paths: bool = True
) -> dict[str, float]:
    """Peak memory beyond what the case and its candidates take, in bytes, and how many were scored."""
    case = read_case(case_path)
    candidates = build_candidates(make_outlook(case))
    chosen = np.linspace(0, len(candidates) - 1, 12).astype(np.int64)
    file = folder / "p.parquet"
    packages = [Package(f"package {at}", np.array([number]), np.array([1.0])) for at, number in enumerate(chosen)]
    write_packages(file, Mixtures(packages, count), candidates, {})
    small = folder / "small.parquet"
    write_packages(small, Mixtures(packages, WARM_UP), candidates, {})
    options = ScoreOptions(scenarios=scenarios, paths=paths, memory_bytes=budget, threads=2, device="cpu")
    # Libraries, threads and the first pieces take memory whatever the budget.
    list(Scoring(candidates, options).pieces(open_portfolios(small, candidates)))
    scoring = Scoring(candidates, options)
    before = _now()
    with open("/proc/self/clear_refs", "w", encoding="ascii") as peaks:
        peaks.write("5")  # the peak counts from here
    done = sum(
        len(piece.table)
        for piece in write_scores(
            scoring, scoring.pieces(open_portfolios(file, candidates)), case, folder / "scores", read_from=str(file)
        )
    )
    return {
        "took": _status("VmHWM") - before, "scored": done, "before": before,
        "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    }


def _now() -> int:
    return _status("VmRSS")


def _status(name: str) -> int:
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name)) * 1024


if __name__ == "__main__":
    print(
        json.dumps(
            score(
                sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]), Path(sys.argv[5]),
                paths="--no-paths" not in sys.argv[6:],
            )
        )
    )

"""The folder that scoring writes: scores, limits broken, and how they were made; whole or not at all."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from planner.case.case import Case
from planner.run_folder import appear_whole, versions
from planner.scoring.files import write_table
from planner.scoring.score import Scores


def write_scores(scores: Scores, case: Case, folder: Path) -> None:
    """Write scores.parquet, broken.parquet and run.json."""
    record = {
        "command": "score",
        "case": case.settings.name,
        "case_hash": case.source_hash,
        "versions": versions(),
        "options": asdict(scores.options),
        "seed": case.settings.seed if scores.options.seed is None else scores.options.seed,
        "seconds": scores.seconds,
        "stresses_left_out": scores.left_out,
        "portfolios": len(scores.table),
    }

    def write(scratch: Path) -> None:
        write_table(scratch / "scores.parquet", scores.table)
        write_table(scratch / "broken.parquet", scores.broken)
        (scratch / "run.json").write_text(json.dumps(record, indent=2, allow_nan=False) + "\n", encoding="utf-8")

    appear_whole(folder, write)

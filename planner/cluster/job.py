"""What a worker does: it builds the case once, then scores partition after partition and writes each whole."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from planner.candidates.build import build_candidates
from planner.candidates.outlook import make_outlook
from planner.case.case import Case
from planner.cluster.partitions import Opened, Partition
from planner.run_folder import versions
from planner.scoring.leading import Leading
from planner.scoring.places import checksum, exists, joined, read, write
from planner.scoring.score import ScoreOptions, Scoring
from planner.scoring.score_folder import as_arrow

TABLES = ("scores", "broken")


@dataclass(frozen=True)
class Job:
    """How to score: the case with its changes, base, tail, options; `into` is where partitions are written.

    fingerprint and count are those of the portfolios (see `Partitions`).
    """

    case: Case
    base: str
    tail: str | None
    options: ScoreOptions
    fingerprint: str
    count: int | None
    into: str

    def identity(self) -> dict[str, Any]:
        """What two runs share whose partitions may stand side by side. Threads and memory change no result."""
        options = {name: value for name, value in asdict(self.options).items() if name not in ("threads", "memory_bytes")}
        return {
            "case_hash": self.case.source_hash, "base": self.base, "tail": self.tail, "options": json.loads(json.dumps(options)),
            "portfolios": self.fingerprint, "versions": versions(),
        }


@dataclass(frozen=True)
class Done:
    """A partition that is finished: its rows, and the SHA-256 of each file that it wrote."""

    number: int
    rows: int
    checksums: dict[str, str]
    left_out: dict[str, str]
    device: str
    not_fused: dict[str, str]


@dataclass
class Worker:
    """One process at work on a job; the case is built when the first partition comes."""

    job: Job
    _scoring: Scoring | None = field(default=None, init=False)
    _opened: Opened | None = field(default=None, init=False)

    @property
    def scoring(self) -> Scoring:
        """The candidates and futures of the job, formed once."""
        if self._scoring is None:
            candidates = build_candidates(make_outlook(self.job.case, base=self.job.base, tail=self.job.tail))
            self._scoring = Scoring(candidates, self.job.options)
        return self._scoring

    def score(self, part: Partition) -> Done:
        """Score a partition and write its files; the record that it is done comes last."""
        scoring = self.scoring
        if self._opened is None:
            self._opened = Opened(scoring.candidates, self.job.count)
        pieces = list(scoring.pieces(self._opened.source(part)))
        leading = Leading()
        for piece in pieces:
            leading = leading.joined(piece.leading)
        tables = {"scores": _stacked([piece.table for piece in pieces]), "broken": _stacked([piece.broken for piece in pieces]), "leading": _leading_table(leading)}
        checksums = {name: write(file_of(self.job.into, name, part.number), _parquet(table)) for name, table in tables.items()}
        done = Done(
            part.number, sum(len(piece.table) for piece in pieces), checksums, dict(scoring.left_out), scoring.device.why, dict(scoring.not_fused)
        )
        write(record_of(self.job.into, part.number), json.dumps(asdict(done)).encode())
        return done


def file_of(folder: str, table: str, number: int) -> str:
    """Where a table of a partition stands."""
    return joined(folder, f"{table}.parquet", f"part-{number:06d}.parquet")


def record_of(folder: str, number: int) -> str:
    """Where the record stands that a partition is done."""
    return joined(folder, "done", f"{number:06d}.json")


def finished(folder: str, part: Partition) -> Done | None:
    """The record of a partition if all of its files are there as they were written; None if it is to be scored (again)."""
    record = record_of(folder, part.number)
    if not exists(record):
        return None
    try:
        done = Done(**json.loads(read(record)))
        kept = all(checksum(read(file_of(folder, name, part.number))) == kept for name, kept in done.checksums.items())
    except (OSError, ValueError, TypeError):
        return None
    return done if kept and done.number == part.number else None


def leading_in(folder: str, number: int) -> Leading:
    """The leading portfolios of a finished partition."""
    table = pq.read_table(io.BytesIO(read(file_of(folder, "leading", number)))).to_pydict()
    npv = np.array(table["npv_usd"], dtype=np.float64)
    return Leading(tuple(table["portfolio"]), tuple(table["keeps"]), tuple(table["mean_usd"]), npv)


def _leading_table(leading: Leading) -> pa.Table:
    return pa.table(
        {
            "portfolio": pa.array(leading.names, pa.string()),
            "keeps": pa.array(leading.keeps, pa.bool_()),
            "mean_usd": pa.array(leading.mean_usd, pa.float64()),
            "npv_usd": pa.array([row.tolist() for row in leading.npv_usd], pa.list_(pa.float64())),
        }
    )


def _stacked(tables: Sequence[pd.DataFrame]) -> pa.Table:
    filled = [table for table in tables if len(table)] or list(tables[:1])
    return as_arrow(pd.concat(filled, ignore_index=True))


def _parquet(table: pa.Table) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(table, buffer)
    return buffer.getvalue()

"""What a worker does that scores: it builds the case once, then scores partition after partition and writes each
whole."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from planner.candidates.build import build_candidates
from planner.candidates.outlook import make_outlook
from planner.case.case import Case
from planner.runtime.memory import LEAST, usable_memory
from planner.scoring.leading import Leading
from planner.scoring.pareto import Leaders
from planner.scoring.partitions import Opened, Partition
from planner.scoring.score import ScoreOptions, Scoring
from planner.scoring.score_folder import as_arrow
from planner.storage.addresses import read
from planner.storage.folders import versions
from planner.storage.journal import Journal
from planner.storage.partitions import Done, file_of, keep_part

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
    into: Journal | None = None
    noun: ClassVar[str] = "partition"

    @property
    def journal(self) -> Journal:
        """Where partitions are written, once that is known."""
        assert self.into is not None, "scores by partitions are begun before a partition is scored"
        return self.into

    @property
    def name(self) -> str:
        """What tells it apart on a scheduler that has several."""
        return f"planner-score-{self.fingerprint[:12]}-{self.case.source_hash[:12]}"

    def opened(self, threads: int) -> Callable[[Partition], Done]:
        """What scores a partition on so many threads, unless the options say how many."""
        return Worker(replace(self, options=replace(self.options, threads=self.options.threads or threads))).score

    def shared(self, workers: int) -> Job:
        """The job of one of some workers on this machine: its part of the memory."""
        memory = usable_memory() if self.options.memory_bytes is None else self.options.memory_bytes
        return replace(self, options=replace(self.options, memory_bytes=max(memory // workers, LEAST)))

    def identity(self) -> dict[str, Any]:
        """What two runs share whose partitions may stand side by side. Threads and memory change no result."""
        options = {
            name: value for name, value in asdict(self.options).items() if name not in ("threads", "memory_bytes")
        }
        return {
            "case_hash": self.case.source_hash, "base": self.base, "tail": self.tail,
            "options": json.loads(json.dumps(options)),
            "portfolios": self.fingerprint, "versions": versions(),
        }


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
        scores = pd.concat([piece.table for piece in pieces], ignore_index=True)
        leaders = Leaders()
        leaders.add(scores)  # here, where there are many hands, not where all of it comes together
        tables = {
            "scores": as_arrow(scores), "broken": _stacked([piece.broken for piece in pieces]),
            "leading": _leading_table(leading), "leaders": as_arrow(leaders.rows()),
        }
        return keep_part(
            self.job.journal, part.number, len(scores), {name: as_parquet(table) for name, table in tables.items()},
            within=leaders.within, left_out=dict(scoring.left_out), device=scoring.device.why,
            not_fused=dict(scoring.not_fused),
        )


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


def as_parquet(table: pa.Table) -> bytes:
    """A table as the bytes of a Parquet file."""
    buffer = io.BytesIO()
    pq.write_table(table, buffer)
    return buffer.getvalue()

"""What a worker does that makes a pool: bundles of a case and what each is worth in every future, partition after
partition."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import pyarrow as pa

from kernels.pieces import usable_cores
from planner.arrays import Floats
from planner.candidates.build import CandidateSet, build_candidates
from planner.candidates.outlook import make_outlook
from planner.case.case import Case
from planner.formulation.formulation import Formulation, make_formulation
from planner.risk.bundle_grid import Grid, bundle_grid
from planner.risk.case_pool import places_with_fleet, pool_values
from planner.risk.pool_file import pool_table
from planner.risk.worth import candidate_values
from planner.scenarios.futures import Futures, make_futures
from planner.scoring.partition_job import as_parquet
from planner.storage.folders import versions
from planner.storage.journal import Journal
from planner.storage.partitions import Done, keep_part

POOL, VALUES = "pool", "values"
"""Tables of a partition: the bundles with the names of their parts, and what they are worth."""
BYTES, ROWS = 64 << 20, 65_536
"""Of the values of a partition, and its bundles, at most."""


@dataclass(frozen=True)
class PoolPart:
    """Bundles first to last (not with it) of a pool."""

    number: int
    first: int
    last: int


@dataclass(frozen=True)
class PoolJob:
    """Which pool: the case with its changes, base and tail, the futures, and the bundles: a grid of the case, or those
    given.

    `into` is where partitions are written.
    """

    case: Case
    base: str
    tail: str | None
    scenarios: int
    seed: int | None
    grid: Grid | None
    given: pd.DataFrame | None
    into: Journal | None = None
    noun: ClassVar[str] = "partition"

    @property
    def name(self) -> str:
        """What tells it apart on a scheduler that has several."""
        return f"planner-pool-{self.case.source_hash[:12]}-{self.scenarios}-{self.fingerprint[:12]}"

    @cached_property
    def fingerprint(self) -> str:
        """A hash of the bundles that are given; what the grid is, where they are made."""
        if self.given is None:
            return str(self.grid)
        of_rows = pd.util.hash_pandas_object(self.given, index=False).to_numpy(np.uint64)
        return f"{int(of_rows.sum(dtype=np.uint64)):016x}"

    def identity(self) -> dict[str, Any]:
        """What two runs share whose partitions may stand side by side."""
        return {
            "case_hash": self.case.source_hash, "base": self.base, "tail": self.tail, "scenarios": self.scenarios,
            "seed": self.case.settings.seed if self.seed is None else self.seed, "bundles": self.fingerprint,
            "versions": versions(),
        }

    def opened(self, threads: int) -> Callable[[PoolPart], Done]:
        """What makes a partition, on so many threads."""
        return PoolWorker(self, threads).make


@dataclass
class PoolWorker:
    """One process that makes a pool; candidates, futures and their values are formed once, when the first partition
    comes."""

    job: PoolJob
    threads: int | None = field(default_factory=usable_cores)

    @cached_property
    def candidates(self) -> CandidateSet:
        """The candidates of the case."""
        return build_candidates(make_outlook(self.job.case, base=self.job.base, tail=self.job.tail))

    @cached_property
    def futures(self) -> Futures:
        """The futures over which bundles are valued."""
        return make_futures(
            self.job.case, self.candidates.outlook.calendar, scenarios=self.job.scenarios, seed=self.job.seed
        )

    @cached_property
    def bundles(self) -> pd.DataFrame:
        """All bundles of the pool, as numbers."""
        if self.job.given is not None:
            return self.job.given
        return bundle_grid(self.candidates, self.job.grid, without=places_with_fleet(self.candidates))

    @cached_property
    def _formed(self) -> tuple[Formulation, Floats]:
        return make_formulation(self.candidates, aggregate=False, keep_equals=True), candidate_values(
            self.candidates, self.futures, threads=self.threads
        )

    def parts(self) -> tuple[PoolPart, ...]:
        """The partitions of the pool."""
        rows = max(min(BYTES // (4 * self.job.scenarios), ROWS), 1)
        return tuple(
            PoolPart(at, first, min(first + rows, len(self.bundles)))
            for at, first in enumerate(range(0, len(self.bundles), rows))
        )

    def make(self, part: PoolPart) -> Done:
        """Value the bundles of a partition and write its files; the record that it is done comes last."""
        formulation, values = self._formed
        chosen = self.bundles.iloc[part.first : part.last].reset_index(drop=True)
        npv = pool_values(self.candidates, formulation, values, chosen, threads=self.threads)
        named = pa.Table.from_pandas(pool_table(self.candidates, chosen), preserve_index=False)
        worth = pa.table(
            {
                "npv_usd_millions": pa.FixedSizeListArray.from_arrays(
                    pa.array(npv.reshape(-1), pa.float32()), npv.shape[1]
                )
            }
        )
        assert self.job.into is not None, "a pool is begun before a partition is made"
        files = {POOL: as_parquet(named), VALUES: as_parquet(worth)}
        return keep_part(self.job.into, part.number, len(chosen), files)

"""Portfolios cut into partitions: some row groups of a Parquet file of packages, or a file of a long table whole."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import pyarrow as pa
import pyarrow.parquet as pq

from planner.candidates.build import CandidateSet
from planner.errors import PlannerError
from planner.scoring.files import PACKAGES, PackageFile, open_portfolios
from planner.scoring.items import Bunch, PortfolioSource
from planner.storage.addresses import checksum, exists, files_in, opened

ROWS = 65_536
"""Portfolios of a partition at least, where the row groups of a file allow: some seconds of work."""


@dataclass(frozen=True)
class Partition:
    """Portfolios that are scored together: a file, and which of its row groups (None: all of it)."""

    number: int
    address: str
    row_groups: tuple[int, ...] | None = None


@dataclass(frozen=True)
class Partitions:
    """All partitions of some portfolios in order.

    count: portfolios in all, None where a long table does not say. fingerprint: of what the files say of themselves
    (names, sizes, and the footer of each, which holds the place and the range of every column chunk).
    """

    parts: tuple[Partition, ...]
    count: int | None
    fingerprint: str


def partitions_of(address: str) -> Partitions:
    """The partitions of a file of portfolios, or of a folder of Parquet files; raises PlannerError where there are
    none."""
    if not exists(address):
        raise PlannerError(
            f"{address} is not there; make portfolios with planner portfolios, or give a folder of Parquet files of "
            "them"
        )
    parts: list[Partition] = []
    count: int | None = 0
    seen = []
    for file in files_in(address, ".parquet"):
        groups, rows, footer = _row_groups(file)
        seen.append(f"{file.rsplit('/', 1)[-1]} {footer}")
        parts += [Partition(len(parts) + at, file, each) for at, each in enumerate(groups)]
        count = None if count is None or rows is None else count + rows
    if not parts:
        raise PlannerError(f"{address} holds no Parquet file of portfolios; make some with planner portfolios")
    return Partitions(tuple(parts), count, checksum("\n".join(seen).encode()))


def _row_groups(file: str) -> tuple[list[tuple[int, ...] | None], int | None, str]:
    """Row groups of each partition of a file, its portfolios, and a checksum of its footer."""
    if file.endswith(".csv"):
        with open(file, "rb") as content:
            return [None], None, checksum(content.read())
    try:
        footer = pq.read_metadata(opened(file))
    except (pa.ArrowInvalid, OSError) as error:
        raise PlannerError(
            f"{file} cannot be read as Parquet ({error}); give a .parquet or .csv file of portfolios"
        ) from None
    said = checksum(str(footer.to_dict()).encode())
    if PACKAGES not in (footer.metadata or {}):
        return [None], None, said
    groups: list[tuple[int, ...] | None] = []
    held: tuple[int, ...] = ()
    rows = 0
    for group in range(footer.num_row_groups):
        held, rows = (*held, group), rows + footer.row_group(group).num_rows
        if rows >= ROWS:
            groups.append(held)
            held, rows = (), 0
    return groups + ([held] if held else []), int(footer.num_rows), said


@dataclass(frozen=True)
class _Part:
    """A partition as a source of portfolios that says how many there are in all partitions."""

    source: PortfolioSource
    count: int | None

    def pieces(self, most: int) -> Iterator[Bunch]:
        """The portfolios of the partition in order, at most `most` at a time."""
        return self.source.pieces(most)


@dataclass
class Opened:
    """Sources of partitions over one candidate set; a file is opened once, so that its packages stay the same items."""

    candidates: CandidateSet
    count: int | None
    _files: dict[str, PortfolioSource] = field(default_factory=dict, init=False)

    def source(self, part: Partition) -> PortfolioSource:
        """The portfolios of a partition."""
        if part.address not in self._files:
            # one file's packages at a time
            self._files = {part.address: open_portfolios(part.address, self.candidates)}
        file = self._files[part.address]
        if isinstance(file, PackageFile):
            file = replace(file, row_groups=part.row_groups)
        return _Part(file, self.count)

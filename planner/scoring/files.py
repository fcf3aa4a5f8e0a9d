"""Portfolios as files: levels of packages, one portfolio a row, in Parquet; or a long table of candidates, in Parquet
or CSV."""

from __future__ import annotations

import io
import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from kernels.reference.portfolio import portfolios_from_dense
from planner.candidates.build import CandidateSet
from planner.candidates.packages import Package
from planner.errors import PlannerError
from planner.scenarios.imported_table import UNREADABLE, plain_frame, refuse_odd_columns
from planner.scoring.items import Bunch, Items, PortfolioSource, items_of
from planner.scoring.long_table import MOST_LEVEL, LongTable, readable
from planner.storage.addresses import files_in, is_remote, opened
from planner.storage.seals import sealed_record

PACKAGES = b"planner.packages"
ORIGIN = b"planner.origin"
MOST_HELD = 10_000_000
"""Candidates in all packages of a file together."""
ROWS = 65_536
"""Portfolios of a row group."""


class PackageSource(PortfolioSource, Protocol):
    """Portfolios whose packages are known before they are read."""

    @property
    def count(self) -> int:
        """How many there are."""

    @property
    def items(self) -> Items:
        """The packages."""


def write_packages(path: Path, source: PackageSource, candidates: CandidateSet, origin: Mapping[str, Any]) -> None:
    """A row per portfolio and a column per package with its level, row group by row group.

    What each package holds stands in the file's metadata, beside `origin` (the plan, its fixes and excludes). Raises
    PlannerError unless the name ends in .parquet. The file appears whole or not at all.
    """
    if path.suffix != ".parquet":
        raise PlannerError(f"{path}: portfolios of packages are written as Parquet; give a name that ends in .parquet")
    items = source.items
    metadata = {PACKAGES: _packed(items, candidates), ORIGIN: json.dumps({**origin, **_under(candidates)}).encode()}
    fields = [pa.field("portfolio", pa.string()), *(pa.field(f"level of {name}", pa.float64()) for name in items.names)]
    schema = pa.schema(fields, metadata=metadata)
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}.")) / path.name
    try:
        with pq.ParquetWriter(scratch, schema) as writer:
            for bunch in source.pieces(max(ROWS // max(len(items) // 16, 1), 1)):
                writer.write_table(_wide(bunch, schema))
        scratch.replace(path)
    finally:
        scratch.unlink(missing_ok=True)
        scratch.parent.rmdir()


def _wide(bunch: Bunch, schema: pa.Schema) -> pa.Table:
    dense = np.zeros((len(bunch.items), len(bunch)))
    owner = np.repeat(np.arange(len(bunch)), np.diff(bunch.portfolios.starts))
    np.add.at(dense, (bunch.portfolios.candidates, owner), bunch.portfolios.levels)
    return pa.Table.from_arrays([pa.array(bunch.names, pa.string()), *(pa.array(row) for row in dense)], schema=schema)


def _packed(items: Items, candidates: CandidateSet) -> bytes:
    held = items.levels.tocoo()
    table = pd.DataFrame(
        {
            "package": np.array(items.names, dtype=object)[held.row],
            "candidate_id": candidates.table["candidate_id"].to_numpy(dtype=object)[items.held[held.col]],
            "level": held.data,
        }
    )
    buffer = io.BytesIO()
    table.to_parquet(buffer, index=False)
    return buffer.getvalue()


def _under(candidates: CandidateSet) -> dict[str, str]:
    """What the portfolios of a candidate set mean something under: the case with its changes, the base case, the
    tail."""
    outlook = candidates.outlook
    return {"case_hash": outlook.case.source_hash, "base": outlook.base, "tail": outlook.tail}


def decisions_of(address: Path | str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The --fix and --exclude that the portfolios of a file were made under; none for a file that does not say.

    A portfolio.csv says it by the run.json beside it, a file of packages in its metadata, a folder by its first file.
    """
    first = files_in(str(address), ".parquet")[:1]
    path = Path(first[0] if first else address)
    if path.suffix == ".csv":
        record = _record_beside(path).get("options", {})
    else:
        try:
            record = _origin(address, pq.read_metadata(opened(str(first[0] if first else address))).metadata or {})
        except UNREADABLE:
            return (), ()  # `open_portfolios` says what is wrong with it
    return tuple(record.get("fixes", ())), tuple(record.get("excludes", ()))


def _refuse_other_origin(path: Path, made: Mapping[str, Any], candidates: CandidateSet) -> None:
    """Raise PlannerError for portfolios made under another case, base or tail: they would be scored as something
    else."""
    for name, here in _under(candidates).items():
        if name in made and made[name] != here:
            what = "another case, or other --set or --stress," if name == "case_hash" else f"--{name} {made[name]}"
            raise PlannerError(
                f"{path} was made under {what} than is scored here; give score the same, or make the portfolios again"
            )


def _record_beside(path: Path) -> Mapping[str, Any]:
    """The run.json of the run that a portfolio.csv belongs to; nothing for a table that stands in no run."""
    record = path.with_name("run.json")
    if path.name != "portfolio.csv" or not record.is_file():
        return {}
    return _record(
        record, json.dumps(sealed_record(record, remedy="plan again, or copy portfolio.csv away from the run")).encode()
    )


def _origin(path: Path | str, metadata: Mapping[bytes, bytes]) -> Mapping[str, Any]:
    """What a file of packages says that it was made under."""
    return _record(path, metadata.get(ORIGIN, b"{}"))


def _record(path: Path | str, written: bytes) -> Mapping[str, Any]:
    """A JSON object; raises PlannerError for anything else."""
    try:
        found = json.loads(written.decode("utf-8"))
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict) or not isinstance(found.get("options", {}), dict):
        raise PlannerError(
            f"{path}: what it was made under is not written as planner writes it; make the portfolios again"
        )
    for name in ("fixes", "excludes"):
        given = {**found, **found.get("options", {})}.get(name, [])
        if not isinstance(given, list) or not all(isinstance(each, str) for each in given):
            raise PlannerError(f"{path}: its {name} are not a list of texts; make the portfolios again")
    return found


def _origin_beside(path: Path) -> Mapping[str, Any]:
    """What the run of a portfolio.csv was planned under; nothing for a table that stands in no run."""
    found = _record_beside(path)
    if not found:
        return {}
    options = found.get("options", {})
    return {"case_hash": found.get("case_hash"), "base": options.get("base"), "tail": options.get("tail")}


def write_long(path: Path, packages: Sequence[Package], candidates: CandidateSet) -> None:
    """Portfolios as a long table (portfolio, candidate_id, level), Parquet, or CSV where the name ends so."""
    ids = candidates.table["candidate_id"].to_numpy(dtype=object)
    table = pd.DataFrame(
        {
            "portfolio": np.repeat(
                np.array([package.name for package in packages], dtype=object),
                [len(package.numbers) for package in packages],
            ),
            "candidate_id": ids[np.concatenate([package.numbers for package in packages])],
            "level": np.concatenate([package.levels for package in packages]),
        }
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".csv":
        table.to_csv(path, index=False, float_format="%.17g", lineterminator="\n")
    elif path.suffix == ".parquet":
        table.to_parquet(path, index=False)
    else:
        raise PlannerError(
            f"{path}: portfolios are written as Parquet or CSV; give a name that ends in .parquet or .csv"
        )


def open_portfolios(path: Path | str, candidates: CandidateSet) -> PortfolioSource:
    """Portfolios of a file, read piece by piece: levels of packages as `write_packages` writes them, or a long table.

    Packages may also stand in a store, by its address (see `places`). Raises PlannerError for a file that is none, or
    that says it was made under another case, base or tail.
    """
    if isinstance(path, str) and is_remote(path):
        return _from_store(path, candidates)
    path = Path(path)
    if not path.is_file():
        raise PlannerError(
            f"{path} is not a file of portfolios; make one with planner portfolios, or give portfolio.csv of a run"
        )
    if path.suffix == ".csv":
        _refuse_other_origin(path, _origin_beside(path), candidates)
        return LongTable(path, candidates)
    try:
        metadata = pq.read_schema(path).metadata or {}
    except UNREADABLE as error:
        raise PlannerError(
            f"{path} cannot be read as Parquet ({error}); give a .parquet or .csv file of portfolios"
        ) from None
    _refuse_other_origin(path, _origin(path, metadata), candidates)
    return _package_file(path, metadata, candidates) if PACKAGES in metadata else LongTable(path, candidates)


def _from_store(address: str, candidates: CandidateSet) -> PortfolioSource:
    try:
        metadata = pq.read_metadata(opened(address)).metadata or {}
    except UNREADABLE as error:
        raise PlannerError(
            f"{address} cannot be read as Parquet ({error}); give portfolios that planner portfolios has made"
        ) from None
    if PACKAGES not in metadata:
        raise PlannerError(
            f"{address} holds a long table; tables are read from files of this machine: copy it here, or make packages "
            "with planner portfolios"
        )
    _refuse_other_origin(Path(address), _origin(address, metadata), candidates)
    return _package_file(address, metadata, candidates)


def _package_file(path: Path | str, metadata: dict[bytes, bytes], candidates: CandidateSet) -> PackageFile:
    packages = packages_of(path, metadata[PACKAGES])
    number = pd.Series(np.arange(len(candidates)), index=candidates.table["candidate_id"])
    found = packages["candidate_id"].map(number)
    if found.isna().any():
        name = packages["candidate_id"][found.isna()].iloc[0]
        raise PlannerError(
            f"{path} holds {name!r}, which the case does not have; make the portfolios again from a plan of this case"
        )
    number_of, level_of = found.to_numpy(np.int64), packages["level"].to_numpy(np.float64)
    made = [
        Package(str(name), number_of[rows], level_of[rows])
        for name, rows in packages.groupby("package", sort=False).indices.items()
    ]
    return PackageFile(path, items_of(made))


def packages_of(path: Path | str, packed: bytes) -> pd.DataFrame:
    """What each package of a file holds: package, candidate_id, level."""
    try:
        footer = pq.read_metadata(io.BytesIO(packed))
        few = footer.num_rows <= MOST_HELD
        table = plain_frame(pq.read_table(io.BytesIO(packed))) if few else pd.DataFrame()
        level = table["level"].to_numpy(np.float64)
        good = (
            len(table) > 0 and bool((np.abs(level) <= MOST_LEVEL).all()) and {"package", "candidate_id"} <= set(table)
        )
    except UNREADABLE:
        good = False
    if not good:
        raise PlannerError(
            f"{path}: what its packages hold cannot be read; make the portfolios again with planner portfolios"
        )
    return table


@dataclass(frozen=True)
class PackageFile:
    """Portfolios of packages in a Parquet file, read piece by piece; of some of its row groups where they are given."""

    path: Path | str
    items: Items
    row_groups: tuple[int, ...] | None = None

    @property
    def count(self) -> int:
        """How many portfolios stand in the file."""
        return int(pq.read_metadata(opened(str(self.path))).num_rows)

    def pieces(self, most: int) -> Iterator[Bunch]:
        """The portfolios in the order of the file, at most `most` at a time."""
        names = [f"level of {name}" for name in self.items.names]
        # A file of many packages has rows that are wide.
        rows = max(min(most, 64 * most // max(len(names), 1)), 1)
        # What is read ahead stays in memory to the end of the file: a store is read by few row groups, a file of this
        # machine without.
        with readable(self.path), pq.ParquetFile(opened(str(self.path)), pre_buffer=is_remote(str(self.path))) as file:
            refuse_odd_columns(self.path, file.schema_arrow)
            absent = [name for name in ("portfolio", *names) if name not in file.schema_arrow.names]
            if absent:
                raise PlannerError(
                    f"{self.path} lacks the column {absent[0]!r}; make the portfolios again with planner portfolios"
                )
            for batch in file.iter_batches(rows, row_groups=self.row_groups, columns=["portfolio", *names]):
                dense = np.column_stack(
                    [batch.column(name).cast(pa.float64()).to_numpy(zero_copy_only=False) for name in names]
                )
                if not (np.abs(dense) <= MOST_LEVEL).all():
                    raise PlannerError(
                        f"{self.path}: a level is missing, not a number, or above {MOST_LEVEL:g}; make the portfolios "
                        "again with planner portfolios"
                    )
                labels = tuple(map(str, batch.column("portfolio").to_pylist()))
                yield Bunch(self.items, labels, portfolios_from_dense(dense))

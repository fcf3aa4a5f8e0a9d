"""Portfolios and scores as files: Parquet or CSV, told apart by their ending."""

from __future__ import annotations

import io
import json
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from kernels.portfolio import portfolios_from_dense
from planner.candidates.build import CandidateSet
from planner.candidates.packages import Package
from planner.case.faults import PlannerError
from planner.scoring.items import Bunch, from_table, items_of

PACKAGES = b"planner.packages"
ORIGIN = b"planner.origin"


def write_subsets(path: Path, bunch: Bunch, candidates: CandidateSet, origin: dict[str, str]) -> None:
    """A row per portfolio and a column per package with its level; what each package holds stands in the file's metadata.

    The file appears whole or not at all.
    """
    count = len(bunch.items)
    dense = np.zeros((len(bunch), count))
    owner = np.repeat(np.arange(len(bunch)), np.diff(bunch.portfolios.starts))
    dense[owner, bunch.portfolios.candidates] = bunch.portfolios.levels
    columns = {"portfolio": pa.array(np.arange(len(bunch)))}
    columns |= {name: pa.array(dense[:, at].astype(np.float32)) for at, name in enumerate(bunch.items.names)}
    item, held = bunch.items.levels.tocoo().coords
    packages = pd.DataFrame(
        {
            "package": np.array(bunch.items.names, dtype=object)[item],
            "candidate_id": candidates.table["candidate_id"].to_numpy()[bunch.items.held[held]],
            "level": bunch.items.levels.tocoo().data,
        }
    )
    table = pa.table(columns).replace_schema_metadata({PACKAGES: _packed(packages), ORIGIN: json.dumps(origin).encode()})
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as scratch:
        pq.write_table(table, scratch)
    Path(scratch.name).replace(path)


def read_bunch(path: Path, candidates: CandidateSet) -> Bunch:
    """Portfolios from a file: subsets of packages as written by `write_subsets`, or a long table (see `items.from_table`)."""
    if not path.is_file():
        raise PlannerError(f"{path} is not a file of portfolios; make one with planner portfolios, or give portfolio.csv of a run")
    if path.suffix == ".csv":
        return from_table(candidates, pd.read_csv(path))
    try:
        table = pq.read_table(path)
    except (pa.ArrowInvalid, OSError) as error:
        raise PlannerError(f"{path} cannot be read as Parquet ({error}); give a .parquet or .csv file of portfolios") from None
    metadata = table.schema.metadata or {}
    if PACKAGES not in metadata:
        return from_table(candidates, table.to_pandas())
    packages = pd.read_parquet(io.BytesIO(metadata[PACKAGES]))
    number = pd.Series(np.arange(len(candidates)), index=candidates.table["candidate_id"])
    found = packages["candidate_id"].map(number)
    if found.isna().any():
        name = packages["candidate_id"][found.isna()].iloc[0]
        raise PlannerError(f"{path} holds {name!r}, which the case does not have; make the portfolios again from a plan of this case")
    names = list(dict.fromkeys(packages["package"]))
    made = [
        Package(name, found[packages["package"] == name].to_numpy(np.int64), packages.loc[packages["package"] == name, "level"].to_numpy())
        for name in names
    ]
    dense = np.column_stack([table.column(name).to_numpy() for name in names]).astype(np.float64)
    labels = tuple(str(label) for label in table.column("portfolio").to_pylist())
    return Bunch(items_of(made), labels, portfolios_from_dense(dense))


def write_table(path: Path, table: pd.DataFrame) -> None:
    """A table as Parquet, or as CSV where the name ends so."""
    if path.suffix == ".csv":
        table.to_csv(path, index=False, float_format="%.12g", lineterminator="\n")
    else:
        table.to_parquet(path, index=False)


def _packed(packages: pd.DataFrame) -> bytes:
    buffer = io.BytesIO()
    packages.to_parquet(buffer, index=False)
    return buffer.getvalue()

"""Pools in a file: one bundle a row, its parts named as candidates are named in candidates.parquet."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from planner.candidates.build import CandidateSet
from planner.did_you_mean import remedy_for
from planner.errors import PlannerError
from planner.risk.bundle_grid import COLUMNS
from planner.scenarios.imported_table import imported_table

PARTS = {
    "own": "own", "retire": "retire", "serve": "serve", "renew": "renew", "then_serve": "serve", "then_renew": "renew"
}
"""Columns that name a candidate, and the kind that it must be of; blank for none."""
REQUIRED = ("own",)


def pool_table(candidates: CandidateSet, bundles: pd.DataFrame) -> pd.DataFrame:
    """Bundles with the ids of their parts."""
    names = np.append(candidates.table["candidate_id"].to_numpy(dtype=object), "")
    table = pd.DataFrame(
        {name: pd.Categorical.from_codes(*_coded(bundles[name].to_numpy(np.int64), names)) for name in PARTS}
    )
    for name in ("tier", "head", "then"):
        table[name] = bundles[name].to_numpy()
    return table


def _coded(numbers: np.ndarray, names: np.ndarray) -> tuple[np.ndarray, pd.Index]:
    used, codes = np.unique(numbers, return_inverse=True)
    return codes.reshape(-1), pd.Index(names[used], dtype=object)


def read_pool(path: Path, candidates: CandidateSet) -> pd.DataFrame:
    """Bundles of a file, as numbers; columns `bundle_grid.COLUMNS`.

    own names the delivery; retire its sale, serve and then_serve the leases in order, renew and then_renew their next
    terms, blank for none; tier is the market tier in between (0: idle); head, then are the phases (SOURCE:PHASE) that
    feed the market. Raises PlannerError with the first row that names what the case does not have, or parts that do not
    fit together.
    """
    table = imported_table(path, "bundles")
    missing = [name for name in COLUMNS if name not in table]
    if missing or table.empty:
        what = f"lacks the column {', '.join(missing)}" if missing else "has no rows"
        raise PlannerError(f"{path} {what}; a pool has the columns {', '.join(COLUMNS)} and at least one bundle")
    found = pd.DataFrame(
        {
            name: _numbers(table[name], kind, candidates, f"{path.name}, column {name}", name in REQUIRED)
            for name, kind in PARTS.items()
        }
    )
    tier = pd.to_numeric(table["tier"], errors="coerce").to_numpy(np.float64)
    _refuse(
        ~np.isfinite(tier) | (tier < 0) | (tier != np.round(tier)), table["tier"], f"{path.name}, column tier",
        "not a tier; give a whole number, 0 for idle",
    )
    found["tier"] = tier.astype(np.int64)
    power = candidates.outlook.case.tables["power"]
    phases = (power["source_id"] + ":" + power["phase"]).tolist()
    for name, known in (("head", phases), ("then", [*phases, ""])):
        written = table[name].astype(object).fillna("").astype(str)
        _refuse(
            ~written.isin(known).to_numpy(), written, f"{path.name}, column {name}",
            "no phase of this case; write SOURCE:PHASE",
        )
        found[name] = written.to_numpy(dtype=object)
    _refuse_misfits(found, candidates, path.name)
    return found[list(COLUMNS)]


def _numbers(column: pd.Series, kind: str, candidates: CandidateSet, where: str, required: bool) -> np.ndarray:
    rows = candidates.table[candidates.table["kind"] == kind]
    number_of = dict(zip(rows["candidate_id"], rows.index.tolist(), strict=True))
    if not required:
        number_of[""] = -1
    codes, written = pd.factorize(column.astype(object).fillna(""))
    numbers = np.array([number_of.get(str(name), -2) for name in written], dtype=np.int64)
    if (numbers == -2).any():
        name = str(written[int(np.argmax(numbers == -2))])
        at = int(np.argmax(numbers[codes] == -2))
        raise PlannerError(
            f"{where}, row {at + 2}: {name!r} is no candidate of kind {kind}; {remedy_for(name, list(number_of))}"
        )
    if candidates.left_out.mask[np.maximum(numbers, 0)][numbers >= 0].any():
        name = str(written[int(np.argmax((numbers >= 0) & candidates.left_out.mask[np.maximum(numbers, 0)]))])
        raise PlannerError(f"{where}: {name!r} can be in no plan under the limits of this case; leave its bundles out")
    found: np.ndarray = numbers[codes]
    return found


def _refuse(wrong: np.ndarray, column: pd.Series, where: str, why: str) -> None:
    if wrong.any():
        at = int(np.argmax(wrong))
        raise PlannerError(f"{where}, row {at + 2}: {column.iloc[at]!r} is {why}")


def _refuse_misfits(found: pd.DataFrame, candidates: CandidateSet, file: str) -> None:
    """Parts stand on one site, follow each other, and lie within the life of the GPU."""
    table = candidates.table
    site, gpu = table["site_id"].to_numpy(dtype=object), table["gpu_id"].to_numpy(dtype=object)
    start, end, parent = (table[name].to_numpy(np.int64) for name in ("from_month", "to_month", "parent"))
    own = found["own"].to_numpy()
    last, stop = start[own], end[own]
    retire = found["retire"].to_numpy()
    stop = np.where(retire >= 0, start[retire], stop)
    wrong = (retire >= 0) & (parent[retire] != own)
    for name in ("serve", "renew", "then_serve", "then_renew"):
        part = found[name].to_numpy()
        held = part >= 0
        wrong |= held & (
            (site[part] != site[own]) | (gpu[part] != gpu[own]) | (start[part] < last) | (end[part] > stop)
        )
        last = np.where(held, end[part], last)
    for name, before in (("renew", "serve"), ("then_renew", "then_serve")):
        part = found[name].to_numpy()
        wrong |= (part >= 0) & (parent[part] != found[before].to_numpy())
    wrong |= (found["then_serve"].to_numpy() >= 0) & (found["serve"].to_numpy() < 0)
    if wrong.any():
        at = int(np.argmax(wrong))
        raise PlannerError(
            f"{file}, row {at + 2}: the parts do not follow each other on one site and SKU within the life of "
            f"{table['candidate_id'].iat[own[at]]}; "
            "give each bundle its delivery, then its leases in order, each before the sale"
        )

"""A sound file for every reader: what mutated files begin as."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from faults.results import write_results

from planner.candidates.build import CandidateSet, build_candidates
from planner.candidates.outlook import make_outlook
from planner.candidates.packages import Package
from planner.case.case import Case
from planner.case.read import read_case
from planner.case.starting import starting_case
from planner.case.write import write_case
from planner.scoring.files import write_packages
from planner.scoring.subsets import Subsets

_FUTURES = "factor_id,scenario,month,value,weight\n" + "".join(
    f"gas,{scenario},{month},{value},{weight}\n"
    for scenario, weight in (("low", 0.25), ("high", 0.75))
    for month, value in (("2027-01", 1.0), ("2028-06", 0.5 if scenario == "low" else 2.0))
)
_INQUIRIES = (
    "name,gpu,gpus,start,term_months,take_or_pay,notice_months\nfirst,gb300,2000,2028-01,36,1,\n"
    "second,b300; gb300=1.1,500,2027-10,24,0.8,3\n"
)
_BUNDLES = (
    "portfolio,site_id,power_path,gpu_id,use,start,level\na,river,river_grid:1,b300,market,2027-10,1000\n"
    "b,river,river_grid:1,b300,market,2027-10,500\n"
)


@dataclass(frozen=True)
class World:
    """The case that all the files speak of."""

    case: Case
    candidates: CandidateSet
    folder: Path


def make_world(folder: Path) -> World:
    """The case in `folder`, as `write_seeds` has written it, and its candidates."""
    case = read_case(folder / "case")
    return World(case, build_candidates(make_outlook(case)), folder)


def write_seeds(folder: Path) -> None:
    """Write a sound file, or folder, for each reader."""
    write_case(starting_case(), folder / "case")
    factors = pd.read_csv(folder / "case" / "factors.csv", dtype=str, keep_default_na=False)
    gas = factors["factor_id"] == "gas"
    factors.loc[gas, factors.columns.difference(["factor_id", "drives"])] = ""
    factors.loc[gas, "model"] = "given"
    factors.to_csv(folder / "case" / "factors.csv", index=False)
    world = make_world(folder)
    write_case(world.case, folder / "case.xlsx")
    for name, text in (("futures.csv", _FUTURES), ("inquiries.csv", _INQUIRIES), ("bundles.csv", _BUNDLES)):
        (folder / name).write_text(text, encoding="utf-8")
    for name in ("futures", "bundles"):
        pd.read_csv(folder / f"{name}.csv").to_parquet(folder / f"{name}.parquet", index=False)
    ids = world.candidates.table["candidate_id"].to_numpy(dtype=object)
    long = pd.DataFrame({"portfolio": ["a", "a", "b"], "candidate_id": ids[[0, 1, 0]], "level": [1.0, 2.5, 3.0]})
    long.to_csv(folder / "portfolios.csv", index=False)
    long.to_parquet(folder / "portfolios.parquet", index=False)
    own = world.candidates.table[world.candidates.table["kind"] == "own"]["candidate_id"]
    pool = pd.DataFrame(
        {
            "own": own.head(2), "retire": "", "serve": "", "renew": "", "then_serve": "", "then_renew": "", "tier": 0,
            "head": "river_grid:1", "then": "",
        }
    )
    pool.to_csv(folder / "pool.csv", index=False)
    pool.to_parquet(folder / "pool.parquet", index=False)
    packages = [
        Package(name, np.array(numbers), np.array(levels))
        for name, numbers, levels in (("river", [0, 1], [1.0, 2.0]), ("mesa", [2], [4.0]))
    ]
    write_packages(folder / "packages.parquet", Subsets(packages), world.candidates, {"plan": "base"})
    write_results(folder)

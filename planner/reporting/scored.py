"""The scores that a report shows: portfolios over many futures, the leading ones future by future, what drives them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from planner.arrays import Floats
from planner.errors import PlannerError
from planner.reporting.findings import Findings
from planner.scenarios.imported_table import UNREADABLE, imported_table, plain_frame, refuse_odd_columns
from planner.scoring.files import PACKAGES, packages_of
from planner.scoring.leading import NPV_OF
from planner.scoring.pareto import pareto
from planner.storage.own_tables import no_rows
from planner.storage.seals import file_checksum, refuse_changed, sealed_record
from planner.storage.stored_paths import found_path

_AGAIN = "score again"
MOST_SHOWN = 2500
"""Portfolios on the scatter: those not beaten, the best, and others evenly from the rest."""
TAIL_SHARE = 0.2
"""Share of the futures on each side over which a driver's effect is averaged."""
NOISE = 2.0
"""Standard errors below which a driver's correlation is taken for chance."""


@dataclass(frozen=True)
class Scored:
    """Scores of a folder: `record` as in run.json, `table` one row per portfolio shown, `of` how many were scored.

    futures: see `planner.scoring.leading.futures_table`; empty where the folder has none. plan: the name of the
    portfolio that is the run's plan, None where none is. members: portfolio, site_id; empty where the portfolios cannot
    be read.
    """

    record: Mapping[str, Any]
    table: pd.DataFrame
    of: int
    within: int
    futures: pd.DataFrame
    plan: str | None
    members: pd.DataFrame

    @property
    def alpha(self) -> float:
        """Level of VaR and CVaR."""
        return float(self.record["options"]["alpha"])

    @property
    def subject(self) -> str | None:
        """The portfolio whose futures are shown: the plan where it was scored, else the leading one."""
        if self.plan is not None and f"{NPV_OF}{self.plan}" in self.futures:
            return self.plan
        leading = [name for name in self.futures if name.startswith(NPV_OF)]
        return leading[0].removeprefix(NPV_OF) if leading else self.plan

    @property
    def stresses(self) -> dict[str, str]:
        """Column of each stress's NPV by its name."""
        own = {"npv_losses_carried_usd"}
        return {
            name.removeprefix("npv_").removesuffix("_usd"): name for name in self.table
            if name.startswith("npv_") and name.endswith("_usd") and name not in own
        }


def read_scores(folder: Path, found: Findings, portfolios: Path | None = None) -> Scored:
    """Read a folder of scores; raises PlannerError when it is none, or was scored under another case than the run."""
    record_path, scores_path, futures_path = folder / "run.json", folder / "scores.parquet", folder / "futures.parquet"
    if not record_path.is_file() or not scores_path.exists():
        raise PlannerError(
            f"{folder} holds no scores; make them with planner score CASE --portfolios FILE --out {folder}"
        )
    record = sealed_record(record_path, remedy=_AGAIN)
    if record.get("command") != "score":
        raise PlannerError(
            f"{folder} was written by planner {record.get('command', '?')}, not by planner score; give the folder of "
            "scores"
        )
    if record["case_hash"] != found.record["case_hash"]:
        raise PlannerError(
            f"{folder} was scored under another case than {found.name} was planned under; score it again with the same "
            "--set and --stress"
        )
    _refuse_changed_scores(scores_path, record)
    whole = pd.read_parquet(scores_path)
    futures = pd.DataFrame()
    if futures_path.is_file():
        refuse_changed(futures_path, record, remedy=_AGAIN)
        futures = pd.read_parquet(futures_path)
    plan = _plan_among(whole, found)
    table = _shown(whole, plan)
    within = int((whole["limits_broken"] == 0).sum())
    source = portfolios if portfolios is not None else found_path(record.get("portfolios_read_from") or ".", folder)
    return Scored(
        record, table, len(whole), within, futures, plan,
        _members(source, table["portfolio"], found, required=portfolios is not None),
    )


def _refuse_changed_scores(path: Path, record: Mapping[str, Any]) -> None:
    """One file, or the parts of a folder, as they were written; raises PlannerError where they are not."""
    if path.is_file():
        refuse_changed(path, record, remedy=_AGAIN)
        return
    expected = {f"part-{number}.parquet": sums["scores"] for number, sums in record.get("checksums", {}).items()}
    found = {each.name: file_checksum(each) for each in path.iterdir() if each.is_file()}
    if found != expected:
        raise PlannerError(f"the parts of {path} are not those that were written; {_AGAIN}")


def _plan_among(scores: pd.DataFrame, found: Findings) -> str | None:
    """The portfolio whose base-case NPV is the plan's, breaking no limit."""
    npv = found.summary.get("npv_usd")
    if npv is None:
        return None
    near = scores[(scores["limits_broken"] == 0) & np.isclose(scores["base_npv_usd"], npv, rtol=1e-9, atol=1.0)]
    return str(near["portfolio"].iloc[0]) if len(near) else None


def _shown(scores: pd.DataFrame, plan: str | None) -> pd.DataFrame:
    """At most MOST_SHOWN rows in their order: the plan, those not beaten, the best by mean, and others evenly
    spread."""
    if len(scores) <= MOST_SHOWN:
        return scores.reset_index(drop=True)
    keep = set(pareto(scores).index[: MOST_SHOWN // 2]) | set(scores["mean_npv_usd"].nlargest(MOST_SHOWN // 5).index)
    if plan is not None:
        keep.add(scores.index[scores["portfolio"] == plan][0])
    keep |= set(scores.index[np.linspace(0, len(scores) - 1, MOST_SHOWN - len(keep)).astype(int)])
    return scores.loc[sorted(keep)].reset_index(drop=True)


def _members(path: Path, names: pd.Series, found: Findings, *, required: bool) -> pd.DataFrame:
    """Which sites each portfolio holds something on, from the file of portfolios; empty where it is not there."""
    nothing = no_rows(["portfolio", "site_id"], [])
    if not path.is_file():
        if required:
            raise PlannerError(f"{path} is not a file of portfolios; give the file that was scored")
        return nothing
    sites = found.held.set_index("candidate_id")["site_id"]
    try:
        long = _of_packages(path, names) if path.suffix == ".parquet" else _of_table(imported_table(path, "portfolios"))
    except UNREADABLE as error:
        raise PlannerError(
            f"{path} cannot be read as portfolios ({str(error)[:200]}); give the file that was scored"
        ) from None
    long["site_id"] = long["candidate_id"].map(sites).fillna("")
    return long.loc[
        (long["site_id"] != "") & long["portfolio"].isin(set(names)), ["portfolio", "site_id"]
    ].drop_duplicates()


def _of_packages(path: Path, names: pd.Series) -> pd.DataFrame:
    """Portfolio and candidate_id of everything held, from levels of packages or from a long table in Parquet."""
    metadata = pq.read_schema(path).metadata or {}
    if PACKAGES not in metadata:
        return _of_table(imported_table(path, "portfolios"))
    packages = packages_of(path, metadata[PACKAGES])[["package", "candidate_id"]]
    refuse_odd_columns(path, pq.read_schema(path))
    wide = plain_frame(pq.read_table(path, filters=[("portfolio", "in", names.tolist())]))
    long = wide.melt("portfolio", var_name="package", value_name="level")
    long = long[long["level"] != 0.0].assign(package=long["package"].str.removeprefix("level of "))
    # One candidate of each package and site is enough to tell where the package stands.
    return long.merge(packages, on="package")[["portfolio", "candidate_id"]]


def _of_table(table: pd.DataFrame) -> pd.DataFrame:
    held = table[pd.to_numeric(table["level"]) != 0.0]
    name = held["portfolio"].astype(str) if "portfolio" in held else "portfolio"
    return held[["candidate_id"]].assign(portfolio=name)


def distribution(scored: Scored) -> tuple[Floats, Floats] | None:
    """NPV by future of the subject, and the weights of the futures; None where the scores do not hold them."""
    column = f"{NPV_OF}{scored.subject}"
    if column not in scored.futures:
        return None
    return scored.futures[column].to_numpy(np.float64), scored.futures["weight"].to_numpy(np.float64)


def drivers(scored: Scored) -> pd.DataFrame:
    """What moves the subject's NPV, greatest first: factor, correlation, low_usd and high_usd, error.

    low_usd, high_usd: mean NPV, less the mean of all, in the lowest and the highest fifth of the futures by that factor
    (for
    what happens or does not: where it is lowest, and where it is highest). Drivers within NOISE of none are left out.
    """
    found = distribution(scored)
    columns = ["factor", "correlation", "low_usd", "high_usd"]
    if found is None:
        return no_rows(columns[:1], columns[1:])
    npv, weight = found
    mean = float(npv @ weight)
    chance = NOISE / np.sqrt(max(1.0 / float(weight @ weight), 2.0))
    rows = []
    for name in scored.futures.columns:
        if name in ("future", "weight") or name.startswith(NPV_OF):
            continue
        value = scored.futures[name].to_numpy(np.float64)
        correlation = weighted_correlation(value, npv, weight)
        if abs(correlation) > chance:
            low, high = (_mean_of_side(value, npv, weight, sign) - mean for sign in (1.0, -1.0))
            rows.append((name, correlation, low, high))
    table = pd.DataFrame(rows, columns=columns) if rows else no_rows(columns[:1], columns[1:])
    return table.assign(
        size=(table["high_usd"] - table["low_usd"]).abs()
    ).nlargest(15, "size").drop(columns="size").reset_index(drop=True)


def weighted_correlation(a: Floats, b: Floats, weight: Floats) -> float:
    """Pearson's correlation under weights that add to 1; 0 where one of the two does not move."""
    da, db = a - a @ weight, b - b @ weight
    spread = float(weight @ (da * da)) * float(weight @ (db * db))
    return float(weight @ (da * db)) / float(np.sqrt(spread)) if spread > 0.0 else 0.0


def _mean_of_side(value: Floats, npv: Floats, weight: Floats, sign: float) -> float:
    """Mean NPV over the TAIL_SHARE of the weight in which sign x value is least; ties at the edge count alike."""
    order = np.argsort(sign * value, kind="stable")
    edge = value[order][int(np.searchsorted(np.cumsum(weight[order]), TAIL_SHARE - 1e-12))]
    inside = sign * value <= sign * edge
    return float(npv[inside] @ weight[inside] / weight[inside].sum())

"""A policy and its replay as a report shows them: read from their folders, and the tables that page and workbook
share."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from planner.errors import PlannerError
from planner.reporting.amounts import count, megawatts
from planner.reporting.findings import Findings
from planner.storage.own_tables import read_own_table
from planner.storage.policy_words import POLICY_AGAIN, POLICY_COMMAND, REPLAY_AGAIN, REPLAY_RECORD, VALUES
from planner.storage.schemas import AMOUNTS, CHOICES, LEAF_ALLOCATION, NODES, SIGN_NOW, SIGNS, WAYS, ResultFile
from planner.storage.seals import SEAL, refuse_changed, sealed_record
from planner.wording import counted, plural

SUMMARY = "policy.json"
_OPTIONS = ("base", "tail", "equity", "fixes", "excludes")
"""Options of a plan that change what is best and are no part of the case."""
_TEXT = ("name", "word", "words", "YYYY-MM", "yes or no")
"""Units of columns that hold text."""


@dataclass(frozen=True)
class Decided:
    """A policy: where it stands, `summary` as in policy.json, `record` as in run.json, and its tables.

    decisions, signed, nodes, amounts, allocation: as decisions.csv, sign_now.csv, nodes.csv, amounts.csv and
    allocation.csv.
    """

    folder: Path
    summary: Mapping[str, Any]
    record: Mapping[str, Any]
    decisions: pd.DataFrame
    signed: pd.DataFrame
    nodes: pd.DataFrame
    amounts: pd.DataFrame
    allocation: pd.DataFrame

    @property
    def leaves(self) -> pd.DataFrame:
        """Nodes after which nothing more is learnt, in their order; their probabilities add to 1."""
        return self.nodes[~self.nodes["node"].isin(self.nodes["parent"])]

    @property
    def alpha(self) -> float:
        """Level of CVaR."""
        return float(self.summary["alpha"])

    def unlike(self, found: Findings) -> list[str]:
        """Options of planning that the policy and a run do not share."""
        own, other = self.record["options"], found.record["options"]
        return [name for name in _OPTIONS if own.get(name) != other.get(name)]


@dataclass(frozen=True)
class Replayed:
    """A replay of a policy: `record` as in replay.json, ways and signs as in ways.csv and signs.csv."""

    record: Mapping[str, Any]
    ways: pd.DataFrame
    signs: pd.DataFrame


def read_policy_folder(folder: Path, found: Findings) -> Decided:
    """Read a folder of planner plan --adapt; raises PlannerError when it is none, or of another case than the run."""
    if not (folder / "run.json").is_file():
        raise PlannerError(f"{folder} is not a policy; make one with planner plan CASE --adapt --out {folder}")
    record = sealed_record(folder / "run.json", remedy=POLICY_AGAIN)
    if record.get("command") != POLICY_COMMAND:
        raise PlannerError(
            f"{folder} was written by planner {record.get('command', '?')}, not by planner {POLICY_COMMAND}; give the "
            "folder "
            "of a policy"
        )
    if record["case_hash"] != found.record["case_hash"]:
        raise PlannerError(
            f"{folder} is a policy of another case than {found.name} planned; make the policy of that case"
        )
    refuse_changed(folder / SUMMARY, record, remedy=POLICY_AGAIN)
    summary = json.loads((folder / SUMMARY).read_text(encoding="utf-8"))
    if summary["policy"] is None:
        raise PlannerError(f"{folder} holds no policy: its status is {summary['status']}")
    tables = (
        _table(folder, file, record, POLICY_AGAIN) for file in (CHOICES, SIGN_NOW, NODES, AMOUNTS, LEAF_ALLOCATION)
    )
    return Decided(folder, summary, record, *tables)


def read_replay(folder: Path, found: Findings, decided: Decided) -> Replayed:
    """Read a folder of planner replay; raises PlannerError when it is none, or of another case or another policy."""
    path = folder / REPLAY_RECORD
    if not path.is_file():
        raise PlannerError(f"{folder} is not a replay; make one with planner replay POLICY --out {folder}")
    record = sealed_record(path, remedy=REPLAY_AGAIN)
    if record["case_hash"] != found.record["case_hash"]:
        raise PlannerError(
            f"{folder} is a replay of another case than {found.name} planned; replay a policy of that case"
        )
    ways, signs = (_table(folder, file, record, REPLAY_AGAIN) for file in (WAYS, SIGNS))
    if record.get("policy_seal") != decided.record[SEAL]:
        raise PlannerError(f"{folder} is a replay of another policy than {decided.folder}; replay that one")
    return Replayed(record, ways, signs)


def _table(folder: Path, file: ResultFile, record: Mapping[str, Any], remedy: str) -> pd.DataFrame:
    """A table of a folder, with every column that its file is declared to have."""
    path = folder / file.name
    refuse_changed(path, record, remedy=remedy)
    units = {column.name: column.unit for column in file.columns}
    table = read_own_table(path, is_number=lambda column: units.get(column, "name") not in _TEXT)
    missing = [name for name in units if name not in table]
    if missing:
        raise PlannerError(
            f"{path} was made by another version: it has no column {', '.join(missing)}; {remedy}"
        )
    return table


def values_table(decided: Decided) -> pd.DataFrame:
    """One row for each way of deciding that the policy is held against: way, mean_npv_usd, cvar_usd, loss_probability,
    objective_usd."""
    columns = ["mean_npv_usd", "cvar_usd", "loss_probability", "objective_usd"]
    rows = [
        {"way": said, **{name: decided.summary[way][name] for name in columns}} for way, said in VALUES.items()
        if decided.summary[way] is not None
    ]
    return pd.DataFrame(rows, columns=["way", *columns])


def signed_in_words(amounts: pd.DataFrame) -> list[str]:
    """What is decided in a node by totals, from its rows of amounts.csv: 3 sites, 527 MW of power, 5 leases."""
    found = []
    for sort, rows in amounts.groupby("sort", sort=False):
        total = float(rows["amount"].sum())
        found.append({
            "phase": f"{megawatts(total)} MW of power", "halls": f"{megawatts(total)} MW of halls",
            "gpus": f"{count(total)} GPUs",
        }.get(str(sort), counted(len(rows), str(sort))))
    return found


def amount_in_words(amount: float, unit: str) -> str:
    """An amount of a thing with its unit: 2.5 MW, 1,000 GPUs."""
    return f"{megawatts(amount) if unit == 'MW' else count(amount)} {plural(unit, amount)}"


def range_in_words(least: float, most: float, unit: str) -> str:
    """The least and the most of a thing with its unit: 0 to 2.5 MW; of what is taken whole: taken or not."""
    if unit == "0/1":
        return "taken or not"
    return f"{amount_in_words(least, unit).partition(' ')[0]} to {amount_in_words(most, unit)}"


def largest(amounts: pd.DataFrame, most: int) -> Sequence[str]:
    """The largest things of each sort that are decided in a node, in words, at most so many of a sort."""
    found = []
    for sort, rows in amounts.groupby("sort", sort=False):
        top = rows.nlargest(most, "amount", keep="all").head(most)
        names = [
            row.name_ if row.unit == "0/1" else f"{row.name_} {amount_in_words(row.amount, row.unit)}"
            for row in top.rename(columns={"name": "name_"}).itertuples()
        ]
        more = f" and {len(rows) - len(top)} more" if len(rows) > len(top) else ""
        found.append(f"{sort}: {', '.join(names)}{more}")
    return found

"""What moved between two runs, and why the NPV changed, line by line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from planner.case.tables import TABLES
from planner.reporting.findings import Findings
from planner.reporting.leases import lease_table
from planner.reporting.usage import site_table

LEAST_MW, LEAST_GPUS, LEAST_USD = 0.05, 0.5, 0.5


@dataclass(frozen=True)
class Differences:
    """From one run (before) to another (after).

    lines: line, before_usd, after_usd, change_usd of discounted cash; they add to the change of NPV. sites: site_id
    with contracted MW, GPUs and NPV before and after, where one moved. leases: lease_id with outcome and size before
    and after, where one moved. cases: table, rows before, rows after, what differs; settings as table `case`.
    """

    lines: pd.DataFrame
    sites: pd.DataFrame
    leases: pd.DataFrame
    cases: pd.DataFrame
    options: pd.DataFrame


def differences(before: Findings, after: Findings) -> Differences:
    """What moved from one run to the other."""
    return Differences(
        _lines(before, after), _sites(before, after), _leases(before, after), _cases(before, after),
        _options(before.record, after.record),
    )


def _lines(before: Findings, after: Findings) -> pd.DataFrame:
    old, new = before.present_value_by_line, after.present_value_by_line
    table = pd.DataFrame(
        {"line": old.index, "before_usd": old.to_numpy(), "after_usd": new.reindex(old.index).to_numpy()}
    )
    table["change_usd"] = table["after_usd"] - table["before_usd"]
    return table[(table[["before_usd", "after_usd"]].abs() > LEAST_USD).any(axis=1)].reset_index(drop=True)


def _sites(before: Findings, after: Findings) -> pd.DataFrame:
    columns = ["contracted_mw", "hall_mw", "gpus", "npv_usd"]
    old, new = (site_table(found).set_index("site_id")[columns] for found in (before, after))
    table = old.add_suffix("_before").join(new.add_suffix("_after"), how="outer").fillna(0.0)
    moved = np.zeros(len(table), dtype=bool)
    for name, least in (
        ("contracted_mw", LEAST_MW), ("hall_mw", LEAST_MW), ("gpus", LEAST_GPUS), ("npv_usd", LEAST_USD)
    ):
        moved |= (table[f"{name}_after"] - table[f"{name}_before"]).abs().to_numpy() > least
    return table[moved].reset_index()


def _leases(before: Findings, after: Findings) -> pd.DataFrame:
    columns = ["outcome", "size", "unit", "sites", "npv_usd"]
    old, new = (lease_table(found).set_index("lease_id")[columns] for found in (before, after))
    table = old.add_suffix("_before").join(new.add_suffix("_after"), how="outer")
    for side in ("before", "after"):
        table[f"outcome_{side}"] = table[f"outcome_{side}"].fillna("not in the case")
        table[f"sites_{side}"] = table[f"sites_{side}"].fillna("")
        table[[f"size_{side}", f"npv_usd_{side}"]] = table[[f"size_{side}", f"npv_usd_{side}"]].fillna(0.0)
    table["unit"] = table["unit_after"].fillna(table["unit_before"])
    moved = (table["outcome_before"] != table["outcome_after"]) | (
        (table["size_after"] - table["size_before"]).abs() > LEAST_MW
    ) | (table["sites_before"] != table["sites_after"])
    return table[moved].drop(columns=["unit_before", "unit_after"]).reset_index()


def _cases(before: Findings, after: Findings) -> pd.DataFrame:
    """Cells of the two cases that differ, a row each; rows that stand in one alone are one line."""
    found: list[tuple[str, str, str, str]] = []
    old_settings, new_settings = vars(before.case.settings), vars(after.case.settings)
    found += [
        ("case", name, str(old_settings[name]), str(new_settings[name])) for name in old_settings
        if old_settings[name] != new_settings[name]
    ]
    for name, declared in TABLES.items():
        old, new = (found_.case.tables[name].set_index(list(declared.key)).sort_index() for found_ in (before, after))
        for where, only in (
            ("only before", old.index.difference(new.index)), ("only after", new.index.difference(old.index))
        ):
            found += [
                (name, _key(key), "" if where == "only after" else "there", "there" if where == "only after" else "")
                for key in only
            ]
        both = old.index.intersection(new.index)
        left, right = old.loc[both], new.loc[both]
        unlike = ((left != right) & ~(left.isna() & right.isna())).fillna(True).to_numpy(dtype=bool)
        found += [
            (name, f"{_key(both[row])} {left.columns[column]}", str(left.iat[row, column]), str(right.iat[row, column]))
            for row, column in zip(*np.nonzero(unlike), strict=True)
        ]
    return pd.DataFrame(found, columns=["table", "what", "before", "after"])


def _key(key: Any) -> str:
    return ":".join(str(part) for part in key if part != "") if isinstance(key, tuple) else str(key)


def _options(before: Mapping[str, Any], after: Mapping[str, Any]) -> pd.DataFrame:
    old, new = before["options"], after["options"]
    names = [name for name in {**old, **new} if old.get(name) != new.get(name)]
    return pd.DataFrame(
        {
            "option": names, "before": [_written(old.get(name)) for name in names],
            "after": [_written(new.get(name)) for name in names],
        }
    )


def _written(value: Any) -> str:
    if isinstance(value, list):
        return "; ".join(map(str, value)) or "none"
    return (
        {None: "none", True: "yes", False: "no"}.get(value, str(value)) if not isinstance(value, (dict, float))
        else str(value)
    )

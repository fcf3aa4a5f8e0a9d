"""Why there is no plan: the solver's word, the limits that infeasible_set, and the cheapest repair."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from planner.reporting.amounts import dollars, number
from planner.reporting.page import blocks
from planner.reporting.page.blocks import Note, Shown, present, table_of


def no_plan_blocks(summary: Mapping[str, Any]) -> tuple[Any, ...]:
    """What plan.json says of a run without a plan, as notes and tables."""
    said = [summary.get("message"), summary.get("solver_message")]
    conflict = summary.get("conflict")
    if isinstance(conflict, str):
        said.append(conflict)
    found: list[Any] = []
    if isinstance(conflict, Mapping):
        said.insert(0, conflict.get("sentence"))
        found = [*_infeasible_sets(conflict), *_repair(conflict)]
    unbounded_ray = pd.DataFrame(summary.get("without_end") or [])
    if len(unbounded_ray):
        found.append(
            table_of(
                "without_end", "What grows without end", unbounded_ray.astype(str),
                [Shown(name, name.replace("_", " ")) for name in unbounded_ray.columns],
            )
        )
    return present([*(Note(str(text)) for text in said if text), *found])


def _infeasible_sets(conflict: Mapping[str, Any]) -> list[Any]:
    limits = [
        {
            **limit,
            "months": " to ".join(str(infeasible_set[end]) for end in ("from", "to") if infeasible_set.get(end)),
            "at": number_,
        }
        for number_, infeasible_set in enumerate(conflict.get("conflicts") or [], start=1)
        for limit in infeasible_set.get("limits") or []
    ]
    table = pd.DataFrame(limits, columns=["at", "kind", "of", "what", "months", "short_by", "unit"])
    columns = [
        Shown("at", "conflict"), Shown("kind", "limit"), Shown("of", "of"), Shown("what", "rule"),
        Shown("months", "months"), blocks.number("short_by", "short by", number), Shown("unit", "unit"),
    ]
    return [table_of("conflict", "Limits that cannot all be kept", table, columns)]


def _repair(conflict: Mapping[str, Any]) -> list[Any]:
    repair = conflict.get("repair")
    if not repair:
        return []
    table = pd.DataFrame(repair.get("changes") or [], columns=["kind", "of", "by", "unit", "usd", "set"])
    table["how"] = [
        " ".join(f"--set '{edit}'" for edit in edits) if isinstance(edits, list) else "" for edits in table["set"]
    ]
    columns = [
        Shown("kind", "limit"), Shown("of", "of"), blocks.number("by", "eased by", number), Shown("unit", "unit"),
        blocks.number("usd", "worth", dollars), Shown("how", "with"),
    ]
    checked = "With these changes together there is a plan." if repair.get("checked") else ""
    return [table_of("repair", "The cheapest repair", table, columns, checked)]

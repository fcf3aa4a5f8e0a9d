"""The folder of a policy: its decisions, its nodes, what it holds on each path, and the record to walk it again."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from planner.adapting.decisions import Verdict
from planner.adapting.outcome import Outcome
from planner.adapting.policy import Policy
from planner.plans.tables import allocation_table, power_table
from planner.storage.folders import folder_in_place_of, versions, write_record, write_tables
from planner.storage.own_tables import no_rows
from planner.storage.stored_paths import stored_path

FORMAT = 1
COMMAND = "plan --adapt"
"""What the record calls it, by which a folder of a policy is told from that of a plan."""


def write_policy(policy: Policy, folder: str | Path, *, force: bool = False) -> Path:
    """Write the files of a policy into a folder; see `planner manual decide-now-decide-later` for each.

    The folder appears whole or not at all. Raises PlannerError when it exists and `force` is not set, or is no run.
    """
    target = Path(folder).resolve()
    with folder_in_place_of(target, force=force) as scratch:
        if policy.best is not None:
            write_tables(scratch, {
                "decisions.csv": choices_table(policy), "sign_now.csv": policy.commitments,
                "nodes.csv": nodes_table(policy),
                "amounts.csv": amounts_table(policy), "allocation.csv": by_leaf(policy, allocation_table),
                "power.csv": by_leaf(policy, power_table), "futures.parquet": futures_table(policy),
                "levels.parquet": levels_table(policy),
            })
        write_record(scratch / "policy.json", policy_summary(policy))
        write_record(scratch / "run.json", policy_record(policy, target))
    return target


def choices_table(policy: Policy) -> pd.DataFrame:
    """One row for each thing that can be decided, what is done of it, and at which sign."""
    written, reviews = policy.candidates.outlook.calendar.written, policy.tree.reviews
    rows = []
    for choice in policy.choices:
        decision, sign, worth = choice.decision, choice.sign, choice.worth
        at = policy.sign_stage(decision) if decision.verdict is Verdict.OPEN else None
        rows.append({
            "sort": str(choice.thing.sort), "name": choice.thing.name, "unit": choice.thing.unit,
            "verdict": str(decision.verdict), "now": decision.now,
            "review": "" if at is None else written(reviews[at - 1]),
            "taken_share": decision.taken, "later": decision.later,
            "sign": "" if sign is None else sign.words,
            "figure": "" if sign is None else sign.figure.name,
            "level": np.nan if sign is None else sign.level,
            "above": "" if sign is None else ("yes" if sign.above else "no"),
            "accuracy": np.nan if sign is None else sign.accuracy,
            "worth_at_least_usd": np.nan if worth is None else worth.least_usd,
            "worth_at_most_usd": np.nan if worth is None or worth.most_usd is None else worth.most_usd,
        })
    return pd.DataFrame(rows)


def nodes_table(policy: Policy) -> pd.DataFrame:
    """One row for each node of the tree."""
    assert policy.best is not None
    calendar, tree, npv = policy.candidates.outlook.calendar, policy.tree, policy.best.npv_usd
    rows = []
    for node in tree.nodes:
        share = tree.weights[node.futures]
        rows.append({
            "node": node.name, "parent": "" if node.parent < 0 else tree.nodes[node.parent].name,
            "review": calendar.start if node.stage == 0 else calendar.written(tree.reviews[node.stage - 1]),
            "probability": node.probability, "futures": len(node.futures),
            "mean_npv_usd": float(np.average(npv[node.futures], weights=share)), "known": node.words,
        })
    return pd.DataFrame(rows)


def amounts_table(policy: Policy) -> pd.DataFrame:
    """How much of each thing is decided in each node, zeros left out."""
    rows = [
        {
            "node": node.name, "sort": str(choice.thing.sort), "name": choice.thing.name, "unit": choice.thing.unit,
            "amount": float(choice.decision.amount[number]),
        }
        for number, node in enumerate(policy.tree.nodes) for choice in policy.choices
        if choice.decision.amount[number]
    ]
    return pd.DataFrame(rows) if rows else no_rows(["node", "sort", "name", "unit"], ["amount"])


def by_leaf(policy: Policy, table: Any) -> pd.DataFrame:
    """A table of a plan for the path to each leaf, with the leaf in column `node`."""
    parts = []
    for leaf, levels in policy.levels.items():
        made = table(policy.candidates, levels)
        made.insert(0, "node", policy.tree.nodes[leaf].name)
        parts.append(made)
    return pd.concat(parts, ignore_index=True)


def futures_table(policy: Policy) -> pd.DataFrame:
    """One row for each future: the leaf that it comes to, and what each way of deciding is worth in it."""
    assert policy.best is not None
    assert policy.steady is not None
    assert policy.base is not None
    tree = policy.tree
    leaf = tree.node_of(len(tree.reviews))
    return pd.DataFrame({
        "future": list(policy.futures.names), "weight": tree.weights,
        "node": [tree.nodes[at].name for at in leaf.tolist()],
        "policy_npv_usd": policy.best.npv_usd, "steady_npv_usd": policy.steady.npv_usd,
        "base_plan_npv_usd": policy.base.npv_usd,
    })


def levels_table(policy: Policy) -> pd.DataFrame:
    """Columns of the model that each node holds, by which `planner replay` walks the policy."""
    assert policy.best is not None
    parts = []
    for node, own in zip(policy.tree.nodes, policy.best.levels, strict=True):
        held = np.flatnonzero(own)
        columns = policy.problem.columns[node.stage][held]
        parts.append(pd.DataFrame({"node": node.name, "column": columns, "level": own[held]}))
    return pd.concat(parts, ignore_index=True)


def _said(policy: Policy, outcome: Outcome | None) -> dict[str, float] | None:
    """Mean, tail and chance of loss of one way of deciding."""
    if outcome is None:
        return None
    measure = policy.measure
    return {
        "mean_npv_usd": measure.mean(outcome.npv_usd), "cvar_usd": measure.cvar(outcome.npv_usd),
        "loss_probability": float(measure.probability @ (outcome.npv_usd < 0.0)),
        "objective_usd": outcome.objective_usd,
    }


def policy_summary(policy: Policy) -> dict[str, Any]:
    """What policy.json holds."""
    found = policy.foreseen
    verdicts = {
        str(verdict): [choice.thing.label for choice in policy.chosen(verdict)] for verdict in Verdict
    }
    return {
        "case": policy.case.settings.name, "status": policy.status.label,
        "objective": "(1 - w) x expected NPV - w x CVaR", "risk_weight": policy.adapt.weight,
        "alpha": policy.adapt.alpha, "scenarios": len(policy.futures), "nodes": len(policy.tree.nodes),
        "policy": _said(policy, policy.best), "bound_usd": None if policy.best is None else policy.best.bound_usd,
        "gap": policy.gap, "never_changes": _said(policy, policy.steady), "base_plan": _said(policy, policy.base),
        "base_plan_adapted": _said(policy, policy.base_held),
        "value_of_adapting_usd": policy.value_of_adapting_usd,
        "value_of_planning_for_many_usd": policy.value_of_planning_for_many_usd,
        "known_futures": None if found is None else {
            "sample": len(found.futures), "gain_at_most_usd": found.gain_usd,
            "standard_error_usd": found.error_usd if np.isfinite(found.error_usd) else None,
        },
        **verdicts,
    }


def policy_record(policy: Policy, folder: Path) -> dict[str, Any]:
    """What run.json holds: everything needed to make the policy again and to walk it, and what was proved."""
    options, adapt, arrays = policy.options, policy.adapt, policy.problem.staged.arrays
    calendar = policy.candidates.outlook.calendar
    return {
        "format": FORMAT, "command": COMMAND, "case": policy.case.settings.name, "case_hash": policy.case.source_hash,
        "case_path": stored_path(policy.case.source, folder), "versions": versions(), "solver": "HiGHS",
        "status": policy.status.label, "message": policy.message or None, "gap_asked": options.solver.gap,
        "gap": policy.gap,
        "certificate": None if policy.best is None else {
            "bound_usd": policy.best.bound_usd, "objective_usd": policy.best.objective_usd,
            "relaxation": policy.pieces.relaxation, "bounds_of_passes": list(policy.pieces.passes),
            "parts": policy.pieces.parts, "unit": f"{policy.problem.staged.formulation.money:g} dollars",
            "solver_seconds": asdict(policy.pieces.seconds),
        },
        "seconds": policy.seconds,
        "adapt": {
            **asdict(adapt), "reviews": [calendar.written(month) for month in policy.tree.reviews],
            "branches": list(adapt.groups(len(policy.tree.reviews))), "seed": policy.futures.seed,
        },
        "options": {
            "base": options.base, "tail": policy.candidates.outlook.tail, "equity": options.equity,
            "edits": list(options.edits), "stress": options.stress, "fixes": list(options.fixes),
            "excludes": list(options.excludes), "relax": False, "time_limit_s": options.solver.time_limit_s,
        },
        "size": {
            "candidates": len(policy.candidates), "columns": arrays.columns, "rows": arrays.rows,
            "nodes": len(policy.tree.nodes),
        },
    }

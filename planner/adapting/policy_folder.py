"""The folder of a policy: its decisions, its nodes, what it holds on each path, and the record to walk it again."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from planner.adapting.adapt import policy_problem
from planner.adapting.decisions import Verdict
from planner.adapting.grounds import Grounds
from planner.adapting.options import AdaptOptions
from planner.adapting.outcome import Outcome, outcome
from planner.adapting.policy import Policy
from planner.adapting.policy_tree import PolicyTree
from planner.arrays import Floats
from planner.errors import PlannerError
from planner.planning.options import PlanOptions
from planner.plans.tables import allocation_table, power_table
from planner.solver.options import SolverOptions
from planner.solver.scenario_tree.solution import Pieces
from planner.solver.status import Status
from planner.storage.folders import folder_in_place_of, versions, write_record, write_tables
from planner.storage.own_tables import no_rows
from planner.storage.policy_words import POLICY_AGAIN, POLICY_COMMAND
from planner.storage.run_case import case_of_run
from planner.storage.seals import refuse_changed, sealed_record
from planner.storage.stored_paths import stored_path

FORMAT = 1
FUTURES, LEVELS = "futures.parquet", "levels.parquet"


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
                "power.csv": by_leaf(policy, power_table), FUTURES: futures_table(policy),
                LEVELS: levels_table(policy),
            })
        write_record(scratch / "policy.json", policy_summary(policy))
        write_record(scratch / "run.json", policy_record(policy, target))
    return target


def choices_table(policy: Policy) -> pd.DataFrame:
    """One row for each thing that can be decided, what is done of it, and at which sign."""
    written, reviews = policy.candidates.outlook.calendar.written, policy.tree.reviews
    base, rows = policy.base_decisions, []
    for choice in policy.choices:
        decision, sign, worth = choice.decision, choice.sign, choice.worth
        at = policy.sign_stage(decision) if decision.verdict is Verdict.OPEN else None
        rows.append({
            "sort": str(choice.thing.sort), "name": choice.thing.name, "unit": choice.thing.unit,
            "verdict": str(decision.verdict), "now": decision.now, "base_plan_now": base[choice.thing.label].now,
            "review": "" if at is None else written(reviews[at - 1]),
            "taken_share": decision.taken, "later": decision.later, "least": decision.least, "most": decision.most,
            "sign": "" if sign is None else sign.words,
            "figure": "" if sign is None else sign.figure.name,
            "level": np.nan if sign is None else sign.level,
            "above": "" if sign is None else ("yes" if sign.above else "no"),
            "accuracy": np.nan if sign is None else sign.accuracy,
            "worth_usd": np.nan if worth is None else worth.relaxed_usd,
            "worth_at_least_usd": np.nan if worth is None else worth.least_usd,
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
    """Columns of the model that each node holds, of the policy and of the plans that it is held against, by which
    `planner replay` walks them."""
    parts = []
    for way, (problem, found) in _ways(policy).items():
        assert found is not None
        for node, own in zip(problem.tree.nodes, found.levels, strict=True):
            held = np.flatnonzero(own)
            columns = problem.columns[node.stage][held]
            parts.append(pd.DataFrame({"way": way, "node": node.name, "column": columns, "level": own[held]}))
    return pd.concat(parts, ignore_index=True)


def _ways(policy: Policy) -> dict[str, tuple[PolicyTree, Outcome | None]]:
    """The ways of deciding whose levels are kept, each with the tree that its levels are of."""
    one = policy.grounds.never_changing
    return {"policy": (policy.problem, policy.best), "steady": (one, policy.steady), "base": (one, policy.base)}


def policy_record_of(folder: Path) -> dict[str, Any]:
    """The sealed record of the folder of a policy; raises PlannerError for a folder of something else."""
    if not (folder / "run.json").is_file():
        raise PlannerError(
            f"{folder} is not a policy (it has no run.json); planner plan CASE --adapt --out DIR makes one"
        )
    record = sealed_record(folder / "run.json", remedy=POLICY_AGAIN)
    if record.get("command") != POLICY_COMMAND:
        raise PlannerError(
            f"{folder} is of planner {record.get('command', '?')}, not of a policy; planner plan CASE --adapt --out "
            "DIR makes one"
        )
    return record


def read_policy(folder: str | Path, case: Path | None = None) -> Policy:
    """The policy of a folder, over the futures that it was made for; what it is worth thing by thing stays in its
    tables.

    case: where the case stands, None for where the folder says. Raises PlannerError for a folder of something else, a
    case that has changed since, and a folder that does not fit what is made of the case.
    """
    where = Path(folder)
    record = policy_record_of(where)
    if record["certificate"] is None:
        raise PlannerError(f"{where} holds no policy: its status is {record['status']}")
    for name in (FUTURES, LEVELS):
        refuse_changed(where / name, record, remedy=POLICY_AGAIN)
    asked, made_under = record["adapt"], record["options"]
    adapt = AdaptOptions(**{**asked, "reviews": tuple(asked["reviews"]), "branches": tuple(asked["branches"])})
    options = PlanOptions(
        base=made_under["base"], tail=made_under["tail"], equity=made_under["equity"],
        fixes=tuple(made_under["fixes"]), excludes=tuple(made_under["excludes"]), prices="none",
        solver=SolverOptions(gap=record["gap_asked"]),
    )
    grounds = Grounds.of(case_of_run(where, record, case), options, adapt, lambda what: None)
    futures, levels = (pd.read_parquet(where / name) for name in (FUTURES, LEVELS))
    arrays = grounds.staged.arrays
    if len(futures) != len(grounds.futures) or record["size"]["columns"] != arrays.columns:
        raise PlannerError(f"{where} was made by another version, or on other futures; make the policy again")
    base_npv = futures["base_plan_npv_usd"].to_numpy(np.float64)
    problem = policy_problem(grounds, base_npv)
    names = [problem.tree.nodes[at].name for at in problem.tree.node_of(len(grounds.reviews)).tolist()]
    if names != futures["node"].tolist():
        raise PlannerError(f"the futures of {where} are grouped otherwise by this version; make the policy again")
    found: dict[str, Outcome] = {}
    for way, tree in (("policy", problem), ("steady", grounds.never_changing), ("base", grounds.never_changing)):
        held = _held(levels[levels["way"] == way], tree)
        npv = tree.npv(held) * grounds.usd
        bound = record["certificate"]["bound_usd"] if way == "policy" else None
        found[way] = outcome(held, npv, grounds.measure, bound, grounds.usd)
    status = next(each for each in Status if each.label == record["status"])
    return Policy(
        grounds, problem, status, record["message"] or "", found["policy"], found["steady"], found["base"], None, None,
        Pieces(), record["seconds"],
    )


def _held(rows: pd.DataFrame, problem: PolicyTree) -> list[Floats]:
    """Levels of each node of a tree from the rows of its way."""
    found = []
    for node in problem.tree.nodes:
        own = rows[rows["node"] == node.name]
        columns = np.zeros(len(problem.staged.column_stage))
        columns[own["column"].to_numpy(np.int64)] = own["level"].to_numpy(np.float64)
        found.append(columns[problem.columns[node.stage]])
    return found


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
        "format": FORMAT, "command": POLICY_COMMAND, "case": policy.case.settings.name,
        "case_hash": policy.case.source_hash,
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

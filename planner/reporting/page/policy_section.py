"""Decide now, decide later: what a policy signs now, what it leaves open, and how it fared over other futures."""

from __future__ import annotations

import pandas as pd

from planner.reporting.amounts import count, dollars, share, words
from planner.reporting.findings import Findings
from planner.reporting.page import blocks
from planner.reporting.page.blocks import Note, Section, Shown, Table, present, table_of
from planner.reporting.page.sections import Figures, decisions_shown, drawn
from planner.reporting.policies import Decided, Replayed, range_in_words, signed_in_words, values_table
from planner.storage.policy_words import WAYS
from planner.wording import counted, percent, tail_text

POLICY = "policy"


def policy_section(found: Findings, figures: Figures, decided: Decided, replayed: Replayed | None) -> Section:
    """The line of values, what is signed now, left open and never taken, the tree, and capacity over its paths."""
    other = decided.unlike(found)
    notes = [] if not other else [
        Note(f"The policy was made under other options than this run: {', '.join(map(words, other))}.")
    ]
    return Section(
        POLICY, "Decide now, decide later",
        present([
            *notes, _values(decided), _signed(decided), _left_open(decided), _rest(decided),
            *drawn(figures, "policy_tree"), _nodes(decided), *drawn(figures, "policy_capacity"),
            *([] if replayed is None else _replay(decided, replayed)),
        ]),
        _line_of_values(decided),
    )


def _line_of_values(decided: Decided) -> str:
    """never changes <= policy <= known future, what adapting is worth, and to which gap it is proven."""
    told, weight = decided.summary, float(decided.summary["risk_weight"])
    policy, known, bound = told["policy"], told["known_futures"], told["bound_usd"]
    line = (
        f"Never changes {dollars(told['never_changes']['objective_usd'])} ≤ policy {dollars(policy['objective_usd'])}"
    )
    foreseen = ""
    if known is not None:
        error = known["standard_error_usd"]
        told_error = "" if error is None else f" ± {dollars(error)}"
        sample = f"over {counted(known['sample'], 'future')}"
        if weight == 0.0:
            line += f" ≤ known future {dollars(policy['mean_npv_usd'] + known['gain_at_most_usd'])}{told_error}"
            foreseen = f"; the last an upper bound {sample}"
        else:
            gain = dollars(known["gain_at_most_usd"])
            foreseen = f"; to know the future would bring {gain}{told_error} of NPV more at most, {sample}"
    proven = "" if bound is None or told["gap"] is None else (
        f". Proven to a gap of {percent(told['gap'], 2)}: no policy over these nodes is worth more than "
        f"{dollars(bound)}"
    )
    measure = "expected NPV" if weight == 0.0 else f"(1 - w) × expected NPV - w × CVaR, w = {weight:g}"
    futures, nodes = counted(told["scenarios"], "future"), counted(told["nodes"], "node")
    return (
        f"{line}: adapting is worth {dollars(told['value_of_adapting_usd'])} ({measure}, {futures}, {nodes}"
        f"{foreseen}){proven}."
    )


def _measured(decided: Decided) -> list[Shown]:
    return [
        blocks.number("cvar_usd", f"CVaR of loss, worst {tail_text(decided.alpha)}", dollars),
        blocks.number("loss_probability", "P(loss)", share),
    ]


def _values(decided: Decided) -> Table:
    weighed = float(decided.summary["risk_weight"]) > 0.0
    columns = [
        Shown("way", "way of deciding"), blocks.number("mean_npv_usd", "expected NPV", dollars), *_measured(decided),
        *([blocks.number("objective_usd", "after risk", dollars)] if weighed else []),
    ]
    return table_of(
        "policy_values", "What each way of deciding is worth", values_table(decided), columns,
        "Over the futures that the policy was made for. A CVaR below zero: there is no loss even in the worst of them.",
    )


def _signed(decided: Decided) -> Table | Note:
    if decided.signed.empty:
        return Note("Sign now: nothing. All that is decided later can wait.")
    return decisions_shown(
        "policy_signed", "Sign now", decided.signed,
        f"{counted(len(decided.signed), 'decision')} that cannot wait, in undiscounted dollars before tax that can no "
        "longer be avoided; each stands in sign_now.csv.",
    )


def _left_open(decided: Decided) -> Table | Note:
    rows = decided.decisions[decided.decisions["verdict"] == "open"]
    if rows.empty:
        return Note("Nothing is left open: what is decided later is the same in all nodes.")
    rows = rows.sort_values("worth_usd", ascending=False, na_position="last", kind="stable")
    table = rows.assign(
        thing=rows["sort"] + " " + rows["name"],
        amount=[range_in_words(row.least, row.most, row.unit) for row in rows.itertuples()],
    )
    columns = [
        Shown("thing", "left open"), Shown("review", "until the review of"), Shown("amount", "least to most"),
        blocks.number("taken_share", "taken in", share), Shown("sign", "more of it"),
        blocks.number("accuracy", "sign right in", share),
        *([blocks.number("worth_usd", "worth keeping open", _worth)] if rows["worth_usd"].notna().any() else []),
    ]
    return table_of(
        "policy_open", "Left open", table, columns,
        "Least to most: over the paths. Right: share of the futures in which the sign alone says what the policy does. "
        "Worth keeping open, where it was asked: the most to pay for a deposit, an extension or a reservation.",
    )


def _worth(usd: float) -> str:
    """What is lost without a decision; where there is no policy without it, everything."""
    return "everything" if usd == float("inf") else dollars(usd)


def _rest(decided: Decided) -> Table:
    things, found = decided.decisions, []
    for said, of in (
        ("never", things["verdict"] == "never"), ("later, whatever happens", things["verdict"] == "later"),
        ("now by the base plan, not by this", (things["now"] == 0.0) & (things["base_plan_now"] > 0.0)),
    ):
        rows = things[of]
        found += [
            {"when": said, "sort": sort, "number": float(len(names)), "which": ", ".join(names)}
            for sort, names in rows.groupby("sort", sort=False)["name"]
        ]
    columns = [
        Shown("when", "taken"), Shown("sort", "sort"), blocks.number("number", "number", count), Shown("which", "which")
    ]
    return table_of(
        "policy_rest", "What else is not signed now",
        pd.DataFrame(found, columns=["when", "sort", "number", "which"]), columns,
    )


def _nodes(decided: Decided) -> Table:
    amounts, nodes = decided.amounts, decided.nodes
    table = nodes.assign(
        signed=[", ".join(signed_in_words(amounts[amounts["node"] == node])) or "nothing" for node in nodes["node"]]
    )
    columns = [
        Shown("node", "node"), Shown("review", "decided in"), blocks.number("probability", "probability", share),
        blocks.number("mean_npv_usd", "mean NPV", dollars),
        Shown("known", "what is known"), Shown("signed", "signed there"),
    ]
    return table_of(
        "policy_nodes", "Nodes of the tree", table, columns,
        "n is now, n2 the second group of futures at the first review, n2.1 the first of those at the second.",
    )


def _replay(decided: Decided, replayed: Replayed) -> list[Table | Note]:
    """The verdict, the ways of deciding over futures that the tree has not seen, and how often each sign was right."""
    record, ways = replayed.record, replayed.ways
    walked, leading = (
        ("following its nodes", "rule") if record["rule"] else ("planning again at each review", "policy")
    )
    stopped, verdict = int(record["replans_without_answer"]), str(record["verdict"]).replace("+-", "±")
    late = f" {counted(stopped, 're-plan')} had no answer in time." if stopped else ""
    futures = counted(record["futures"], "future")
    found: list[Table | Note] = [
        Note(f"Replayed over {futures} that the tree has not seen, {walked}: {verdict}.{late}")
    ]
    table = ways.assign(
        said=ways["way"].map(WAYS).fillna(ways["way"]),
        more=ways["policy_less_usd"].where(ways["way"] != leading),
        error=ways["policy_less_error_usd"].where(ways["way"] != leading),
    )
    found.append(table_of(
        "replay_ways", "Over futures that the tree has not seen", table,
        [
            Shown("said", "way of deciding"), blocks.number("mean_npv_usd", "mean NPV", dollars),
            blocks.number("standard_error_usd", "standard error", dollars), *_measured(decided),
            blocks.number("more", "policy brings more", dollars), blocks.number("error", "±", dollars),
        ],
        "What the policy brings more is the mean of the differences future by future, with its standard error.",
    ))
    signs = replayed.signs
    found.append(table_of(
        "replay_signs", "How often each sign was right", signs.assign(thing=signs["sort"] + " " + signs["name"]),
        [
            Shown("thing", "left open"), Shown("sign", "more of it"),
            blocks.number("accuracy_in_tree", "right in the tree", share),
            blocks.number("sign_said_yes", "said yes", share), blocks.number("taken", "taken", share),
            blocks.number("sign_was_right", "right here", share),
        ],
    ))
    return found

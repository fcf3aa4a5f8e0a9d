"""`planner plan --adapt`: a policy made, written, and told on one screen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import typer

from planner.adapting.adapt import adapted
from planner.adapting.decisions import DUST, Sort, Verdict
from planner.adapting.nodes import shares
from planner.adapting.options import AdaptOptions
from planner.adapting.policy import Choice, Policy, Worth
from planner.adapting.policy_folder import policy_summary, write_policy
from planner.adapting.waiting import asked
from planner.case.case import Case
from planner.cli.progress import saying
from planner.cli.terminal import output, say_written, show, table_of
from planner.cli.written import month
from planner.planning.options import PlanOptions
from planner.plans.commitments import screen_of
from planner.reporting.policies import amount_in_words, range_in_words
from planner.storage.policy_words import VALUES
from planner.wording import counted, listed, millions, percent, tail_text

SIGNED, OPEN, NEVER = 9, 7, 6
"""Lines of what is signed now and of what is left open, and names of what is never taken, on the screen."""
SINGLE = (Sort.SITE, Sort.PHASE, Sort.LEASE, Sort.LINK)
"""Sorts of things that are told one by one; halls and GPUs are told by their amounts."""


def plan_policy(
    case: Case, options: PlanOptions, given: Mapping[str, Any], *, out: Path | None, force: bool, details: bool,
    as_json: bool,
) -> None:
    """Make a policy, write it and print it; given: options of `AdaptOptions` as they were written, None for the
    usual."""
    import json

    chosen = {name: value for name, value in given.items() if value is not None}
    if "reviews" in chosen:
        chosen["reviews"] = tuple(month(part) for part in chosen["reviews"].split(","))
    if "branches" in chosen:
        chosen["branches"] = _counts(chosen["branches"])
    with saying(f"policy for {case.settings.name}", quiet=as_json, every=0.0) as say:
        found = adapted(case, options, AdaptOptions(**chosen), say=say)
    if out is not None:
        write_policy(found, out, force=force)
    if as_json:
        typer.echo(json.dumps(policy_summary(found), indent=2, allow_nan=False))
    else:
        print_policy(found, details=details)
        if out is not None:
            say_written(output(), out)
    if found.status.exit_code:
        raise typer.Exit(found.status.exit_code)


def _counts(written: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in written.split(","))
    except ValueError:
        raise typer.BadParameter(
            f"{written!r} are not numbers of groups; write 3,3", param_hint="--branches"
        ) from None


def print_policy(policy: Policy, *, details: bool = False) -> None:
    """Print what to sign now, what to leave open, what never, and the line of values."""
    console = output()
    for line in _heading(policy):
        console.print(line, markup=False, highlight=False)
    if policy.best is None:
        console.print(str(policy.status), markup=False)
        if policy.message:
            console.print(policy.message, markup=False)
        console.print("planner plan of the same case says why there is none", markup=False)
        return
    most = 10_000 if details else SIGNED
    show(console, _signed(policy, most))
    show(console, _left_open(policy, 10_000 if details else OPEN))
    for line in _rest(policy):
        console.print(line, markup=False, highlight=False)
    show(console, _values(policy))
    for line in _remarks(policy):
        console.print(line, markup=False, highlight=False)


def _heading(policy: Policy) -> Iterator[str]:
    calendar, tree = policy.candidates.outlook.calendar, policy.tree
    gap = "" if policy.gap is None else f", proven to {percent(policy.gap, 2)}"
    reviews = listed([calendar.written(each) for each in tree.reviews], 6) or "none"
    yield (
        f"{policy.case.settings.name}: policy {policy.status.label}{gap}, HiGHS, {sum(policy.seconds.values()):.1f} s; "
        f"{counted(len(policy.futures), 'future')}, reviews {reviews}, {counted(len(tree.nodes), 'node')}"
    )


def _worth(worth: Worth | None) -> str:
    """A worth in dollars."""
    if worth is None:
        return ""
    return "(none without it)" if np.isinf(worth.relaxed_usd) else millions(worth.relaxed_usd)


def _signed(policy: Policy, most: int) -> Any:
    """What is signed now, in as many lines as there is room for."""
    commits = policy.commitments
    if not len(commits):
        return "sign now: nothing"
    names = ("by", "sign now", "at", "how much", "commits")
    lines = screen_of(commits, most)
    rows = [
        (str(line.by), str(line.decision), str(line.at), str(line.how_much), millions(float(line.commits_usd)))
        for line in lines.itertuples()
    ]
    title = f"sign now: {counted(len(commits), 'decision')} that commit {millions(float(commits['commits_usd'].sum()))}"
    return table_of(title, names, rows, text=names[:4])


def _left_open(policy: Policy, most: int) -> Any:
    choices = [choice for choice in policy.chosen(Verdict.OPEN) if choice.thing.sort in SINGLE]
    if not choices:
        return "nothing is left open: what is decided later is the same in all nodes"
    calendar = policy.candidates.outlook.calendar
    choices.sort(key=lambda choice: -_turn(choice))
    rows = []
    for choice in choices[:most]:
        at = policy.sign_stage(choice.decision)
        sign = choice.sign
        rows.append((
            choice.thing.label, "" if at is None else calendar.written(policy.tree.reviews[at - 1]),
            _amounts(choice), "no one figure tells" if sign is None else sign.words,
            "" if sign is None else percent(sign.accuracy, 0), _worth(choice.worth),
        ))
    names = ("leave open", "until", "then", "more of it", "right", "pay up to")
    more = f"; {len(choices) - most} more in decisions.csv" if len(choices) > most else ""
    return table_of(
        f"leave open: {counted(len(choices), 'decision')}{more}", names, rows,
        text=("leave open", "until", "then", "more of it")
    )


def _amounts(choice: Choice) -> str:
    """What of a thing is taken over the paths, least to most; of one that is not always taken, in how many."""
    decision, unit = choice.decision, choice.thing.unit
    chance = f"in {percent(decision.taken, 0)}" if decision.least <= 0.0 else ""
    if unit == "0/1":
        return f"taken {chance}".rstrip()
    if decision.most - decision.least <= DUST * decision.most:
        return amount_in_words(decision.most, unit)
    if chance and not _partly(choice):
        return f"{amount_in_words(decision.most, unit)} {chance}"
    return f"{range_in_words(decision.least, decision.most, unit)} {chance}".rstrip()


def _partly(choice: Choice) -> bool:
    """Whether of a thing more than one amount is taken where it is taken at all."""
    taken = choice.decision.amount[choice.decision.amount > 0.0]
    return bool(np.ptp(taken) > DUST * taken.max())


def _turn(choice: Choice) -> float:
    """What is at stake in what is left open: its worth where known, else how far it turns."""
    if choice.worth is not None:
        return 1e3 + choice.worth.relaxed_usd
    return choice.decision.taken * (1.0 - choice.decision.taken)


def _rest(policy: Policy) -> Iterator[str]:
    signed = [choice for choice in policy.chosen(Verdict.NOW) if choice.worth is not None]
    signed.sort(key=lambda choice: -_turn(choice))
    if signed:
        told = [f"{choice.thing.label} {_worth(choice.worth)}" for choice in signed]
        yield f"would lose, left for later or never: {listed(told, 5)}"
    too_soon = [
        choice.thing.label for choice in policy.choices
        if choice.thing.sort in SINGLE and choice.decision.now == 0.0
        and policy.base_decisions[choice.thing.label].now > 0.0
    ]
    if too_soon:
        yield f"the base plan signs now, this does not: {listed(too_soon, NEVER)}"
    later = [choice.thing.label for choice in policy.chosen(Verdict.LATER) if choice.thing.sort in SINGLE]
    if later:
        yield f"later, whatever happens: {listed(later, NEVER)}"
    never = [choice.thing.label for choice in policy.chosen(Verdict.NEVER) if choice.thing.sort in SINGLE]
    if never:
        yield f"never: {listed(never, NEVER)}"


def _values(policy: Policy) -> Any:
    told = policy_summary(policy)
    rows = [
        (
            words, millions(told[way]["mean_npv_usd"]), millions(told[way]["cvar_usd"]),
            percent(told[way]["loss_probability"]),
        )
        for way, words in VALUES.items() if told[way] is not None
    ]
    tail = f"CVaR of loss, worst {tail_text(policy.adapt.alpha)}"
    return table_of(None, ("", "expected NPV", tail, "P(loss)"), rows, text=("",))


def _remarks(policy: Policy) -> Sequence[str]:
    best, steady, foreseen = policy.best, policy.steady, policy.foreseen
    assert best is not None
    assert steady is not None
    assert policy.value_of_adapting_usd is not None
    beaten = "" if best.bound_usd is None else f" (no policy beats {millions(best.bound_usd)})"
    known = ""
    if foreseen is not None:
        error = "" if np.isinf(foreseen.error_usd) else f" +- {millions(foreseen.error_usd)}"
        known = f"; to know the future would bring {millions(foreseen.gain_usd)}{error} more NPV at most"
    weight = policy.adapt.weight
    what = f"{1.0 - weight:g} x expected NPV - {weight:g} x CVaR: " if weight else ""
    found = [
        f"{what}never changes {millions(steady.objective_usd)} <= policy {millions(best.objective_usd)}{beaten}: "
        f"adapting is worth {millions(policy.value_of_adapting_usd)}{known}"
    ]
    tree, means = policy.tree, {}
    for leaf in tree.leaves:
        members = tree.nodes[leaf].futures
        means[leaf] = float(shares(tree.weights[members]) @ best.npv_usd[members])
    worst = min(means, key=means.__getitem__)
    if len(means) > 1:
        node = tree.nodes[worst]
        found.append(f"worst leaf ({percent(node.probability, 0)}, {millions(means[worst])} on average): {node.words}")
    missing = len(asked(policy)) - len(policy.worths)
    if policy.adapt.worth and missing:
        found.append(f"the time limit came before it was known what {counted(missing, 'decision')} are worth")
    return found

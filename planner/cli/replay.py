"""`planner replay`: a policy over futures that its tree has never seen."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from planner.cli.options import NUMBER, AsJson, Force, ImportedFutures, PlannedCase, Resume, out_into, sharing

if TYPE_CHECKING:
    from planner.adapting.replay import Replay

SHOWN = 8
"""Signs shown one by one."""


def replay(
    folder: Annotated[
        Path, typer.Argument(metavar="POLICY", help="run of planner plan --adapt: the folder that it wrote")
    ],
    count: Annotated[
        int, typer.Option("--scenarios", min=1, metavar=NUMBER, help="futures drawn, that are walked")
    ] = 200,
    seed: Annotated[
        int | None,
        typer.Option("--seed", min=0, metavar=NUMBER, help="seed of the draws [default: the one after the policy's]"),
    ] = None,
    futures: ImportedFutures = None,
    rule: Annotated[
        bool, typer.Option("--rule", help="follow the nodes of the policy in place of planning again")
    ] = False,
    case: PlannedCase = None,
    out: Annotated[Path | None, out_into("the replay", "; kept future by future while it runs")] = None,
    force: Force = False,
    resume: Resume = False,
    workers: Annotated[int | None, sharing(" [default: one a core]")] = None,
    as_json: AsJson = False,
) -> None:
    """Walk futures that a policy has never seen: at each review what is known is known, and the rest is planned again.

    Example: planner replay runs/policy --scenarios 200 --out runs/replayed
    """
    import json

    from planner.adapting.replay import ReplayOptions, replay_record
    from planner.adapting.replay import replay as walk
    from planner.cli.progress import saying
    from planner.cli.terminal import output, say_written

    options = ReplayOptions(
        futures=count, seed=seed, imported=None if futures is None else str(futures), rule=rule, workers=workers
    )
    with saying("replay", quiet=as_json) as say:
        found = walk(
            folder, options, case=case, out=out, resume=resume, force=force,
            progress=None if say is None else lambda done, of: say(f"{done:,} of {of:,} futures"),
        )
    if as_json:
        typer.echo(json.dumps(replay_record(found), indent=2, allow_nan=False))
    elif found.walked:
        _print(found)
        if out is not None and not found.interrupted:
            say_written(output(), out)
    if found.interrupted:
        told = f"; go on with --resume --out {out}" if out is not None else ""
        typer.echo(f"stopped after {len(found.walked):,} of {len(found.futures):,} futures{told}", err=True)
        raise typer.Exit(130)


def _print(found: Replay) -> None:
    from planner.cli.terminal import output, show, table_of
    from planner.storage.policy_words import WAYS
    from planner.wording import counted, millions, percent, tail_text

    console, policy = output(), found.policy
    console.print(
        f"{policy.case.settings.name}: {counted(len(found.walked), 'future')} that the policy has not seen, in "
        f"{found.seconds:.1f} s", markup=False, highlight=False,
    )
    rows = [
        (
            WAYS[row.way], millions(row.mean_npv_usd), millions(row.standard_error_usd), millions(row.cvar_usd),
            percent(row.loss_probability), "" if row.way == found.leading else
            f"{millions(row.policy_less_usd)} +- {millions(row.policy_less_error_usd)}",
        )
        for row in found.summary.itertuples()
    ]
    names = ("", "mean NPV", "error", f"CVaR, worst {tail_text(policy.adapt.alpha)}", "P(loss)", "policy brings more")
    show(console, table_of(None, names, rows, text=("",)))
    if len(found.signs):
        shown = found.signs.head(SHOWN)
        told = [
            (
                f"{row.sort} {row.name}", str(row.sign), percent(row.accuracy_in_tree, 0), percent(row.taken, 0),
                percent(row.sign_was_right, 0),
            )
            for row in shown.itertuples()
        ]
        more = f"; {len(found.signs) - SHOWN} more in signs.csv" if len(found.signs) > SHOWN else ""
        heads = ("left open", "more of it", "right in the tree", "taken", "right here")
        show(console, table_of(f"signs{more}", heads, told, text=heads[:2]))
    console.print(found.verdict, markup=False, highlight=False)

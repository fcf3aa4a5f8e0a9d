"""`planner quote`: the lowest rate at which to sign a lease, and what it displaces."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from planner.cli.options import (
    FILE,
    NUMBER,
    SHARE,
    Alpha,
    AsJson,
    Base,
    CasePath,
    Edits,
    Equity,
    Excludes,
    Fixes,
    Force,
    Gap,
    Relax,
    Stress,
    Tail,
    TimeLimit,
    out_into,
    sharing,
)
from planner.cli.written import month, share, yearly

if TYPE_CHECKING:
    from planner.cli.progress import Say
    from planner.quoting.inquiry import Inquiry
    from planner.quoting.quote import Done


def quote(
    path: CasePath,
    gpu: Annotated[
        str,
        typer.Option(
            metavar="SKUS",
            help="SKUs that may serve it, the first the unit: gb300, or 'gb300; b200=1.1' with GPUs per unit",
        ),
    ] = "",
    gpus: Annotated[float | None, typer.Option(min=0.0, metavar=NUMBER, help="GPUs asked for")] = None,
    mw: Annotated[
        float | None,
        typer.Option(
            min=0.0, metavar="MW",
            help="MW of critical IT of a powered hall asked for, instead of GPUs",
        ),
    ] = None,
    start: Annotated[
        str | None,
        typer.Option(
            parser=month, metavar="MONTH",
            help="first month of the term: 2027-10, or 2027-Q4 for the first of that quarter",
        ),
    ] = None,
    term: Annotated[int | None, typer.Option(min=1, metavar="MONTHS", help="months of the term")] = None,
    sites: Annotated[
        str, typer.Option(metavar="NAMES", help="sites on which it may stand, separated by ; [default: any]"),
    ] = "",
    regions: Annotated[
        str, typer.Option(metavar="NAMES", help="regions in which it may stand, separated by ; [default: any]"),
    ] = "",
    customer: Annotated[
        str, typer.Option(metavar="NAME", help="a customer of the case [default: one that never defaults]"),
    ] = "",
    all_or_nothing: Annotated[bool, typer.Option("--all-or-nothing", help="taken whole or not at all")] = False,
    single_fabric: Annotated[bool, typer.Option("--single-fabric", help="must stand on one fabric")] = False,
    prepay: Annotated[
        float | None,
        typer.Option(
            parser=share, metavar=SHARE,
            help="share of its first-rate value paid at the start, such as 20% [default: none]",
        ),
    ] = None,
    take_or_pay: Annotated[
        float | None,
        typer.Option(
            "--take-or-pay", parser=share, metavar=SHARE,
            help="share paid whether used or not [default: 100%]",
        ),
    ] = None,
    utilisation: Annotated[
        float | None, typer.Option(parser=share, metavar=SHARE, help="share expected to be used [default: 100%]"),
    ] = None,
    escalator: Annotated[
        float | None,
        typer.Option(
            parser=yearly, metavar=SHARE,
            help="yearly rise of the rate, such as 3% [default: none]",
        ),
    ] = None,
    notice: Annotated[
        int | None,
        typer.Option(
            metavar="MONTHS",
            help="months of notice by which the customer may leave when the market has fallen [default: none]",
        ),
    ] = None,
    notice_from: Annotated[
        int | None,
        typer.Option(
            "--notice-from", metavar="MONTHS",
            help="months of the term before notice can be given",
        ),
    ] = None,
    energy_by: Annotated[str | None, typer.Option("--energy-by", metavar="NAME", help="landlord or tenant")] = None,
    inquiries: Annotated[
        Path | None,
        typer.Option(
            "--inquiries", metavar=FILE,
            help="CSV of inquiries, instead of one on the command line: columns name, gpu, gpus, mw, start, "
            "term_months and others of leases",
        ),
    ] = None,
    scenarios: Annotated[
        int | None,
        typer.Option(
            min=2, metavar=NUMBER,
            help="futures drawn, over which to find floors too, both plans held [default: none]",
        ),
    ] = None,
    alpha: Alpha = 0.95,
    risk_weight: Annotated[
        float,
        typer.Option(
            "--risk-weight", parser=share, metavar=SHARE,
            help="weight of CVaR against the mean over many futures: 0 for the mean alone, 1 for the tail alone",
        ),
    ] = 0.5,
    out: Annotated[Path | None, out_into("the quotes")] = None,
    force: Force = False,
    edits: Edits = None,
    stress: Stress = None,
    fixes: Fixes = None,
    excludes: Excludes = None,
    base: Base = "expected",
    tail: Tail = None,
    equity: Equity = False,
    relax: Relax = False,
    gap: Gap = 1e-4,
    time_limit: TimeLimit = None,
    workers: Annotated[int | None, sharing(" [default: one a core]")] = None,
    as_json: AsJson = False,
) -> None:
    """Find the lowest rate at which to sign a lease: where the plan with it is worth as much as the plan without it.

    Example: planner quote fixtures/neocloud --gpu gb300 --gpus 20000 --start 2027-07 --term 36
    """
    import json

    from planner.case.read import read_case
    from planner.cli.progress import saying
    from planner.cli.quote_summary import print_quotes
    from planner.planning.options import PlanOptions
    from planner.quoting.inquiry import inquiry_of
    from planner.quoting.inquiry_file import read_inquiries
    from planner.quoting.quote import quote_many
    from planner.quoting.quote_files import quote_record, write_quotes
    from planner.quoting.risk import QuoteRisk
    from planner.solver.options import SolverOptions
    from planner.storage.folders import refuse_other_folders

    if out is not None:
        refuse_other_folders(out, force=force)
    choices: dict[str, Any] = {
        "gpu": gpu, "gpus": gpus, "mw": mw, "start": start, "term_months": term, "sites": sites, "regions": regions,
        "customer": customer,
        "all_or_nothing": all_or_nothing, "single_fabric": single_fabric, "prepay_fraction": prepay,
        "take_or_pay": take_or_pay,
        "utilisation": utilisation, "escalator": escalator, "notice_months": notice, "notice_from_month": notice_from,
        "energy_by": energy_by,
    }
    asked = [inquiry_of(None, choices)] if inquiries is None else _only_file(inquiries, choices, read_inquiries)
    options = PlanOptions(
        base=base, tail=tail, equity=equity, edits=tuple(edits or ()), stress=stress, fixes=tuple(fixes or ()),
        excludes=tuple(excludes or ()),
        solver=SolverOptions(gap=gap, time_limit_s=time_limit, relax=relax),
    )
    risk = None if scenarios is None else QuoteRisk(scenarios, alpha, risk_weight)
    case = read_case(path)
    with saying("searching plans with and without an inquiry", quiet=as_json) as say:
        done = None if say is None else _done_on(say, len(asked))
        found = quote_many(case, asked, options=options, risk=risk, workers=workers, done=done)
    if out is not None:
        write_quotes(found, case, options, out, force=force)
    if as_json:
        records = [quote_record(each) for each in found]
        typer.echo(json.dumps(records[0] if inquiries is None else records, indent=2, allow_nan=False))
    else:
        print_quotes(found, out)
    if not all(each.proven for each in found):
        raise typer.Exit(4 if all(each.floor == each.floor or each.proven for each in found) else 5)


def _only_file(path: Path, choices: dict[str, Any], read: Any) -> list[Inquiry]:
    """Inquiries from a file; terms given beside it are refused, since nobody could tell to which they belong."""
    from planner.errors import PlannerError

    given = [name for name, value in choices.items() if value not in (None, "", False)]
    if given:
        raise PlannerError(
            f"--inquiries brings the terms of every inquiry, so {', '.join(given)} cannot be given beside it; put them "
            "into the file"
        )
    inquiries: list[Inquiry] = read(path)
    return inquiries


def _done_on(say: Say, count: int) -> Done:
    """What the search calls as answers come."""
    answered = 0

    def show(name: str, answer: object) -> None:
        nonlocal answered
        answered += answer is not None
        last = f", {name}: {getattr(answer, 'value', '')}" if name else ""
        say(f"{answered} of {count} done{last}")

    return show
